// Came from: decode_body (x-uuencode) and texts. Goes to: codec/convert. Each line is looked at once: a file that turns out to be none is
// given up where it breaks, and reading goes on behind that.
#include "codec/mime/uuencode.h"

#include <algorithm>
#include <optional>

#include "codec/simd/simd.h"

namespace pushmail::mime {
namespace {

std::string_view take_line(std::string_view text, std::size_t& at) {
  const std::size_t found = simd::active().find_byte(bytes_of(text), at, '\n');
  const std::size_t end = found == simd::none ? text.size() : found;
  std::string_view line = text.substr(at, end - at);
  at = std::min(end + 1, text.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// `begin 644 cat.txt`: the name.
std::optional<std::string_view> begin_line(std::string_view line) {
  constexpr std::string_view begin = "begin ";
  if (!line.starts_with(begin)) return std::nullopt;
  line.remove_prefix(begin.size());
  const std::size_t digits = std::min(line.find(' '), line.size());
  if (digits < 3 || digits > 4 || !std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(digits), is_octal))
    return std::nullopt;
  const std::string_view name = ascii_trim(line.substr(digits));
  if (name.empty()) return std::nullopt;
  return name;
}

/// A line of data: its length in the first character, then four characters for three bytes; trailing blanks may be lost. Appends its bytes.
bool append_line(ArenaText& out, std::string_view line) {
  if (line.empty() || line[0] < ' ' || line[0] > '`') return false;
  const auto value = [&](std::size_t i) -> std::uint32_t {
    return i < line.size() ? (static_cast<std::uint8_t>(line[i]) - 32U) & 63U : 0U;
  };
  std::size_t left = value(0);
  // A character may stand behind the data as a checksum.
  if (line.size() > (left + 2) / 3 * 4 + 2) return false;
  if (std::any_of(line.begin(), line.end(), [](char c) { return c < ' ' || c > '`'; })) return false;
  left = std::min(left, (line.size() - 1) * 3 / 4);
  for (std::size_t i = 1; left > 0; i += 4) {
    const std::uint32_t group = value(i) << 18U | value(i + 1) << 12U | value(i + 2) << 6U | value(i + 3);
    for (unsigned byte = 0; byte < 3 && left > 0; ++byte, --left) out += static_cast<char>(group >> (16U - 8U * byte));
  }
  return true;
}

}  // namespace

std::span<const InlineFile> read_uuencoded(std::string_view text, Arena& arena) {
  ArenaList<InlineFile> files(arena);
  std::optional<InlineFile> open;
  ArenaText data(arena);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const std::string_view line = take_line(text, at);
    if (open && ascii_trim(line) == "end") {
      open->end = at;
      open->data = bytes_of(data.take_view());
      files.push_back(*open);
      open.reset();
    } else if (const auto name = begin_line(line)) {
      open = InlineFile{.name = decode_header(*name, arena), .begin = start, .end = 0, .data = {}};
      data.shrink(0);
    } else if (open && !append_line(data, line)) {
      open.reset();
    }
  }
  return files.take();
}

ByteView decode_uuencode(ByteView body, Arena& arena) {
  const std::string_view text = text_of(body);
  ArenaText data(arena);
  data.reserve(body.size());
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view line = take_line(text, at);
    if (!inside)
      inside = line.starts_with("begin ");
    else if (line.starts_with("end"))
      break;
    else
      static_cast<void>(append_line(data, line));
  }
  return bytes_of(data.take_view());
}

}  // namespace pushmail::mime

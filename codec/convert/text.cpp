// Small pieces of text handling for both directions.
#include "codec/convert/text.h"

#include <algorithm>

#include "codec/convert/fillers.h"
#include "codec/convert/text_split.h"
#include "codec/mime/message.h"
#include "core/free_blocks.h"
#include "core/typed_text.h"
#include "core/utf8.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t plain_block_size = 64;

/// Whether something that readable() takes out may begin with it.
constexpr auto is_suspect = [](auto at) {
  return ((at(0) < 0x20) & (at(0) != '\n') & (at(0) != '\t')) | (at(0) == 0x7F) | (at(0) == 0xC2) | (at(0) == 0xE2);
};

}  // namespace

std::string readable(std::string_view utf8) {
  Arena arena;
  return std::string(readable(utf8, arena));
}

std::string_view readable(std::string_view utf8, Arena& arena) {
  const auto byte = [&](std::size_t i) -> unsigned { return i < utf8.size() ? static_cast<unsigned char>(utf8[i]) : 0U; };
  // How many bytes at `at` are to go; 0: the byte there stays.
  const auto excess = [&](std::size_t at) -> std::size_t {
    const unsigned c = byte(at);
    if (c >= 0x20 && c < 0x7F) return 0;
    if (c == 0xC2) return byte(at + 1) >= 0x80 && byte(at + 1) < 0xA0 ? 2 : 0;  // C1
    if (c == 0xE2) {
      const bool turns = (byte(at + 1) == 0x80 && byte(at + 2) >= 0xAA && byte(at + 2) <= 0xAE) ||
                         (byte(at + 1) == 0x81 && byte(at + 2) >= 0xA6 && byte(at + 2) <= 0xA9);
      return turns ? 3 : 0;  // U+202A..U+202E, U+2066..U+2069
    }
    return c >= 0x80 || c == '\n' || c == '\t' ? 0 : 1;
  };
  // Most texts have nothing to take out.
  std::size_t at = 0;
  while (at + plain_block_size <= utf8.size() && is_free_block<plain_block_size>(utf8.data() + at, is_suspect)) at += plain_block_size;
  while (at < utf8.size() && excess(at) == 0) ++at;
  if (at == utf8.size()) return utf8;
  ArenaText out(arena);
  out.reserve(utf8.size());
  out += utf8.substr(0, at);
  while (at < utf8.size()) {
    if (const std::size_t size = excess(at); size > 0)
      at += size;
    else
      out += utf8[at++];
  }
  return out.take_view();
}

std::string_view cut(std::string_view utf8, std::size_t size_max) { return utf8.substr(0, grapheme_floor(utf8, size_max)); }

void append_number(ArenaText& out, std::size_t number) {
  const fmt::format_int digits(number);
  out += std::string_view(digits.data(), digits.size());
}

std::string_view size_words(std::size_t bytes, Arena& arena) {
  if (bytes < 1024) return format_in(arena, "{} bytes", bytes);
  if (bytes < 1024 * 1024) return format_in(arena, "{} KB", (bytes + 512) / 1024);
  return format_in(arena, "{:.1f} MB", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

std::string part_text(const MultimediaPart& part) {
  std::string text = mime::to_utf8(part.data, part.charset);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  std::erase(text, '\0');
  return text;
}

std::size_t first_text_part(const MultimediaMessage& mm) {
  const auto found =
      std::find_if(mm.parts.begin(), mm.parts.end(), [](const MultimediaPart& part) { return part.media_type == "text/plain"; });
  return static_cast<std::size_t>(found - mm.parts.begin());
}

std::string with_plain_first_word(std::string_view text) {
  constexpr std::size_t window = 1024;
  constexpr std::u32string_view wide_marks = U"\u3001\u3002\uFF01\uFF0C\uFF1A\uFF1B";
  std::string plain;
  bool in_word = false;
  std::size_t at = 0;
  while (at < std::min(text.size(), window)) {
    const CodePoint found = code_point_at(text, at);
    if (!found) break;
    // What is ASCII and not seen makes an address a wrong one; it is not pasted by mistake.
    const bool is_unseen = found.value >= 0x80 && is_typed_unseen(found.value);
    const bool is_line_end = is_typed_line_end(found.value);
    // Behind a comma or colon of Chinese and Japanese stands no blank.
    const bool is_wide_mark = in_word && wide_marks.contains(found.value);
    const bool is_end = is_line_end || is_wide_mark || is_typed_blank(found.value);
    if (is_end && found.size > 1) {
      plain += is_line_end ? '\n' : ' ';
    } else if (!is_unseen) {
      plain += text.substr(at, found.size);
    }
    at += found.size;
    if (is_end && in_word) {
      // `To: joe@example.com`
      if (!ascii_equal_nocase(ascii_trim(plain), "to:")) break;
      plain.clear();
      in_word = false;
    }
    in_word = in_word || (!is_end && !is_unseen);
  }
  return plain.append(text.substr(at));
}

std::size_t second_word(std::string_view text) {
  const std::size_t word = text.find_first_not_of(" \t\r\n");
  const std::size_t end = word == std::string_view::npos ? word : text.find_first_of(" \t\r\n", word);
  return std::min(text.find_first_not_of(" \t", end == std::string_view::npos ? text.size() : end), text.size());
}

std::size_t first_line_with_text(std::string_view text) {
  constexpr std::size_t window = 1024;  // nobody begins a text behind so many empty lines
  const std::string_view front = text.substr(0, window);
  Arena arena;
  for (std::size_t begin = 0; begin < front.size();) {
    const std::string_view line = front.substr(begin, second_line(front.substr(begin)));
    if (!ascii_trim(without_fillers(readable(line, arena), arena)).empty()) return begin;
    begin += line.size();
  }
  return text.size() > window ? 0 : text.size();
}

std::size_t second_line(std::string_view text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos) return text.size();
  return text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n' ? end + 2 : end + 1;
}

}  // namespace pushmail::convert

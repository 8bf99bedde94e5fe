// Bodies: transfer decoding, and text as UTF-8 with LF.
//
// Came from: Part::body, when somebody asks. Goes to: codec/convert, codec/mm7. What cannot be decoded is passed over and noted.
#include <algorithm>
#include <utility>

#include "codec/mime/fields.h"
#include "codec/mime/tolerances.h"
#include "codec/mime/uuencode.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"

namespace pushmail::mime {
namespace {

void note(std::vector<Tolerance>* tolerated, std::string_view rule, std::size_t at) {
  if (tolerated != nullptr) tolerated->push_back({rule, static_cast<std::uint32_t>(at)});
}

/// The written start of a piece; the rest goes back to the arena.
ByteView kept(MutableBytes piece, std::size_t written, Arena& arena) {
  arena.resize(piece.data(), piece.size(), written);
  return piece.first(written);
}

/// Whether behind padding the next line that is not blank is base64 and nothing else; its end is remembered, so that a line with
/// padding after each group is looked at once.
class AfterPadding {
 public:
  explicit AfterPadding(ByteView in) : text_(text_of(in)) {}

  [[nodiscard]] bool goes_on(std::size_t at) {
    if (at < clean_end_) return true;
    const std::size_t start = text_.find_first_not_of(" \t\r\n=", at);
    if (start == std::string_view::npos) return false;
    const std::size_t end = std::min(text_.find('\n', start), text_.size());
    const std::string_view line = ascii_trim(text_.substr(start, end - start));
    if (line.size() < 4 ||
        line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != std::string_view::npos) {
      return false;
    }
    clean_end_ = end;
    return true;
  }

 private:
  std::string_view text_;
  std::size_t clean_end_ = 0;
};

ByteView decode_base64(ByteView in, Arena& arena, std::vector<Tolerance>* tolerated) {
  const MutableBytes out = arena.bytes(simd::base64_decoded_max(in.size()) + 3);
  AfterPadding after_padding(in);
  std::size_t written = 0;
  std::size_t at = 0;
  bool foreign_noted = false;
  bool padding_noted = false;
  while (at < in.size()) {
    const simd::Decoded piece = simd::active().base64_decode(in.subspan(at), out.subspan(written));
    written += piece.written;
    if (piece.faults > 0 && !std::exchange(foreign_noted, true)) note(tolerated, tolerance::base64_foreign, at + piece.first_fault);
    at += piece.used;
    if (text_of(in.subspan(at)).find_first_not_of(" \t\r\n") == std::string_view::npos) break;
    // Some encoders pad every block, and some lists add a footer: the first goes on, the second is not base64.
    if (!std::exchange(padding_noted, true)) note(tolerated, tolerance::base64_after_padding, at);
    if (!after_padding.goes_on(at)) break;
  }
  return kept(out, written, arena);
}

ByteView decode_quoted_printable(ByteView in, Arena& arena, std::vector<Tolerance>* tolerated) {
  const MutableBytes out = arena.bytes(in.size());
  const simd::Decoded done = simd::active().qp_decode(in, out);
  if (done.faults > 0) note(tolerated, tolerance::quoted_printable_fault, done.first_fault);
  return kept(out, done.written, arena);
}

/// The charset that an HTML page names for itself, for parts that name none (HTML 4.01 §5.2.2).
std::string_view html_charset(ByteView page) {
  const std::string_view head = text_of(page.first(std::min<std::size_t>(page.size(), 1024)));
  for (std::size_t at = 0; at + 8 < head.size(); ++at) {
    if (!ascii_equal_nocase(head.substr(at, 8), "charset=")) continue;
    std::string_view label = head.substr(at + 8);
    label = label.substr(label.find_first_not_of("\"' ") == std::string_view::npos ? 0 : label.find_first_not_of("\"' "));
    return label.substr(0, std::min(label.find_first_of("\"' />;"), label.size()));
  }
  return {};
}

/// LF line ends and no NUL; the text itself when that is how it is.
std::string_view with_lf(std::string_view text, Arena& arena) {
  const bool has_nul = text.find('\0') != std::string_view::npos;
  std::size_t next = text.find('\r');
  if (next == std::string_view::npos && !has_nul) return text;
  const MutableBytes out = arena.bytes(text.size());
  std::size_t written = 0;
  const auto write = [&](std::string_view piece) {
    std::memcpy(out.data() + written, piece.data(), piece.size());
    written += piece.size();
  };
  std::size_t at = 0;
  while (next != std::string_view::npos) {
    write(text.substr(at, next - at));
    out[written++] = '\n';
    at = next + (text.substr(next + 1).starts_with('\n') ? 2 : 1);
    next = text.find('\r', at);
  }
  write(text.substr(at));
  if (has_nul)
    written = static_cast<std::size_t>(std::remove(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(written), 0) - out.begin());
  return text_of(kept(out, written, arena));
}

/// Letters of base64 up to its padding, four for three bytes.
std::size_t base64_decoded_size(ByteView body) {
  const auto is_base64 = [](std::uint8_t c) { return is_alphanumeric(c) || c == '+' || c == '/'; };
  return static_cast<std::size_t>(std::ranges::count_if(body, is_base64)) * 3 / 4;
}

/// RFC 2045 §6.7: `=XX` is one byte, `=` at a line's end none.
std::size_t quoted_printable_decoded_size(ByteView body) {
  std::size_t size = body.size();
  for (std::size_t at = 0; at < body.size(); ++at) {
    if (body[at] != '=') continue;
    const auto next = [&](std::size_t i) { return at + i < body.size() ? body[at + i] : std::uint8_t{0}; };
    if (is_hex_digit(next(1)) && is_hex_digit(next(2)))
      size -= 2;
    else if (next(1) == '\n')
      size -= 2;
    else if (next(1) == '\r' && next(2) == '\n')
      size -= 3;
  }
  return size;
}

}  // namespace

std::size_t decoded_size(const Part& part) {
  switch (part.coding) {
    case TransferCoding::base64:
      return base64_decoded_size(part.body);
    case TransferCoding::quoted_printable:
      return quoted_printable_decoded_size(part.body);
    case TransferCoding::uuencode:
      // Lines of 45 bytes are 61 letters and a line end.
      return part.body.size() / 62 * 45;
    case TransferCoding::identity:
      break;
  }
  return part.body.size();
}

ByteView decode_body(const Part& part, Arena& arena, std::vector<Tolerance>* tolerated) {
  switch (part.coding) {
    case TransferCoding::base64:
      return decode_base64(part.body, arena, tolerated);
    case TransferCoding::quoted_printable:
      return decode_quoted_printable(part.body, arena, tolerated);
    case TransferCoding::uuencode:
      return decode_uuencode(part.body, arena);
    case TransferCoding::identity:
      break;
  }
  return part.body;
}

Bytes decode_body(const Part& part, std::vector<Tolerance>* tolerated) {
  Arena arena;
  const ByteView body = decode_body(part, arena, tolerated);
  return {body.begin(), body.end()};
}

std::string_view decode_text(const Part& part, Arena& arena, std::vector<Tolerance>* tolerated) {
  const ByteView bytes = decode_body(part, arena, tolerated);
  std::string_view charset = part.charset;
  if (charset.empty() && part.media_type == "text/html") charset = html_charset(bytes);
  if (!charset.empty() && !is_known_charset(charset)) note(tolerated, tolerance::unknown_charset, 0);
  std::string_view text = to_utf8(bytes, charset, arena);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find("\xEF\xBF\xBD") != std::string_view::npos) note(tolerated, tolerance::wrong_charset, 0);
  return with_lf(text, arena);
}

std::string decode_text(const Part& part, std::vector<Tolerance>* tolerated) {
  Arena arena;
  return std::string(decode_text(part, arena, tolerated));
}

}  // namespace pushmail::mime

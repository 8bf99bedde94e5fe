// Bodies: transfer decoding, and text as UTF-8 with LF.
//
// Came from: Part::body, when somebody asks. Goes to: codec/convert, codec/mm7. What cannot be decoded is passed over and noted.
#include <algorithm>
#include <utility>

#include "codec/mime/fields.h"
#include "codec/mime/tolerances.h"
#include "codec/simd/simd.h"

namespace pushmail::mime {
namespace {

void note(std::vector<Tolerance>* tolerated, std::string_view rule, std::size_t at) {
  if (tolerated != nullptr) tolerated->push_back({rule, static_cast<std::uint32_t>(at)});
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
    if (line.size() < 4 || line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != std::string_view::npos) {
      return false;
    }
    clean_end_ = end;
    return true;
  }

 private:
  std::string_view text_;
  std::size_t clean_end_ = 0;
};

Bytes decode_base64(ByteView in, std::vector<Tolerance>* tolerated) {
  Bytes out(simd::base64_decoded_max(in.size()) + 3);
  AfterPadding after_padding(in);
  std::size_t written = 0;
  std::size_t at = 0;
  bool foreign_noted = false;
  bool padding_noted = false;
  while (at < in.size()) {
    const simd::Decoded piece = simd::active().base64_decode(in.subspan(at), MutableBytes(out).subspan(written));
    written += piece.written;
    if (piece.faults > 0 && !std::exchange(foreign_noted, true)) note(tolerated, tolerance::base64_foreign, at + piece.first_fault);
    at += piece.used;
    if (text_of(in.subspan(at)).find_first_not_of(" \t\r\n") == std::string_view::npos) break;
    // Some encoders pad every block, and some lists add a footer: the first goes on, the second is not base64.
    if (!std::exchange(padding_noted, true)) note(tolerated, tolerance::base64_after_padding, at);
    if (!after_padding.goes_on(at)) break;
  }
  out.resize(written);
  return out;
}

Bytes decode_quoted_printable(ByteView in, std::vector<Tolerance>* tolerated) {
  Bytes out(in.size());
  const simd::Decoded done = simd::active().qp_decode(in, out);
  if (done.faults > 0) note(tolerated, tolerance::quoted_printable_fault, done.first_fault);
  out.resize(done.written);
  return out;
}

/// Lines of up to 45 bytes, each with its length first, between `begin` and `end` (POSIX uuencode).
Bytes decode_uuencode(ByteView in) {
  Bytes out;
  bool inside = false;
  for (std::size_t at = 0; at < in.size();) {
    const std::size_t found = simd::active().find_byte(in, at, '\n');
    const std::size_t end = found == simd::none ? in.size() : found;
    const std::string_view line = text_of(in.subspan(at, end - at));
    at = end + 1;
    if (!inside) {
      inside = line.starts_with("begin ");
      continue;
    }
    if (line.starts_with("end")) break;
    if (line.empty()) continue;
    const auto value = [&](std::size_t i) -> std::uint32_t {
      return i < line.size() ? (static_cast<std::uint8_t>(line[i]) - 32U) & 63U : 0U;
    };
    std::size_t left = std::min<std::size_t>(value(0), (line.size() - 1) * 3 / 4);
    for (std::size_t i = 1; left > 0; i += 4) {
      const std::uint32_t group = value(i) << 18U | value(i + 1) << 12U | value(i + 2) << 6U | value(i + 3);
      for (unsigned byte = 0; byte < 3 && left > 0; ++byte, --left) out.push_back(static_cast<std::uint8_t>(group >> (16U - 8U * byte)));
    }
  }
  return out;
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

std::string with_lf(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\r') {
      out += '\n';
      if (at + 1 < text.size() && text[at + 1] == '\n') ++at;
    } else if (text[at] != '\0') {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

Bytes decode_body(const Part& part, std::vector<Tolerance>* tolerated) {
  switch (part.coding) {
    case TransferCoding::base64:
      return decode_base64(part.body, tolerated);
    case TransferCoding::quoted_printable:
      return decode_quoted_printable(part.body, tolerated);
    case TransferCoding::uuencode:
      return decode_uuencode(part.body);
    case TransferCoding::identity:
      break;
  }
  return {part.body.begin(), part.body.end()};
}

std::string decode_text(const Part& part, std::vector<Tolerance>* tolerated) {
  const Bytes bytes = decode_body(part, tolerated);
  std::string_view charset = part.charset;
  if (charset.empty() && part.media_type == "text/html") charset = html_charset(bytes);
  if (!charset.empty() && !is_known_charset(charset)) note(tolerated, tolerance::unknown_charset, 0);
  std::string text = to_utf8(bytes, charset);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.find("\xEF\xBF\xBD") != std::string::npos) note(tolerated, tolerance::wrong_charset, 0);
  return with_lf(text);
}

}  // namespace pushmail::mime

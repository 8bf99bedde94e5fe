// The encoding of a document, settled before libxml2 sees it: what it gets is UTF-8 always, so that whoever looks at the bytes before
// (the guard of its quadratic search for equal attributes) sees the same markup as it does.
//
// In other encodings a byte `<` is no markup: UTF-16 writes U+3C41 with one, ISO-2022-JP whole rows of characters.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "codec/mime/fields.h"
#include "codec/mime/message.h"
#include "codec/mm7/errors.h"
#include "codec/mm7/xml_readers.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"

namespace pushmail::mm7 {

namespace {

// A declaration is short; what has none within so many bytes has none.
constexpr std::size_t declaration_size_max = 256;

/// The label of `<?xml ... encoding="label"?>` (XML 1.0 §4.3.3); empty when there is none.
std::string_view declared_encoding(std::string_view document) {
  if (!document.starts_with("<?xml")) return {};
  std::string_view rest = document.substr(0, declaration_size_max);
  rest = rest.substr(0, rest.find("?>"));
  const std::size_t at = rest.find("encoding");
  if (at == std::string_view::npos) return {};
  rest = ascii_trim(rest.substr(at + std::string_view("encoding").size()));
  if (!rest.starts_with('=')) return {};
  rest = ascii_trim(rest.substr(1));
  if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) return {};
  const std::size_t end = rest.find(rest.front(), 1);
  return end == std::string_view::npos ? std::string_view{} : rest.substr(1, end - 1);
}

/// XML 1.0 appendix F: the byte order mark, or how the first `<` is written. Empty when a `<` is one byte.
std::string_view sixteen_bit_encoding(std::string_view document) {
  using namespace std::string_view_literals;
  if (document.starts_with("\xFF\xFE"sv) || document.starts_with("<\0"sv)) return "utf-16le";
  if (document.starts_with("\xFE\xFF"sv) || document.starts_with("\0<"sv)) return "utf-16be";
  return {};
}

/// UTF-8 or a part of it. A document that says UTF-16 in single bytes was turned into UTF-8 by somebody who left the declaration.
bool is_as_utf8(std::string_view label) {
  constexpr std::string_view names[] = {"utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "ucs-2", "iso-10646-ucs-2"};
  return label.empty() || std::ranges::any_of(names, [&](std::string_view name) { return ascii_equal_nocase(label, name); });
}

/// Turned into UTF-8 by somebody who left a declaration of single bytes: nobody writes what its letters would be then (`Ã¼`). RFC 7303 §3
/// has the charset of the part's header, which such peers name too, above the declaration.
bool is_utf8_after_all(std::string_view document, std::string_view label) {
  const bool is_single_byte = ascii_starts_with_nocase(label, "iso-8859-") || ascii_starts_with_nocase(label, "windows-125");
  return is_single_byte && !is_ascii(document) && simd::active().utf8_valid_prefix(bytes_of(document)) == document.size();
}

}  // namespace

CharacterReference character_reference(std::string_view text) {
  constexpr std::size_t size_max = 16;
  text = text.substr(0, size_max);
  if (!text.starts_with("&#")) return {};
  const bool hexadecimal = text.substr(2).starts_with('x');
  const std::string_view digits = text.substr(hexadecimal ? 3 : 2);
  CharacterReference found;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), found.code, hexadecimal ? 16 : 10);
  if (error != std::errc{} || end == digits.data() + digits.size() || *end != ';') return {};
  found.size = static_cast<std::size_t>(end + 1 - text.data());
  return found;
}

namespace {

/// Some SOAP stacks write a character beyond the first plane as two references, one for each half of its UTF-16: XML 1.0 §4.1 knows no such
/// characters. Each pair becomes one reference; a half alone stays what it is.
std::string_view with_whole_characters(std::string_view document, Arena& arena) {
  ArenaText joined(arena);
  std::size_t done = 0;
  for (std::size_t at = document.find("&#"); at != std::string_view::npos; at = document.find("&#", at + 2)) {
    const CharacterReference high = character_reference(document.substr(at));
    if (high.size == 0 || high.code < 0xD800 || high.code > 0xDBFF) continue;
    const CharacterReference low = character_reference(document.substr(at + high.size));
    if (low.size == 0 || low.code < 0xDC00 || low.code > 0xDFFF) continue;
    joined += document.substr(done, at - done);
    joined += fmt::format("&#x{:x};", 0x10000 + ((high.code - 0xD800) << 10U) + (low.code - 0xDC00));
    done = at + high.size + low.size;
    at = done - 2;
  }
  if (done == 0) return document;
  joined += document.substr(done);
  return joined.take_view();
}

}  // namespace

Result<XmlCharacters> xml_characters(std::string_view document, Arena& arena) {
  document.remove_prefix(std::min(document.find_first_not_of(" \t\r\n"), document.size()));
  std::string_view label = sixteen_bit_encoding(document);
  if (label.empty()) label = declared_encoding(document);
  if (is_utf8_after_all(document, label)) label = {};
  const bool is_converted = !is_as_utf8(label) || !sixteen_bit_encoding(document).empty();
  if (is_converted) {
    if (!mime::is_known_charset(label)) return fail(mm7_xml_encoding);
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    document = mime::to_utf8(bytes_of(document), label, arena);
    if (document.starts_with(byte_order_mark)) document.remove_prefix(byte_order_mark.size());
  }
  return XmlCharacters{.text = document, .is_converted = is_converted};
}

Result<std::string_view> xml_as_utf8(std::string_view document, Arena& arena) {
  PM_TRY(const XmlCharacters characters, xml_characters(document, arena));
  document = characters.text;
  // XML 1.0 §4.3.3: bytes that the encoding does not have are a fatal error.
  const std::size_t bad = characters.is_converted ? document.find("\xEF\xBF\xBD") : std::string_view::npos;
  if (bad != std::string_view::npos) return fail(mm7_bad_xml, bad);
  // libxml2 guesses by the first four bytes. Nothing but UTF-8 starts like this; EBCDIC, UTF-32 and the like are refused here.
  if (!document.starts_with('<') || document.substr(1).starts_with('\0')) return fail(mm7_bad_xml);
  return with_whole_characters(document, arena);
}

}  // namespace pushmail::mm7

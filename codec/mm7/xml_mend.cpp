// What a document was meant to be whose characters XML does not have. Its fault is the software's that wrote it, the message in it is a
// person's, and a refusal ends that message: so its characters are mended, once, and it is judged again. Markup is never touched.
//
//   in the document                                    | becomes
//   `&` that begins no reference: AT&T, ?a=1&b=2       | &amp;
//   &#xD83D; (half a character), &#xFFFF;              | U+FFFD
//   a control, or a reference to one                   | U+FFFD: what vanished would join what stands beside it, to markup even
//   both halves of a character, each as UTF-8 (CESU-8) | the character
//   other bytes that are no UTF-8                      | windows-1252 where nothing beyond ASCII is UTF-8, else U+FFFD
//
// The declaration goes: what is left is UTF-8.
#include <algorithm>
#include <array>

#include "codec/mime/message.h"
#include "codec/mm7/xml_readers.h"
#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::mm7 {

namespace {

bool is_half(char32_t c, char32_t first) { return c >= first && c < first + 0x400; }

std::string_view without_declaration(std::string_view document) {
  if (!document.starts_with("<?xml")) return document;
  const std::size_t end = document.find("?>");
  return end == std::string_view::npos ? document : document.substr(end + 2);
}

/// The half of a character that starts here as CESU-8 writes it; 0: none does.
char32_t surrogate_at(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (text.size() < 3 || byte(0) != 0xED || byte(1) < 0xA0 || !is_continuation(text[1]) || !is_continuation(text[2])) return 0;
  return 0xD000U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
}

bool has_utf8_beyond_ascii(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += character_size(text, at)) {
    const CodePoint found = code_point_at(text, at);
    if (found ? found.value > 0x7F : surrogate_at(text.substr(at)) != 0) return true;
  }
  return false;
}

class Mending {
 public:
  Mending(std::string_view document, Arena& arena) : rest_(document), out_(arena) {}

  /// Nothing when there was nothing to mend.
  [[nodiscard]] std::optional<std::string_view> take() {
    while (!rest_.empty()) {
      if (!copy_section("<![CDATA[", "]]>") && !copy_section("<!--", "-->")) one(true);
    }
    if (!changed_) return std::nullopt;
    return out_.take_view();
  }

 private:
  /// Where references are not read, ampersands are what they look like.
  bool copy_section(std::string_view begin, std::string_view end) {
    if (!rest_.starts_with(begin)) return false;
    const std::size_t size = std::min(rest_.find(end), rest_.size());
    const std::size_t behind = rest_.size() - size;
    while (rest_.size() > behind) one(false);
    return true;
  }
  void one(bool has_references) {
    const CodePoint found = code_point_at(rest_);
    if (!found) return half_or_bad();
    if (found.value == '&' && has_references) return reference();
    if (!is_xml_character(found.value)) return replace(found.size, utf8_of(replacement_character).view());
    keep(found.size);
  }
  void half_or_bad() {
    constexpr std::size_t half_size = 3;
    const char32_t high = surrogate_at(rest_);
    if (high == 0) return replace(1, utf8_of(replacement_character).view());
    const char32_t low = high < 0xDC00 ? surrogate_at(rest_.substr(half_size)) : 0;
    if (low < 0xDC00) return replace(half_size, utf8_of(replacement_character).view());
    replace(2 * half_size, utf8_of(0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00)).view());
  }
  void reference() {
    constexpr auto named = std::to_array<std::string_view>({"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"});
    const CharacterReference number = character_reference(rest_);
    // The halves of one character; xml_as_utf8() joins them.
    const CharacterReference low = character_reference(rest_.substr(number.size));
    if (is_half(number.code, 0xD800) && is_half(low.code, 0xDC00)) return keep(number.size + low.size);
    if (number.size != 0 && !is_xml_character(number.code)) return replace(number.size, utf8_of(replacement_character).view());
    const auto* const name = std::ranges::find_if(named, [&](std::string_view one) { return rest_.starts_with(one); });
    const std::size_t size = number.size != 0 ? number.size : name == named.end() ? 0 : name->size();
    if (size == 0) return replace(1, "&amp;");
    keep(size);
  }
  void keep(std::size_t size) {
    out_ += rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  void replace(std::size_t size, std::string_view with) {
    changed_ = true;
    out_ += with;
    rest_.remove_prefix(size);
  }

  std::string_view rest_;
  ArenaText out_;
  bool changed_ = false;
};

}  // namespace

std::optional<std::string_view> xml_with_legal_characters(std::string_view document, Arena& arena) {
  const auto decoded = xml_characters(document, arena);
  if (!decoded) return std::nullopt;
  const std::string_view text = without_declaration(decoded->text);
  if (decoded->is_converted) return Mending(text, arena).take().value_or(text);
  if (is_ascii(text) || has_utf8_beyond_ascii(text)) return Mending(text, arena).take();
  const std::string_view converted = mime::to_utf8(bytes_of(text), "windows-1252", arena);
  return Mending(converted, arena).take().value_or(converted);
}

}  // namespace pushmail::mm7

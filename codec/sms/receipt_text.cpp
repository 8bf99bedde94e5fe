#include "codec/sms/receipt_text.h"

#include <utility>

#include "core/bytes.h"

namespace pushmail::sms {

namespace {

// SMPP 3.4 Appendix B divides fields by blanks; some SMSCs write commas or semicolons, with blanks or without.
constexpr std::string_view dividers = " \r\n,;";

}  // namespace

std::array<std::string, 3> readings_of(const Incoming& message) {
  const std::string_view octets = text_of(message.user_data);
  std::string_view utf16 = octets;
  if (utf16.starts_with("\xff\xfe") || utf16.starts_with("\xfe\xff")) utf16.remove_prefix(2);
  std::string without_zeros;
  for (const char c : utf16) {
    if (c != '\0') without_zeros += c;
  }
  return {message.text(), std::string(octets), std::move(without_zeros)};
}

std::string_view rest_behind(std::string_view text, std::string_view label) {
  for (std::size_t at = 0; at + label.size() < text.size(); ++at) {
    const bool starts_word = at == 0 || dividers.contains(text[at - 1]);
    if (starts_word && text[at + label.size()] == ':' && ascii_starts_with_nocase(text.substr(at), label))
      return text.substr(at + label.size() + 1);
  }
  return {};
}

std::string_view value_of(std::string_view text, std::string_view label) {
  std::string_view rest = rest_behind(text, label);
  const std::size_t begin = rest.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  rest.remove_prefix(begin);
  return rest.substr(0, rest.find_first_of(dividers));
}

}  // namespace pushmail::sms

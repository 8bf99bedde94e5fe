#include "codec/wap/address.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::wap {

namespace {

constexpr std::string_view type_label = "/TYPE=";
constexpr std::size_t short_code_size_max = 6;

constexpr bool is_separator(char c) { return c == '-' || c == '.' || c == ' ' || c == '(' || c == ')'; }

/// Where the suffix starts; npos when there is none. `+15550100002/TYPE=PLMN@mms.example` (TS 23.140 §8.4.1) is a mail address whose local
/// part has a type: cutting it there would make a phone of any stranger's address.
std::size_t type_at(std::string_view text) {
  for (std::size_t at = text.rfind('/'); at != std::string_view::npos && at > 0; at = text.rfind('/', at - 1)) {
    if (ascii_starts_with_nocase(text.substr(at), type_label)) return text.substr(at).contains('@') ? std::string_view::npos : at;
  }
  return std::string_view::npos;
}

bool looks_like_phone(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return std::ranges::any_of(text, is_digit<char>) && std::ranges::all_of(text, [](char c) { return is_digit(c) || is_separator(c); });
}

}  // namespace

std::string_view strip_type(std::string_view text) {
  text = ascii_trim(text);
  return ascii_trim(text.substr(0, type_at(text)));
}

Address parse_address(std::string_view text) {
  text = ascii_trim(text);
  const std::string_view value = strip_type(text);
  const std::size_t at = type_at(text);
  const std::string_view type = at == std::string_view::npos ? std::string_view{} : ascii_trim(text.substr(at + type_label.size()));
  Address address{.kind = AddressKind::other, .value = std::string(value), .type = std::string(type)};
  if (value.contains('@')) {
    address.kind = AddressKind::email;
  } else if (ascii_equal_nocase(type, "IPv4") || ascii_equal_nocase(type, "IPv6")) {
    address.kind = AddressKind::ip;
  } else if (ascii_equal_nocase(type, "PLMN")) {
    address.kind = AddressKind::phone;
  } else if (type.empty() && !value.empty()) {
    const bool is_long_number = looks_like_phone(value) && (value.starts_with('+') || value.size() > short_code_size_max);
    address.kind = is_long_number ? AddressKind::phone : AddressKind::short_code;
  }
  return address;
}

std::string to_string(const Address& address) {
  const std::string_view type = address.kind == AddressKind::phone ? std::string_view("PLMN") : std::string_view(address.type);
  std::string text = address.value;
  if (!type.empty()) text.append(type_label).append(type);
  return text;
}

std::string to_plmn(const Msisdn& number) { return "+" + number.digits() + std::string(type_label) + "PLMN"; }

}  // namespace pushmail::wap

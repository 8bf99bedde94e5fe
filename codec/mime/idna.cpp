// Domains for SMTP: U-labels as A-labels (RFC 5891 §4.4), after the mapping of UTS #46, without its transitional rows: capitals, other
// widths and composed letters are one name.
//
// Came from: address.cpp. Goes to: Mailbox::domain. What IDNA does not know as a name stays as it is written: whoever needs a domain of
// ASCII refuses it.
#include <idn2.h>

#include <algorithm>
#include <array>
#include <memory>

#include "codec/mime/fields.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t domain_bytes_max = 512;  // more than twice what DNS allows

}  // namespace

std::string_view domain_to_ascii(std::string_view domain, Arena& arena) {
  // An address literal is no name. Longer than any domain: kept, and refused by whoever checks lengths.
  if (domain.starts_with('[') || domain.size() > domain_bytes_max || simd::active().utf8_valid_prefix(bytes_of(domain)) != domain.size()) {
    return domain;
  }
  if (is_ascii(domain)) return lower_case(domain, arena);
  if (domain.contains('\0')) return domain;
  std::array<char, domain_bytes_max + 1> ended{};  // the library reads up to a NUL
  std::ranges::copy(domain, ended.begin());
  char* found = nullptr;
  if (idn2_to_ascii_8z(ended.data(), &found, IDN2_NONTRANSITIONAL) != IDN2_OK) return domain;
  const std::unique_ptr<char, decltype(&idn2_free)> owned(found, idn2_free);
  // The mapping makes an @ or a blank of those of other widths too: what is not letters, digits and marks of a name then is none.
  const std::string_view mapped(found);
  if (!std::ranges::all_of(mapped, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; })) return domain;
  return arena.copy(mapped);
}

}  // namespace pushmail::mime

// Addresses as MMS and MM7 write them: `+15550100002/TYPE=PLMN`, short codes, e-mail, IP (OMA MMS-ENC 1.2 §8).
//
// Came from: codec/mms headers, codec/mm7 address elements. Which number is meant says numbering.h alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/msisdn.h"
#include "core/result.h"

namespace pushmail::wap {

enum class AddressKind : std::uint8_t { phone, short_code, email, ip, other };

/// `value` is without the /TYPE suffix; `type` is that suffix's token as written, empty when there was none.
struct Address {
  AddressKind kind = AddressKind::other;
  std::string value;
  std::string type;
  bool operator==(const Address&) const = default;
};
/// Never fails: what has no known form is `other`. A number of at most six characters without `+` and without TYPE is a short code.
[[nodiscard]] Address parse_address(std::string_view text);
/// As it goes on the wire: phones with `/TYPE=PLMN`, others with the type they came with.
[[nodiscard]] std::string to_string(const Address& address);

/// The address without its /TYPE=... suffix (any case), trimmed.
[[nodiscard]] std::string_view strip_type(std::string_view text);
/// `+15550100002/TYPE=PLMN`
[[nodiscard]] std::string to_plmn(const Msisdn& number);

}  // namespace pushmail::wap

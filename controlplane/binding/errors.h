// What can be wrong with a secret or a host of a binding.
#pragma once

#include "core/result.h"

namespace pushmail {

inline constexpr ErrorInfo binding_bad_seal{
    "binding.bad_seal", "the sealed password does not open: another key, another binding, or damage", "NIST SP 800-38D §7.2", Fault::world};
inline constexpr ErrorInfo binding_seal_failed{"binding.seal_failed", "OpenSSL could not encrypt", "", Fault::world};
inline constexpr ErrorInfo binding_no_address{"binding.no_address", "the name has no address", "RFC 1035 §4.1.1", Fault::world,
                                              Lasting::temporary};
inline constexpr ErrorInfo binding_dns_failed{"binding.dns_failed", "no DNS server answered", "RFC 1035 §4.2.1", Fault::world,
                                              Lasting::temporary};
inline constexpr ErrorInfo binding_egress{"binding.egress",
                                          "the address is in a private or special network that mailbox.allow_networks does not name",
                                          "RFC 6890 §2.2", Fault::peer};

}  // namespace pushmail

// The rules that a mail can break so that nothing of it can be used. Everything else is tolerated (tolerances.h).
#pragma once

#include "core/result.h"

namespace pushmail::mime {

inline constexpr ErrorInfo mime_too_long{"mime.too_long", "the message is longer than the limit", ""};
inline constexpr ErrorInfo mime_empty{"mime.empty", "the message has neither a header field nor a body", "RFC 5322 §3.5"};
inline constexpr ErrorInfo mime_bad_address{"mime.bad_address", "not a mail address of the form local-part@domain", "RFC 5321 §4.1.2"};
inline constexpr ErrorInfo mime_address_too_long{"mime.address_too_long", "local part longer than 64 or domain longer than 255 bytes",
                                                 "RFC 5321 §4.5.3.1"};
inline constexpr ErrorInfo mime_address_not_ascii{"mime.address_not_ascii", "the local part is not ASCII", "RFC 5321 §4.1.2"};

}  // namespace pushmail::mime

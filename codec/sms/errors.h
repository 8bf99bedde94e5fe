// The rules that an SMPP PDU or a short message can break.
#pragma once

#include "core/result.h"

namespace pushmail::smpp {

inline constexpr ErrorInfo smpp_bad_length{"smpp.bad_length", "command_length is below 16 or above the limit", "SMPP 3.4 §3.2"};
inline constexpr ErrorInfo smpp_unknown_command{"smpp.unknown_command", "no PDU has this command_id", "SMPP 3.4 §5.1.2.1"};
inline constexpr ErrorInfo smpp_short_body{"smpp.short_body", "the body ends before its mandatory fields", "SMPP 3.4 §4"};
inline constexpr ErrorInfo smpp_long_string{"smpp.long_string", "a C-octet string is longer than its field, or has no NUL",
                                            "SMPP 3.4 §3.1"};
inline constexpr ErrorInfo smpp_bad_tlv{"smpp.bad_tlv", "an optional parameter runs past the end of the PDU", "SMPP 3.4 §5.3.2"};
inline constexpr ErrorInfo smpp_not_encodable{"smpp.not_encodable", "a value does not fit its field: NUL inside, or too long",
                                              "SMPP 3.4 §3.1", Fault::us};

}  // namespace pushmail::smpp

// The rules that an MMS PDU can break.
#pragma once

#include "core/result.h"

namespace pushmail::mms {

inline constexpr ErrorInfo mms_unknown_type{"mms.unknown_type", "the PDU does not begin with a message type that we know",
                                            "OMA-MMS-ENC 1.2 §7.2.17"};
inline constexpr ErrorInfo mms_missing_field{"mms.missing_field", "a mandatory header is missing", "OMA-MMS-ENC 1.2 §6"};
inline constexpr ErrorInfo mms_bad_field{"mms.bad_field", "a header's value has the wrong form", "OMA-MMS-ENC 1.2 §7.2"};
inline constexpr ErrorInfo mms_too_many_headers{"mms.too_many_headers", "more headers than the limit", ""};
inline constexpr ErrorInfo mms_too_many_recipients{"mms.too_many_recipients", "more recipients than the limit", ""};
inline constexpr ErrorInfo mms_not_encodable{"mms.not_encodable", "a header that the PDU must have has no value", "OMA-MMS-ENC 1.2 §6",
                                             Fault::us};
inline constexpr ErrorInfo mms_newer_pdu{"mms.newer_pdu", "the PDU does not exist in the version it is to be written in",
                                         "OMA-MMS-ENC 1.2 §7.2.18", Fault::us};

}  // namespace pushmail::mms

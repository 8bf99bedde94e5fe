// The rules that an MMS PDU can break.
#pragma once

#include "core/result.h"

namespace pushmail::mms {

inline constexpr ErrorInfo mms_unknown_type{"mms.unknown_type", "the PDU does not begin with a message type that we know", "OMA-MMS-ENC 1.2 §7.2.17"};
inline constexpr ErrorInfo mms_missing_field{"mms.missing_field", "a mandatory header is missing", "OMA-MMS-ENC 1.2 §6"};
inline constexpr ErrorInfo mms_bad_field{"mms.bad_field", "a header's value has the wrong form", "OMA-MMS-ENC 1.2 §7.2"};
inline constexpr ErrorInfo mms_too_many_recipients{"mms.too_many_recipients", "more recipients than the limit", ""};
inline constexpr ErrorInfo mms_not_encodable{"mms.not_encodable", "a mandatory header has no value", "OMA-MMS-ENC 1.2 §6", Fault::us};

}  // namespace pushmail::mms

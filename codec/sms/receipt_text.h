// The labels of a receipt's text: `id:5001 sub:001 ... stat:DELIVRD err:000 text:...` (SMPP 3.4 Appendix B). Pure.
//
// Used by: receipt.cpp (what it says), automatic.cpp (that it is one).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "codec/sms/gsm.h"

namespace pushmail::sms {

/// The text as data_coding says, as the octets stand there, and as UTF-16 of whichever byte order. Labels and states are ASCII: without its
/// zero octets (and a byte order mark) either order reads the same.
[[nodiscard]] std::array<std::string, 3> readings_of(const Incoming& message);
/// The word behind `label:`, which stands at the start or behind a blank or a line end; letters of either case, blanks behind the colon
/// allowed. Empty when it is not there.
[[nodiscard]] std::string_view value_of(std::string_view text, std::string_view label);
/// All that stands behind `label:`.
[[nodiscard]] std::string_view rest_behind(std::string_view text, std::string_view label);

}  // namespace pushmail::sms

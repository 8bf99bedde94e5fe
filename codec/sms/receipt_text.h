// The labels of a receipt's text: `id:5001 sub:001 ... stat:DELIVRD err:000 text:...` (SMPP 3.4 Appendix B). Pure.
//
// Used by: receipt.cpp (what it says), automatic.cpp (that it is one).
#pragma once

#include <string_view>

namespace pushmail::sms {

/// The word behind `label:`, which stands at the start or behind a blank or a line end; letters of either case, blanks behind the colon
/// allowed. Empty when it is not there.
[[nodiscard]] std::string_view value_of(std::string_view text, std::string_view label);
/// All that stands behind `label:`.
[[nodiscard]] std::string_view rest_behind(std::string_view text, std::string_view label);

}  // namespace pushmail::sms

// Text that was wrapped for narrow screens and says so: format=flowed (RFC 3676). A phone wraps itself.
#pragma once

#include <string_view>

#include "codec/mime/message.h"

namespace pushmail::mime {

/// Content-Type has format=flowed (RFC 3676 §4).
[[nodiscard]] bool is_flowed(const Part& part);
/// Paragraphs as one line each. `text` has LF line ends (decode_text); `part` says whether the blank at a soft line end goes (DelSp).
/// Quote marks stay, one `>` a level and a blank. Views into the text or into the arena.
[[nodiscard]] std::string_view unflow(std::string_view text, const Part& part, Arena& arena);

}  // namespace pushmail::mime

// What a program says when it ends because of an exception that nobody catches: most often that there is no memory, which is no fault of
// ours and no reason for a core file.
#pragma once

#include <exception>

namespace pushmail {

/// A library's own exceptions for a refusal of the system, beside std::system_error.
using IsSystemError = bool (*)(const std::exception&);
/// At the start of main. Want of memory and refusals of the system: a line on stderr and exit 71; anything else: a line and an abort.
void keep_last_words(IsSystemError of_library = nullptr);

}  // namespace pushmail

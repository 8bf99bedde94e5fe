// A folder's name as IMAP writes it: modified UTF-7 (RFC 3501 §5.1.3).
//
// Came from: a binding, in UTF-8, as a person sees the name. Goes to: SELECT and STATUS.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pushmail::mailbox {

/// `Entwürfe & Co` becomes `Entw&APw-rfe &- Co`. A name that is in modified UTF-7 already, with at least one letter outside ASCII in it,
/// stays as it is: other programs show folders so, and people copy it. Nothing for control characters, broken UTF-8, an empty name, and
/// more than 1,000 bytes.
[[nodiscard]] std::optional<std::string> folder_on_wire(std::string_view name);

}  // namespace pushmail::mailbox

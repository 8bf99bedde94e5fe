// A report about a mail in words, where the report itself has none: some servers leave its text empty, or leave it out. Not for use
// outside this folder.
#pragma once

#include <cstddef>
#include <string_view>

#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

/// message/delivery-status (RFC 3464) or message/disposition-notification (RFC 3798).
[[nodiscard]] bool is_report_for_machines(const mime::Part& part);
/// `Not delivered to joe@example.com: 550 5.1.1 no such user`, a line a recipient, and the subject of the mail it is about. `part` is the
/// index of a part of the kind above. Empty when that says nothing either. In the arena.
[[nodiscard]] std::string_view report_text(const mime::Message& mail, std::size_t part, Arena& arena);

}  // namespace pushmail::convert

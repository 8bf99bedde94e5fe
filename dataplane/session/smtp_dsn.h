// What a mail's sender wants to be told about it (RFC 3461): the values of RET, ENVID, NOTIFY and ORCPT, read strictly and decoded. Pure.
//
// Came from: MAIL and RCPT (smtp_grammar). Goes to: MailInbound, the journal, and whoever writes the notification. What is wrong in any way
// is nothing, and refused with 501: a wish that was half read would be half kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pushmail::smtp {

/// The bytes that xtext stands for: `+` and two upper-case hexadecimal digits are one byte (RFC 3461 §4). Bytes above ASCII pass
/// (RFC 6533 §3), for the caller to refuse.
[[nodiscard]] std::optional<std::string> decode_xtext(std::string_view text);

/// `FULL` or `HDRS` (RFC 3461 §4.3).
[[nodiscard]] std::optional<std::string> read_return(std::string_view value);
/// The envelope's id, printable ASCII (RFC 3461 §4.4).
[[nodiscard]] std::optional<std::string> read_envelope_id(std::string_view value);
/// `NEVER`, or `SUCCESS`, `FAILURE` and `DELAY` in this order with commas between them (RFC 3461 §4.1).
[[nodiscard]] std::optional<std::string> read_notify(std::string_view value);
/// `rfc822;joe@example.com`: the kind in lower case, the address decoded (RFC 3461 §4.2); UTF-8 in the kind utf-8 alone (RFC 6533 §3).
[[nodiscard]] std::optional<std::string> read_original_recipient(std::string_view value);

}  // namespace pushmail::smtp

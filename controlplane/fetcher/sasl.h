// SASL PLAIN (RFC 4616), for AUTHENTICATE of IMAP and AUTH of POP3.
#pragma once

#include <string>
#include <string_view>

namespace pushmail::mailbox {

/// The message in base64, as it goes on the wire: no authorization identity, user, password. Neither holds a NUL.
[[nodiscard]] std::string sasl_plain(std::string_view user, std::string_view password);

}  // namespace pushmail::mailbox

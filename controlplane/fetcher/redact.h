// A server's words without the password that it repeats: some answer a command that they do not take with the command itself.
#pragma once

#include <string>
#include <string_view>

namespace pushmail::mailbox {

/// `said` (made by server_words) with `***` for the password, whatever form it was sent in: as it is, quoted (RFC 3501 §9), or in base64,
/// alone or as PLAIN, in any case of letters; also where the words were cut in the midst of it. One of less than four characters is hidden
/// only where it stands alone, since every sentence holds its letters.
[[nodiscard]] std::string without_password(std::string_view said, std::string_view user, std::string_view password);

}  // namespace pushmail::mailbox

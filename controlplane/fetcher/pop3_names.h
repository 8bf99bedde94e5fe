// By what a mail in a POP3 mailbox is known from one session to the next: its UIDL; where there is none that could be one, its header.
#pragma once

#include <string>
#include <string_view>

namespace pushmail::mailbox {

/// RFC 1939 §7 allows 1 to 70 characters without blanks. Servers send longer ones and such with blanks, which tell mails apart as well.
[[nodiscard]] bool is_usable_uidl(std::string_view text);

/// `sha256:` and 64 digits. Lines that a server changes when a mail is read (Status and its like) do not count.
[[nodiscard]] std::string name_of_header(std::string_view header);
/// For a mail whose header cannot be had either: mails of one size are one.
[[nodiscard]] std::string name_of_size(std::uint64_t size);
/// The name was made here, so the mail has to be looked for by its header.
[[nodiscard]] bool is_made_name(std::string_view name);

}  // namespace pushmail::mailbox

// The header of a mail in the words of an MM (RFC 4356 §2.1.2). Not for use outside this folder.
#pragma once

#include <string>
#include <string_view>

#include "codec/convert/convert.h"
#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

/// Fills every field of `into` that the header of the mail decides, and the subject of its MM, whole; texts go into its arena where they
/// are not in the mail.
void read_mail_header(mime::Message& mail, MailToMm& into);

/// At most so many characters, cut behind a word with `...` where it has more; 0: whole.
[[nodiscard]] std::string short_subject(std::string_view utf8, std::size_t length_max);

/// `Joe <joe@example.com>`; the address alone when there is no name, or when the name repeats it.
[[nodiscard]] std::string_view mailbox_words(const mime::MailboxView& mailbox, Arena& arena);
/// Who wrote a mail or a message inside it: From, else Sender, else Reply-To. Nothing when none of them has an address.
[[nodiscard]] const mime::MailboxView* author_of(const mime::Part& header, Arena& arena, std::string_view raw_charset);
/// The name in a From that has no address: `MAILER-DAEMON <>`. Empty when there is none.
[[nodiscard]] std::string_view name_without_address(const mime::Part& header, Arena& arena, std::string_view raw_charset);
/// Other people than the reader, on one line: `To: Ann <ann@example.com>, Bob; Cc: ...`, folded to a few names and the number of the rest.
/// Empty when there is nobody else: a single address that is not known to be his is taken for his.
[[nodiscard]] std::string_view other_people(const MailToMm& mail, std::span<const std::string_view> own_addresses, Arena& arena);

}  // namespace pushmail::convert

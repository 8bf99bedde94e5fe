// From the header fields of a mail to what a notification says about it.
//
// Came from: MailboxSession::look. Goes to: Kind::new_mail. Decoding is codec/mime's; nothing here fails: a mail whose header cannot
// be read is announced without what is missing.
#pragma once

#include <string>
#include <vector>

#include "controlplane/fetcher/mailbox_session.h"

namespace pushmail::mailbox {

struct Announcement {
  std::string subject;
  std::string sender;          // `Joe <joe@example.com>`
  std::string reply_to;        // address an answer goes to; empty: the sender
  std::string authentication;  // `SERVER pass|fail|unknown`; empty: no server says anything
  std::string message_id;
  std::vector<std::string> references;
  Timestamp date{};
};

/// The newest mail that was known, as it can be found again under another numbering.
struct Newest {
  std::string message_id{};  // without <>
  Timestamp received{};      // INTERNALDATE, else the Date of its header; 0: neither is there
  [[nodiscard]] bool empty() const { return message_id.empty() && received.us == 0; }
  bool operator==(const Newest&) const = default;
};

[[nodiscard]] Announcement announce(const Arrival& arrival);

/// As what the mail can be found again. Without INTERNALDATE its Date stands for it, which the sender chose: not later than `now`, and
/// `before`, the newest date so far, is kept when it is later.
[[nodiscard]] Newest newest_of(const Arrival& arrival, Timestamp now, Timestamp before = {});

}  // namespace pushmail::mailbox

// What the sessions know of a mailbox's past, inside a Cursor. Included by the sessions alone.
#pragma once

#include <set>
#include <string>

#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/trials.h"

namespace pushmail::mailbox {

/// What of a mailbox was seen. IMAP: everything up to last_uid under this UIDVALIDITY, but for the mails on trial. POP3: the UIDLs.
struct Watermark {
  std::uint64_t uid_validity = 0;  // 0: never looked
  std::uint32_t last_uid = 0;
  std::set<std::string, std::less<>> known{};
  Newest newest{};
  std::uint32_t newest_uid = 0;  // of this process's announcements, whose newest it is
  bool newest_asked = false;     // the server was asked for it once; it may have none
  std::uint32_t searches = 0;    // for the newest, under other names, that broke off
  Trials trials{};
  std::uint64_t left_out = 0;  // mails of another numbering beyond what is announced at once; whoever reports it sets it back

  /// IMAP: no mail up to here is still to be announced. It may be written down; the mails above that were announced will be announced
  /// again after a restart, and are known by their UIDs.
  [[nodiscard]] std::uint32_t settled_uid() const;
};

}  // namespace pushmail::mailbox

// The mail protocols that a fetcher speaks, one row each: how what a server says is cut into answers, and what makes the session.
//
// A new protocol is a word in core/contract/fetcher/words.h, a row here and its session. Used by: Watcher, Probe.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "controlplane/fetcher/fence.h"
#include "controlplane/fetcher/mail_stream.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "core/transition_table.h"

namespace pushmail::mailbox {

struct SessionKind {
  Protocol protocol;
  Fence::Grammar grammar;
  std::unique_ptr<MailboxSession> (*make)(MailStream& stream, const Account& account, const SessionSettings& settings);
  bool stays;  // after a look it may wait for more; a POP3 session holds the maildrop against everybody else (RFC 1939 §4)
};

inline constexpr auto session_kinds = std::to_array<SessionKind>({
    {.protocol = Protocol::imap, .grammar = Fence::Grammar::imap, .make = make_imap_session, .stays = true},
    {.protocol = Protocol::pop3, .grammar = Fence::Grammar::pop3, .make = make_pop3_session, .stays = false},
});
static_assert(no_key_twice(session_kinds, [](const SessionKind& kind) { return kind.protocol; }));

[[nodiscard]] constexpr const SessionKind& kind_of(Protocol protocol) {
  const auto* const found = std::ranges::find(session_kinds, protocol, &SessionKind::protocol);
  if (found == session_kinds.end()) check_failed("a protocol has no row", "controlplane/fetcher/session_kinds.h", __LINE__);
  return *found;
}

}  // namespace pushmail::mailbox

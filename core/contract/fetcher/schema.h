// The contract between the control plane and a fetcher (mailbox sessions): records of core/record.h over the socketpair that the
// fetcher inherits as file descriptor 3. The fetcher opens no file and resolves no name: addresses, names to verify and secrets come
// from here, for as long as a session needs them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace pushmail::mailbox {

enum class Kind : std::uint16_t {
  // control plane -> fetcher
  watch = 1,  // take care of this mailbox from now on; again with new fields: replaces what was known. With cursor and each known_uid as
              // they were told last; first sight (a baseline is made) when there are none; then and with mode idle it looks at once. With
              // state and refused: how the account stood in the fetcher before this one
  unwatch = 2,
  poll = 3,    // look now; answered by polled, or by session with an error state
  fetch = 4,   // send the mail's bytes for the item (binding, uid, uid_validity; offset to go on from there; credit at once); an older
               // fetch for the same item is dropped first, as by cancel
  mark = 5,    // set \Seen (mark = "seen") or delete (mark = "delete")
  credit = 6,  // the fetch named by the item id may send this many chunks more
  cancel = 7,  // nobody waits any longer for the fetch named by the item id (no tag needed): it is dropped, running or queued, without
               // an answer; chunks already under way may still come. Unknown items are passed over
  probe = 8,   // try this account once (the fields of watch that say where a mailbox is and how to get in): log in, open the folder, look
               // without a word about mails; answered by probed. binding is any name that no mailbox has

  reload = 9,  // read the configuration and the authorities again, for sessions from now on; answered by reloaded (query)

  // fetcher -> control plane
  session = 32,   // how it stands: state words below, text; with how its log-ins went (pause, refused, failures ...)
  baseline = 33,  // first sight, or UIDVALIDITY changed: cursor, and every known_uid there is; no mail is reported for what was there
  new_mail = 34,  // with the cursor that covers it, known_uid where the session adds one; with a reason when the server did not hand out
                  // its header
  polled = 35,    // a poll ended without error: cursor; when mails have gone every known_uid that is left
  chunk = 36,
  fetched = 37,       // the last chunk was sent
  fetch_failed = 38,  // reason word: gone, auth_failed, unreachable, protocol, too_large, unreadable
  marked = 39,        // done (a mail that is gone counts as done), or with a reason: it could not be done
  trying = 40,        // the mails named by uid are asked for next; without one: the answer has come. If the fetcher dies in between, one
                      // of them may be why
  probed = 42,        // of a probe: the state it came to (ready: it works), the reason, and the pause that the server asked for
  reloaded = 43,      // of a reload: taken, or with a reason: nothing changed
  skipped = 41,       // count mails were announced without their header (uid names the one) or not at all: reason
};

enum class Tag : std::uint16_t {
  binding = 1,          // text: binding id
  protocol = 2,         // text: imap, pop3
  address = 3,          // text: ip:port, already checked against the egress policy
  tls = 4,              // text: none, implicit, starttls
  tls_name = 5,         // text: name the certificate must carry
  user = 6,             // text
  password = 7,         // text
  mode = 8,             // text: idle, poll
  folder = 9,           // text: INBOX
  uid_validity = 10,    // u64, beside the cursor: which numbering its uids belong to; 0: no baseline yet (POP3: 1 once there is one)
  uid = 11,             // text: decimal UID, or the UIDL
  last_uid = 12,        // text, for people, beside the cursor: highest UID up to which every mail was announced; POP3: 0
  known_uid = 13,       // text, repeats: part of the cursor, kept one by one (POP3: the UIDLs already seen)
  state = 14,           // text: connecting, ready, idling, auth_failed, tls_failed, unreachable, protocol_error, closed
  reason = 15,          // text for people
  subject = 16,         // text UTF-8, decoded
  sender = 17,          // text UTF-8: `Joe <joe@example.com>`
  size = 18,            // u64
  message_id = 19,      // text without <>
  reference = 20,       // text without <>, repeats
  date = 21,            // i64 Timestamp (0 unknown)
  offset = 22,          // u64
  data = 23,            // bytes
  mark = 24,            // text
  trace = 25,           // 16 bytes
  time = 26,            // i64 Timestamp: when the fetcher saw it
  credit = 27,          // u64
  reply_to = 28,        // text: address an answer goes to
  newest_id = 29,       // until version 1, as newest_date, uid_validity and last_uid in watch: what is in the cursor now
  newest_date = 30,     // i64
  suspect = 31,         // text `TIMES UID`, repeats: the fetcher died so often while it asked for this mail
  count = 32,           // u64
  no_idle = 33,         // u64 1: the server is not asked for IDLE
  idle_break = 34,      // u64 milliseconds: IDLE is begun anew after this
  refresh = 35,         // text: noop, status, select; how a server without IDLE is asked what came
  refresh_every = 36,   // u64 milliseconds
  say_id = 37,          // u64 1: ID before the folder is opened
  authentication = 40,  // text `SERVER pass|fail|unknown`: the topmost Authentication-Results (codec/mime/authentication.h)
  pause = 43,           // u64 milliseconds: the next log-in not before; in session, and in the next watch of a fetcher that starts anew
  refused = 44,         // text: now, good; the last connection was refused before the mailbox was open, for now or for good
  failures = 45,        // u64: in a row before a look
  short_sessions = 46,  // u64: in a row behind one
  cursor = 48,          // text: how far the mailbox was read; only its session looks inside (controlplane/fetcher/cursor.h)
  unsaid = 47,          // u64: refusals of the log-in without a reason, in a row
  query = 49,           // u64: echoed in the answer
};

}  // namespace pushmail::mailbox

// The rows of the store as plain values. What they mean together stands in store.h.
// Every member has an initialiser, so that designated initialisers may name only what matters.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/store/row_words.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/item_state.h"
#include "core/msisdn.h"

namespace pushmail {

/// One phone and one mailbox. Several bindings may share a phone.
struct Binding {
  std::string id{};  // `b` + 26 characters of an item id
  Msisdn msisdn{};
  BindingState state = BindingState::active;
  std::string mail_address{};  // what mails from the phone are sent as
  std::string display_name{};
  mailbox::Protocol protocol = mailbox::Protocol::imap;
  std::string host{};
  std::uint16_t port = 0;
  mailbox::Encryption tls = mailbox::Encryption::implicit;
  std::string user{};
  Bytes sealed_password{};  // controlplane/binding/seal.h
  std::string folder = "INBOX";
  WatchMode mode = WatchMode::idle;
  std::string times{};       // `07:00,12:30`, only for fixed
  std::string zone = "UTC";  // IANA name
  Policy policy = Policy::ask;
  MarkPolicy mark = MarkPolicy::seen;
  std::string peer{};  // [peer.NAME]
  Timestamp created{};

  [[nodiscard]] bool is_active() const { return state == BindingState::active; }
};

/// How far a mailbox was read. Changes only together with the items that it brought.
struct MailboxState {
  std::string cursor{};            // the fetcher's own; empty: the mailbox was never seen
  std::uint64_t uid_validity = 0;  // beside it: to which numbering the UIDs of its items belong
  std::string last_uid{};          // for people: decimal, every mail up to it was announced
  std::string session{};           // last word of the fetcher: ready, idling, auth_failed ...
  std::string reason{};
  Timestamp session_at{};
  Timestamp polled_at{};
  std::uint64_t skipped = 0;  // mails announced without their header, or not at all
  std::string skip_reason{};  // of the last of them
  Timestamp restored{};       // the store came out of a backup then, and the mailbox was not read to its end since; 0: it was
};

/// One message on its way, in either direction.
struct Item {
  ItemId id{};
  TraceId trace{};
  Way way = Way::to_phone;
  Source source = Source::mailbox;
  std::string binding{};
  Msisdn msisdn{};  // the phone: receiver, or sender on the way to mail
  std::uint64_t uid_validity = 0;
  std::string uid{};
  ItemState state = ItemState::accepted;
  std::string reason{};  // for people: why it stands where it stands
  std::string peer{};
  std::string message_id{};     // MM7 MessageID
  std::string correspondent{};  // mail address: sender of the mail, or its first recipient on the way to mail
  std::string correspondent_name{};
  std::string subject{};
  std::string mail_message_id{};  // without <>
  std::vector<std::string> mail_references{};
  std::uint64_t size = 0;
  std::string suffix{};
  std::string source_address{};  // of forwarded mail: who handed it in
  std::string sender_domain{};   // of forwarded mail: of the envelope sender, lower case; empty for <>
  std::string author{};          // address in From, when an answer goes elsewhere (correspondent)
  std::string authentication{};  // what a trusted server found of the sender's domain: pass, fail; empty: nothing
  std::string reply_code{};      // of this phone, this item's alone; empty: none yet, or a later mail has it now
  Timestamp code_expires{};      // until then the phone may ask for it, by the code it has or gets
  Timestamp announced{};         // when an SMS with its code was queued; 0: never
  Timestamp created{};
  Timestamp updated{};
  Timestamp expires{};   // ExpiryDate of the MM; 0: not submitted yet
  Timestamp retry_at{};  // not before this time
  std::uint32_t attempts = 0;
  bool duplicate_possible = false;  // sent again although an earlier try may have arrived
  std::uint32_t doubts = 0;         // tries of which nobody knew whether the MMSC took them
  Timestamp doubt_began{};          // when the last of them was sent
  Timestamp unknown_until{};        // state submitting: until then its report may tell; 0: nothing is in doubt now
  bool asked_in_doubt = false;      // the phone asked for it meanwhile
  MarkProgress mark = MarkProgress::none;
  Timestamp mark_at{};  // while it is pending: not before this time
  std::uint32_t mark_attempts = 0;

  /// Nobody knows yet whether the MMSC took it.
  [[nodiscard]] bool is_unknown() const { return state == ItemState::submitting && unknown_until.us != 0; }
};

struct HistoryRow {
  ItemId item{};
  TraceId trace{};
  Timestamp time{};
  Program program = Program::control;
  std::string event{};
  std::optional<ItemState> state{};  // what the event made of it; nothing: it did not change it
  std::vector<std::pair<std::string, std::string>> details{};
  std::int64_t arrival = 0;  // given by the store; grows with every row, whatever the clocks say
};

/// What a phone sees as sender stands for a correspondent and a thread (docs/design.md, Addresses the phone can answer).
struct Suffix {
  Msisdn msisdn{};
  std::string digits{};
  std::string binding{};
  std::string correspondent{};
  std::string correspondent_name{};
  std::string thread{};  // Message-ID of the thread's first mail
  std::string subject{};
  std::string message_id{};  // of the last mail: In-Reply-To
  std::vector<std::string> references{};
  Timestamp last_used{};
};

/// An SMS that must reach the SMSC once.
struct Sms {
  std::int64_t id = 0;
  Msisdn msisdn{};
  std::string text{};
  SmsKind kind = SmsKind::other;
  ItemId item{};  // of a notification; else empty
  SmsState state = SmsState::pending;
  std::string bearer{};  // that had it last
  std::string smsc_id{};
  Timestamp created{};
  Timestamp retry_at{};
  std::uint32_t attempts = 0;  // answered ones
  std::uint32_t submits = 0;   // times it was handed to the SMSC
  std::uint32_t doubts = 0;    // times that ended without an answer: each may have reached the phone
  Timestamp submitted_at{};    // the last time
  std::string reason{};        // for people: why it waits or failed
};

/// What went over a peer, and what came back.
struct PeerTraffic {
  std::uint64_t silent = 0;     // messages that it took, and of which nothing was heard
  std::uint64_t reported = 0;   // messages of which something was
  std::uint64_t answers = 0;    // of phones, to the sender of a message
  std::uint64_t new_mails = 0;  // of phones, to the service number
};

/// Items on their way, by state.
struct Backlog {
  ItemState state{};
  std::uint64_t count = 0;
  Timestamp oldest{};       // when it was made
  Timestamp still_since{};  // of the 1,000 oldest, the one that has stood still longest: when it was changed last
};

/// A delivery report as it came; it waits here when its message is not known yet.
struct Report {
  ItemId id{};
  TraceId trace{};
  std::string peer{};
  std::string message_id{};
  std::string recipient{};  // address forms of core/contract/handoff/schema.h
  std::string sender{};
  std::string mm_status{};
  std::string status_text{};
  Timestamp time{};
  ItemId item{};  // empty: an orphan
};

}  // namespace pushmail

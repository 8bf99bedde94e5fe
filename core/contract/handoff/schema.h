// The contract between the planes: every kind of record on a handoff socket, its fields and who owns what afterwards.
//
// Records are framed by core/record.h over a UNIX stream socket (/run/pushmail/handoff-N). Either side may restart at any time:
//
//   1. Each side opens with `hello` (its epoch, drawn at start; the last sequence it has of the other's epoch).
//   2. Kinds marked *owned* pass ownership: the sender keeps the record until an `ack` with its sequence came. Same epochs as before:
//      what was not acknowledged is sent again. A new epoch on either side: the sender sends again what its durable side (the
//      journal, the store) says is unsettled. A receiver recognises a repeat by kind and item id, and acknowledges it again.
//   3. Other kinds are questions, answers and news: lost with the connection, asked again by whoever still needs them.
//
// Sequences start at 1 in each direction of each epoch. One flat list of tags serves all kinds.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/peer_fields.h"

namespace pushmail::handoff {

enum class Kind : std::uint16_t {
  hello = 1,
  ack = 2,

  // control plane -> data plane
  peers = 16,
  submission = 17,
  submission_chunk = 18,
  route_answer = 19,
  admission_answer = 20,
  drain = 21,
  withdraw = 22,
  reload = 23,

  // data plane -> control plane
  admission_query = 48,
  route_query = 49,
  outcome = 50,
  report = 51,
  event = 52,
  submission_credit = 53,
  attempt = 54,
  peer_state = 55,
  reloaded = 56,
  certificates = 57,

  // nested inside `peers`, never alone
  peer = 64,
};

enum class Tag : std::uint16_t {
  epoch = 1,          // u64
  last_sequence = 2,  // u64: highest sequence received in the other side's epoch
  last_epoch = 3,     // u64: the other side's epoch that last_sequence belongs to, 0 for none
  schema = 4,         // u64: versions::handoff_schema
  sequence = 5,       // u64: acknowledged sequence

  trace = 10,       // 16 bytes
  peer = 11,        // text: name of [peer.NAME]
  time = 12,        // i64: Timestamp
  query = 13,       // u64: echoed in the answer, unique in an epoch
  lifetime_s = 14,  // u64: how long an answer may be kept
  state = 15,       // text: core/item_state.h
  reason = 16,      // text for people, and for `item show`
  name = 17,        // text: name of an event or of a peer
  detail = 18,      // text, may repeat: `key=value` of an event
  verdict = 19,     // text: see Verdict; repeats once per recipient where a record has recipients

  sender = 20,              // text: address as the wire had it (see address form below)
  recipient = 21,           // text, repeats: address form below
  subject = 22,             // text UTF-8
  first_line = 23,          // text UTF-8: first line of the first text part
  source = 24,              // text: "mm7" (phone's message) or "smtp" (forwarded mail)
  linked_id = 25,           // text
  message_id = 26,          // text: MM7 MessageID
  status_code = 27,         // u64: MM7 StatusCode, SMTP reply code
  status_text = 28,         // text
  mm_status = 29,           // text: MMStatus of a report
  duplicate_possible = 30,  // u64 0/1
  date = 31,                // i64: Timestamp the peer wrote

  msisdn = 40,          // text: digits
  sender_address = 41,  // text, address form: what the phone sees as sender (suffix)
  mail_size = 42,       // u64: bytes of the whole mail, before its chunks
  offset = 43,          // u64
  data = 44,            // bytes, at most limits::handoff_chunk_size_max
  mm_size_max = 45,     // u64
  expiry_s = 46,        // u64
  credit = 47,          // u64: chunks that may be sent now, on top of what was granted before
  own_address = 48,     // text, repeats: the subscriber's mail addresses, not told to him among a mail's recipients
  retry_at = 49,        // i64: Timestamp until which nothing is sent to a peer, 0: it is not paused
  attempt = 50,         // u64: number of the try

  decision = 60,         // text of a route answer: "mail", "submit", "refuse", "wait"
  next_hop = 61,         // text: address:port of the next SMTP server
  mail_from = 62,        // text, empty for <>
  mail_recipient = 63,   // text, repeats: RCPT TO
  header_from = 64,      // text: `Name <address>`
  header_to = 65,        // text, repeats
  in_reply_to = 66,      // text without <>
  reference = 67,        // text without <>, repeats
  new_subject = 68,      // text: replaces the MM's subject
  drop_first_line = 69,  // u64: see drop_line

  peer_record = 80,  // bytes: a whole record of Kind::peer, repeats. Tags 81 to 97, 99 to 101, 110 to 115 stand in core/peer_fields.h
  domain = 98,       // text: our mail domain

  authentication = 120,  // text `SERVER pass|fail|unknown`: what the topmost Authentication-Results of a forwarded mail says of From
  mails_max = 121,       // u64, repeats: for how many mails each verdict may be kept; none: any number
  source_address = 122,  // text: who hands the mail in
  configuration = 123,   // u64: Config::generation() of what a program runs with
  restart_key = 124,     // text, repeats: a key whose new value waits for the next start
  ends_at = 125,         // i64, repeats: Timestamp of a certificate's end
};

/// Address form on a handoff: `number:+15550100002`, `short:50001742`, `mail:joe@example.com`. What stands after the colon is as
/// the wire had it, without /TYPE=PLMN.

/// Words of Tag::verdict.
namespace verdict {
inline constexpr std::string_view accepted = "accepted";
inline constexpr std::string_view not_bound = "not_bound";            // sender: sender_refused; SMTP RCPT: 550 5.1.1; recipient: 2003
inline constexpr std::string_view suspended = "suspended";            // as not_bound for a sender
inline constexpr std::string_view bad_address = "bad_address";        // 553 5.1.3 / 2002
inline constexpr std::string_view recipient_busy = "recipient_busy";  // SMTP RCPT: too much waits for this phone, 452 4.2.2
inline constexpr std::string_view sender_busy = "sender_busy";        // SMTP RCPT: too many from this sender or source, 451 4.7.1
inline constexpr std::string_view unavailable = "unavailable";        // nobody knows now: 451 4.3.0; MM7: journal and decide later
}  // namespace verdict

/// Values of Tag::drop_first_line: what of the first line of text is not part of the mail. Of the address alone an older data plane drops
/// the whole line.
inline constexpr std::uint64_t drop_line = 1;
inline constexpr std::uint64_t drop_address = 2;

/// Words of Tag::decision.
namespace decision {
inline constexpr std::string_view mail = "mail";      // convert to a mail and send it to next_hop
inline constexpr std::string_view submit = "submit";  // convert to an MM and submit it (the submission's fields are in the answer)
inline constexpr std::string_view refuse = "refuse";  // final: settle as rejected with reason; the control plane tells the phone
inline constexpr std::string_view wait = "wait";      // the control plane took note; another answer follows when the phone asks
}  // namespace decision

enum class Direction : std::uint8_t { both, to_data, to_control };

/// The tag of a peer's field.
consteval Tag peer_tag(std::string_view name) {
  const auto* const field = std::ranges::find(peer_fields, name, &PeerField::field_name);
  return Tag{field->tag};
}

struct KindRow {
  Kind kind;
  std::string_view name;
  Direction direction;
  bool owned;                   // acknowledged, and sent again until it is
  std::array<Tag, 8> required;  // without them the record is refused; Tag{} fills the rest
};

inline constexpr std::array<KindRow, 21> kinds{{
    {Kind::hello, "hello", Direction::both, false, {Tag::schema, Tag::epoch, Tag::last_epoch, Tag::last_sequence}},
    {Kind::ack, "ack", Direction::both, false, {Tag::sequence}},

    // All peers at once; kept by the data plane in state/last-known. Replaces what was there. Optional: domain.
    {Kind::peers, "peers", Direction::to_data, false, {}},
    // A mail for a phone: header fields, then chunks. The item's truth stays in the store until `outcome`; after a restart of either
    // side it is sent again under the same item id. Optional: expiry_s, subject, reference, own_address*, duplicate_possible (an earlier
    // try may have arrived). Refused while an `attempt` of the item is not acknowledged.
    {Kind::submission,
     "submission",
     Direction::to_data,
     false,
     {Tag::trace, Tag::peer, Tag::msisdn, Tag::sender_address, Tag::mail_size, Tag::mm_size_max}},
    {Kind::submission_chunk, "submission_chunk", Direction::to_data, false, {Tag::offset, Tag::data}},
    // Answer to route_query. The data plane asks again after a reconnect while it has none. Optional: all fields 60-69, and those of
    // a submission for decision `submit`.
    {Kind::route_answer, "route_answer", Direction::to_data, false, {Tag::decision}},
    // One verdict for the sender (only when it was asked for), then one per recipient in the order of the query.
    {Kind::admission_answer, "admission_answer", Direction::to_data, false, {Tag::query, Tag::verdict, Tag::lifetime_s}},
    {Kind::drain, "drain", Direction::to_data, false, {}},
    // The submission of this item id is not wanted any more: it is dropped with its memory, unless it is being sent. Optional: state
    // (an outcome with it follows, where something was dropped; without it the item is offered again, or has ended already).
    {Kind::withdraw, "withdraw", Direction::to_data, true, {}},
    // The configuration and its files are to be read again; answered by `reloaded`.
    {Kind::reload, "reload", Direction::to_data, false, {Tag::query}},

    // Before an answer to the peer: is this sender bound (only with `sender`), can these recipients be routed? Of forwarded mail also
    // mail_from and source_address, whose budgets it spends.
    {Kind::admission_query, "admission_query", Direction::to_control, false, {Tag::query, Tag::source}},
    // An item of the journal needs a route. Optional: peer, sender, recipient*, subject, first_line, linked_id, mail_from (SMTP).
    {Kind::route_query, "route_query", Direction::to_control, false, {Tag::trace, Tag::source}},
    // What became of an item: `submitted` with message_id, or a final state. Optional: status_code, status_text, message_id,
    // duplicate_possible, reason.
    {Kind::outcome, "outcome", Direction::to_control, true, {Tag::trace, Tag::state, Tag::time}},
    // A DeliveryReportReq that was answered 1000; the item id is the report's own. Optional: status_text, date.
    {Kind::report,
     "report",
     Direction::to_control,
     true,
     {Tag::trace, Tag::peer, Tag::message_id, Tag::recipient, Tag::sender, Tag::mm_status, Tag::time}},
    // News for the item's history and the CLI; nobody waits for it. Optional: detail*, state.
    {Kind::event, "event", Direction::to_control, false, {Tag::trace, Tag::name, Tag::time}},
    // The submission named by the item id may send this many chunks more.
    {Kind::submission_credit, "submission_credit", Direction::to_control, false, {Tag::credit}},
    // Nobody knows whether the peer took this try to submit the item: no answer came, or none that says anything. The item is the control
    // plane's from the acknowledgement on; it comes back with a new offer. `time`: when the try began. Optional: peer, reason,
    // deduplicates (1: the peer recognises the item, it may be offered again at once), duplicate_possible (1: it may have left twice
    // already).
    {Kind::attempt, "attempt", Direction::to_control, true, {Tag::trace, Tag::attempt, Tag::time}},
    // Whether a peer is paused, for people. Optional: reason.
    {Kind::peer_state, "peer_state", Direction::to_control, false, {Tag::peer, Tag::retry_at}},
    // What came of reading the configuration last, also when a signal asked for it; again after each hello. `query`: the latest that was
    // asked before. Optional: reason (it was refused whole, and the one before is in force), restart_key*.
    {Kind::reloaded, "reloaded", Direction::to_control, false, {Tag::query, Tag::configuration}},
    // All certificates at once: ours, and those that peers showed last. Replaces what was there; again after each hello. For each one
    // name (the key of its file, `peer NAME`, `client NAME` or `smart_host`), detail (the file, or the certificate's subject) and ends_at,
    // in this order.
    {Kind::certificates, "certificates", Direction::to_control, false, {}},
    // One [peer.NAME], nested; its other fields are those of core/peer_fields.h.
    {Kind::peer, "peer", Direction::to_data, false, {Tag::name, peer_tag("url")}},
}};

/// What the bytes of a field are. A secret is text that is never printed.
enum class FieldType : std::uint8_t { number, signed_number, text, secret, trace, bytes };

struct TagRow {
  Tag tag{};
  std::string_view name;
  FieldType type = FieldType::bytes;
};

inline constexpr auto tags = std::to_array<TagRow>({
    {Tag::epoch, "epoch", FieldType::number},
    {Tag::last_sequence, "last_sequence", FieldType::number},
    {Tag::last_epoch, "last_epoch", FieldType::number},
    {Tag::schema, "schema", FieldType::number},
    {Tag::sequence, "sequence", FieldType::number},
    {Tag::trace, "trace", FieldType::trace},
    {Tag::peer, "peer", FieldType::text},
    {Tag::time, "time", FieldType::signed_number},
    {Tag::query, "query", FieldType::number},
    {Tag::lifetime_s, "lifetime_s", FieldType::number},
    {Tag::state, "state", FieldType::text},
    {Tag::reason, "reason", FieldType::text},
    {Tag::name, "name", FieldType::text},
    {Tag::detail, "detail", FieldType::text},
    {Tag::verdict, "verdict", FieldType::text},
    {Tag::sender, "sender", FieldType::text},
    {Tag::recipient, "recipient", FieldType::text},
    {Tag::subject, "subject", FieldType::text},
    {Tag::first_line, "first_line", FieldType::text},
    {Tag::source, "source", FieldType::text},
    {Tag::linked_id, "linked_id", FieldType::text},
    {Tag::message_id, "message_id", FieldType::text},
    {Tag::status_code, "status_code", FieldType::number},
    {Tag::status_text, "status_text", FieldType::text},
    {Tag::mm_status, "mm_status", FieldType::text},
    {Tag::duplicate_possible, "duplicate_possible", FieldType::number},
    {Tag::date, "date", FieldType::signed_number},
    {Tag::msisdn, "msisdn", FieldType::text},
    {Tag::sender_address, "sender_address", FieldType::text},
    {Tag::mail_size, "mail_size", FieldType::number},
    {Tag::offset, "offset", FieldType::number},
    {Tag::data, "data", FieldType::bytes},
    {Tag::mm_size_max, "mm_size_max", FieldType::number},
    {Tag::expiry_s, "expiry_s", FieldType::number},
    {Tag::credit, "credit", FieldType::number},
    {Tag::own_address, "own_address", FieldType::text},
    {Tag::retry_at, "retry_at", FieldType::signed_number},
    {Tag::attempt, "attempt", FieldType::number},
    {Tag::decision, "decision", FieldType::text},
    {Tag::next_hop, "next_hop", FieldType::text},
    {Tag::mail_from, "mail_from", FieldType::text},
    {Tag::mail_recipient, "mail_recipient", FieldType::text},
    {Tag::header_from, "header_from", FieldType::text},
    {Tag::header_to, "header_to", FieldType::text},
    {Tag::in_reply_to, "in_reply_to", FieldType::text},
    {Tag::reference, "reference", FieldType::text},
    {Tag::new_subject, "new_subject", FieldType::text},
    {Tag::drop_first_line, "drop_first_line", FieldType::number},
    {Tag::peer_record, "peer_record", FieldType::bytes},
    {Tag::domain, "domain", FieldType::text},
    {Tag::authentication, "authentication", FieldType::text},
    {Tag::mails_max, "mails_max", FieldType::number},
    {Tag::source_address, "source_address", FieldType::text},
    {Tag::configuration, "configuration", FieldType::number},
    {Tag::restart_key, "restart_key", FieldType::text},
    {Tag::ends_at, "ends_at", FieldType::signed_number},
});

constexpr FieldType type_of(const PeerField& field) {
  if (field.reader == PeerReader::secret_file) return FieldType::secret;
  const bool is_text = field.key.type == KeyType::text || field.key.type == KeyType::word || is_list(field.key.type);
  return is_text && field.one.empty() ? FieldType::text : FieldType::number;
}

/// The rows of core/peer_fields.h as those of a record.
inline constexpr auto peer_tags = [] {
  std::array<TagRow, std::ranges::count_if(peer_fields, &PeerField::tag)> rows{};
  auto* row = rows.begin();
  for (const PeerField& field : peer_fields) {
    if (field.tag != 0) *row++ = {Tag{field.tag}, field.field_name(), type_of(field)};
  }
  return rows;
}();

[[nodiscard]] constexpr const TagRow* find_tag(std::uint16_t tag) {
  for (const std::span<const TagRow> rows : {std::span<const TagRow>(tags), std::span<const TagRow>(peer_tags)}) {
    for (const TagRow& row : rows) {
      if (static_cast<std::uint16_t>(row.tag) == tag) return &row;
    }
  }
  return nullptr;
}
static_assert(std::ranges::all_of(peer_tags, [](const TagRow& row) { return find_tag(static_cast<std::uint16_t>(row.tag)) == &row; }),
              "a tag of a peer's field is taken already");

[[nodiscard]] constexpr const KindRow* find_kind(std::uint16_t kind) {
  for (const KindRow& row : kinds) {
    if (static_cast<std::uint16_t>(row.kind) == kind) return &row;
  }
  return nullptr;
}

}  // namespace pushmail::handoff

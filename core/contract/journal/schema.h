// Kinds and fields of journal records (framing: core/record.h, little-endian). One flat list of tags; each kind says which it has.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/ids.h"
#include "core/record.h"

namespace pushmail::journal {

/// Kinds of records. Bodies use the tags of journal/schema.h.
enum class Kind : std::uint16_t {
  accepted_mm7 = 1,   // a DeliverReq: peer, content_type, body, trace
  accepted_mail = 2,  // a forwarded mail: mail_from, recipient, body, trace, what its sender wants to be told
  outcome = 3,        // what became of an item, until the control plane has it: a handoff outcome record as body
  report = 4,         // a DeliveryReportReq, until the control plane has it: a handoff report record as body
  settled = 5,        // the item id's record of kind `settles` needs no more work
  segment = 6,        // first record of each segment file: its number
  attempt = 7,        // a try to send an item, durable before its first byte leaves; the next try's replaces it
  batch = 8,          // first record of each batch but a segment's first: what lies before it is durable
};
inline constexpr Kind kind_last = Kind::batch;
[[nodiscard]] std::string_view to_string(Kind kind);

enum class Tag : std::uint16_t {
  trace = 1,             // 16 bytes
  time = 2,              // i64: Timestamp when it was accepted
  peer = 3,              // text: name of [peer.NAME]
  content_type = 4,      // text: of the HTTP body
  body = 5,              // bytes: the HTTP body, or the mail as it came in
  digest = 6,            // bytes: idempotence key (peer, TransactionID, Sender, content)
  mail_from = 7,         // text, empty for <>
  recipient = 8,         // text, repeats: RCPT TO; of an attempt: those that have their final reply
  source = 9,            // text: address:port the mail came from
  record = 10,           // bytes: a whole handoff record (outcome, report)
  settles = 11,          // u64: Kind that the settled record names
  segment_number = 12,   // u64
  recipient_bad = 13,    // text, repeats: MM7 recipients that were refused with 1100, address form of handoff/schema.h
  admission = 14,        // u64 0/1: 1 = whether the sender may send was not known when the answer was given
  seal = 15,             // the last field of every record, see journal/segment.h
  padding = 16,          // zeros behind the fields of the segment record
  attempt = 17,          // u64: number of the try, from 1
  phase = 18,            // text: begun, answered or refused (relay/attempt.h)
  doubts = 19,           // u64: earlier tries of which nobody knows whether they arrived
  reason = 20,           // text, repeats: `address: reply` of recipients that were refused for good
  carried_segment = 21,  // u64: number of the segment whose last batch was written once more at this start
  carried_from = 22,     // u64: offset of that batch
  // What the sender of a forwarded mail wants to be told (RFC 3461), decoded; each only where he said it.
  notify = 23,              // text: `NEVER`, or `SUCCESS,FAILURE,DELAY` or some of these
  original_recipient = 24,  // text: `rfc822;joe@example.com`
  ret = 25,                 // text: `FULL` or `HDRS`
  envelope_id = 26,         // text
};

struct TagRow {
  Tag tag;
  std::string_view name;
};
// seal and padding have no row: they say nothing about the message, and a seal is not to be printed.
inline constexpr auto tags = std::to_array<TagRow>({
    {Tag::trace, "trace"},
    {Tag::time, "time"},
    {Tag::peer, "peer"},
    {Tag::content_type, "content_type"},
    {Tag::body, "body"},
    {Tag::digest, "digest"},
    {Tag::mail_from, "mail_from"},
    {Tag::recipient, "recipient"},
    {Tag::source, "source"},
    {Tag::record, "record"},
    {Tag::settles, "settles"},
    {Tag::segment_number, "segment_number"},
    {Tag::recipient_bad, "recipient_bad"},
    {Tag::admission, "admission"},
    {Tag::attempt, "attempt"},
    {Tag::phase, "phase"},
    {Tag::doubts, "doubts"},
    {Tag::reason, "reason"},
    {Tag::carried_segment, "carried_segment"},
    {Tag::carried_from, "carried_from"},
    {Tag::notify, "notify"},
    {Tag::original_recipient, "original_recipient"},
    {Tag::ret, "ret"},
    {Tag::envelope_id, "envelope_id"},
});

[[nodiscard]] constexpr std::uint16_t tag(Tag t) { return static_cast<std::uint16_t>(t); }
[[nodiscard]] constexpr const TagRow* find_tag(std::uint16_t number) {
  for (const TagRow& row : tags) {
    if (tag(row.tag) == number) return &row;
  }
  return nullptr;
}

/// Of the file's framing, and of no message.
[[nodiscard]] constexpr bool is_frame(Kind kind) { return kind == Kind::segment || kind == Kind::batch; }

/// A writer for a record of this kind.
[[nodiscard]] RecordWriter make(Kind kind, const ItemId& item);

}  // namespace pushmail::journal

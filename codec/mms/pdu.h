// MMS encapsulation (MM1): the binary PDUs between a phone and an MMSC, OMA-MMS-ENC 1.0 to 1.3.
//
// Came from: an HTTP body or a WAP push. Goes to: the MM1 road of the data plane, tests and tools. One flat Pdu, tables of header fields,
// of their values, and of PDUs (fields.h): encode, decode and dump walk them. Adding a field or a PDU is adding rows.
// Invariant: decode(encode(pdu)) has the same values; parts are views into what was decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mms/multimedia.h"
#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mms {

enum class MessageType : std::uint8_t {
  send_req = 0x80,
  send_conf = 0x81,
  notification_ind = 0x82,
  notifyresp_ind = 0x83,
  retrieve_conf = 0x84,
  acknowledge_ind = 0x85,
  delivery_ind = 0x86,
  read_rec_ind = 0x87,
  read_orig_ind = 0x88,
  forward_req = 0x89,
  forward_conf = 0x8A,
  mbox_store_req = 0x8B,
  mbox_store_conf = 0x8C,
  mbox_view_req = 0x8D,
  mbox_view_conf = 0x8E,
  mbox_upload_req = 0x8F,
  mbox_upload_conf = 0x90,
  mbox_delete_req = 0x91,
  mbox_delete_conf = 0x92,
  mbox_descr = 0x93,
  delete_req = 0x94,
  delete_conf = 0x95,
  cancel_req = 0x96,
  cancel_conf = 0x97,
};
/// `m-send-req`; empty for another number.
[[nodiscard]] std::string_view name_of(MessageType type);

inline constexpr std::uint8_t version_1_0 = 0x10;  // major in the high nibble
inline constexpr std::uint8_t version_1_1 = 0x11;
inline constexpr std::uint8_t version_1_2 = 0x12;
inline constexpr std::uint8_t version_1_3 = 0x13;

enum class Priority : std::uint8_t { low = 0x80, normal = 0x81, high = 0x82 };
/// X-Mms-Status of M-NotifyResp.ind and M-Delivery.ind.
enum class Status : std::uint8_t {
  expired = 0x80,
  retrieved = 0x81,
  rejected = 0x82,
  deferred = 0x83,
  unrecognised = 0x84,
  indeterminate = 0x85,
  forwarded = 0x86,
  unreachable = 0x87,
};
enum class ReadStatus : std::uint8_t { read = 0x80, deleted = 0x81 };

/// X-Mms-Response-Status values that we write; what a received one means is class_of().
namespace response_status {
inline constexpr std::uint8_t ok = 0x80;
inline constexpr std::uint8_t transient_failure = 0xC0;
inline constexpr std::uint8_t transient_network_problem = 0xC3;
inline constexpr std::uint8_t permanent_failure = 0xE0;
inline constexpr std::uint8_t service_denied = 0xE1;
inline constexpr std::uint8_t message_format_corrupt = 0xE2;
inline constexpr std::uint8_t sending_address_unresolved = 0xE3;
inline constexpr std::uint8_t message_not_found = 0xE4;
inline constexpr std::uint8_t content_not_accepted = 0xE5;
}  // namespace response_status
/// For Response-Status and Retrieve-Status alike: unknown values mean what their range means (OMA-MMS-ENC 1.2 §7.2.27).
enum class StatusClass : std::uint8_t { ok, transient, permanent };
[[nodiscard]] StatusClass class_of(std::uint8_t status);
/// A Response-Status as a receiver of `version` knows it: 1.0 has one row of errors, 0x81 to 0x88, where later versions tell transient
/// from permanent ones (OMA-MMS-ENC 1.2 §7.2.27).
[[nodiscard]] std::uint8_t response_status_for(std::uint8_t status, std::uint8_t version);

/// Absolute: seconds since 1970. Relative: seconds from when the PDU was made.
struct TimeValue {
  enum class Kind : std::uint8_t { absolute, relative } kind = Kind::relative;
  std::uint64_t seconds = 0;
  bool operator==(const TimeValue&) const = default;
};
/// The sender, or the request that the MMSC fills it in.
struct From {
  enum class Kind : std::uint8_t { address, insert } kind = Kind::insert;
  std::string address;
  bool operator==(const From&) const = default;
};
/// X-Mms-Previously-Sent-By and -Date: 1 is the first time that the message was sent, the highest number the last.
struct PreviousSender {
  std::uint64_t number = 0;
  std::string address;
  bool operator==(const PreviousSender&) const = default;
};
struct PreviousDate {
  std::uint64_t number = 0;
  std::uint64_t seconds = 0;  // since 1970
  bool operator==(const PreviousDate&) const = default;
};
/// A keyword of a stored message, and what is to be done with it.
struct MmFlag {
  enum class Action : std::uint8_t { add = 0x80, remove = 0x81, filter = 0x82 } action = Action::add;
  std::string keyword;
  bool operator==(const MmFlag&) const = default;
};
/// Of X-Mms-Mbox-Totals and -Quotas.
struct MboxSize {
  enum class Unit : std::uint8_t { messages = 0x80, bytes = 0x81 } unit = Unit::messages;
  std::uint64_t size = 0;
  bool operator==(const MboxSize&) const = default;
};
/// A part that waits at the MMSC: its Content-ID or Content-Location, and parameters such as its type.
struct ElementDescriptor {
  struct Parameter {
    std::string name;  // lower case
    std::string value;
    bool operator==(const Parameter&) const = default;
  };
  std::string reference;
  std::vector<Parameter> parameters;
  bool operator==(const ElementDescriptor&) const = default;
};
/// A value of a deletion's answer, and the number of the deleted message that it is about.
struct CountedText {
  std::uint64_t number = 0;
  std::string text;
  bool operator==(const CountedText&) const = default;
};

/// Every header any PDU has. Addresses are as on the wire (`+15550100002/TYPE=PLMN`); texts are UTF-8. Empty means: not there.
struct Pdu {
  MessageType type = MessageType::send_req;
  std::string transaction_id;
  std::uint8_t version = version_1_2;

  std::optional<From> from;
  std::vector<std::string> to, cc, bcc;
  std::string subject;
  std::string message_id;                // without <>
  std::optional<std::uint64_t> date;     // seconds since 1970
  std::string message_class;             // Personal, Advertisement, Informational, Auto, or another word
  std::optional<std::uint8_t> priority;  // Priority
  std::optional<TimeValue> expiry, delivery_time;
  std::optional<std::uint64_t> message_size;
  std::string content_location;
  std::optional<bool> delivery_report, read_report, report_allowed, distribution_indicator, adaptation_allowed;
  std::optional<std::uint8_t> sender_visibility;
  std::optional<std::uint8_t> response_status;
  std::string response_text;
  std::optional<std::uint8_t> status;  // Status
  std::string status_text;
  std::optional<std::uint8_t> retrieve_status;
  std::string retrieve_text;
  std::optional<std::uint8_t> read_status;
  std::optional<std::uint8_t> reply_charging, mm_state, retrieval_mode;
  std::optional<TimeValue> reply_charging_deadline;
  std::string reply_charging_id, retrieval_mode_text;
  std::optional<std::uint64_t> reply_charging_size;
  std::vector<PreviousSender> previously_sent_by;
  std::vector<PreviousDate> previously_sent_date;
  std::optional<bool> store, stored, drm_content, totals, quotas;
  std::optional<std::uint8_t> store_status, content_class, cancel_status;
  std::string store_status_text, replace_id, cancel_id;
  std::string applic_id, reply_applic_id, aux_applic_info;
  std::vector<ElementDescriptor> element_descriptors;
  std::vector<MmFlag> mm_flags;
  std::vector<MboxSize> mbox_totals, mbox_quotas;
  std::vector<std::uint8_t> attributes;  // field codes
  std::optional<std::uint64_t> message_count, start, limit;

  /// Where a PDU is about several messages: views, deletions and their answers. There the members of one value above are not used.
  std::vector<std::string> content_locations;
  std::vector<std::uint8_t> mm_states;
  std::vector<CountedText> deleted_locations;
  std::vector<std::uint8_t> deleted_statuses;  // Response-Status of each
  std::vector<CountedText> deleted_texts;

  /// Whether there is a Content-Type and a body, and what they hold. The subject above is the PDU's; content.subject repeats it.
  bool has_content = false;
  MultimediaMessage content;
};

/// Appends the parts of a multipart in WSP's form (WAP-230 §8.5), where it stands alone. Views point into `body`. After an error the
/// message may hold some of them.
[[nodiscard]] Result<void> read_multipart(ByteView body, MultimediaMessage& message);
/// Reads a whole PDU. Unknown headers are passed over. Views of the content point into `bytes`.
[[nodiscard]] Result<Pdu> decode(ByteView bytes);

/// What goes out, in order: built headers and the parts where they lie. `pieces` of headers point into `headers`, which must stay.
struct Gather {
  Bytes headers;
  std::vector<ByteView> pieces;
  [[nodiscard]] std::size_t size() const;
};
/// The PDU as a list of pieces; nothing of the parts is copied.
[[nodiscard]] Result<Gather> encode_gather(const Pdu& pdu);
/// The same in one piece.
[[nodiscard]] Result<Bytes> encode(const Pdu& pdu);

/// One `Name: value` line a header, and one a part.
[[nodiscard]] std::string dump(const Pdu& pdu);

}  // namespace pushmail::mms

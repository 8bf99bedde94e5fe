// MM7: SOAP 1.1 over HTTP between the MMSC (Relay/Server) and us (VASP), TS 23.140 §8.7 and §10.
//
// Came from: dataplane/session/http (a whole body and its Content-Type). Goes to: dataplane/relay. Read tolerantly by local name,
// written strictly in schema order; every dialect knob is in Mm7Dialect. XML by our own scanner, with libxml2 behind it (xml.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/mm7/dialect.h"
#include "codec/mms/multimedia.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail::mm7 {

/// A StatusCode of TS 23.140 §10.2 and its words: 1000 success, 2xxx the request, 3xxx the server, 4xxx the service.
struct Status {
  int code = 1000;
  std::string text;
  std::string details;
};

enum class AddressKind : std::uint8_t { number, short_code, rfc2822 };
struct Address {
  AddressKind kind = AddressKind::number;
  std::string value;  // as on the wire, without /TYPE=PLMN; a number keeps its leading + if it had one
  bool display_only = false;
};
enum class RecipientField : std::uint8_t { to, cc, bcc };
struct Recipient {
  RecipientField field = RecipientField::to;
  Address address;
};

/// A point in time or a length from now, as EarliestDeliveryTime and replyDeadline take them.
using TimePoint = std::variant<Timestamp, Duration>;

/// Application addressing of Rel-6 (TS 23.140 §7.1.18); empty: not sent or not there.
struct Application {
  std::string id, reply_id, aux_info;
};

struct ReplyCharging {
  std::uint32_t size = 0;  // bytes; 0: not sent
  std::optional<TimePoint> deadline;
};

/// Always asks for the delivery report: without it nobody would learn what became of the message.
struct SubmitReq {
  std::string transaction_id;
  Address sender;
  std::vector<Recipient> recipients;
  std::string linked_id;
  std::string message_class;  // empty: not sent
  std::optional<Timestamp> time_stamp;
  std::optional<ReplyCharging> reply_charging;
  std::optional<TimePoint> earliest_delivery;
  std::optional<Duration> expiry;
  bool read_reply = false;
  std::string priority;  // Low, Normal, High or empty
  std::string subject;
  std::string charged_party;  // Sender, Recipient, Both, Neither, ThirdParty or empty
  std::string charged_party_id;
  std::optional<bool> distribution;  // DistributionIndicator: may be passed on
  std::vector<std::uint32_t> delivery_conditions;
  Application application;
  std::string content_class;  // text, image-basic ... or empty
  std::optional<bool> drm_content;
  const MultimediaMessage* content = nullptr;
};
/// Takes back a message that was not yet fetched; `extended` (Rel-6): also one that was, by its CancelID.
struct CancelReq {
  std::string transaction_id;
  Address sender;  // no value: not sent
  std::string message_id;
  Application application;  // not sent with extended
  bool extended = false;
};
/// Replaces the content of a message. What it does not name stays as it was submitted.
struct ReplaceReq {
  std::string transaction_id;
  Address sender;  // not sent with extended
  std::string message_id;
  std::optional<Timestamp> time_stamp;
  std::optional<bool> read_reply;
  std::optional<TimePoint> earliest_delivery;
  std::optional<Duration> expiry;    // extended only
  std::optional<bool> distribution;  // not with extended, as all below
  std::string content_class;
  std::optional<bool> drm_content;
  Application application;
  const MultimediaMessage* content = nullptr;  // with extended too
  bool extended = false;
};
struct SubmitRsp {
  std::string transaction_id;
  Status status;
  std::string message_id;
};
/// CancelRsp or extendedCancelRsp.
struct CancelRsp {
  std::string transaction_id;
  Status status;
  bool extended = false;
};
/// ReplaceRsp or extendedReplaceRsp; only the extended one names a message.
struct ReplaceRsp {
  std::string transaction_id;
  Status status;
  std::string message_id;
  bool extended = false;
};

/// Who a message came through before, and when; the standard numbers them so that the two lists can be paired.
struct PreviousSender {
  Address address;
  std::uint32_t sequence = 0;
};
struct PreviousDate {
  Timestamp at;
  std::uint32_t sequence = 0;
};
struct DeliverReq {
  std::string transaction_id;
  std::string mm7_version;
  std::string namespace_uri;
  std::string relay_server_id, vaspid, vasid, linked_id;
  Address sender;
  std::vector<Recipient> recipients;
  std::vector<PreviousSender> previous_senders;
  std::vector<PreviousDate> previous_dates;
  std::string sender_spi, recipient_spi;
  std::optional<Timestamp> time_stamp;
  std::string reply_charging_id;  // MessageID of what it answers
  std::string priority, subject;
  Application application;
  std::string ua_profile;  // UACapabilities/@UAProf
  bool allow_adaptations = true;
  MultimediaMessage content;  // views into the HTTP body, or into its own arena
};
struct DeliveryReportReq {
  std::string transaction_id;
  std::string mm7_version;
  std::string namespace_uri;
  std::string relay_server_id;
  std::string message_id;
  Address recipient, sender;  // as sent; some MMSCs swap the two
  std::optional<Timestamp> date;
  std::string mm_status;            // canonical spelling of the schema; unknown words become Indeterminate
  std::string mm_status_received;   // as sent
  std::string mm_status_extension;  // RejectionByMMSRecipient, RejectionByOtherRS or what was sent
  std::string status_text;
  Application application;
  std::string ua_profile;
};
struct ReadReplyReq {
  std::string transaction_id;
  std::string mm7_version;
  std::string namespace_uri;
  std::string relay_server_id;
  std::string message_id;
  Address recipient, sender;       // as sent; some MMSCs swap the two
  std::optional<Timestamp> date;   // TimeStamp
  std::string mm_status;           // Read, Deleted or Indeterminate
  std::string mm_status_received;  // as sent
  std::string status_text;
  Application application;
};
/// Fault, RSErrorRsp or VASPErrorRsp, in or out of a SOAP Fault.
struct FaultRsp {
  std::string transaction_id;
  std::string fault_code, fault_string;
  Status status;
};
/// A request of MM7 that we know by name but that a VASP does not serve: answered 4003.
struct UnsupportedReq {
  std::string name;
  std::string transaction_id, mm7_version, namespace_uri;
};

using Request = std::variant<DeliverReq, DeliveryReportReq, ReadReplyReq, UnsupportedReq>;
using Response = std::variant<SubmitRsp, CancelRsp, ReplaceRsp, FaultRsp>;

/// Reads an HTTP request body from an MMSC. On error, `info(error)` says which status code answers it: status_of().
[[nodiscard]] Result<Request> parse_request(std::string_view content_type, ByteView body);
/// Reads an HTTP response body from an MMSC (any HTTP status). mm7_two_answers: it is MM7, and nobody knows what it says.
[[nodiscard]] Result<Response> parse_response(std::string_view content_type, ByteView body);
/// The MM7 status that an unreadable request is answered with (4004, 2007, 4002 ...).
[[nodiscard]] Status status_of(const Error& error);
/// The text TS 23.140 gives to a status code.
[[nodiscard]] std::string_view status_text(int code);

/// An HTTP message body and the value of its Content-Type.
struct HttpEntity {
  std::string content_type;
  Bytes body;
};
[[nodiscard]] HttpEntity encode(const SubmitReq& request, const Mm7Dialect& dialect);
[[nodiscard]] HttpEntity encode(const CancelReq& request, const Mm7Dialect& dialect);
[[nodiscard]] HttpEntity encode(const ReplaceReq& request, const Mm7Dialect& dialect);
/// What a response repeats of its request: TransactionID, namespace and version as the peer wrote them.
struct ResponseContext {
  std::string transaction_id, mm7_version, namespace_uri;
};
[[nodiscard]] HttpEntity encode_deliver_rsp(const ResponseContext& context, const Status& status, std::string_view service_code);
[[nodiscard]] HttpEntity encode_delivery_report_rsp(const ResponseContext& context, const Status& status);
[[nodiscard]] HttpEntity encode_read_reply_rsp(const ResponseContext& context, const Status& status);
/// What can be read of them in a request that parse_request() refused; empty where nothing can.
[[nodiscard]] ResponseContext context_of(std::string_view content_type, ByteView body);
/// SOAP Fault with VASPErrorRsp; goes with HTTP 500 (SOAP 1.1 §6.2).
[[nodiscard]] HttpEntity encode_fault(const ResponseContext& context, const Status& status);
/// The Fault for a request that parse_request() refused: status_of(error), and MustUnderstand where SOAP asks for it.
[[nodiscard]] HttpEntity encode_fault(const ResponseContext& context, const Error& error);

}  // namespace pushmail::mm7

// MM7: SOAP 1.1 over HTTP between the MMSC (Relay/Server) and us (VASP), TS 23.140 §8.7 and §10.
//
// Came from: dataplane/session/http (a whole body and its Content-Type). Goes to: dataplane/relay. Read tolerantly by local name,
// written strictly in schema order; every dialect knob is in Mm7Dialect. XML through libxml2 without entities, DTD or network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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
  std::string value;                 // as on the wire, without /TYPE=PLMN; a number keeps its leading + if it had one
  bool display_only = false;
};
enum class RecipientField : std::uint8_t { to, cc, bcc };
struct Recipient {
  RecipientField field = RecipientField::to;
  Address address;
};

enum class NumberForm : std::uint8_t { plus, digits, plus_plmn };
/// How a peer wants to be spoken to. Defaults suit a Rel-6 MMSC.
struct Mm7Dialect {
  std::string namespace_uri = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
  std::string version = "6.8.0";
  std::string vaspid;
  std::string vasid;
  std::string service_code;          // empty: not sent
  NumberForm number_form = NumberForm::plus;
  bool parts_base64 = true;          // else binary
};

struct SubmitReq {
  std::string transaction_id;
  Address sender;
  std::vector<Recipient> recipients;
  std::string linked_id;
  std::string message_class;         // empty: not sent
  std::optional<Timestamp> time_stamp;
  std::optional<Duration> expiry;
  bool delivery_report = true;
  bool read_reply = false;
  std::string priority;              // Low, Normal, High or empty
  std::string subject;
  const MultimediaMessage* content = nullptr;
};
struct SubmitRsp {
  std::string transaction_id;
  Status status;
  std::string message_id;
};
struct DeliverReq {
  std::string transaction_id;
  std::string mm7_version;
  std::string namespace_uri;
  std::string relay_server_id, vaspid, vasid, linked_id;
  Address sender;
  std::vector<Recipient> recipients;
  std::optional<Timestamp> time_stamp;
  std::string priority, subject;
  MultimediaMessage content;         // views into the HTTP body, or into its own `owned`
};
struct DeliveryReportReq {
  std::string transaction_id;
  std::string mm7_version;
  std::string namespace_uri;
  std::string message_id;
  Address recipient, sender;
  std::optional<Timestamp> date;
  std::string mm_status;             // canonical spelling of the schema; unknown words become Indeterminate
  std::string mm_status_received;    // as sent
  std::string status_text;
};
/// Fault, RSErrorRsp or VASPErrorRsp, in or out of a SOAP Fault.
struct FaultRsp {
  std::string transaction_id;
  std::string fault_code, fault_string;
  Status status;
};
/// A request of MM7 that we know by name but do not serve (ReadReplyReq until its issue): answered 4003.
struct UnsupportedReq {
  std::string name;
  std::string transaction_id, mm7_version, namespace_uri;
};

using Request = std::variant<DeliverReq, DeliveryReportReq, UnsupportedReq>;
using Response = std::variant<SubmitRsp, FaultRsp>;

/// Reads an HTTP request body from an MMSC. On error, `info(error)` says which status code answers it: status_of().
[[nodiscard]] Result<Request> parse_request(std::string_view content_type, ByteView body);
/// Reads an HTTP response body from an MMSC (any HTTP status).
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
/// What a response repeats of its request: TransactionID, namespace and version as the peer wrote them.
struct ResponseContext {
  std::string transaction_id, mm7_version, namespace_uri;
};
[[nodiscard]] HttpEntity encode_deliver_rsp(const ResponseContext& context, const Status& status, std::string_view service_code);
[[nodiscard]] HttpEntity encode_delivery_report_rsp(const ResponseContext& context, const Status& status);
/// What can be read of them in a request that parse_request() refused; empty where nothing can.
[[nodiscard]] ResponseContext context_of(std::string_view content_type, ByteView body);
/// SOAP Fault with VASPErrorRsp; goes with HTTP 500 (SOAP 1.1 §6.2).
[[nodiscard]] HttpEntity encode_fault(const ResponseContext& context, const Status& status);
/// The Fault for a request that parse_request() refused: status_of(error), and MustUnderstand where SOAP asks for it.
[[nodiscard]] HttpEntity encode_fault(const ResponseContext& context, const Error& error);

}  // namespace pushmail::mm7

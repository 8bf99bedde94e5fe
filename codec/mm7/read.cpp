// MM7 messages in. Elements are looked up by local name, so prefixes, order and unknown elements do not matter; what the standard
// makes mandatory and we need is checked at the end. The list of tolerances is in README.md.
#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "codec/mime/message.h"
#include "codec/mm7/content.h"
#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "codec/mm7/xml.h"
#include "codec/wap/address.h"
#include "core/ascii.h"

namespace pushmail::mm7 {

namespace {

constexpr std::size_t none = XmlTree::none;

struct Envelope {
  XmlTree xml;
  std::size_t message = none;  // the one element of the body
  std::string transaction_id;
  std::string namespace_uri;
  [[nodiscard]] std::string_view text(std::string_view name) const { return xml.text(message, name); }
  [[nodiscard]] std::string version() const { return std::string(text("MM7Version")); }
};

/// The parts of an envelope that a Fault repeats are filled even when the rest is refused.
Result<Envelope> read_envelope(ByteView bytes, ResponseContext* context = nullptr) {
  Envelope envelope;
  PM_TRY(envelope.xml, parse_xml(bytes));
  const XmlTree& xml = envelope.xml;
  bool understood = true;
  if (const std::size_t header = xml.child(0, "Header"); header != none) {
    for (const std::size_t entry : xml.children(header)) {
      if (ascii_equal_nocase(xml.at(entry).name, "TransactionID")) {
        envelope.transaction_id = xml.text(entry);
        envelope.namespace_uri = xml.at(entry).namespace_uri;
      } else if (const std::string_view must = ascii_trim(xml.attribute(entry, "mustUnderstand")); must == "1" || must == "true") {
        understood = false;
      }
    }
  }
  const std::size_t body = xml.child(0, "Body");
  envelope.message = body == none ? none : xml.child(body, {});
  if (envelope.message != none && !xml.at(envelope.message).namespace_uri.empty() &&
      !ascii_equal_nocase(xml.at(envelope.message).name, "Fault")) {
    envelope.namespace_uri = xml.at(envelope.message).namespace_uri;
  }
  if (context != nullptr) {
    context->transaction_id = envelope.transaction_id;
    context->namespace_uri = envelope.namespace_uri;
    if (envelope.message != none) context->mm7_version = envelope.version();
  }
  if (!understood) return fail(mm7_must_understand);
  if (envelope.message == none) return fail(mm7_no_message);
  return envelope;
}

bool truth(std::string_view text) {
  text = ascii_trim(text);
  return text == "1" || ascii_equal_nocase(text, "true") || ascii_equal_nocase(text, "yes");
}

/// A date as xs:dateTime, and with one-digit month, day or hour as some peers write it; a missing zone is UTC.
std::optional<Timestamp> read_time(std::string_view text) {
  text = ascii_trim(text);
  if (text.empty()) return std::nullopt;
  if (const auto exact = parse_rfc3339(text)) return *exact;
  std::string padded;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    if (end - at == 1 && (padded.empty() || padded.back() != '.')) padded += '0';
    padded += text.substr(at, end - at);
    if (end < text.size()) padded += text[end] == ' ' ? 'T' : text[end];
    at = end + 1;
  }
  const auto tolerant = parse_rfc3339(padded);
  return tolerant ? std::optional(*tolerant) : std::nullopt;
}

Address address_of(AddressKind kind, std::string_view text) {
  const std::string_view value = wap::strip_type(text);
  // The element's name is believed unless the value cannot be what it says.
  if (kind != AddressKind::rfc2822 && value.contains('@')) kind = AddressKind::rfc2822;
  if (kind == AddressKind::rfc2822 && !value.contains('@')) kind = AddressKind::number;
  return {.kind = kind, .value = std::string(value)};
}

std::optional<AddressKind> address_kind(std::string_view element) {
  if (ascii_equal_nocase(element, "Number")) return AddressKind::number;
  if (ascii_equal_nocase(element, "ShortCode")) return AddressKind::short_code;
  if (ascii_equal_nocase(element, "RFC2822Address")) return AddressKind::rfc2822;
  return std::nullopt;
}

/// Text without an address element around it, as some platforms send it.
std::optional<Address> guess_address(std::string_view text) {
  text = ascii_trim(text);
  if (text.empty()) return std::nullopt;
  switch (wap::parse_address(text).kind) {
    case wap::AddressKind::email:
      return address_of(AddressKind::rfc2822, text);
    case wap::AddressKind::short_code:
      return address_of(AddressKind::short_code, text);
    default:
      return address_of(AddressKind::number, text);
  }
}

Address address_in(const XmlTree& xml, std::size_t index, AddressKind kind) {
  Address address = address_of(kind, xml.text(index));
  address.display_only = truth(xml.attribute(index, "displayOnly"));
  return address;
}

/// The one address of `index`: the first address element inside it, be it in a To, else its bare text or that of what is inside it.
std::optional<Address> read_address(const XmlTree& xml, std::size_t index) {
  if (index == none) return std::nullopt;
  for (std::size_t i = index + 1; i < xml.at(index).end; ++i) {
    if (const auto kind = address_kind(xml.at(i).name); kind && !xml.text(i).empty()) return address_in(xml, i, *kind);
  }
  for (std::size_t i = index; i < xml.at(index).end; ++i) {
    if (const auto guessed = guess_address(xml.text(i))) return guessed;
  }
  return std::nullopt;
}

std::optional<RecipientField> recipient_field(std::string_view element) {
  if (ascii_equal_nocase(element, "To")) return RecipientField::to;
  if (ascii_equal_nocase(element, "Cc")) return RecipientField::cc;
  if (ascii_equal_nocase(element, "Bcc")) return RecipientField::bcc;
  return std::nullopt;
}

std::vector<Recipient> read_recipients(const XmlTree& xml, std::size_t index) {
  std::vector<Recipient> found;
  if (index == none) return found;
  for (const std::size_t group : xml.children(index)) {
    const auto field = recipient_field(xml.at(group).name);
    if (!field) {
      // An address directly below Recipients.
      if (const auto kind = address_kind(xml.at(group).name); kind && !xml.text(group).empty()) {
        found.push_back({.field = RecipientField::to, .address = address_in(xml, group, *kind)});
      }
      continue;
    }
    const std::size_t before = found.size();
    for (const std::size_t child : xml.children(group)) {
      const auto kind = address_kind(xml.at(child).name);
      if (!kind || xml.text(child).empty()) continue;
      found.push_back({.field = *field, .address = address_in(xml, child, *kind)});
    }
    if (found.size() == before) {
      if (const auto bare = guess_address(xml.text(group))) found.push_back({.field = *field, .address = *bare});
    }
  }
  return found;
}

std::uint32_t number_of(std::string_view text) {
  std::uint32_t number = 0;
  text = ascii_trim(text);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Elements whose text is taken as it is; the first of a name that is not empty counts. Some names come in other spellings too.
template <class Message>
struct TextField {
  std::string_view name;
  std::string& (*member)(Message& message);
};
constexpr auto deliver_texts = std::to_array<TextField<DeliverReq>>({
    {"MM7Version", [](auto& m) -> auto& { return m.mm7_version; }},
    {"MMSRelayServerID", [](auto& m) -> auto& { return m.relay_server_id; }},
    {"VASPID", [](auto& m) -> auto& { return m.vaspid; }},
    {"VASID", [](auto& m) -> auto& { return m.vasid; }},
    {"LinkedID", [](auto& m) -> auto& { return m.linked_id; }},
    {"SenderSPI", [](auto& m) -> auto& { return m.sender_spi; }},
    {"RecipientSPI", [](auto& m) -> auto& { return m.recipient_spi; }},
    {"ReplyChargingID", [](auto& m) -> auto& { return m.reply_charging_id; }},
    {"ReplayChargingID", [](auto& m) -> auto& { return m.reply_charging_id; }},
    {"Priority", [](auto& m) -> auto& { return m.priority; }},
    {"Subject", [](auto& m) -> auto& { return m.subject; }},
    {"ApplicID", [](auto& m) -> auto& { return m.application.id; }},
    {"ReplyApplicID", [](auto& m) -> auto& { return m.application.reply_id; }},
    {"AuxApplicInfo", [](auto& m) -> auto& { return m.application.aux_info; }},
    {"AuxApplicId", [](auto& m) -> auto& { return m.application.aux_info; }},
});
/// Of delivery reports and read replies alike.
template <class Report>
constexpr auto report_texts = std::to_array<TextField<Report>>({
    {"MM7Version", [](auto& m) -> auto& { return m.mm7_version; }},
    {"MMSRelayServerID", [](auto& m) -> auto& { return m.relay_server_id; }},
    {"MessageID", [](auto& m) -> auto& { return m.message_id; }},
    {"MMStatus", [](auto& m) -> auto& { return m.mm_status_received; }},
    {"StatusText", [](auto& m) -> auto& { return m.status_text; }},
    {"ApplicID", [](auto& m) -> auto& { return m.application.id; }},
    {"ReplyApplicID", [](auto& m) -> auto& { return m.application.reply_id; }},
    {"AuxApplicInfo", [](auto& m) -> auto& { return m.application.aux_info; }},
    {"AuxApplicId", [](auto& m) -> auto& { return m.application.aux_info; }},
});

/// One walk over the message's children.
template <class Message, std::size_t count>
void read_texts(const Envelope& envelope, const std::array<TextField<Message>, count>& fields, Message& message) {
  message.transaction_id = envelope.transaction_id;
  message.namespace_uri = envelope.namespace_uri;
  for (const std::size_t child : envelope.xml.children(envelope.message)) {
    const std::string_view name = envelope.xml.at(child).name;
    for (const TextField<Message>& field : fields) {
      if (!ascii_equal_nocase(field.name, name)) continue;
      if (std::string& member = field.member(message); member.empty()) member = envelope.xml.text(child);
      break;
    }
  }
}

/// `Previouslysentby` and `Previouslysentdateandtime`, spelt like that in the standard.
void read_previous(const XmlTree& xml, std::size_t message, DeliverReq& request) {
  if (const std::size_t senders = xml.child(message, "Previouslysentby"); senders != none) {
    for (const std::size_t agent : xml.children(senders)) {
      if (const auto address = read_address(xml, agent)) {
        request.previous_senders.push_back({.address = *address, .sequence = number_of(xml.attribute(agent, "sequence"))});
      }
    }
  }
  if (const std::size_t dates = xml.child(message, "Previouslysentdateandtime"); dates != none) {
    for (const std::size_t date : xml.children(dates)) {
      if (const auto at = read_time(xml.text(date)))
        request.previous_dates.push_back({.at = *at, .sequence = number_of(xml.attribute(date, "sequence"))});
    }
  }
}

std::string ua_profile(const Envelope& envelope) {
  const std::size_t capabilities = envelope.xml.child(envelope.message, "UACapabilities");
  return capabilities == none ? std::string{} : std::string(ascii_trim(envelope.xml.attribute(capabilities, "UAProf")));
}

bool holds_element(const XmlTree& xml, std::size_t index, std::string_view name) {
  for (std::size_t i = index + 1; i < xml.at(index).end; ++i) {
    if (ascii_equal_nocase(xml.at(i).name, name)) return true;
  }
  return false;
}

/// TS 23.140 §8.7.9: one Sender with one address. A second one means another phone to whoever reads the last instead of the first.
bool has_one_sender(const XmlTree& xml, std::size_t message) {
  std::size_t senders = 0, addresses = 0;
  for (const std::size_t child : xml.children(message)) {
    if (!ascii_equal_nocase(xml.at(child).name, "Sender")) continue;
    ++senders;
    for (std::size_t i = child + 1; i < xml.at(child).end; ++i) {
      if (address_kind(xml.at(i).name) && !xml.text(i).empty()) ++addresses;
    }
  }
  return senders == 1 && addresses <= 1;
}

Result<Request> read_deliver(const Envelope& envelope, const HttpParts& parts) {
  const XmlTree& xml = envelope.xml;
  DeliverReq request;
  read_texts(envelope, deliver_texts, request);

  const std::size_t sender = xml.child(envelope.message, "Sender");
  if (sender == none) return fail(mm7_missing_element);
  if (!has_one_sender(xml, envelope.message)) return fail(mm7_two_senders);
  const auto address = read_address(xml, sender);
  if (!address) return fail(mm7_bad_address);
  request.sender = *address;
  // Whether a number in an RFC2822Address is a phone is for the peer's profile to say: the element stays known.
  if (request.sender.kind == AddressKind::number && holds_element(xml, sender, "RFC2822Address"))
    request.sender.kind = AddressKind::rfc2822;
  request.recipients = read_recipients(xml, xml.child(envelope.message, "Recipients"));
  read_previous(xml, envelope.message, request);
  request.time_stamp = read_time(envelope.text("TimeStamp"));
  request.ua_profile = ua_profile(envelope);

  const std::size_t content = xml.child(envelope.message, "Content");
  if (content != none || has_content(parts)) {
    const std::string_view href = content == none ? std::string_view{} : xml.attribute(content, "href");
    const std::string_view adaptations = content == none ? std::string_view{} : xml.attribute(content, "allowAdaptations");
    request.allow_adaptations = adaptations.empty() || truth(adaptations);
    PM_TRY(request.content, read_content(parts, href));
  }
  // Some MMSCs hand on a phone's subject as it stands in a mail's header.
  if (request.subject.contains("=?")) request.subject = mime::decode_header(request.subject);
  request.content.subject = request.subject;
  return Request(std::move(request));
}

/// What peers write for MMStatus, and the word of the schema for it. A word not listed is Indeterminate.
struct StatusWord {
  std::string_view received;
  std::string_view canonical;
};
constexpr auto delivery_words = std::to_array<StatusWord>({
    {"Expired", "Expired"},
    {"Retrieved", "Retrieved"},
    {"Delivered", "Retrieved"},
    {"Rejected", "Rejected"},
    {"Indeterminate", "Indeterminate"},
    {"Forwarded", "Forwarded"},
    {"Unrecognised", "Unrecognised"},
    {"Unrecognized", "Unrecognised"},
    {"Deferred", "Deferred"},
    {"DeliveryConditionNotMet", "DeliveryConditionNotMet"},
});
// The longer one is MM1's word.
constexpr auto read_words = std::to_array<StatusWord>({
    {"Read", "Read"},
    {"Deleted", "Deleted"},
    {"Deleted without being read", "Deleted"},
    {"Indeterminate", "Indeterminate"},
});

/// What delivery reports and read replies have in common. Their dates have different names, which peers mix up.
template <class Report>
Result<Report> read_any_report(const Envelope& envelope, std::span<const StatusWord> words, std::string_view date,
                               std::string_view other_date) {
  const XmlTree& xml = envelope.xml;
  Report report;
  read_texts(envelope, report_texts<Report>, report);
  if (report.message_id.empty() || report.mm_status_received.empty()) return fail(mm7_missing_element);

  const auto word =
      std::ranges::find_if(words, [&](const StatusWord& row) { return ascii_equal_nocase(row.received, report.mm_status_received); });
  report.mm_status = word == words.end() ? "Indeterminate" : std::string(word->canonical);

  // TS 23.140 §8.7: mandatory, and left empty by some; MessageID alone says which message it is.
  std::size_t recipient = xml.child(envelope.message, "Recipient");
  if (recipient == none) recipient = xml.child(envelope.message, "Recipients");
  if (const auto address = read_address(xml, recipient)) report.recipient = *address;
  if (const auto sender = read_address(xml, xml.child(envelope.message, "Sender"))) report.sender = *sender;
  report.date = read_time(envelope.text(date));
  if (!report.date) report.date = read_time(envelope.text(other_date));
  return report;
}

Result<Request> read_report(const Envelope& envelope) {
  PM_TRY(DeliveryReportReq report, read_any_report<DeliveryReportReq>(envelope, delivery_words, "Date", "TimeStamp"));
  report.mm_status_extension = envelope.text("MMStatusExtension");
  report.ua_profile = ua_profile(envelope);
  return Request(std::move(report));
}

Result<Request> read_read_reply(const Envelope& envelope) {
  PM_TRY(ReadReplyReq reply, read_any_report<ReadReplyReq>(envelope, read_words, "TimeStamp", "Date"));
  return Request(std::move(reply));
}

// Requests of MM7 that exist and that a VASP does not serve.
constexpr std::array<std::string_view, 7> unserved{"SubmitReq",          "CancelReq",      "ReplaceReq",  "extendedCancelReq",
                                                   "extendedReplaceReq", "QueryStatusReq", "VASPErrorRsp"};

/// xs:positiveInteger; some peers write the status's words behind it. Of anything else (`-1000`, `1000;2002`) nobody knows what is meant.
std::optional<int> number_in(std::string_view text) {
  text = ascii_trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  constexpr std::string_view digits = "0123456789";
  const std::size_t size = std::min(text.find_first_not_of(digits), text.size());
  const std::string_view words = text.substr(size);
  if (!words.empty() && (words.front() != ' ' || words.find_first_of(digits) != std::string_view::npos)) return std::nullopt;
  return parse_number<int>(text.substr(0, size));
}

/// Status anywhere below `top`: in its element, without it, in a Fault's detail.
std::optional<Status> read_status(const XmlTree& xml, std::size_t top) {
  const std::size_t code = xml.descendant(top, "StatusCode");
  if (code == none) return std::nullopt;
  const auto number = number_in(xml.text(code));
  if (!number) return std::nullopt;
  Status status{.code = *number, .text = {}, .details = {}};
  if (const std::size_t text = xml.descendant(top, "StatusText"); text != none) status.text = xml.text(text);
  if (const std::size_t details = xml.descendant(top, "Details"); details != none) status.details = xml.text(details);
  if (status.text.empty()) status.text = status_text(status.code);
  return status;
}

/// A four-digit status in a fault's words, where a peer puts it instead of a detail.
std::optional<int> status_in(std::string_view words) {
  for (std::size_t at = 0; at + 4 <= words.size(); ++at) {
    const bool digits = is_digits(words.substr(at, 4));
    const bool alone = (at == 0 || !is_digit(words[at - 1])) && (at + 4 == words.size() || !is_digit(words[at + 4]));
    if (digits && alone && words[at] >= '1' && words[at] <= '4') return number_in(words.substr(at, 4));
  }
  return std::nullopt;
}

FaultRsp read_fault(const Envelope& envelope) {
  const XmlTree& xml = envelope.xml;
  FaultRsp fault;
  fault.transaction_id = envelope.transaction_id;
  fault.fault_code = envelope.text("faultcode");
  fault.fault_string = envelope.text("faultstring");
  if (const auto status = read_status(xml, envelope.message)) {
    fault.status = *status;
    return fault;
  }
  const bool clients_fault =
      ascii_equal_nocase(fault.fault_code.substr(std::min(fault.fault_code.find(':') + 1, fault.fault_code.size())), "Client");
  fault.status.code = status_in(fault.fault_string).value_or(clients_fault ? 2000 : 3000);
  fault.status.text = fault.fault_string.empty() ? std::string(status_text(fault.status.code)) : fault.fault_string;
  return fault;
}

/// Whether an answer says something twice that it may say once: one reader takes the first, another the last, and neither knows what the
/// peer did. Two of a kind are two answers even when they agree, but for ids, which are only names. Details may hold anything, a status of
/// each recipient among it (TS 23.140 §10.2).
bool says_two_things(const XmlTree& xml) {
  std::size_t statuses = 0, codes = 0;
  std::string_view message_id, transaction_id;
  bool two_ids = false;
  const auto take_id = [&two_ids](std::string_view& known, std::string_view text) {
    two_ids = two_ids || (!known.empty() && !text.empty() && text != known);
    if (known.empty()) known = text;
  };
  for (std::size_t i = 1; i < xml.size(); ++i) {
    const std::string_view name = xml.at(i).name;
    if (ascii_equal_nocase(name, "Details")) {
      i = xml.at(i).end - 1;
    } else if (ascii_equal_nocase(name, "Status")) {
      ++statuses;
    } else if (ascii_equal_nocase(name, "StatusCode")) {
      ++codes;
    } else if (ascii_equal_nocase(name, "MessageID")) {
      take_id(message_id, xml.text(i));
    } else if (ascii_equal_nocase(name, "TransactionID")) {
      take_id(transaction_id, xml.text(i));
    }
  }
  return statuses > 1 || codes > 1 || two_ids;
}

}  // namespace

Result<Request> parse_request(std::string_view content_type, ByteView body) {
  PM_TRY(const HttpParts parts, split_body(content_type, body));
  PM_TRY(const Envelope envelope, read_envelope(parts.envelope));
  const std::string_view name = envelope.xml.at(envelope.message).name;
  if (ascii_equal_nocase(name, "DeliverReq")) return read_deliver(envelope, parts);
  if (ascii_equal_nocase(name, "DeliveryReportReq")) return read_report(envelope);
  if (ascii_equal_nocase(name, "ReadReplyReq")) return read_read_reply(envelope);
  if (std::ranges::none_of(unserved, [&](std::string_view row) { return ascii_equal_nocase(row, name); })) return fail(mm7_unknown_message);
  return Request(UnsupportedReq{.name = std::string(name),
                                .transaction_id = envelope.transaction_id,
                                .mm7_version = envelope.version(),
                                .namespace_uri = envelope.namespace_uri});
}

Result<Response> parse_response(std::string_view content_type, ByteView body) {
  PM_TRY(const HttpParts parts, split_body(content_type, body));
  PM_TRY(const Envelope envelope, read_envelope(parts.envelope));
  if (says_two_things(envelope.xml)) return fail(mm7_two_answers);
  const std::string_view name = envelope.xml.at(envelope.message).name;
  if (ascii_equal_nocase(name, "Fault")) return Response(read_fault(envelope));
  const auto status = read_status(envelope.xml, envelope.message);
  if (ascii_equal_nocase(name, "SubmitRsp")) {
    if (!status) return fail(mm7_missing_element);
    return Response(
        SubmitRsp{.transaction_id = envelope.transaction_id, .status = *status, .message_id = std::string(envelope.text("MessageID"))});
  }
  for (const bool extended : {false, true}) {
    if (ascii_equal_nocase(name, extended ? "extendedCancelRsp" : "CancelRsp")) {
      if (!status) return fail(mm7_missing_element);
      return Response(CancelRsp{.transaction_id = envelope.transaction_id, .status = *status, .extended = extended});
    }
    if (ascii_equal_nocase(name, extended ? "extendedReplaceRsp" : "ReplaceRsp")) {
      if (!status) return fail(mm7_missing_element);
      return Response(ReplaceRsp{.transaction_id = envelope.transaction_id,
                                 .status = *status,
                                 .message_id = std::string(envelope.text("MessageID")),
                                 .extended = extended});
    }
  }
  // RSErrorRsp as a normal body, or the answer to something else: what counts is its status.
  if (!status) return fail(mm7_unknown_message);
  return Response(
      FaultRsp{.transaction_id = envelope.transaction_id, .fault_code = {}, .fault_string = std::string(name), .status = *status});
}

ResponseContext context_of(std::string_view content_type, ByteView body) {
  ResponseContext context;
  if (const auto parts = split_body(content_type, body)) {
    [[maybe_unused]] const auto envelope = read_envelope(parts->envelope, &context);
  }
  return context;
}

}  // namespace pushmail::mm7

// MM7 messages out: strictly in schema order (REL-6-MM7-1-4), one row an element, in the dialect of the peer.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <variant>

#include "codec/mime/compose.h"
#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "codec/mm7/xml.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"
#include "core/character_set.h"

namespace pushmail::mm7 {

namespace {

constexpr std::string_view soap_namespace = "http://schemas.xmlsoap.org/soap/envelope/";

/// XML at the end of a string, in one peer's dialect.
class Writer {
 public:
  explicit Writer(const Mm7Dialect& peer_dialect) : dialect(peer_dialect) {
    xml_.reserve(2048);
    if (!dialect.element_prefix.empty()) prefix_ = dialect.element_prefix + ":";
  }

  Writer& raw(std::string_view text) {
    xml_ += text;
    return *this;
  }
  Writer& escaped(std::string_view text) {
    append_escaped(xml_, text);
    return *this;
  }
  Writer& open(std::string_view name) { return raw("<").raw(prefix_).raw(name).raw(">"); }
  Writer& close(std::string_view name) { return raw("</").raw(prefix_).raw(name).raw(">"); }
  void element(std::string_view name, std::string_view text) { open(name).escaped(text).close(name); }
  void optional(std::string_view name, std::string_view text) {
    if (!text.empty()) element(name, text);
  }
  void optional(std::string_view name, std::optional<bool> value) {
    if (value) element(name, *value ? "true" : "false");
  }
  /// `<name attribute="value"` follows: the start of an element that has attributes and nothing else.
  Writer& empty_element(std::string_view name) { return raw("<").raw(prefix_).raw(name); }
  Writer& attribute(std::string_view name, std::string_view value) { return raw(" ").raw(name).raw("=\"").escaped(value).raw("\""); }

  void open_message(std::string_view name, std::string_view namespace_uri) {
    raw("<")
        .raw(prefix_)
        .raw(name)
        .raw(prefix_.empty() ? " xmlns" : " xmlns:")
        .raw(dialect.element_prefix)
        .raw("=\"")
        .escaped(namespace_uri)
        .raw("\">");
  }

  void open_envelope(std::string_view transaction_id, std::string_view namespace_uri) {
    const std::string_view env = dialect.envelope_prefix;
    const std::string_view mm7 = dialect.element_prefix.empty() ? std::string_view("mm7") : std::string_view(dialect.element_prefix);
    raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<")
        .raw(env)
        .raw(":Envelope xmlns:")
        .raw(env)
        .raw("=\"")
        .raw(soap_namespace)
        .raw("\"><");
    raw(env).raw(":Header><").raw(mm7).raw(":TransactionID xmlns:").raw(mm7).raw("=\"").escaped(namespace_uri).raw("\" ");
    raw(env).raw(":mustUnderstand=\"1\">").escaped(transaction_id).raw("</").raw(mm7).raw(":TransactionID></");
    raw(env).raw(":Header><").raw(env).raw(":Body>");
  }
  [[nodiscard]] std::string close_envelope() {
    const std::string_view env = dialect.envelope_prefix;
    raw("</").raw(env).raw(":Body></").raw(env).raw(":Envelope>\n");
    return std::move(xml_);
  }

  const Mm7Dialect& dialect;

 private:
  std::string xml_;
  std::string prefix_;
};

std::string_view envelope_type(const Mm7Dialect& dialect) { return dialect.xml_charset ? "text/xml; charset=\"utf-8\"" : "text/xml"; }

HttpEntity plain(const std::string& xml, const Mm7Dialect& dialect) {
  HttpEntity entity{.content_type = std::string(envelope_type(dialect)), .body = {}};
  append(entity.body, std::string_view(xml));
  return entity;
}

// ---- values ----

void write_number(Writer& out, std::string_view value, NumberForm form) {
  if (value.starts_with('+')) value.remove_prefix(1);
  if (form != NumberForm::digits) out.raw("+");
  out.escaped(value);
  if (form == NumberForm::plus_plmn) out.raw("/TYPE=PLMN");
}

void write_address_text(Writer& out, const Address& address) {
  if (address.kind == AddressKind::number) {
    write_number(out, address.value, out.dialect.number_form);
  } else {
    out.escaped(address.value);
  }
}

void write_address(Writer& out, const Address& address) {
  const bool as_number = address.kind == AddressKind::number ||
                         (address.kind == AddressKind::short_code && out.dialect.short_code_form == ShortCodeForm::number);
  const std::string_view name = as_number ? "Number" : address.kind == AddressKind::short_code ? "ShortCode" : "RFC2822Address";
  out.empty_element(name).raw(address.display_only ? " displayOnly=\"true\">" : ">");
  write_address_text(out, address);
  out.close(name);
}

std::string_view field_name(RecipientField field) {
  return field == RecipientField::to ? "To" : field == RecipientField::cc ? "Cc" : "Bcc";
}

std::string date_time(Timestamp at) {
  std::string text = format_rfc3339(at);
  // Whole seconds: some schema-less readers do not expect a fraction.
  const std::size_t dot = text.find('.');
  if (dot != std::string::npos) text.replace(dot, text.size() - dot, "Z");
  return text;
}

std::string duration_text(Duration length) {
  const std::int64_t all = std::max<std::int64_t>(0, length.ms() / 1000);
  const std::int64_t days = all / 86'400;
  const std::int64_t rest = all % 86'400;
  std::string text = days > 0 ? fmt::format("P{}D", days) : "P";
  if (rest > 0 || days == 0) text += "T";
  if (rest / 3600 > 0) text += fmt::format("{}H", rest / 3600);
  if (rest / 60 % 60 > 0) text += fmt::format("{}M", rest / 60 % 60);
  if (rest % 60 > 0 || all == 0) text += fmt::format("{}S", rest % 60);
  return text;
}

std::string point_text(const TimePoint& point) {
  return std::holds_alternative<Timestamp>(point) ? date_time(std::get<Timestamp>(point)) : duration_text(std::get<Duration>(point));
}
std::string point_text(const std::optional<TimePoint>& point) { return point ? point_text(*point) : std::string{}; }
std::string point_text(const std::optional<Timestamp>& point) { return point ? date_time(*point) : std::string{}; }
std::string point_text(const std::optional<Duration>& length) { return length ? duration_text(*length) : std::string{}; }

// ---- requests ----

/// What the rows below read from.
template <class Message>
struct Source {
  const Message& request;
  std::string_view content_href;  // empty: no content
};

/// An element of a message and how it is written; a row that has nothing to say writes nothing.
template <class Message>
struct ElementRow {
  std::string_view name;
  void (*write)(Writer& out, std::string_view name, const Source<Message>& from);
};

void write_sender(Writer& out, std::string_view name, const Address& sender) {
  out.open(name);
  out.optional("VASPID", out.dialect.vaspid);
  out.optional("VASID", out.dialect.vasid);
  if (!sender.value.empty() && out.dialect.sender_form != SenderForm::none) {
    out.open("SenderAddress");
    if (out.dialect.sender_form == SenderForm::bare) {
      write_address_text(out, sender);
    } else {
      write_address(out, sender);
    }
    out.close("SenderAddress");
  }
  out.close(name);
}

void write_recipients(Writer& out, std::string_view name, const Source<SubmitReq>& from) {
  out.open(name);
  for (const RecipientField field : {RecipientField::to, RecipientField::cc, RecipientField::bcc}) {
    if (std::ranges::none_of(from.request.recipients, [&](const Recipient& row) { return row.field == field; })) continue;
    out.open(field_name(field));
    for (const Recipient& recipient : from.request.recipients) {
      if (recipient.field == field) write_address(out, recipient.address);
    }
    out.close(field_name(field));
  }
  out.close(name);
}

void write_reply_charging(Writer& out, std::string_view name, const Source<SubmitReq>& from) {
  if (!from.request.reply_charging) return;
  const ReplyCharging& charging = *from.request.reply_charging;
  out.empty_element(name);
  if (charging.size > 0) out.attribute("replyChargingSize", fmt::format("{}", charging.size));
  if (charging.deadline) out.attribute("replyDeadline", point_text(*charging.deadline));
  out.raw("/>");
}

void write_conditions(Writer& out, std::string_view name, const Source<SubmitReq>& from) {
  if (from.request.delivery_conditions.empty()) return;
  out.open(name);
  for (const std::uint32_t condition : from.request.delivery_conditions) out.element("DC", fmt::format("{}", condition));
  out.close(name);
}

template <class Message>
void write_content(Writer& out, std::string_view name, const Source<Message>& from) {
  if (from.content_href.empty()) return;
  out.empty_element(name).attribute("href", from.content_href);
  if (out.dialect.allow_adaptations) out.attribute("allowAdaptations", "true");
  out.raw("/>");
}

constexpr auto submit_rows = std::to_array<ElementRow<SubmitReq>>({
    {"MM7Version", [](auto& out, auto name, auto&) { out.element(name, out.dialect.version); }},
    {"SenderIdentification", [](auto& out, auto name, auto& from) { write_sender(out, name, from.request.sender); }},
    {"Recipients", write_recipients},
    {"ServiceCode", [](auto& out, auto name, auto&) { out.optional(name, out.dialect.service_code); }},
    {"LinkedID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.linked_id); }},
    {"MessageClass", [](auto& out, auto name, auto& from) { out.optional(name, from.request.message_class); }},
    {"TimeStamp", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.time_stamp)); }},
    {"ReplyCharging", write_reply_charging},
    {"EarliestDeliveryTime", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.earliest_delivery)); }},
    {"ExpiryDate", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.expiry)); }},
    {"DeliveryReport", [](auto& out, auto name, auto&) { out.element(name, "true"); }},
    {"ReadReply", [](auto& out, auto name, auto& from) { out.optional(name, std::optional(from.request.read_reply)); }},
    {"Priority", [](auto& out, auto name, auto& from) { out.optional(name, from.request.priority); }},
    {"Subject", [](auto& out, auto name, auto& from) { out.optional(name, from.request.subject); }},
    {"ChargedParty", [](auto& out, auto name, auto& from) { out.optional(name, from.request.charged_party); }},
    {"ChargedPartyID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.charged_party_id); }},
    {"DistributionIndicator", [](auto& out, auto name, auto& from) { out.optional(name, from.request.distribution); }},
    {"DeliveryCondition", write_conditions},
    {"ApplicID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.id); }},
    {"ReplyApplicID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.reply_id); }},
    {"AuxApplicInfo", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.aux_info); }},
    {"ContentClass", [](auto& out, auto name, auto& from) { out.optional(name, from.request.content_class); }},
    {"DRMContent", [](auto& out, auto name, auto& from) { out.optional(name, from.request.drm_content); }},
    {"Content", write_content<SubmitReq>},
});

constexpr auto cancel_rows = std::to_array<ElementRow<CancelReq>>({
    {"MM7Version", [](auto& out, auto name, auto&) { out.element(name, out.dialect.version); }},
    {"SenderIdentification", [](auto& out, auto name, auto& from) { write_sender(out, name, from.request.sender); }},
    {"MessageID", [](auto& out, auto name, auto& from) { out.element(name, from.request.message_id); }},
    {"ApplicID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.id); }},
    {"ReplyApplicID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.reply_id); }},
    {"AuxApplicInfo", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.aux_info); }},
});
constexpr auto extended_cancel_rows = std::to_array<ElementRow<CancelReq>>({
    {"MM7Version", [](auto& out, auto name, auto&) { out.element(name, out.dialect.version); }},
    {"SenderIdentification", [](auto& out, auto name, auto& from) { write_sender(out, name, from.request.sender); }},
    {"CancelID", [](auto& out, auto name, auto& from) { out.element(name, from.request.message_id); }},
});

constexpr auto replace_rows = std::to_array<ElementRow<ReplaceReq>>({
    {"MM7Version", [](auto& out, auto name, auto&) { out.element(name, out.dialect.version); }},
    {"SenderIdentification", [](auto& out, auto name, auto& from) { write_sender(out, name, from.request.sender); }},
    {"MessageID", [](auto& out, auto name, auto& from) { out.element(name, from.request.message_id); }},
    {"ServiceCode", [](auto& out, auto name, auto&) { out.optional(name, out.dialect.service_code); }},
    {"TimeStamp", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.time_stamp)); }},
    {"ReadReply", [](auto& out, auto name, auto& from) { out.optional(name, from.request.read_reply); }},
    {"EarliestDeliveryTime", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.earliest_delivery)); }},
    {"DistributionIndicator", [](auto& out, auto name, auto& from) { out.optional(name, from.request.distribution); }},
    {"ContentClass", [](auto& out, auto name, auto& from) { out.optional(name, from.request.content_class); }},
    {"DRMContent", [](auto& out, auto name, auto& from) { out.optional(name, from.request.drm_content); }},
    {"ApplicID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.id); }},
    {"ReplyApplicID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.reply_id); }},
    {"AuxApplicInfo", [](auto& out, auto name, auto& from) { out.optional(name, from.request.application.aux_info); }},
    {"Content", write_content<ReplaceReq>},
});
// No SenderIdentification around the ids here, and the report is asked for as in SubmitReq.
constexpr auto extended_replace_rows = std::to_array<ElementRow<ReplaceReq>>({
    {"MM7Version", [](auto& out, auto name, auto&) { out.element(name, out.dialect.version); }},
    {"VASPID", [](auto& out, auto name, auto&) { out.optional(name, out.dialect.vaspid); }},
    {"VASID", [](auto& out, auto name, auto&) { out.optional(name, out.dialect.vasid); }},
    {"ServiceCode", [](auto& out, auto name, auto&) { out.optional(name, out.dialect.service_code); }},
    {"ReplaceID", [](auto& out, auto name, auto& from) { out.optional(name, from.request.message_id); }},
    {"TimeStamp", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.time_stamp)); }},
    {"EarliestDeliveryTime", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.earliest_delivery)); }},
    {"ExpiryDate", [](auto& out, auto name, auto& from) { out.optional(name, point_text(from.request.expiry)); }},
    {"ReadReply", [](auto& out, auto name, auto& from) { out.optional(name, from.request.read_reply); }},
    {"DeliveryReport", [](auto& out, auto name, auto&) { out.element(name, "true"); }},
    {"Content", write_content<ReplaceReq>},
});

/// A header value that cannot leave its line, and an id that cannot leave its brackets.
constexpr CharacterSet header_token([](char c) { return c > 0x20 && c < 0x7F && c != '<' && c != '>' && c != '"' && c != '\\'; });
void append_token(Bytes& out, std::string_view text) {
  if (header_token.holds_all(text)) return append(out, text);
  for (const char c : text) {
    if (header_token(c)) out.push_back(static_cast<std::uint8_t>(c));
  }
}
bool has_token(std::string_view text) { return std::ranges::any_of(text, header_token); }

std::string id_token(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '.' || c == '-' || c == '_') out += c;
  }
  return out;
}

void append_number(Bytes& out, std::size_t number) {
  const fmt::format_int digits(number);
  append(out, std::string_view(digits.data(), digits.size()));
}

/// Its own Content-ID, or a number where it has none.
void append_part_id(Bytes& out, const MultimediaPart& part, std::size_t number) {
  if (has_token(part.content_id)) return append_token(out, part.content_id);
  append(out, "part-");
  append_number(out, number);
}

/// A part of the content: its headers up to Content-ID, and from there.
void write_part_type(Bytes& out, const MultimediaPart& part, const Mm7Dialect& dialect) {
  append(out, "Content-Type: ");
  append_token(out, part.media_type.empty() ? std::string_view("application/octet-stream") : part.media_type);
  if (!part.charset.empty()) {
    append(out, "; charset=\"");
    append_token(out, part.charset);
    append(out, "\"");
  }
  if (!part.name.empty()) mime::write_parameter(out, "name", part.name);
  append(out, dialect.content_id_brackets ? std::string_view("\r\nContent-ID: <") : std::string_view("\r\nContent-ID: "));
}
void write_part_body(Bytes& out, const MultimediaPart& part, const Mm7Dialect& dialect) {
  append(out, dialect.content_id_brackets ? std::string_view(">\r\n") : std::string_view("\r\n"));
  if (has_token(part.content_location)) {
    append(out, "Content-Location: ");
    append_token(out, part.content_location);
    append(out, "\r\n");
  }
  if (dialect.parts_base64) return mime::write_body(out, part.data, mime::BodyForm::base64);
  if (dialect.part_coding_plain == PartCoding::binary) return mime::write_body(out, part.data, mime::BodyForm::binary);
  append(out, "Content-Transfer-Encoding: 8bit\r\n\r\n");
  append(out, part.data);
}

bool is_related(const MultimediaMessage& message, const Mm7Dialect& dialect) {
  return message.presentation < message.parts.size() && dialect.content_form != ContentForm::mixed;
}

void append_content_type_of_inner(Bytes& out, const MultimediaMessage& message, std::string_view boundary, const Mm7Dialect& dialect) {
  if (!is_related(message, dialect)) return append_all(out, "multipart/mixed; boundary=\"", boundary, "\"");
  append_all(out, "multipart/related; boundary=\"", boundary, "\"; type=\"application/smil\"; start=\"<");
  append_part_id(out, message.parts[message.presentation], message.presentation + 1);
  append(out, ">\"");
}

struct Boundaries {
  std::string outer, inner;
};
/// Neither may occur in the envelope, in a part that goes out as it is, or at the start of the other.
Boundaries make_boundaries(const std::string& seed, const std::string& xml, const MultimediaMessage& message, bool as_base64) {
  std::vector<ByteView> bodies;
  bodies.reserve(1 + message.parts.size() * 5);
  bodies.push_back(bytes_of(xml));
  for (const MultimediaPart& part : message.parts) {
    // base64 holds no `--`.
    if (!as_base64) bodies.push_back(part.data);
    for (const std::string_view text : {std::string_view(part.name), std::string_view(part.content_id),
                                        std::string_view(part.content_location), std::string_view(part.media_type)}) {
      bodies.push_back(bytes_of(text));
    }
  }
  // What nothing starts with is found once; the last letter makes them differ, so that neither is the beginning of the other.
  const std::string start = mime::make_boundary(seed, bodies, mime::Written::as_is);
  return {.outer = start + "e", .inner = start + "c"};
}

/// More than the body will need, so that it is allocated once.
std::size_t body_size_bound(const std::string& xml, const MultimediaMessage& message, const Mm7Dialect& dialect) {
  std::size_t size = xml.size() + 2048;
  for (const MultimediaPart& part : message.parts) {
    size +=
        1024 + 4 * part.name.size() + part.content_id.size() + part.content_location.size() + part.media_type.size() + part.charset.size();
    size += dialect.parts_base64 ? simd::base64_encoded_size(part.data.size()) : part.data.size();
  }
  return size;
}

/// The envelope and the content beside it. Parts go from where they are straight into the body, encoded on the way.
HttpEntity with_content(const std::string& xml, const MultimediaMessage& mm, const std::string& seed, const Mm7Dialect& dialect) {
  const std::string content_id = "mm." + seed + "@pushmail";
  const std::string soap_id = "soap." + seed + "@pushmail";
  const Boundaries boundary = make_boundaries(seed, xml, mm, dialect.parts_base64);
  HttpEntity entity{
      .content_type = fmt::format("multipart/related; boundary=\"{}\"; type=\"text/xml\"; start=\"<{}>\"", boundary.outer, soap_id),
      .body = {}};
  Bytes& out = entity.body;
  out.reserve(body_size_bound(xml, mm, dialect));
  const std::string_view id_start = dialect.content_id_brackets ? "\r\nContent-ID: <" : "\r\nContent-ID: ";
  const std::string_view id_end = dialect.content_id_brackets ? ">\r\n\r\n" : "\r\n\r\n";
  append_all(out, "--", boundary.outer, "\r\nContent-Type: ", envelope_type(dialect), id_start, soap_id, id_end, xml, "\r\n--",
             boundary.outer, "\r\n");
  if (dialect.content_form == ContentForm::single && mm.parts.size() == 1) {
    write_part_type(out, mm.parts[0], dialect);
    append(out, std::string_view(content_id));
    write_part_body(out, mm.parts[0], dialect);
    append_all(out, "\r\n--", boundary.outer, "--\r\n");
    return entity;
  }
  append(out, "Content-Type: ");
  append_content_type_of_inner(out, mm, boundary.inner, dialect);
  append_all(out, id_start, content_id, id_end);
  for (std::size_t i = 0; i < mm.parts.size(); ++i) {
    append_all(out, "--", boundary.inner, "\r\n");
    write_part_type(out, mm.parts[i], dialect);
    append_part_id(out, mm.parts[i], i + 1);
    write_part_body(out, mm.parts[i], dialect);
    append(out, "\r\n");
  }
  append_all(out, "--", boundary.inner, "--\r\n--", boundary.outer, "--\r\n");
  return entity;
}

template <class Message, std::size_t count>
HttpEntity encode_request(const Message& request, const Mm7Dialect& dialect, std::string_view name,
                          const std::array<ElementRow<Message>, count>& rows, const MultimediaMessage* content) {
  const bool has_content = content != nullptr && !content->parts.empty();
  const std::string seed = has_content ? id_token(request.transaction_id) : std::string{};
  // RFC 2392 §2: what is no URL character is escaped; some peers want that of @ too.
  const std::string href = has_content ? fmt::format("cid:mm.{}{}pushmail", seed, dialect.href_escapes_at ? "%40" : "@") : std::string{};

  Writer out(dialect);
  out.open_envelope(request.transaction_id, dialect.namespace_uri);
  out.open_message(name, dialect.namespace_uri);
  const Source<Message> source{.request = request, .content_href = href};
  for (const ElementRow<Message>& row : rows) {
    if (!dialect.omits(row.name)) row.write(out, row.name, source);
  }
  out.close(name);
  const std::string xml = out.close_envelope();
  return has_content ? with_content(xml, *content, seed, dialect) : plain(xml, dialect);
}

// ---- answers ----

// Answers go out in the default shape: the peer reads its own TransactionID, namespace and version back.
std::string_view namespace_of(const ResponseContext& context, const Mm7Dialect& dialect) {
  return context.namespace_uri.empty() ? std::string_view(dialect.namespace_uri) : std::string_view(context.namespace_uri);
}

void write_status(Writer& out, const ResponseContext& context, const Status& status, std::string_view name, std::string_view service_code) {
  out.open_message(name, namespace_of(context, out.dialect));
  out.element("MM7Version", context.mm7_version.empty() ? out.dialect.version : context.mm7_version);
  out.open("Status");
  out.element("StatusCode", fmt::format("{}", status.code));
  out.element("StatusText", status.text.empty() ? status_text(status.code) : status.text);
  out.optional("Details", status.details);
  out.close("Status");
  out.optional("ServiceCode", service_code);
  out.close(name);
}

HttpEntity answer(const ResponseContext& context, const Status& status, std::string_view name, std::string_view service_code = {}) {
  const Mm7Dialect dialect;
  Writer out(dialect);
  out.open_envelope(context.transaction_id, namespace_of(context, dialect));
  write_status(out, context, status, name, service_code);
  return plain(out.close_envelope(), dialect);
}

std::string_view fault_code(const Status& status) {
  const bool clients_fault = status.code / 1000 == 2 || (status.code >= 4001 && status.code <= 4004);
  return clients_fault ? "env:Client" : "env:Server";
}

HttpEntity fault(const ResponseContext& context, const Status& status, std::string_view code) {
  const Mm7Dialect dialect;
  Writer out(dialect);
  out.open_envelope(context.transaction_id, namespace_of(context, dialect));
  out.raw("<env:Fault>");
  out.element("faultcode", code);
  out.element("faultstring", status.text.empty() ? status_text(status.code) : status.text);
  out.raw("<detail>");
  write_status(out, context, status, "VASPErrorRsp", {});
  out.raw("</detail></env:Fault>");
  return plain(out.close_envelope(), dialect);
}

}  // namespace

HttpEntity encode(const SubmitReq& request, const Mm7Dialect& dialect) {
  return encode_request(request, dialect, "SubmitReq", submit_rows, request.content);
}

HttpEntity encode(const CancelReq& request, const Mm7Dialect& dialect) {
  return request.extended ? encode_request(request, dialect, "extendedCancelReq", extended_cancel_rows, nullptr)
                          : encode_request(request, dialect, "CancelReq", cancel_rows, nullptr);
}

HttpEntity encode(const ReplaceReq& request, const Mm7Dialect& dialect) {
  return request.extended ? encode_request(request, dialect, "extendedReplaceReq", extended_replace_rows, request.content)
                          : encode_request(request, dialect, "ReplaceReq", replace_rows, request.content);
}

HttpEntity encode_deliver_rsp(const ResponseContext& context, const Status& status, std::string_view service_code) {
  return answer(context, status, "DeliverRsp", service_code);
}
HttpEntity encode_delivery_report_rsp(const ResponseContext& context, const Status& status) {
  return answer(context, status, "DeliveryReportRsp");
}
HttpEntity encode_read_reply_rsp(const ResponseContext& context, const Status& status) { return answer(context, status, "ReadReplyRsp"); }

HttpEntity encode_fault(const ResponseContext& context, const Status& status) { return fault(context, status, fault_code(status)); }

HttpEntity encode_fault(const ResponseContext& context, const Error& error) {
  const Status status = status_of(error);
  return fault(context, status, error.is(mm7_must_understand) ? std::string_view("env:MustUnderstand") : fault_code(status));
}

}  // namespace pushmail::mm7

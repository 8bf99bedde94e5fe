// MM7 messages out: strictly in schema order (REL-6-MM7-1-4), one row an element.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "codec/mime/compose.h"
#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "codec/mm7/xml.h"

namespace pushmail::mm7 {

namespace {

constexpr std::string_view soap_namespace = "http://schemas.xmlsoap.org/soap/envelope/";
constexpr std::string_view default_namespace = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
constexpr std::string_view default_version = "6.8.0";
constexpr std::string_view envelope_type = "text/xml; charset=\"utf-8\"";

void element(std::string& xml, std::string_view name, std::string_view text) { xml += fmt::format("<{}>{}</{}>", name, escape_xml(text), name); }

std::string envelope(std::string_view transaction_id, std::string_view namespace_uri, std::string_view message) {
  const std::string uri = escape_xml(namespace_uri.empty() ? default_namespace : namespace_uri);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<env:Envelope xmlns:env=\"{}\"><env:Header>"
      "<mm7:TransactionID xmlns:mm7=\"{}\" env:mustUnderstand=\"1\">{}</mm7:TransactionID>"
      "</env:Header><env:Body>{}</env:Body></env:Envelope>\n",
      soap_namespace, uri, escape_xml(transaction_id), message);
}

HttpEntity plain(const std::string& xml) {
  HttpEntity entity{.content_type = std::string(envelope_type), .body = {}};
  append(entity.body, std::string_view(xml));
  return entity;
}

// ---- SubmitReq ----

/// What the rows below read from.
struct Submission {
  const SubmitReq& request;
  const Mm7Dialect& dialect;
  std::string_view content_href;         // empty: no content
};

std::string number_text(std::string_view value, NumberForm form) {
  std::string text(value.starts_with('+') ? value.substr(1) : value);
  switch (form) {
    case NumberForm::plus: return "+" + text;
    case NumberForm::digits: return text;
    case NumberForm::plus_plmn: return "+" + text + "/TYPE=PLMN";
  }
  return text;
}

void write_address(std::string& xml, const Address& address, NumberForm form) {
  const std::string_view name = address.kind == AddressKind::number ? "Number" : address.kind == AddressKind::short_code ? "ShortCode" : "RFC2822Address";
  const std::string text = address.kind == AddressKind::number ? number_text(address.value, form) : address.value;
  xml += fmt::format("<{}{}>{}</{}>", name, address.display_only ? " displayOnly=\"true\"" : "", escape_xml(text), name);
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

/// An element of SubmitReq and how it is written; a row that has nothing to say writes nothing.
struct ElementRow {
  std::string_view name;
  void (*write)(std::string& xml, std::string_view name, const Submission& from);
};

void optional_element(std::string& xml, std::string_view name, std::string_view text) {
  if (!text.empty()) element(xml, name, text);
}
std::string_view boolean(bool value) { return value ? "true" : "false"; }

void write_sender(std::string& xml, std::string_view name, const Submission& from) {
  xml += fmt::format("<{}>", name);
  optional_element(xml, "VASPID", from.dialect.vaspid);
  optional_element(xml, "VASID", from.dialect.vasid);
  if (!from.request.sender.value.empty()) {
    xml += "<SenderAddress>";
    write_address(xml, from.request.sender, from.dialect.number_form);
    xml += "</SenderAddress>";
  }
  xml += fmt::format("</{}>", name);
}

void write_recipients(std::string& xml, std::string_view name, const Submission& from) {
  xml += fmt::format("<{}>", name);
  for (const RecipientField field : {RecipientField::to, RecipientField::cc, RecipientField::bcc}) {
    if (std::ranges::none_of(from.request.recipients, [&](const Recipient& row) { return row.field == field; })) continue;
    xml += fmt::format("<{}>", field_name(field));
    for (const Recipient& recipient : from.request.recipients) {
      if (recipient.field == field) write_address(xml, recipient.address, from.dialect.number_form);
    }
    xml += fmt::format("</{}>", field_name(field));
  }
  xml += fmt::format("</{}>", name);
}

constexpr auto submit_rows = std::to_array<ElementRow>({
    {"MM7Version", [](auto& xml, auto name, auto& from) { element(xml, name, from.dialect.version); }},
    {"SenderIdentification", write_sender},
    {"Recipients", write_recipients},
    {"ServiceCode", [](auto& xml, auto name, auto& from) { optional_element(xml, name, from.dialect.service_code); }},
    {"LinkedID", [](auto& xml, auto name, auto& from) { optional_element(xml, name, from.request.linked_id); }},
    {"MessageClass", [](auto& xml, auto name, auto& from) { optional_element(xml, name, from.request.message_class); }},
    {"TimeStamp",
     [](auto& xml, auto name, auto& from) {
       if (from.request.time_stamp) element(xml, name, date_time(*from.request.time_stamp));
     }},
    {"ExpiryDate",
     [](auto& xml, auto name, auto& from) {
       if (from.request.expiry) element(xml, name, duration_text(*from.request.expiry));
     }},
    {"DeliveryReport", [](auto& xml, auto name, auto& from) { element(xml, name, boolean(from.request.delivery_report)); }},
    {"ReadReply", [](auto& xml, auto name, auto& from) { element(xml, name, boolean(from.request.read_reply)); }},
    {"Priority", [](auto& xml, auto name, auto& from) { optional_element(xml, name, from.request.priority); }},
    {"Subject", [](auto& xml, auto name, auto& from) { optional_element(xml, name, from.request.subject); }},
    {"Content",
     [](auto& xml, auto name, auto& from) {
       if (!from.content_href.empty()) xml += fmt::format("<{} href=\"{}\" allowAdaptations=\"true\"/>", name, escape_xml(from.content_href));
     }},
});

/// A header value that cannot leave its line, and an id that cannot leave its brackets.
std::string header_token(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte > 0x20 && byte < 0x7F && c != '<' && c != '>' && c != '"' && c != '\\') out += c;
  }
  return out;
}
std::string id_token(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain_char = (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '.' || c == '-' || c == '_';
    if (plain_char) out += c;
  }
  return out;
}

void write_part(Bytes& out, const MultimediaPart& part, std::size_t number, bool as_base64) {
  append(out, "Content-Type: " + header_token(part.media_type.empty() ? "application/octet-stream" : part.media_type));
  if (!part.charset.empty()) append(out, fmt::format("; charset=\"{}\"", header_token(part.charset)));
  if (!part.name.empty()) mime::write_parameter(out, "name", part.name);
  const std::string id = header_token(part.content_id);
  append(out, fmt::format("\r\nContent-ID: <{}>\r\n", id.empty() ? fmt::format("part-{}", number) : id));
  if (const std::string location = header_token(part.content_location); !location.empty()) append(out, fmt::format("Content-Location: {}\r\n", location));
  mime::write_body(out, part.data, as_base64 ? mime::BodyForm::base64 : mime::BodyForm::binary);
}

std::string content_type_of_inner(const MultimediaMessage& message, std::string_view boundary) {
  if (message.presentation >= message.parts.size()) return fmt::format("multipart/mixed; boundary=\"{}\"", boundary);
  const std::string id = header_token(message.parts[message.presentation].content_id);
  return fmt::format("multipart/related; boundary=\"{}\"; type=\"application/smil\"; start=\"<{}>\"", boundary,
                     id.empty() ? fmt::format("part-{}", message.presentation + 1) : id);
}

struct Boundaries {
  std::string outer, inner;
};
/// Neither may occur in the envelope, in a part that goes out as it is, or at the start of the other.
Boundaries make_boundaries(const std::string& seed, const std::string& xml, const MultimediaMessage& message, bool as_base64) {
  std::vector<ByteView> bodies{bytes_of(xml)};
  for (const MultimediaPart& part : message.parts) {
    // base64 holds no `--`.
    if (!as_base64) bodies.push_back(part.data);
    for (const std::string* text : {&part.name, &part.content_id, &part.content_location, &part.media_type}) bodies.push_back(bytes_of(*text));
  }
  // The first letter makes them differ, so that neither is the beginning of the other.
  return {.outer = mime::make_boundary("e" + seed, bodies), .inner = mime::make_boundary("c" + seed, bodies)};
}

std::string status_message(const ResponseContext& context, const Status& status, std::string_view name, std::string_view service_code) {
  std::string xml = fmt::format("<{} xmlns=\"{}\">", name, escape_xml(context.namespace_uri.empty() ? default_namespace : context.namespace_uri));
  element(xml, "MM7Version", context.mm7_version.empty() ? default_version : context.mm7_version);
  xml += "<Status>";
  element(xml, "StatusCode", fmt::format("{}", status.code));
  element(xml, "StatusText", status.text.empty() ? status_text(status.code) : status.text);
  optional_element(xml, "Details", status.details);
  xml += "</Status>";
  optional_element(xml, "ServiceCode", service_code);
  xml += fmt::format("</{}>", name);
  return xml;
}

std::string fault_code(const Status& status) {
  const bool clients_fault = status.code / 1000 == 2 || (status.code >= 4001 && status.code <= 4004);
  return clients_fault ? "env:Client" : "env:Server";
}

HttpEntity fault(const ResponseContext& context, const Status& status, std::string_view code) {
  const std::string detail = status_message(context, status, "VASPErrorRsp", {});
  std::string xml = "<env:Fault>";
  element(xml, "faultcode", code);
  element(xml, "faultstring", status.text.empty() ? status_text(status.code) : status.text);
  xml += fmt::format("<detail>{}</detail></env:Fault>", detail);
  return plain(envelope(context.transaction_id, context.namespace_uri, xml));
}

}  // namespace

HttpEntity encode(const SubmitReq& request, const Mm7Dialect& dialect) {
  const bool has_content = request.content != nullptr && !request.content->parts.empty();
  const std::string seed = id_token(request.transaction_id);
  const std::string content_id = fmt::format("mm.{}@pushmail", seed);
  const std::string soap_id = fmt::format("soap.{}@pushmail", seed);
  const std::string href = has_content ? "cid:" + content_id : std::string{};

  const Submission submission{.request = request, .dialect = dialect, .content_href = href};
  std::string message = fmt::format("<SubmitReq xmlns=\"{}\">", escape_xml(dialect.namespace_uri));
  for (const ElementRow& row : submit_rows) row.write(message, row.name, submission);
  message += "</SubmitReq>";
  const std::string xml = envelope(request.transaction_id, dialect.namespace_uri, message);
  if (!has_content) return plain(xml);

  const MultimediaMessage& mm = *request.content;
  const Boundaries boundary = make_boundaries(seed, xml, mm, dialect.parts_base64);
  HttpEntity entity{
      .content_type = fmt::format("multipart/related; boundary=\"{}\"; type=\"text/xml\"; start=\"<{}>\"", boundary.outer, soap_id), .body = {}};
  Bytes& out = entity.body;
  append(out, fmt::format("--{}\r\nContent-Type: {}\r\nContent-ID: <{}>\r\n\r\n{}\r\n", boundary.outer, envelope_type, soap_id, xml));
  append(out, fmt::format("--{}\r\nContent-Type: {}\r\nContent-ID: <{}>\r\n\r\n", boundary.outer, content_type_of_inner(mm, boundary.inner), content_id));
  for (std::size_t i = 0; i < mm.parts.size(); ++i) {
    append(out, fmt::format("--{}\r\n", boundary.inner));
    write_part(out, mm.parts[i], i + 1, dialect.parts_base64);
    append(out, std::string_view("\r\n"));
  }
  append(out, fmt::format("--{}--\r\n--{}--\r\n", boundary.inner, boundary.outer));
  return entity;
}

HttpEntity encode_deliver_rsp(const ResponseContext& context, const Status& status, std::string_view service_code) {
  const std::string message = status_message(context, status, "DeliverRsp", service_code);
  return plain(envelope(context.transaction_id, context.namespace_uri, message));
}

HttpEntity encode_delivery_report_rsp(const ResponseContext& context, const Status& status) {
  const std::string message = status_message(context, status, "DeliveryReportRsp", {});
  return plain(envelope(context.transaction_id, context.namespace_uri, message));
}

HttpEntity encode_fault(const ResponseContext& context, const Status& status) { return fault(context, status, fault_code(status)); }

HttpEntity encode_fault(const ResponseContext& context, const Error& error) {
  const Status status = status_of(error);
  return fault(context, status, error.is(mm7_must_understand) ? "env:MustUnderstand" : fault_code(status));
}

}  // namespace pushmail::mm7

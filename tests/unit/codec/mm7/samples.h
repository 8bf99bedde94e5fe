// Sample MM7 bodies in the shape that a Rel-6 MMSC sends them, and pieces to bend them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "codec/mm7/message.h"

namespace pushmail::mm7::samples {

inline constexpr std::string_view ns = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

inline std::string envelope(std::string_view message, std::string_view transaction_id = "rs-0501") {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\n <env:Header>\n"
      "  <mm7:TransactionID xmlns:mm7=\"{}\" env:mustUnderstand=\"1\">{}</mm7:TransactionID>\n </env:Header>\n <env:Body>{}</env:Body>\n"
      "</env:Envelope>\n",
      ns, transaction_id, message);
}

inline std::string deliver(std::string_view content = "<Content href=\"cid:mo-0501@mmsc1.example\"/>") {
  return fmt::format(
      "<DeliverReq xmlns=\"{}\"><MM7Version>6.8.0</MM7Version><MMSRelayServerID>mmsc1.example</MMSRelayServerID><VASPID>pushmail</VASPID>"
      "<VASID>inbox</VASID><LinkedID>link-9</LinkedID><Sender><Number>+15550100002</Number></Sender>"
      "<Recipients><To><ShortCode>500017</ShortCode><RFC2822Address displayOnly=\"true\">joe@example.com</RFC2822Address></To>"
      "<Cc><Number>+15550100003</Number></Cc></Recipients>"
      "<TimeStamp>2024-06-30T12:40:00Z</TimeStamp><Priority>Normal</Priority><Subject>Re: Gr\xC3\xBC\xC3\x9F"
      "e &amp; more</Subject>{}</DeliverReq>",
      ns, content);
}

inline std::string report(std::string_view status = "<MMStatus>Retrieved</MMStatus>",
                          std::string_view date = "<Date>2024-06-30T12:31:07Z</Date>",
                          std::string_view recipient = "<Recipient><Number>+15550100002</Number></Recipient>") {
  return fmt::format(
      "<DeliveryReportReq xmlns=\"{}\"><MM7Version>6.8.0</MM7Version><MMSRelayServerID>mmsc1.example</MMSRelayServerID>"
      "<MessageID>m-77001</MessageID>{}<Sender><RFC2822Address>joe@example.com</RFC2822Address></Sender>{}{}</DeliveryReportReq>",
      ns, recipient, date, status);
}

inline std::string read_reply(std::string_view status = "<MMStatus>Read</MMStatus>") {
  return fmt::format(
      "<ReadReplyReq "
      "xmlns=\"{}\"><MM7Version>6.8.0</MM7Version><MMSRelayServerID>mmsc1.example</MMSRelayServerID><MessageID>m-77001</MessageID>"
      "<Recipient><Number>+15550100002</Number></Recipient><Sender><RFC2822Address>joe@example.com</RFC2822Address></Sender>"
      "<TimeStamp>2024-06-30T13:00:00Z</TimeStamp>{}<StatusText>seen</StatusText><ApplicID>a</ApplicID></ReadReplyReq>",
      ns, status);
}

inline constexpr std::string_view related = "multipart/related; boundary=\"outer-b1\"; type=\"text/xml\"; start=\"<soap-1@mmsc1.example>\"";

/// The multimedia part: SMIL, a UTF-8 text in base64, and four octets that are no text.
inline std::string inner_parts() {
  return std::string(
             "--inner-b2\r\nContent-Type: application/smil; charset=\"utf-8\"; name=\"pres.smil\"\r\nContent-ID: <smil-1>\r\n"
             "Content-Location: pres.smil\r\n\r\n<smil><body><par><text src=\"a.txt\"/></par></body></smil>\r\n"
             "--inner-b2\r\nContent-Type: text/plain; charset=\"utf-8\"; name=\"a.txt\"\r\nContent-ID: <t1>\r\nContent-Location: a.txt\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\nSMOpbGxvCg==\r\n"
             "--inner-b2\r\nContent-Type: image/jpeg; name=\"p.jpg\"\r\nContent-ID: <p1>\r\nContent-Location: p.jpg\r\n"
             "Content-Transfer-Encoding: binary\r\n\r\n") +
         std::string("\xFF\xD8\x00\x0A", 4) + "\r\n--inner-b2--\r\n";
}

inline std::string with_content(
    std::string_view xml,
    std::string_view content_headers =
        "Content-Type: multipart/related; boundary=\"inner-b2\"; type=\"application/smil\"; start=\"<smil-1>\"\r\n"
        "Content-ID: <mo-0501@mmsc1.example>\r\n",
    std::string_view soap_headers = "Content-Type: text/xml; charset=\"utf-8\"\r\nContent-ID: <soap-1@mmsc1.example>\r\n") {
  return fmt::format("--outer-b1\r\n{}\r\n{}\r\n--outer-b1\r\n{}\r\n{}\r\n--outer-b1--\r\n", soap_headers, xml, content_headers,
                     inner_parts());
}

inline Result<DeliverReq> read_deliver(std::string_view content_type, std::string_view body) {
  auto request = parse_request(content_type, bytes_of(body));
  if (!request) return std::unexpected(request.error());
  return std::get<DeliverReq>(std::move(*request));
}
inline Result<DeliveryReportReq> read_report(std::string_view body) {
  auto request = parse_request("text/xml; charset=\"utf-8\"", bytes_of(body));
  if (!request) return std::unexpected(request.error());
  return std::get<DeliveryReportReq>(std::move(*request));
}

/// The first `from` in `text` replaced by `to`; the sample must hold it.
inline std::string bent(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  PM_CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace pushmail::mm7::samples

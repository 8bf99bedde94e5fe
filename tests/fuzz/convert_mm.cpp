// Any MM becomes a strict mail and an envelope. Input: parts divided by NUL, each `media type LF charset LF name LF data`; the first is the
// subject, the second, third and fourth are sender, recipient and previous sender too. What is a PDU is read as one as well.
#include <algorithm>

#include "codec/convert/convert.h"
#include "codec/mms/pdu.h"

using namespace pushmail;

namespace {

std::string_view take(std::string_view& rest, char until) {
  const std::size_t end = std::min(rest.find(until), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

mm7::Address address(const std::vector<std::string_view>& pieces, std::size_t index) {
  const std::string value(index < pieces.size() ? pieces[index] : "+15550100001");
  return {.kind = value.find('@') != std::string::npos ? mm7::AddressKind::rfc2822
                  : value.starts_with('+')             ? mm7::AddressKind::number
                                                       : mm7::AddressKind::short_code,
          .value = value};
}

convert::MmHeader header_from(const std::vector<std::string_view>& pieces, const std::string& text) {
  convert::MmHeader header;
  header.sender = address(pieces, 0);
  header.recipients = {{.field = mm7::RecipientField::to, .address = address(pieces, 1)},
                       {.field = mm7::RecipientField::cc, .address = address(pieces, 2)}};
  header.subject = header.message_id = header.priority = text;
  header.message_class = text.size() % 3 == 0 ? "Auto" : text;
  header.previous_senders = {{.address = address(pieces, 2), .sequence = 1}, {.address = address(pieces, 3), .sequence = 0}};
  header.read_report = true;
  header.delivery_report = text.size() % 2 == 0;
  header.expiry = seconds(static_cast<std::int64_t>(text.size()));
  header.hide_sender = text == "hide";
  header.reply_charging = text == "paid";
  return header;
}

/// A header made from what the phone says: refused, or a mail that our own parser finds nothing to tolerate in.
void check_header(const convert::MmHeader& header) {
  convert::MmToMailOptions options;
  options.message_id = "id@mms.example.net";
  options.our_domain = "mms.example.net";
  if (const auto envelope = convert::envelope_of(header, options)) {
    for (const convert::SmtpRecipient& recipient : envelope->recipients) {
      PM_CHECK(recipient.address.find('@') != std::string::npos);
      for (const char c : recipient.address) PM_CHECK(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F);
    }
  }
  const auto mail = convert::mm_to_mail(header, {}, options);
  if (!mail) return;
  const auto message = mime::parse(*mail);
  PM_CHECK(message && message->tolerated.empty());
  for (const std::uint8_t c : *mail) PM_CHECK((c >= 0x20 && c < 0x7F) || c == '\r' || c == '\n');
  PM_CHECK(message->parts[0].field("Bcc").empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = text_of({data, size});
  mm7::DeliverReq request;
  request.subject = take(rest, '\0');
  std::vector<std::string_view> pieces;
  while (!rest.empty() && pieces.size() < 50) pieces.push_back(take(rest, '\0'));
  for (const std::string_view piece : pieces) {
    std::string_view fields = piece;
    MultimediaPart part;
    part.media_type = take(fields, '\n');
    part.charset = take(fields, '\n');
    part.name = take(fields, '\n');
    part.content_id = part.name;
    part.data = bytes_of(fields);
    request.content.parts.push_back(std::move(part));
  }
  convert::MmToMailOptions options;
  options.from = {"", "+15550100001", "mms.example.net"};
  options.to = {{request.subject, "joe", "example.com"}};
  options.message_id = "id@mms.example.net";
  options.in_reply_to = request.subject;
  options.references = {request.subject, "x@y.example"};
  options.our_domain = "mms.example.net";
  options.drop_first_line = size % 2 == 1;

  const std::string line = convert::first_text_line(request.content);
  if (const auto new_mail = convert::parse_new_mail_line(line)) PM_CHECK(!new_mail->to.domain.empty());
  check_header(header_from(pieces, request.subject));
  if (const auto pdu = mms::decode({data, size})) check_header(convert::header_of(*pdu));
  const auto mail = convert::mm_to_mail(request, options);
  PM_CHECK(mail.has_value());
  PM_CHECK(text_of(*mail).ends_with("\r\n"));
  for (std::size_t i = 0; i < mail->size(); ++i) {
    const std::uint8_t c = (*mail)[i];
    PM_CHECK((c >= 0x20 && c < 0x7F) || c == '\r' || c == '\n' || c == '\t');
    if (c == '\r') PM_CHECK(i + 1 < mail->size() && (*mail)[i + 1] == '\n');
    if (c == '\n') PM_CHECK(i > 0 && (*mail)[i - 1] == '\r');
  }
  const auto message = mime::parse(*mail);
  PM_CHECK(message && message->tolerated.empty());
  PM_CHECK(message->parts[0].field("Bcc").empty());
  // What is no text comes back byte by byte, in the order of the slides.
  std::vector<Bytes> bodies;
  for (const mime::Part& part : message->parts) bodies.push_back(mime::decode_body(part));
  for (const MultimediaPart& part : request.content.parts) {
    if (ascii_starts_with_nocase(part.media_type, "text/") || part.media_type.starts_with("application/smil")) continue;
    const auto found = std::ranges::find_if(bodies, [&](const Bytes& body) { return std::ranges::equal(body, part.data); });
    PM_CHECK(found != bodies.end());
    bodies.erase(found);
  }
  return 0;
}

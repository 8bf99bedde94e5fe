// RFC 4356 as a table: one row a mapping, both directions and the reports. Each row is printed with its clause, its input and what came of
// it; a row that we deliberately do otherwise says why.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/convert/convert.h"
#include "codec/convert/reports.h"
#include "codec/mime/date.h"
#include "codec/mms/pdu.h"

namespace pushmail::convert {
namespace {

constexpr std::string_view domain = "mms.example.net";
const Timestamp now = *parse_rfc3339("2026-11-23T12:00:00Z");

struct Row {
  std::string_view clause;
  std::string_view what;
  std::string_view input;
  std::string_view asked;  // what of the result is compared
  std::string_view expected;
  std::string_view otherwise = {};  // why this is deliberately not what the clause says
};

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\r') continue;
    if (c == '\n')
      out += " / ";
    else
      out += c;
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char divider) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(divider), text.size());
    pieces.push_back(ascii_trim(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

/// Prints each row and compares it; how many were printed.
template <std::size_t count, class Run>
std::size_t print_and_compare(std::string_view direction, const Row (&rows)[count], Run run) {
  std::size_t printed = 0;
  for (const Row& row : rows) {
    const std::string got = run(row);
    const bool equal = got == row.expected;
    fmt::print("{} {:>2} {:9} {:28} {:40} <- {} => {}{}\n", direction, ++printed,
               equal ? row.otherwise.empty() ? "ok" : "otherwise" : "FAILED", row.clause, row.what, one_line(row.input), one_line(got),
               row.otherwise.empty() ? std::string() : fmt::format("  (because {})", row.otherwise));
    EXPECT_EQ(got, row.expected) << row.what << "\n" << row.input;
  }
  fmt::print("{}: {} rows\n", direction, printed);
  return printed;
}

std::string words_of(const SmtpEnvelope& envelope) {
  std::string out = "MAIL FROM:<" + envelope.mail_from + ">";
  if (envelope.deliver_by)
    out += fmt::format(" BY={};{}", envelope.deliver_by->seconds, envelope.deliver_by->mode == DeliverBy::Mode::return_it ? 'R' : 'N');
  if (!envelope.envelope_id.empty()) out += " ENVID=" + envelope.envelope_id;
  for (const SmtpRecipient& recipient : envelope.recipients) {
    out += " RCPT TO:<" + recipient.address + ">";
    if (!recipient.notify) continue;
    out += recipient.notify->never                                  ? " NOTIFY=NEVER"
           : recipient.notify->success && recipient.notify->failure ? " NOTIFY=SUCCESS,FAILURE"
                                                                    : " NOTIFY=?";
    out += " ORCPT=" + recipient.original;
  }
  return out;
}

// ---- MM -> mail ----

/// The input in the words of MM4: one `Name: value` a line, read into a PDU, or the inside of a DeliverReq.
struct Mm {
  MmHeader header;
  MultimediaMessage content;
};

void add_part(MultimediaMessage& mm, std::string_view media_type, std::string_view charset, std::string_view name, std::string_view data) {
  mm.parts.push_back(
      {.media_type = media_type, .charset = charset, .name = name, .content_id = {}, .content_location = {}, .data = bytes_of(data)});
}

Mm read_mm1(std::string_view input) {
  mms::Pdu pdu;
  pdu.transaction_id = "T1";
  Mm mm;
  for (const std::string_view line : split(input, '\n')) {
    const std::size_t colon = line.find(": ");
    const std::string_view name = line.substr(0, colon);
    const std::string value(line.substr(colon + 2));
    const auto number = [&] { return static_cast<std::uint64_t>(std::stoull(value)); };
    const auto numbered = [&] { return value.substr(value.find(", ") + 2); };
    if (name == "From")
      pdu.from = mms::From{.kind = mms::From::Kind::address, .address = value};
    else if (name == "To")
      pdu.to.push_back(value);
    else if (name == "Cc")
      pdu.cc.push_back(value);
    else if (name == "Bcc")
      pdu.bcc.push_back(value);
    else if (name == "Subject")
      pdu.subject = value;
    else if (name == "Date")
      pdu.date = number();
    else if (name == "Message-ID")
      pdu.message_id = value;
    else if (name == "X-Mms-Message-Class")
      pdu.message_class = value;
    else if (name == "X-Mms-Priority")
      pdu.priority = static_cast<std::uint8_t>(value == "High"  ? mms::Priority::high
                                               : value == "Low" ? mms::Priority::low
                                                                : mms::Priority::normal);
    else if (name == "X-Mms-Expiry")
      pdu.expiry = mms::TimeValue{number() < 1'000'000'000 ? mms::TimeValue::Kind::relative : mms::TimeValue::Kind::absolute, number()};
    else if (name == "X-Mms-Delivery-Time")
      pdu.delivery_time = mms::TimeValue{mms::TimeValue::Kind::relative, number()};
    else if (name == "X-Mms-Delivery-Report")
      pdu.delivery_report = value == "Yes";
    else if (name == "X-Mms-Read-Reply")
      pdu.read_report = value == "Yes";
    else if (name == "X-Mms-Sender-Visibility")
      pdu.sender_visibility = value == "Hide" ? 0x80 : 0x81;
    else if (name == "X-Mms-Reply-Charging")
      pdu.reply_charging = value == "Accepted" ? 0x82 : 0x80;
    else if (name == "X-Mms-Reply-Charging-ID")
      pdu.reply_charging_id = value;
    else if (name == "X-Mms-Previously-Sent-By")
      pdu.previously_sent_by.push_back({.number = number(), .address = numbered()});
    else if (name == "X-Mms-Previously-Sent-Date-And-Time") {
      pdu.previously_sent_date.push_back(
          {.number = number(), .seconds = static_cast<std::uint64_t>(mime::parse_date(numbered())->us / 1'000'000)});
    } else if (name == "Content-Type") {
      if (value.starts_with("text/plain; charset=utf-16"))
        add_part(mm.content, "text/plain", "utf-16", "", std::string_view("\xFE\xFF\0h\0\xE9", 6));
      else if (value.starts_with("text/plain"))
        add_part(mm.content, "text/plain", "utf-8", "", "one\ntwo");
      else if (value.starts_with("image/jpeg"))
        add_part(mm.content, "image/jpeg", "", "a.jpg", "JPEG");
      else if (value.starts_with("application/smil"))
        add_part(mm.content, "application/smil", "", "s.smil", "<smil/>");
    } else {
      ADD_FAILURE() << "the table uses a header that nobody reads: " << line;
    }
  }
  mm.header = header_of(pdu);
  return mm;
}

Mm read_mm7(std::string_view inside) {
  const std::string body = fmt::format(
      "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><t:TransactionID "
      "xmlns:t=\"urn:x\">T7</t:TransactionID></env:Header><env:Body>"
      "<DeliverReq><MM7Version>6.8.0</MM7Version>{}</DeliverReq></env:Body></env:Envelope>",
      inside);
  auto request = mm7::parse_request("text/xml; charset=utf-8", bytes_of(body));
  EXPECT_TRUE(request) << body;
  if (!request) return {};
  auto& deliver = std::get<mm7::DeliverReq>(*request);
  Mm mm{.header = header_of(deliver), .content = {}};
  add_part(mm.content, "text/plain", "utf-8", "", "hi");
  return mm;
}

std::string mm_to_mail_row(const Row& row) {
  const Mm mm = row.input.starts_with('<') ? read_mm7(row.input) : read_mm1(row.input);
  MmToMailOptions options;
  options.message_id = "X@mms.example.net";
  options.our_domain = domain;
  options.date = now;
  options.trace = "trace";
  const auto envelope = envelope_of(mm.header, options);
  const auto mail = mm_to_mail(mm.header, mm.content, options);
  if (row.asked == "envelope") return envelope ? words_of(*envelope) : "error " + std::string(envelope.error().info->name);
  if (!mail) return "error " + std::string(mail.error().info->name);
  const auto parsed = mime::parse(*mail);
  EXPECT_TRUE(parsed && parsed->tolerated.empty()) << text_of(*mail);
  if (row.asked == "parts") {
    std::string out;
    for (const mime::Part& part : parsed->parts)
      out += fmt::format("{}{}{}{}", out.empty() ? "" : " ", part.media_type, part.name.empty() ? "" : ":", part.name);
    return out;
  }
  if (row.asked == "text") return std::string(text_of(parsed->parts.front().body)) + "|" + std::string(parsed->parts.front().charset);
  std::string out;
  for (const std::string_view name : split(row.asked, ',')) {
    bool found = false;
    for (const mime::Field& field : parsed->parts.front().fields) {
      if (!ascii_equal_nocase(field.name, name)) continue;
      found = true;
      out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", name, one_line(ascii_trim(field.value)));
    }
    if (!found) out += fmt::format("{}no {}", out.empty() ? "" : "; ", name);
  }
  return out;
}

constexpr std::string_view mm1_clause = "RFC 4356 §2.1.1";
constexpr std::string_view mm7_clause = "§2.1.1, TS 23.140 §6.8";
const Row mm_to_mail_rows[] = {
    {mm1_clause, "To, Cc, Bcc: one RCPT each",
     "From: +15550100001/TYPE=PLMN\nTo: joe@example.com\nCc: ann@example.com\nBcc: eve@example.com", "envelope",
     "MAIL FROM:<+15550100001@mms.example.net> RCPT TO:<joe@example.com> RCPT TO:<ann@example.com> RCPT TO:<eve@example.com>"},
    {mm1_clause, "To, Cc in the header, Bcc never",
     "From: +15550100001\nTo: joe@example.com\nTo: bob@example.com\nCc: ann@example.com\nBcc: eve@example.com", "To,Cc,Bcc",
     "To: joe@example.com, bob@example.com; Cc: ann@example.com; no Bcc"},
    {mm1_clause, "Bcc alone", "From: +15550100001\nBcc: eve@example.com", "To,Bcc", "To: undisclosed-recipients:;; no Bcc"},
    {mm1_clause, "never a bare number", "From: +15550100001\nTo: +15550100002/TYPE=PLMN", "envelope",
     "MAIL FROM:<+15550100001@mms.example.net> RCPT TO:<+15550100002@mms.example.net>"},
    {mm1_clause, "never a bare short code", "From: +15550100001\nTo: HELP", "envelope",
     "MAIL FROM:<+15550100001@mms.example.net> RCPT TO:<HELP@mms.example.net>"},
    {mm1_clause, "local part of 8 bit", "From: +15550100001\nTo: j\xC3\xB6rg@example.com", "envelope", "error mime.address_not_ascii"},
    {mm1_clause, "domain by IDNA",
     "From: +15550100001\nTo: joe@b\xC3\xBC"
     "cher.example",
     "envelope", "MAIL FROM:<+15550100001@mms.example.net> RCPT TO:<joe@xn--bcher-kva.example>"},
    {mm1_clause, "From", "From: +15550100001/TYPE=PLMN\nTo: joe@example.com", "From", "From: +15550100001@mms.example.net"},
    {mm1_clause, "class Personal: the sender", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Message-Class: Personal", "envelope",
     "MAIL FROM:<ann@example.com> RCPT TO:<joe@example.com>"},
    {mm1_clause, "class Auto: null sender", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Message-Class: Auto", "envelope",
     "MAIL FROM:<> RCPT TO:<joe@example.com>"},
    {mm1_clause, "Subject", "From: +15550100001\nTo: joe@example.com\nSubject: Hi", "Subject", "Subject: Hi"},
    {mm1_clause, "Subject beyond ASCII",
     "From: +15550100001\nTo: joe@example.com\nSubject: Gr\xC3\xBC\xC3\x9F"
     "e",
     "Subject", "Subject: =?utf-8?B?R3LDvMOfZQ==?="},
    {mm1_clause, "Date", "From: +15550100001\nTo: joe@example.com\nDate: 1700000000", "Date", "Date: Tue, 14 Nov 2023 22:13:20 +0000"},
    {mm1_clause, "Date that is missing", "From: +15550100001\nTo: joe@example.com", "Date", "Date: Mon, 23 Nov 2026 12:00:00 +0000"},
    {mm1_clause, "Date that has not come yet", "From: +15550100001\nTo: joe@example.com\nDate: 1900000000", "Date",
     "Date: Mon, 23 Nov 2026 12:00:00 +0000", "a mail dated after its own trace is taken for spam, and clocks of phones are wrong"},
    {mm1_clause, "Message-ID", "From: +15550100001\nTo: joe@example.com\nMessage-ID: mm-1@mmsc", "Message-ID,X-Mms-Message-ID",
     "Message-ID: <X@mms.example.net>; X-Mms-Message-ID: \"mm-1@mmsc\"",
     "an answer has to name an id that we know, so the mail has ours and keeps the MMSC's beside it"},
    {mm1_clause, "Message-ID that is missing", "From: +15550100001\nTo: joe@example.com", "Message-ID,X-Mms-Message-ID",
     "Message-ID: <X@mms.example.net>; no X-Mms-Message-ID"},
    {mm1_clause, "Content-Type of one text", "From: +15550100001\nTo: joe@example.com\nContent-Type: text/plain", "parts", "text/plain"},
    {mm1_clause, "Content-Type mixed",
     "From: +15550100001\nTo: joe@example.com\nContent-Type: text/plain\nContent-Type: image/jpeg; name=a.jpg", "parts",
     "multipart/mixed text/plain image/jpeg:a.jpg"},
    {mm1_clause, "Content-Type related",
     "From: +15550100001\nTo: joe@example.com\nContent-Type: application/smil\nContent-Type: text/plain\nContent-Type: image/jpeg; "
     "name=a.jpg",
     "parts", "multipart/mixed text/plain image/jpeg:a.jpg", "no mail program shows SMIL; without it nothing is related to anything"},
    {mm1_clause, "Message-Class Auto", "From: +15550100001\nTo: joe@example.com\nX-Mms-Message-Class: Auto",
     "Auto-Submitted,Precedence,X-Mms-Message-Class", "Auto-Submitted: auto-generated; Precedence: bulk; no X-Mms-Message-Class"},
    {mm1_clause, "Message-Class Advertisement", "From: +15550100001\nTo: joe@example.com\nX-Mms-Message-Class: Advertisement",
     "Auto-Submitted,Precedence", "no Auto-Submitted; Precedence: bulk"},
    {mm1_clause, "Message-Class Personal", "From: +15550100001\nTo: joe@example.com\nX-Mms-Message-Class: Personal",
     "Auto-Submitted,Precedence", "no Auto-Submitted; no Precedence"},
    {mm1_clause, "Priority High", "From: +15550100001\nTo: joe@example.com\nX-Mms-Priority: High", "Importance,X-Mms-Priority",
     "Importance: High; no X-Mms-Priority"},
    {mm1_clause, "Priority Normal", "From: +15550100001\nTo: joe@example.com\nX-Mms-Priority: Normal", "Importance,X-Mms-Priority",
     "no Importance; no X-Mms-Priority"},
    {mm1_clause, "Priority Low", "From: +15550100001\nTo: joe@example.com\nX-Mms-Priority: Low", "Importance,X-Mms-Priority",
     "Importance: Low; no X-Mms-Priority"},
    {mm1_clause, "Expiry, relative", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Expiry: 3600", "envelope",
     "MAIL FROM:<ann@example.com> BY=3600;R RCPT TO:<joe@example.com>"},
    {mm1_clause, "Expiry, absolute", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Expiry: 1795435260", "envelope",
     "MAIL FROM:<ann@example.com> BY=60;R RCPT TO:<joe@example.com>"},
    {mm1_clause, "Expiry is not in the header", "From: +15550100001\nTo: joe@example.com\nX-Mms-Expiry: 3600", "X-Mms-Expiry,Expires",
     "no X-Mms-Expiry; no Expires"},
    {mm1_clause, "Delivery-Time", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Delivery-Time: 60",
     "X-Mms-Delivery-Time,Deferred-Delivery", "no X-Mms-Delivery-Time; no Deferred-Delivery"},
    {mm1_clause, "Delivery-Report Yes", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Delivery-Report: Yes", "envelope",
     "MAIL FROM:<ann@example.com> ENVID=X@mms.example.net RCPT TO:<joe@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;joe@example.com"},
    {mm1_clause, "Delivery-Report No", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Delivery-Report: No", "envelope",
     "MAIL FROM:<ann@example.com> RCPT TO:<joe@example.com> NOTIFY=NEVER ORCPT=rfc822;joe@example.com"},
    {mm1_clause, "Delivery-Report is not in the header", "From: ann@example.com\nTo: joe@example.com\nX-Mms-Delivery-Report: Yes",
     "X-Mms-Delivery-Report", "no X-Mms-Delivery-Report"},
    {mm1_clause, "Read-Reply Yes", "From: +15550100001\nTo: joe@example.com\nX-Mms-Read-Reply: Yes",
     "Disposition-Notification-To,X-Mms-Read-Reply", "Disposition-Notification-To: +15550100001@mms.example.net; no X-Mms-Read-Reply"},
    {mm1_clause, "Read-Reply No", "From: +15550100001\nTo: joe@example.com\nX-Mms-Read-Reply: No", "Disposition-Notification-To",
     "no Disposition-Notification-To"},
    {mm1_clause, "Sender-Visibility Hide", "From: +15550100001\nTo: joe@example.com\nX-Mms-Sender-Visibility: Hide", "From",
     "error convert.hidden_sender"},
    {mm1_clause, "Sender-Visibility Show", "From: +15550100001\nTo: joe@example.com\nX-Mms-Sender-Visibility: Show",
     "From,X-Mms-Sender-Visibility", "From: +15550100001@mms.example.net; no X-Mms-Sender-Visibility"},
    {mm1_clause, "Reply-Charging offered", "From: +15550100001\nTo: joe@example.com\nX-Mms-Reply-Charging: Requested",
     "From,X-Mms-Reply-Charging", "From: +15550100001@mms.example.net; no X-Mms-Reply-Charging"},
    {mm1_clause, "Reply-Charging used",
     "From: +15550100001\nTo: joe@example.com\nX-Mms-Reply-Charging: Accepted\nX-Mms-Reply-Charging-ID: mm-0", "From",
     "error convert.reply_charging"},
    {mm1_clause, "Previously-Sent of one",
     "From: +15550100002\nTo: joe@example.com\nX-Mms-Previously-Sent-By: 0, +15550100001\nX-Mms-Previously-Sent-Date-And-Time: 0, Fri, 21 "
     "Nov 1997 22:02:03 GMT",
     "Resent-From,Resent-To,Resent-Date,Resent-Message-ID,From,To,Date,X-Mms-Previously-Sent-By",
     "Resent-From: +15550100002@mms.example.net; Resent-To: joe@example.com; Resent-Date: Mon, 23 Nov 2026 12:00:00 +0000; "
     "Resent-Message-ID: <X@mms.example.net>; "
     "From: +15550100001@mms.example.net; To: unrecoverable-recipients:;; Date: Fri, 21 Nov 1997 22:02:03 +0000; no "
     "X-Mms-Previously-Sent-By"},
    {mm1_clause, "Previously-Sent of two, in any order",
     "From: +15550100003\nTo: joe@example.com\nX-Mms-Previously-Sent-By: 1, +15550100002\nX-Mms-Previously-Sent-By: 0, +15550100001\n"
     "X-Mms-Previously-Sent-Date-And-Time: 1, Sat, 22 Nov 1997 22:02:03 GMT\nX-Mms-Previously-Sent-Date-And-Time: 0, Fri, 21 Nov 1997 "
     "22:02:03 GMT",
     "Resent-From,Resent-To,Resent-Date,From,Date",
     "Resent-From: +15550100003@mms.example.net; Resent-From: +15550100002@mms.example.net; Resent-To: joe@example.com; Resent-To: "
     "unrecoverable-recipients:;; "
     "Resent-Date: Mon, 23 Nov 2026 12:00:00 +0000; Resent-Date: Sat, 22 Nov 1997 22:02:03 +0000; From: +15550100001@mms.example.net; "
     "Date: Fri, 21 Nov 1997 22:02:03 +0000"},
    {mm1_clause, "Previously-Sent by a mail address",
     "From: +15550100002\nTo: joe@example.com\nX-Mms-Previously-Sent-By: 0, ann@example.com", "From,Resent-From,X-Mms-Previously-Sent-By",
     "From: +15550100002@mms.example.net; no Resent-From; X-Mms-Previously-Sent-By: 0, ann@example.com",
     "a From of somebody else's domain is refused by whoever asks that domain (DMARC); the history is told in MM4's words"},
    {mm1_clause, "Version, type, transaction id", "From: +15550100001\nTo: joe@example.com",
     "X-Mms-3GPP-MMS-Version,X-Mms-Message-Type,X-Mms-Transaction-ID",
     "no X-Mms-3GPP-MMS-Version; no X-Mms-Message-Type; no X-Mms-Transaction-ID"},
    {mm1_clause, "trace", "From: +15550100001\nTo: joe@example.com", "Received",
     "Received: from mms by mms.example.net with MMS id trace; Mon, 23 Nov 2026 /  12:00:00 +0000"},
    {mm1_clause, "text has CRLF", "From: +15550100001\nTo: joe@example.com\nContent-Type: text/plain", "text", "one\r\ntwo=\r\n|utf-8"},
    {mm1_clause, "UTF-16 becomes UTF-8", "From: +15550100001\nTo: joe@example.com\nContent-Type: text/plain; charset=utf-16", "text",
     "aMOp\r\n|utf-8"},

    {mm7_clause, "Sender/Number", "<Sender><Number>15550100001</Number></Sender>", "envelope", "MAIL FROM:<+15550100001@mms.example.net>"},
    {mm7_clause, "Sender/RFC2822Address", "<Sender><RFC2822Address>ann@example.com</RFC2822Address></Sender>", "From",
     "From: ann@example.com"},
    {mm7_clause, "Recipients/To, Cc",
     "<Sender><Number>+15550100001</Number></Sender><Recipients><To><RFC2822Address>joe@example.com</RFC2822Address></"
     "To><Cc><Number>+15550100002</Number></Cc></Recipients>",
     "To,Cc", "To: joe@example.com; Cc: +15550100002@mms.example.net"},
    {mm7_clause, "Recipients: RCPT TO",
     "<Sender><Number>+15550100001</Number></Sender><Recipients><To><RFC2822Address>joe@example.com</RFC2822Address></"
     "To><Cc><Number>+15550100002</Number></Cc></Recipients>",
     "envelope", "MAIL FROM:<+15550100001@mms.example.net> RCPT TO:<joe@example.com> RCPT TO:<+15550100002@mms.example.net>"},
    {mm7_clause, "displayOnly: no RCPT TO",
     "<Sender><Number>+15550100001</Number></Sender><Recipients><To><RFC2822Address>joe@example.com</RFC2822Address><RFC2822Address "
     "displayOnly=\"true\">ann@example.com</RFC2822Address></To></Recipients>",
     "envelope", "MAIL FROM:<+15550100001@mms.example.net> RCPT TO:<joe@example.com>"},
    {mm7_clause, "displayOnly: in the header",
     "<Sender><Number>+15550100001</Number></Sender><Recipients><To><RFC2822Address>joe@example.com</RFC2822Address><RFC2822Address "
     "displayOnly=\"true\">ann@example.com</RFC2822Address></To></Recipients>",
     "To", "To: joe@example.com, ann@example.com"},
    {mm7_clause, "Subject, TimeStamp",
     "<Sender><Number>+15550100001</Number></Sender><TimeStamp>2026-11-23T10:00:00+01:00</TimeStamp><Subject>Hi</Subject>", "Subject,Date",
     "Subject: Hi; Date: Mon, 23 Nov 2026 09:00:00 +0000"},
    {mm7_clause, "Priority", "<Sender><Number>+15550100001</Number></Sender><Priority>Low</Priority>", "Importance", "Importance: Low"},
    {mm7_clause, "null sender: never", "<Sender><Number>+15550100001</Number></Sender>", "envelope",
     "MAIL FROM:<+15550100001@mms.example.net>"},
    {mm7_clause, "LinkedID is no thread", "<LinkedID>link-1</LinkedID><Sender><Number>+15550100001</Number></Sender>",
     "In-Reply-To,References", "no In-Reply-To; no References"},
    {mm7_clause, "ReplyChargingID", "<Sender><Number>+15550100001</Number></Sender><ReplyChargingID>ours-1</ReplyChargingID>", "From",
     "From: +15550100001@mms.example.net", "over MM7 it names a message that we sent and pay for: the thread, and no reason to refuse"},
    {mm7_clause, "Previously-Sent of MM7",
     "<Sender><Number>+15550100002</Number></Sender><PreviouslySentBy><UserAgent "
     "sequence=\"1\"><Number>+15550100001</Number></UserAgent></PreviouslySentBy>",
     "Resent-From,From", "Resent-From: +15550100002@mms.example.net; From: +15550100001@mms.example.net"},
    {mm7_clause, "Message-ID", "<Sender><Number>+15550100001</Number></Sender>", "Message-ID", "Message-ID: <X@mms.example.net>"},
    {mm7_clause, "Content", "<Sender><Number>+15550100001</Number></Sender>", "parts", "text/plain"},
};

// ---- mail -> MM ----

/// The input: lines of the envelope (`MAIL FROM:<>`, `RCPT TO:<x>`), of policy (`refuse`, `displayOnly`, `read reports`, `linked ID`), and
/// behind them the mail.
struct MailInput {
  MailToMmOptions convert;
  SubmissionOptions submit;
  std::string mail;
};

MailInput read_input(std::string_view input) {
  MailInput out;
  out.convert.content_id_domain = domain;
  out.convert.item_id = "X";
  out.submit.sender = {.kind = mm7::AddressKind::short_code, .value = "5000"};
  out.submit.accepted = now;
  std::size_t phone = 1;
  while (true) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    std::string_view line = input.substr(0, end);
    if (line.starts_with("MAIL FROM:")) {
      out.submit.null_sender = line.starts_with("MAIL FROM:<>");
      if (const std::size_t by = line.find("BY="); by != std::string_view::npos) {
        out.submit.deliver_by = DeliverBy{.seconds = std::stoll(std::string(line.substr(by + 3))),
                                          .mode = line.ends_with(";R") ? DeliverBy::Mode::return_it : DeliverBy::Mode::notify};
      }
    } else if (line.starts_with("RCPT TO:<")) {
      PhoneRecipient recipient{.phone = {.kind = mm7::AddressKind::number, .value = fmt::format("+1555010000{}", phone++)},
                               .address = std::string(line.substr(9, line.find('>') - 9)),
                               .notify = {}};
      if (line.find("NOTIFY=") != std::string_view::npos) {
        recipient.notify = Notify{.never = line.find("NEVER") != std::string_view::npos,
                                  .success = line.find("SUCCESS") != std::string_view::npos,
                                  .failure = line.find("FAILURE") != std::string_view::npos};
      }
      out.submit.recipients.push_back(std::move(recipient));
    } else if (line == "refuse") {
      out.convert.refuses = true;
    } else if (line == "displayOnly") {
      out.convert.display_only_recipients = out.submit.display_only_recipients = true;
    } else if (line == "read reports") {
      out.submit.read_reports = true;
    } else if (line.starts_with("linked ID ")) {
      out.submit.linked_id = line.substr(10);
    } else if (line.starts_with("alias ")) {
      out.submit.sender = {.kind = mm7::AddressKind::rfc2822, .value = std::string(line.substr(6))};
      out.convert.sender_in_text = false;
    } else if (line == "100 Received" || line == "101 Received") {
      for (int i = 0; i < std::stoi(std::string(line)); ++i) out.mail += "Received: from a by b\r\n";
    } else {
      break;
    }
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  if (out.submit.recipients.empty())
    out.submit.recipients.push_back({.phone = {.kind = mm7::AddressKind::number, .value = "+15550100001"}, .address = {}, .notify = {}});
  for (const char c : input) out.mail += c == '\n' ? std::string("\r\n") : std::string(1, c);
  if (input.find("\n\n") == std::string_view::npos) out.mail += "\r\n\r\nhi";
  return out;
}

std::string words_of(const mime::MailboxView& mailbox) { return fmt::format("{}@{}", mailbox.local_part, mailbox.domain); }

std::string mail_to_mm_answer(std::string_view asked, const MailToMm& made, const Submission& submission) {
  const mm7::SubmitReq& request = submission.request;
  if (asked == "recipients") {
    std::string out;
    for (const mm7::Recipient& r : request.recipients) {
      const std::string_view field = r.field == mm7::RecipientField::to ? "To" : r.field == mm7::RecipientField::cc ? "Cc" : "Bcc";
      out += fmt::format("{}{} {}{}", out.empty() ? "" : ", ", field, r.address.value, r.address.display_only ? " displayOnly" : "");
    }
    return out;
  }
  if (asked == "class") return request.message_class;
  if (asked == "priority") return request.priority.empty() ? "none" : request.priority;
  if (asked == "subject") return request.subject;
  if (asked == "timestamp") return format_rfc3339(*request.time_stamp);
  if (asked == "expiry") return request.expiry ? fmt::format("{} s", request.expiry->ms() / 1000) : "none";
  if (asked == "relayed") return submission.report_relayed ? "DSN relayed now" : "no DSN now";
  if (asked == "success") return submission.report_success ? "DSN on success" : "no DSN on success";
  if (asked == "failure") return submission.report_failure ? "DSN on failure" : "no DSN on failure";
  if (asked == "report")
    return std::string(text_of(mm7::encode(request, {}).body)).find("<DeliveryReport>true<") != std::string::npos ? "DeliveryReport true"
                                                                                                                  : "DeliveryReport false";
  if (asked == "read") return request.read_reply ? "ReadReply true" : "ReadReply false";
  if (asked == "read to") return made.read_report_to.empty() ? "nobody" : words_of(made.read_report_to.front());
  if (asked == "linked") return request.linked_id;
  if (asked == "answers") return std::string(made.answers);
  if (asked == "message id") return made.message_id.empty() ? "none" : std::string(made.message_id);
  if (asked == "sender") return words_of(made.sender);
  if (asked == "sender address") return request.sender.value;
  if (asked == "to") return made.to.empty() ? "none" : words_of(made.to.front());
  if (asked == "date") return made.date ? format_rfc3339(*made.date) : "none";
  if (asked == "counter") return fmt::format("{}", made.previous.size());
  if (asked == "previous") {
    std::string out;
    for (std::size_t i = 0; i < made.previous.size(); ++i) {
      out += fmt::format("{}{}, {} {}", out.empty() ? "" : "; ", i, words_of(made.previous[i].sender),
                         made.previous[i].date ? format_rfc3339(*made.previous[i].date) : "no date");
    }
    return out;
  }
  if (asked == "text") return std::string(text_of(made.mm.parts[1].data));
  if (asked == "parts") {
    std::string out;
    for (const MultimediaPart& part : made.mm.parts) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", part.media_type, part.name);
    return out;
  }
  if (asked == "type") {
    const std::string body(text_of(mm7::encode(request, {}).body));
    return body.substr(body.find("multipart/"), 17);
  }
  ADD_FAILURE() << "the table asks for what nobody answers: " << asked;
  return {};
}

std::string mail_to_mm_row(const Row& row) {
  const MailInput input = read_input(row.input);
  const auto made = mail_to_mm(bytes_of(input.mail), input.convert);
  if (!made) return "error " + std::string(made.error().info->name);
  const Submission submission = submission_of(*made, input.submit);
  std::string out;
  for (const std::string_view asked : split(row.asked, ',')) out += (out.empty() ? "" : "; ") + mail_to_mm_answer(asked, *made, submission);
  return out;
}

constexpr std::string_view mail_clause = "RFC 4356 §2.1.2";
constexpr std::string_view mail_mm7_clause = "§2.1.2, TS 23.140 §8.7";
const Row mail_to_mm_rows[] = {
    {mail_clause, "RCPT TO alone counts",
     "RCPT TO:<me@mms.example.net>\nFrom: joe@example.com\nTo: me@mms.example.net, ann@example.com\nCc: bob@example.com", "recipients",
     "To +15550100001"},
    {mail_clause, "envelope only, one of two: Bcc",
     "RCPT TO:<me@mms.example.net>\nRCPT TO:<you@mms.example.net>\nFrom: joe@example.com\nTo: me@mms.example.net", "recipients",
     "To +15550100001, Bcc +15550100002"},
    {mail_clause, "envelope only, the one recipient", "RCPT TO:<me@mms.example.net>\nFrom: joe@example.com\nTo: list@example.com",
     "recipients", "To +15550100001"},
    {mail_clause, "a recipient of Cc",
     "RCPT TO:<me@mms.example.net>\nRCPT TO:<you@mms.example.net>\nFrom: joe@example.com\nTo: me@MMS.example.net\nCc: you@mms.example.net",
     "recipients", "To +15550100001, Cc +15550100002"},
    {mail_clause, "To and Cc are kept", "From: joe@example.com\nTo: ann@example.com, me@mms.example.net\nCc: Bob <bob@example.com>", "text",
     "joe@example.com\nTo: ann@example.com, me@mms.example.net; Cc: Bob <bob@example.com>\nhi"},
    {mail_mm7_clause, "displayOnly where the profile has it",
     "displayOnly\nRCPT TO:<me@mms.example.net>\nFrom: joe@example.com\nTo: me@mms.example.net, ann@example.com\nCc: bob@example.com",
     "recipients,text", "To +15550100001, To ann@example.com displayOnly, Cc bob@example.com displayOnly; joe@example.com\nhi"},
    {mail_clause, "From is kept", "From: Joe <joe@example.com>", "sender,text", "joe@example.com; Joe <joe@example.com>\nhi"},
    {mail_mm7_clause, "From behind a short code", "From: Joe <joe@example.com>", "sender address", "5000",
     "a peer that takes no mail address as sender; the name stands in the text"},
    {mail_mm7_clause, "From as an address that comes back", "alias r-1@reply.mms.example.net\nFrom: Joe <joe@example.com>",
     "sender address,text", "r-1@reply.mms.example.net; hi",
     "an answer to the real address would leave by the MMSC's own mail and never be ours"},
    {mail_clause, "Message-ID", "From: joe@example.com\nMessage-ID: <a@b>", "message id", "a@b"},
    {mail_clause, "Resent-Message-ID, topmost",
     "Resent-From: r@example.com\nResent-Message-ID: <r@b>\nReceived: x\nResent-From: s@example.com\nResent-Message-ID: <s@b>\nFrom: "
     "joe@example.com\nMessage-ID: <a@b>",
     "message id", "r@b"},
    {mail_clause, "Message-ID that is missing", "From: joe@example.com", "message id", "none",
     "SubmitReq has no place for it: the MMSC makes one and tells it in SubmitRsp"},
    {mail_clause, "Subject", "From: joe@example.com\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?= an\n alle", "subject",
     "Gr\xC3\xBC\xC3\x9F"
     "e an alle"},
    {mail_clause, "Date", "From: joe@example.com\nDate: Mon, 23 Nov 2026 10:00:00 +0100", "timestamp", "2026-11-23T09:00:00.000Z"},
    {mail_clause, "Date that is missing", "From: joe@example.com", "timestamp", "2026-11-23T12:00:00.000Z"},
    {mail_clause, "Date that has not come yet", "From: joe@example.com\nDate: Mon, 23 Nov 2036 10:00:00 +0100", "timestamp",
     "2026-11-23T12:00:00.000Z", "TimeStamp is when it was submitted, and an MMSC may refuse one that is ahead"},
    {mail_clause, "Content-Type with name", "From: joe@example.com\nContent-Type: image/jpeg; name=a.jpg\n\nJPEG", "parts",
     "application/smil:slides.smil text/plain:text.txt image/jpeg:a.jpg"},
    {mail_mm7_clause, "body becomes multipart/related", "From: joe@example.com", "type", "multipart/related"},
    {mail_clause, "MAIL FROM: Personal", "MAIL FROM:<joe@example.com>\nFrom: joe@example.com", "class", "Personal"},
    {mail_clause, "MAIL FROM:<>: Auto", "MAIL FROM:<>\nFrom: joe@example.com", "class", "Auto"},
    {mail_clause, "Return-Path: <>: Auto", "Return-Path: <>\nFrom: joe@example.com", "class", "Auto"},
    {"RFC 3834 §5", "Auto-Submitted: Auto", "From: joe@example.com\nAuto-Submitted: auto-replied", "class", "Auto"},
    {mail_clause, "Importance high", "From: joe@example.com\nImportance: high", "priority", "High"},
    {mail_clause, "Importance normal", "From: joe@example.com\nImportance: normal", "priority", "none"},
    {mail_clause, "Importance low", "From: joe@example.com\nImportance: low", "priority", "Low"},
    {mail_clause, "X-Priority 1", "From: joe@example.com\nX-Priority: 1 (Highest)", "priority", "High"},
    {mail_clause, "X-Priority 2", "From: joe@example.com\nX-Priority: 2", "priority", "High"},
    {mail_clause, "X-Priority 3", "From: joe@example.com\nX-Priority: 3", "priority", "none"},
    {mail_clause, "X-Priority 4", "From: joe@example.com\nX-Priority: 4", "priority", "Low"},
    {mail_clause, "X-Priority 5", "From: joe@example.com\nX-Priority: 5", "priority", "Low"},
    {mail_clause, "Importance wins", "From: joe@example.com\nImportance: low\nX-Priority: 1", "priority", "Low"},
    {mail_clause, "DELIVERBY mode R", "MAIL FROM:<joe@example.com> BY=3600;R\nFrom: joe@example.com", "expiry,relayed",
     "3600 s; no DSN now"},
    {mail_clause, "DELIVERBY mode N", "MAIL FROM:<joe@example.com> BY=3600;N\nFrom: joe@example.com", "expiry,relayed",
     "none; DSN relayed now"},
    {mail_clause, "NOTIFY=SUCCESS", "RCPT TO:<me@mms.example.net> NOTIFY=SUCCESS\nFrom: joe@example.com", "report,success,failure",
     "DeliveryReport true; DSN on success; no DSN on failure"},
    {mail_clause, "NOTIFY=NEVER", "RCPT TO:<me@mms.example.net> NOTIFY=NEVER\nFrom: joe@example.com", "report,success,failure",
     "DeliveryReport true; no DSN on success; no DSN on failure",
     "the report is ours: without it the item would never be settled. The sender hears nothing, as he asked"},
    {mail_clause, "NOTIFY=DELAY is ignored", "RCPT TO:<me@mms.example.net> NOTIFY=DELAY,FAILURE\nFrom: joe@example.com", "success,failure",
     "no DSN on success; DSN on failure"},
    {"RFC 3461 §4.1", "no NOTIFY", "RCPT TO:<me@mms.example.net>\nFrom: joe@example.com", "success,failure",
     "no DSN on success; DSN on failure"},
    {mail_clause, "Disposition-Notification-To", "read reports\nFrom: joe@example.com\nDisposition-Notification-To: Ann <ann@example.com>",
     "read,read to", "ReadReply true; ann@example.com"},
    {mail_clause, "Disposition-Notification-To, no policy", "From: joe@example.com\nDisposition-Notification-To: Ann <ann@example.com>",
     "read,read to", "ReadReply false; ann@example.com",
     "whether strangers may learn what a subscriber reads is the operator's policy; off by default"},
    {mail_clause, "Resent: the last sender",
     "Resent-From: r@example.com\nResent-To: me@mms.example.net\nResent-Date: Sat, 22 Nov 1997 14:02:03 -0800\nFrom: joe@example.com\nTo: "
     "x@example.com\nDate: Fri, 21 Nov 1997 14:02:03 -0800",
     "sender,to,date,counter", "r@example.com; me@mms.example.net; 1997-11-22T22:02:03.000Z; 1"},
    {mail_clause, "Resent: Previously-Sent",
     "Resent-From: s@example.com\nResent-Date: Sun, 23 Nov 1997 14:02:03 -0800\nReceived: x\nResent-From: r@example.com\nResent-Date: Sat, "
     "22 Nov 1997 14:02:03 -0800\nFrom: joe@example.com\nDate: Fri, 21 Nov 1997 14:02:03 -0800",
     "sender,previous,counter", "s@example.com; 0, joe@example.com 1997-11-21T22:02:03.000Z; 1, r@example.com 1997-11-22T22:02:03.000Z; 2"},
    {mail_clause, "Resent: in the text", "Resent-From: Rob <r@example.com>\nFrom: Joe <joe@example.com>", "text",
     "Joe <joe@example.com>, resent by Rob <r@example.com>\nhi",
     "SubmitReq has no Previously-Sent-By, and who wrote it matters more to the reader than who passed it on"},
    {mail_clause, "Sensitivity on the open road", "refuse\nFrom: joe@example.com\nSensitivity: Private", "text", "error convert.sensitive"},
    {mail_clause, "Sensitivity in one's own mailbox", "From: joe@example.com\nSensitivity: Private", "text",
     "joe@example.com [Private]\nhi", "it is the subscriber's own mail, sent to his own phone"},
    {mail_clause, "Received: a long road", "refuse\n100 Received\nFrom: joe@example.com", "sender", "joe@example.com"},
    {mail_clause, "Received: a circle", "refuse\n101 Received\nFrom: joe@example.com", "sender", "error convert.mail_loop"},
    {mail_clause, "Received in one's own mailbox", "101 Received\nFrom: joe@example.com", "sender", "joe@example.com",
     "a mailbox is the end of a road, and fetching from it closes no circle"},
    {mail_clause, "X-Mms-* of a mail is nobody's word",
     "From: joe@example.com\nX-Mms-Priority: High\nX-Mms-Message-Class: Auto\nX-Mms-Expiry: 60\nX-Mms-Read-Reply: Yes",
     "priority,class,expiry,read", "none; Personal; none; ReadReply false"},
    {mail_clause, "other headers are dropped", "From: joe@example.com\nX-Mailer: x\nList-Id: y\nComments: z", "text,parts",
     "joe@example.com\nhi; application/smil:slides.smil text/plain:text.txt"},
    {"RFC 3459 §5", "handling=required cannot go",
     "refuse\nFrom: joe@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: application/pdf; "
     "name=a.pdf\nContent-Disposition: attachment; handling=required\n\nx\n--b--\n",
     "text", "error convert.required_part"},
    {"RFC 3459 §5", "handling=required goes",
     "refuse\nFrom: joe@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: image/png; "
     "name=a.png\nContent-Disposition: attachment; handling=REQUIRED\n\nx\n--b--\n",
     "text", "joe@example.com\nhi"},
    {"RFC 3459 §5", "handling=required in one's own mailbox",
     "From: joe@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: application/pdf; "
     "name=a.pdf\nContent-Disposition: attachment; handling=required\n\nx\n--b--\n",
     "text", "joe@example.com\nhi\n[Left out: a.pdf (1 bytes); in your mailbox]", "the part is not lost: it lies where the line says"},
    {"RFC 3459 §5", "handling=optional",
     "refuse\nFrom: joe@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: application/pdf; "
     "name=a.pdf\nContent-Disposition: attachment; handling=optional\n\nx\n--b--\n",
     "text", "joe@example.com\nhi"},
    {"RFC 3459 §5", "no handling",
     "refuse\nFrom: joe@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: application/pdf; "
     "name=a.pdf\n\nx\n--b--\n",
     "text", "joe@example.com\nhi\n[Left out: a.pdf (1 bytes); in your mailbox]"},
    {mail_clause, "signed content",
     "From: joe@example.com\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: "
     "application/pgp-signature\n\nx\n--b--\n",
     "text,parts", "joe@example.com\nhi; application/smil:slides.smil text/plain:text.txt",
     "no phone checks a signature: what is signed is shown, and the signature stays in the mailbox"},
    {mail_mm7_clause, "In-Reply-To", "linked ID link-1\nFrom: joe@example.com\nIn-Reply-To: <x@mms.example.net>", "linked,answers",
     "link-1; x@mms.example.net"},
    {mail_mm7_clause, "References", "From: joe@example.com\nReferences: <a@b> <c@d>", "answers", "c@d"},
};

// ---- reports ----

ReportSource source() {
  return {.phone = {"", "+15550100002", std::string(domain)},
          .to = {"", "joe", "example.com"},
          .date = now,
          .message_id = "R@mms.example.net",
          .our_host = "gw.mms.example.net",
          .reporting_system = "mmsc.example",
          .envelope_id = "env-1",
          .original_recipient = "rfc822;me@mms.example.net",
          .original_message_id = "a@b",
          .original_subject = "Hi",
          .status_text = "no route"};
}

/// The input is a status of an MM; what is asked are fields, `top` of the mail, `machine` of the report, `original` of the third part.
std::string report_to_mail_row(const Row& row) {
  std::optional<ReportMail> made;
  DsnPolicy policy;
  std::string_view input = row.input;
  if (input.ends_with(", refusal told as delivery")) policy.rejected_is_failure = false;
  if (input.ends_with(", waiting told")) policy.reports_deferred = true;
  input = input.substr(0, input.find(','));
  if (input == "Read")
    made = read_report_to_mdn(MmReadStatus::read, source());
  else if (input == "Deleted")
    made = read_report_to_mdn(MmReadStatus::deleted, source());
  else
    made = delivery_report_to_dsn(mm_status_of(input), source(), policy);
  if (!made) return "no report";
  const auto mail = mime::parse(made->mail);
  EXPECT_TRUE(mail && mail->tolerated.empty()) << text_of(made->mail);
  if (row.asked == "envelope") return fmt::format("MAIL FROM:<{}> RCPT TO:<{}>", made->mail_from, made->recipient);
  if (row.asked == "parts") {
    std::string out(mail->parts[0].type_parameter("report-type"));
    for (const mime::Part& part : mail->parts) out += " " + std::string(part.media_type);
    return out;
  }
  if (row.asked == "words") return mime::decode_text(mail->parts[1]);
  std::string out;
  for (const std::string_view asked : split(row.asked, ',')) {
    const std::size_t dot = asked.find('.');
    const std::string_view where = asked.substr(0, dot);
    const std::string_view name = asked.substr(dot + 1);
    std::string value;
    if (where == "top") {
      value = mime::decode_header(mail->parts[0].field(name));
    } else {
      // Blocks of fields are divided by empty lines; each name occurs once.
      const std::string text = "\n" + mime::decode_text(mail->parts[where == "machine" ? 2 : 3]);
      const std::size_t at = text.find("\n" + std::string(name) + ": ");
      if (at != std::string::npos) value = text.substr(at + name.size() + 3, text.find('\n', at + 1) - at - name.size() - 3);
    }
    out += (out.empty() ? "" : "; ") + (value.empty() ? "none" : value);
  }
  return out;
}

constexpr std::string_view table4 = "RFC 4356 table 4";
const Row report_to_mail_rows[] = {
    {"RFC 3462 §1", "shape of a DSN", "Retrieved", "parts",
     "delivery-status multipart/report text/plain message/delivery-status text/rfc822-headers"},
    {"RFC 3464 §2", "MAIL FROM:<>", "Retrieved", "envelope", "MAIL FROM:<> RCPT TO:<joe@example.com>"},
    {table4, "Message-ID: in the third part", "Retrieved", "original.Message-ID", "<a@b>"},
    {table4, "From: Final-Recipient and From", "Retrieved", "machine.Final-Recipient,top.From",
     "rfc822;+15550100002@mms.example.net; +15550100002@mms.example.net"},
    {table4, "To: the return path", "Retrieved", "top.To", "joe@example.com"},
    {table4, "Date", "Retrieved", "top.Date", "Mon, 23 Nov 2026 12:00:00 +0000"},
    {table4, "Retrieved", "Retrieved", "machine.Action,machine.Status", "delivered; 2.0.0"},
    {table4, "Rejected", "Rejected", "machine.Action,machine.Status", "failed; 5.7.1"},
    {table4, "Rejected, by policy", "Rejected, refusal told as delivery", "machine.Action,machine.Status", "delivered; 2.0.0"},
    {table4, "Expired", "Expired", "machine.Action,machine.Status", "failed; 4.4.7"},
    {table4, "Unreachable", "Unreachable", "machine.Action,machine.Status", "failed; 5.4.4"},
    {table4, "Deferred", "Deferred", "machine.Action", "no report",
     "the table makes it optional, and a phone that is off is no news to a stranger"},
    {table4, "Deferred, by policy", "Deferred, waiting told", "machine.Action,machine.Status", "delayed; 4.0.0"},
    {table4, "Indeterminate", "Indeterminate", "machine.Action,machine.Status", "relayed; 2.0.0"},
    {table4, "Forwarded", "Forwarded", "machine.Action,machine.Status", "relayed; 2.0.0"},
    {table4, "Unrecognised", "Unrecognised", "machine.Action,machine.Status", "failed; 5.6.1"},
    {table4, "DeliveryConditionNotMet", "DeliveryConditionNotMet", "machine.Action,machine.Status", "failed; 5.7.1"},
    {table4, "a word that nobody knows", "Vanished", "machine.Action", "relayed"},
    {table4, "status text: the first part", "Unreachable", "words",
     "Your message to +15550100002@mms.example.net could not reach the phone.\n\nSubject: Hi\n\nThe network says: no route\n"},
    {"RFC 3464 §2.2", "DSN-Gateway, Reporting-MTA, envelope id", "Retrieved",
     "machine.DSN-Gateway,machine.Reporting-MTA,machine.Original-Envelope-Id", "dns;gw.mms.example.net; x-mms;mmsc.example; env-1"},
    {"RFC 3464 §2.3.1", "Original-Recipient", "Retrieved", "machine.Original-Recipient", "rfc822;me@mms.example.net"},
    {"RFC 3834 §5", "Auto-Submitted", "Retrieved", "top.Auto-Submitted", "auto-replied"},
    {"RFC 4356, read reports", "shape of an MDN", "Read", "parts",
     "disposition-notification multipart/report text/plain message/disposition-notification text/rfc822-headers"},
    {"RFC 4356, read reports", "Read", "Read", "machine.Disposition", "manual-action/MDN-sent-manually; displayed"},
    {"RFC 4356, read reports", "Deleted without being read", "Deleted", "machine.Disposition", "manual-action/MDN-sent-manually; deleted"},
    {"RFC 4356, read reports", "From: Final-Recipient", "Read", "machine.Final-Recipient,machine.Original-Message-ID",
     "rfc822;+15550100002@mms.example.net; <a@b>"},
    {"RFC 4356, read reports", "To: Disposition-Notification-To", "Read", "top.To", "joe@example.com"},
    {"RFC 3798 §3", "MAIL FROM:<>", "Read", "envelope", "MAIL FROM:<> RCPT TO:<joe@example.com>"},
};

/// The input is the machine part; a mail is put around it.
std::string mail_to_report_row(const Row& row) {
  const bool is_mdn = row.input.starts_with("Disposition") || row.input.find("\nDisposition") != std::string_view::npos;
  std::string mail = fmt::format(
      "From: mailer-daemon@example.com\nTo: +15550100001@mms.example.net\nDate: Mon, 23 Nov 2026 12:00:00 +0000\nContent-Type: "
      "multipart/report; boundary=b\n\n--b\n\nwords\n--b\nContent-Type: message/{}\n\n{}\n"
      "--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <ours@mms.example.net>\n\n--b--\n",
      is_mdn ? "disposition-notification" : "delivery-status", row.input);
  if (row.input == "no report") mail = "From: joe@example.com\n\nhi";
  auto message = mime::parse(bytes_of(mail));
  EXPECT_TRUE(message);
  const auto report = read_report(*message);
  if (!report) return "no report";
  if (row.asked == "about")
    return fmt::format("{} to {} at {}", report->message_id, report->to, report->date ? format_rfc3339(*report->date) : "?");
  if (row.asked == "envelope id") return std::string(report->envelope_id);
  if (row.asked == "read")
    return report->read ? fmt::format("{} {}", report->read->from, report->read->status == MmReadStatus::read ? "Read" : "Deleted")
                        : "nothing";
  std::string out;
  for (const MmDeliveryReport& delivery : report->deliveries) {
    const auto word = std::find_if(mm_status_rows().begin(), mm_status_rows().end(), [&](const MmStatusRow& r) {
                        return r.status == delivery.status;
                      })->word;
    out += fmt::format("{}{} {}", out.empty() ? "" : "; ", delivery.from, word);
    if (row.asked == "text") out += " " + std::string(delivery.status_text);
  }
  return out.empty() ? "nothing" : out;
}

constexpr std::string_view dsn_clause = "RFC 4356, delivery reports";
constexpr std::string_view mdn_clause = "RFC 4356, read reports";
const Row mail_to_report_rows[] = {
    {dsn_clause, "a mail that is no report", "no report", "status", "no report"},
    {dsn_clause, "whom and what it is about", "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;joe@example.com\nAction: delivered", "about",
     "ours@mms.example.net to +15550100001@mms.example.net at 2026-11-23T12:00:00.000Z"},
    {dsn_clause, "delivered", "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;joe@example.com\nAction: delivered", "status",
     "joe@example.com Retrieved"},
    {dsn_clause, "failed", "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;joe@example.com\nAction: failed", "status",
     "joe@example.com Unreachable"},
    {dsn_clause, "relayed", "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;joe@example.com\nAction: relayed", "status",
     "joe@example.com Forwarded"},
    {dsn_clause, "expanded", "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;joe@example.com\nAction: expanded", "status",
     "joe@example.com Forwarded", "the table does not have it; a list passed the message on, which is what Forwarded says"},
    {dsn_clause, "delayed is ignored", "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;joe@example.com\nAction: delayed", "status",
     "nothing"},
    {dsn_clause, "Original-Recipient is the From",
     "Reporting-MTA: dns;x\n\nOriginal-Recipient: rfc822;list@example.com\nFinal-Recipient: rfc822;joe@example.com\nAction: delivered",
     "status", "list@example.com Retrieved"},
    {dsn_clause, "one for each recipient",
     "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;a@example.com\nAction: delivered\n\nFinal-Recipient: rfc822;b@example.com\nAction: "
     "delayed\n\nFinal-Recipient: rfc822;c@example.com\nAction: failed",
     "status", "a@example.com Retrieved; c@example.com Unreachable"},
    {dsn_clause, "status text",
     "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;joe@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp;550 no such "
     "user",
     "text", "joe@example.com Unreachable 550 no such user"},
    {dsn_clause, "envelope id",
     "Reporting-MTA: dns;x\nOriginal-Envelope-Id: env-1\n\nFinal-Recipient: rfc822;joe@example.com\nAction: delivered", "envelope id",
     "env-1"},
    {mdn_clause, "displayed", "Final-Recipient: rfc822;joe@example.com\nDisposition: manual-action/MDN-sent-manually; displayed", "read",
     "joe@example.com Read"},
    {mdn_clause, "deleted", "Final-Recipient: rfc822;joe@example.com\nDisposition: manual-action/MDN-sent-manually; deleted", "read",
     "joe@example.com Deleted"},
    {mdn_clause, "denied", "Final-Recipient: rfc822;joe@example.com\nDisposition: automatic-action/MDN-sent-automatically; denied", "read",
     "joe@example.com Deleted"},
    {mdn_clause, "failed", "Final-Recipient: rfc822;joe@example.com\nDisposition: automatic-action/MDN-sent-automatically; failed", "read",
     "joe@example.com Deleted"},
    {mdn_clause, "processed says nothing of reading",
     "Final-Recipient: rfc822;joe@example.com\nDisposition: automatic-action/MDN-sent-automatically; processed", "read", "nothing"},
    {mdn_clause, "Original-Message-ID",
     "Final-Recipient: rfc822;joe@example.com\nOriginal-Message-ID: <other@x>\nDisposition: manual-action/MDN-sent-manually; displayed",
     "about", "other@x to +15550100001@mms.example.net at 2026-11-23T12:00:00.000Z"},
};

TEST(Rfc4356, MmToMail) { EXPECT_GE(print_and_compare("MM -> mail", mm_to_mail_rows, mm_to_mail_row), 55U); }
TEST(Rfc4356, MailToMm) { EXPECT_GE(print_and_compare("mail -> MM", mail_to_mm_rows, mail_to_mm_row), 50U); }
TEST(Rfc4356, ReportToMail) { EXPECT_GE(print_and_compare("report -> mail", report_to_mail_rows, report_to_mail_row), 25U); }
TEST(Rfc4356, MailToReport) { EXPECT_GE(print_and_compare("mail -> report", mail_to_report_rows, mail_to_report_row), 15U); }

}  // namespace
}  // namespace pushmail::convert

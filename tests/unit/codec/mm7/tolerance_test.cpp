// What MMSCs were seen to send beside the standard, each with a message of its own. The list is in codec/mm7/README.md.
#include <gtest/gtest.h>

#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "tests/unit/codec/mm7/samples.h"

namespace pushmail::mm7 {
namespace {

using namespace samples;  // NOLINT: the samples are the test's vocabulary

/// Reads and expects the usual content: three parts with the known text.
void expect_usual(std::string_view content_type, const std::string& body) {
  const auto request = samples::read_deliver(content_type, body);
  ASSERT_TRUE(request.has_value()) << request.error().info->name;
  EXPECT_EQ(request->sender.value, "+15550100002");
  ASSERT_EQ(request->content.parts.size(), 3U);
  EXPECT_EQ(text_of(request->content.parts[1].data), "Héllo\n");
  EXPECT_EQ(to_hex(request->content.parts[2].data), "ffd8000a");
}

// 1. Namespaces.
TEST(Mm7Tolerance, AnyPrefix) {
  std::string xml = envelope(deliver());
  for (const auto& [from, to] :
       {std::pair{"<DeliverReq xmlns=", "<mm7p6a0:DeliverReq xmlns:mm7p6a0="}, std::pair{"</DeliverReq>", "</mm7p6a0:DeliverReq>"},
        std::pair{"<Sender>", "<mm7p6a0:Sender>"}, std::pair{"</Sender>", "</mm7p6a0:Sender>"}}) {
    xml = bent(xml, from, to);
  }
  expect_usual(related, with_content(xml));
}
TEST(Mm7Tolerance, DefaultNamespaceOnTheEnvelopeOnly) {
  std::string xml = bent(envelope(deliver()), fmt::format("<DeliverReq xmlns=\"{}\"", ns), "<DeliverReq");
  xml = bent(xml, "<env:Envelope ", fmt::format("<env:Envelope xmlns=\"{}\" ", ns));
  const auto request = samples::read_deliver(related, with_content(xml));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->namespace_uri, ns);
}
TEST(Mm7Tolerance, NoNamespaceAtAll) {
  expect_usual(related, with_content(bent(envelope(deliver()), fmt::format("<DeliverReq xmlns=\"{}\"", ns), "<DeliverReq")));
}
TEST(Mm7Tolerance, UnknownNamespaceIsRepeatedNotRefused) {
  const auto request = samples::read_deliver(related, with_content(bent(envelope(deliver()), fmt::format("<DeliverReq xmlns=\"{}\"", ns),
                                                                        "<DeliverReq xmlns=\"urn:REL-6-MM7-6-7.xsd\"")));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->namespace_uri, "urn:REL-6-MM7-6-7.xsd");
}
TEST(Mm7Tolerance, PrefixWithoutDeclaration) {
  std::string xml = bent(envelope(deliver()), "<Sender>", "<m:Sender>");
  expect_usual(related, with_content(bent(xml, "</Sender>", "</m:Sender>")));
}

// 2. Order and unknown elements.
TEST(Mm7Tolerance, OrderUnknownAndRepeatedElements) {
  std::string xml = bent(envelope(deliver()), "<MM7Version>6.8.0</MM7Version>", "<X-SKT-BPID>1<Deep><er/></Deep></X-SKT-BPID><CallBack/>");
  xml = bent(xml, "</DeliverReq>",
             "<ReplayChargingID/><AuxApplicId>x</AuxApplicId><MM7Version>6.3.0</MM7Version><MM7Version>6.4.0</MM7Version></DeliverReq>");
  const auto request = samples::read_deliver(related, with_content(xml));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->mm7_version, "6.3.0");
}
TEST(Mm7Tolerance, MisspeltNames) {
  const auto request = samples::read_deliver(
      related, with_content(bent(envelope(deliver()), "</DeliverReq>",
                                 "<ReplayChargingID>m-1</ReplayChargingID><AuxApplicId>x</AuxApplicId></DeliverReq>")));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->reply_charging_id, "m-1");
  EXPECT_EQ(request->application.aux_info, "x");
}
TEST(Mm7Tolerance, SubjectAsAMailHeaderHasIt) {
  for (const auto& [written, read] : {std::pair{"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"}, std::pair{"a =? b", "a =? b"}}) {
    const std::string xml = bent(envelope(deliver()), "<Subject>Re: Grüße &amp; more<", fmt::format("<Subject>{}<", written));
    const auto request = samples::read_deliver(related, with_content(xml));
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->subject, read);
    EXPECT_EQ(request->content.subject, read);
  }
}
TEST(Mm7Tolerance, DifferentNamespacesOfHeaderAndBody) {
  const auto request = samples::read_deliver(related, with_content(bent(envelope(deliver()), "<mm7:TransactionID xmlns:mm7=\"http",
                                                                        "<mm7:TransactionID xmlns:mm7=\"urn:other:http")));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->transaction_id, "rs-0501");
  EXPECT_EQ(request->namespace_uri, ns);
}
TEST(Mm7Tolerance, MixedContentAroundElements) {
  // Not our scanner's: read by libxml2, to the same message.
  expect_usual(related, with_content(bent(envelope(deliver()), "<Sender>", "loose<Sender>")));
}

// 3. Addresses.
struct AddressRow {
  std::string_view sender;
  AddressKind kind;
  std::string_view value;
};
class SenderForm : public testing::TestWithParam<AddressRow> {};
TEST_P(SenderForm, IsRead) {
  const auto request = samples::read_deliver(
      related, with_content(bent(envelope(deliver()), "<Sender><Number>+15550100002</Number></Sender>", GetParam().sender)));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->sender.kind, GetParam().kind);
  EXPECT_EQ(request->sender.value, GetParam().value);
}
INSTANTIATE_TEST_SUITE_P(Forms, SenderForm,
                         testing::Values(AddressRow{"<Sender>1065580001</Sender>", AddressKind::number, "1065580001"},
                                         AddressRow{"<Sender>10658</Sender>", AddressKind::short_code, "10658"},
                                         AddressRow{"<Sender> joe@example.com\n</Sender>", AddressKind::rfc2822, "joe@example.com"},
                                         AddressRow{"<Sender>+15550100002/TYPE=PLMN</Sender>", AddressKind::number, "+15550100002"},
                                         AddressRow{"<Sender><Number>+385/TYPE=PLMN</Number></Sender>", AddressKind::number, "+385"},
                                         AddressRow{"<Sender><Number>+385/type=plmn </Number></Sender>", AddressKind::number, "+385"},
                                         AddressRow{"<Sender><Number>15550100002</Number></Sender>", AddressKind::number, "15550100002"},
                                         AddressRow{"<Sender><Number>joe@example.com</Number></Sender>", AddressKind::rfc2822,
                                                    "joe@example.com"},
                                         AddressRow{"<Sender><RFC2822Address>+15550100002/TYPE=PLMN</RFC2822Address></Sender>",
                                                    AddressKind::rfc2822, "+15550100002"},
                                         AddressRow{"<Sender><RFC2822Address>+15550100002/TYPE=PLMN@example.com</RFC2822Address></Sender>",
                                                    AddressKind::rfc2822, "+15550100002/TYPE=PLMN@example.com"},
                                         AddressRow{"<Sender><Number>+15550100002/TYPE=PLMN@example.com</Number></Sender>",
                                                    AddressKind::rfc2822, "+15550100002/TYPE=PLMN@example.com"},
                                         AddressRow{"<Sender><To><Number>+1555010</Number></To></Sender>", AddressKind::number, "+1555010"},
                                         AddressRow{"<sender><number>+1555010</number></sender>", AddressKind::number, "+1555010"},
                                         AddressRow{"<Sender><ShortCode>#MAIL</ShortCode></Sender>", AddressKind::short_code, "#MAIL"}));
TEST(Mm7Tolerance, RecipientsWithoutAddressElements) {
  const auto request =
      samples::read_deliver(related, with_content(bent(envelope(deliver()), "<Cc><Number>+15550100003</Number></Cc></Recipients>",
                                                       "<Cc>88888</Cc><Number>+1555</Number></Recipients>")));
  ASSERT_TRUE(request.has_value());
  ASSERT_EQ(request->recipients.size(), 4U);
  EXPECT_EQ(request->recipients[2].address.kind, AddressKind::short_code);
  EXPECT_EQ(request->recipients[3].address.value, "+1555");
}

// 4 and 5. Reports.
TEST(Mm7Tolerance, ToInsideRecipient) {
  EXPECT_EQ(read_report(envelope(report("<MMStatus>Retrieved</MMStatus>", "", "<Recipient><To><Number>+1555</Number></To></Recipient>")))
                ->recipient.value,
            "+1555");
}
TEST(Mm7Tolerance, RecipientsInsteadOfRecipient) {
  EXPECT_EQ(read_report(envelope(report("<MMStatus>Retrieved</MMStatus>", "", "<Recipients><To><Number>+1555</Number></To></Recipients>")))
                ->recipient.value,
            "+1555");
}
TEST(Mm7Tolerance, ReportsWithoutARecipient) {
  for (const std::string_view recipient :
       {"", "<Recipient/>", "<Recipient> </Recipient>", "<Recipient><Number/></Recipient>", "<Recipients/>"}) {
    SCOPED_TRACE(recipient);
    const auto found = read_report(envelope(report("<MMStatus>Retrieved</MMStatus>", "", recipient)));
    ASSERT_TRUE(found.has_value()) << found.error().info->text;
    EXPECT_EQ(found->recipient.value, "");
    EXPECT_EQ(found->message_id, "m-77001");
  }
}
TEST(Mm7Tolerance, TimeStampInsteadOfDate) {
  const auto found = read_report(envelope(report("<MMStatus>Retrieved</MMStatus><MMSStatusErrorCode>0</MMSStatusErrorCode>",
                                                 "<TimeStamp>2024-06-30T12:31:07+09:00</TimeStamp>")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(format_rfc3339(found->date.value()), "2024-06-30T03:31:07.000Z");
}
TEST(Mm7Tolerance, DatesWithOneDigitOrWithoutZone) {
  EXPECT_EQ(format_rfc3339(read_report(envelope(report("<MMStatus>Retrieved</MMStatus>", "<Date>2024-6-3T2:31:07Z</Date>")))->date.value()),
            "2024-06-03T02:31:07.000Z");
  EXPECT_EQ(
      format_rfc3339(read_report(envelope(report("<MMStatus>Retrieved</MMStatus>", "<Date>2024-06-30T12:31:07</Date>")))->date.value()),
      "2024-06-30T12:31:07.000Z");
  EXPECT_FALSE(read_report(envelope(report("<MMStatus>Retrieved</MMStatus>", "<Date>yesterday</Date>")))->date.has_value());
}
struct StatusWordRow {
  std::string_view received;
  std::string_view canonical;
};
class StatusWord : public testing::TestWithParam<StatusWordRow> {};
TEST_P(StatusWord, IsCanonical) {
  const auto found = read_report(envelope(report(fmt::format("<MMStatus>{}</MMStatus>", GetParam().received))));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->mm_status, GetParam().canonical);
  EXPECT_EQ(found->mm_status_received, GetParam().received);
}
INSTANTIATE_TEST_SUITE_P(Words, StatusWord,
                         testing::Values(StatusWordRow{"Retrieved", "Retrieved"}, StatusWordRow{"retrieved", "Retrieved"},
                                         StatusWordRow{"Expired", "Expired"}, StatusWordRow{"Rejected", "Rejected"},
                                         StatusWordRow{"Forwarded", "Forwarded"}, StatusWordRow{"Deferred", "Deferred"},
                                         StatusWordRow{"Unrecognized", "Unrecognised"},
                                         StatusWordRow{"DeliveryConditionNotMet", "DeliveryConditionNotMet"},
                                         StatusWordRow{"Delivered", "Retrieved"}, StatusWordRow{"Unreachable", "Indeterminate"},
                                         StatusWordRow{"4446", "Indeterminate"}, StatusWordRow{"sent to the handset", "Indeterminate"}));

class ReadWord : public testing::TestWithParam<StatusWordRow> {};
TEST_P(ReadWord, IsCanonical) {
  const auto request =
      parse_request("text/xml", bytes_of(envelope(read_reply(fmt::format("<MMStatus>{}</MMStatus>", GetParam().received)))));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(std::get<ReadReplyReq>(*request).mm_status, GetParam().canonical);
  EXPECT_EQ(std::get<ReadReplyReq>(*request).mm_status_received, GetParam().received);
}
INSTANTIATE_TEST_SUITE_P(Words, ReadWord,
                         testing::Values(StatusWordRow{"Read", "Read"}, StatusWordRow{"READ", "Read"}, StatusWordRow{"Deleted", "Deleted"},
                                         StatusWordRow{"Deleted without being read", "Deleted"},
                                         StatusWordRow{"Indeterminate", "Indeterminate"}, StatusWordRow{"5", "Indeterminate"}));
TEST(Mm7Tolerance, ReadReplyWithDateInsteadOfTimeStamp) {
  std::string message = bent(read_reply(), "<TimeStamp>2024-06-30T13:00:00Z</TimeStamp>", "<Date>2024-06-30T13:00:01Z</Date>");
  const auto request = parse_request("text/xml", bytes_of(envelope(message)));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(format_rfc3339(std::get<ReadReplyReq>(*request).date.value()), "2024-06-30T13:00:01.000Z");
}
// 13. Which of the two is the phone is the relay's to know.
TEST(Mm7Tolerance, SwappedRecipientAndSenderAreGivenAsSent) {
  const auto found =
      read_report(envelope(bent(report("<MMStatus>Retrieved</MMStatus>", "", "<Recipient><ShortCode>50001742</ShortCode></Recipient>"),
                                "<RFC2822Address>joe@example.com</RFC2822Address>", "<Number>+15550100002</Number>")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->recipient.value, "50001742");
  EXPECT_EQ(found->sender.value, "+15550100002");
}
TEST(Mm7Tolerance, ConstantsAsTransactionId) {
  for (const std::string_view constant : {"none", "0000", ""})
    EXPECT_EQ(read_report(envelope(report(), constant))->transaction_id, constant);
}

// 6. Content-ID and href.
struct HrefRow {
  std::string_view content;
  std::string_view content_id;
};
class Href : public testing::TestWithParam<HrefRow> {};
TEST_P(Href, FindsTheContent) {
  const std::string headers = fmt::format(
      "Content-Type: multipart/related; Boundary=\"inner-b2\"; Type=\"application/smil\"; Start=\"<smil-1>\"\r\n{}", GetParam().content_id);
  expect_usual(related, with_content(envelope(deliver(GetParam().content)), headers));
}
INSTANTIATE_TEST_SUITE_P(Forms, Href,
                         testing::Values(HrefRow{"<Content href=\"cid:content_15\"/>", "Content-ID: content_15\r\n"},
                                         HrefRow{"<Content href=\"content_15\"/>", "Content-Id: <content_15>\r\n"},
                                         HrefRow{"<Content href=\"&lt;content_15&gt;\"/>", "Content-ID:<content_15>\r\n"},
                                         HrefRow{"<Content href=\"cid:a%40b\"> \n </Content>", "content-id: <a@b>\r\n"},
                                         HrefRow{"<Content href=\"cid:a%40b\"/>", "Content-ID: <a%40b>\r\n"},
                                         HrefRow{"<Content href=\"cid:a&amp;b\"/>", "Content-ID: <a&b>\r\n"},
                                         HrefRow{"<Content href=\"cid:/tnn-200102/mm7-vasp\"/>", "Content-ID:</tnn-200102/mm7-vasp>\r\n"},
                                         HrefRow{"<Content href=\"cid:nothing\"/>", "Content-ID: <other>\r\n"}, HrefRow{"<Content/>", ""},
                                         HrefRow{"", "Content-ID: <unnamed>\r\n"}));
TEST(Mm7Tolerance, PartsBesideTheEnvelope) {
  const std::string body =
      bent(inner_parts(), "--inner-b2\r\n",
           fmt::format("--inner-b2\r\nContent-Type: text/xml\r\nContent-ID: <soap-1@mmsc1.example>\r\n\r\n{}\r\n--inner-b2\r\n",
                       envelope(deliver(""))));
  expect_usual("multipart/related; boundary=inner-b2; start=\"<soap-1@mmsc1.example>\"", body);
}
TEST(Mm7Tolerance, OneTextPartInPlaceOfTheMultipart) {
  const std::string body = fmt::format(
      "--outer-b1\r\nContent-Type: text/xml\r\n\r\n{}\r\n--outer-b1\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-ID: "
      "<c>\r\n\r\nHé\r\n--outer-b1--\r\n",
      envelope(deliver("<Content href=\"cid:c\"/>")));
  const auto request = samples::read_deliver("multipart/related; boundary=\"outer-b1\"", body);
  ASSERT_TRUE(request.has_value());
  ASSERT_EQ(request->content.parts.size(), 1U);
  EXPECT_EQ(text_of(request->content.parts[0].data), "Hé");
  EXPECT_EQ(request->content.presentation, MultimediaMessage::no_presentation);
}

// The type of the phone's own form, around content that the MMSC turned into MIME, or did not.
TEST(Mm7Tolerance, MultipartsTypedAsThePhoneSentThem) {
  for (const std::string_view form : {"related", "mixed", "alternative"}) {
    expect_usual(related, bent(with_content(envelope(deliver())), "Content-Type: multipart/related; boundary=\"inner-b2\"",
                               fmt::format("Content-Type: application/vnd.wap.multipart.{}; boundary=\"inner-b2\"", form)));
  }
}
TEST(Mm7Tolerance, MultipartsOfWsp) {
  using namespace std::string_literals;
  // Two parts: text/plain in UTF-8 (WAP-230 table 40: 0x83; charset parameter 0x81, UTF-8 0xEA) and image/gif (0x9D).
  const std::string body = "\x02\x04\x03\x03\x83\x81\xEAH\xC3\xA9\x01\x04\x9DGIF8"s;
  // What is read views the bodies.
  const auto body_with = [](std::string_view octets) {
    return fmt::format(
        "--outer-b1\r\nContent-Type: text/xml\r\n\r\n{}\r\n--outer-b1\r\nContent-Type: application/vnd.wap.multipart.mixed\r\nContent-ID: "
        "<c>\r\n\r\n{}\r\n--outer-b1--\r\n",
        envelope(deliver("<Content href=\"cid:c\"/>")), octets);
  };
  const std::string whole = body_with(body), broken = body_with("\x02\xFF\xFF\xFF");
  const auto request = samples::read_deliver(related, whole);
  ASSERT_TRUE(request.has_value());
  ASSERT_EQ(request->content.parts.size(), 2U);
  EXPECT_EQ(request->content.parts[0].media_type, "text/plain");
  EXPECT_EQ(request->content.parts[0].charset, "utf-8");
  EXPECT_EQ(text_of(request->content.parts[0].data), "H\xC3\xA9");
  EXPECT_EQ(request->content.parts[1].media_type, "image/gif");
  EXPECT_EQ(text_of(request->content.parts[1].data), "GIF8");

  const auto damaged = samples::read_deliver(related, broken);
  ASSERT_TRUE(damaged.has_value());
  ASSERT_EQ(damaged->content.parts.size(), 1U) << "an attachment as it came";
  EXPECT_EQ(text_of(damaged->content.parts[0].data), "\x02\xFF\xFF\xFF");
}

// 7 and 8. MIME around it.
TEST(Mm7Tolerance, PreambleAndBlanksBehindTheBoundary) {
  std::string body = with_content(envelope(deliver()));
  body = bent(body, "--outer-b1\r\nContent-Type: multipart", "--outer-b1  \t\r\nContent-Type: multipart");
  expect_usual(related, "this is a multi-part message\r\n\r\n" + body);
}
// Some MMSCs put a blank line between a part's header fields, or in front of them.
TEST(Mm7Tolerance, BlankLinesAmongPartHeaders) {
  const std::string body = with_content(envelope(deliver()));
  for (const auto& [from, to] : {std::pair{"utf-8\"\r\nContent-ID: <soap-1", "utf-8\"\r\n\r\nContent-ID: <soap-1"},
                                 std::pair{"--outer-b1\r\nContent-Type: text/xml", "--outer-b1\r\n\r\nContent-Type: text/xml"},
                                 std::pair{"<smil-1>\"\r\nContent-ID: <mo-0501", "<smil-1>\"\r\n\r\n\r\nContent-ID: <mo-0501"},
                                 std::pair{"--outer-b1\r\nContent-Type: multipart", "--outer-b1\r\n\r\nContent-Type: multipart"},
                                 std::pair{"a.txt\"\r\nContent-ID: <t1>", "a.txt\"\r\n\r\nContent-ID: <t1>"},
                                 std::pair{"<t1>\r\nContent-Location", "<t1>\r\n\r\nContent-Location"}}) {
    SCOPED_TRACE(to);
    expect_usual(related, bent(body, from, to));
  }
}
// A part of a digest is a message without a word about it: its blank lines are the part's and the message's at once.
TEST(Mm7Tolerance, BlankLinesOfAMessageInADigest) {
  for (const std::string_view blank : {"\r\n", "\n\n", "\r\n\r\n", "\n\r\n\n"}) {
    SCOPED_TRACE(testing::PrintToString(blank));
    const std::string part = fmt::format("--b\r\n{}Content-Type: text/xml\r\n\r\n{}\r\n", blank, envelope(deliver()));
    const auto request = samples::read_deliver("multipart/digest; boundary=b", part + part + "--b--\r\n");
    EXPECT_TRUE(request.has_value() || mm7::status_of(request.error()).code >= 2000);
  }
}
// What a person writes is no header, whatever it looks like.
TEST(Mm7Tolerance, TextThatBeginsLikeAHeaderStaysText) {
  for (const std::string_view text :
       {"Subject: hi\r\n\r\nmore", "Content-Type: as in the standard", "Content-Type: text/html\r\n\r\n<p>"}) {
    const std::string body = fmt::format(
        "--outer-b1\r\nContent-Type: text/xml\r\nContent-ID: <soap-1@mmsc1.example>\r\n\r\n{}\r\n--outer-b1\r\n"
        "Content-Type: text/plain\r\nContent-ID: <mo-0501@mmsc1.example>\r\n\r\n{}\r\n--outer-b1--\r\n",
        envelope(deliver()), text);
    const auto request = samples::read_deliver(related, body);
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(text_of(request->content.parts.at(0).data), text);
  }
}
TEST(Mm7Tolerance, RecipientsMayBeEmptyOrMissing) {
  const std::string whole = deliver();
  const std::size_t begin = whole.find("<Recipients>"), end = whole.find("</Recipients>") + std::string_view("</Recipients>").size();
  for (const std::string_view recipients : {"", "<Recipients/>", "<Recipients></Recipients>", "<Recipients><To/></Recipients>"}) {
    const std::string bent_message = whole.substr(0, begin) + std::string(recipients) + whole.substr(end);
    const auto request = samples::read_deliver(related, with_content(envelope(bent_message)));
    ASSERT_TRUE(request.has_value()) << recipients;
    EXPECT_TRUE(request->recipients.empty()) << recipients;
  }
}
TEST(Mm7Tolerance, StartWithoutBracketsOrWrong) {
  const std::string body = with_content(envelope(deliver()));
  expect_usual("multipart/related; boundary=outer-b1; start=soap-1@mmsc1.example", body);
  expect_usual("Multipart/Related; boundary=outer-b1; start=\"<nobody>\"", body);
  expect_usual("multipart/mixed; boundary=outer-b1", body);
}
TEST(Mm7Tolerance, EnvelopeInBase64) {
  // "<a/>" and so on would be too short to prove anything, so the whole envelope is coded here.
  const std::string xml = envelope(report());
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string coded;
  for (std::size_t i = 0; i < xml.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (i + k < xml.size() ? static_cast<std::uint8_t>(xml[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) coded += i + k > xml.size() ? '=' : digits[bits >> (18 - 6 * k) & 63];
  }
  const std::string body = fmt::format("--b\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: BASE64\r\n\r\n{}\r\n--b--\r\n", coded);
  const auto request = parse_request("multipart/related; boundary=b", bytes_of(body));
  ASSERT_TRUE(request.has_value()) << request.error().info->name;
  EXPECT_EQ(std::get<DeliveryReportReq>(*request).message_id, "m-77001");
}

// 9 and 10. Responses.
Result<Response> response(std::string_view message, std::string_view content_type = "application/xml") {
  return parse_response(content_type, bytes_of(envelope(message)));
}

TEST(Mm7Tolerance, SubmitRspWithoutTextOrIdAndWithMore) {
  const auto found = response(
      "<SubmitRsp><MM7Version>5.3.0</MM7Version><Status><StatusCode> 1100\n</StatusCode></Status><ApplicID>x</ApplicID></SubmitRsp>");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(std::get<SubmitRsp>(*found).status.code, 1100);
  EXPECT_EQ(std::get<SubmitRsp>(*found).status.text, "Partial success");
  EXPECT_EQ(std::get<SubmitRsp>(*found).message_id, "");
}
TEST(Mm7Tolerance, StatusCodeIsOneNumberOrNone) {
  const auto code_in = [](const std::string& text) {
    const auto found = response("<SubmitRsp><Status><StatusCode>" + text + "</StatusCode></Status></SubmitRsp>");
    return found ? std::get<SubmitRsp>(*found).status.code : -1;
  };
  for (const char* good : {"1000", " 1000 ", "+1000", "01000", "1000 Success"}) EXPECT_EQ(code_in(good), 1000) << good;
  for (const char* bad :
       {"", "ok", "-1000", "x1000", "1000x", "1000.0", "1,000", "0x3E8", "1e3", "1000 2002", "1000;2002", "1000;", "99999999999"}) {
    EXPECT_EQ(code_in(bad), -1) << bad;
  }
}
TEST(Mm7Tolerance, AnswersThatSayTwoThingsSayNothing) {
  const std::string status = "<Status><StatusCode>1000</StatusCode></Status>";
  for (const std::string& both :
       {"<SubmitRsp>" + status + "<Status><StatusCode>4006</StatusCode></Status></SubmitRsp>",
        "<SubmitRsp>" + status + status + "</SubmitRsp>",
        std::string("<SubmitRsp><Status><StatusCode>1000</StatusCode><StatusCode>2000</StatusCode></Status></SubmitRsp>"),
        "<SubmitRsp>" + status + "<StatusCode>4000</StatusCode></SubmitRsp>",
        "<SubmitRsp>" + status + "<MessageID>m1</MessageID><MessageID>m2</MessageID></SubmitRsp>",
        "<SubmitRsp>" + status + "</SubmitRsp><SubmitRsp><Status><StatusCode>2000</StatusCode></Status></SubmitRsp>",
        "<env:Fault><faultcode>env:Server</faultcode><detail><RSErrorRsp>" + status +
            "<Status><StatusCode>3000</StatusCode></Status></RSErrorRsp></detail></env:Fault>"}) {
    const auto found = response(both);
    ASSERT_FALSE(found.has_value()) << both;
    EXPECT_TRUE(found.error().is(mm7_two_answers)) << both;
  }
  const auto same_id = response("<SubmitRsp>" + status + "<MessageID>m1</MessageID><MessageID> m1 </MessageID></SubmitRsp>");
  ASSERT_TRUE(same_id.has_value());
  EXPECT_EQ(std::get<SubmitRsp>(*same_id).message_id, "m1");
  const auto detailed = response(
      "<SubmitRsp><Status><StatusCode>1100</StatusCode><Details><Recipient><StatusCode>2003</StatusCode></Recipient></Details></Status></"
      "SubmitRsp>");
  ASSERT_TRUE(detailed.has_value());
  EXPECT_EQ(std::get<SubmitRsp>(*detailed).status.code, 1100);
}
TEST(Mm7Tolerance, SubmitRspInAMultipart) {
  const std::string body =
      fmt::format("--b\r\nContent-Type: text/xml\r\n\r\n{}\r\n--b--\r\n",
                  envelope("<SubmitRsp><Status><StatusCode>1000</StatusCode></Status><MessageID>m1</MessageID></SubmitRsp>"));
  const auto found = parse_response("multipart/related; boundary=b; type=\"text/xml\"", bytes_of(body));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(std::get<SubmitRsp>(*found).message_id, "m1");
}
TEST(Mm7Tolerance, RsErrorRspWithoutFault) {
  const auto found = response("<RSErrorRsp><MM7Version>5.3.0</MM7Version><Status><StatusCode>4001</StatusCode></Status></RSErrorRsp>");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(std::get<FaultRsp>(*found).status.code, 4001);
}
TEST(Mm7Tolerance, FaultWithTheCodeInItsWords) {
  const auto found =
      response("<env:Fault><faultcode>SOAP-ENV:Server</faultcode><faultstring>error 2007 (message corrupt)</faultstring></env:Fault>");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(std::get<FaultRsp>(*found).status.code, 2007);
}
TEST(Mm7Tolerance, QualifiedFaultChildren) {
  const auto found = response(
      "<env:Fault><env:faultcode>env:Client</env:faultcode><env:faultstring>no</env:faultstring><env:detail><x>1</x></env:detail></"
      "env:Fault>");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(std::get<FaultRsp>(*found).status.code, 2000);
  EXPECT_EQ(std::get<FaultRsp>(*found).fault_string, "no");
  EXPECT_EQ(std::get<FaultRsp>(*response("<env:Fault/>")).status.code, 3000);
}
TEST(Mm7Tolerance, PageOfAProxyIsNoResponse) {
  EXPECT_FALSE(
      parse_response("text/html", bytes_of("<html><head><title>502</title></head><body><h1>Bad Gateway<hr></body></html>")).has_value());
}

// 11. Before the XML declaration.
TEST(Mm7Tolerance, ByteOrderMarkAndBlankLines) {
  EXPECT_TRUE(read_report("\xEF\xBB\xBF" + envelope(report())).has_value());
  EXPECT_TRUE(read_report("\r\n\r\n" + envelope(report())).has_value());
  EXPECT_TRUE(read_report("\xEF\xBB\xBF\n" + envelope(report())).has_value());
}

// 12. Booleans and attributes of TransactionID.
TEST(Mm7Tolerance, BooleansInAnySpelling) {
  for (const std::string_view spelling : {"True", "1", "YES", " true "}) {
    const auto request = samples::read_deliver(
        related, with_content(bent(envelope(deliver()), "displayOnly=\"true\"", fmt::format("displayOnly=\"{}\"", spelling))));
    ASSERT_TRUE(request.has_value());
    EXPECT_TRUE(request->recipients[1].address.display_only) << spelling;
  }
}
TEST(Mm7Tolerance, TransactionIdWithAttributesAndBlanks) {
  const std::string xml = bent(envelope(report(), "\n   none  \n"), "env:mustUnderstand=\"1\"",
                               "env:mustUnderstand=\"1\" env:encodingStyle=\"\" env:actor=\"x\"");
  EXPECT_EQ(read_report(xml)->transaction_id, "none");
  EXPECT_EQ(read_report(bent(xml, "<env:Header>", "<env:Header><wsse xmlns=\"urn:x\"/>"))->transaction_id, "none");
}

}  // namespace
}  // namespace pushmail::mm7

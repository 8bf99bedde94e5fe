// MM7 as the standard writes it: requests, responses, faults, and what is refused.
#include <gtest/gtest.h>

#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "codec/mm7/status.h"
#include "core/limits.h"
#include "tests/unit/codec/mm7/samples.h"

namespace pushmail::mm7 {
namespace {

using namespace samples;  // NOLINT: the samples are the test's vocabulary

TEST(Mm7Read, DeliverReqWithSmilTextAndPicture) {
  const std::string body = with_content(envelope(deliver()));
  const auto request = samples::read_deliver(related, body);
  ASSERT_TRUE(request.has_value()) << request.error().info->name;
  EXPECT_EQ(request->transaction_id, "rs-0501");
  EXPECT_EQ(request->mm7_version, "6.8.0");
  EXPECT_EQ(request->namespace_uri, ns);
  EXPECT_EQ(request->relay_server_id, "mmsc1.example");
  EXPECT_EQ(request->vaspid, "pushmail");
  EXPECT_EQ(request->vasid, "inbox");
  EXPECT_EQ(request->linked_id, "link-9");
  EXPECT_EQ(request->sender.kind, AddressKind::number);
  EXPECT_EQ(request->sender.value, "+15550100002");
  ASSERT_EQ(request->recipients.size(), 3U);
  EXPECT_EQ(request->recipients[0].address.kind, AddressKind::short_code);
  EXPECT_EQ(request->recipients[0].address.value, "500017");
  EXPECT_EQ(request->recipients[1].address.kind, AddressKind::rfc2822);
  EXPECT_TRUE(request->recipients[1].address.display_only);
  EXPECT_EQ(request->recipients[2].field, RecipientField::cc);
  ASSERT_TRUE(request->time_stamp.has_value());
  EXPECT_EQ(format_rfc3339(*request->time_stamp), "2024-06-30T12:40:00.000Z");
  EXPECT_EQ(request->priority, "Normal");
  EXPECT_EQ(request->subject, "Re: Grüße & more");

  const MultimediaMessage& mm = request->content;
  EXPECT_EQ(mm.subject, request->subject);
  ASSERT_EQ(mm.parts.size(), 3U);
  EXPECT_EQ(mm.presentation, 0U);
  EXPECT_EQ(mm.parts[0].media_type, "application/smil");
  EXPECT_EQ(mm.parts[1].media_type, "text/plain");
  EXPECT_EQ(mm.parts[1].charset, "utf-8");
  EXPECT_EQ(mm.parts[1].name, "a.txt");
  EXPECT_EQ(mm.parts[1].content_id, "t1");
  EXPECT_EQ(mm.parts[1].content_location, "a.txt");
  EXPECT_EQ(text_of(mm.parts[1].data), "Héllo\n");
  EXPECT_EQ(to_hex(mm.parts[2].data), "ffd8000a");
  // Plain octets stay where they came from.
  const auto* from = reinterpret_cast<const std::uint8_t*>(body.data());
  EXPECT_TRUE(mm.parts[2].data.data() >= from && mm.parts[2].data.data() < from + body.size());
}

TEST(Mm7Read, ContentOutlivesAMoveOfItsMessage) {
  const std::string body = with_content(envelope(deliver()));
  auto request = samples::read_deliver(related, body);
  ASSERT_TRUE(request.has_value());
  std::vector<DeliverReq> kept;
  for (int i = 0; i < 10; ++i) kept.push_back(std::move(*request)), request = std::move(kept.back()), kept.pop_back();
  EXPECT_EQ(text_of(request->content.parts[1].data), "Héllo\n");
}

TEST(Mm7Read, DeliveryReport) {
  const auto found = read_report(envelope(report(), "rs-0502"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->transaction_id, "rs-0502");
  EXPECT_EQ(found->message_id, "m-77001");
  EXPECT_EQ(found->recipient.value, "+15550100002");
  EXPECT_EQ(found->sender.value, "joe@example.com");
  EXPECT_EQ(found->mm_status, "Retrieved");
  EXPECT_EQ(format_rfc3339(found->date.value()), "2024-06-30T12:31:07.000Z");
}

TEST(Mm7Read, DeliveryReportInFull) {
  const auto found = read_report(
      envelope(bent(report(), "</DeliveryReportReq>",
                    "<MMStatusExtension>RejectionByOtherRS</MMStatusExtension><StatusText>gone</StatusText><ApplicID>a</ApplicID>"
                    "<ReplyApplicID>r</ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo><UACapabilities "
                    "UAProf=\"http://ua.example/p\"/></DeliveryReportReq>")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->relay_server_id, "mmsc1.example");
  EXPECT_EQ(found->mm_status_extension, "RejectionByOtherRS");
  EXPECT_EQ(found->status_text, "gone");
  EXPECT_EQ(found->application.id, "a");
  EXPECT_EQ(found->application.reply_id, "r");
  EXPECT_EQ(found->application.aux_info, "x");
  EXPECT_EQ(found->ua_profile, "http://ua.example/p");
}

TEST(Mm7Read, DeliverReqOfRel6InFull) {
  const std::string more =
      "<Previouslysentby><UserAgent sequence=\"1\"><Number>+15550100009</Number></UserAgent><UserAgent "
      "sequence=\"2\"><RFC2822Address>a@b.example</RFC2822Address></UserAgent>"
      "</Previouslysentby><Previouslysentdateandtime><DateTime sequence=\"1\">2024-06-29T08:00:00Z</DateTime></Previouslysentdateandtime>"
      "<SenderSPI>s</SenderSPI><RecipientSPI>r</RecipientSPI><ReplyChargingID>m-1</ReplyChargingID><ApplicID>a</ApplicID><ReplyApplicID>b</"
      "ReplyApplicID>"
      "<AuxApplicInfo>c</AuxApplicInfo><UACapabilities UAProf=\"http://ua.example/p\" TimeStamp=\"2024-06-30T12:00:00Z\"/>";
  const auto request = samples::read_deliver(
      related, with_content(envelope(bent(deliver("<Content href=\"cid:mo-0501@mmsc1.example\" allowAdaptations=\"false\"/>"),
                                          "<TimeStamp>", more + "<TimeStamp>"))));
  ASSERT_TRUE(request.has_value());
  ASSERT_EQ(request->previous_senders.size(), 2U);
  EXPECT_EQ(request->previous_senders[0].address.value, "+15550100009");
  EXPECT_EQ(request->previous_senders[1].address.kind, AddressKind::rfc2822);
  EXPECT_EQ(request->previous_senders[1].sequence, 2U);
  ASSERT_EQ(request->previous_dates.size(), 1U);
  EXPECT_EQ(format_rfc3339(request->previous_dates[0].at), "2024-06-29T08:00:00.000Z");
  EXPECT_EQ(request->previous_dates[0].sequence, 1U);
  EXPECT_EQ(request->sender_spi, "s");
  EXPECT_EQ(request->recipient_spi, "r");
  EXPECT_EQ(request->reply_charging_id, "m-1");
  EXPECT_EQ(request->application.id, "a");
  EXPECT_EQ(request->application.reply_id, "b");
  EXPECT_EQ(request->application.aux_info, "c");
  EXPECT_EQ(request->ua_profile, "http://ua.example/p");
  EXPECT_FALSE(request->allow_adaptations);
}

TEST(Mm7Read, ReadReply) {
  const auto request = parse_request("text/xml", bytes_of(envelope(read_reply(), "rs-0503")));
  ASSERT_TRUE(request.has_value()) << request.error().info->name;
  const auto& reply = std::get<ReadReplyReq>(*request);
  EXPECT_EQ(reply.transaction_id, "rs-0503");
  EXPECT_EQ(reply.mm7_version, "6.8.0");
  EXPECT_EQ(reply.namespace_uri, ns);
  EXPECT_EQ(reply.relay_server_id, "mmsc1.example");
  EXPECT_EQ(reply.message_id, "m-77001");
  EXPECT_EQ(reply.recipient.value, "+15550100002");
  EXPECT_EQ(reply.sender.value, "joe@example.com");
  EXPECT_EQ(format_rfc3339(reply.date.value()), "2024-06-30T13:00:00.000Z");
  EXPECT_EQ(reply.mm_status, "Read");
  EXPECT_EQ(reply.status_text, "seen");
  EXPECT_EQ(reply.application.id, "a");
}

TEST(Mm7Read, RequestsThatWeDoNotServeAreNamed) {
  const auto request =
      parse_request("text/xml", bytes_of(envelope("<CancelReq xmlns=\"urn:x\"><MM7Version>5.3.0</MM7Version></CancelReq>", "t")));
  ASSERT_TRUE(request.has_value());
  const auto& unserved = std::get<UnsupportedReq>(*request);
  EXPECT_EQ(unserved.name, "CancelReq");
  EXPECT_EQ(unserved.transaction_id, "t");
  EXPECT_EQ(unserved.mm7_version, "5.3.0");
  EXPECT_EQ(unserved.namespace_uri, "urn:x");
}

TEST(Mm7Read, SubmitRsp) {
  const auto response = parse_response(
      "text/xml; charset=\"utf-8\"",
      bytes_of(envelope(fmt::format("<SubmitRsp xmlns=\"{}\"><MM7Version>6.8.0</MM7Version> <Status><StatusCode>1000</StatusCode>"
                                    "<StatusText>Success</StatusText></Status> <MessageID>m-77001</MessageID></SubmitRsp>",
                                    ns),
                        "tx-0001")));
  ASSERT_TRUE(response.has_value());
  const auto& submitted = std::get<SubmitRsp>(*response);
  EXPECT_EQ(submitted.transaction_id, "tx-0001");
  EXPECT_EQ(submitted.status.code, 1000);
  EXPECT_EQ(submitted.message_id, "m-77001");
}

Result<Response> answer(std::string_view message) { return parse_response("text/xml", bytes_of(envelope(message, "tx-2"))); }

TEST(Mm7Read, AnswersToCancelAndReplace) {
  const auto cancelled = answer(
      "<CancelRsp "
      "xmlns=\"urn:n\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode><StatusText>Success</StatusText></Status></"
      "CancelRsp>");
  ASSERT_TRUE(cancelled.has_value());
  EXPECT_EQ(std::get<CancelRsp>(*cancelled).transaction_id, "tx-2");
  EXPECT_EQ(std::get<CancelRsp>(*cancelled).status.code, 1000);
  EXPECT_FALSE(std::get<CancelRsp>(*cancelled).extended);
  const auto gone =
      answer("<extendedCancelRsp><MM7Version>6.8.0</MM7Version><Status><StatusCode>2005</StatusCode></Status></extendedCancelRsp>");
  ASSERT_TRUE(gone.has_value());
  EXPECT_TRUE(std::get<CancelRsp>(*gone).extended);
  EXPECT_EQ(std::get<CancelRsp>(*gone).status.text, "Message ID Not found");
  const auto replaced = answer(
      "<ReplaceRsp><MM7Version>6.8.0</MM7Version><Status><StatusCode>3001</StatusCode><StatusText>fetched</StatusText></Status></"
      "ReplaceRsp>");
  ASSERT_TRUE(replaced.has_value());
  EXPECT_EQ(std::get<ReplaceRsp>(*replaced).status.code, 3001);
  EXPECT_FALSE(std::get<ReplaceRsp>(*replaced).extended);
  const auto named = answer(
      "<extendedReplaceRsp><MM7Version>6.8.0</MM7Version><MessageID>m-2</MessageID><Status><StatusCode>1000</StatusCode></Status></"
      "extendedReplaceRsp>");
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(std::get<ReplaceRsp>(*named).message_id, "m-2");
  EXPECT_TRUE(std::get<ReplaceRsp>(*named).extended);
}
TEST(Mm7Read, AnswersWithoutStatusAreRefused) {
  for (const std::string_view name : {"SubmitRsp", "CancelRsp", "extendedCancelRsp", "ReplaceRsp", "extendedReplaceRsp"}) {
    const auto refused_answer =
        answer(fmt::format("<{}><MM7Version>6.8.0</MM7Version><Status><StatusCode>good</StatusCode></Status></{}>", name, name));
    ASSERT_FALSE(refused_answer.has_value()) << name;
    EXPECT_TRUE(refused_answer.error().is(mm7_missing_element)) << name;
  }
  const auto other = answer("<Hello/>");
  ASSERT_FALSE(other.has_value());
  EXPECT_TRUE(other.error().is(mm7_unknown_message));
}

TEST(Mm7Read, FaultWithRsErrorRsp) {
  const auto response = parse_response(
      "text/xml",
      bytes_of(envelope(fmt::format("<env:Fault><faultcode>env:Client</faultcode><faultstring>Client error</faultstring><detail>"
                                    "<RSErrorRsp xmlns=\"{}\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>4002</StatusCode>"
                                    "<StatusText>Unsupported version</StatusText></Status></RSErrorRsp></detail></env:Fault>",
                                    ns))));
  ASSERT_TRUE(response.has_value());
  const auto& fault = std::get<FaultRsp>(*response);
  EXPECT_EQ(fault.fault_code, "env:Client");
  EXPECT_EQ(fault.status.code, 4002);
  EXPECT_EQ(fault.status.text, "Unsupported version");
}

struct Refused {
  std::string_view name;
  std::string content_type;
  std::string body;
  const ErrorInfo* rule;
  int status;
};
std::vector<Refused> refused() {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<a>";
  std::string many;
  for (int i = 0; i < 300; ++i) many += fmt::format(" a{}=''", i);
  std::string billion = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
  return {
      {"not XML", "text/xml", "hello", &mm7_bad_xml, 4004},
      {"empty", "text/xml", "", &mm7_bad_xml, 4004},
      {"cut off", "text/xml", envelope(report()).substr(0, 400), &mm7_bad_xml, 4004},
      {"DOCTYPE", "text/xml", "<!DOCTYPE a SYSTEM \"http://192.0.2.1/x.dtd\"><a/>", &mm7_doctype, 4004},
      {"entity bomb", "text/xml", billion + "<x>&b;</x>", &mm7_doctype, 4004},
      {"external entity", "text/xml", "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><x>&f;</x>",
       &mm7_doctype, 4004},
      {"DOCTYPE in UTF-16", "text/xml", std::string("\xFF\xFE<\0!\0D\0O\0C\0T\0Y\0P\0E\0 \0a\0>\0<\0a\0/\0>\0", 34), &mm7_doctype, 4004},
      {"unknown entity", "text/xml", "<x>&unknown;</x>", &mm7_no_message, 4004},
      {"too deep", "text/xml", deep, &mm7_xml_too_deep, 4004},
      {"too large", "text/xml", std::string(limits::xml_size_max + 1, ' '), &mm7_xml_too_large, 4004},
      {"empty body", "text/xml", envelope(""), &mm7_no_message, 4004},
      {"no body", "text/xml", "<a/>", &mm7_no_message, 4004},
      {"unknown message", "text/xml", envelope("<Hello/>"), &mm7_unknown_message, 4003},
      {"unknown mandatory header", "text/xml",
       bent(envelope(report()), "<env:Header>", "<env:Header><t:Transaction xmlns:t=\"urn:t\" env:mustUnderstand=\"1\"/>"),
       &mm7_must_understand, 4003},
      {"deliver without sender", "text/xml",
       envelope(fmt::format("<DeliverReq xmlns=\"{}\"><MM7Version>6.8.0</MM7Version></DeliverReq>", ns)), &mm7_missing_element, 4004},
      {"deliver with two senders", "text/xml",
       envelope(fmt::format(
           "<DeliverReq "
           "xmlns=\"{}\"><Sender><Number>+15550100002</Number></Sender><Sender><Number>+15550100003</Number></Sender></DeliverReq>",
           ns)),
       &mm7_two_senders, 2002},
      {"deliver with two addresses in its sender", "text/xml",
       envelope(fmt::format(
           "<DeliverReq "
           "xmlns=\"{}\"><Sender><Number>+15550100002</Number><RFC2822Address>joe@example.com</RFC2822Address></Sender></DeliverReq>",
           ns)),
       &mm7_two_senders, 2002},
      {"deliver with empty sender", "text/xml", envelope(fmt::format("<DeliverReq xmlns=\"{}\"><Sender> </Sender></DeliverReq>", ns)),
       &mm7_bad_address, 2002},
      {"report without id", "text/xml", envelope(bent(report(), "<MessageID>m-77001</MessageID>", "")), &mm7_missing_element, 4004},
      {"report without status", "text/xml", envelope(report("")), &mm7_missing_element, 4004},
      {"read reply without status", "text/xml", envelope(bent(read_reply(), "<MMStatus>Read</MMStatus>", "")), &mm7_missing_element, 4004},
      {"multipart with no part", "multipart/related; boundary=b", "", &mm7_no_soap_part, 4004},
      {"too many attributes", "text/xml", "<a" + many + "/>", &mm7_xml_attributes, 4004},
      {"content announced and missing", "text/xml", envelope(deliver()), &mm7_no_content, 2004},
  };
}

TEST(Mm7Read, WhatIsRefusedAndItsStatus) {
  for (const Refused& row : refused()) {
    SCOPED_TRACE(row.name);
    const auto request = parse_request(row.content_type, bytes_of(row.body));
    ASSERT_FALSE(request.has_value());
    EXPECT_TRUE(request.error().is(*row.rule)) << request.error().info->name;
    EXPECT_EQ(status_of(request.error()).code, row.status);
  }
}

TEST(Mm7Read, MultipartWithoutPartsIsRefused) {
  const auto request = parse_request("multipart/related; boundary=x", bytes_of("nothing here"));
  ASSERT_FALSE(request.has_value());
  EXPECT_EQ(status_of(request.error()).code / 1000, 4);
}

TEST(Mm7Read, EveryTruncationIsRefusedOrShorter) {
  const std::string body = with_content(envelope(deliver()));
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto request = samples::read_deliver(related, body.substr(0, size));
    if (request) {
      // A delimiter cut before its dashes opens one more, empty part.
      EXPECT_LE(request->content.parts.size(), 4U);
    }
  }
}

TEST(Mm7Read, ContextOfARefusedRequest) {
  const std::string body = envelope(bent(report(), "<MessageID>m-77001</MessageID>", ""), "tx-9");
  const ResponseContext context = context_of("text/xml", bytes_of(body));
  EXPECT_EQ(context.transaction_id, "tx-9");
  EXPECT_EQ(context.mm7_version, "6.8.0");
  EXPECT_EQ(context.namespace_uri, ns);
  EXPECT_EQ(context_of("text/xml", bytes_of("nonsense")).transaction_id, "");
}

TEST(Mm7Read, StatusTexts) {
  EXPECT_EQ(status_text(1000), "Success");
  EXPECT_EQ(status_text(4007), "Service denied");
  EXPECT_EQ(status_text(2572), "Client error");
  EXPECT_EQ(status_text(9999), "Server Error");
}

// TS 23.140 §10.2: what each code does to the message, known or not.
TEST(Mm7Read, StatusClassOfEveryCode) {
  const auto is = [](StatusClass wanted, std::initializer_list<int> codes) {
    for (const int code : codes) EXPECT_EQ(status_class(code), wanted) << code;
  };
  is(StatusClass::success, {1000, 1100, 1999});
  is(StatusClass::permanent, {2000, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009, 2999, 3001, 3002, 3003, 3004, 4004, 4005, 4008});
  is(StatusClass::temporary, {2001, 3000, 3999, 4000, 4002, 4003, 4006, 4999, 5000, 10'000, 999, 0, -1000});
  is(StatusClass::peer_trouble, {4001, 4007});
}

}  // namespace
}  // namespace pushmail::mm7

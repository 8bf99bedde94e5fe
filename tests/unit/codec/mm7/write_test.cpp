// MM7 out: what we write reads back the same, and cannot break out of its place.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "codec/mime/message.h"
#include "codec/mm7/content.h"
#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "codec/mm7/xml.h"
#include "tests/unit/codec/mm7/samples.h"

namespace pushmail::mm7 {
namespace {

struct Mm {
  std::vector<Bytes> storage;
  MultimediaMessage message;
  void add(std::string_view type, std::string_view name, Bytes data, std::string_view charset = {}) {
    storage.push_back(std::move(data));
    Arena& arena = message.arena;
    message.parts.push_back({.media_type = arena.copy(type),
                             .charset = arena.copy(charset),
                             .name = arena.copy(name),
                             .content_id = arena.copy(fmt::format("{}.item@pm.example", message.parts.size() + 1)),
                             .content_location = arena.copy(name),
                             .data = storage.back()});
  }
};
Bytes octets(std::string_view text) { return {text.begin(), text.end()}; }

SubmitReq usual_request(const MultimediaMessage* content) {
  SubmitReq request;
  request.transaction_id = "pm01J0000000000000000000001";
  request.sender = {.kind = AddressKind::short_code, .value = "50001742"};
  request.recipients = {{.field = RecipientField::to, .address = {.kind = AddressKind::number, .value = "15550100002"}}};
  request.message_class = "Personal";
  request.time_stamp = parse_rfc3339("2024-06-30T12:30:00Z").value();
  request.expiry = seconds(3 * 86'400);
  request.priority = "Normal";
  request.subject = "Hi";
  request.content = content;
  return request;
}

std::string xml_of(const HttpEntity& entity) { return std::string(text_of(split_body(entity.content_type, entity.body)->envelope)); }
std::string message_of(const HttpEntity& entity) {
  const std::string xml = xml_of(entity);
  const std::size_t from = xml.find("<env:Body>") + 10;
  return xml.substr(from, xml.find("</env:Body>") - from);
}

/// Reads our own SubmitReq's content back by the reader's rules.
MultimediaMessage read_back(const HttpEntity& entity, HttpParts& parts) {
  parts = split_body(entity.content_type, entity.body).value();
  const auto tree = parse_xml(parts.envelope).value();
  const std::size_t content = tree.descendant(0, "Content");
  EXPECT_NE(content, XmlTree::none);
  return read_content(parts, tree.attribute(content, "href")).value();
}

TEST(Mm7Write, SubmitReqWithoutContentWordForWord) {
  Mm7Dialect dialect;
  dialect.namespace_uri = "urn:n";
  dialect.vaspid = "pushmail";
  dialect.vasid = "inbox";
  dialect.service_code = "PM01";
  SubmitReq request = usual_request(nullptr);
  request.linked_id = "link-9";
  const HttpEntity entity = encode(request, dialect);
  EXPECT_EQ(entity.content_type, "text/xml; charset=\"utf-8\"");
  EXPECT_EQ(message_of(entity),
            "<SubmitReq xmlns=\"urn:n\"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>pushmail</VASPID><VASID>inbox</VASID>"
            "<SenderAddress><ShortCode>50001742</ShortCode></SenderAddress></SenderIdentification><Recipients><To><Number>+15550100002</"
            "Number></To>"
            "</Recipients><ServiceCode>PM01</ServiceCode><LinkedID>link-9</LinkedID><MessageClass>Personal</MessageClass>"
            "<TimeStamp>2024-06-30T12:30:00Z</TimeStamp><ExpiryDate>P3D</ExpiryDate><DeliveryReport>true</DeliveryReport><ReadReply>false</"
            "ReadReply>"
            "<Priority>Normal</Priority><Subject>Hi</Subject></SubmitReq>");
}

TEST(Mm7Write, SubmitReqInFullIsInSchemaOrder) {
  Mm7Dialect dialect;
  dialect.namespace_uri = "urn:n";
  SubmitReq request;
  request.recipients = {{.field = RecipientField::to, .address = {.kind = AddressKind::number, .value = "1555"}}};
  request.reply_charging = ReplyCharging{.size = 5000, .deadline = seconds(86'400)};
  request.earliest_delivery = parse_rfc3339("2024-06-30T13:00:00Z").value();
  request.read_reply = true;
  request.charged_party = "ThirdParty";
  request.charged_party_id = "+1556";
  request.distribution = false;
  request.delivery_conditions = {1, 2};
  request.application = {.id = "a", .reply_id = "r", .aux_info = "x"};
  request.content_class = "image-basic";
  request.drm_content = false;
  EXPECT_EQ(message_of(encode(request, dialect)),
            "<SubmitReq "
            "xmlns=\"urn:n\"><MM7Version>6.8.0</MM7Version><SenderIdentification></SenderIdentification><Recipients><To><Number>+1555</"
            "Number></To></Recipients>"
            "<ReplyCharging replyChargingSize=\"5000\" "
            "replyDeadline=\"P1D\"/><EarliestDeliveryTime>2024-06-30T13:00:00Z</EarliestDeliveryTime><DeliveryReport>true</DeliveryReport>"
            "<ReadReply>true</ReadReply><ChargedParty>ThirdParty</ChargedParty><ChargedPartyID>+1556</"
            "ChargedPartyID><DistributionIndicator>false</DistributionIndicator>"
            "<DeliveryCondition><DC>1</DC><DC>2</DC></DeliveryCondition><ApplicID>a</ApplicID><ReplyApplicID>r</"
            "ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo>"
            "<ContentClass>image-basic</ContentClass><DRMContent>false</DRMContent></SubmitReq>");
}

TEST(Mm7Write, CancelAndReplace) {
  Mm7Dialect dialect;
  dialect.namespace_uri = "urn:n";
  dialect.vaspid = "v";
  dialect.service_code = "s";
  CancelReq cancel{.transaction_id = "t",
                   .sender = {},
                   .message_id = "m-1",
                   .application = {.id = "a", .reply_id = {}, .aux_info = {}},
                   .extended = false};
  EXPECT_EQ(message_of(encode(cancel, dialect)),
            "<CancelReq xmlns=\"urn:n\"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>v</VASPID></SenderIdentification>"
            "<MessageID>m-1</MessageID><ApplicID>a</ApplicID></CancelReq>");
  cancel.extended = true;
  EXPECT_EQ(
      message_of(encode(cancel, dialect)),
      "<extendedCancelReq xmlns=\"urn:n\"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>v</VASPID></SenderIdentification>"
      "<CancelID>m-1</CancelID></extendedCancelReq>");

  Mm mm;
  mm.add("text/plain", "a.txt", octets("new"), "utf-8");
  ReplaceReq replace;
  replace.transaction_id = "t";
  replace.message_id = "m-1";
  replace.read_reply = true;
  replace.earliest_delivery = seconds(60);
  replace.expiry = seconds(3600);
  replace.distribution = true;
  replace.content_class = "text";
  replace.content = &mm.message;
  const HttpEntity plain_replace = encode(replace, dialect);
  EXPECT_EQ(message_of(plain_replace),
            "<ReplaceReq "
            "xmlns=\"urn:n\"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>v</VASPID></SenderIdentification><MessageID>m-1</"
            "MessageID>"
            "<ServiceCode>s</ServiceCode><ReadReply>true</ReadReply><EarliestDeliveryTime>PT1M</"
            "EarliestDeliveryTime><DistributionIndicator>true</DistributionIndicator>"
            "<ContentClass>text</ContentClass><Content href=\"cid:mm.t@pushmail\" allowAdaptations=\"true\"/></ReplaceReq>");
  replace.extended = true;
  const HttpEntity extended = encode(replace, dialect);
  EXPECT_EQ(message_of(extended),
            "<extendedReplaceReq "
            "xmlns=\"urn:n\"><MM7Version>6.8.0</MM7Version><VASPID>v</VASPID><ServiceCode>s</ServiceCode><ReplaceID>m-1</ReplaceID>"
            "<EarliestDeliveryTime>PT1M</EarliestDeliveryTime><ExpiryDate>PT1H</ExpiryDate><ReadReply>true</"
            "ReadReply><DeliveryReport>true</DeliveryReport>"
            "<Content href=\"cid:mm.t@pushmail\" allowAdaptations=\"true\"/></extendedReplaceReq>");
  HttpParts parts;
  for (const HttpEntity* entity : {&plain_replace, &extended}) EXPECT_EQ(text_of(read_back(*entity, parts).parts.at(0).data), "new");
}

TEST(Mm7Write, NumberForms) {
  for (const auto& [form, text] :
       {std::pair{NumberForm::plus, "<Number>+1555</Number>"}, std::pair{NumberForm::digits, "<Number>1555</Number>"},
        std::pair{NumberForm::plus_plmn, "<Number>+1555/TYPE=PLMN</Number>"}}) {
    for (const std::string_view value : {"1555", "+1555"}) {
      Mm7Dialect dialect;
      dialect.number_form = form;
      SubmitReq request = usual_request(nullptr);
      request.recipients = {{.field = RecipientField::bcc, .address = {.kind = AddressKind::number, .value = std::string(value)}}};
      EXPECT_TRUE(message_of(encode(request, dialect)).contains(fmt::format("<Recipients><Bcc>{}</Bcc></Recipients>", text)));
    }
  }
}

TEST(Mm7Write, Durations) {
  for (const auto& [length, text] : {std::pair{0, "PT0S"}, std::pair{90, "PT1M30S"}, std::pair{86'400, "P1D"},
                                     std::pair{90'061, "P1DT1H1M1S"}, std::pair{3600, "PT1H"}}) {
    SubmitReq request = usual_request(nullptr);
    request.expiry = seconds(length);
    EXPECT_TRUE(message_of(encode(request, {})).contains(fmt::format("<ExpiryDate>{}</ExpiryDate>", text))) << text;
  }
}

TEST(Mm7Write, TextCannotBreakOutOrBreakTheXml) {
  const std::string nasty = "</Subject><x a=\"1\">&amp; ]]> \x01\x0B\xFF\xC3 \xED\xA0\x80 \xEF\xBF\xBF \r\n\tGrüße 😀";
  SubmitReq request = usual_request(nullptr);
  request.subject = nasty;
  const std::string message = message_of(encode(request, {}));
  const auto tree = parse_xml(bytes_of(message));
  ASSERT_TRUE(tree.has_value());
  const std::string gone = "\xEF\xBF\xBD";
  EXPECT_EQ(tree->at(tree->child(0, "Subject")).text, "</Subject><x a=\"1\">&amp; ]]> " + gone + gone + gone + gone + " " + gone + gone +
                                                          gone + " " + gone + gone + gone + " \r\n\tGrüße 😀");
}

void expect_same(const MultimediaMessage& written, const MultimediaMessage& read) {
  ASSERT_EQ(read.parts.size(), written.parts.size());
  EXPECT_EQ(read.presentation, written.presentation);
  for (std::size_t i = 0; i < written.parts.size(); ++i) {
    EXPECT_EQ(read.parts[i].media_type, written.parts[i].media_type);
    EXPECT_EQ(read.parts[i].charset, written.parts[i].charset);
    EXPECT_EQ(read.parts[i].name, written.parts[i].name);
    EXPECT_EQ(read.parts[i].content_id, written.parts[i].content_id);
    EXPECT_EQ(read.parts[i].content_location, written.parts[i].content_location);
    EXPECT_EQ(to_hex(read.parts[i].data), to_hex(written.parts[i].data));
  }
}

TEST(Mm7Write, ContentComesBackInBothCodings) {
  Mm mm;
  mm.add("application/smil", "pres.smil", octets("<smil><body/></smil>"), "utf-8");
  mm.message.presentation = 0;
  mm.add("text/plain", "a.txt", octets("Héllo\n"), "utf-8");
  for (const std::size_t size : {0U, 1U, 56U, 57U, 58U, 76U, 77U, 5000U}) {
    Bytes data(size);
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i * 7 + size);
    mm.add("image/jpeg", fmt::format("p{}.jpg", size), data);
  }
  mm.add("application/octet-stream", "ends.bin", octets("\r\n--\r\n"));
  for (const bool base64 : {true, false}) {
    Mm7Dialect dialect;
    dialect.parts_base64 = base64;
    const HttpEntity entity = encode(usual_request(&mm.message), dialect);
    EXPECT_TRUE(entity.content_type.starts_with("multipart/related; boundary=\"")) << entity.content_type;
    HttpParts parts;
    expect_same(mm.message, read_back(entity, parts));
    EXPECT_EQ(parts.mime.parts[parts.soap_part].media_type, "text/xml");
  }
}

TEST(Mm7Write, WithoutPresentationItIsMixed) {
  Mm mm;
  mm.add("text/plain", "a.txt", octets("x"), "utf-8");
  const HttpEntity entity = encode(usual_request(&mm.message), {});
  HttpParts parts;
  expect_same(mm.message, read_back(entity, parts));
  EXPECT_TRUE(std::ranges::any_of(parts.mime.parts, [](const auto& part) { return part.media_type == "multipart/mixed"; }));
}

TEST(Mm7Write, NamesInOtherScriptsComeBack) {
  Mm mm;
  mm.add("image/png", "a.png", octets("x"));
  mm.message.parts[0].name = "Фото \"Отпуск\".png";
  HttpParts parts;
  EXPECT_EQ(read_back(encode(usual_request(&mm.message), {}), parts).parts[0].name, "Фото \"Отпуск\".png");
}

TEST(Mm7Write, BoundaryIsNotInTheContent) {
  // Our own earlier body as an attachment: it holds the boundaries that would be chosen first.
  Mm7Dialect dialect;
  dialect.parts_base64 = false;
  Mm inner;
  inner.add("text/plain", "a.txt", octets("x"), "utf-8");
  Bytes body = encode(usual_request(&inner.message), dialect).body;
  for (int round = 0; round < 4; ++round) {
    Mm outer;
    outer.add("application/octet-stream", "body.bin", body);
    const HttpEntity entity = encode(usual_request(&outer.message), dialect);
    HttpParts parts;
    expect_same(outer.message, read_back(entity, parts));
    body = entity.body;
  }
}

TEST(Mm7Write, HeadersOfPartsCannotBeBroken) {
  Mm mm;
  mm.add("text/plain\r\nX-Evil: 1", "a.txt", octets("x"), "utf-8\r\nX: 1");
  mm.message.parts[0].name = "a\r\nX-Evil: 2";
  mm.message.parts[0].content_id = "a>\r\nX-Evil: 3";
  mm.message.parts[0].content_location = "a\r\n\r\nbody";
  const HttpEntity entity = encode(usual_request(&mm.message), {});
  HttpParts parts;
  const MultimediaMessage read = read_back(entity, parts);
  ASSERT_EQ(read.parts.size(), 1U);
  EXPECT_EQ(text_of(read.parts[0].data), "x");
  for (const auto& part : parts.mime.parts) EXPECT_EQ(part.field("X-Evil"), "");
}

TEST(Mm7Write, RandomContentComesBack) {
  std::mt19937 dice(7);
  for (int round = 0; round < 200; ++round) {
    Mm mm;
    const auto count = 1 + dice() % 5;
    for (std::size_t i = 0; i < count; ++i) {
      Bytes data(dice() % 400);
      // Line ends and dashes are likely, so that a boundary's neighbourhood is tried too.
      for (auto& byte : data) byte = dice() % 2 == 0 ? static_cast<std::uint8_t>(dice()) : static_cast<std::uint8_t>("\r\n--p"[dice() % 5]);
      mm.add("application/octet-stream", fmt::format("{}.bin", i), std::move(data));
    }
    Mm7Dialect dialect;
    dialect.parts_base64 = round % 2 == 0;
    HttpParts parts;
    const HttpEntity entity = encode(usual_request(&mm.message), dialect);
    expect_same(mm.message, read_back(entity, parts));
  }
}

TEST(Mm7Write, ResponsesRepeatTheirRequest) {
  const ResponseContext context{.transaction_id = " <rs&1>", .mm7_version = "5.3.0", .namespace_uri = "urn:REL-5"};
  const HttpEntity entity = encode_deliver_rsp(context, {.code = 1000, .text = {}, .details = {}}, "PM01");
  EXPECT_EQ(
      message_of(entity),
      "<DeliverRsp "
      "xmlns=\"urn:REL-5\"><MM7Version>5.3.0</MM7Version><Status><StatusCode>1000</StatusCode><StatusText>Success</StatusText></Status>"
      "<ServiceCode>PM01</ServiceCode></DeliverRsp>");
  EXPECT_TRUE(xml_of(entity).contains("xmlns:mm7=\"urn:REL-5\" env:mustUnderstand=\"1\"> &lt;rs&amp;1&gt;</mm7:TransactionID>"));
  EXPECT_EQ(message_of(encode_delivery_report_rsp(context, {.code = 2005, .text = {}, .details = "x<y"})),
            "<DeliveryReportRsp xmlns=\"urn:REL-5\"><MM7Version>5.3.0</MM7Version><Status><StatusCode>2005</StatusCode>"
            "<StatusText>Message ID Not found</StatusText><Details>x&lt;y</Details></Status></DeliveryReportRsp>");
  EXPECT_EQ(message_of(encode_read_reply_rsp(context, {})),
            "<ReadReplyRsp "
            "xmlns=\"urn:REL-5\"><MM7Version>5.3.0</MM7Version><Status><StatusCode>1000</StatusCode><StatusText>Success</StatusText></"
            "Status></ReadReplyRsp>");
}

TEST(Mm7Write, FaultsComeBackAsFaults) {
  for (const auto& [code, fault_code] :
       {std::pair{2007, "env:Client"}, std::pair{4004, "env:Client"}, std::pair{3000, "env:Server"}, std::pair{4006, "env:Server"}}) {
    const HttpEntity entity =
        encode_fault({.transaction_id = "t", .mm7_version = {}, .namespace_uri = {}}, {.code = code, .text = {}, .details = {}});
    const auto response = parse_response(entity.content_type, entity.body);
    ASSERT_TRUE(response.has_value());
    const auto& fault = std::get<FaultRsp>(*response);
    EXPECT_EQ(fault.status.code, code);
    EXPECT_EQ(fault.fault_code, fault_code);
    EXPECT_EQ(fault.transaction_id, "t");
  }
  const HttpEntity must = encode_fault({}, Error{.info = &mm7_must_understand, .at = 0});
  EXPECT_EQ(std::get<FaultRsp>(*parse_response(must.content_type, must.body)).fault_code, "env:MustUnderstand");
}

}  // namespace
}  // namespace pushmail::mm7

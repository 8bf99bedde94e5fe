// MM -> mail, read back by our own parser; the e2e tests read it with other programs.
#include <gtest/gtest.h>

#include <random>

#include "codec/convert/convert.h"
#include "codec/convert/errors.h"
#include "codec/convert/mm_header.h"

namespace pushmail::convert {
namespace {

MmToMailOptions options() {
  MmToMailOptions how;
  how.from = {"", "+15550100001", "mms.example.net"};
  how.to = {{"Jörg", "joerg", "example.com"}};
  how.message_id = "01JD3X@mms.example.net";
  how.date = {1'796'000'000'000'000};
  how.trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  how.our_domain = "mms.example.net";
  return how;
}

/// A request whose parts are text ("text/plain") or bytes, kept by the message itself.
struct PartSpec {
  std::string media_type, name;
  Bytes data;
  std::string charset = {};
};
mm7::DeliverReq request(const std::vector<PartSpec>& parts) {
  mm7::DeliverReq out;
  Arena& arena = out.content.arena;
  out.subject = "From the phone";
  for (const PartSpec& spec : parts) {
    out.content.owned.push_back(spec.data);
    out.content.parts.push_back({.media_type = arena.copy(spec.media_type),
                                 .charset = arena.copy(spec.charset),
                                 .name = arena.copy(spec.name),
                                 .content_id = {},
                                 .content_location = {},
                                 .data = out.content.owned.back()});
  }
  return out;
}
Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

mime::Message parsed(const Bytes& mail) {
  auto message = mime::parse(mail);
  EXPECT_TRUE(message);
  EXPECT_TRUE(message->tolerated.empty()) << message->tolerated.front().rule << "\n" << text_of(mail);
  return std::move(*message);
}

void expect_strict(const Bytes& mail) {
  std::string_view text = text_of(mail);
  EXPECT_TRUE(text.ends_with("\r\n"));
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    ASSERT_NE(end, std::string_view::npos);
    EXPECT_LE(end, text.substr(0, end).contains("=?utf-8?") ? 76U : 78U) << text.substr(0, end);
    for (const char c : text.substr(0, end)) EXPECT_TRUE((c >= 0x20 && c < 0x7F) || c == '\t') << static_cast<int>(c);
    text.remove_prefix(end + 2);
  }
}

TEST(MmToMail, TextOnlyIsNoMultipart) {
  MmToMailOptions how = options();
  how.in_reply_to = "parent@example.com";
  how.references = {"root@example.com", "parent@example.com"};
  auto req = request({{"application/smil", "s.smil", bytes("<smil/>")}, {"text/plain", "", bytes("Grüße\r\nvon .mir\n.\n"), "utf-8"}});
  req.content.presentation = 0;
  req.priority = "High";
  const auto mail = mm_to_mail(req, how);
  ASSERT_TRUE(mail);
  expect_strict(*mail);
  const mime::Message message = parsed(*mail);
  ASSERT_EQ(message.parts.size(), 1U);
  const mime::Part& part = message.parts[0];
  EXPECT_EQ(part.media_type, "text/plain");
  EXPECT_EQ(mime::decode_text(part), "Grüße\nvon .mir\n.\n");
  EXPECT_EQ(part.field("From"), "+15550100001@mms.example.net");
  EXPECT_EQ(mime::parse_mailboxes(part.field("To"))[0].display_name, "Jörg");
  EXPECT_EQ(part.field("Subject"), "From the phone");
  EXPECT_EQ(part.field("Message-ID"), "<01JD3X@mms.example.net>");
  EXPECT_EQ(part.field("In-Reply-To"), "<parent@example.com>");
  EXPECT_EQ(part.field("References"), "<root@example.com> <parent@example.com>");
  EXPECT_EQ(part.field("MIME-Version"), "1.0");
  EXPECT_EQ(part.field("Importance"), "High");
  EXPECT_EQ(part.field("Pushmail-Trace"), how.trace);
  EXPECT_EQ(part.field("Date"), format_rfc5322(how.date));
  EXPECT_NE(part.field("Received").find("with MMS id"), std::string_view::npos);
}

TEST(MmToMail, TextOfEveryKindComesBackLetterByLetter) {
  for (const std::string& text :
       {std::string(""), std::string("a"), std::string("a\n"), std::string("\n\n"), std::string("日本語のとても長い文章です。"),
        std::string("ü"), std::string(1000, 'x'), std::string("trailing blank \nFrom here\n--pm_01JD3X\n"), std::string("😀 = =3D ?")}) {
    for (const bool with_picture : {false, true}) {
      std::vector<PartSpec> parts{{"text/plain", "", bytes(text), "utf-8"}};
      if (with_picture) parts.push_back({"image/png", "x.png", bytes("x")});
      const auto mail = mm_to_mail(request(parts), options());
      ASSERT_TRUE(mail);
      expect_strict(*mail);
      const mime::Message message = parsed(*mail);
      const mime::Part& part = with_picture ? message.parts[1] : message.parts[0];
      if (with_picture && text.empty()) continue;  // then there is no text part
      EXPECT_EQ(mime::decode_text(part), text);
    }
  }
}

TEST(MmToMail, Utf16BecomesUtf8) {
  const auto mail = mm_to_mail(
      request({{"text/plain", "", Bytes{0xFF, 0xFE, 'h', 0, 0xE9, 0}, "utf-16"}, {"text/plain", "2.txt", Bytes{0, 'x'}, "utf-16be"}}),
      options());
  ASSERT_TRUE(mail);
  const mime::Message message = parsed(*mail);
  ASSERT_EQ(message.parts.size(), 3U);
  EXPECT_EQ(mime::decode_text(message.parts[1]), "hé");
  EXPECT_EQ(message.parts[2].charset, "utf-8");
  EXPECT_EQ(mime::decode_text(message.parts[2]), "x");
}

TEST(MmToMail, AttachmentsAreByteIdenticalAndKeepTheirNames) {
  std::mt19937 random(5);
  const std::vector<std::string> names{
      "a.jpg", "Grüße aus Köln.jpg", "日本.png", "with \"quotes\".jpg", std::string(200, 'x') + ".jpg", "semi;colon=.jpg"};
  std::size_t n = 0;
  for (const std::size_t size : {0U, 1U, 56U, 57U, 58U, 76U, 77U, 65536U, 299U * 1024U, 4711U}) {
    Bytes data(size);
    for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
    const std::string& name = names[n++ % names.size()];
    const auto mail = mm_to_mail(
        request({{"text/plain", "", bytes("hi"), "utf-8"}, {"image/jpeg", name, data}, {"application/octet-stream", "", data}}), options());
    ASSERT_TRUE(mail);
    expect_strict(*mail);
    const mime::Message message = parsed(*mail);
    ASSERT_EQ(message.parts.size(), 4U);
    EXPECT_EQ(message.parts[1].media_type, "text/plain");
    EXPECT_EQ(message.parts[2].name, name);
    EXPECT_EQ(message.parts[2].type_parameter("name"), name);
    EXPECT_EQ(message.parts[2].media_type, "image/jpeg");
    EXPECT_EQ(mime::decode_body(message.parts[2]), data);
    EXPECT_EQ(message.parts[3].name, "part.bin");
    EXPECT_EQ(mime::decode_body(message.parts[3]), data);
  }
}

TEST(MmToMail, TextStandsFirstWhateverTheOrder) {
  const auto mail = mm_to_mail(request({{"image/png", "x.png", bytes("x")},
                                        {"text/plain", "", bytes("hi"), "utf-8"},
                                        {"text/plain", "two.txt", bytes("second"), "utf-8"}}),
                               options());
  ASSERT_TRUE(mail);
  const mime::Message message = parsed(*mail);
  ASSERT_EQ(message.parts.size(), 4U);
  EXPECT_EQ(mime::decode_text(message.parts[1]), "hi");
  EXPECT_EQ(message.parts[2].name, "x.png");
  EXPECT_EQ(message.parts[3].name, "two.txt");
}

TEST(MmToMail, NothingFromThePhoneReachesTheHeaderUnescaped) {
  MmToMailOptions how = options();
  how.to.clear();
  how.in_reply_to = "a>\r\nBcc: <x@y.example";
  auto req = request({{"image/\r\nX: y", "x\r\nX: y.png", bytes("x")}, {"text/plain", "", bytes("hi"), "utf-8"}});
  req.subject = "s\r\nBcc: x@y.example";
  req.priority = "High\r\nBcc: x";
  req.content.parts[0].content_id = "a>\r\nBcc: b";
  const auto mail = mm_to_mail(req, how);
  ASSERT_TRUE(mail);
  expect_strict(*mail);
  const mime::Message message = parsed(*mail);
  for (const mime::Part& part : message.parts) {
    EXPECT_EQ(part.field("Bcc"), "");
    EXPECT_EQ(part.field("X"), "");
  }
  EXPECT_EQ(message.parts[0].field("To"), "undisclosed-recipients:;");
  EXPECT_EQ(message.parts[0].field("In-Reply-To"), "<aBcc:x@y.example>");
}

TEST(MmToMail, EmptyMessageAndNoSender) {
  const auto mail = mm_to_mail(request({}), options());
  ASSERT_TRUE(mail);
  expect_strict(*mail);
  EXPECT_EQ(parsed(*mail).parts[0].media_type, "text/plain");
  MmToMailOptions how = options();
  how.from = {};
  EXPECT_TRUE(mm_to_mail(request({}), how).error().is(convert_no_sender));
}

TEST(MmToMail, FirstLineCanBeDropped) {
  struct Row {
    std::string text, expected;
  };
  const Row rows[] = {{"joe@example.com Hi\nbody\nmore", "body\nmore"},
                      {"joe@example.com Hi\r\nbody", "body"},
                      {"joe@example.com\rbody", "body"},
                      {"joe@example.com", ""}};
  for (const Row& row : rows) {
    MmToMailOptions how = options();
    how.drop_first_line = true;
    how.subject = "Hi";
    const auto mail = mm_to_mail(request({{"text/plain", "", bytes(row.text), "utf-8"}}), how);
    ASSERT_TRUE(mail);
    const mime::Message message = parsed(*mail);
    EXPECT_EQ(mime::decode_text(message.parts[0]), row.expected);
    EXPECT_EQ(message.parts[0].field("Subject"), "Hi");
  }
}

TEST(MmToMail, OfTheFirstLineTheAddressAloneCanBeDropped) {
  struct Row {
    std::string text, expected;
  };
  for (const Row& row : {Row{"joe@example.com first slide\nmore", "first slide\nmore"}, Row{"joe@example.com\nbody", "\nbody"},
                         Row{"\n joe@example.com\tHi", "Hi"}, Row{"joe@example.com", ""}}) {
    MmToMailOptions how = options();
    how.drop_first_line = how.drop_address_only = true;
    const auto mail = mm_to_mail(request({{"text/plain", "", bytes(row.text), "utf-8"}}), how);
    ASSERT_TRUE(mail);
    EXPECT_EQ(mime::decode_text(parsed(*mail).parts[0]), row.expected);
  }
}

// As it is copied from a page, from Arabic or Hebrew text, or written with the blank of a Japanese keyboard.
TEST(MmToMail, TheAddressInFrontIsReadAsAPersonSeesIt) {
  const std::string address = "joe@example.com";
  struct Row {
    std::string text, subject, body;
  };
  for (const Row& row :
       {Row{"\u00A0" + address + " Hi\nbody", "Hi", "body"}, Row{"\u200E" + address + "\u200F Hi\nbody", "Hi", "body"},
        Row{"\u2060" + address + "\nbody", "", "body"}, Row{"\u3000" + address + "\u3000Hi\nbody", "Hi", "body"},
        Row{address + "\u00A0Hi\nbody", "Hi", "body"}, Row{address + "\u2028body", "", "body"}, Row{address + "\u0085body", "", "body"},
        Row{"\u2067joe@\u200Bexample.com\u2069 Hi\nbody \u200E", "Hi", "body \u200E"}, Row{address + "，Hi\nbody", "Hi", "body"},
        Row{address + "：\nbody", "", "body"}, Row{"To: " + address + " Hi\nbody", "Hi", "body"},
        Row{"\u2029\u200E\n\u2003" + address + "\n\u200Ebody", "", "\u200Ebody"}}) {
    const auto mm = request({{"text/plain", "", bytes(row.text), "utf-8"}});
    const auto line = parse_new_mail_line(first_text_line(mm.content));
    ASSERT_TRUE(line) << row.text;
    EXPECT_EQ(line->to.address(), address) << row.text;
    EXPECT_EQ(line->subject, row.subject) << row.text;
    MmToMailOptions how = options();
    how.drop_first_line = true;
    EXPECT_EQ(mime::decode_text(parsed(*mm_to_mail(mm, how)).parts[0]), row.body) << row.text;
  }
}

// RFC 4356 §2.1.1 makes an address of a number; + stands before what is international for sure.
TEST(MmToMail, NumbersKeepWhatTheyAre) {
  struct Row {
    std::string_view value;
    mm7::AddressKind kind;
    std::string_view local_part;
  };
  for (const Row& row :
       {Row{"15550100001", mm7::AddressKind::number, "+15550100001"}, Row{"+15550100001", mm7::AddressKind::number, "+15550100001"},
        Row{"+15553334444/type=plmn", mm7::AddressKind::number, "+15553334444"}, Row{"88888/TYPE=PLMN", mm7::AddressKind::number, "88888"},
        Row{"0738123456", mm7::AddressKind::number, "0738123456"}, Row{"112", mm7::AddressKind::number, "112"},
        Row{"50001742", mm7::AddressKind::short_code, "50001742"}}) {
    EXPECT_EQ(mailbox_of(mm7::Address{.kind = row.kind, .value = std::string(row.value)}, "mms.example.net").local_part, row.local_part)
        << row.value;
  }
}

// Whom somebody else serves is seen, and is no recipient of this mail.
TEST(MmToMail, WhoIsOnlyShownStandsInTheHeader) {
  mm7::DeliverReq deliver = request({{"text/plain", "", bytes("Hi"), "utf-8"}});
  const auto add = [&](mm7::RecipientField field, std::string value, mm7::AddressKind kind, bool shown) {
    deliver.recipients.push_back({.field = field, .address = {.kind = kind, .value = std::move(value), .display_only = shown}});
  };
  add(mm7::RecipientField::to, "joe@example.com", mm7::AddressKind::rfc2822, false);
  add(mm7::RecipientField::to, "ann@example.org", mm7::AddressKind::rfc2822, true);
  add(mm7::RecipientField::cc, "bob@example.org", mm7::AddressKind::rfc2822, true);
  add(mm7::RecipientField::bcc, "eve@example.org", mm7::AddressKind::rfc2822, true);
  add(mm7::RecipientField::to, "5000", mm7::AddressKind::short_code, true);
  MmToMailOptions how = options();
  how.to = {{"", "joe", "example.com"}};
  const auto mail = mm_to_mail(deliver, how);
  ASSERT_TRUE(mail);
  const mime::Message message = parsed(*mail);
  EXPECT_EQ(message.parts[0].field("To"), "joe@example.com, ann@example.org");
  EXPECT_EQ(message.parts[0].field("Cc"), "bob@example.org");
  EXPECT_EQ(text_of(*mail).find("eve@"), std::string_view::npos);
}

TEST(MmToMail, WhereAPhonePutsARecipientThereItIsSeen) {
  mm7::DeliverReq deliver = request({{"text/plain", "", bytes("Hi"), "utf-8"}});
  const auto add = [&](mm7::RecipientField field, std::string value) {
    deliver.recipients.push_back({.field = field, .address = {.kind = mm7::AddressKind::rfc2822, .value = std::move(value)}});
  };
  add(mm7::RecipientField::to, "joe@example.com");
  add(mm7::RecipientField::cc, "Ann@Example.org");
  add(mm7::RecipientField::bcc, "eve@example.org");
  MmToMailOptions how = options();
  how.to = {{"", "joe", "example.com"}, {"", "Ann", "example.org"}, {"", "eve", "example.org"}};
  auto mail = mm_to_mail(deliver, how);
  ASSERT_TRUE(mail);
  EXPECT_EQ(parsed(*mail).parts[0].field("To"), "joe@example.com");
  EXPECT_EQ(parsed(*mail).parts[0].field("Cc"), "Ann@example.org");
  EXPECT_EQ(text_of(*mail).find("eve@"), std::string_view::npos) << "a blind copy is seen by nobody";
  // Whom it wrote in To as well is no secret.
  deliver.recipients.push_back(
      {.field = mm7::RecipientField::to, .address = {.kind = mm7::AddressKind::rfc2822, .value = "eve@example.org"}});
  mail = mm_to_mail(deliver, how);
  ASSERT_TRUE(mail);
  EXPECT_EQ(parsed(*mail).parts[0].field("To"), "joe@example.com, eve@example.org");
  // Written in the text: the suffix of an answer, say, is no address of the message.
  how.to = {{"", "joe", "example.com"}};
  deliver.recipients = {{.field = mm7::RecipientField::cc, .address = {.kind = mm7::AddressKind::short_code, .value = "5000"}}};
  mail = mm_to_mail(deliver, how);
  ASSERT_TRUE(mail);
  EXPECT_EQ(parsed(*mail).parts[0].field("To"), "joe@example.com");
}

TEST(FirstTextLine, Table) {
  EXPECT_EQ(first_text_line(request({}).content), "");
  EXPECT_EQ(first_text_line(request({{"image/png", "", bytes("x")}, {"text/plain", "", bytes(" one \r\ntwo"), "utf-8"}}).content), "one");
  EXPECT_EQ(first_text_line(request({{"text/plain", "", bytes("\xEF\xBB\xBFone"), "utf-8"}}).content), "one");
  // An empty line holds nothing that a person sees.
  for (const char* text : {"\n one \ntwo", "\r\n\r\none\r\ntwo", " \n\t\none", "\xE2\x80\x8B\none\n"})
    EXPECT_EQ(first_text_line(request({{"text/plain", "", bytes(text), "utf-8"}}).content), "one") << text;
  EXPECT_EQ(first_text_line(request({{"text/plain", "", Bytes{0xFE, 0xFF, 0, 'h', 0, 'i', 0, '\n', 0, 'x'}, "utf-16"}}).content), "hi");
}

TEST(ParseNewMailLine, Table) {
  struct Row {
    std::string line, expected;
  };
  const Row rows[] = {
      {"joe@example.com", "joe@example.com|"},
      {"joe@example.com Hello there", "joe@example.com|Hello there"},
      {"  <joe@Example.com>  Hi ", "joe@example.com|Hi"},
      {"mailto:joe@example.com Hi", "joe@example.com|Hi"},
      {"joe@example.com: Hi", "joe@example.com|Hi"},
      {"joe@example.com\tHi", "joe@example.com|Hi"},
      {"joe@example.com. Hi", "joe@example.com|Hi"},
      {"joe@example.com!", "joe@example.com|"},
      {"(joe@example.com) Hi", "joe@example.com|Hi"},
      {"“joe@example.com”, Hi", "joe@example.com|Hi"},
      {"'joe@example.com' Hi", "joe@example.com|Hi"},
      {"joe＠example.com Hi", "joe@example.com|Hi"},
      {"\u200Ejoe@example.com Hi", "joe@example.com|Hi"},
      {"\"\" Hi", ""},
      {"()", ""},
      {"Hi joe@example.com", ""},
      {"joe@home Hi", ""},
      {"joe@[192.0.2.1] Hi", ""},
      {"@example.com", ""},
      {"", ""},
      {"joe@exa\x01mple.com Hi", ""},
  };
  for (const Row& row : rows) {
    const auto result = parse_new_mail_line(row.line);
    EXPECT_EQ(result ? result->to.address() + "|" + result->subject : "", row.expected) << row.line;
  }
}

}  // namespace
}  // namespace pushmail::convert

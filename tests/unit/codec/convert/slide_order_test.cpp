// What a person sees first, whatever the order of the parts; and who wrote it, in the forms of MM1.
#include "codec/convert/slide_order.h"

#include <gtest/gtest.h>

#include "codec/convert/convert.h"
#include "codec/mms/pdu.h"

namespace pushmail::convert {
namespace {

struct PartSpec {
  std::string_view type, id, location, name, data, charset;
};
MultimediaMessage message(std::initializer_list<PartSpec> parts) {
  MultimediaMessage mm;
  for (const PartSpec& part : parts) {
    mm.parts.push_back({.media_type = part.type,
                        .charset = part.charset,
                        .name = part.name,
                        .content_id = part.id,
                        .content_location = part.location,
                        .data = bytes_of(part.data)});
    if (part.type == "application/smil") mm.presentation = mm.parts.size() - 1;
  }
  return mm;
}
PartSpec smil(std::string_view body) {
  return {.type = "application/smil", .id = "s", .location = "s.smil", .name = {}, .data = body, .charset = {}};
}
PartSpec text(std::string_view location, std::string_view words, std::string_view name = {}, std::string_view charset = "utf-8") {
  return {.type = "text/plain", .id = {}, .location = location, .name = name, .data = words, .charset = charset};
}
PartSpec picture(std::string_view location) {
  return {.type = "image/png", .id = location, .location = location, .name = location, .data = "x", .charset = {}};
}

MmToMailOptions options() {
  MmToMailOptions how;
  how.from = {"", "+15550100001", "mms.example.net"};
  how.to = {{"", "joe", "example.com"}};
  how.message_id = "i@mms.example.net";
  how.date = {1'796'000'000'000'000};
  how.our_domain = "mms.example.net";
  return how;
}
mime::Message mail_of(const MultimediaMessage& mm, Bytes& storage, const MmToMailOptions& how = options()) {
  auto mail = mm_to_mail(MmHeader{}, mm, how);
  EXPECT_TRUE(mail);
  storage = std::move(*mail);
  auto parsed = mime::parse(storage);
  EXPECT_TRUE(parsed);
  return std::move(*parsed);
}
/// Text of the mail, then the names of what is attached.
std::string shown(const MultimediaMessage& mm) {
  Bytes storage;
  const mime::Message mail = mail_of(mm, storage);
  std::string out;
  for (std::size_t i = 0; i < mail.parts.size(); ++i) {
    const mime::Part& part = mail.parts[i];
    if (part.is_multipart()) continue;
    out += part.name.empty() ? mime::decode_text(part) : "|" + std::string(part.name);
  }
  return out;
}

TEST(SlideOrder, TextsAreThoseOfTheSlides) {
  EXPECT_EQ(shown(message({smil("<smil><body><par><text src=\"2.txt\"/></par><par><text src='cid:1'/></par></body></smil>"),
                           {.type = "text/plain", .id = "1", .location = "1.txt", .name = {}, .data = "second", .charset = "utf-8"},
                           text("2.txt", "first")})),
            "first\n\nsecond");
  // Pictures too; what no slide names stands behind.
  EXPECT_EQ(
      shown(message({smil("<par><img src=\"b.png\"/><text src=\"t.txt\"/></par><par><img region=\"Image\" src = \"a.png\" /></par>"),
                     picture("a.png"), picture("b.png"), picture("c.png"), text("t.txt", "hi"), text("notes.txt", "notes", "notes.txt")})),
      "hi|b.png|a.png|c.png|notes.txt");
  // Slides that show no text, or name what is not there.
  EXPECT_EQ(shown(message({smil("<smil/>"), text("1.txt", "one"), text("2.txt", "two")})), "one\n\ntwo");
  EXPECT_EQ(shown(message({smil("<text src=\"gone.txt\"/>"), text("1.txt", "one")})), "one");
  // The same slide twice, blank slides, other cases, escapes.
  EXPECT_EQ(
      shown(message(
          {smil("<text src=\"1.TXT\"/><text src=\"1.txt\"/><text src=\"0.txt\"/><text src=\"a%20b.txt\"/><text src=\"c&amp;d.txt\"/>"),
           text("0.txt", " \n"), text("1.txt", "one"), text("a b.txt", "two"), text("c&d.txt", "three")})),
      "one\n\ntwo\n\nthree");
}

TEST(SlideOrder, WithoutSlides) {
  EXPECT_EQ(shown(message({text("", ""), text("", "hi")})), "hi");
  EXPECT_EQ(shown(message({text("", "one\n"), text("", "two")})), "one\n\ntwo");
  EXPECT_EQ(shown(message({text("", "one"), text("b.txt", "two", "b.txt")})), "one|b.txt");
  EXPECT_EQ(shown(message({picture("a.png")})), "|a.png");
  EXPECT_EQ(shown(message(
                {{.type = "text/html", .id = {}, .location = "a.html", .name = {}, .data = "<p>Hello <b>Bob</b></p>", .charset = "utf-8"},
                 picture("a.png")})),
            "Hello Bob|a.png");
  // A wrong label.
  EXPECT_EQ(shown(message({text("", "one", "", "us-ascii"), text("", "pr\xE4sentiert", "", "us-ascii")})), "one\n\npräsentiert");
}

TEST(SlideOrder, PlainTextThatIsAttachedIsUtf8AndNamesGetTheirExtension) {
  Bytes storage;
  const mime::Message mail =
      mail_of(message({text("", "hi"),
                       text("b", "pr\xE4sentiert", "b", "us-ascii"),
                       {.type = "image/jpeg", .id = {}, .location = {}, .name = "photo", .data = "x", .charset = {}}}),
              storage);
  ASSERT_EQ(mail.parts.size(), 4U);
  EXPECT_EQ(mail.parts[2].charset, "utf-8");
  EXPECT_EQ(text_of(mime::decode_body(mail.parts[2])), "präsentiert");
  EXPECT_EQ(mail.parts[2].name, "b.txt");
  EXPECT_EQ(mail.parts[3].name, "photo.jpg");
}

TEST(SlideOrder, TheFirstLineIsThatOfTheFirstSlide) {
  const MultimediaMessage mm = message({smil("<text src=\"1.txt\"/><text src=\"2.txt\"/>"), text("2.txt", "second slide"),
                                        text("1.txt", "joe@example.com Hi\nfirst slide")});
  EXPECT_EQ(first_text_line(mm), "joe@example.com Hi");
  Bytes storage;
  MmToMailOptions how = options();
  how.drop_first_line = true;
  EXPECT_EQ(mime::decode_text(mail_of(mm, storage, how).parts[0]), "first slide\n\nsecond slide");
  EXPECT_EQ(first_text_line(message({text("", " \n"), text("", "joe@example.com hi")})), "joe@example.com hi");
}

TEST(SmilSources, Table) {
  struct Row {
    std::string_view smil;
    std::vector<std::string> expected;
  };
  const Row rows[] = {
      {"<text src=\"a\"/><img src='b'/><audio src=c/>", {"a", "b", "c"}},
      {"<!-- <text src=\"a\"/> --><text alt=\"> src=x\" src=\"b\">", {"b"}},
      {"<text xsrc=\"a\" src\n=\n\"b\"/>", {"b"}},
      {"<text src=\"\"/><text src=/><text src", {}},
      {"<text src=\"a", {"a"}},
      {"", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(smil_sources(row.smil), row.expected) << row.smil;
  EXPECT_LE(smil_sources(std::string(3'000'000, '<')).size(), 1000U);
}

TEST(MmAddresses, AsMm1WritesThem) {
  struct Row {
    std::string_view written, expected;
  };
  const Row rows[] = {
      {"+15553334444/TYPE=PLMN", "+15553334444@mms.example.net"},
      {"+15553334444/type=plmn", "+15553334444@mms.example.net"},
      {"15553334444/TYPE=PLMN", "+15553334444@mms.example.net"},
      {"88888/TYPE=PLMN", "88888@mms.example.net"},
      {"112/TYPE=PLMN", "112@mms.example.net"},
      {"0738123456/TYPE=PLMN", "0738123456@mms.example.net"},
      {"+112", "+112@mms.example.net"},
      {"joe@example.com", "joe@example.com"},
      {"NowMMS <now@example.com>", "NowMMS <now@example.com>"},
      {"\"Example, Joe\" <joe@example.com>", "\"Example, Joe\" <joe@example.com>"},
  };
  for (const Row& row : rows) {
    mms::Pdu pdu;
    pdu.from = mms::From{.kind = mms::From::Kind::address, .address = std::string(row.written)};
    MmToMailOptions how = options();
    how.from = {};
    const auto mail = mm_to_mail(header_of(pdu), {}, how);
    ASSERT_TRUE(mail) << row.written;
    const auto parsed = mime::parse(*mail);
    EXPECT_EQ(parsed->parts[0].field("From"), row.expected) << row.written;
  }
}

}  // namespace
}  // namespace pushmail::convert

// Mail -> MM: text, attachments, slides, what is left out and why.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "codec/convert/convert.h"
#include "codec/convert/text.h"
#include "codec/mime/compose.h"
#include "codec/mime/errors.h"

namespace pushmail::convert {
namespace {

MailToMmOptions options() { return {.profile = {}, .sender_in_text = true, .content_id_domain = "mms.example.net", .item_id = "01JD3X"}; }

MailToMm converted(std::string_view mail, const MailToMmOptions& how = options()) {
  auto result = mail_to_mm(bytes_of(mail), how);
  EXPECT_TRUE(result) << mail;
  return result ? std::move(*result) : MailToMm{};
}

std::string text_of_mm(const MultimediaMessage& mm) {
  const std::size_t index = first_text_part(mm);
  return index < mm.parts.size() ? std::string(text_of(mm.parts[index].data)) : std::string();
}

/// `image/png:a.png:123` for each part that is neither text nor presentation.
std::string attachments_of(const MultimediaMessage& mm) {
  std::string out;
  for (std::size_t i = 0; i < mm.parts.size(); ++i) {
    if (i == mm.presentation || i == first_text_part(mm)) continue;
    out.append(out.empty() ? "" : " ")
        .append(mm.parts[i].media_type)
        .append(":")
        .append(mm.parts[i].name)
        .append(":" + std::to_string(mm.parts[i].data.size()));
  }
  return out;
}

bool decided(const MailToMm& result, std::string_view what, std::string_view rule) {
  return std::any_of(result.decisions.begin(), result.decisions.end(),
                     [&](const Decision& d) { return d.what == what && d.rule.find(rule) != std::string::npos; });
}

TEST(MailToMm, PlainMail) {
  const MailToMm result = converted(
      "From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: "
      "<abc@example.com>\r\nX-Mms-Priority: High\r\n"
      "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nh=E9llo\r\nw\xF6rld\r\n");
  EXPECT_EQ(result.mm.subject, "Grüße");
  EXPECT_EQ(result.from_display, "Jörg <joerg@example.com>");
  EXPECT_EQ(result.message_id, "abc@example.com");
  EXPECT_EQ(result.priority, "");
  EXPECT_FALSE(result.automatic);
  EXPECT_EQ(text_of_mm(result.mm), "Jörg <joerg@example.com>\nhéllo\nwörld");
  ASSERT_EQ(result.mm.parts.size(), 2U);
  EXPECT_EQ(result.mm.presentation, 0U);
  EXPECT_EQ(result.mm.parts[0].media_type, "application/smil");
  EXPECT_EQ(result.mm.parts[1].media_type, "text/plain");
  EXPECT_EQ(result.mm.parts[1].charset, "utf-8");
  EXPECT_EQ(result.mm.parts[1].content_id, "1.01JD3X@mms.example.net");
  EXPECT_EQ(result.mm.parts[1].content_location, "text.txt");
}

TEST(MailToMm, OptionsDecideSenderLineAndSmil) {
  MailToMmOptions how = options();
  how.sender_in_text = false;
  how.profile.smil = false;
  const MailToMm result = converted("From: joe@example.com\r\n\r\nhi", how);
  EXPECT_EQ(text_of_mm(result.mm), "hi");
  EXPECT_EQ(result.mm.presentation, MultimediaMessage::no_presentation);
  EXPECT_EQ(result.mm.parts.size(), 1U);
}

TEST(MailToMm, PlainTextOfAnAlternativeWinsAndItsPicturesStay) {
  const MailToMm result = converted(
      "From: joe@example.com\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
      "--a\r\n\r\nplain\r\n"
      "--a\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
      "--r\r\nContent-Type: text/html\r\n\r\n<p>html\r\n"
      "--r\r\nContent-Type: image/png; name=x.png\r\nContent-ID: <x>\r\n\r\nPNG\r\n--r--\r\n--a--\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nplain");
  EXPECT_EQ(attachments_of(result.mm), "image/png:x.png:3");
  EXPECT_TRUE(decided(result, "text/html", "plain text of the same content"));
}

TEST(MailToMm, HtmlIsReadWhenPlainTextIsEmpty) {
  const MailToMm result = converted(
      "From: joe@example.com\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\n \r\n--a\r\nContent-Type: "
      "text/html\r\n\r\n<p>html</p>\r\n--a--\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nhtml");
  EXPECT_TRUE(decided(result, "text/html", "HTML read as text"));
}

TEST(MailToMm, AnAlternativeWithANameIsTextAllTheSame) {
  const MailToMm result = converted(
      "From: \"joe@example.com\" <joe@example.com>\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: "
      "text/plain; name=plain.txt\r\n\r\nplain\r\n"
      "--a\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--a--\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nplain");
  EXPECT_EQ(attachments_of(result.mm), "");
}

TEST(MailToMm, TextAttachmentsStayBesideTheText) {
  const MailToMm result = converted(
      "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\n\r\nbody\r\n"
      "--b\r\nContent-Type: text/plain; charset=iso-8859-1; name=\"note.txt\"\r\nContent-Disposition: attachment\r\n\r\nh\xE9\r\n"
      "--b\r\n\r\nfooter\r\n--b--\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nbody\n\nfooter");
  EXPECT_EQ(attachments_of(result.mm), "text/plain:note.txt:3");
  EXPECT_EQ(text_of(result.mm.parts.back().data), "hé");
}

TEST(MailToMm, ForwardedMessagesAndReports) {
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee "
                                 "below\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
                                 "From: Ann <ann@example.com>\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\n")
                           .mm),
            "joe@example.com\nsee below\n\n---- Forwarded message ----\nAnn <ann@example.com>\nSubject: inner\n\ninner text");
  const MailToMm report = converted(
      "From: mailer-daemon@example.com\r\nAuto-Submitted: auto-replied\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nnot "
      "delivered\r\n"
      "--b\r\nContent-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
      "x\r\n\r\nyour text\r\n--b--\r\n");
  EXPECT_EQ(text_of_mm(report.mm), "mailer-daemon@example.com\nnot delivered");
  EXPECT_TRUE(report.automatic);
}

TEST(MailToMm, SignedContentIsShownAndTheSignatureNot) {
  const MailToMm result = converted(
      "From: joe@example.com\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: "
      "application/pgp-signature; name=signature.asc\r\n\r\nxx\r\n--b--\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\ntext");
  EXPECT_EQ(attachments_of(result.mm), "");
  EXPECT_TRUE(decided(result, "signature.asc", "signature"));
}

TEST(MailToMm, HeaderRows) {
  struct Row {
    std::string header, priority;
    bool automatic;
  };
  const Row rows[] = {
      {"Importance: high\r\n", "High", false},
      {"Importance: Low\r\n", "Low", false},
      {"X-Priority: 1 (Highest)\r\n", "High", false},
      {"X-Priority: 3\r\n", "", false},
      {"X-Priority: 5\r\n", "Low", false},
      {"Importance: normal\r\nX-Priority: 1\r\n", "", false},
      {"Return-Path: <>\r\n", "", true},
      {"Return-Path: <a@b.example>\r\n", "", false},
      {"Auto-Submitted: no\r\n", "", false},
      {"Auto-Submitted: auto-generated (x)\r\n", "", true},
      {"X-Mms-Priority: High\r\nX-Mms-Message-Class: Auto\r\n", "", false},
  };
  for (const Row& row : rows) {
    const MailToMm result = converted(row.header + "From: joe@example.com\r\n\r\nhi");
    EXPECT_EQ(result.priority, row.priority) << row.header;
    EXPECT_EQ(result.automatic, row.automatic) << row.header;
  }
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nSensitivity: Private\r\n\r\nhi").mm), "joe@example.com [Private]\nhi");
  EXPECT_EQ(text_of_mm(converted("Subject: x\r\n\r\nhi").mm), "(unknown sender)\nhi");
}

std::string base64(ByteView bytes) {
  Bytes out;
  mime::write_body(out, bytes, mime::BodyForm::base64);
  return std::string(text_of(out));
}

TEST(MailToMm, AttachmentBytesAreUntouched) {
  std::mt19937 random(3);
  for (const std::size_t size : {1U, 56U, 57U, 58U, 76U, 77U, 65536U, 200U * 1024U, 216U * 1000U, 12345U}) {
    Bytes data(size);
    for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
    const std::string mail =
        "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: image/jpeg; "
        "name=a.jpg\r\n" +
        base64(data) + "\r\n--b--\r\n";
    const MailToMm result = converted(mail);
    ASSERT_EQ(result.mm.parts.size(), 3U) << size;
    EXPECT_TRUE(std::ranges::equal(result.mm.parts[2].data, data)) << size;
    std::size_t total = 0;
    for (const auto& part : result.mm.parts) total += part.data.size();
    EXPECT_LE(total, options().profile.size_max);
  }
}

TEST(MailToMm, WhatDoesNotFitIsNamed) {
  MailToMmOptions how = options();
  how.profile.size_max = 10'000;
  std::string mail = "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n";
  for (const auto& [name, size] :
       {std::pair<std::string, std::size_t>{"small.png", 3000}, {"big.png", 50'000}, {"middle.png", 8000}, {"tiny.png", 10}}) {
    mail += "--b\r\nContent-Type: image/png; name=" + name + "\r\n" + base64(Bytes(size, 0xAA)) + "\r\n";
  }
  mail += "--b--\r\n";
  const MailToMm result = converted(mail, how);
  EXPECT_EQ(attachments_of(result.mm), "image/png:small.png:3000 image/png:tiny.png:10");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nhi\n[Left out: big.png (49 KB), middle.png (8 KB); in your mailbox]");
  EXPECT_TRUE(decided(result, "big.png", "left out"));
  EXPECT_TRUE(decided(result, "middle.png", "left out"));
}

TEST(MailToMm, TextLongerThanTheProfileIsCut) {
  MailToMmOptions how = options();
  how.profile.size_max = 2000;
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "é";
  const MailToMm result = converted("From: joe@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text, how);
  std::size_t total = 0;
  for (const auto& part : result.mm.parts) total += part.data.size();
  EXPECT_LE(total, 2000U);
  EXPECT_GE(total, 1900U);
  EXPECT_TRUE(text_of_mm(result.mm).ends_with("é\n[The rest of the text (4 KB) is in your mailbox]")) << text_of_mm(result.mm);
  EXPECT_TRUE(decided(result, "text", "cut"));
}

TEST(MailToMm, NamesAreSafeAndUnique) {
  std::string mail = "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  const std::vector<std::string> names{"../../etc/passwd",
                                       "C:\\x\\bild.jpg",
                                       "bild.jpg",
                                       "Grüße aus Köln.jpg",
                                       "日本.jpg",
                                       "a\"b<c>&.jpg",
                                       "a b.jpg",
                                       "text.txt",
                                       "slides.smil",
                                       std::string(4096, 'n') + ".jpg",
                                       "..",
                                       "",
                                       "x.jpg\r\nEvil: 1"};
  for (const std::string& name : names) {
    Bytes part;
    append(part, "--b\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment");
    if (!name.empty()) mime::write_parameter(part, "filename", name);
    append(part, "\r\n\r\nx\r\n");
    mail += text_of(part);
  }
  mail += "--b--\r\n";
  const MailToMm result = converted(mail);
  ASSERT_EQ(result.mm.parts.size(), names.size() + 2);
  std::set<std::string_view> locations;
  std::set<std::string_view> ids;
  for (const MultimediaPart& part : result.mm.parts) {
    EXPECT_TRUE(locations.insert(part.content_location).second) << part.content_location;
    EXPECT_TRUE(ids.insert(part.content_id).second);
    EXPECT_EQ(part.content_location.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"),
              std::string::npos)
        << part.content_location;
    EXPECT_LE(part.content_location.size(), 64U);
    EXPECT_LE(part.name.size(), 255U);
    EXPECT_EQ(part.name.find_first_of("/\\\r\n"), std::string::npos);
    EXPECT_FALSE(part.name.empty());
  }
  EXPECT_EQ(result.mm.parts[2].name, "passwd.jpg") << "with the extension of its type";
  EXPECT_EQ(result.mm.parts[3].name, "bild.jpg");
  EXPECT_EQ(result.mm.parts[5].name, "Grüße aus Köln.jpg");
  EXPECT_EQ(result.mm.parts[6].name, "日本.jpg");
  EXPECT_EQ(result.mm.parts[6].content_location, "image.jpg");
  EXPECT_EQ(result.mm.parts[2].content_location, "passwd.jpg");
}

TEST(MailToMm, SlidesInSmil) {
  const MailToMm result = converted(
      "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n"
      "--b\r\nContent-Type: application/pdf; name=doc.pdf\r\n\r\nx\r\n"
      "--b\r\nContent-Type: image/pjpeg; name=one.jpg\r\n\r\nx\r\n"
      "--b\r\nContent-Type: application/octet-stream; name=two.PNG\r\n\r\nx\r\n"
      "--b\r\nContent-Type: audio/amr; name=three.amr\r\n\r\nx\r\n--b--\r\n");
  EXPECT_EQ(text_of(result.mm.parts[0].data),
            "<smil><head><layout><root-layout width=\"240\" height=\"320\"/>"
            "<region id=\"Image\" left=\"0\" top=\"0\" width=\"100%\" height=\"70%\" fit=\"meet\"/>"
            "<region id=\"Text\" left=\"0\" top=\"70%\" width=\"100%\" height=\"30%\" fit=\"scroll\"/></layout></head><body>"
            "<par dur=\"10s\"><img src=\"one.jpg\" region=\"Image\"/><text src=\"text.txt\" region=\"Text\"/></par>"
            "<par dur=\"10s\"><img src=\"two.PNG\" region=\"Image\"/></par>"
            "<par dur=\"10s\"><audio src=\"three.amr\"/></par></body></smil>");
  EXPECT_EQ(attachments_of(result.mm), "image/jpeg:one.jpg:1 image/png:two.PNG:1 audio/amr:three.amr:1");
}

TEST(MailToMm, WhatAnMmDoesNotCarryIsListedWithNameSizeAndPlace) {
  std::string mail = "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n";
  const auto add = [&](const std::string& type, const std::string& name) {
    mail +=
        "--b\r\nContent-Type: " + type + "; name=" + name + "\r\nContent-Disposition: attachment\r\n\r\n" + std::string(2000, 'x') + "\r\n";
  };
  add("application/pdf", "offer.pdf");
  add("application/octet-stream", "table.XLSX");
  add("application/vnd.ms-word.document.macroEnabled.12", "macro.docm");
  add("text/calendar", "party.ics");
  add("image/heic", "photo.heic");
  add("application/smil", "old.smil");
  add("text/vcard", "ann.vcf");
  add("application/octet-stream", "raw.bin");
  add("application/x-unheard-of", "new.xyz");
  MailToMmOptions how = options();
  how.left_out_hint = "call 123";
  mail += "--b--\r\n";
  const MailToMm result = converted(mail, how);
  EXPECT_EQ(attachments_of(result.mm),
            "text/vcard:ann.vcf:2000 application/octet-stream:raw.bin:2000 application/x-unheard-of:new.xyz:2000");
  EXPECT_EQ(text_of_mm(result.mm),
            "joe@example.com\nhi\n[Left out: offer.pdf (2 KB), table.XLSX (2 KB), macro.docm (2 KB), party.ics (2 KB), photo.heic (2 KB); "
            "call 123]");
  EXPECT_TRUE(decided(result, "offer.pdf", "phones do not show application/pdf"));
  EXPECT_TRUE(decided(result, "table.XLSX", "spreadsheetml.sheet"));
  EXPECT_TRUE(decided(result, "old.smil", "slides of another message"));
}

TEST(MailToMm, OtherRecipientsAreOneFoldedLineOfText) {
  struct Row {
    std::string header, line;
  };
  const std::vector<std::string_view> own{"Me@Example.net"};
  const Row rows[] = {
      {"To: me@example.net\r\n", ""},
      {"", ""},
      {"To: me@example.net, Ann <ann@example.com>\r\n", "To: Ann <ann@example.com>\n"},
      {"To: ME@example.net\r\nCc: =?utf-8?Q?J=C3=B6rg?= <j@example.com>, b@example.com\r\n", "Cc: Jörg <j@example.com>, b@example.com\n"},
      {"To: ann@example.com\r\n", "To: ann@example.com\n"},
      {"To: a1@x.example, a2@x.example, a3@x.example, a4@x.example\r\nCc: a5@x.example, a6@x.example, a7@x.example, me@example.net, "
       "a8@x.example\r\n",
       "To: a1@x.example, a2@x.example, a3@x.example, a4@x.example; Cc: a5@x.example, a6@x.example and 2 more\n"},
  };
  for (const Row& row : rows) {
    MailToMmOptions how = options();
    how.own_addresses = own;
    EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\n" + row.header + "\r\nhi", how).mm), "joe@example.com\n" + row.line + "hi")
        << row.header;
    how.display_only_recipients = true;
    EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\n" + row.header + "\r\nhi", how).mm), "joe@example.com\nhi") << row.header;
  }
  // Without knowing which address is the reader's, a single one is his.
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nTo: ann@example.com\r\n\r\nhi").mm), "joe@example.com\nhi");
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nTo: a@example.com\r\nCc: b@example.com\r\n\r\nhi").mm),
            "joe@example.com\nTo: a@example.com; Cc: b@example.com\nhi");
}

TEST(MailToMm, PicturesOfAPageComeInReadingOrder) {
  std::string mail =
      "From: joe@example.com\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n"
      "<p>cid:two is text<img src=\"cid:three\"><img src='CID:one%40x'><td background=cid:two>cid:cid:</p>\r\n";
  for (const std::string name : {"one@x", "free", "two", "three", "last"}) {
    mail += "--r\r\nContent-Type: image/png; name=" + name.substr(0, 5) + ".png\r\nContent-ID: <" + name + ">\r\n\r\nx\r\n";
  }
  mail += "--r\r\nContent-Type: image/png; name=none.png\r\n\r\nx\r\n";
  mail += "--r--\r\n";
  const MailToMm result = converted(mail);
  EXPECT_EQ(
      attachments_of(result.mm),
      "image/png:three.png:1 image/png:free.png:1 image/png:one@x.png:1 image/png:two.png:1 image/png:last.png:1 image/png:none.png:1");
}

TEST(MailToMm, ALargePictureIsNamedAndTakenWhenSomebodyMadeItSmaller) {
  Bytes mail;
  append(mail, std::string_view("From: joe@example.com\r\nContent-Type: image/png; name=p.png\r\n"));
  mime::write_body(mail, from_hex("89504e470d0a1a0a0000000d4948445200000640000004b0"), mime::BodyForm::base64);
  MailToMmOptions how = options();
  how.profile.image_width_max = 640;
  const auto first = mail_to_mm(mail, how);
  ASSERT_TRUE(first);
  ASSERT_EQ(first->large_pictures.size(), 1U);
  EXPECT_EQ(first->large_pictures[0].part, 0U);
  EXPECT_EQ(first->large_pictures[0].width, 1600U);
  EXPECT_EQ(first->large_pictures[0].height, 1200U);
  EXPECT_EQ(first->large_pictures[0].size, 24U);
  EXPECT_TRUE(decided(*first, "p.png", "left out, too large"));
  const Bytes smaller = from_hex("ffd8ffe00004000affc000110801e0028003");
  const ReducedPicture reduced[] = {{.part = 0, .media_type = "image/jpeg", .data = smaller}};
  how.reduced_pictures = reduced;
  const auto second = mail_to_mm(mail, how);
  ASSERT_TRUE(second);
  EXPECT_EQ(attachments_of(second->mm), "image/jpeg:p.png:18");
  EXPECT_EQ(second->mm.parts.back().data.data(), smaller.data());
  EXPECT_TRUE(second->large_pictures.empty());
  EXPECT_TRUE(decided(*second, "p.png", "made smaller"));
}

TEST(MailToMm, MemoryOfAnEarlierMessageIsUsedAgain) {
  const std::string mail =
      "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: image/png; "
      "name=a.png\r\n\r\nx\r\n--b--\r\n";
  MailToMm made = converted(mail);
  for (int i = 0; i < 3; ++i) {
    auto again = mail_to_mm(bytes_of(mail), options(), std::move(made));
    ASSERT_TRUE(again);
    made = std::move(*again);
    EXPECT_EQ(text_of_mm(made.mm), "joe@example.com\nhi");
    EXPECT_EQ(attachments_of(made.mm), "image/png:a.png:1");
    EXPECT_TRUE(made.decisions.empty());
  }
}

TEST(MailToMm, LongTextStandsOnSlidesAndPicturesBehindIt) {
  const std::string paragraph(700, 'p');
  const std::string mail = "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + paragraph +
                           "\r\n\r\n" + paragraph + "\r\n\r\n" + paragraph + "\r\n\r\n" + paragraph +
                           "\r\n--b\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n--b--\r\n";
  const MailToMm result = converted(mail);
  ASSERT_EQ(result.text_parts, 2U);
  ASSERT_EQ(result.mm.parts.size(), 4U);
  EXPECT_EQ(text_of(result.mm.parts[1].data), "joe@example.com\n" + paragraph + "\n\n" + paragraph);
  EXPECT_EQ(text_of(result.mm.parts[2].data), paragraph + "\n\n" + paragraph);
  EXPECT_EQ(result.mm.parts[2].charset, "utf-8");
  const std::string second(result.mm.parts[2].content_location);
  EXPECT_NE(second, result.mm.parts[1].content_location);
  EXPECT_TRUE(text_of(result.mm.parts[0].data)
                  .ends_with("<body><par dur=\"94s\"><text src=\"text.txt\" region=\"Text\"/></par><par dur=\"93s\"><text src=\"" + second +
                             "\" region=\"Text\"/></par><par dur=\"10s\"><img src=\"a.png\" region=\"Image\"/></par></body></smil>"))
      << text_of(result.mm.parts[0].data);

  // The profile's limits, and a phone that shows no slides.
  MailToMmOptions how = options();
  how.profile.slide_text_size_max = 300;
  how.profile.slide_count_max = 3;
  EXPECT_EQ(converted(mail, how).text_parts, 3U);
  how.profile.smil = false;
  EXPECT_EQ(converted(mail, how).text_parts, 1U);
}

TEST(MailToMm, PicturesStandInReadingOrder) {
  const MailToMm result = converted(
      "From: joe@example.com\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:two@x\" alt=two>text<img src=one.png><img src=\"cid:gone@x\" alt=gone>\r\n"
      "--b\r\nContent-Type: image/png; name=one.png\r\nContent-Location: one.png\r\n\r\n1\r\n"
      "--b\r\nContent-Type: image/png; name=other.png\r\n\r\n-\r\n"
      "--b\r\nContent-Type: image/png; name=two.png\r\nContent-ID: <two@x>\r\n\r\n22\r\n--b--\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\ntext[gone]");
  EXPECT_EQ(attachments_of(result.mm), "image/png:two.png:2 image/png:other.png:1 image/png:one.png:1");
}

TEST(MailToMm, PoorPlainTextGivesWayToThePage) {
  const std::string mail =
      "From: joe@example.com\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nYour program cannot display "
      "HTML.\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>page</p>\r\n--a--\r\n";
  const MailToMm result = converted(mail);
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\npage");
  EXPECT_TRUE(decided(result, "text/plain", "says less than the HTML"));
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\n\r\n<html><p>page</p>").mm), "joe@example.com\npage");
}

/// An alternative of these two texts.
std::string alternative(std::string_view plain, std::string_view page) {
  return "From: joe@example.com\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; "
         "charset=utf-8\r\n\r\n" +
         std::string(plain) + "\r\n--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + std::string(page) + "\r\n--a--\r\n";
}

TEST(MailToMm, OfAnAlternativeWhatSaysMoreIsRead) {
  struct {
    std::string_view plain, page, expected;
  } const rows[] = {
      {"Ihr E-Mail-Programm kann diese Nachricht nicht anzeigen.", "<h1>Invoice 88</h1><p>Amount due: 120.00 EUR</p>",
       "Invoice 88\n\nAmount due: 120.00 EUR"},
      {"<h1>Invoice 88</h1><p>Amount due: 120.00 EUR</p>", "<h1>Invoice 88</h1><p>Amount due: 120.00 EUR</p>",
       "Invoice 88\n\nAmount due: 120.00 EUR"},
      {"F&#252;r nur 45 Euro &amp; mehr", "<p>F&#252;r nur 45 Euro &amp; mehr</p>", "F\u00FCr nur 45 Euro & mehr"},
      {"See you on Monday at nine", "<p>See you on <b>Monday</b> at nine</p>", "See you on Monday at nine"},
      {"See you on Monday at nine", "<img src='https://a.example/x.png'>", "See you on Monday at nine"},
      {"&nbsp;", "<img src='https://a.example/x.png'>", "[Only pictures, which are on the sender's site]"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(text_of_mm(converted(alternative(row.plain, row.page)).mm), "joe@example.com\n" + std::string(row.expected)) << row.plain;
}

TEST(MailToMm, PlainTextAsItWasMeant) {
  struct {
    std::string_view plain, expected;
  } const rows[] = {
      {"Only today \u200C\u00A0\u200C\u00A0\u200C\r\n\r\nYour order leaves.", "Only today\n\nYour order leaves."},
      {"F&#252;r M&uuml;ller &amp; Co", "F\u00FCr M\u00FCller & Co"},
      {"Write &amp; for an ampersand", "Write &amp; for an ampersand"},
      {"Hello<br>your order<br>leaves<br>today", "Hello\nyour order\nleaves\ntoday"},
      {"body { color: red; }", "body { color: red; }"},
  };
  for (const auto& row : rows) {
    const std::string mail = "From: joe@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + std::string(row.plain) + "\r\n";
    EXPECT_EQ(text_of_mm(converted(mail).mm), "joe@example.com\n" + std::string(row.expected)) << row.plain;
  }
}

TEST(MailToMm, AnIndentedBlockCitesInAnAnswerOnly) {
  const std::string body =
      "Content-Type: text/html\r\n\r\n<p>The agenda:</p><blockquote><p>09:00 Opening</p><p>10:00 Budget</p></blockquote><p>Please be "
      "there.</p>\r\n";
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nSubject: Board\r\n" + body).mm),
            "joe@example.com\nThe agenda:\n\n09:00 Opening\n\n10:00 Budget\n\nPlease be there.");
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nIn-Reply-To: <a@b>\r\n" + body).mm).find("\n09:00"), std::string::npos);
}

TEST(MailToMm, LongAddressesStandBehindTheText) {
  const std::string address = "https://click.example/f/" + std::string(200, 'x');
  const std::string mail = "From: joe@example.com\r\nContent-Type: text/html\r\n\r\n<p><a href=\"" + address + "\">Shop</a> hello</p>\r\n";
  const MailToMm result = converted(mail);
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nShop (click.example) hello\n\nLinks:\nShop: " + address);
  EXPECT_TRUE(decided(result, "text/html", "long addresses shortened"));
}

TEST(MailToMm, ADecisionSaysWhyHiddenTextIsShown) {
  const MailToMm result =
      converted("From: joe@example.com\r\nContent-Type: text/html\r\n\r\n<style>.x{display:none}</style><p class=x>all</p>\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nall");
  EXPECT_TRUE(decided(result, "text/html", "convert.html_hidden"));
}

TEST(MailToMm, QuotesAreFoldedExceptInForwardsAndReports) {
  const std::string text = "\r\n\r\nYes\r\n\r\nAnn wrote:\r\n> a\r\n> b\r\n> c\r\n";
  const std::string answer = "From: joe@example.com\r\nSubject: Re: x" + text;
  const MailToMm reply = converted(answer);
  EXPECT_EQ(text_of_mm(reply.mm), "joe@example.com\nYes\n\n[3 quoted lines: Ann wrote]");
  EXPECT_TRUE(decided(reply, "text/plain", "3 quoted lines"));
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nSubject: Fwd: x" + text).mm),
            "joe@example.com\nYes\n\nAnn wrote:\n> a\n> b\n> c");
  EXPECT_EQ(text_of_mm(converted("From: joe@example.com\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b" + text + "--b--\r\n").mm),
            "joe@example.com\nYes\n\nAnn wrote:\n> a\n> b\n> c");
}

std::string invitation(std::string_view description) {
  return "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nDTSTART:20250114T120000Z\r\nDESCRIPTION:" +
         std::string(description) + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
}

TEST(MailToMm, InvitationsAreCardsAboveTheText) {
  const std::string card = "Invitation: Lunch\nWhen: Tue 14 Jan 2025, 12:00 (UTC)";
  // The same invitation as an alternative and as a file: one card, and the file.
  const std::string twice =
      "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; "
      "boundary=a\r\n\r\n"
      "--a\r\n\r\nSee you\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>See you\r\n--a\r\nContent-Type: text/calendar; charset=utf-8; "
      "method=REQUEST\r\n\r\n" +
      invitation("x") +
      "--a--\r\n"
      "--m\r\nContent-Type: application/ics; name=invite.ics\r\nContent-Disposition: attachment\r\n\r\n" +
      invitation("x") + "--m--\r\n";
  const MailToMm both = converted(twice);
  EXPECT_EQ(text_of_mm(both.mm), "joe@example.com\n" + card + "\n\nSee you");
  EXPECT_EQ(attachments_of(both.mm), "application/ics:invite.ics:" + std::to_string(invitation("x").size() - 2));
  EXPECT_TRUE(decided(both, "text/calendar", "shown as a card"));
  EXPECT_TRUE(decided(both, "invite.ics", "shown already"));

  // Alone, with what its author wrote; and one that cannot be read.
  const std::string single = "From: joe@example.com\r\nContent-Type: text/calendar\r\n\r\n" + invitation("At Joe's\\n\\n\\nbring wine");
  const MailToMm alone = converted(single);
  EXPECT_EQ(text_of_mm(alone.mm), "joe@example.com\n" + card + "\n\nAt Joe's\n\nbring wine");
  EXPECT_EQ(attachments_of(alone.mm), "");
  const MailToMm broken = converted("From: joe@example.com\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n");
  EXPECT_EQ(attachments_of(broken.mm), "");
  EXPECT_EQ(text_of_mm(broken.mm), "joe@example.com\n[Left out: text/calendar (17 bytes); in your mailbox]");
  EXPECT_TRUE(decided(broken, "text/calendar", "convert.calendar_empty"));
}

TEST(MailToMm, WhatIsWrappedIsOpened) {
  // Signed by OpenSSL's `cms -sign -nodetach`: a text and map.png.
  const MailToMm letter = converted(
      "From: joe@example.com\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\n"
      "MIAGCSqGSIb3DQEHAqCAMIACAQExDTALBglghkgBZQMEAgEwgAYJKoZIhvcNAQcBoIAkgASB0ENvbnRlbnQtVHlwZTogbXVsdGlwYXJ0L21peGVkOyBib3Vu"
      "ZGFyeT1pbg0KDQotLWluDQpDb250ZW50LVR5cGU6IHRleHQvcGxhaW4NCg0KVGhlIG1lZXRpbmcgaXMgYXQgdGVuLg0KLS1pbg0KQ29udGVudC1UeXBlOiBp"
      "bWFnZS9wbmc7IG5hbWU9bWFwLnBuZw0KQ29udGVudC1UcmFuc2Zlci1FbmNvZGluZzogYmFzZTY0DQoNCmlWQk9SdzBLR2dvPQ0KLS1pbi0tDQoAAAAAAAAx"
      "gY8wgYwCAQEwJjAOMQwwCgYDVQQDDANhbm4CFGKbhEMCaB5tYnQtIOx9/Ms4Fa5tMAsGCWCGSAFlAwQCATAKBggqhkjOPQQDAgRGMEQCIDW7zlfJlkLwZ4Xo"
      "5jWYwBSVOEgOcMv40BxnM6+SjPLtAiAgrj583eCdEGjhSLaPC/pywS0SDyOt4WUG0q7VXxUr6gAAAAAAAA==");
  EXPECT_EQ(text_of_mm(letter.mm), "joe@example.com\nThe meeting is at ten.");
  EXPECT_EQ(attachments_of(letter.mm), "image/png:map.png:8");
  EXPECT_TRUE(decided(letter, "smime.p7m", "the content is shown; the signature is not checked"));

  const MailToMm winmail = converted(
      "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\nContent-Type: "
      "application/ms-tnef; name=winmail.dat\r\n"
      "Content-Transfer-Encoding: "
      "base64\r\n\r\neJ8+IgEAAQaQCAAEAAAAAAABAAEAAQSAAQAIAAAATWludXRlcwDlAgICkAYADgAAAAEA/////wAAAAAAAAAA/QMCEIABAAwAAABtaW51"
      "dGVzLnR4dACSBAIPgAYAFQAAADEuIG9wZW5pbmcNCjIuIGtleXMNCtkF\r\n--b--\r\n");
  EXPECT_EQ(text_of_mm(winmail.mm), "joe@example.com\nSee the file.");
  EXPECT_EQ(attachments_of(winmail.mm), "application/octet-stream:minutes.txt:21");
  EXPECT_TRUE(decided(winmail, "winmail.dat", "opened"));

  const MailToMm uuencode = converted("From: joe@example.com\r\n\r\nHere:\r\nbegin 644 cat.jpg\r\n#8V%T\r\n`\r\nend\r\nBye\r\n");
  EXPECT_EQ(text_of_mm(uuencode.mm), "joe@example.com\nHere:\n\nBye");
  EXPECT_EQ(attachments_of(uuencode.mm), "image/jpeg:cat.jpg:3");
  EXPECT_TRUE(decided(uuencode, "text/plain", "files in the text (uuencode)"));
}

TEST(MailToMm, FlowedParagraphsAreOneLine) {
  const MailToMm result = converted(
      "From: joe@example.com\r\nContent-Type: text/plain; format=flowed\r\n\r\nThis paragraph was \r\nwrapped.\r\n\r\nThis was not.\r\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\nThis paragraph was wrapped.\n\nThis was not.");
}

TEST(MailToMm, AGiantTextTakesLittleMemory) {
  // The worst for each step: three bytes for one, and something to be taken out at every step.
  std::string mail =
      "From: joe@example.com\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain; "
      "charset=windows-1252\r\n\r\n" +
      std::string(9000, ' ') + "\r\nbegin with\r\n\x01-----BEGIN PGP \r\n";
  const std::string line = std::string(900, '\x80') + "\r\n";
  while (mail.size() < 24U << 20) mail += line;
  const MailToMm result = converted(mail);
  EXPECT_LT(result.mm.arena.held(), std::size_t{400} << 20);
  EXPECT_TRUE(decided(result, "text/plain", "the rest is not read"));
}

TEST(MailToMm, MalformedMailIsReadAsFarAsItGoes) {
  EXPECT_EQ(text_of_mm(converted("no header at all\r\nsecond line").mm), "(unknown sender)\nno header at all\nsecond line");
  const MailToMm result = converted("From: joe@example.com\nContent-Type: multipart/mixed; boundary=x\n\ntext without parts\x01\xFF\n");
  EXPECT_EQ(text_of_mm(result.mm), "joe@example.com\ntext without partsÿ");
  EXPECT_TRUE(decided(result, "byte 0", "header.bare_lf"));
  EXPECT_FALSE(mail_to_mm({}, options()));
  EXPECT_TRUE(mail_to_mm(bytes_of("\r\n"), options()).error().is(mime::mime_empty));
}

TEST(MailToMm, AThousandPartsAreQuick) {
  std::string mail = "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 2000; ++i) mail += "--b\r\nContent-Type: image/png; name=a.png\r\n\r\n" + std::string(5000, 'x') + "\r\n";
  const MailToMm result = converted(mail);
  std::size_t total = 0;
  for (const auto& part : result.mm.parts) total += part.data.size();
  EXPECT_LE(total, options().profile.size_max);
  EXPECT_GT(result.mm.parts.size(), 40U);
}

TEST(HtmlToText, Table) {
  struct Row {
    std::string html, expected;
  };
  const Row rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"<p>one<p>two", "one\n\ntwo"},
      {"a<br>b<br><br>c", "a\nb\n\nc"},
      {"<div>a</div><div>b</div>", "a\nb"},
      {"a  \n b\t<b>c</b>d", "a b cd"},
      {"<h1>Title</h1>text", "Title\n\ntext"},
      {"<ul><li>one<li>two</ul>end", "- one\n- two\n\nend"},
      {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "a | b\nc | d"},
      {"<table><tr><td><p>only cell</p></td></tr></table>", "only cell"},
      {"<a href=\"https://example.com/x\">here</a>.", "here (https://example.com/x)."},
      {"<a href=\"https://example.com\">https://example.com</a>", "https://example.com"},
      {"<a href=\"https://example.com/\">example.com</a>", "example.com"},
      {"<a href=\"mailto:joe@example.com?subject=x\">write</a>", "write (joe@example.com)"},
      {"<a href=\"https://example.com\">here<br></a>next", "here (https://example.com)\nnext"},
      {"<!DOCTYPE html><?xml x?><!VR>text", "text"},
      {"<a href=\"javascript:alert(1)\">click</a>", "click"},
      {"<a href=\"https://example.com\"><img src=x alt=\"\"></a>", "https://example.com"},
      {"<img alt=\"A cat\" src=\"http://example.com/x\">", "[A cat]"},
      {"<img alt=\"x\" width=1 height=1 src=\"http://tracker.example\">", ""},
      {"<style>p{}</style><script>x<y</script>text", "text"},
      {"<head><title>t</title></head><body>b</body>", "b"},
      {"<div style=\"display: none\">preheader<p>x</p></div>seen", "seen"},
      {"<span style='FONT-SIZE:0px'>x</span>seen<p hidden>y</p>", "seen"},
      {"a<!-- <p>comment --> -->b", "a -->b"},
      {"&lt;&amp;&gt;&eacute;&#x1F600;&nbsp;x", "<&>é😀 x"},
      {"<blockquote>quoted<br>lines</blockquote>mine", "> quoted\n> lines\n\nmine"},
      {"<pre>a\n  b</pre>", "a\n  b"},
      {"a\xE2\x80\x8B\xC2\xAD"
       "b\xE2\x80\xAE",
       "ab"},
      {"a < b and <unknown>c</unknown>", "a < b and c"},
      {"<p>never <b>closed", "never closed"},
      {"<style>never closed", ""},
      {"é日本", "é日本"},
  };
  for (const Row& row : rows) EXPECT_EQ(html_to_text(row.html), row.expected) << row.html;
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += piece;
  return out;
}

TEST(HtmlToText, HostilePagesAreQuick) {
  EXPECT_EQ(html_to_text(repeated("<div>", 1'000'000) + "deep"), "deep");
  EXPECT_EQ(html_to_text(repeated("<div>", 10'000) + "deep"), "deep");
  EXPECT_EQ(html_to_text(repeated("<table><tr><td>", 1000) + "deep"), "deep");
  EXPECT_EQ(html_to_text("<style>" + std::string(50'000'000, 'x') + "</style>text"), "text");
  EXPECT_EQ(html_to_text("<p " + repeated("a=b ", 1'000'000) + ">text"), "text");
  EXPECT_EQ(html_to_text("text" + repeated("<", 2'000'000)).substr(0, 4), "text");
  EXPECT_EQ(html_to_text("text" + repeated("<!--", 500'000)), "text");
  EXPECT_EQ(html_to_text(repeated("</div>", 150'000) + "text"), "text");
  EXPECT_FALSE(html_to_text(repeated("&amp;<a href=http://example.com/>x</a>", 20'000)).empty());
  EXPECT_EQ(html_to_text(repeated("<b>", 500) + repeated("<div><i>", 100'000) + "</div>deep").size() > 3, true);
  EXPECT_EQ(html_to_text(repeated("<x-y>", 511) + repeated("</x-z>", 200'000) + "text"), "text");
  EXPECT_EQ(html_to_text(repeated("<a b='", 300'000) + "'>text"), "text");
  EXPECT_EQ(html_to_text(repeated("<script><!--", 100'000)), repeated("<script><!--", 0));
  EXPECT_EQ(html_to_text("<img src=\"data:image/png;base64," + std::string(5'000'000, 'A') + "\">text"), "text");
}

}  // namespace
}  // namespace pushmail::convert

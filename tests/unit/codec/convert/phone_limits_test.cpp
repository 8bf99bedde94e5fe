// What a phone and its MMSC take: sizes as they are written, a limit for text, subjects, names, and lines that were broken for a desk.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "codec/convert/convert.h"
#include "codec/convert/encoded_size.h"
#include "codec/convert/hard_wrap.h"
#include "codec/convert/mail_header.h"
#include "codec/convert/text.h"
#include "codec/mime/compose.h"
#include "codec/mm7/dialect.h"
#include "codec/mms/pdu.h"

namespace pushmail::convert {
namespace {

MailToMmOptions options() { return {.profile = {}, .sender_in_text = true, .content_id_domain = "mms.example.net", .item_id = "01JD3X"}; }
MailToMm converted(std::string_view written, const MailToMmOptions& how = options()) {
  // What is made of a mail points into it.
  static std::deque<std::string> mails;
  const std::string& mail = mails.emplace_back(written);
  auto result = mail_to_mm(bytes_of(mail), how);
  EXPECT_TRUE(result);
  return result ? std::move(*result) : MailToMm{};
}
std::string all_text(const MailToMm& made) {
  std::string text;
  for (const MultimediaPart& part : made.mm.parts) {
    if (part.media_type == "text/plain") text += std::string(text_of(part.data));
  }
  return text;
}

struct Written {
  std::size_t pdu = 0, submit = 0;
};
Written written(const MailToMm& made, const mm7::Mm7Dialect& dialect = {}) {
  mms::Pdu pdu;
  pdu.type = mms::MessageType::send_req;
  pdu.transaction_id = "01JD3X01JD3X01JD3X01JD3X01JD3X";
  pdu.from = mms::From{.kind = mms::From::Kind::address, .address = "+15550100002/TYPE=PLMN"};
  pdu.to = {"+15550100001/TYPE=PLMN"};
  pdu.subject = made.mm.subject;
  pdu.message_class = "Personal";
  pdu.has_content = true;
  pdu.content.parts = made.mm.parts;
  pdu.content.presentation = made.mm.presentation;
  SubmissionOptions how;
  how.transaction_id = pdu.transaction_id;
  how.sender = {.kind = mm7::AddressKind::short_code, .value = "5000"};
  how.recipients.push_back({.phone = {.kind = mm7::AddressKind::number, .value = "+15550100001"}, .address = {}, .notify = {}});
  const Submission submission = submission_of(made, how);
  const auto encoded = mms::encode(pdu);
  EXPECT_TRUE(encoded);
  return {.pdu = encoded ? encoded->size() : 0, .submit = mm7::encode(submission.request, dialect).body.size()};
}

std::string mail_with(std::size_t parts, std::size_t size, const std::string& name) {
  std::mt19937 random(static_cast<unsigned>(parts + size));
  std::string mail = "From: joe@example.com\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n";
  for (std::size_t i = 0; i < parts; ++i) {
    Bytes data(size);
    for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
    Bytes part;
    append(part, std::string_view("--b\r\nContent-Type: image/jpeg"));
    mime::write_parameter(part, "name", std::to_string(i) + name);
    append(part, std::string_view("\r\n"));
    mime::write_body(part, data, mime::BodyForm::base64);
    mail += std::string(text_of(part)) + "\r\n";
  }
  return mail + "--b--\r\n";
}

TEST(EncodedSize, IsABoundThatIsNotFarAbove) {
  for (const auto& [parts, size, name] : {std::tuple<std::size_t, std::size_t, std::string>{1, 200'000, "a.jpg"},
                                          {40, 3000, "a.jpg"},
                                          {20, 5000, "Grüße aus Köln und von anderswo.jpg"},
                                          {1, 1, "x.jpg"}}) {
    const std::string mail = mail_with(parts, size, name);
    const MailToMm made = converted(mail);
    const EncodedSizes sizes = encoded_sizes(made, {}, false);
    const Written real = written(made);
    EXPECT_GE(sizes.pdu, real.pdu);
    EXPECT_GE(sizes.submit, real.submit);
    EXPECT_LE(sizes.pdu, real.pdu + 400 + 200 * parts);
    EXPECT_LE(sizes.submit, real.submit + 4000 + 600 * parts);
  }
}

TEST(EncodedSize, BothFormsStayWithinTheProfile) {
  const std::size_t limit = options().profile.encoded_size_max;
  for (const auto& [parts, size] :
       {std::pair<std::size_t, std::size_t>{1, 300'000}, {1, 224'000}, {2, 120'000}, {50, 6000}, {300, 1000}, {3, 99'000}}) {
    const std::string mail = mail_with(parts, size, "a.jpg");
    const MailToMm made = converted(mail);
    const Written real = written(made);
    EXPECT_LE(real.pdu, limit) << parts << " of " << size;
    EXPECT_LE(real.submit, limit) << parts << " of " << size;
  }
  // Where parts travel as they are, more of them fit.
  MailToMmOptions binary = options();
  binary.profile.base64_parts = false;
  mm7::Mm7Dialect dialect;
  dialect.parts_base64 = false;
  const std::string mail = mail_with(1, 290'000, "a.jpg");
  const MailToMm made = converted(mail, binary);
  EXPECT_EQ(made.mm.parts.size(), 3U);
  EXPECT_LE(written(made, dialect).submit, limit);
}

TEST(TextLimit, TheRestIsNamed) {
  std::string text;
  while (text.size() < 400'000) text += "Twelve words stand in each of these lines, and nothing else does.\r\n\r\n";
  const MailToMm made = converted("From: joe@example.com\r\n\r\n" + text);
  const std::string shown = all_text(made);
  EXPECT_LE(shown.size(), options().profile.text_size_max + 200);
  EXPECT_GE(shown.size(), options().profile.text_size_max / 8 * 7);
  EXPECT_NE(shown.find("[The rest of the text (3"), std::string::npos) << shown.substr(shown.size() - 200);
  EXPECT_TRUE(shown.ends_with(" KB) is in your mailbox]"));
  MailToMmOptions how = options();
  how.profile.text_size_max = 0;
  EXPECT_GT(all_text(converted("From: joe@example.com\r\n\r\n" + text, how)).size(), 150'000U);
  EXPECT_EQ(all_text(converted("From: joe@example.com\r\n\r\nshort")), "joe@example.com\nshort");
}

TEST(Subject, IsCutForThePhoneAndStandsWholeInTheText) {
  struct Row {
    std::string subject, expected;
  };
  const Row rows[] = {
      {"short", "short"},
      {std::string(40, 'x'), std::string(40, 'x')},
      {std::string(41, 'x'), std::string(37, 'x') + "..."},
      {"The minutes of the meeting of the board of last week", "The minutes of the meeting of the..."},
      {std::string(20, 'x') + " " + std::string(30, 'y'), std::string(20, 'x') + "..."},
  };
  for (const Row& row : rows) {
    const MailToMm made = converted("From: joe@example.com\r\nSubject: " + row.subject + "\r\n\r\nhi");
    EXPECT_EQ(made.mm.subject, row.expected);
    const bool is_cut = row.subject != row.expected;
    EXPECT_EQ(all_text(made), is_cut ? "joe@example.com\nSubject: " + row.subject + "\nhi" : "joe@example.com\nhi");
  }
  std::string umlauts;
  for (int i = 0; i < 60; ++i) umlauts += "ü";
  EXPECT_EQ(short_subject(umlauts, 40), umlauts.substr(0, 74) + "...");
  EXPECT_EQ(short_subject(umlauts, 0), umlauts);
  EXPECT_EQ(short_subject("abcdef", 2), "..");
  // Whoever names another subject gets it cut too.
  SubmissionOptions how;
  how.subject = std::string(600, 'x');
  const MailToMm made = converted("From: joe@example.com\r\n\r\nhi");
  EXPECT_EQ(submission_of(made, how).request.subject, std::string(37, 'x') + "...");
}

TEST(Names, NoPartWithoutUseOrName) {
  const auto parts = [](std::string_view type, std::string_view body, std::string_view more = "") {
    const MailToMm made = converted(
        "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: " +
        std::string(type) + "\r\n" + std::string(more) + "Content-Disposition: attachment\r\n\r\n" + std::string(body) + "\r\n--b--\r\n");
    std::string out;
    for (std::size_t i = 2; i < made.mm.parts.size(); ++i)
      out += std::string(made.mm.parts[i].media_type) + ":" + std::string(made.mm.parts[i].name) + ":" +
             std::string(made.mm.parts[i].content_location) + " ";
    return out + all_text(made).substr(sizeof("joe@example.com\n") - 1);
  };
  EXPECT_EQ(parts("image/jpeg; name=photo", "x"), "image/jpeg:photo.jpg:photo.jpg hi");
  EXPECT_EQ(parts("image/jpeg; name=photo.jpeg", "x"), "image/jpeg:photo.jpeg:photo.jpeg hi");
  EXPECT_EQ(parts("image/jpeg; name=\"Dr. Smith\"", "x"), "image/jpeg:Dr. Smith.jpg:Dr._Smith.jpg hi");
  EXPECT_EQ(parts("image/jpeg", "x"), "image/jpeg:image.jpg:image.jpg hi");
  EXPECT_EQ(parts("application/octet-stream", "\xFF\xD8\xFF\xE0xx"), "image/jpeg:image.jpg:image.jpg hi");
  EXPECT_EQ(parts("application/octet-stream; name=photo", "\x89PNG\r\n\x1A\nxx"), "image/png:photo.png:photo.png hi");
  EXPECT_EQ(parts("application/octet-stream", "%PDF-1.4"), "hi\n[Left out: application/pdf (8 bytes); in your mailbox]");
  EXPECT_EQ(parts("application/octet-stream", "xyz"), "hi\n[Left out: application/octet-stream (3 bytes); in your mailbox]");
  EXPECT_EQ(parts("application/x-unheard-of", "xyz"), "hi\n[Left out: application/x-unheard-of (3 bytes); in your mailbox]");
  // Empty ones: named when they have a name.
  EXPECT_EQ(parts("image/jpeg; name=photo.jpg", ""), "hi\n[Left out: photo.jpg (0 bytes); in your mailbox]");
  EXPECT_EQ(parts("image/jpeg", ""), "hi");
}

TEST(Names, AnEmptyMailSaysSo) {
  EXPECT_EQ(all_text(converted("From: joe@example.com\r\nSubject: x\r\n\r\n")), "joe@example.com\n[This mail is empty.]");
}

TEST(Sizes, WhatIsLeftOutIsToldAsItIs) {
  for (const std::size_t size : {12U, 57U, 100U, 500U, 1000U}) {
    Bytes part;
    mime::write_body(part, Bytes(size, 'x'), mime::BodyForm::base64);
    const std::string text = all_text(converted(
        "From: joe@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n" +
        std::string(text_of(part)) + "\r\n--b--\r\n"));
    EXPECT_NE(text.find("[Left out: a.pdf (" + std::to_string(size) + " bytes)"), std::string::npos) << text;
  }
}

TEST(HardWrap, Paragraphs) {
  struct Row {
    std::string_view text, expected;
  };
  const Row rows[] = {
      {"This is the first line of a text that a mail program broke at the 72nd\ncolumn, as they all did when screens were made of glass, "
       "and here is one\nmore line that is as long as the others are, so that there is no doubt\nabout it.\n\nBest regards\nAnn\n",
       "This is the first line of a text that a mail program broke at the 72nd column, as they all did when screens were made of glass, "
       "and here is one more line that is as long as the others are, so that there is no doubt about it.\n\nBest regards\nAnn"},
      // A long word did not fit and left much room.
      {"Wir fuhren in gleicher Lage steil in die Gegend hinein. Das\ndurchgebogene Segel hing in nie sterbender Welle einen Bogen "
       "weit\n"
       "über Bord. Die Leinen der Boote neigten sich tiefer und streiften das\nWasser, bis sie wieder kamen, und so ging es zu einer "
       "Insel,\n"
       "die keinen Namen hat.",
       "Wir fuhren in gleicher Lage steil in die Gegend hinein. Das durchgebogene Segel hing in nie sterbender Welle einen Bogen "
       "weit "
       "über Bord. Die Leinen der Boote neigten sich tiefer und streiften das Wasser, bis sie wieder kamen, und so ging es zu einer "
       "Insel,\n"
       "die keinen Namen hat."},
      // One paragraph that nobody broke among many that a program did.
      {"This is the first line of a text that a mail program broke at the 72nd\ncolumn, as they all did when screens were made of glass, "
       "and here is one\n"
       "more line that is as long as the others are, so that there is no doubt\nabout it at all.\n\nMore than 70 percent of all those who "
       "use "
       "it have their fees paid back by their companies within a year!\n\nBest regards",
       "This is the first line of a text that a mail program broke at the 72nd column, as they all did when screens were made of glass, "
       "and "
       "here is one more line that is as long as the others are, so that there is no doubt about it at all.\n\nMore than 70 percent of all "
       "those "
       "who use it have their fees paid back by their companies within a year!\n\nBest regards"},
      // Two lines are little to judge by: a sentence must go on.
      {"Hello Bob, here is the report which you asked me for when we met last\nweek.",
       "Hello Bob, here is the report which you asked me for when we met last week."},
      {"Hello Bob, here is the report which you asked me for when we met last.\nRegards, Ann",
       "Hello Bob, here is the report which you asked me for when we met last.\nRegards, Ann"},
      // Verse, addresses, lists, code, tables, long lines.
      {"Roses are red\nviolets are blue\nsugar is sweet", "Roses are red\nviolets are blue\nsugar is sweet"},
      {"Example Ltd\nStreet 1\n12345 Town", "Example Ltd\nStreet 1\n12345 Town"},
      {"- the first thing that has to be done before the others can be thought\n- the second",
       "- the first thing that has to be done before the others can be thought\n- the second"},
      {"1. the first thing that has to be done before the others can be thought\n2. the second",
       "1. the first thing that has to be done before the others can be thought\n2. the second"},
      {"int main() { return some_function_with_a_long_name(argument_one, two);\n  }",
       "int main() { return some_function_with_a_long_name(argument_one, two);\n  }"},
      {"", ""},
      {"one line", "one line"},
  };
  for (const Row& row : rows) {
    Arena arena;
    std::string_view shown = rejoin_wrapped(row.text, arena);
    while (shown.ends_with('\n')) shown.remove_suffix(1);
    EXPECT_EQ(shown, row.expected);
  }
  // A long line, and too little else to be sure.
  const std::string mixed = std::string(100, 'x') + "\nThis line is seventy columns long or nearly so, as anybody can count\nhere\n";
  Arena arena;
  EXPECT_EQ(rejoin_wrapped(mixed, arena), mixed);
}

// Lines are looked at sixteen bytes at a time: a gap, a column or an address is seen wherever it stands in one.
TEST(HardWrap, WhatIsNoProseIsSeenAtEachPlaceOfALine) {
  constexpr std::size_t width = 72;
  const std::string prose = std::string(width / 2, 'a') + ' ' + std::string(width - width / 2 - 1, 'b');
  const auto joined = [](const std::string& text) {
    Arena arena;
    return std::string(rejoin_wrapped(text, arena)) != text;
  };
  ASSERT_TRUE(joined(prose + "\n" + prose + "\n" + prose + "\n" + prose));
  for (const std::string_view sign : {"   ", " | ", "://", "\t"}) {
    for (std::size_t at = 1; at + sign.size() < width; ++at) {
      std::string other(width, 'c');
      other.replace(at, sign.size(), sign);
      EXPECT_FALSE(joined(other + "\n" + other + "\n" + other + "\n" + other)) << sign << " at " << at;
    }
  }
  // Two columns each, in every place: twice as wide as its characters are many.
  for (std::size_t at = 0; at < 16; ++at) {
    const std::string wide = std::string(at, 'd') + "\u4E2D\u6587" + std::string(width - 4 - at, 'd');
    EXPECT_TRUE(joined(wide + "\n" + wide + "\n" + wide + "\n" + wide)) << at;
  }
}

}  // namespace
}  // namespace pushmail::convert

// Structure: what is which part, for good mail and for each tolerance of the written list.
#include <gtest/gtest.h>

#include <algorithm>

#include "codec/mime/errors.h"
#include "codec/mime/message.h"
#include "codec/mime/tolerances.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

/// `multipart/mixed{text/plain"hello",image/png"..."}`: the tree with the decoded bodies of its leaves.
std::string tree(const Message& message, std::size_t index = 0) {
  const Part& part = message.parts[index];
  std::string out(part.media_type);
  std::string children;
  for (std::size_t i = index + 1; i < message.parts.size(); ++i) {
    if (message.parts[i].parent != index) continue;
    if (!children.empty()) children += ",";
    children += tree(message, i);
  }
  if (!children.empty()) return out + "{" + children + "}";
  return out + "\"" + std::string(text_of(decode_body(part))) + "\"";
}

std::string tree_of(std::string_view mail) {
  const auto message = parse(bytes_of(mail));
  return message ? tree(*message) : std::string(message.error().info->name);
}

bool noted(std::string_view mail, std::string_view rule) {
  const auto message = parse(bytes_of(mail));
  return message && std::any_of(message->tolerated.begin(), message->tolerated.end(), [&](const Tolerance& t) { return t.rule == rule; });
}

TEST(Parse, NestedMultipart) {
  EXPECT_EQ(tree_of("From: a@b.example\r\n"
                    "Content-Type: multipart/mixed; boundary=\"out\"\r\n\r\n"
                    "preamble\r\n"
                    "--out\r\n"
                    "Content-Type: multipart/alternative; boundary=in\r\n\r\n"
                    "--in\r\n\r\nplain\r\n"
                    "--in\r\nContent-Type: text/html\r\n\r\n<p>html\r\n"
                    "--in--\r\n"
                    "inner epilogue\r\n"
                    "--out\r\n"
                    "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAQID\r\n"
                    "--out--\r\n"
                    "epilogue\r\n"),
            "multipart/mixed{multipart/alternative{text/plain\"plain\",text/html\"<p>html\"},image/png\"\x01\x02\x03\"}");
}

TEST(Parse, PartsDescribeThemselves) {
  const std::string mail =
      "Content-Type: image/JPEG; name=\"old.jpg\"\r\n"
      "Content-Disposition: attachment; filename*=utf-8''bild%C3%A4.jpg\r\n"
      "Content-ID: <one@x.example>\r\n"
      "Content-Location: bild.jpg\r\n"
      "Content-Transfer-Encoding: Base64\r\n\r\nAQID";
  const auto message = parse(bytes_of(mail));
  ASSERT_TRUE(message);
  const Part& part = message->parts[0];
  EXPECT_EQ(part.media_type, "image/jpeg");
  EXPECT_EQ(part.name, "bildä.jpg");
  EXPECT_EQ(part.content_id, "one@x.example");
  EXPECT_EQ(part.content_location, "bild.jpg");
  EXPECT_TRUE(part.is_attachment);
  EXPECT_EQ(part.coding, TransferCoding::base64);
  EXPECT_EQ(part.field("content-id"), "<one@x.example>");
  EXPECT_EQ(part.type_parameter("name"), "old.jpg");
  EXPECT_EQ(decode_body(part), (Bytes{1, 2, 3}));
}

TEST(Parse, AHeaderEndsAtADelimiterAlsoBehindFoldedLines) {
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                    "--b\r\nContent-Type: text/html;\r\n charset=utf-8;\r\n\tname=--b\r\nX-Folded: 1\r\n --b\r\n   \r\nX-Last: 2\r\n"
                    "--b\r\n-Odd: 1\r\n--c: 2\r\n\r\ntwo\r\n--b--\r\n"),
            "multipart/mixed{text/html\"\",text/plain\"two\"}");
}

TEST(Parse, MessageInsideAMessage) {
  const std::string mail =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: text/html\r\n\r\n<b>hi\r\n--b\r\n\r\nlast\r\n--b--\r\n";
  const auto message = parse(bytes_of(mail));
  ASSERT_TRUE(message);
  EXPECT_EQ(tree(*message), "multipart/mixed{message/rfc822{text/html\"<b>hi\"},text/plain\"last\"}");
  EXPECT_EQ(message->parts[2].field("Subject"), "inner");
  EXPECT_EQ(message->parts[2].depth, 2U);
  EXPECT_EQ(tree_of("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\none\r\n--b--\r\n"),

            "multipart/digest{message/rfc822{text/plain\"one\"}}");
}

TEST(Parse, ExternalAndPartialMessagesAreLeaves) {
  EXPECT_EQ(
      tree_of("Content-Type: message/external-body; access-type=URL; URL=\"http://example.com/x\"\r\n\r\nContent-Type: text/plain\r\n\r\n"),
      "message/external-body\"Content-Type: text/plain\r\n\r\n\"");
  EXPECT_EQ(tree_of("Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nSubject: y\r\n"), "message/partial\"Subject: y\r\n\"");
  // A coded message is no structure (RFC 2046 §5.2.1).
  EXPECT_EQ(tree_of("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj"), "message/rfc822\"abc\"");
}

struct ToleranceRow {
  std::string_view rule;
  std::string mail;
  std::string expected;
};

TEST(Parse, EachToleranceIsReadAndNoted) {
  const ToleranceRow rows[] = {
      {tolerance::mbox_line, "From joe Mon Jan  1\nSubject: x\n\nhi", "text/plain\"hi\""},
      {tolerance::bare_lf, "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b--\n",
       "multipart/mixed{text/plain\"a\"}"},
      {tolerance::no_colon, "Subject: x\r\njunk line\r\nContent-Type: text/html\r\n\r\nhi", "text/html\"hi\""},
      {tolerance::no_blank_line, "Subject: x\r\nthis is text\r\nmore", "text/plain\"this is text\r\nmore\""},
      {tolerance::no_colon, "Subject: x\r\na broken line\r\n\r\nhi", "text/plain\"hi\""},
      {tolerance::bare_cr, "Subject: x\rContent-Type: multipart/mixed; boundary=b\r\r--b\r\ra\r--b--\r",
       "multipart/mixed{text/plain\"a\"}"},
      {tolerance::bare_part, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b\r\n--b\r\nbroken\r\n--b--",
       "multipart/mixed{text/plain\"a\"}"},
      {tolerance::no_blank_line, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\none\r\ntwo\r\n--b--",
       "multipart/mixed{text/plain\"one\r\ntwo\"}"},
      {tolerance::no_blank_line, "just text\r\n", "text/plain\"just text\r\n\""},
      {tolerance::space_before_colon, "Content-Type : text/html\r\n\r\nhi", "text/html\"hi\""},
      {tolerance::space_before_colon, "Content-Type\n : text/html\nSubject: x\n\nhi", "text/html\"hi\""},
      {tolerance::too_long, "Subject: " + std::string(200'000, 'x') + "\r\nContent-Type: text/html\r\n\r\nhi", "text/html\"hi\""},
      {tolerance::bad_content_type, "Content-Type: nonsense\r\n\r\nhi", "text/plain\"hi\""},
      {tolerance::bad_content_type, "Content-Type: image; name=x.jpg\r\n\r\nhi", "application/octet-stream\"hi\""},
      {tolerance::boundary_missing, "Content-Type: multipart/mixed\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\na\r\n--b--\r\n",
       "multipart/mixed{text/html\"a\"}"},
      {tolerance::boundary_guessed,
       "Content-Type: multipart/mixed; boundary=other\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\na\r\n--b--\r\n",
       "multipart/mixed{text/html\"a\"}"},
      {tolerance::not_closed, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na", "multipart/mixed{text/plain\"a\"}"},
      {tolerance::not_closed,
       "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; "
       "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--a\r\n\r\ny\r\n--a--",
       "multipart/mixed{multipart/mixed{text/plain\"x\"},text/plain\"y\"}"},
      {tolerance::no_parts, "Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts here", "text/plain\"no parts here\""},
      {tolerance::no_parts, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", "text/plain\"\""},
      {tolerance::no_parts, "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\nno parts here", "text/plain\"no parts here\""},
      {tolerance::encoded_multipart,
       "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\na\r\n--b--",
       "multipart/mixed{text/plain\"a\"}"},
      {tolerance::lost_folding,
       "Received: from a\r\nDKIM-Signature: v=1;\r\nd=example.com; s=1;\r\nbh=abc=;\r\nb=def\r\nghi\r\nSubject: x\r\nContent-Type: "
       "text/html\r\n\r\nhi",
       "text/html\"hi\""},
      {tolerance::lost_folding, "To: a@example.com,\r\nb@example.com,\r\nc@example.com\r\nContent-Type: text/html\r\n\r\nhi",
       "text/html\"hi\""},
      {tolerance::lost_folding, "Message-ID:\r\nwords of it\r\nand more\r\nContent-Type: text/html\r\n\r\nhi", "text/html\"hi\""},
      {tolerance::lost_folding, "X-A: \t\r\nwords of it\r\nand more\r\nContent-Type: text/html\r\n\r\nhi", "text/html\"hi\""},
      // What people write does not run on, and no usual field follows: it is text.
      {tolerance::no_blank_line, "Subject: x\r\nHello Bob\r\nhow are you\r\nDate: tomorrow\r\n\r\nAnn",
       "text/plain\"Hello Bob\r\nhow are you\r\nDate: tomorrow\r\n\r\nAnn\""},
      {tolerance::no_blank_line, "X-A: 1\r\nHello Bob\r\nhow are you\r\n\r\nSubject: y",
       "text/plain\"Hello Bob\r\nhow are you\r\n\r\nSubject: y\""},
      {tolerance::unknown_coding, "Content-Transfer-Encoding: rot13\r\n\r\nhi", "text/plain\"hi\""},
  };
  for (const ToleranceRow& row : rows) {
    EXPECT_EQ(tree_of(row.mail), row.expected) << row.rule;
    EXPECT_TRUE(noted(row.mail, row.rule)) << row.rule << "\n" << row.mail.substr(0, 200);
  }
}

TEST(Parse, OfAFieldThatStandsTwiceTheFirstCounts) {
  EXPECT_EQ(tree_of("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nsize=25"),
            "text/plain\"size=25\"");
  EXPECT_EQ(tree_of("Content-Transfer-Encoding: quoted-printable\r\nContent-Transfer-Encoding: 7bit\r\n\r\nsize=25"),
            "text/plain\"size%\"");
  EXPECT_EQ(tree_of("Content-Type: text/html\r\nContent-Type: image/png\r\n\r\nx"), "text/html\"x\"");
}

// Names and subjects without any label are in the charset of the text beside them.
TEST(Parse, RawNamesFollowTheText) {
  struct Row {
    std::string charset, raw, expected;
  };
  const Row rows[] = {{"windows-1251", "\xCE\xF2\xF7\xB8\xF2.png", "Отчёт.png"},
                      {"koi8-r", "\xE1.png", "А.png"},
                      {"shift_jis", "\x93\xFA.png", "日.png"},
                      {"iso-8859-2", "\xB9.png", "š.png"},
                      {"utf-8", "\xE9.png", "é.png"},
                      {"us-ascii", "\xE9.png", "é.png"},
                      {"", "\xE9.png", "é.png"},
                      {"windows-1251", "\xC3\xA9.png", "é.png"}};
  for (const Row& row : rows) {
    for (const bool text_first : {true, false}) {
      const std::string text =
          "--b\r\nContent-Type: text/plain" + (row.charset.empty() ? "" : "; charset=" + row.charset) + "\r\n\r\nx\r\n";
      const std::string picture = "--b\r\nContent-Type: image/png; name=\"" + row.raw + "\"\r\n\r\nx\r\n";
      const std::string mail =
          "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + (text_first ? text + picture : picture + text) + "--b--\r\n";
      const auto message = parse(bytes_of(mail));
      ASSERT_TRUE(message);
      EXPECT_EQ(message->parts[text_first ? 2 : 1].name, row.expected) << row.charset;
    }
  }
}

TEST(Parse, GoodMailNotesNothing) {
  const auto message = parse(bytes_of("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n"));
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->tolerated.empty());
}

TEST(Parse, BoundariesThatLookLikeOthers) {
  // The inner one starts with the outer one, and the other way round; blanks behind; characters that mean something elsewhere.
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; "
                    "boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n--ab--\r\n--a\r\n\r\ny\r\n--a--\r\n"),
            "multipart/mixed{multipart/mixed{text/plain\"x\"},text/plain\"y\"}");
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\nContent-Type: multipart/mixed; "
                    "boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n--ab\r\n\r\ny\r\n--ab--\r\n"),
            "multipart/mixed{multipart/mixed{text/plain\"x\"},text/plain\"y\"}");
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=\"b  \"\r\n\r\n--b\t \r\n\r\nx\r\n--b-- \r\n"),
            "multipart/mixed{text/plain\"x\"}");
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=\".*[(]\"\r\n\r\n--.*[(]\r\n\r\nx\r\n--abcd\r\n--.*[(]--\r\n"),
            "multipart/mixed{text/plain\"x\r\n--abcd\"}");
  const std::string longest(2049, 'b');
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=" + longest + "\r\n\r\n--" + longest + "\r\n\r\nx\r\n--" + longest + "--\r\n"),
            "multipart/mixed{text/plain\"x\"}");
  // Both levels use the same boundary.
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; "
                    "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--\r\n"),
            "multipart/mixed{multipart/mixed{text/plain\"x\"},text/plain\"y\"}");
}

TEST(Parse, EmptyParts) {
  EXPECT_EQ(tree_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b\r\n--b\r\nContent-Type: text/html\r\n--b--\r\n"),
            "multipart/mixed{text/plain\"\",text/html\"\"}")
      << "between two delimiters without even an empty line there is no part";
  EXPECT_EQ(tree_of("Subject: only a header"), "text/plain\"\"");
  EXPECT_EQ(tree_of(""), "mime.empty");
  EXPECT_EQ(tree_of("\r\n \r\n"), "mime.empty");
  EXPECT_EQ(tree_of("\r\n\r\nSubject: late\r\nContent-Type: text/html\r\n\r\nx"), "text/html\"x\"");
}

TEST(Parse, Entity) {
  const std::string body = "--b\r\nContent-Type: text/xml\r\nContent-ID: <soap>\r\n\r\n<x/>\r\n--b--\r\n";
  const auto message = parse_entity("multipart/related; type=\"text/xml\"; start=\"<soap>\"; boundary=\"b\"", bytes_of(body));
  ASSERT_TRUE(message);
  EXPECT_EQ(tree(*message), "multipart/related{text/xml\"<x/>\"}");
  EXPECT_EQ(message->parts[0].type_parameter("start"), "<soap>");
  EXPECT_EQ(message->parts[1].content_id, "soap");
  const auto single = parse_entity("text/xml; charset=utf-8", bytes_of("<x/>"));
  ASSERT_TRUE(single);
  EXPECT_EQ(tree(*single), "text/xml\"<x/>\"");
  EXPECT_EQ(single->parts[0].charset, "utf-8");
  EXPECT_TRUE(parse_entity("multipart/related; boundary=b", {}));
}

// Torture list 13, 14, 16, 21: bounded and linear. The sizes make anything quadratic run into the test's time limit.

TEST(Parse, DepthIsBounded) {
  for (const int depth : {32, 33, 100, 100'000}) {
    std::string mail;
    for (int i = 0; i < depth; ++i) {
      const std::string b = std::to_string(i);
      mail += "Content-Type: multipart/mixed; boundary=b" + b + "\r\n\r\n--b" + b + "\r\n";
    }
    mail += "\r\ninnermost\r\n";
    const auto message = parse(bytes_of(mail));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->parts.size(), static_cast<std::size_t>(std::min(depth, 32)) + 1);
    EXPECT_EQ(message->parts.back().media_type, depth > 32 ? "application/octet-stream" : "text/plain");
    EXPECT_EQ(message->parts.back().depth, static_cast<std::uint32_t>(std::min(depth, 32)));
    EXPECT_EQ(noted(mail, tolerance::too_deep), depth > 32);
  }
}

TEST(Parse, MessagesInMessagesAreBounded) {
  std::string mail;
  for (int i = 0; i < 20'000; ++i) mail += "Content-Type: message/rfc822\r\n\r\n";
  mail += "Subject: x\r\n\r\ninnermost";
  const auto message = parse(bytes_of(mail));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->parts.size(), limits::mime_depth_max + 1);
  EXPECT_EQ(message->parts.back().media_type, "application/octet-stream");
}

TEST(Parse, PartsAreBounded) {
  for (const int count : {999, 10'000, 1'000'000}) {
    std::string mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < count; ++i) mail += "--b\r\n\r\nx\r\n";
    mail += "--b--\r\n";
    const auto message = parse(bytes_of(mail));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->parts.size(), limits::mime_part_count_max);
    EXPECT_EQ(noted(mail, tolerance::too_many_parts), true);
    EXPECT_EQ(message->parts.back().media_type, "application/octet-stream");
  }
}

TEST(Parse, HeadersAreBounded) {
  std::string many = "";
  for (int i = 0; i < 100'000; ++i) many += "X: y\r\n";
  const std::string mail = many + "\r\nbody";
  const auto message = parse(bytes_of(mail));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->parts[0].fields.size(), limits::mime_field_count_max);
  EXPECT_TRUE(noted(mail, tolerance::too_many_fields));
  EXPECT_EQ(tree(*message), "text/plain\"body\"");

  EXPECT_EQ(tree_of("To: " + std::string(5'000'000, 'x') + "\r\n\r\nbody"), "text/plain\"body\"");
  EXPECT_EQ(tree_of(": no name\r\n\r\nbody").substr(0, 10), "text/plain");
  EXPECT_EQ(tree_of(std::string("Subject: a\0b\r\n\r\nbody", 20)), "text/plain\"body\"");
}

TEST(Parse, DashLinesAgainstManyBoundariesAreLinear) {
  std::string mail;
  const std::string common(1000, 'b');
  for (int i = 0; i < 32; ++i) {
    const std::string b = common + std::to_string(i + 10);
    mail += "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n";
  }
  mail += "\r\n";
  for (int i = 0; i < 10'000; ++i) mail += "--" + common + "\r\n";
  EXPECT_TRUE(parse(bytes_of(mail)));
}

TEST(DecodeBody, Base64Tolerances) {
  struct Row {
    std::string input, expected;
    std::string_view rule;
  };
  const Row rows[] = {
      {"YWJj", "abc", ""},
      {"YW\r\nJj\r\n", "abc", ""},
      {"Y W J j", "abc", ""},
      {"YWI", "ab", ""},
      {"YWI=", "ab", ""},
      {"YQ", "a", ""},
      {"YQ==\r\n\r\n", "a", ""},
      {"Y", "", tolerance::base64_foreign},
      {"====", "", tolerance::base64_foreign},
      {"Y!W@J#j", "abc", tolerance::base64_foreign},
      {"\xFFYWJj", "abc", tolerance::base64_foreign},
      {"YWI=\r\nYWJj\r\n", "ababc", tolerance::base64_after_padding},
      {"YWI=\r\n-- \r\nfooter of a list", "ab", tolerance::base64_after_padding},
  };
  for (const Row& row : rows) {
    Part part;
    part.coding = TransferCoding::base64;
    part.body = bytes_of(row.input);
    std::vector<Tolerance> tolerated;
    EXPECT_EQ(text_of(decode_body(part, &tolerated)), row.expected) << row.input;
    EXPECT_EQ(tolerated.empty() ? "" : tolerated.front().rule, row.rule) << row.input;
  }
  // Padding after each group, 8 MB of it: still one pass.
  std::string padded;
  for (int i = 0; i < 2'000'000; ++i) padded += "YQ==";
  Part part;
  part.coding = TransferCoding::base64;
  part.body = bytes_of(padded);
  EXPECT_EQ(decode_body(part).size(), 2'000'000U);
}

TEST(DecodeBody, UuencodeAndQuotedPrintable) {
  Part part;
  part.coding = TransferCoding::uuencode;
  part.body = bytes_of("begin 644 cat.txt\n#0V%T\n`\nend\n");
  EXPECT_EQ(text_of(decode_body(part)), "Cat");
  part.coding = TransferCoding::quoted_printable;
  part.body = bytes_of("a=3Db=\r\nc  \r\n=G1 =");
  std::vector<Tolerance> tolerated;
  EXPECT_EQ(text_of(decode_body(part, &tolerated)), "a=bc\r\n=G1 ");
  ASSERT_EQ(tolerated.size(), 1U);
  EXPECT_EQ(tolerated[0].rule, tolerance::quoted_printable_fault);
}

TEST(DecodedSize, IsThatOfTheDecodedBody) {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 12U, 56U, 57U, 58U, 100U, 500U, 1000U}) {
    std::string coded;
    for (std::size_t i = 0; i < (size + 2) / 3 * 4; ++i) coded += i * 3 / 4 < size ? 'A' : '=';
    if (size % 3 == 1) coded[coded.size() - 2] = '=';
    for (std::size_t at = 76; at < coded.size(); at += 78) coded.insert(at, "\r\n");
    Part part;
    part.coding = TransferCoding::base64;
    part.body = bytes_of(coded);
    EXPECT_EQ(decoded_size(part), size);
    EXPECT_EQ(decode_body(part).size(), size);
  }
  for (const std::string_view coded : {"a=3Db", "a=\r\nb", "a=\nb=C3=A9", "100% =G", ""}) {
    Part part;
    part.coding = TransferCoding::quoted_printable;
    part.body = bytes_of(coded);
    EXPECT_EQ(decoded_size(part), decode_body(part).size()) << coded;
  }
}

TEST(DecodeText, CharsetsGiveValidUtf8) {
  struct Row {
    std::string charset, bytes, expected;
  };
  const Row rows[] = {
      {"utf-8", "a\r\nb\rc\nd", "a\nb\nc\nd"},
      {"utf-8", "\xEF\xBB\xBFx", "x"},
      {"utf-8", "a\xC0\xAF\xED\xA0\x80z", "a\xEF\xBF\xBD\xEF\xBF\xBDz"},
      {"us-ascii", "caf\xE9", "café"},
      {"us-ascii", "caf\xC3\xA9", "café"},
      {"", "caf\xE9", "café"},
      {"", "\x1B$BF|K\\\x1B(B", "日本"},
      {"iso-8859-1", "\x80 \x9F \x81", "€ Ÿ \xEF\xBF\xBD"},
      {"gb2312", "\xC8\xD5\xB1\xBE\x8C\xA2", "日本將"},
      {"big5", "\xA4\xA4\xA4\xE5", "中文"},
      {"ks_c_5601-1987", "\xC7\xD1\xB1\xDB\x8C\x63", "한글똠"},
      {"shift_jis", "\x93\xFA\x96\x7B\x87\x40", "日本①"},
      {"iso-2022-jp", "\x1B$BF|K\\\x1B(", "日本\xEF\xBF\xBD"},
      {"utf-7", "+AGE-b +2D3eAA-", "ab 😀"},
      {"utf-16",
       std::string("\xFF\xFE"
                   "a\0b\0",
                   6),
       "ab"},
      {"utf-16", std::string("\0a\0b", 4), "ab"},
      {"utf-16", std::string("a\0b\0", 4), "ab"},
      {"utf-16be", std::string("\xD8\x3D\xDE\x00\xD8", 5), "😀\xEF\xBF\xBD"},
      {"koi8-r", "\xF0\xD2\xC9", "При"},
      {"x-unknown", "caf\xE9", "café"},
      // Other spellings of what the table has.
      {"cp-850", "\x82", "é"},
      {"IBM-850", "\x82", "é"},
      {"win-1251", "\xC0", "А"},
      {"windows_1251", "\xC0", "А"},
      {"x-cp1251", "\xC0", "А"},
      {"ISO_8859-2:1987", "\xB9", "š"},
      {"8859-2", "\xB9", "š"},
      {"utf_8", "é", "é"},
      {"Shift-JIS", "\x93\xFA", "日"},
      {"../../etc/passwd//TRANSLIT", "caf\xC3\xA9", "café"},
      {"\"UTF-8\"", "é", "é"},
  };
  for (const Row& row : rows) {
    Part part;
    part.charset = row.charset;
    part.media_type = "text/plain";
    part.body = bytes_of(row.bytes);
    EXPECT_EQ(decode_text(part), row.expected) << row.charset;
  }
  Part html;
  html.media_type = "text/html";
  html.body = bytes_of("<meta charset=\"koi8-r\">\xF0\xD2\xC9");
  EXPECT_EQ(decode_text(html), "<meta charset=\"koi8-r\">При");
}

}  // namespace
}  // namespace pushmail::mime

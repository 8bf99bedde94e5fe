// What we write: strict, folded, and read back as it was.
#include "codec/mime/compose.h"

#include <gtest/gtest.h>

#include <random>

namespace pushmail::mime {
namespace {

std::string field(std::string_view name, std::string_view value) {
  Bytes out;
  write_text_field(out, name, value);
  return std::string(text_of(out));
}

void expect_lines_fit(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    ASSERT_NE(end, std::string_view::npos) << text;
    EXPECT_LE(end, text.substr(0, end).contains("=?utf-8?") ? 76U : 78U) << text.substr(0, end);
    EXPECT_EQ(text.substr(0, end).find_first_of("\r\n"), std::string_view::npos);
    text.remove_prefix(end + 2);
  }
}

TEST(WriteTextField, Plain) {
  EXPECT_EQ(field("Subject", "Hello world"), "Subject: Hello world\r\n");
  EXPECT_EQ(field("Subject", ""), "Subject: \r\n");
  EXPECT_EQ(field("Subject", "a\r\nBcc: x@y.example"), "Subject: =?utf-8?Q?a__Bcc=3A_x=40y=2Eexample?=\r\n");
  EXPECT_EQ(field("Subject", "é"), "Subject: =?utf-8?B?w6k=?=\r\n");
}

TEST(WriteTextField, EveryValueComesBackAndFits) {
  std::mt19937 random(7);
  const std::vector<std::string> letters{"a", "B", "7", " ", " ", "é", "ß", "日", "本", "😀", "\"", "=?", "?=", "_", "=", ",", "longword"};
  for (int round = 0; round < 2000; ++round) {
    std::string value;
    for (unsigned i = 0, n = static_cast<unsigned>(random() % 120); i < n; ++i) value += letters[random() % letters.size()];
    value = std::string(ascii_trim(value));
    const std::string written = field("Subject", value);
    expect_lines_fit(written);
    EXPECT_EQ(decode_header(written.substr(9)), value);
  }
}

TEST(WriteMailboxesField, ComesBackAndFits) {
  const std::vector<Mailbox> mailboxes{
      {"Joe Doe", "joe", "example.com"},
      {"Doe, \"J\"", "joe", "example.com"},
      {"Jörg Müller aus der Straße mit dem sehr langen Namen, der umgebrochen wird", "joerg", "example.com"},
      {"", "+15550100001", "mms.example.net"},
      {"日本語の名前", "nihon", "example.jp"},
      {"J. Q. Public", "\"a b\"", "example.com"},
      {"looks =?utf-8?Q?encoded?=", "x", "example.com"},
  };
  Bytes out;
  write_mailboxes_field(out, "To", mailboxes);
  const std::string written(text_of(out));
  expect_lines_fit(written);
  const auto back = parse_mailboxes(std::string_view(written).substr(3));
  ASSERT_EQ(back.size(), mailboxes.size()) << written;
  for (std::size_t i = 0; i < mailboxes.size(); ++i) {
    EXPECT_EQ(back[i].display_name, mailboxes[i].display_name);
    EXPECT_EQ(back[i].address(), mailboxes[i].address());
  }
}

TEST(WriteMailboxesField, NoControlReachesTheHeader) {
  Bytes out;
  const std::vector<Mailbox> mailboxes{{"a\r\nBcc: b", "x\r\ny", "example.com\r\nData: 1"}};
  write_mailboxes_field(out, "To", mailboxes);
  const std::string_view written = text_of(out);
  EXPECT_EQ(written.find('\n'), written.size() - 1) << written;
}

TEST(WriteParameter, ComesBackAndFits) {
  for (const std::string& name : {std::string("a.txt"), std::string("my \"file\" \\ name.txt"), std::string("grüße.txt"),
                                  std::string("日本語ファイル名") + std::string(50, 'x') + "本.pdf", std::string(300, 'n') + ".txt",
                                  std::string("a;b=c.txt"), std::string("100%.txt"), std::string("it's.txt")}) {
    Bytes out;
    append(out, "Content-Disposition: attachment");
    write_parameter(out, "filename", name);
    append(out, "\r\n");
    const std::string written(text_of(out));
    expect_lines_fit(written);
    const std::string mail = written + "\r\nx";
    const auto message = parse(bytes_of(mail));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->parts[0].name, name) << written;
  }
}

TEST(WriteBody, EverySizeComesBack) {
  std::mt19937 random(11);
  for (const std::size_t size : {0U, 1U, 2U, 3U, 56U, 57U, 58U, 76U, 77U, 65536U, 299U * 1024U}) {
    Bytes body(size);
    for (auto& byte : body) byte = static_cast<std::uint8_t>(random());
    for (const BodyForm form : {BodyForm::base64, BodyForm::binary}) {
      Bytes out;
      append(out, "Content-Type: application/octet-stream\r\n");
      write_body(out, body, form);
      if (form == BodyForm::base64) expect_lines_fit(text_of(out));
      const auto message = parse(out);
      ASSERT_TRUE(message);
      EXPECT_EQ(decode_body(message->parts[0]), body) << size;
    }
  }
}

TEST(WriteBody, TextAsQuotedPrintable) {
  for (const std::string& text : {std::string(""), std::string("a"), std::string("a\n"), std::string("blank at end \n\ttab\t\n"),
                                  std::string("=?= ü\n.\nFrom x\n"), std::string(500, 'x') + "\n" + std::string(200, ' ') + "ü"}) {
    Bytes out;
    append(out, "Content-Type: text/plain; charset=utf-8\r\n");
    write_body(out, bytes_of(text), BodyForm::quoted_printable);
    expect_lines_fit(text_of(out));
    const auto message = parse(out);
    ASSERT_TRUE(message);
    EXPECT_EQ(decode_text(message->parts[0]), text);
  }
}

TEST(MakeBoundary, DelimitsNothingInABody) {
  const std::string first = make_boundary("01JD3X", {}, Written::as_is);
  EXPECT_EQ(first, "pm_01JD3X");
  struct Row {
    std::string body;
    std::string_view expected;
  };
  const Row rows[] = {
      {"--" + first + "\r\n", "pm_01JD3X_1"}, {"x\r\n--" + first + "--", "pm_01JD3X_1"},
      {"x\n--" + first + "y", "pm_01JD3X_1"}, {"\n--pm_01JD3X\n--pm_01JD3X_1\n", "pm_01JD3X_2"},
      {"x--" + first + "y", first},           {"x\n" + first, first},
  };
  for (const Row& row : rows) {
    const ByteView bodies[] = {bytes_of("other"), bytes_of(row.body)};
    EXPECT_EQ(make_boundary("01JD3X", bodies, Written::as_is), row.expected) << row.body;
    EXPECT_NE(make_boundary("01JD3X", bodies, Written::encoded), first) << row.body;
  }
}

}  // namespace
}  // namespace pushmail::mime

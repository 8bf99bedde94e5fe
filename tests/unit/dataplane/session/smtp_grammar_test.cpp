// SMTP lines, commands, paths, data and replies, row by row.
#include "dataplane/session/smtp_grammar.h"

#include <gtest/gtest.h>

#include "dataplane/session/errors.h"

namespace pushmail {
namespace {

using smtp::Utf8;

TEST(SmtpLine, Rows) {
  EXPECT_EQ(smtp::read_line(bytes_of("NOOP\r\nRSET\r\n"), 0).value().text, "NOOP");
  EXPECT_EQ(smtp::read_line(bytes_of("NOOP\r\nRSET\r\n"), 0).used(), 6u);
  EXPECT_EQ(smtp::read_line(bytes_of("\r\n"), 0).value().text, "");
  EXPECT_TRUE(smtp::read_line(bytes_of("NOOP\r"), 0).needs_more());
  EXPECT_TRUE(smtp::read_line(bytes_of(""), 0).needs_more());
  EXPECT_EQ(smtp::read_line(bytes_of("250 ok\n"), 0).value().broken, &smtp_bad_line_end) << "a command is another matter";
  EXPECT_EQ(smtp::read_line(bytes_of("250 ok\n"), 0, smtp::LineEnd::any).value().text, "250 ok");
  const auto broken_by = [](std::string_view text) { return smtp::read_line(bytes_of(text), 0).value().broken; };
  EXPECT_EQ(broken_by("NOOP\n"), &smtp_bad_line_end);
  EXPECT_EQ(broken_by("\n"), &smtp_bad_line_end);
  EXPECT_EQ(broken_by(std::string_view("NO\0P\r\n", 6)), &smtp_bad_byte);
  EXPECT_EQ(broken_by("NO\rOP\r\n"), &smtp_bad_byte);
  EXPECT_EQ(broken_by("NOOP\r\r\n"), &smtp_bad_byte);
  const std::string longest = std::string(2046, 'x') + "\r\n";
  EXPECT_EQ(smtp::read_line(bytes_of(longest), 0).value().broken, nullptr);
  const auto too_long = smtp::read_line(bytes_of("x" + longest), 0);
  EXPECT_EQ(too_long.value().broken, &smtp_line_too_long);
  EXPECT_FALSE(too_long.value().complete);
  EXPECT_EQ(too_long.used(), 2048u);
}

TEST(SmtpCommand, Rows) {
  EXPECT_EQ(smtp::parse_command("ehlo  a.example ")->argument, "a.example");
  EXPECT_EQ(smtp::parse_command("NoOp whatever")->verb, smtp::Verb::noop);
  EXPECT_EQ(smtp::parse_command("AUTH PLAIN")->verb, smtp::Verb::not_offered);
  EXPECT_EQ(smtp::parse_command("BDAT 9223372036854775808 LAST")->verb, smtp::Verb::bdat);
  EXPECT_EQ(smtp::parse_command("GET / HTTP/1.1")->verb, smtp::Verb::foreign);
  for (const char* unknown : {"", " NOOP", "NOOPX", "XYZZY", "MAILFROM:<a@b>"}) {
    EXPECT_TRUE(smtp::parse_command(unknown).error().is(smtp_unknown_command)) << unknown;
  }
  for (const char* bad : {"EHLO", "EHLO ", "DATA now", "RSET 1", "QUIT 1", "MAIL", "VRFY"}) {
    EXPECT_TRUE(smtp::parse_command(bad).error().is(smtp_bad_argument)) << bad;
  }
}

struct PathRow {
  const char* path;
  const char* address;  // null: refused
};
class SmtpPath : public testing::TestWithParam<PathRow> {};
TEST_P(SmtpPath, AsRecipient) {
  const auto address = smtp::parse_rcpt("TO:" + std::string(GetParam().path), Utf8::allowed);
  if (GetParam().address == nullptr) {
    EXPECT_FALSE(address.has_value()) << GetParam().path << " gave " << address->address;
    return;
  }
  ASSERT_TRUE(address.has_value()) << GetParam().path << " " << address.error().info->name;
  EXPECT_EQ(address->address, GetParam().address);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, SmtpPath,
    testing::Values(PathRow{"<a@b>", "a@b"}, PathRow{" <a@b>", "a@b"}, PathRow{"<+15550100002@mms.example>", "+15550100002@mms.example"},
                    PathRow{"<+1555/TYPE=PLMN@mms.example>", "+1555/TYPE=PLMN@mms.example"}, PathRow{"<a.b.c@x-y.z>", "a.b.c@x-y.z"},
                    PathRow{"<\"a b\"@c>", "\"a b\"@c"}, PathRow{"<\"a\\@b\\\"\"@c>", "\"a\\@b\\\"\"@c"}, PathRow{"<\"\"@c>", "\"\"@c"},
                    PathRow{"<@one,@two:a@b>", "a@b"}, PathRow{"<a@[192.0.2.1]>", "a@[192.0.2.1]"},
                    PathRow{"<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"}, PathRow{"<Postmaster>", "Postmaster"},
                    PathRow{"<j\xc3\xb6@b\xc3\xbc.example>", "j\xc3\xb6@b\xc3\xbc.example"}, PathRow{"<>", nullptr},
                    PathRow{"a@b", nullptr}, PathRow{"<a@b", nullptr}, PathRow{"<a>", nullptr}, PathRow{"<@b>", nullptr},
                    PathRow{"<a@>", nullptr}, PathRow{"<a@b.>", "a@b"}, PathRow{"<a@b..>", nullptr}, PathRow{"<a@[192.0.2.1].>", nullptr},
                    PathRow{"<a@.b>", nullptr}, PathRow{"<.a@b>", nullptr}, PathRow{"<a.@b>", nullptr}, PathRow{"<a..b@c>", nullptr},
                    PathRow{"<a b@c>", nullptr}, PathRow{"<a@b@c>", nullptr}, PathRow{"<a@-b>", nullptr}, PathRow{"<a@b.>", "a@b"},
                    PathRow{"<a@b..>", nullptr}, PathRow{"<a@[192.0.2.1].>", nullptr}, PathRow{"<a@b_c>", nullptr},
                    PathRow{"<a@[300.0.2.1]>", nullptr}, PathRow{"<a@[2001:db8::1]>", nullptr}, PathRow{"<a@[IPv6:192.0.2.1]>", nullptr},
                    PathRow{"<a@[]>", nullptr}, PathRow{"<\"a@b>", nullptr}, PathRow{"<\"a\\>", nullptr}, PathRow{"<@one,:a@b>", nullptr},
                    PathRow{"<@one a@b>", nullptr}, PathRow{"<a(c)@b>", nullptr}, PathRow{"<\xff@b>", nullptr},
                    PathRow{"<\xc0\xaf@b>", nullptr}, PathRow{"<\xed\xa0\x80@b>", nullptr}, PathRow{"<a@b>x", nullptr},
                    PathRow{"<a@b> NOTIFY=NEVER", "a@b"}, PathRow{"", nullptr}));

TEST(SmtpPath, SizesAndUtf8) {
  EXPECT_TRUE(smtp::parse_rcpt("TO:<" + std::string(250, 'a') + "@b.c>", Utf8::refused).has_value());
  EXPECT_FALSE(smtp::parse_rcpt("TO:<" + std::string(251, 'a') + "@b.c>", Utf8::refused).has_value());
  EXPECT_FALSE(smtp::parse_rcpt("TO:<a@" + std::string(64, 'b') + ">", Utf8::refused).has_value());
  EXPECT_TRUE(smtp::parse_rcpt("TO:<j\xc3\xb6@b>", Utf8::refused).error().is(smtp_needs_utf8));
  EXPECT_TRUE(smtp::parse_rcpt("TO:<j@b\xc3\xbc>", Utf8::refused).error().is(smtp_needs_utf8));
  EXPECT_TRUE(smtp::parse_rcpt("FROM:<a@b>", Utf8::refused).error().is(smtp_bad_argument));
  EXPECT_TRUE(smtp::parse_rcpt("TO:<a@b> ORCPT=x", Utf8::refused).error().is(smtp_bad_parameter));
  EXPECT_TRUE(smtp::parse_rcpt("TO:<a@b> RET=FULL", Utf8::refused).error().is(smtp_unknown_parameter)) << "it is MAIL's";
  EXPECT_TRUE(smtp::parse_rcpt("TO:<a@b> NOTIFY=NEVER NOTIFY=NEVER", Utf8::refused).error().is(smtp_bad_parameter));
  EXPECT_TRUE(smtp::parse_rcpt("TO:<a@b> ORCPT=utf-8;j\xc3\xb6@b", Utf8::refused).error().is(smtp_needs_utf8));
  EXPECT_EQ(smtp::parse_rcpt("TO:<a@b> ORCPT=utf-8;j\xc3\xb6@b", Utf8::allowed)->original, "utf-8;j\xc3\xb6@b");
  EXPECT_TRUE(smtp::is_address("a@b", Utf8::refused));
  EXPECT_TRUE(smtp::is_address("", Utf8::refused));
  for (const char* bad : {"a@b>\r\nRCPT TO:<c@d", "a", "@x:a@b", "a@b>", "<a@b>"})
    EXPECT_FALSE(smtp::is_address(bad, Utf8::allowed)) << bad;
}

TEST(SmtpMail, Parameters) {
  const auto mail = smtp::parse_mail("FROM:<a@b> SIZE=1000  BODY=8BITMIME smtputf8");
  ASSERT_TRUE(mail.has_value());
  EXPECT_EQ(mail->size, 1000u);
  EXPECT_TRUE(mail->eight_bit);
  EXPECT_EQ(mail->utf8, Utf8::allowed);
  EXPECT_EQ(smtp::parse_mail("from:<>")->address, "");
  EXPECT_EQ(smtp::parse_mail("FROM:<a@b> SIZE=99999999999999999999")->size, UINT64_MAX);
  EXPECT_EQ(smtp::parse_mail("FROM:<a@b> SIZE=18446744073709551615")->size, UINT64_MAX);
  EXPECT_EQ(smtp::parse_mail("FROM:<a@b> SIZE=18446744073709551614")->size, UINT64_MAX - 1);
  struct Row {
    const char* text;
    const ErrorInfo* rule;
  };
  for (const Row& row : {Row{"FROM:<a@b> SIZE=999999999999999999999", &smtp_bad_parameter},
                         Row{"FROM:<a@b> SIZE=", &smtp_bad_parameter},
                         Row{"FROM:<a@b> SIZE", &smtp_bad_parameter},
                         Row{"FROM:<a@b> SIZE=-1", &smtp_bad_parameter},
                         Row{"FROM:<a@b> SIZE=1 SIZE=1", &smtp_bad_parameter},
                         Row{"FROM:<a@b> BODY=BINARYMIME", &smtp_bad_parameter},
                         Row{"FROM:<a@b> SMTPUTF8=1", &smtp_bad_parameter},
                         Row{"FROM:<a@b> RET=ALL", &smtp_bad_parameter},
                         Row{"FROM:<a@b> RET=FULL RET=FULL", &smtp_bad_parameter},
                         Row{"FROM:<a@b> ENVID=a+0D+0Ab", &smtp_bad_parameter},
                         Row{"FROM:<a@b> NOTIFY=NEVER", &smtp_unknown_parameter},
                         Row{"FROM:<a@b> AUTH=<>", &smtp_unknown_parameter},
                         Row{"FROM:<a@b>SIZE=1", &smtp_bad_parameter},
                         Row{"FROM:<a@b> -X=1", &smtp_bad_parameter},
                         Row{"FROM:<a@b> X==", &smtp_bad_parameter},
                         Row{"FROM:<j\xc3\xb6@b>", &smtp_needs_utf8},
                         Row{"FROM:a@b", &smtp_bad_path},
                         Row{"FROM:<Postmaster>", &smtp_bad_path},
                         Row{"TO:<a@b>", &smtp_bad_argument},
                         Row{"FROM <a@b>", &smtp_bad_argument}}) {
    const auto result = smtp::parse_mail(row.text);
    ASSERT_FALSE(result.has_value()) << row.text;
    EXPECT_EQ(result.error().info->name, row.rule->name) << row.text;
  }
  EXPECT_EQ(smtp::parse_mail("FROM:<j\xc3\xb6@b> SMTPUTF8")->address, "j\xc3\xb6@b");
}

TEST(SmtpChunk, Rows) {
  struct Row {
    const char* text;
    std::uint64_t size;
    bool is_last;
  };
  for (const Row& row :
       {Row{"0", 0, false}, Row{"86", 86, false}, Row{"0 LAST", 0, true}, Row{"007 last", 7, true},
        Row{"9223372036854775808 LAST", 9'223'372'036'854'775'808U, true}, Row{"99999999999999999999", UINT64_MAX, false}}) {
    const auto chunk = smtp::parse_chunk(row.text);
    ASSERT_TRUE(chunk.has_value()) << row.text;
    EXPECT_EQ(chunk->size, row.size) << row.text;
    EXPECT_EQ(chunk->is_last, row.is_last) << row.text;
  }
  for (const char* bad :
       {"", "LAST", "-1", "+1", "0x10", "1 ", "1  LAST", "1 LAST LAST", "1 LAS", "1,LAST", "1LAST", "100000000000000000000"})
    EXPECT_TRUE(smtp::parse_chunk(bad).error().is(smtp_bad_chunk)) << bad;
}

TEST(SmtpLineEndCheck, SeesALoneOneWhereverItIsCut) {
  struct Row {
    std::string_view mail;
    bool bare;
  };
  for (const Row& row : {Row{"", false}, Row{"a\r\nb", false}, Row{"\r\n\r\n", false}, Row{"\n", true}, Row{"a\rb\r\n", true},
                         Row{"a\r\r\n", true}, Row{"a\n\r\n", true}, Row{"a\r", true}, Row{"\r\n.\n", true}}) {
    for (std::size_t piece = 1; piece <= row.mail.size() + 1; ++piece) {
      smtp::LineEndCheck check;
      for (std::size_t at = 0; at < row.mail.size(); at += piece) check.read(bytes_of(row.mail.substr(at, piece)));
      EXPECT_EQ(check.is_bare(), row.bare) << testing::PrintToString(row.mail) << ' ' << piece;
    }
  }
}

struct DataRow {
  const char* name;
  std::string wire;
  std::string mail;
  std::string rest;
  bool bare;
};
class SmtpData : public testing::TestWithParam<DataRow> {};
TEST_P(SmtpData, IsReadWhereverItIsCut) {
  const DataRow& row = GetParam();
  for (std::size_t piece = 1; piece <= row.wire.size(); ++piece) {
    smtp::DataReader reader;
    Bytes mail;
    std::size_t at = 0;
    bool last = false;
    while (at < row.wire.size() && !last) {
      const auto step = reader.read(bytes_of(std::string_view(row.wire).substr(at, piece)), mail, UINT64_MAX);
      at += step.used;
      last = step.last;
    }
    ASSERT_TRUE(last);
    EXPECT_EQ(text_of(mail), row.mail);
    EXPECT_EQ(row.wire.substr(at), row.rest);
    EXPECT_EQ(reader.bare_line_end(), row.bare);
    EXPECT_EQ(reader.size(), row.mail.size());
  }
}
INSTANTIATE_TEST_SUITE_P(Rows, SmtpData,
                         testing::Values(DataRow{"plain", "a\r\nb\r\n.\r\nQUIT\r\n", "a\r\nb\r\n", "QUIT\r\n", false},
                                         DataRow{"empty", ".\r\n", "", "", false},
                                         DataRow{"stuffed", "..\r\n..a\r\n.b\r\n...\r\n.\r\n", ".\r\n.a\r\nb\r\n..\r\n", "", false},
                                         DataRow{"lf_dot_lf", "a\n.\nMAIL FROM:<x@y>\r\n.\r\n", "a\n.\nMAIL FROM:<x@y>\r\n", "", true},
                                         DataRow{"lf_dot_crlf", "a\n.\r\nMAIL\r\n.\r\n", "a\n.\r\nMAIL\r\n", "", true},
                                         DataRow{"crlf_dot_lf", "a\r\n.\nMAIL\r\n.\r\n", "a\r\n\nMAIL\r\n", "", true},
                                         DataRow{"cr_dot_cr", "a\r.\rMAIL\r\n.\r\n", "a\r.\rMAIL\r\n", "", true},
                                         DataRow{"crlf_dot_cr", "a\r\n.\rMAIL\r\n.\r\n", "a\r\n\rMAIL\r\n", "", true},
                                         DataRow{"cr_cr_lf", "a\r\r\n.\r\n", "a\r\r\n", "", true},
                                         DataRow{"dot_cr_cr_lf", ".\r\r\n.\r\n", "\r\r\n", "", true},
                                         DataRow{"crcrlf_dot", "a\r\r\n.\r\n", "a\r\r\n", "", true},
                                         DataRow{"nul", std::string("a\0b\r\n.\r\n", 8), std::string("a\0b\r\n", 5), "", false}),
                         [](const auto& row) { return row.param.name; });

TEST(SmtpData, RoomBoundsWhatIsKept) {
  smtp::DataReader reader;
  Bytes mail;
  const auto step = reader.read(bytes_of("0123456789\r\n.\r\n"), mail, 4);
  EXPECT_TRUE(step.last);
  EXPECT_EQ(text_of(mail), "0123");
  EXPECT_EQ(reader.size(), 12u);
}

TEST(SmtpStuff, UndoesExactlyWhatDataReaderDoes) {
  EXPECT_FALSE(smtp::stuff(bytes_of("a\r\nb.c\r\n")).has_value()) << "nothing to do: sent in place";
  EXPECT_FALSE(smtp::stuff(bytes_of("")).has_value());
  struct Row {
    const char* mail;
    const char* wire;
  };
  for (const Row& row : {Row{".", "..\r\n"}, Row{"a", "a\r\n"}, Row{"a\n.b\n", "a\r\n..b\r\n"}, Row{"a\r.b", "a\r\n..b\r\n"},
                         Row{"a\r", "a\r\n"}, Row{"\n", "\r\n"}, Row{"\r\r\n", "\r\n\r\n"}, Row{"a\r\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n"},
                         Row{"a\n\r\nb\r\n", "a\r\n\r\nb\r\n"}}) {
    const auto stuffed = smtp::stuff(bytes_of(row.mail));
    ASSERT_TRUE(stuffed.has_value()) << row.mail;
    EXPECT_EQ(text_of(*stuffed), row.wire);
    smtp::DataReader reader;
    Bytes mail;
    const std::string wire = std::string(row.wire) + ".\r\n";
    const auto step = reader.read(bytes_of(wire), mail, UINT64_MAX);
    EXPECT_TRUE(step.last);
    EXPECT_EQ(step.used, wire.size());
    EXPECT_FALSE(reader.bare_line_end());
  }
}

/// What stuff() means, a byte at a time.
std::string stuffed_slowly(std::string_view mail) {
  std::string out;
  for (std::size_t i = 0; i < mail.size(); ++i) {
    const bool after_cr = i > 0 && mail[i - 1] == '\r';
    if (mail[i] == '\n' && !after_cr) out += '\r';
    if (after_cr && mail[i] != '\n') out += '\n';
    if (mail[i] == '.' && (i == 0 || mail[i - 1] == '\n' || after_cr)) out += '.';
    out += mail[i];
  }
  if (mail.ends_with('\r')) return out + '\n';
  return mail.empty() || mail.ends_with('\n') ? out : out + "\r\n";
}

// All that CR, LF, dots and text can be beside one another, alone and at different places of a long line.
TEST(SmtpStuff, EveryNeighbourhoodIsStuffedAndReadBackWhereverItIsCut) {
  constexpr std::string_view letters = "\r\n.a";
  for (std::size_t size = 0; size <= 6; ++size) {
    for (std::size_t number = 0; number < std::size_t{1} << 2 * size; ++number) {
      std::string middle;
      for (std::size_t i = 0; i < size; ++i) middle += letters[number >> 2 * i & 3];
      for (const std::size_t before : {std::size_t{0}, std::size_t{29}, std::size_t{62}}) {
        const std::string mail = std::string(before, 'x') + middle + std::string(before, 'y');
        const auto stuffed = smtp::stuff(bytes_of(mail));
        const std::string wire = stuffed_slowly(mail);
        ASSERT_EQ(stuffed ? std::string(text_of(*stuffed)) : mail, wire);
        ASSERT_EQ(stuffed.has_value(), wire != mail);
        // Whole, in pieces, and by single bytes, which takes the table's way alone: the same, also for a wire that nobody stuffed.
        for (const std::string& sent : {wire + ".\r\n", mail + "\r\n.\r\n"}) {
          std::string first_mail;
          bool first_bare = false;
          for (const std::size_t step : {std::size_t{1}, std::size_t{7}, sent.size()}) {
            smtp::DataReader reader;
            Bytes read;
            std::size_t at = 0;
            for (bool last = false; !last && at < sent.size();) {
              const auto taken = reader.read(bytes_of(std::string_view(sent).substr(at, step)), read, UINT64_MAX);
              at += taken.used;
              last = taken.last;
            }
            if (step == 1) {
              first_mail = text_of(read);
              first_bare = reader.bare_line_end();
            }
            ASSERT_EQ(text_of(read), first_mail) << "in steps of " << step;
            ASSERT_EQ(reader.bare_line_end(), first_bare);
            ASSERT_EQ(reader.size(), read.size());
          }
        }
      }
    }
  }
}

TEST(SmtpReplyText, Rows) {
  const auto one = smtp::parse_reply(bytes_of("250 2.1.5 ok now\r\n250 next\r\n"));
  ASSERT_TRUE(one.is_done());
  EXPECT_EQ(one.value().code, 250);
  EXPECT_EQ(one.value().enhanced, "2.1.5");
  EXPECT_EQ(one.value().text(), "ok now");
  EXPECT_EQ(one.used(), 18u);
  const auto many = smtp::parse_reply(bytes_of("250-a.example hello\r\n250-SIZE 1000\r\n250 8BITMIME\r\n"));
  ASSERT_TRUE(many.is_done());
  EXPECT_EQ(many.value().lines, (std::vector<std::string>{"a.example hello", "SIZE 1000", "8BITMIME"}));
  EXPECT_EQ(smtp::parse_reply(bytes_of("354\r\n")).value().code, 354);
  EXPECT_EQ(smtp::parse_reply(bytes_of("550 5.1.1\r\n")).value().enhanced, "5.1.1");
  EXPECT_EQ(smtp::parse_reply(bytes_of("550 4.1.1 class differs\r\n")).value().enhanced, "");
  EXPECT_EQ(smtp::parse_reply(bytes_of("550 5.1.1x no\r\n")).value().enhanced, "");
  EXPECT_TRUE(smtp::parse_reply(bytes_of("250-a\r\n250 b")).needs_more());
  for (const std::string& bad : {std::string("25 x\r\n"), std::string("250x\r\n"), std::string("150 x\r\n"), std::string("650 x\r\n"),
                                 std::string("250-a\r\n251 b\r\n"), std::string("250 a\rb\n"), std::string("hello\r\n"),
                                 std::string("hello\n"), std::string("250 ") + std::string(3000, 'x')}) {
    EXPECT_TRUE(smtp::parse_reply(bytes_of(bad)).is_bad()) << bad.substr(0, 20);
  }
  struct Ended {
    const char* text;
    int code;
    std::size_t lines;
  };
  for (const Ended& row :
       {Ended{"250 a\n", 250, 1}, Ended{"250-a\n250-b\r\n250 c\n", 250, 3}, Ended{"354\n", 354, 1}, Ended{"220 \n", 220, 1}}) {
    const auto reply = smtp::parse_reply(bytes_of(row.text));
    ASSERT_TRUE(reply.is_done()) << row.text;
    EXPECT_EQ(reply.value().code, row.code);
    EXPECT_EQ(reply.value().lines.size(), row.lines);
    EXPECT_EQ(reply.used(), std::string_view(row.text).size());
  }
  std::string endless;
  for (int i = 0; i < 200; ++i) endless += "250-x\r\n";
  EXPECT_TRUE(smtp::parse_reply(bytes_of(endless)).is_bad());
}

}  // namespace
}  // namespace pushmail

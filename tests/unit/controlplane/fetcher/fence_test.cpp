// The fence alone: what passes unchanged, what is mended, what is refused, whole and byte by byte.
#include "controlplane/fetcher/fence.h"

#include <gtest/gtest.h>

#include "controlplane/fetcher/errors.h"
#include "core/limits.h"

namespace pushmail::mailbox {
namespace {

struct Passed {
  std::string out;
  const ErrorInfo* error = nullptr;
};

Passed pass(std::string_view in, std::size_t step, std::uint64_t budget = limits::imap_answer_size_max,
            Fence::Grammar grammar = Fence::Grammar::imap) {
  Fence fence(grammar);
  fence.begin(budget);
  Bytes out;
  for (std::size_t at = 0; at < in.size(); at += step) {
    if (const auto passed = fence.pass(bytes_of(in.substr(at, step)), out); !passed)
      return {std::string(text_of(out)), passed.error().info};
  }
  return {std::string(text_of(out)), nullptr};
}

struct Row {
  std::string in;
  std::string out;
  const ErrorInfo* error = nullptr;
};

std::string many(char c, std::size_t count) { return std::string(count, c); }

std::vector<Row> rows() {
  const std::string big_literal = many('(', 60'000);
  const std::string body = "* 1 FETCH (BODY[] {60000}\r\n" + big_literal;
  return {
      {"* OK ready\r\n", "* OK .\r\n"},
      // E7: a status without text.
      {"1 OK\r\n", "1 OK .\r\n"},
      {"1 OK \r\n", "1 OK .\r\n"},
      {"1 no\r\n", "1 no .\r\n"},
      {"* BYE\r\n", "* BYE .\r\n"},
      {"* OK\n", "* OK .\r\n"},
      // Of the response codes two are of use; the others have made libetpan fall.
      {"* OK [UIDVALIDITY 7]\r\n", "* OK [UIDVALIDITY 7] .\r\n"},
      {"* OK [uidnext 4294967295] fine\r\n", "* OK [uidnext 4294967295] .\r\n"},
      {"* OK [UIDNEXT 4294967296] fine\r\n", "* OK .\r\n"},
      {"* OK [UIDNEXT 4\r\n", "* OK .\r\n"},
      {"* OK [PERMANENTFLAGS (\\)] x\r\n", "* OK .\r\n"},
      {"1 NO [BADCHARSET (\r\n", "1 NO .\r\n"},
      {"+\r\n", "+ .\r\n"},
      {"+ idling\r\n", "+ .\r\n"},
      {"* CAPABILITY IMAP4rev1 AUTH=PLAIN (( \x7f IDLE\r\n", ""},
      {"* CAPABILITY\r\n", ""},
      {"* SEARCH\r\n", "* SEARCH\r\n"},
      {"* search  1 2 (MODSEQ 9)\r\n", "* SEARCH 1 2\r\n"},
      {"* SEARCH 1 x\r\n", "", &mailbox_protocol},
      {"* SEARCH 1 4294967296 99999999999999999999 2\r\n", "* SEARCH 1 2\r\n"},
      {"* 3 EXISTS\r\n* 1 recent\r\n* 2 EXPUNGE\r\n", "* 3 EXISTS\r\n* 1 RECENT\r\n* 2 EXPUNGE\r\n"},
      {"* FLAGS (\\\r\n* LIST (( \"/\" {9\r\n* STATUS x (UIDNEXT\r\n* 4294967296 EXISTS\r\n* 1 SOMETHING\r\n*\r\n", ""},
      {"HTTP/1.1 400 Bad Request\r\n", "", &mailbox_protocol},
      {"1 FINE\r\n", "", &mailbox_protocol},
      {"\r\n", "", &mailbox_protocol},
      {"a-tag-that-is-longer-than-ours OK\r\n", "", &mailbox_protocol},
      // FETCH: what we asked for, written anew.
      {"* 1 FETCH (UID 1 BODY[] {5}\r\nab\r\n()\r\n", "* 1 FETCH (UID 1 BODY[] {5}\r\nab\r\n()\r\n"},
      {"* 1 fetch (FLAGS (\\Seen) uid 9 MODSEQ (12) INTERNALDATE \"17-Jul\" RFC822.SIZE 44)\r\n", "* 1 FETCH (UID 9 RFC822.SIZE 44)\r\n"},
      {"* 1 FETCH (BODY[HEADER.FIELDS (FROM SUBJECT)] {2}\r\nab UID 9)\r\n", "* 1 FETCH (BODY[] {2}\r\nab UID 9)\r\n"},
      {"* 1 FETCH (BODY[]<65536> \"a\\\"b\" UID 9)\r\n", "* 1 FETCH (BODY[] {3}\r\na\"b UID 9)\r\n"},
      {"* 1 FETCH (BODY[] ~{1}\r\nx)\r\n", "* 1 FETCH (BODY[] {1}\r\nx)\r\n"},
      {"* 1 FETCH (BODY[] NIL)\r\n", "* 1 FETCH (BODY[] NIL)\r\n"},
      {"* 1 FETCH (BODY[] {0}\r\n)\r\n", "* 1 FETCH (BODY[] {0}\r\n)\r\n"},
      {"* 1 FETCH (RFC822.SIZE 99999999999)\r\n", "* 1 FETCH (RFC822.SIZE 4294967295)\r\n"},
      {"* 1 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH ()\r\n", ""},
      // Parentheses inside a literal are the mail's own.
      {body + ")\r\n", body + ")\r\n"},
      // Depth is walked over up to the limit, and no quotes hide it.
      {"* 1 FETCH (UID 1 X " + many('(', 64) + many(')', 64) + ")\r\n", "* 1 FETCH (UID 1)\r\n"},
      {"* 1 FETCH (UID 1 X " + many('(', 65) + many(')', 65) + ")\r\n", "* 1 FETCH (UID 1", &mailbox_too_deep},
      {"* 1 FETCH (BODYSTRUCTURE " + many('(', 60'000) + "\r\n", "", &mailbox_too_deep},
      {"* 1 FETCH (X (\"))\" (\")\")) UID 2)\r\n", "* 1 FETCH (UID 2)\r\n"},
      // A literal in what nobody asked for is dropped with it, whatever it holds.
      {"* LIST () \"/\" {5}\r\nINBOX\r\n* 1 EXISTS\r\n", "* 1 EXISTS\r\n"},
      {"* LIST () {1}\r\n/ {12}\r\n* 1 EXISTS\r\n\r\n* 2 EXISTS\r\n", "* 2 EXISTS\r\n"},
      {"* STATUS {0}\r\n (UIDNEXT 4)\r\n* 2 EXISTS\r\n", "* 2 EXISTS\r\n"},
      {"* NAMESPACE ((~{3}\r\n\n\"( \"/\")) NIL NIL\r\n* 5 X {1}\r\n\n)\r\n1 OK\r\n", "1 OK .\r\n"},
      {"* LIST () \"/\" \"a{5}\"\r\n* 1 EXISTS\r\n", "* 1 EXISTS\r\n"},
      {"* LIST () \"/\" {66561}\r\n", "", &mailbox_literal_too_long},
      {"* 1 FETCH (X {1}\r\n) UID 2)\r\n", "* 1 FETCH (UID 2)\r\n"},
      {"* 1 FETCH (ENVELOPE (\"d\" {3}\r\na)) (NIL {2}\r\n((NIL)) UID 2 BODY[] {1}\r\nx)\r\n", "* 1 FETCH (UID 2 BODY[] {1}\r\nx)\r\n"},
      {"* 1 FETCH (X ~y UID 2)\r\n", "* 1 FETCH (UID 2)\r\n"},
      {"* 1 FETCH (X {1} UID 2)\r\n", "", &mailbox_protocol},
      {"* 1 FETCH (X (a {1}\r\nb\r\n", "", &mailbox_protocol},
      {"* 1 FETCH UID 1\r\n", "", &mailbox_protocol},
      {"* 1 FETCH (UID 0)\r\n", "", &mailbox_protocol},
      {"* 1 FETCH (UID 1\r\n", "* 1 FETCH (UID 1", &mailbox_protocol},
      {"* 1 FETCH (UID 1) x\r\n", "* 1 FETCH (UID 1", &mailbox_protocol},
      {"* 1 FETCH (X \"open)\r\n", "", &mailbox_protocol},
      {"* 1 FETCH (BODY[] \"open)\r\n", "", &mailbox_protocol},
      {"* 1 FETCH (BODY[] {5} UID 1)\r\n", "", &mailbox_protocol},
      {"* 1 FETCH (BODY[] {4294967295}\r\n", "", &mailbox_literal_too_long},
      {"* 1 FETCH (BODY[] {66561}\r\n", "", &mailbox_literal_too_long},
      {"* 1 FETCH (BODY[] {99999999999999999999999}\r\n", "", &mailbox_literal_too_long},
      {std::string("* OK a\0b\r\n", 10), "", &mailbox_bad_byte},
      {"* OK a\rb\r\n", "", &mailbox_bad_byte},
      {many('a', limits::imap_line_size_max + 1), "", &mailbox_line_too_long},
  };
}

TEST(Fence, WholeAndByteByByteAgree) {
  for (const Row& row : rows()) {
    for (const std::size_t step : {row.in.size(), std::size_t{1}, std::size_t{7}}) {
      const Passed passed = pass(row.in, step);
      EXPECT_EQ(passed.error, row.error) << row.in.substr(0, 60) << " step " << step;
      EXPECT_EQ(passed.out, row.out) << row.in.substr(0, 60) << " step " << step;
    }
  }
}

TEST(Fence, BudgetCountsLiteralsAndLines) {
  EXPECT_EQ(pass("* 1 EXISTS\r\n", 100, 12).error, nullptr);
  EXPECT_EQ(pass("* 1 EXISTS\r\n", 100, 11).error, &mailbox_answer_too_long);
  EXPECT_EQ(pass("* 1 FETCH (BODY[] {20}\r\n01234567890123456789)\r\n", 1, 40).error, &mailbox_answer_too_long);
}

TEST(Fence, NothingPassesAfterAnError) {
  Fence fence(Fence::Grammar::imap);
  fence.begin(1000);
  Bytes out;
  EXPECT_FALSE(fence.pass(bytes_of("* OK a\rb\r\n"), out));
  EXPECT_FALSE(fence.pass(bytes_of("* OK fine\r\n"), out));
  EXPECT_TRUE(out.empty());
}

TEST(Fence, RemembersWhatTheServerSaid) {
  Fence fence(Fence::Grammar::imap);
  fence.begin(1000);
  Bytes out;
  ASSERT_TRUE(fence.pass(bytes_of("* OK hello\r\na1 NO [AUTHENTICATIONFAILED] go \x1b away\r\n"), out));
  EXPECT_EQ(fence.last_status(), "NO [AUTHENTICATIONFAILED] go ? away");
  EXPECT_EQ(fence.last_notice(), "");
  // Of one command, and beside it.
  fence.begin(1000);
  EXPECT_EQ(fence.last_status(), "");
  ASSERT_TRUE(fence.pass(bytes_of("* OK [ALERT] full\r\n* NO too many\r\n* OK fine\r\na2 NO LOGIN failed\r\n"), out));
  EXPECT_EQ(fence.last_status(), "NO LOGIN failed");
  EXPECT_EQ(fence.last_notice(), "NO too many");
  // A last word stays the last one.
  ASSERT_TRUE(fence.pass(bytes_of("* BYE shutting down\r\n"), out));
  EXPECT_EQ(fence.last_status(), "NO LOGIN failed") << "it said why before";
  fence.begin(1000);
  EXPECT_EQ(fence.last_status(), "BYE shutting down");
  EXPECT_EQ(fence.last_notice(), "");
}

TEST(Fence, KeepsTheLastCapabilities) {
  Fence fence(Fence::Grammar::imap);
  fence.begin(1000);
  Bytes out;
  ASSERT_TRUE(fence.pass(bytes_of("* CAPABILITY IMAP4rev1 idle (( UIDPLUS\r\n"), out));
  EXPECT_TRUE(fence.can("IDLE") && fence.can("UIDPLUS") && !fence.can("LOGINDISABLED") && !fence.can("CAPABILITY"));
  ASSERT_TRUE(fence.pass(bytes_of("* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n"), out));
  EXPECT_TRUE(fence.can("LOGINDISABLED") && !fence.can("IDLE"));
  fence.forget();
  EXPECT_FALSE(fence.can("LOGINDISABLED"));
}

TEST(Fence, PopLinesAreMeasuredAndStreamsAreNot) {
  EXPECT_EQ(pass("+OK ((((\r\n", 1, 100, Fence::Grammar::pop3).out, "+OK ((((\r\n");
  EXPECT_EQ(pass(many('x', limits::imap_line_size_max + 1), 1000, UINT64_MAX, Fence::Grammar::pop3).error, &mailbox_line_too_long);
  Fence fence(Fence::Grammar::pop3);
  fence.begin(200'000, Fence::Lines::streamed);
  Bytes out;
  EXPECT_TRUE(fence.pass(bytes_of(many('x', 150'000)), out));
  EXPECT_EQ(fence.pass(bytes_of(many('x', 50'001)), out).error().info, &mailbox_answer_too_long);
}

TEST(Arguments, SecretsMayBeOfAnyAlphabetAndHoldNoControlByte) {
  for (const std::string& good : {std::string("alice"), std::string("M\xc3\xbcller"), std::string("p\xe4\"s\\s%")})
    EXPECT_TRUE(may_be_a_secret(good));
  for (const std::string& bad :
       {std::string(), std::string("a\r\n9 DELETE INBOX"), std::string("a\0b", 3), std::string("\xc3\xbc\x7f"), many('a', 1001)}) {
    EXPECT_FALSE(may_be_a_secret(bad)) << bad;
  }
}

TEST(Arguments, OnlyPrintableAsciiGoesOnTheWire) {
  EXPECT_TRUE(may_go_on_wire("alice@example.com"));
  EXPECT_TRUE(may_go_on_wire("a b\"\\%"));
  for (const std::string& bad : {std::string(), std::string("a\r\n9 DELETE INBOX"), std::string("a\nb"), std::string("a\0b", 3),
                                 std::string("a\x7f"), std::string("M\xc3\xbcller"), many('a', 1001)}) {
    EXPECT_FALSE(may_go_on_wire(bad)) << bad;
  }
}

}  // namespace
}  // namespace pushmail::mailbox

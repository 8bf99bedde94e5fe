// Header values: encoded words, addresses, parameters.
#include <gtest/gtest.h>

#include "codec/mime/errors.h"
#include "codec/mime/fields.h"

namespace pushmail::mime {
namespace {

struct HeaderRow {
  std::string input;
  std::string expected;
};

TEST(DecodeHeader, Table) {
  const HeaderRow rows[] = {
      {"plain text", "plain text"},
      {"", ""},
      {"  folded\r\n\tvalue ", "folded value"},
      {"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
      {"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"},
      {"=?iso-8859-1?q?Gr=FC=DFe_aus?= Bern", "Grüße aus Bern"},
      {"a =?utf-8?Q?b?= =?utf-8?Q?c?= d", "a bc d"},
      {"=?utf-8?Q?b?=\r\n =?utf-8?Q?c?=", "bc"},
      {"=?utf-8?Q?a?= =?iso-8859-1?Q?=E9?=", "aé"},
      // A character split between two words (RFC 2047 forbids it, mailers do it).
      {"=?utf-8?B?4pyTIG/C?= =?utf-8?B?pw==?=", "✓ o§"},
      {"=?utf-8?Q?=E2=9C?= =?UTF-8?Q?=93?=", "✓"},
      // Without padding, with blanks, with a language (RFC 2231 §5).
      {"=?utf-8?B?R3LDvMOfZQ?=", "Grüße"},
      {"=?utf-8?Q?a b c?=", "a b c"},
      {"=?us-ascii*en?Q?hi?=", "hi"},
      // Nested and never closed: kept as written.
      {"=?utf-8?Q?abc =?utf-8?Q?d?=", "=?utf-8?Q?abc d"},
      {"=?utf-8?Q?abc", "=?utf-8?Q?abc"},
      {"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
      {"=?", "=?"},
      {"=?"
       "?=",
       "=?"
       "?="},
      // Charsets by what senders mean.
      {"=?gb2312?B?hYfA?=", "厙\xEF\xBF\xBD"},
      {"=?iso-8859-1?Q?=80=93?=", "€“"},
      {"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
      {"=?shift_jis?B?k/qWew==?=", "日本"},
      {"=?no-such-charset?Q?caf=E9?=", "café"},
      {"=?no-such-charset?Q?caf=C3=A9?=", "café"},
      // Raw 8-bit.
      {"caf\xC3\xA9", "café"},
      {"caf\xE9", "café"},
      // Controls, and characters that turn the reading direction.
      {std::string("a\0b\x01"
                   "c\x7F",
                   6),
       "abc"},
      {"abc\xE2\x80\xAEgpj.exe", "abcgpj.exe"},
      {"=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x"},
  };
  for (const HeaderRow& row : rows) EXPECT_EQ(decode_header(row.input), row.expected) << row.input;
}

TEST(DecodeHeader, TenThousandWordsAndAMillionOpenings) {
  std::string words;
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    words += "=?utf-8?Q?=C3=A9?= ";
    expected += "é";
  }
  EXPECT_EQ(decode_header(words), expected);

  std::string openings;
  for (int i = 0; i < 1'000'000; ++i) openings += "=?u?Q?";
  EXPECT_EQ(decode_header(openings), openings);
  EXPECT_EQ(decode_header(openings + "?=").size(), openings.size() - 6);
}

std::string shown(std::string_view value) {
  std::string out;
  for (const Mailbox& mailbox : parse_mailboxes(value)) {
    if (!out.empty()) out += " | ";
    out += "[" + mailbox.display_name + "] " + mailbox.address();
  }
  return out;
}

TEST(ParseMailboxes, Table) {
  const HeaderRow rows[] = {
      {"joe@example.com", "[] joe@example.com"},
      {"Joe <joe@Example.COM>", "[Joe] joe@example.com"},
      {"\"Doe, Joe\" <joe@example.com>", "[Doe, Joe] joe@example.com"},
      {"\"a \\\"b\\\" c\" <joe@example.com>", "[a \"b\" c] joe@example.com"},
      {"joe@example.com (Joe Doe)", "[Joe Doe] joe@example.com"},
      {"a@b.example, c@d.example", "[] a@b.example | [] c@d.example"},
      {"=?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?_M?= <j@example.com>", "[Jörg M] j@example.com"},
      {"=?utf-8?Q?M=C3=BCller, J?= <j@example.com>", "[Müller, J] j@example.com"},
      {"J\xF6rg <j@example.com>", "[Jörg] j@example.com"},
      {"friends: a@b.example, Bo <c@d.example>;, e@f.example", "[] a@b.example | [Bo] c@d.example | [] e@f.example"},
      {"undisclosed-recipients:;", ""},
      {"<@relay.example,@other.example:joe@example.com>", "[] joe@example.com"},
      {"joe @ example . com", "[] joe@example.com"},
      {"\"joe smith\"@example.com", "[] \"joe smith\"@example.com"},
      {"root", "[] root"},
      {"Joe Doe", ""},
      {"<>", ""},
      {"@", ""},
      {",,,;", ""},
      {"Joe <joe@example.com", "[Joe] joe@example.com"},
      {"Joe \"never closed <joe@example.com>", ""},
      {"joe@b\xC3\xBC"
       "cher.example",
       "[] joe@xn--bcher-kva.example"},
      {"joe@example.com.", "[] joe@example.com"},
      {"A <a@b.example>\r\n\t, B <c@d.example>", "[A] a@b.example | [B] c@d.example"},
      {"<mailto:joe@example.com>", "[] joe@example.com"},
      {"(a(b)c) joe@example.com", "[a(b)c] joe@example.com"},
  };
  for (const HeaderRow& row : rows) EXPECT_EQ(shown(row.input), row.expected) << row.input;
}

TEST(ParseMailboxes, AMillionOpenCommentsAreBounded) {
  EXPECT_TRUE(parse_mailboxes(std::string(1'000'000, '(')).empty());
  EXPECT_TRUE(parse_mailboxes(std::string(1'000'000, '<')).size() <= 1);
  EXPECT_TRUE(parse_mailboxes(std::string(1'000'000, '"')).empty());
}

TEST(ParseAddress, StrictTable) {
  for (const std::string_view good : {"joe@example.com", "+15550100001@mms.example.net", "a.b-c+d@x.example", "\"a b\"@example.com",
                                      "\"a@b\"@example.com", "joe@[192.0.2.1]", "joe@[IPv6:2001:db8::1]", "x@localhost"}) {
    const auto address = parse_address(good);
    ASSERT_TRUE(address) << good;
    EXPECT_EQ(address->address(), good);
  }
  EXPECT_EQ(parse_address("Joe@EXAMPLE.com")->address(), "Joe@example.com");
  EXPECT_EQ(parse_address("\"+4917012345678\"@example.com")->address(), "+4917012345678@example.com");
  EXPECT_EQ(parse_address("\"j\\oe\"@example.com")->address(), "joe@example.com");
  EXPECT_EQ(parse_address("\"j o\"@example.com")->address(), "\"j o\"@example.com");
  EXPECT_EQ(parse_address("joe@münchen.example")->domain, "xn--mnchen-3ya.example");
  for (const std::string_view bad : {"",
                                     "joe",
                                     "@example.com",
                                     "joe@",
                                     "joe@@example.com",
                                     ".joe@example.com",
                                     "joe.@example.com",
                                     "a..b@example.com",
                                     "Joe <joe@example.com>",
                                     "joe@exa mple.com",
                                     "joe@-a.example",
                                     "joe@a-.example",
                                     "joe@.example",
                                     "joe@example..com",
                                     "jo\re@example.com",
                                     "joe@example.com\n",
                                     "\"joe@example.com",
                                     "\"a\"b\"@example.com",
                                     "\"a\\\"@example.com",
                                     "\"a\\\nb\"@example.com",
                                     "joe(x)@example.com",
                                     "joe@example.com(x)",
                                     "joe@[192.0.2.1",
                                     "joe@ex\x01mple.com"}) {
    EXPECT_FALSE(parse_address(bad)) << bad;
  }
  EXPECT_TRUE(parse_address(std::string(65, 'a') + "@example.com").error().is(mime_address_too_long));
  EXPECT_TRUE(parse_address("j\xC3\xB6rg@example.com").error().is(mime_address_not_ascii));
  EXPECT_EQ(parse_address("j\xC3\xB6rg@example.com").error().at, 1U);
}

TEST(DomainToAscii, Vectors) {
  Arena arena;
  // RFC 3492 §7.1 (A, B, J in part) and everyday names.
  EXPECT_EQ(domain_to_ascii("Example.COM", arena), "example.com");
  EXPECT_EQ(domain_to_ascii("bücher.example", arena), "xn--bcher-kva.example");
  EXPECT_EQ(domain_to_ascii("他们为什么不说中文", arena), "xn--ihqwcrb4cv8a8dqg056pqjye");
  EXPECT_EQ(domain_to_ascii("пример.испытание", arena), "xn--e1afmkfd.xn--80akhbyknj4f");
  EXPECT_EQ(domain_to_ascii("xn--bcher-kva.example", arena), "xn--bcher-kva.example");
}

// UTS #46: one name, however it is written.
TEST(DomainToAscii, CapitalsWidthsAndCompositionAreOneName) {
  Arena arena;
  for (const std::string_view written :
       {"münchen.example", "MÜNCHEN.example", "München.EXAMPLE", "mu\u0308nchen.example", "ｍünchen。example"}) {
    EXPECT_EQ(domain_to_ascii(written, arena), "xn--mnchen-3ya.example") << written;
  }
  EXPECT_EQ(domain_to_ascii("ΑΘΉΝΑ.example", arena), domain_to_ascii("αθήνα.example", arena));
  // Not transitional: a sharp s is a letter of its own.
  EXPECT_EQ(domain_to_ascii("straße.example", arena), "xn--strae-oqa.example");
}

TEST(DomainToAscii, WhatIsNoNameStaysAsItIsWritten) {
  Arena arena;
  const std::string long_label = "b\u00fc" + std::string(70, 'c') + ".example";
  const std::string too_long = "\u00fc" + std::string(600, '.');
  for (const std::string_view written :
       {std::string_view("☃.example"), std::string_view("-bü.example"), std::string_view("joe＠bü.example"),
        std::string_view("bü　ro.example"), std::string_view("bü\0.example", 12), std::string_view("b\xFC.example"),
        std::string_view("[bü]"), std::string_view(long_label), std::string_view(too_long)}) {
    EXPECT_EQ(domain_to_ascii(written, arena), written) << written;
  }
}

std::string parameters_of(std::string_view value) {
  Arena arena;
  const StructuredValue parsed = parse_structured(value, arena);
  std::string out(parsed.token);
  for (const Parameter& parameter : parsed.parameters) out.append("|").append(parameter.name).append("=").append(parameter.value);
  return out;
}

TEST(ParseStructured, Table) {
  const HeaderRow rows[] = {
      {"text/plain", "text/plain"},
      {"Text/PLAIN; Charset=\"UTF-8\"", "text/plain|charset=UTF-8"},
      {"text/plain; charset=us-ascii (plain text)", "text/plain|charset=us-ascii"},
      {"text/plain (a (nested) comment); charset=utf-8", "text/plain|charset=utf-8"},
      {"text/plain charset=utf-8", "text/plain|charset=utf-8"},
      {"text/plain;;; charset=utf-8;", "text/plain|charset=utf-8"},
      {"attachment; filename=my holiday.jpg; size=5", "attachment|filename=my holiday.jpg|size=5"},
      {"attachment; filename=\"a\\\"b.txt\"", "attachment|filename=a\"b.txt"},
      {"attachment; filename=\"C:\\\\new\\\\x.doc\"", "attachment|filename=C:\\new\\x.doc"},
      {"attachment; filename=\"C:\\new\\x.doc\"", "attachment|filename=C:newx.doc"},
      {"attachment; filename=\"never closed.txt", "attachment|filename=never closed.txt"},
      {"attachment; filename=(1).pdf", "attachment|filename=(1).pdf"},
      {"filename=\"x.txt\"", "|filename=x.txt"},
      {"attachment; filename==?utf-8?Q?=C3=BC.txt?=", "attachment|filename=ü.txt"},
      {"attachment; filename=\"=?iso-8859-1?Q?=FC=2Etxt?=\"", "attachment|filename=ü.txt"},
      {"attachment; filename=\"\xC3\xBC.txt\"", "attachment|filename=ü.txt"},
      {"attachment; filename=\"\xFC.txt\"", "attachment|filename=ü.txt"},
      // RFC 2231.
      {"attachment; filename*=utf-8''%C3%BC.txt", "attachment|filename=ü.txt"},
      {"attachment; filename*=iso-8859-1'de'%FC.txt", "attachment|filename=ü.txt"},
      {"attachment; filename=old.txt; filename*=utf-8''new.txt", "attachment|filename=new.txt"},
      {"attachment; filename*0=\"a b\"; filename*1=\".txt\"", "attachment|filename=a b.txt"},
      {"attachment; filename*1=\".txt\"; filename*0=\"a b\"", "attachment|filename=a b.txt"},
      {"attachment; filename*0*=utf-8''%C3; filename*1*=%BC.; filename*2=txt", "attachment|filename=ü.txt"},
      {"attachment; filename*0=\"a\"; filename*2=\"c\"", "attachment|filename=ac"},
      {"attachment; filename*=%C3%BC.txt", "attachment|filename=ü.txt"},
      {"attachment; filename*=utf-8''100%.txt", "attachment|filename=100%.txt"},
      {"multipart/mixed; boundary=\"=?a?q?b?=\"", "multipart/mixed|boundary==?a?q?b?="},
      {"multipart/mixed; boundary=", "multipart/mixed"},
      {"", ""},
      {";", ""},
      {"=", ""},
      {"a;b;c=d", "a|c=d"},
  };
  for (const HeaderRow& row : rows) EXPECT_EQ(parameters_of(row.input), row.expected) << row.input;
}

TEST(ParseStructured, AThousandSegmentsAreCapped) {
  std::string value = "attachment";
  for (int i = 0; i < 1000; ++i) value += "; filename*" + std::to_string(i) + "=x";
  Arena arena;
  EXPECT_EQ(parse_structured(value, arena).parameter("filename"), std::string(100, 'x'));
}

}  // namespace
}  // namespace pushmail::mime

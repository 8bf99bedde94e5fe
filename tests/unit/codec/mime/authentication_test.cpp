// Authentication-Results: values of RFC 8601 and of servers, broken ones, forged ones below the trusted one, and what they say of From.
#include <gtest/gtest.h>

#include "codec/mime/authentication.h"

namespace pushmail::mime {
namespace {

TEST(AuthenticationResults, AreRead) {
  struct Row {
    std::string_view value;
    std::string_view server;
    std::vector<std::array<std::string_view, 3>> methods;
  };
  // The first six are the examples of RFC 8601, appendix B.
  const Row rows[] = {
      {"example.org 1; none", "example.org", {}},
      {"example.com;\r\n spf=pass smtp.mailfrom=example.net", "example.com", {{"spf", "pass", "example.net"}}},
      {"example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net",
       "example.com",
       {{"auth", "pass", ""}, {"spf", "pass", "example.net"}}},
      {"example.com; dkim=pass (good signature) header.d=example.com", "example.com", {{"dkim", "pass", "example.com"}}},
      {"example.com; dkim=pass reason=\"good; signature\"\r\n header.i=@mail-router.example.net; dkim=fail reason=\"bad signature\" "
       "header.i=@newyork.example.com",
       "example.com",
       {{"dkim", "pass", "mail-router.example.net"}, {"dkim", "fail", "newyork.example.com"}}},
      {"foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n policy (A dot can go here) "
       "=\r\n expired",
       "foo.example.net",
       {{"dkim", "fail", ""}}},
      {"mx.google.com; dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=bank.example; spf=pass (a (nested) \\) comment) "
       "smtp.mailfrom=bounce@evil.example",
       "mx.google.com",
       {{"dmarc", "fail", "bank.example"}, {"spf", "pass", "evil.example"}}},
      {"mx; dkim=pass header.b=\"ab=/\" header.d=x.example header.b=ab=/", "mx", {{"dkim", "pass", "x.example"}}},
      {"mx;", "mx", {}},
  };
  for (const Row& row : rows) {
    const auto read = parse_authentication_results(row.value);
    ASSERT_TRUE(read) << row.value;
    EXPECT_EQ(read->server, row.server);
    ASSERT_EQ(read->methods.size(), row.methods.size()) << row.value;
    for (std::size_t i = 0; i < row.methods.size(); ++i) {
      EXPECT_EQ(read->methods[i].method, row.methods[i][0]);
      EXPECT_EQ(read->methods[i].result, row.methods[i][1]);
      EXPECT_EQ(read->methods[i].domain, row.methods[i][2]) << row.value;
    }
  }
}

TEST(AuthenticationResults, BrokenOnesAreNone) {
  for (const std::string_view value : {"", ";", "(", "mx x; spf=pass", "mx; spf", "mx; spf=", "mx; spf=pass smtp.mailfrom", "mx; =pass",
                                       "mx; spf/x=pass", "mx; spf=pass reason=\"a"}) {
    EXPECT_FALSE(parse_authentication_results(value)) << value;
  }
  EXPECT_FALSE(parse_authentication_results(std::string(1000, '(')));
  EXPECT_FALSE(parse_authentication_results(std::string(300, 'a')));
  std::string many = "mx";
  for (int i = 0; i < 1000; ++i) many += "; spf=pass";
  EXPECT_EQ(parse_authentication_results(many)->methods.size(), authentication_methods_max);
}

SenderAuthentication of(std::string header) {
  header += "\r\n\r\n";
  const auto message = parse(bytes_of(header));
  EXPECT_TRUE(message);
  return authentication_of(message->parts.front());
}

TEST(AuthenticationResults, TheTopmostServerRulesOnFrom) {
  struct Row {
    std::string_view header;
    std::string_view server;
    SenderCheck check;
  };
  const Row rows[] = {
      {"From: a@bank.example", "", SenderCheck::unknown},
      {"Authentication-Results: MX; dmarc=fail\r\nFrom: a@bank.example", "mx", SenderCheck::fail},
      {"Received: x\r\nauthentication-results: mx; dmarc=pass\r\nFrom: a@bank.example", "mx", SenderCheck::pass},
      // DMARC decides, whatever SPF found of the envelope.
      {"Authentication-Results: mx; spf=pass smtp.mailfrom=bank.example; dmarc=fail\r\nFrom: a@bank.example", "mx", SenderCheck::fail},
      {"Authentication-Results: mx; spf=pass smtp.mailfrom=b@evil.example\r\nFrom: a@bank.example", "mx", SenderCheck::unknown},
      {"Authentication-Results: mx; spf=pass smtp.mailfrom=b@mail.bank.example\r\nFrom: a@bank.example", "mx", SenderCheck::pass},
      {"Authentication-Results: mx; dkim=pass header.d=notbank.example\r\nFrom: a@bank.example", "mx", SenderCheck::unknown},
      {"Authentication-Results: mx; dkim=pass header.d=example\r\nFrom: a@bank.example", "mx", SenderCheck::unknown},
      {"Authentication-Results: mx; spf=softfail; dkim=none\r\nFrom: a@bank.example", "mx", SenderCheck::fail},
      {"Authentication-Results: mx; spf=softfail; dkim=pass header.d=bank.example\r\nFrom: a@bank.example", "mx", SenderCheck::pass},
      // Two fields of one server, one below the other.
      {"Authentication-Results: mx; spf=pass smtp.mailfrom=evil.example\r\nAuthentication-Results: mx; dmarc=fail\r\nFrom: a@bank.example",
       "mx", SenderCheck::fail},
      // What stands below anything else came with the mail.
      {"Authentication-Results: mx; dmarc=fail\r\nReceived: x\r\nAuthentication-Results: mx; dmarc=pass\r\nFrom: a@bank.example", "mx",
       SenderCheck::fail},
      {"Authentication-Results: mx; spf=none\r\nAuthentication-Results: other; dmarc=pass\r\nFrom: a@bank.example", "mx",
       SenderCheck::unknown},
      {"Authentication-Results: other; dmarc=pass\r\nAuthentication-Results: mx; dmarc=fail\r\nFrom: a@bank.example", "other",
       SenderCheck::pass},
      {"Authentication-Results: (\r\nAuthentication-Results: mx; dmarc=pass\r\nFrom: a@bank.example", "", SenderCheck::unknown},
      {"Authentication-Results: mx; dmarc=pass\r\nFrom: a@bank.example, b@evil.example", "mx", SenderCheck::unknown},
  };
  for (const Row& row : rows) {
    const SenderAuthentication found = of(std::string(row.header));
    EXPECT_EQ(found.server, row.server) << row.header;
    EXPECT_EQ(to_string(found.check), to_string(row.check)) << row.header;
  }
}

TEST(AuthenticationResults, OnlyTrustedServersCount) {
  const std::vector<std::string> trusted{"mx.Example.net"};
  const std::string text = to_string(SenderAuthentication{.server = "mx.example.net", .check = SenderCheck::fail});
  EXPECT_EQ(trusted_check(text, trusted), SenderCheck::fail);
  EXPECT_EQ(trusted_check("mx.example.net pass", trusted), SenderCheck::pass);
  EXPECT_EQ(trusted_check("evil.example pass", trusted), SenderCheck::unknown);
  EXPECT_EQ(trusted_check("", trusted), SenderCheck::unknown);
  EXPECT_EQ(trusted_check("mx.example.net pass", {}), SenderCheck::unknown) << "nobody is trusted by default";
}

}  // namespace
}  // namespace pushmail::mime

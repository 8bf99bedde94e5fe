// Parameters of RFC 3461, row by row: what is read, and what is not quite one.
#include "dataplane/session/smtp_dsn.h"

#include <gtest/gtest.h>

#include "core/bytes.h"

namespace pushmail {
namespace {

struct Row {
  std::string text;
  std::optional<std::string> value;
};

void expect_all(const std::vector<Row>& rows, std::optional<std::string> (*read)(std::string_view)) {
  for (const Row& row : rows) EXPECT_EQ(read(row.text), row.value) << row.text;
}

TEST(SmtpDsn, Xtext) {
  expect_all({{"", ""},
              {"plain", "plain"},
              {"a+2Bb", "a+b"},
              {"+3D+20", "= "},
              {"+00", std::string(1, '\0')},
              {"+2b", std::nullopt},
              {"+2", std::nullopt},
              {"+", std::nullopt},
              {"a+G0", std::nullopt},
              {"a=b", std::nullopt},
              {"a b", std::nullopt},
              {"a\tb", std::nullopt}},
             smtp::decode_xtext);
}

TEST(SmtpDsn, Return) {
  expect_all({{"FULL", "FULL"}, {"hdrs", "HDRS"}, {"", std::nullopt}, {"HALF", std::nullopt}, {"FULL,HDRS", std::nullopt}},
             smtp::read_return);
}

TEST(SmtpDsn, EnvelopeId) {
  expect_all({{"QQ314159", "QQ314159"},
              {"a+20b", "a b"},
              {std::string(100, 'x'), std::string(100, 'x')},
              {std::string(101, 'x'), std::nullopt},
              {"", std::nullopt},
              {"a+0Ab", std::nullopt},
              {"a+7F", std::nullopt},
              {"a+C3+B6", std::nullopt}},
             smtp::read_envelope_id);
}

TEST(SmtpDsn, Notify) {
  expect_all({{"NEVER", "NEVER"},
              {"never", "NEVER"},
              {"SUCCESS", "SUCCESS"},
              {"delay,Failure,success", "SUCCESS,FAILURE,DELAY"},
              {"", std::nullopt},
              {"NEVER,FAILURE", std::nullopt},
              {"FAILURE,NEVER", std::nullopt},
              {"FAILURE,FAILURE", std::nullopt},
              {"FAILURE,", std::nullopt},
              {",FAILURE", std::nullopt},
              {"FAILURE;DELAY", std::nullopt},
              {"ALWAYS", std::nullopt}},
             smtp::read_notify);
}

TEST(SmtpDsn, OriginalRecipient) {
  const std::string longest = "rfc822;" + std::string(493, 'x');
  expect_all({{"rfc822;joe@example.com", "rfc822;joe@example.com"},
              {"RFC822;joe+2Bx@example.com", "rfc822;joe+x@example.com"},
              {"x400;+2FS=1", std::nullopt},
              {"x400;+2FS+3D1", "x400;/S=1"},
              {"utf-8;j\xc3\xb6@b", "utf-8;j\xc3\xb6@b"},
              {"utf-8;j\xc3@b", std::nullopt},
              {"rfc822;j\xc3\xb6@b", std::nullopt},
              {longest, longest},
              {longest + "x", std::nullopt},
              {"rfc822;", std::nullopt},
              {";joe@example.com", std::nullopt},
              {"joe@example.com", std::nullopt},
              {"rfc 822;joe@example.com", std::nullopt},
              {"rfc822;a+0D+0ABcc:+20b@c", std::nullopt}},
             smtp::read_original_recipient);
}

}  // namespace
}  // namespace pushmail

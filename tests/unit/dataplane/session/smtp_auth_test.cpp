// Log-ins of an SMTP client, word by word.
#include "dataplane/session/smtp_auth.h"

#include <gtest/gtest.h>

#include "core/base64.h"

namespace pushmail {
namespace {

using smtp::Mechanism;

smtp::Mechanisms offered(std::initializer_list<std::string_view> lines) {
  smtp::Mechanisms found;
  for (const std::string_view line : lines) found.read(line);
  return found;
}

TEST(SmtpAuth, TheBestOfWhatIsOffered) {
  const auto choice = [](SmtpScheme scheme, std::initializer_list<std::string_view> lines) {
    return smtp::choose_mechanism(scheme, offered(lines));
  };
  EXPECT_EQ(choice(SmtpScheme::automatic, {"AUTH LOGIN PLAIN XOAUTH2"}), Mechanism::plain);
  EXPECT_EQ(choice(SmtpScheme::automatic, {"auth=login"}), Mechanism::login) << "as hosts before RFC 4954 write it";
  EXPECT_EQ(choice(SmtpScheme::automatic, {"AUTH CRAM-MD5", "AUTH  login "}), Mechanism::login);
  EXPECT_EQ(choice(SmtpScheme::automatic, {"AUTH XOAUTH2"}), std::nullopt) << "a password is no token";
  EXPECT_EQ(choice(SmtpScheme::login, {"AUTH PLAIN LOGIN"}), Mechanism::login);
  EXPECT_EQ(choice(SmtpScheme::plain, {"AUTH LOGIN"}), std::nullopt);
  EXPECT_EQ(choice(SmtpScheme::xoauth2, {"AUTH PLAIN XOAUTH2"}), Mechanism::xoauth2);
  EXPECT_EQ(choice(SmtpScheme::xoauth2, {"AUTH PLAIN LOGIN"}), std::nullopt) << "a token is no password";
  for (const std::string_view line : {"", "AUTH", "AUTHX PLAIN", "AUTH PLAINX", "X AUTH PLAIN", "SIZE PLAIN"})
    EXPECT_EQ(choice(SmtpScheme::automatic, {line}), std::nullopt) << line;
}

TEST(SmtpAuth, Plain) {
  smtp::LoginDialogue login(Mechanism::plain, "tim", "tanstaaftanstaaf");
  // RFC 4616 §4, without an identity to act for.
  EXPECT_EQ(login.begin(), "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
  EXPECT_EQ(login.answer(), std::nullopt) << "it has said everything";
  smtp::LoginDialogue lengthy(Mechanism::plain, "tim", std::string(400, 'x'));
  EXPECT_EQ(lengthy.begin(), "AUTH PLAIN") << "no room in the command";
  EXPECT_EQ(base64_decoded(lengthy.answer().value()), std::string("\0tim\0", 5) + std::string(400, 'x'));
  EXPECT_EQ(lengthy.answer(), std::nullopt);
}

TEST(SmtpAuth, Login) {
  smtp::LoginDialogue login(Mechanism::login, "joe@example.com", "secret");
  EXPECT_EQ(login.begin(), "AUTH LOGIN");
  EXPECT_EQ(login.answer(), "am9lQGV4YW1wbGUuY29t");
  EXPECT_EQ(login.answer(), "c2VjcmV0");
  EXPECT_EQ(login.answer(), std::nullopt);
}

TEST(SmtpAuth, Xoauth2) {
  smtp::LoginDialogue login(Mechanism::xoauth2, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
  // The example of its description.
  EXPECT_EQ(
      login.begin(),
      "AUTH XOAUTH2 dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==");
  EXPECT_EQ(login.answer(), "") << "its refusal is a question, and wants an empty answer";
  EXPECT_EQ(login.answer(), std::nullopt);
  smtp::LoginDialogue lengthy(Mechanism::xoauth2, "u", std::string(2'000, 'x'));
  EXPECT_EQ(lengthy.begin(), "AUTH XOAUTH2");
  EXPECT_EQ(base64_decoded(lengthy.answer().value()),
            "user=u\x01"
            "auth=Bearer " +
                std::string(2'000, 'x') + "\x01\x01");
  EXPECT_EQ(lengthy.answer(), "");
}

}  // namespace
}  // namespace pushmail

// Log-in of an SMTP client (RFC 4954): which mechanism, and what is said. PLAIN (RFC 4616), LOGIN, and XOAUTH2 as Google and Microsoft
// describe it. Pure.
//
// Came from: the words behind AUTH in the reply to EHLO, and 334 replies. Goes to: the host, a line each. Whoever uses it sees to it that
// nothing of it goes in clear.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.h"

namespace pushmail {

/// automatic: with a password, PLAIN where it is offered, else LOGIN. xoauth2: the secret is a token, and no password is sent.
enum class SmtpScheme : std::uint8_t { automatic, plain, login, xoauth2 };

struct SmtpLogin {
  Endpoint host;  // the only one that the secret is for
  std::string user;
  std::function<std::optional<std::string>()>
      secret;  // asked for each log-in, since tokens are replaced every hour; nothing: not to be had
  SmtpScheme scheme = SmtpScheme::automatic;
  bool is_allowed_in_clear = false;  // also without TLS
};

namespace smtp {

enum class Mechanism : std::uint8_t { plain, login, xoauth2 };

struct Mechanisms {
  bool plain = false;
  bool login = false;
  bool xoauth2 = false;
  /// A line of EHLO's reply: `AUTH PLAIN LOGIN`, and `AUTH=PLAIN LOGIN` as hosts before RFC 4954 wrote it. Any other is passed over.
  void read(std::string_view line);
};
[[nodiscard]] std::optional<Mechanism> choose_mechanism(SmtpScheme scheme, const Mechanisms& offered);

class LoginDialogue {
 public:
  LoginDialogue(Mechanism mechanism, std::string_view user, std::string_view secret);
  /// The command, without its line end; with the first answer where there is room for it.
  [[nodiscard]] std::string begin();
  /// What a 334 is answered. Nothing where the mechanism has nothing more to say.
  [[nodiscard]] std::optional<std::string> answer();

 private:
  std::string_view name_;
  bool has_initial_ = false;
  std::deque<std::string> answers_;
};

}  // namespace smtp
}  // namespace pushmail

#include "dataplane/session/smtp_auth.h"

#include <algorithm>
#include <utility>

#include "core/base64.h"
#include "core/bytes.h"

namespace pushmail::smtp {

namespace {

constexpr std::size_t command_size_max = 510;  // RFC 4954 §4: a longer first answer waits for a 334

}  // namespace

void Mechanisms::read(std::string_view line) {
  constexpr std::string_view keyword = "AUTH";
  if (!ascii_starts_with_nocase(line, keyword)) return;
  line.remove_prefix(keyword.size());
  if (!line.starts_with(' ') && !line.starts_with('=')) return;
  const std::pair<std::string_view, bool Mechanisms::*> known[] = {
      {"PLAIN", &Mechanisms::plain}, {"LOGIN", &Mechanisms::login}, {"XOAUTH2", &Mechanisms::xoauth2}};
  while (!line.empty()) {
    line.remove_prefix(1);
    const std::string_view word = line.substr(0, line.find(' '));
    for (const auto& [name, offered] : known) this->*offered = this->*offered || ascii_equal_nocase(word, name);
    line.remove_prefix(word.size());
  }
}

std::optional<Mechanism> choose_mechanism(SmtpScheme scheme, const Mechanisms& offered) {
  const auto if_offered = [](bool is_offered, Mechanism mechanism) { return is_offered ? std::optional(mechanism) : std::nullopt; };
  switch (scheme) {
    case SmtpScheme::xoauth2:
      return if_offered(offered.xoauth2, Mechanism::xoauth2);
    case SmtpScheme::plain:
      return if_offered(offered.plain, Mechanism::plain);
    case SmtpScheme::login:
      return if_offered(offered.login, Mechanism::login);
    case SmtpScheme::automatic:
      break;
  }
  return offered.plain ? Mechanism::plain : if_offered(offered.login, Mechanism::login);
}

LoginDialogue::LoginDialogue(Mechanism mechanism, std::string_view user, std::string_view secret) {
  const std::string name(user), word(secret);
  switch (mechanism) {
    case Mechanism::plain:
      // RFC 4616 §2: nobody to act for, who he is, his password.
      name_ = "PLAIN";
      has_initial_ = true;
      answers_.push_back(base64_encoded(std::string(1, '\0') + name + '\0' + word));
      return;
    case Mechanism::login:
      name_ = "LOGIN";
      answers_.push_back(base64_encoded(name));
      answers_.push_back(base64_encoded(word));
      return;
    case Mechanism::xoauth2:
      // A refusal comes as one more 334, which holds the reason, and wants an empty line before it says 535.
      name_ = "XOAUTH2";
      has_initial_ = true;
      answers_.push_back(base64_encoded("user=" + name + "\x01" + "auth=Bearer " + word + "\x01\x01"));
      answers_.emplace_back();
      return;
  }
}

std::string LoginDialogue::begin() {
  std::string command = "AUTH " + std::string(name_);
  if (has_initial_ && command.size() + 1 + answers_.front().size() <= command_size_max) {
    command += ' ' + answers_.front();
    answers_.pop_front();
  }
  return command;
}

std::optional<std::string> LoginDialogue::answer() {
  if (answers_.empty()) return std::nullopt;
  std::string next = std::move(answers_.front());
  answers_.pop_front();
  return next;
}

}  // namespace pushmail::smtp

#include "dataplane/smart_host_login.h"

#include <filesystem>
#include <utility>

#include "core/accounts.h"
#include "core/log.h"
#include "core/secret_file.h"

namespace pushmail {

namespace {

SmtpScheme scheme_of(std::string_view word) {
  constexpr std::pair<std::string_view, SmtpScheme> words[] = {
      {"plain", SmtpScheme::plain}, {"login", SmtpScheme::login}, {"xoauth2", SmtpScheme::xoauth2}};
  for (const auto& [name, scheme] : words) {
    if (name == word) return scheme;
  }
  return SmtpScheme::automatic;
}

}  // namespace

std::expected<std::optional<SmtpLogin>, StartError> smart_host_login(const Config& config) {
  const std::string user = config.text("smtp.smart_host_user");
  if (user.empty()) return std::nullopt;
  constexpr const char* key = "smtp.smart_host_password_file";
  if (const auto secret = read_secret(config, key); !secret) return std::unexpected(secret.error());
  // One small file a connection, and a smart host's connections are few and kept. The worker asks no account database: that may take
  // seconds.
  const auto again = [path = std::filesystem::path(config.text(key)),
                      readers = find_group(shared_group).value_or(std::nullopt)]() -> std::optional<std::string> {
    auto secret = read_secret_file(path, readers);
    if (secret) return std::move(*secret);
    log_error("smart_host_secret").text("reason", secret.error().text);
    return std::nullopt;
  };
  return SmtpLogin{.host = config.endpoint("smtp.smart_host"),
                   .user = user,
                   .secret = again,
                   .scheme = scheme_of(config.text("smtp.smart_host_scheme")),
                   .is_allowed_in_clear = config.flag("smtp.smart_host_login_in_clear")};
}

}  // namespace pushmail

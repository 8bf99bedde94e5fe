// What several keys must say together, and what text in one of them must look like beyond its type.
#include <fmt/format.h>

#include <algorithm>

#include "core/bytes.h"
#include "core/config.h"

namespace pushmail {

namespace {

std::string key_of(const std::string& peer, std::string_view leaf) { return fmt::format("peer.{}.{}", peer, leaf); }

// A list that names every address keeps nobody out.
bool is_closed_list(const std::vector<IpNetwork>& allow) { return !allow.empty() && std::ranges::none_of(allow, &IpNetwork::is_everybody); }

bool is_authenticated(const Config& config, const std::string& peer) {
  return config.has(key_of(peer, "inbound_user")) || is_closed_list(config.networks(key_of(peer, "allow")));
}

bool is_sender_form(std::string_view form) {
  constexpr std::string_view mail = "mail:";
  if (form.starts_with(mail)) return is_host_name(form.substr(mail.size()));
  return form == "number" || form == "rfc2822";
}

std::expected<void, ConfigError> check_mail(const Config& config) {
  const std::string domain = config.text("domain");
  if (!is_host_name(domain)) return std::unexpected(config.error_at("domain", "must be a host name, mms.example.net"));
  const std::string postmaster = config.text("smtp.postmaster");
  if (postmaster.empty()) return {};
  const auto wrong = [&](std::string rule) { return std::unexpected(config.error_at("smtp.postmaster", std::move(rule))); };
  const std::size_t at = std::min(postmaster.find('@'), postmaster.size());
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7f && c != '<' && c != '>'; };
  if (at == 0 || at == postmaster.size() || !std::ranges::all_of(postmaster, is_plain) || !is_host_name(std::string_view(postmaster).substr(at + 1))) {
    return wrong("must be a mail address, joe@example.com");
  }
  if (ascii_equal_nocase(std::string_view(postmaster).substr(at + 1), domain)) return wrong("must not be at our own domain: its mail would come back to us");
  if (!config.has("smtp.smart_host")) return wrong("needs smtp.smart_host, which takes its mail");
  return {};
}

std::expected<void, ConfigError> check_peers(const Config& config) {
  for (const std::string& peer : config.peers()) {
    // A key that is missing has no line of its own: that of the url, which each peer has, leads to its table.
    const auto error = [&](std::string_view leaf, std::string rule) {
      const std::string key = key_of(peer, leaf);
      ConfigError found = config.error_at(config.is_given(key) ? key : key_of(peer, "url"), std::move(rule));
      found.key = key;
      return std::unexpected(std::move(found));
    };
    const bool has_user = config.has(key_of(peer, "inbound_user")), has_password = config.has(key_of(peer, "inbound_password_file"));
    if (has_user && !has_password) return error("inbound_password_file", "must be given with inbound_user");
    if (has_password && !has_user) return error("inbound_user", "must be given with inbound_password_file");
    if (!is_authenticated(config, peer) && config.text(key_of(peer, "inbound")) != "open") {
      return error("inbound", "nothing authenticates this peer: give inbound_user and inbound_password_file, or allow, or write inbound = \"open\"");
    }
    const std::vector<std::string> forms = config.texts(key_of(peer, "sender_forms"));
    if (forms.empty()) return error("sender_forms", "must name at least one form");
    for (const std::string& form : forms) {
      if (!is_sender_form(form)) return error("sender_forms", fmt::format("\"{}\" is not number, rfc2822 or mail:DOMAIN", form));
    }
  }
  return {};
}

}  // namespace

std::expected<void, ConfigError> check_rules(const Config& config) {
  if (auto mail = check_mail(config); !mail) return mail;
  return check_peers(config);
}

std::vector<std::string> open_peers(const Config& config) {
  std::vector<std::string> names = config.peers();
  std::erase_if(names, [&](const std::string& peer) { return is_authenticated(config, peer); });
  return names;
}

}  // namespace pushmail

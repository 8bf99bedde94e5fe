// What several keys must say together, and what text in one of them must look like beyond its type.
#include <fmt/format.h>

#include <algorithm>

#include "core/ascii.h"
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
  if (at == 0 || at == postmaster.size() || !std::ranges::all_of(postmaster, is_plain) ||
      !is_host_name(std::string_view(postmaster).substr(at + 1))) {
    return wrong("must be a mail address, joe@example.com");
  }
  if (ascii_equal_nocase(std::string_view(postmaster).substr(at + 1), domain))
    return wrong("must not be at our own domain: its mail would come back to us");
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
      return error("inbound",
                   "nothing authenticates this peer: give inbound_user and inbound_password_file, or allow, or write inbound = \"open\"");
    }
    const std::vector<std::string> forms = config.texts(key_of(peer, "sender_forms"));
    if (forms.empty()) return error("sender_forms", "must name at least one form");
    for (const std::string& form : forms) {
      if (!is_sender_form(form)) return error("sender_forms", fmt::format("\"{}\" is not number, rfc2822 or mail:DOMAIN", form));
    }
  }
  return {};
}

bool is_digits(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, is_digit<char>);
}

// `10` or `7-11`
bool is_length_range(std::string_view text) {
  const std::size_t hyphen = text.find('-');
  const std::string_view least = text.substr(0, hyphen), most = hyphen == std::string_view::npos ? least : text.substr(hyphen + 1);
  if (!is_digits(least, 1, 2) || !is_digits(most, 1, 2)) return false;
  const auto value = [](std::string_view digits) {
    return digits.size() == 1 ? digits[0] - '0' : (digits[0] - '0') * 10 + digits[1] - '0';
  };
  return value(least) >= 3 && value(least) <= value(most) && value(most) <= 14;
}

std::expected<void, ConfigError> check_numbering(const Config& config) {
  const auto error = [&](std::string_view leaf, std::string rule) {
    return std::unexpected(config.error_at(fmt::format("numbering.{}", leaf), std::move(rule)));
  };
  const std::string country = config.text("numbering.country_code"), trunk = config.text("numbering.trunk_prefix");
  if (!country.empty() && (!is_digits(country, 1, 3) || country.starts_with('0')))
    return error("country_code", "must be 1 to 3 digits as in E.164, 49");
  if (!trunk.empty() && !is_digits(trunk, 1, 5)) return error("trunk_prefix", "must be 1 to 5 digits, or empty");
  for (const std::string& prefix : config.texts("numbering.international_prefixes")) {
    if (!is_digits(prefix, 1, 6)) return error("international_prefixes", fmt::format("\"{}\" is not 1 to 6 digits", prefix));
  }
  for (const std::string& code : config.texts("numbering.short_codes")) {
    if (!is_digits(code, 1, 15)) return error("short_codes", fmt::format("\"{}\" is not 1 to 15 digits", code));
  }
  const std::string length = config.text("numbering.national_length");
  if (!length.empty() && !is_length_range(length))
    return error("national_length", "must be a number of digits from 3 to 14, or two of them, 7-11");
  if (config.text("numbering.bare") == "national" && (country.empty() || length.empty())) {
    return error("bare", "national needs numbering.country_code and numbering.national_length: without them a number may be two");
  }
  return {};
}

}  // namespace

std::expected<void, ConfigError> check_rules(const Config& config) {
  if (auto mail = check_mail(config); !mail) return mail;
  if (auto numbering = check_numbering(config); !numbering) return numbering;
  return check_peers(config);
}

std::vector<std::string> open_peers(const Config& config) {
  std::vector<std::string> names = config.peers();
  std::erase_if(names, [&](const std::string& peer) { return is_authenticated(config, peer); });
  return names;
}

}  // namespace pushmail

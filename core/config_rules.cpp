// What several keys must say together, and what text in one of them must look like beyond its type.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/bytes.h"
#include "core/config.h"

namespace pushmail {

namespace {

std::string key_of(const std::string& peer, std::string_view leaf) { return fmt::format("peer.{}.{}", peer, leaf); }

// A list that names every address keeps nobody out.
bool is_closed_list(const std::vector<IpNetwork>& allow) { return !allow.empty() && std::ranges::none_of(allow, &IpNetwork::is_everybody); }

bool is_authenticated(const Config& config, const std::string& peer) {
  return config.has(key_of(peer, "inbound_user")) || config.has(key_of(peer, "inbound_certificate")) ||
         is_closed_list(config.networks(key_of(peer, "allow")));
}

// A host name, or `sha256:` and 32 bytes in hex, which may have colons between them.
bool is_certificate_form(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  if (!text.starts_with(prefix)) return is_host_name(text);
  // 64 digits, or 32 pairs with a colon between each two.
  std::string digits(text.substr(prefix.size()));
  for (std::size_t at = 2; digits.size() > 64 && at < digits.size() && digits[at] == ':'; at += 2) digits.erase(at, 1);
  return digits.size() == 64 && from_hex(digits).size() == 32;
}

bool is_sender_form(std::string_view form) {
  constexpr std::string_view mail = "mail:";
  if (form.starts_with(mail)) return is_host_name(form.substr(mail.size()));
  return form == "number" || form == "rfc2822";
}

// What the checks of one reading found.
class Findings {
 public:
  explicit Findings(const Config& config) : config_(config) {}
  void add(std::string_view path, std::string rule) { errors_.push_back(config_.error_at(path, std::move(rule))); }
  // A key of a peer that is missing has no line of its own: that of the url, which each peer has, leads to its table.
  void add(const std::string& peer, std::string_view leaf, std::string rule) {
    const std::string key = key_of(peer, leaf);
    ConfigError found = config_.error_at(config_.is_given(key) ? key : key_of(peer, "url"), std::move(rule));
    found.key = key;
    errors_.push_back(std::move(found));
  }
  [[nodiscard]] std::vector<ConfigError> take() { return std::move(errors_); }

 private:
  const Config& config_;
  std::vector<ConfigError> errors_;
};

void check_mail(const Config& config, Findings& findings) {
  const std::string domain = config.text("domain");
  if (!is_host_name(domain)) findings.add("domain", "must be a host name, mms.example.net");
  const std::string postmaster = config.text("smtp.postmaster");
  if (postmaster.empty()) return;
  const std::size_t at = std::min(postmaster.find('@'), postmaster.size());
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7f && c != '<' && c != '>'; };
  if (at == 0 || at == postmaster.size() || !std::ranges::all_of(postmaster, is_plain) ||
      !is_host_name(std::string_view(postmaster).substr(at + 1))) {
    findings.add("smtp.postmaster", "must be a mail address, joe@example.com");
  } else if (ascii_equal_nocase(std::string_view(postmaster).substr(at + 1), domain)) {
    findings.add("smtp.postmaster", "must not be at our own domain: its mail would come back to us");
  } else if (!config.has("smtp.smart_host")) {
    findings.add("smtp.postmaster", "needs smtp.smart_host, which takes its mail");
  }
}

// Two programs, or two parts of one, cannot have the same port. Port 0 is any.
void check_listeners(const Config& config, Findings& findings) {
  constexpr std::array listeners{"http.listen", "smtp.listen", "metrics.listen", "http.tls_listen", "smtp.tls_listen"};
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!config.has(listeners[i]) || !config.has(listeners[j])) continue;
      const Endpoint one = config.endpoint(listeners[i]), other = config.endpoint(listeners[j]);
      if (one == other && one.port != 0)
        findings.add(listeners[i], fmt::format("is the same as {}: give each a port of its own", listeners[j]));
    }
  }
}

void check_smpp_tls(const Config& config, Findings& findings, const std::string& prefix) {
  const auto text = [&](const char* leaf) { return config.text(config.inherited(prefix + leaf)); };
  const bool shows_certificate = !text("tls_certificate").empty();
  if (shows_certificate == text("tls_key").empty())
    findings.add(prefix + "tls_certificate", "tls_certificate and tls_key must be given together");
  for (const char* leaf : {"tls_ca", "tls_name", "tls_certificate"}) {
    if (!text(leaf).empty() && text("tls") == "off") findings.add(prefix + leaf, "needs tls = \"on\"");
  }
}

// A bearer's name stands in rows of the store.
void check_bearers(const Config& config, Findings& findings) {
  for (const std::string& name : config.bearers()) {
    const std::string smsc = fmt::format("bearer.{}.smsc", name);
    const bool is_name = name.size() <= 32 && std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
    if (!is_name) findings.add(smsc, "the name of a bearer is letters, digits, - and _, 32 at most");
    if (config.text(fmt::format("bearer.{}.kind", name)) != "smpp") continue;
    if (!config.has(config.inherited(smsc))) findings.add(smsc, "must be given");
    check_smpp_tls(config, findings, fmt::format("bearer.{}.", name));
  }
  if (config.bearers().empty()) check_smpp_tls(config, findings, "notify.");
}

// `02:00:00:00:00:02`, and no group address (IEEE 802: the lowest bit of the first byte)
bool is_station_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < 6; ++i) {
    const Bytes byte = from_hex(text.substr(i * 3, 2));
    if (byte.size() != 1 || (i < 5 && text[i * 3 + 2] != ':') || (i == 0 && (byte[0] & 1) != 0)) return false;
  }
  return true;
}

void check_link(const Config& config, Findings& findings) {
  if (config.text("link.kind") != "dpdk") return;
  const std::string address = config.text("link.address");
  if (address.find('/') == std::string::npos || !parse_network(address))
    findings.add("link.address", "must be an address and its prefix, 198.18.0.2/24");
  const std::string gateway = config.text("link.gateway");
  if (!gateway.empty() && !parse_ip(gateway)) findings.add("link.gateway", "must be an address, 198.18.0.1");
  for (const char* key : {"link.mac", "link.gateway_mac"}) {
    const std::string mac = config.text(key);
    if (!mac.empty() && !is_station_mac(mac)) findings.add(key, "must be the MAC address of one station, 02:00:00:00:00:02");
  }
  if (gateway.empty() && config.has("link.gateway_mac")) findings.add("link.gateway_mac", "needs link.gateway, whose address it is");
  if (config.has("link.allow") && config.has("link.vdev"))
    findings.add("link.vdev", "must not be given with link.allow: the port is one or the other");
  if (!config.has("link.allow") && !config.has("link.vdev"))
    findings.add("link.allow", "must be given for link.kind = \"dpdk\", or link.vdev: the port");
}

void check_tls(const Config& config, Findings& findings) {
  const bool has_certificate = config.has("tls.certificate");
  if (has_certificate && !config.has("tls.key")) findings.add("tls.key", "must be given with tls.certificate");
  if (!has_certificate && config.has("tls.key")) findings.add("tls.certificate", "must be given with tls.key");
  for (const char* listener : {"http.tls_listen", "smtp.tls_listen"}) {
    if (config.has(listener) && !has_certificate) findings.add(listener, "needs tls.certificate and tls.key");
  }
  if (config.text("smtp.smart_host_tls") != "off" && !config.has("smtp.smart_host"))
    findings.add("smtp.smart_host_tls", "needs smtp.smart_host");
  const std::string name = config.text("smtp.smart_host_name");
  if (!name.empty() && !is_host_name(name)) findings.add("smtp.smart_host_name", "must be a host name, mail.example.net");
}

void check_smart_host_login(const Config& config, Findings& findings) {
  const bool has_user = config.has("smtp.smart_host_user"), has_secret = config.has("smtp.smart_host_password_file");
  if (has_user && !has_secret) findings.add("smtp.smart_host_user", "needs smtp.smart_host_password_file");
  if (!has_user) {
    if (has_secret) findings.add("smtp.smart_host_password_file", "needs smtp.smart_host_user");
    if (config.flag("smtp.smart_host_login_in_clear")) findings.add("smtp.smart_host_login_in_clear", "needs smtp.smart_host_user");
    return;
  }
  if (!config.has("smtp.smart_host")) findings.add("smtp.smart_host_user", "needs smtp.smart_host");
  if (config.text("smtp.smart_host_tls") == "off" && !config.flag("smtp.smart_host_login_in_clear")) {
    findings.add("smtp.smart_host_user",
                 "would be sent in clear: give smtp.smart_host_tls, or write smtp.smart_host_login_in_clear = true");
  }
}

void check_sizes(const Config& config, Findings& findings) {
  if (config.size("journal.lane_size_max") < config.size("journal.segment_size"))
    findings.add("journal.lane_size_max", "must be at least journal.segment_size: a lane of less takes no message");
}

void check_dns(const Config& config, Findings& findings) {
  for (const std::string& server : config.texts("dns.servers")) {
    if (!parse_endpoint(server) && !parse_ip(server)) findings.add("dns.servers", fmt::format("\"{}\" is not address:port", server));
  }
}

void check_peer(const Config& config, const std::string& peer, Findings& findings) {
  const bool has_user = config.has(key_of(peer, "inbound_user")), has_password = config.has(key_of(peer, "inbound_password_file"));
  if (has_user && !has_password) findings.add(peer, "inbound_password_file", "must be given with inbound_user");
  if (has_password && !has_user) findings.add(peer, "inbound_user", "must be given with inbound_password_file");
  if (has_user == has_password && !is_authenticated(config, peer) && config.text(key_of(peer, "inbound")) != "open") {
    findings.add(peer, "inbound",
                 "nothing authenticates this peer: give inbound_user and inbound_password_file, or allow, or inbound_certificate, or write "
                 "inbound = \"open\"");
  }
  const bool shows_certificate = config.has(key_of(peer, "tls_certificate"));
  if (shows_certificate != config.has(key_of(peer, "tls_key")))
    findings.add(peer, shows_certificate ? "tls_key" : "tls_certificate", "tls_certificate and tls_key must be given together");
  const std::string certificate = config.text(key_of(peer, "inbound_certificate"));
  if (!certificate.empty() && !is_certificate_form(certificate))
    findings.add(peer, "inbound_certificate", "must be a host name, mmsc.example.net, or sha256: and 64 hex digits");
  if (!certificate.empty() && !config.has("http.tls_listen"))
    findings.add(peer, "inbound_certificate", "needs http.tls_listen: without TLS nobody shows a certificate");
  for (const char* leaf : {"tls_ca", "tls_certificate"}) {
    const bool is_for_clients = leaf == std::string_view("tls_ca") && !certificate.empty();
    if (config.has(key_of(peer, leaf)) && !is_for_clients && !config.text(key_of(peer, "url")).starts_with("https://"))
      findings.add(peer, leaf, "needs a url that begins with https://");
  }
  const std::vector<std::string> forms = config.texts(key_of(peer, "sender_forms"));
  if (forms.empty()) findings.add(peer, "sender_forms", "must name at least one form");
  for (const std::string& form : forms) {
    if (!is_sender_form(form)) findings.add(peer, "sender_forms", fmt::format("\"{}\" is not number, rfc2822 or mail:DOMAIN", form));
  }
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

void check_numbering(const Config& config, Findings& findings) {
  const auto error = [&](std::string_view leaf, std::string rule) { findings.add(fmt::format("numbering.{}", leaf), std::move(rule)); };
  const std::string country = config.text("numbering.country_code"), trunk = config.text("numbering.trunk_prefix");
  if (!country.empty() && (!is_digits(country, 1, 3) || country.starts_with('0')))
    error("country_code", "must be 1 to 3 digits as in E.164, 49");
  if (!trunk.empty() && !is_digits(trunk, 1, 5)) error("trunk_prefix", "must be 1 to 5 digits, or empty");
  for (const std::string& prefix : config.texts("numbering.international_prefixes")) {
    if (!is_digits(prefix, 1, 6)) error("international_prefixes", fmt::format("\"{}\" is not 1 to 6 digits", prefix));
  }
  for (const std::string& code : config.texts("numbering.short_codes")) {
    if (!is_digits(code, 1, 15)) error("short_codes", fmt::format("\"{}\" is not 1 to 15 digits", code));
  }
  const std::string length = config.text("numbering.national_length");
  if (!length.empty() && !is_length_range(length))
    error("national_length", "must be a number of digits from 3 to 14, or two of them, 7-11");
  if (config.text("numbering.bare") == "national" && (country.empty() || length.empty())) {
    error("bare", "national needs numbering.country_code and numbering.national_length: without them a number may be two");
  }
}

}  // namespace

std::vector<ConfigError> check_rules(const Config& config) {
  Findings findings(config);
  check_mail(config, findings);
  check_listeners(config, findings);
  check_bearers(config, findings);
  check_link(config, findings);
  check_tls(config, findings);
  check_smart_host_login(config, findings);
  check_sizes(config, findings);
  check_dns(config, findings);
  check_numbering(config, findings);
  for (const std::string& peer : config.peers()) check_peer(config, peer, findings);
  return findings.take();
}

std::vector<std::string> open_peers(const Config& config) {
  std::vector<std::string> names = config.peers();
  std::erase_if(names, [&](const std::string& peer) { return is_authenticated(config, peer); });
  return names;
}

}  // namespace pushmail

#include "controlplane/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/mm7/configured.h"
#include "codec/wap/configured.h"
#include "core/ascii.h"
#include "core/storage.h"

namespace pushmail {

namespace {

// The MMSC's own domains: those that are said, the one that it writes phones in, and the name that it is reached by.
std::vector<std::string> domains_of(const PeerProfile& peer, const HttpUrl& url) {
  constexpr std::string_view mail_form = "mail:";
  std::vector<std::string> domains = peer.texts("domains");
  for (const std::string& form : peer.texts("sender_forms")) {
    if (form.starts_with(mail_form)) domains.push_back(form.substr(mail_form.size()));
  }
  if (!parse_ip(url.host)) domains.push_back(url.host);
  return domains;
}

// What the table of keys cannot check, and what follows from the keys.
std::expected<PeerProfile, StartError> read_peer(const Config& config, const std::string& name) {
  const auto key = [&](const char* leaf) { return fmt::format("peer.{}.{}", name, leaf); };
  const auto url = parse_http_url(config.text(key("url")));
  if (!url) return std::unexpected(key("url") + ": " + url.error());
  auto peer = PeerProfile::from(config, name);
  if (!peer) return peer;
  if (!peer->text("inbound_user").empty() && peer->text("inbound_password").empty())
    return std::unexpected(key("inbound_password_file") + ": the password is empty");
  if (const std::string& service = peer->text("service_number"); !is_digits(service) || service.size() > 12)
    return std::unexpected(key("service_number") + ": must be 1 to 12 digits");
  const auto knobs = mm7::configured_knobs(config, name);
  if (!knobs) return std::unexpected(knobs.error().message());
  std::vector<std::string> dialect;
  for (const auto& [knob, value] : *knobs) dialect.push_back(fmt::format("{}={}", knob, value));
  peer->set_texts("knob", std::move(dialect));
  peer->set_text("host_header", url->host_header);
  peer->set_texts("domains", domains_of(*peer, *url));
  return peer;
}

std::expected<Providers, StartError> read_providers(const std::string& path) {
  if (path.empty()) return Providers::built_in();
  const auto text = read_file(system_storage(), path, operators_file);
  if (!text) return std::unexpected(cannot_be_read(path, text.error().os));
  auto providers = Providers::parse(text_of(*text));
  if (!providers) return std::unexpected(path + ", " + providers.error());
  return providers;
}

}  // namespace

std::expected<HttpUrl, std::string> parse_http_url(std::string_view url) {
  HttpUrl parsed;
  if (url.starts_with("https://")) {
    parsed.scheme = "https://";
    parsed.port = 443;
  }
  if (!url.starts_with(parsed.scheme)) return std::unexpected("must begin with http:// or https://");
  url.remove_prefix(parsed.scheme.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  parsed.host_header = std::string(url.substr(0, slash));
  parsed.path = slash == url.size() ? "/" : std::string(url.substr(slash));
  const bool printable = std::all_of(parsed.path.begin(), parsed.path.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable) return std::unexpected("the path has characters that no path has");

  std::string_view authority = parsed.host_header;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::unexpected("an IPv6 address must end with ]");
    parsed.host = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    parsed.host = std::string(authority.substr(0, colon));
    port = authority.substr(colon);
  }
  if (parsed.host.empty()) return std::unexpected("has no host");
  if (!parse_ip(parsed.host) && !is_host_name(parsed.host)) return std::unexpected("has a host that is neither name nor address");
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto number = parse_number<std::uint16_t>(port);
    if (!number || *number == 0) return std::unexpected("has no valid port");
    parsed.port = *number;
  }
  return parsed;
}

std::expected<Settings, StartError> Settings::from(const Config& config, const std::filesystem::path& root) {
  std::vector<StartError> problems;
  Settings settings = read(config, root, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems.front()));
  return settings;
}

Settings Settings::read(const Config& config, const std::filesystem::path& root, std::vector<StartError>& problems) {
  Settings s;
  s.root = root;
  s.store_file = config.state_folder("store") / "pushmail.sqlite";
  s.run_folder = config.run_folder();
  s.domain = config.text("domain");
  s.node = static_cast<std::uint16_t>(config.number("node"));
  if (config.has("smtp.smart_host")) s.smart_host = to_string(config.endpoint("smtp.smart_host"));
  for (const std::string& name : config.peers()) {
    auto peer = read_peer(config, name);
    if (!peer) {
      problems.push_back(peer.error());
      continue;
    }
    // Whose DeliverReq it is would hang on the order of a table, and reports count for their own peer only.
    for (const auto& [other, earlier] : s.peers) {
      if (peer->text("inbound_user").empty() || peer->text("inbound_user") != earlier.text("inbound_user") ||
          peer->text("inbound_password") != earlier.text("inbound_password"))
        continue;
      problems.emplace_back(fmt::format("peer.{}.inbound_user: [peer.{}] has the same user and password: give each its own", name, other));
    }
    s.peers.emplace(name, std::move(*peer));
  }
  s.numbering = wap::configured_numbering(config);
  auto egress = EgressPolicy::from(config.texts("mailbox.allow_networks"));
  if (egress) {
    s.egress = std::move(*egress);
  } else {
    problems.emplace_back("mailbox.allow_networks: " + egress.error());
  }
  auto providers = read_providers(config.text("mailbox.providers"));
  if (providers) {
    s.providers = std::move(*providers);
  } else {
    problems.emplace_back("mailbox.providers: " + providers.error().text, providers.error().os);
  }
  s.fetchers = static_cast<std::size_t>(config.number("mailbox.fetchers"));
  s.mail_size_max = config.size("mailbox.mail_size_max");
  s.round = config.duration("schedule.round");

  s.bearers = notify::configured_bearers(config, problems);
  s.service_number = config.text("notify.source");
  s.sms_per_hour_max = static_cast<std::uint64_t>(config.number("notify.sms_per_hour_max"));
  s.code_lifetime = config.duration("notify.code_lifetime");
  s.announcements = {
      .own = {.count = static_cast<std::uint64_t>(config.number("notify.own_max")), .window = config.duration("notify.own_window")},
      .strangers = {.count = static_cast<std::uint64_t>(config.number("notify.strangers_max")),
                    .window = config.duration("notify.strangers_window")},
      .strangers_codes_max = static_cast<std::size_t>(config.number("notify.strangers_codes_max"))};

  s.trusted_authserv = config.texts("smtp.trusted_authserv");
  s.strangers = {.phone_mails_max = static_cast<std::uint32_t>(config.number("smtp.phone_mails_max")),
                 .source_mails_max = static_cast<std::uint32_t>(config.number("smtp.source_mails_max")),
                 .sender_mails_max = static_cast<std::uint32_t>(config.number("smtp.sender_mails_max")),
                 .phone_waiting_max = static_cast<std::uint64_t>(config.number("smtp.phone_waiting_max"))};
  s.api_readers = config.texts("api.readers");
  s.api_operators = config.texts("api.operators");
  s.api_agents = config.texts("api.agents");
  s.api_admins = config.texts("api.admins");
  s.dns_servers = config.texts("dns.servers");
  s.kek_file = config.text("secrets.kek_file");
  s.metrics_listen = config.endpoint("metrics.listen");
  s.configuration = config.generation();
  return s;
}

const PeerProfile* Settings::peer(std::string_view name) const {
  const auto found = peers.find(name);
  return found == peers.end() ? nullptr : &found->second;
}

}  // namespace pushmail

#include "core/tls_files.h"

#include <fmt/format.h>

#include "core/ascii.h"

namespace pushmail {

Result<tls::ClientSettings> load_trust(const Config& config, const std::string& own_authorities, const tls::CertificateFiles& shown) {
  const bool is_own = !own_authorities.empty();
  const std::string authorities = is_own ? own_authorities : std::string(tls::system_authorities);
  const std::string extra = is_own ? std::string() : config.text("tls.extra_ca");
  return shown.certificate.empty() ? tls::ClientSettings::load(authorities, extra) : tls::ClientSettings::load(authorities, extra, shown);
}

std::expected<TlsFiles, ConfigError> read_tls_files(const Config& config) {
  TlsFiles files;
  const auto refused = [&](const std::string& key, const Error& error) {
    return std::unexpected(config.error_at(key, std::string(error.info->text)));
  };
  if (config.has("tls.certificate")) {
    auto server = tls::ServerSettings::load({.certificate = config.text("tls.certificate"), .key = config.text("tls.key")});
    if (!server) return refused("tls.certificate", server.error());
    files.own.push_back({.key = "tls.certificate", .file = config.text("tls.certificate"), .ends = server->own().ends});
    files.server = std::move(*server);
  }
  if (config.text("smtp.smart_host_tls") != "off") {
    auto trust = load_trust(config, {}, {});
    if (!trust) return refused("tls.extra_ca", trust.error());
    files.smart_host = std::move(*trust);
  }
  for (const std::string& peer : config.peers()) {
    const auto key = [&](const char* leaf) { return fmt::format("peer.{}.{}", peer, leaf); };
    if (const std::string wanted = config.text(key("inbound_certificate")); !wanted.empty()) {
      tls::ClientCheck check{.wanted = wanted};
      if (!wanted.starts_with(tls::fingerprint_prefix)) {
        auto trust = load_trust(config, config.text(key("tls_ca")), {});
        if (!trust) return refused(key("tls_ca"), trust.error());
        check.trust = std::move(*trust);
      }
      files.clients.emplace(peer, std::move(check));
    }
    if (!ascii_starts_with_nocase(config.text(key("url")), "https://")) continue;
    auto trust = load_trust(config, config.text(key("tls_ca")),
                            {.certificate = config.text(key("tls_certificate")), .key = config.text(key("tls_key"))});
    if (!trust) return refused(config.has(key("tls_certificate")) ? key("tls_certificate") : key("tls_ca"), trust.error());
    if (trust->own())
      files.own.push_back({.key = key("tls_certificate"), .file = config.text(key("tls_certificate")), .ends = trust->own()->ends});
    files.peers.emplace(peer, std::move(*trust));
  }
  if (!files.clients.empty() && files.server) {
    auto server =
        tls::ServerSettings::load({.certificate = config.text("tls.certificate"), .key = config.text("tls.key")}, tls::AskClients::yes);
    if (!server) return refused("tls.certificate", server.error());
    files.asking_server = std::move(*server);
  }
  return files;
}

}  // namespace pushmail

// What the configuration names for TLS, read from its files: by the data plane at its start, and by `pushmailctl config check`.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>

#include "core/config.h"
#include "core/tls.h"

namespace pushmail {

struct TlsFiles {
  std::optional<tls::ServerSettings> server;                      // who we are: tls.certificate, tls.key
  std::map<std::string, tls::ClientSettings, std::less<>> peers;  // whom we trust as each [peer.NAME] with an https url
  std::optional<tls::ClientSettings> smart_host;                  // where smtp.smart_host_tls is not off
};

/// Those of the system and tls.extra_ca, or the peer's own file in their place; `shown`: who we are to it, when not empty.
[[nodiscard]] Result<tls::ClientSettings> load_trust(const Config& config, const std::string& own_authorities,
                                                     const tls::CertificateFiles& shown);

/// The error names the key whose file cannot be used.
[[nodiscard]] std::expected<TlsFiles, ConfigError> read_tls_files(const Config& config);

}  // namespace pushmail

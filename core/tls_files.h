// What the configuration names for TLS, read from its files: by the data plane at its start and each reload, and by `pushmailctl config
// check`.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/tls.h"

namespace pushmail {

/// A certificate that we show to somebody.
struct OwnCertificate {
  std::string key{};  // of the configuration that names its file
  std::string file{};
  Timestamp ends{};
};

struct TlsFiles {
  std::optional<tls::ServerSettings> server;                      // who we are: tls.certificate, tls.key
  std::optional<tls::ServerSettings> asking_server;               // the same for http.tls_listen, where `clients` is not empty
  std::map<std::string, tls::ClientCheck, std::less<>> clients;   // what each [peer.NAME] with inbound_certificate has to show
  std::map<std::string, tls::ClientSettings, std::less<>> peers;  // whom we trust as each [peer.NAME] with an https url
  std::optional<tls::ClientSettings> smart_host;                  // where smtp.smart_host_tls is not off
  std::vector<OwnCertificate> own;
};

/// Those of the system and tls.extra_ca, or the peer's own file in their place; `shown`: who we are to it, when not empty.
[[nodiscard]] Result<tls::ClientSettings> load_trust(const Config& config, const std::string& own_authorities,
                                                     const tls::CertificateFiles& shown);

/// The error names the key whose file cannot be used.
[[nodiscard]] std::expected<TlsFiles, ConfigError> read_tls_files(const Config& config);

}  // namespace pushmail

// Whether a peer of the configuration answers now, in its own protocol. For `setup` and `doctor`: each asks once and waits five seconds.
#pragma once

#include <string>
#include <vector>

#include "controlplane/settings.h"
#include "core/config.h"
#include "core/tls.h"

namespace pushmail::cli {

struct LiveCheck {
  std::string peer{};   // `mmsc1`, `smsc`, `smart host`
  std::string where{};  // host:port
  bool works = false;
  std::string words{};  // what it said, or why there is no answer
};

/// A HEAD request with our credentials: any answer but a refusal of them will do. `trust` null: without TLS.
[[nodiscard]] LiveCheck check_mmsc(const PeerProfile& peer, const tls::ClientSettings* trust);
/// A bind as transceiver or transmitter, and an unbind.
[[nodiscard]] LiveCheck check_smsc(std::string_view name, const notify::SmppSettings& smsc);
struct SmartHostTls {
  const tls::ClientSettings* trust = nullptr;  // null: without TLS
  bool by_command = false;                     // STARTTLS; else from the first byte on
  std::string name{};                          // that its certificate must carry; empty: its address
};
/// The greeting of an SMTP server, and its TLS.
[[nodiscard]] LiveCheck check_smart_host(const std::string& address, const SmartHostTls& tls);
/// All that the configuration names.
[[nodiscard]] std::vector<LiveCheck> check_peers(const Config& config, const Settings& settings);

}  // namespace pushmail::cli

// Whether a peer of the configuration answers now, in its own protocol. For `setup` and `doctor`: each asks once and waits five seconds.
#pragma once

#include <string>
#include <vector>

#include "controlplane/settings.h"

namespace pushmail::cli {

struct LiveCheck {
  std::string peer{};   // `mmsc1`, `smsc`, `smart host`
  std::string where{};  // host:port
  bool works = false;
  std::string words{};  // what it said, or why there is no answer
};

/// A HEAD request with our credentials: any answer but a refusal of them will do.
[[nodiscard]] LiveCheck check_mmsc(const PeerProfile& peer);
/// A bind as transceiver or transmitter, and an unbind.
[[nodiscard]] LiveCheck check_smsc(const notify::SmppSettings& smsc);
/// The greeting of an SMTP server.
[[nodiscard]] LiveCheck check_smart_host(const std::string& address);
/// All that the settings name.
[[nodiscard]] std::vector<LiveCheck> check_peers(const Settings& settings);

}  // namespace pushmail::cli

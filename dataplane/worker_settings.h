// What a worker is told when it is made, and again whenever the configuration is read again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/config.h"
#include "core/siphash.h"
#include "core/tls_files.h"
#include "dataplane/relay/settings.h"
#include "dataplane/session/http_server.h"
#include "dataplane/session/mm7_service.h"
#include "dataplane/session/smtp_auth.h"
#include "dataplane/session/smtp_server.h"

namespace pushmail {

enum class SmartHostTls : std::uint8_t { off, starttls, implicit };

/// TLS of a worker's legs. The listeners need `files.server`, the smart host `files.smart_host`.
struct WorkerTls {
  TlsFiles files{};
  std::optional<Endpoint> http_listen{};
  std::optional<Endpoint> smtp_listen{};
  SmartHostTls smart_host = SmartHostTls::off;
  std::string smart_host_name{};  // that its certificate must carry
};

enum class Poll : std::uint8_t { adaptive, busy };

struct WorkerSettings {
  relay::Settings relay;
  Endpoint http_listen;
  Endpoint smtp_listen;
  HttpServerSettings http{};
  BudgetLimits wrong_passwords = Mm7Service::wrong_passwords_usual;
  SmtpServerSettings smtp{};
  WorkerTls tls{};
  std::optional<SmtpLogin> smart_host_login{};
  Poll poll = Poll::adaptive;
};

/// `files`: what `config` names for TLS, read.
[[nodiscard]] WorkerSettings worker_settings(const Config& config, WorkerIndex worker, const HashKey& secret, TlsFiles files);

}  // namespace pushmail

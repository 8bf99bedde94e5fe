#include "dataplane/worker_settings.h"

#include <utility>

#include "codec/wap/configured.h"
#include "core/timers.h"

namespace pushmail {

namespace {

ConnectionLimits connection_limits(const Config& config, const std::string& table) {
  const auto number = [&](const char* leaf) { return static_cast<std::uint32_t>(config.number(table + leaf)); };
  return {
      .all = number(".connections_max"), .per_source = number(".connections_per_source_max"), .reserved = number(".connections_reserved")};
}

BudgetLimits budget_limits(const Config& config, const std::string& key) {
  const auto number = [&](const char* end) { return static_cast<std::uint32_t>(config.number(key + end)); };
  return {.burst = {.count = number("_per_minute"), .window = seconds(60)},
          .lasting = {.count = number("_per_hour"), .window = seconds(3600)}};
}

WorkerTls worker_tls(const Config& config, TlsFiles files) {
  WorkerTls tls{.files = std::move(files)};
  if (config.has("http.tls_listen")) tls.http_listen = config.endpoint("http.tls_listen");
  if (config.has("smtp.tls_listen")) tls.smtp_listen = config.endpoint("smtp.tls_listen");
  const std::string mode = config.text("smtp.smart_host_tls");
  if (mode == "off") return tls;
  tls.smart_host = mode == "starttls" ? SmartHostTls::starttls : SmartHostTls::implicit;
  tls.smart_host_name = config.text("smtp.smart_host_name");
  if (tls.smart_host_name.empty()) tls.smart_host_name = to_string(config.endpoint("smtp.smart_host").ip);
  return tls;
}

}  // namespace

WorkerSettings worker_settings(const Config& config, WorkerIndex worker, const HashKey& secret, TlsFiles files) {
  WorkerSettings settings;
  settings.tls = worker_tls(config, std::move(files));
  relay::Settings& relay = settings.relay;
  relay.domain = config.text("domain");
  relay.worker = worker;
  relay.numbering = wap::configured_numbering(config);
  relay.digest_secret = secret;
  relay.node = static_cast<std::uint16_t>(config.number("node"));
  relay.smtp_retry = {.first = config.duration("smtp.retry_first"), .most = config.duration("smtp.retry_most")};
  relay.smtp_expire = config.duration("smtp.expire");
  relay.postmaster = config.text("smtp.postmaster");
  if (config.has("smtp.smart_host")) relay.smart_host = to_string(config.endpoint("smtp.smart_host"));
  relay.unknown_retry = config.duration("smtp.unknown_retry");
  relay.mail_size_max = config.size("smtp.size_max");
  for (const std::string& peer : config.peers()) {
    relay.unbound_senders[peer] = static_cast<std::uint32_t>(config.number("peer." + peer + ".unbound_senders_per_minute"));
    relay.peer_retry[peer] = {.first = config.duration("peer." + peer + ".retry_first"),
                              .most = config.duration("peer." + peer + ".retry_most")};
  }
  settings.http_listen = config.endpoint("http.listen");
  settings.smtp_listen = config.endpoint("smtp.listen");
  settings.http.connections = connection_limits(config, "http");
  settings.wrong_passwords = budget_limits(config, "http.wrong_passwords");
  settings.smtp.domain = relay.domain;
  settings.smtp.size_max = config.size("smtp.size_max");
  settings.smtp.connections = connection_limits(config, "smtp");
  settings.smtp.trusted = config.networks("smtp.trusted");
  settings.smtp.unknown_recipients = budget_limits(config, "smtp.unknown_recipients");
  settings.smtp.trusted_unknown_recipients = budget_limits(config, "smtp.trusted_unknown_recipients");
  settings.smtp.greeting_delay = timers::smtp_greeting;
  settings.poll = config.text("worker.poll") == "busy" ? Poll::busy : Poll::adaptive;
  return settings;
}

}  // namespace pushmail

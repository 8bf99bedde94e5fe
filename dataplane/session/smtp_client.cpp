#include "dataplane/session/smtp_client.h"
#include "core/timers.h"

#include <algorithm>

#include "dataplane/session/smtp_connection.h"

namespace pushmail {

SmtpClient::SmtpClient(Network& network, SmtpClientSettings settings, SmtpClientEvents& events, const Clock& clock, FaultPoints faults)
    : network_(network), settings_(std::move(settings)), events_(events), clock_(clock), faults_(faults), now_(clock.now()) {}

SmtpClient::~SmtpClient() {
  for (const auto& [endpoint, host] : hosts_) {
    for (const Job& job : host.queue) release_lent(job.mail.mail);
  }
}

Result<std::uint64_t> SmtpClient::send(SmtpMail mail) {
  bool good = !mail.recipients.empty() && smtp::is_address(mail.mail_from, smtp::Utf8::allowed);
  for (const std::string& recipient : mail.recipients)
    good = good && !recipient.empty() && smtp::is_address(recipient, smtp::Utf8::allowed);
  if (closing_ || !good) {
    release_lent(mail.mail);
    return fail(closing_ ? smtp_closing : smtp_bad_envelope);
  }
  Host& host = hosts_.try_emplace(mail.host, mail.host, settings_.connections_per_host_max).first->second;
  host.queue.push_back({.id = ++last_id_, .mail = std::move(mail)});
  ++queued_count_;
  changed(host);
  return last_id_;
}

void SmtpClient::tick(Instant now) {
  now_ = now;
  if (!blocked_.empty()) make_room();
  start_waiting();
  connections_.check_deadlines(now);
}

/// Looks at the hosts where something changed, so that a turn costs the same with ten mails waiting and with ten thousand.
void SmtpClient::start_waiting() {
  for (Host* host : std::exchange(changed_, {})) {
    host->is_changed = false;
    while (!host->queue.empty() && place_first(*host)) {
    }
    if (host->queue.empty() && host->connection_count == 0 && !host->is_changed && !host->is_blocked)
      hosts_.erase(hosts_.find(host->endpoint));
  }
}

/// Gives the host's first mail to a connection; false when it has to wait.
bool SmtpClient::place_first(Host& host) {
  // One that had a kept connection die under it does not try its luck with another.
  if (host.queue.front().again == 0) {
    if (Connection* idle = connections_.find([&](const Connection& each) { return &each.host() == &host && each.idle(); })) {
      Job job = std::move(host.queue.front());
      host.queue.pop_front();
      --queued_count_;
      idle->start(std::move(job));
      return true;
    }
  }
  if (login_for(host) != nullptr && now_ < login_rest_.until) {
    fail_waiting(host, {.outcome = SmtpOutcome::refused_temporary, .answer = login_rest_.refusal, .recipients = {}, .error = {}});
    return false;
  }
  std::uint32_t in_use = 0, passed_over = 0;
  for (const auto& each : connections_) {
    if (&each->host() != &host || each->leaving()) continue;
    ++in_use;
    if (each->is_passed_over(now_)) ++passed_over;
  }
  if (!host.target.concurrency.has_place(in_use, passed_over)) return false;
  // Another connection works, or there would be no pause: when that one is done the host is looked at again.
  if (!host.target.may_open(now_)) return false;
  if (connections_.size() >= settings_.connections_max) {
    if (!std::exchange(host.is_blocked, true)) blocked_.push_back(&host);
    return false;
  }
  open_connection(host);
  return true;
}

const SmtpLogin* SmtpClient::login_for(const Host& host) const {
  return settings_.login && settings_.login->host == host.endpoint ? &*settings_.login : nullptr;
}

void SmtpClient::login_refused(SmtpAnswer refusal) {
  login_rest_.refusal = std::move(refusal);
  // Those that had knocked at the same time are one refusal.
  if (now_ < login_rest_.until) return;
  login_rest_.until = now_ + doubled(timers::login_rest, login_rest_.refusals++);
}

void SmtpClient::open_connection(Host& host) {
  Job job = std::move(host.queue.front());
  host.queue.pop_front();
  --queued_count_;
  auto connection = std::make_unique<Connection>(*this, host, std::move(job));
  if (const auto opened = connections_.open(network_, host.endpoint, connection); !opened) {
    give_back(connection->take_job(), not_sent(*opened.error().info));
    return connection_failed(host, *opened.error().info);
  }
  ++host.connection_count;
}

void SmtpClient::changed(Host& host) {
  if (!std::exchange(host.is_changed, true)) changed_.push_back(&host);
}

/// For hosts that found no connection left: what has become free since, and those that others only keep for a next mail.
void SmtpClient::make_room() {
  for (std::size_t used = connections_.size(); used < settings_.connections_max && !blocked_.empty(); ++used) {
    Host& next = *blocked_.front();
    blocked_.pop_front();
    next.is_blocked = false;
    changed(next);
  }
  if (blocked_.empty()) return;
  if (Connection* spare = connections_.find([](const Connection& each) { return each.idle() && each.host().queue.empty(); }))
    spare->say_quit();
}

void SmtpClient::connection_failed(Host& host, const ErrorInfo& why) {
  if (has_ready(host)) return host.target.on_further_refused(now_);
  fail_waiting(host, not_sent(why));
}

bool SmtpClient::has_ready(const Host& host) const {
  return connections_.find([&](const Connection& each) { return &each.host() == &host && each.ready(); }) != nullptr;
}

void SmtpClient::fail_waiting(Host& host, const SmtpResult& result) {
  std::deque<Job> waiting = std::exchange(host.queue, {});
  queued_count_ -= waiting.size();
  for (Job& job : waiting) give_back(std::move(job), result);
}

void SmtpClient::give_back(Job job, SmtpResult result) {
  release_lent(job.mail.mail);
  events_.on_smtp_result(job.id, std::move(result));
}

void SmtpClient::forget(Connection& connection) {
  --connection.host().connection_count;
  connections_.forget(connection);
}

void SmtpClient::drain() {
  closing_ = true;
  for (auto& [endpoint, host] : hosts_) fail_waiting(host, not_sent(smtp_closing));
  for (const auto& connection : connections_) connection->drain();
}

void SmtpClient::close_all() {
  closing_ = true;
  for (auto& [endpoint, host] : hosts_) fail_waiting(host, not_sent(smtp_closing));
  for (const auto& connection : connections_) connection->abort_with(smtp_reply_cut);
}

}  // namespace pushmail

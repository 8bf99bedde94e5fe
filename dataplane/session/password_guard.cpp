#include "dataplane/session/password_guard.h"

#include <algorithm>

namespace pushmail {

namespace {

constexpr std::size_t known_max = 64;
// In budgets of one source: what all sources together may guess for one user, and what a source that knows a password may.
constexpr std::uint32_t user_factor = 10, known_factor = 100;

BudgetLimits times(BudgetLimits limits, std::uint32_t factor) {
  limits.burst.count *= factor;
  limits.lasting.count *= factor;
  return limits;
}

}  // namespace

PasswordGuard::PasswordGuard(const BudgetLimits& of_source)
    : of_source_(of_source),
      sources_(of_source),
      users_(times(of_source, user_factor), 1024),
      known_sources_(times(of_source, known_factor), 1024) {}

void PasswordGuard::set_limits(const BudgetLimits& of_source) {
  if (of_source == of_source_) return;
  of_source_ = of_source;
  sources_ = TwoBudgets(of_source);
  users_ = TwoBudgets(times(of_source, user_factor), 1024);
  known_sources_ = TwoBudgets(times(of_source, known_factor), 1024);
}

bool PasswordGuard::compares(const IpAddress& source, std::string_view user, Instant now) const {
  const IpAddress group = source_group(source);
  const bool is_known = std::ranges::find(known_, group) != known_.end();
  return (is_known && known_sources_.has(group.bytes, now)) || !is_spent(source, user, now);
}

bool PasswordGuard::is_spent(const IpAddress& source, std::string_view user, Instant now) const {
  return !sources_.has(source_group(source).bytes, now) || (!user.empty() && !users_.has(bytes_of(user), now));
}

void PasswordGuard::wrong(const IpAddress& source, std::string_view user, Instant now) {
  ++wrong_count_;
  const IpAddress group = source_group(source);
  for (TwoBudgets* budget : {&sources_, &known_sources_}) static_cast<void>(budget->take(group.bytes, now));
  static_cast<void>(users_.take(bytes_of(user), now));
  log_.note(source, "a wrong password for MM7", now);
}

void PasswordGuard::right(const IpAddress& source) {
  const IpAddress group = source_group(source);
  if (std::ranges::find(known_, group) != known_.end()) return;
  known_.push_back(group);
  if (known_.size() > known_max) known_.pop_front();
}

}  // namespace pushmail

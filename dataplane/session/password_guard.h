// Guessing passwords: how many wrong ones a source, and all sources for one user, may give before nobody compares them any more.
//
// Who once gave the right one has a much larger budget: his address may be shared, and his name may be the one that is guessed. But also
// his address may not try without end. Counted and logged; the lists are bounded.
#pragma once

#include <deque>
#include <string_view>

#include "core/budget.h"
#include "dataplane/session/refusal_log.h"

namespace pushmail {

class PasswordGuard {
 public:
  explicit PasswordGuard(const BudgetLimits& of_source);
  /// Where they are others: everybody has the whole of his new budget.
  void set_limits(const BudgetLimits& of_source);

  /// Whether a password of this source for this user is still compared. An empty user asks for the source alone.
  [[nodiscard]] bool compares(const IpAddress& source, std::string_view user, Instant now) const;
  /// Whether the budget that everybody has is used up: a connection that guesses on ends with the answer, whoever it is.
  [[nodiscard]] bool is_spent(const IpAddress& source, std::string_view user, Instant now) const;
  void wrong(const IpAddress& source, std::string_view user, Instant now);
  void right(const IpAddress& source);
  [[nodiscard]] std::uint64_t wrong_count() const { return wrong_count_; }

 private:
  BudgetLimits of_source_;
  TwoBudgets sources_;
  TwoBudgets users_;
  TwoBudgets known_sources_;
  RefusalLog log_{"wrong_password"};
  std::deque<IpAddress> known_;  // sources that gave a right one; the latest last
  std::uint64_t wrong_count_ = 0;
};

}  // namespace pushmail

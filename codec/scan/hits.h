// The rules that matched so far in one mail: each once, the strongest kept when there are more than fit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/scan/rule.h"

namespace pushmail::scan {

inline constexpr std::size_t match_count_max = 64;

struct Match {
  std::uint32_t rule = 0;  // index in RuleSet::rules()
  Action action = Action::tag;
};

class Hits {
 public:
  /// Space for rules of this count; what was found before is forgotten.
  void resize(std::size_t rule_count);
  /// A new mail.
  void clear();
  /// A new place of the same mail.
  void enter(Places where) { where_ = where; }
  /// Whether a match of `rule` at the present place would be news.
  [[nodiscard]] bool wants(std::uint32_t rule, Places where) const { return (where & where_) != 0 && seen_[rule] != mail_; }
  void add(Match match);

  /// All that matched, even those that did not fit.
  [[nodiscard]] std::size_t count() const { return count_; }
  /// At most match_count_max, strongest action first, then in the order of the rules.
  [[nodiscard]] std::span<const Match> sorted();

 private:
  std::vector<std::uint32_t> seen_;  // number of the mail in which the rule matched last
  std::uint32_t mail_ = 1;
  Places where_ = 0;
  std::size_t count_ = 0;
  std::vector<Match> matches_;
};

}  // namespace pushmail::scan

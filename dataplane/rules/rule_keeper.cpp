#include "dataplane/rules/rule_keeper.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/log.h"

namespace pushmail {

namespace {

void log_set(const std::filesystem::path& file, const scan::RuleSet& set) {
  const auto count = [&](scan::Action action) { return std::ranges::count(set.rules(), action, &scan::Rule::action); };
  log_info("rules").text("file", file.string()).number("count", static_cast<std::int64_t>(set.rules().size()));
  // Of mail handed in nothing else keeps it, so these are told in its history, and it goes on.
  const std::int64_t only_noted = count(scan::Action::hold) + count(scan::Action::never_push) + count(scan::Action::notify_only);
  if (only_noted > 0) log_warning("rules_only_noted").text("file", file.string()).number("count", only_noted);
}

}  // namespace

RuleKeeper::RuleKeeper(const std::filesystem::path& file, scan::RuleSet first, std::size_t reader_count) : slot_(reader_count) {
  replace(file, std::move(first));
  collect();
}

void RuleKeeper::replace(const std::filesystem::path& file, scan::RuleSet set) {
  if (!file.empty()) log_set(file, set);
  slot_.publish(std::make_unique<const scan::RuleSet>(std::move(set)));
}

}  // namespace pushmail

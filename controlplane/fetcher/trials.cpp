#include "controlplane/fetcher/trials.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/result.h"

namespace pushmail::mailbox {

namespace {

constexpr const TrialRule* rule_of(Deed deed, Asked asked) {
  for (const TrialRule& rule : trial_rules) {
    if (rule.deed == deed && rule.asked == asked) return &rule;
  }
  return nullptr;
}

// Every deed stands in the table once for each way of asking.
constexpr bool is_complete() {
  for (const Deed deed : {Deed::answered, Deed::refused, Deed::left_out, Deed::broke_off, Deed::not_listed}) {
    for (const Asked asked : {Asked::with_others, Asked::alone}) {
      int rows = 0;
      for (const TrialRule& rule : trial_rules) rows += rule.deed == deed && rule.asked == asked ? 1 : 0;
      if (rows != 1) return false;
    }
  }
  return true;
}
static_assert(is_complete());

}  // namespace

Next next_step(Deed deed, Asked asked, std::uint32_t tries) {
  const TrialRule* rule = rule_of(deed, asked);
  PM_CHECK(rule != nullptr);
  return tries < tries_max ? rule->next : rule->last;
}

Next Trials::note(const std::string& uid, const Note& note) {
  const Trial* before = find(uid);
  const std::uint32_t tries = (before == nullptr ? 0 : before->tries) + (note.asked == Asked::alone ? 1 : 0);
  const Next next = next_step(note.deed, note.asked, tries);
  if (next == Next::ask_alone) {
    trials_[uid] = {.tries = tries, .not_before = note.now, .reason = std::string(note.reason)};
  } else if (next == Next::ask_later) {
    trials_[uid] = {.tries = tries, .not_before = note.now + Duration{note.pause.ns << (tries - 1)}, .reason = std::string(note.reason)};
  } else {
    trials_.erase(uid);
  }
  return next;
}

void Trials::suspect(const std::string& uid, std::uint32_t tries) {
  trials_[uid] = {.tries = tries, .reason = "it ended the fetcher " + std::to_string(tries) + " times"};
}

void Trials::adopt(const Trials& before) {
  for (const auto& [uid, trial] : before.trials_) {
    const auto known = trials_.find(uid);
    if (known == trials_.end() || known->second.tries < trial.tries) trials_[uid] = trial;
  }
}

const Trial* Trials::find(const std::string& uid) const {
  const auto found = trials_.find(uid);
  return found == trials_.end() ? nullptr : &found->second;
}

std::vector<std::string> Trials::due(Instant now) const {
  std::vector<std::string> uids;
  for (const auto& [uid, trial] : trials_) {
    if (trial.not_before <= now) uids.push_back(uid);
  }
  // Decimal UIDs of one length sort as their numbers do.
  std::ranges::stable_sort(uids, [this](const std::string& a, const std::string& b) {
    const std::uint32_t tries_a = trials_.at(a).tries, tries_b = trials_.at(b).tries;
    return tries_a != tries_b ? tries_a < tries_b : a.size() < b.size();
  });
  return uids;
}

std::optional<Instant> Trials::next_due() const {
  std::optional<Instant> next;
  for (const auto& [uid, trial] : trials_) {
    if (!next || trial.not_before < *next) next = trial.not_before;
  }
  return next;
}

std::optional<std::uint32_t> Trials::lowest_uid() const {
  std::optional<std::uint32_t> lowest;
  for (const auto& [text, trial] : trials_) {
    const auto uid = parse_number<std::uint32_t>(text);
    if (uid && *uid != 0 && (!lowest || *uid < *lowest)) lowest = uid;
  }
  return lowest;
}

}  // namespace pushmail::mailbox

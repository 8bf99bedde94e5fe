#include "controlplane/account_pauses.h"

#include <algorithm>

#include "controlplane/ports.h"

namespace pushmail {

using mailbox::Tag;
using mailbox::tag;

Duration pause_of(const RecordView& record) {
  constexpr std::uint64_t most_ms = 86'400'000;
  return milliseconds(static_cast<std::int64_t>(std::min(record.u64(tag(Tag::pause)).value_or(0), most_ms)));
}

void AccountPauses::on_trial(std::string_view binding, std::string_view state, std::string_view reason, Duration wait, Instant now) {
  accounts_[std::string(binding)] = {
      .state = std::string(state), .reason = std::string(reason), .refused = "now", .not_before = now + wait, .failures = 1};
}

void AccountPauses::on_session(std::string_view binding, const RecordView& session, Instant now) {
  if (!session.u64(tag(Tag::pause))) return;
  Account& account = accounts_[std::string(binding)];
  account.not_before = now + pause_of(session);
  account.refused = session.text(tag(Tag::refused)).value_or("");
  account.failures = session.u64(tag(Tag::failures)).value_or(0);
  account.short_sessions = session.u64(tag(Tag::short_sessions)).value_or(0);
  account.unsaid = session.u64(tag(Tag::unsaid)).value_or(0);
  // A word without a reason is of what is tried now.
  const std::string_view reason = session.text(tag(Tag::reason)).value_or("");
  if (reason.empty()) return;
  account.state = session.text(tag(Tag::state)).value_or("");
  account.reason = reason;
}

void AccountPauses::write(std::string_view binding, Instant now, RecordWriter& watch) const {
  const auto known = accounts_.find(binding);
  if (known == accounts_.end()) return;
  const Account& account = known->second;
  watch.u64(tag(Tag::pause), static_cast<std::uint64_t>(std::max(account.not_before - now, Duration{}).ms()));
  watch.u64(tag(Tag::failures), account.failures)
      .u64(tag(Tag::short_sessions), account.short_sessions)
      .u64(tag(Tag::unsaid), account.unsaid);
  if (account.refused.empty()) return;
  watch.text(tag(Tag::refused), account.refused).text(tag(Tag::state), account.state).text(tag(Tag::reason), account.reason);
}

void AccountPauses::forget(std::string_view binding) {
  if (const auto known = accounts_.find(binding); known != accounts_.end()) accounts_.erase(known);
}

}  // namespace pushmail

#include "controlplane/suspects.h"

#include <algorithm>

#include "controlplane/fetcher/trials.h"

namespace pushmail {

namespace {

// Of one mailbox. A batch is 20 mails, so this is several deaths with nothing in between; then those that were seen least are let go.
constexpr std::size_t count_max = 200;

}  // namespace

void Suspects::on_trying(std::string_view binding, std::vector<std::string> uids) {
  const auto known = mailboxes_.find(binding);
  if (known != mailboxes_.end()) {
    known->second.trying = std::move(uids);
    if (known->second.trying.empty() && known->second.deaths.empty()) mailboxes_.erase(known);
  } else if (!uids.empty()) {
    mailboxes_[std::string(binding)].trying = std::move(uids);
  }
}

std::map<std::string, std::uint32_t> Suspects::on_fetcher_lost(std::string_view binding) {
  std::map<std::string, std::uint32_t> blamed;
  const auto known = mailboxes_.find(binding);
  if (known == mailboxes_.end()) return blamed;
  auto& [trying, deaths] = known->second;
  for (const std::string& uid : trying) {
    std::uint32_t& count = deaths[uid];
    count = trying.size() == 1 ? std::min(count + 1, mailbox::tries_max) : std::max(count, 1U);
    blamed[uid] = count;
  }
  trying.clear();
  for (std::uint32_t few = 1; deaths.size() > count_max; ++few) {
    std::erase_if(deaths, [few](const auto& entry) { return entry.second <= few; });
  }
  return blamed;
}

void Suspects::on_announced(std::string_view binding, const std::string& uid) {
  const auto known = mailboxes_.find(binding);
  if (known == mailboxes_.end()) return;
  const auto death = known->second.deaths.find(uid);
  if (death != known->second.deaths.end() && death->second < mailbox::tries_max) known->second.deaths.erase(death);
}

void Suspects::forget(std::string_view binding) {
  if (const auto known = mailboxes_.find(binding); known != mailboxes_.end()) mailboxes_.erase(known);
}

const std::map<std::string, std::uint32_t>& Suspects::of(std::string_view binding) const {
  static const std::map<std::string, std::uint32_t> none;
  const auto known = mailboxes_.find(binding);
  return known == mailboxes_.end() ? none : known->second.deaths;
}

}  // namespace pushmail

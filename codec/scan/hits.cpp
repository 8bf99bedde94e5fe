#include "codec/scan/hits.h"

#include <algorithm>

namespace pushmail::scan {

namespace {

bool is_stronger(const Match& a, const Match& b) { return a.action != b.action ? a.action < b.action : a.rule < b.rule; }

}  // namespace

void Hits::resize(std::size_t rule_count) {
  seen_.assign(rule_count, 0);
  mail_ = 0;
  matches_.reserve(match_count_max);
  clear();
}

void Hits::clear() {
  matches_.clear();
  count_ = 0;
  if (++mail_ != 0) return;
  // The number came round after 2^32 mails: every old mark would look new.
  std::fill(seen_.begin(), seen_.end(), 0);
  mail_ = 1;
}

void Hits::add(Match match) {
  seen_[match.rule] = mail_;
  ++count_;
  if (matches_.size() < match_count_max) {
    matches_.push_back(match);
    return;
  }
  const auto weakest = std::max_element(matches_.begin(), matches_.end(), is_stronger);
  if (is_stronger(match, *weakest)) *weakest = match;
}

std::span<const Match> Hits::sorted() {
  std::sort(matches_.begin(), matches_.end(), is_stronger);
  return matches_;
}

}  // namespace pushmail::scan

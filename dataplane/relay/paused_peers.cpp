#include "dataplane/relay/paused_peers.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/contract/handoff/peer.h"
#include "core/log.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::uint32_t unknowns_in_a_row_max = 5;  // then the peer, or what lies before it, is in trouble

}  // namespace

Instant PausedPeers::until(std::string_view peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? Instant{} : found->second.until;
}

void PausedPeers::pause(const std::string& peer, std::string_view trouble) {
  Paused& paused = peers_[peer];
  if (context_.now < paused.until) return;
  ++paused.times;
  paused.until = context_.now + retry_delay(context_.settings.submit_retry_of(peer), paused.times, context_.settings.random());
  paused.reason = trouble;
  context_.counters.add(Counter::peers_paused);
  log_error("peer_paused").peer(peer).text("reason", trouble);
  report(peer);
}

void PausedPeers::forget(const std::string& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  const bool was_reported = found->second.times > 0;
  peers_.erase(found);
  if (was_reported) report(peer);
}

void PausedPeers::count_unknown(const std::string& peer) {
  Paused& paused = peers_[peer];
  if (++paused.unknowns < unknowns_in_a_row_max) return;
  pause(peer, fmt::format("{} submissions in a row without an answer that says what became of them", paused.unknowns));
}

void PausedPeers::report_all() const {
  for (const auto& [peer, paused] : peers_) report(peer);
}

void PausedPeers::report(const std::string& peer) const {
  if (!context_.ports.handoff.is_ready()) return;
  const auto found = peers_.find(peer);
  const bool is_paused = found != peers_.end() && found->second.times > 0;
  const std::int64_t left_us = is_paused ? std::max<std::int64_t>((found->second.until - context_.now).us(), 0) : 0;
  RecordWriter record = handoff::make(handoff::Kind::peer_state, {});
  record.text(tag(Tag::peer), peer).i64(tag(Tag::retry_at), left_us == 0 ? 0 : context_.clock.wall().us + left_us);
  if (is_paused) record.text(tag(Tag::reason), found->second.reason);
  context_.ports.handoff.send(handoff::Kind::peer_state, {}, std::move(record));
}

}  // namespace pushmail::relay

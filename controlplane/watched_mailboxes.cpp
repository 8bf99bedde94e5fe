#include "controlplane/watched_mailboxes.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "controlplane/account_record.h"
#include "controlplane/schedule/due.h"
#include "controlplane/watermark.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using mailbox::Kind;
using mailbox::Tag;
using mailbox::tag;

constexpr std::int64_t second_us = 1'000'000;
constexpr std::size_t bindings_at_once = 1000;            // read from the store
constexpr std::int64_t polled_write_us = 60 * second_us;  // an unchanged watermark is written down once a minute at most

bool is_well(std::string_view state) { return state == "ready" || state == "idling"; }

}  // namespace

void WatchedMailboxes::watch_all(const std::function<bool(std::string_view)>& of_this_fetcher) {
  std::string last;
  for (;;) {
    const auto bindings = ports_.store.bindings(last, bindings_at_once);
    if (!bindings) {
      log_error("bindings_not_read").error(bindings.error());
      unread_.push_back(of_this_fetcher);
      read_again_ = ports_.clock.now() + timers::watch_again;
      return;
    }
    for (const Binding& binding : *bindings) {
      if (binding.is_active() && of_this_fetcher(binding.id)) watch(binding);
    }
    if (bindings->size() < bindings_at_once) return;
    last = bindings->back().id;
  }
}

void WatchedMailboxes::on_binding_changed(const Binding& binding) {
  pauses_.forget(binding.id);
  follow(binding);
}

void WatchedMailboxes::on_binding_added(const Binding& binding, const api::AccountTrial& trial) {
  pauses_.forget(binding.id);
  if (trial.wait.ns > 0) pauses_.on_trial(binding.id, trial.state, trial.text, trial.wait, ports_.clock.now());
  follow(binding);
}

void WatchedMailboxes::follow(const Binding& binding) {
  if (binding.is_active()) return watch(binding);
  watched_.erase(binding.id);
  suspects_.forget(binding.id);
  send_unwatch(binding.id);
}

void WatchedMailboxes::send_unwatch(std::string_view binding) {
  RecordWriter record = make(Kind::unwatch, {});
  record.text(tag(Tag::binding), binding);
  ports_.fetchers.send(binding, Kind::unwatch, {}, std::move(record));
}

void WatchedMailboxes::watch(const Binding& binding) {
  Watched& watched = watched_[binding.id];
  watched.question = ++last_question_;
  watched.told = false;
  watched.resolved = ports_.clock.now();
  // Until the watch is sent this is the time of the next try, not of a poll.
  watched.due = watched.resolved + timers::host_resolve;
  ports_.resolver.resolve(binding.host, [this, id = binding.id, question = watched.question](Result<std::vector<IpAddress>> addresses) {
    const auto still = watched_.find(id);
    if (still == watched_.end() || still->second.question != question) return;
    // The binding may have changed while DNS thought about it.
    const auto now = ports_.store.binding(id);
    if (!now || !*now || !(*now)->is_active()) return;
    if (!addresses) return cannot_watch(**now, "unreachable", "DNS: " + std::string(addresses.error().info->text));
    for (const IpAddress& address : *addresses) {
      if (ports_.settings.egress.allows(address)) return send_watch(**now, address);
    }
    cannot_watch(**now, "unreachable", "the host's address is in a private or special network; mailbox.allow_networks may allow it");
  });
}

void WatchedMailboxes::send_watch(const Binding& binding, const IpAddress& address) {
  Watched& watched = watched_[binding.id];
  if (watched.behind && ports_.clock.now() < watched.behind_until) {
    watched.due = watched.behind_until;
    return;
  }
  auto password = ports_.sealer.unseal(binding.id, binding.sealed_password);
  if (!password) return cannot_watch(binding, "auth_failed", std::string(password.error().info->text));
  const auto state = ports_.store.mailbox(binding.id);
  const auto known = ports_.store.known_uids(binding.id);
  if (!state || !known) return cannot_watch(binding, "unreachable", "the store cannot be read");

  RecordWriter record = make(Kind::watch, {});
  record.text(tag(Tag::binding), binding.id);
  write_account(record, binding, address, *password, ports_.settings.providers.of_host(binding.host));
  record.text(tag(Tag::mode), to_string(binding.mode == WatchMode::idle ? mailbox::Mode::idle : mailbox::Mode::poll));
  record.text(tag(Tag::cursor), state->cursor);
  for (const std::string& uid : *known) record.text(tag(Tag::known_uid), uid);
  for (const auto& [uid, deaths] : suspects_.of(binding.id)) record.text(tag(Tag::suspect), fmt::format("{} {}", deaths, uid));
  pauses_.write(binding.id, ports_.clock.now(), record);
  OPENSSL_cleanse(password->data(), password->size());
  ports_.fetchers.send(binding.id, Kind::watch, {}, std::move(record));
  watched.told = true;
  // Fixed times that passed while nobody could look are due at once; so is a mailbox with news that were lost.
  const Timestamp now = ports_.clock.wall();
  plan(binding, watched, binding.mode == WatchMode::fixed && state->polled_at.us != 0 ? state->polled_at : now);
  if (std::exchange(watched.behind, false)) watched.due = ports_.clock.now();
  log_debug("watching").binding(binding.id);
}

void WatchedMailboxes::cannot_watch(const Binding& binding, std::string_view state, std::string reason) {
  log_warning("cannot_watch").binding(binding.id).text("reason", reason);
  set_session(binding.id, state, reason, ports_.clock.wall());
}

void WatchedMailboxes::plan(const Binding& binding, Watched& watched, Timestamp last) {
  // A look in the future was written down by a clock that has been set back since.
  const Timestamp now = ports_.clock.wall();
  watched.planned_from = std::min(last, now);
  schedule::Plan plan{.round = ports_.settings.round, .key = binding.id};
  std::shared_ptr<const schedule::Zone> zone;
  if (binding.mode == WatchMode::fixed) zone = schedule::load_zone(binding.zone);
  // A zone that cannot be read now is not UTC: until the next look, at most a round, it is as if the mode were `round`.
  if (zone) {
    plan.mode = schedule::Plan::Mode::fixed;
    plan.times = schedule::parse_times(binding.times).value_or(std::vector<int>{});
    plan.zone = zone.get();
  }
  const Timestamp due = schedule::next_due(plan, watched.planned_from);
  watched.due = ports_.clock.now() + microseconds(std::max<std::int64_t>(due.us - now.us, 0));
}

void WatchedMailboxes::on_wall_step() {
  for (auto& [id, watched] : watched_) {
    if (!watched.told) continue;
    const auto binding = ports_.store.binding(id);
    if (binding && *binding && (*binding)->mode == WatchMode::fixed) plan(**binding, watched, watched.planned_from);
  }
}

void WatchedMailboxes::on_fetcher_lost(const std::function<bool(std::string_view binding)>& was_there) {
  for (const auto& [id, watched] : watched_) {
    if (!was_there(id)) continue;
    for (const auto& [uid, deaths] : suspects_.on_fetcher_lost(id)) {
      log_warning("mail_suspected").binding(id).text("uid", uid).number("deaths", deaths);
    }
  }
}

void WatchedMailboxes::watch_again(std::string_view binding) {
  const auto watched = watched_.find(binding);
  if (watched == watched_.end()) return;
  Watched& one = watched->second;
  one.told = false;
  one.behind = true;
  one.question = ++last_question_;  // an address that DNS is about to tell comes too early
  one.due = one.behind_until = ports_.clock.now() + timers::watch_again;
  send_unwatch(binding);
}

bool WatchedMailboxes::is_behind(std::string_view binding) const {
  const auto watched = watched_.find(binding);
  return watched != watched_.end() && watched->second.behind;
}

std::size_t WatchedMailboxes::poll_now(std::string_view id) {
  std::size_t count = 0;
  for (const auto& [binding, watched] : watched_) {
    if (!id.empty() && binding != id) continue;
    if (!watched.told || !ports_.fetchers.is_up(binding)) continue;
    RecordWriter record = make(Kind::poll, {});
    record.text(tag(Tag::binding), binding);
    ports_.fetchers.send(binding, Kind::poll, {}, std::move(record));
    ++count;
  }
  return count;
}

void WatchedMailboxes::tick() {
  const Instant now = ports_.clock.now();
  if (!unread_.empty() && now >= read_again_) {
    for (const auto& of_one_fetcher : std::exchange(unread_, {})) watch_all(of_one_fetcher);
  }
  std::vector<std::string> due;
  for (const auto& [binding, watched] : watched_) {
    if (watched.due <= now) due.push_back(binding);
  }
  for (const std::string& id : due) {
    const auto binding = ports_.store.binding(id);
    if (!binding || !*binding) continue;
    Watched& watched = watched_[id];
    // A poll that could not be sent (the fetcher is being restarted) is not over.
    if (!watched.told)
      watch(**binding);
    else if (poll_now(id) != 0)
      plan(**binding, watched, ports_.clock.wall());
    else
      watched.due = now + timers::watch_again;
  }
}

void WatchedMailboxes::set_session(std::string_view binding, std::string_view state, std::string_view reason, Timestamp at) {
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(MailboxState now, ports_.store.mailbox(binding));
    now.session = state;
    now.reason = reason;
    now.session_at = at;
    return ports_.store.set_mailbox(binding, now);
  });
  if (!done) log_error("session_not_stored").binding(binding).error(done.error());
}

bool WatchedMailboxes::on_session(const RecordView& record) {
  const std::string id = text_or_empty(record, Tag::binding);
  const std::string state = text_or_empty(record, Tag::state);
  const auto binding = ports_.store.binding(id);
  if (!binding || !*binding || (*binding)->state == BindingState::removed) return false;
  pauses_.on_session(id, record, ports_.clock.now());
  set_session(id, state, text_or_empty(record, Tag::reason), {record.i64(tag(Tag::time)).value_or(ports_.clock.wall().us)});
  if (is_well(state)) return true;
  // A host that moved has another address by now.
  const auto watched = watched_.find(id);
  const bool named = !parse_ip((*binding)->host).has_value();
  if (state == "unreachable" && named && watched != watched_.end() && ports_.clock.now() - watched->second.resolved > timers::host_resolve)
    watch(**binding);
  return false;
}

Result<void> WatchedMailboxes::write_watermark(const RecordView& record, MailboxState& state) {
  const std::string id = text_or_empty(record, Tag::binding);
  take_watermark(record, state);
  state.polled_at = ports_.clock.wall();
  // Its cursor is where the mailbox ends: what comes from here on nobody has been sent.
  state.restored = {};
  std::vector<std::string> known;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::known_uid)) known.emplace_back(text_of(value));
  });
  if (!known.empty()) {
    if (const auto forgotten = ports_.store.forget_known_uids(id); !forgotten) return forgotten;
    for (const std::string& uid : known) {
      if (const auto added = ports_.store.add_known_uid(id, uid); !added) return added;
    }
  }
  return ports_.store.set_mailbox(id, state);
}

void WatchedMailboxes::on_baseline(const RecordView& record) {
  const std::string id = text_or_empty(record, Tag::binding);
  if (is_behind(id)) return;
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(MailboxState state, ports_.store.mailbox(id));
    if (const auto forgotten = ports_.store.forget_known_uids(id); !forgotten) return forgotten;
    return write_watermark(record, state);
  });
  suspects_.forget(id);
  log_info("baseline").binding(id).number("uid_validity", static_cast<std::int64_t>(record.u64(tag(Tag::uid_validity)).value_or(0)));
  if (done) return;
  log_error("baseline_not_stored").binding(id).error(done.error());
  watch_again(id);
}

void WatchedMailboxes::on_polled(const RecordView& record) {
  const std::string id = text_or_empty(record, Tag::binding);
  if (is_behind(id)) return;
  const auto done = ports_.store.write([&]() -> Result<void> {
    // While a binding rests nothing is announced, so nothing may be passed over (ToPhone::take_new_mail).
    PM_TRY(const auto binding, ports_.store.binding(id));
    if (!binding || !binding->is_active()) return {};
    PM_TRY(MailboxState state, ports_.store.mailbox(id));
    if (state.uid_validity != record.u64(tag(Tag::uid_validity))) suspects_.forget(id);  // other mails bear these UIDs now
    const bool unchanged = state.cursor == text_or_empty(record, Tag::cursor) && !record.bytes(tag(Tag::known_uid));
    // A time in the future was written by a clock that has been set back since.
    const std::int64_t age_us = ports_.clock.wall().us - state.polled_at.us;
    if (unchanged && age_us >= 0 && age_us < polled_write_us) return {};
    return write_watermark(record, state);
  });
  if (done) return;
  log_error("polled_not_stored").binding(id).error(done.error());
  watch_again(id);
}

void WatchedMailboxes::on_trying(const RecordView& record) {
  std::vector<std::string> uids;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::uid)) uids.emplace_back(text_of(value));
  });
  suspects_.on_trying(text_or_empty(record, Tag::binding), std::move(uids));
}

void WatchedMailboxes::on_announced(const RecordView& record) {
  suspects_.on_announced(text_or_empty(record, Tag::binding), text_or_empty(record, Tag::uid));
}

void WatchedMailboxes::on_skipped(const RecordView& record) {
  const std::string id = text_or_empty(record, Tag::binding);
  const std::uint64_t count = record.u64(tag(Tag::count)).value_or(1);
  const std::string uid = text_or_empty(record, Tag::uid);
  const std::string reason = text_or_empty(record, Tag::reason);
  log_warning("mail_skipped").binding(id).text("uid", uid).number("count", static_cast<std::int64_t>(count)).text("reason", reason);
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(MailboxState state, ports_.store.mailbox(id));
    state.skipped += count;
    state.skip_reason = uid.empty() ? reason : fmt::format("UID {}: {}", uid, reason);
    return ports_.store.set_mailbox(id, state);
  });
  if (!done) log_error("skip_not_stored").binding(id).error(done.error());
}

}  // namespace pushmail

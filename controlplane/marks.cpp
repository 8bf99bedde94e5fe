#include "controlplane/marks.h"

#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using mailbox::Kind;
using mailbox::tag;
using mailbox::Tag;

constexpr std::uint32_t mark_attempts_max = 10;
constexpr std::size_t asked_in_one_turn_max = 100;

}  // namespace

Result<void> Marks::begin(Item& item) {
  if (item.source != Source::mailbox || item.mark != MarkProgress::none) return {};
  PM_TRY(const auto binding, ports_.store.binding(item.binding));
  if (!binding || binding->mark == MarkPolicy::none) return {};
  item.mark = MarkProgress::pending;
  item.mark_attempts = 0;
  item.mark_at = {};
  return {};
}

void Marks::on_marked(const RecordView& record) {
  if (const auto done = ports_.store.write([&] { return write_marked(record); }); !done)
    log_error("mark_not_stored").item(record.header().item).error(done.error());
}

Result<void> Marks::write_marked(const RecordView& record) {
  PM_TRY(auto item, ports_.store.item(record.header().item));
  if (!item || item->mark != MarkProgress::pending) return {};
  const Timestamp now = ports_.clock.wall();
  const std::string reason = text_or_empty(record, Tag::reason);
  const bool refused = !reason.empty();
  if (!refused || item->mark_attempts >= mark_attempts_max) {
    item->mark = refused ? MarkProgress::failed : MarkProgress::done;
    if (const auto written = ports_.store.update_item(*item); !written) return written;
  }
  if (refused) return note(ports_.store, *item, "mark_failed", now, Program::fetcher, {{"reason", reason}});
  return note(ports_.store, *item, "marked", now, Program::fetcher, {{"mark", text_or_empty(record, Tag::mark)}, {"uid", item->uid}});
}

void Marks::tick() {
  const auto pending =
      ports_.store.items({.mark_due = ports_.clock.wall(), .order = ItemOrder::oldest_first, .count_max = asked_in_one_turn_max});
  if (!pending) return;
  for (const Item& item : *pending) {
    if (const auto binding = ports_.store.binding(item.binding)) ask(item, *binding);
  }
}

void Marks::ask(Item item, const std::optional<Binding>& binding) {
  const Timestamp now = ports_.clock.wall();
  const bool over =
      !binding || binding->state == BindingState::removed || binding->mark == MarkPolicy::none || item.mark_attempts >= mark_attempts_max;
  const bool asked = !over && binding->is_active() && ports_.fetchers.is_up(item.binding);
  // Counted before it is asked: a fetcher that never answers counts too. What cannot be asked now makes room for others.
  item.mark_at = {now.us + doubled(timers::mark_retry, item.mark_attempts).us()};
  if (asked) ++item.mark_attempts;
  if (over) item.mark = MarkProgress::failed;
  const auto done = ports_.store.write([&]() -> Result<void> {
    if (const auto written = ports_.store.update_item(item); !written || !over) return written;
    return note(ports_.store, item, "mark_given_up", now, Program::control);
  });
  if (!done) log_error("mark_not_stored").item(item.id).error(done.error());
  if (!done || !asked) return;
  RecordWriter mark = make(Kind::mark, item.id);
  mark.text(tag(Tag::binding), item.binding).u64(tag(Tag::uid_validity), item.uid_validity);
  mark.text(tag(Tag::uid), item.uid).text(tag(Tag::mark), to_string(binding->mark));
  ports_.fetchers.send(item.binding, Kind::mark, item.id, std::move(mark));
}

}  // namespace pushmail

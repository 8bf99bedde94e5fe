#include "controlplane/switchboard.h"

#include <utility>

#include "core/record_fields.h"

namespace pushmail {

Switchboard::Switchboard(const Ports& ports)
    : events_(ports.events),
      asking_(ports.store, ports.clock, ports.settings),
      transfers_({ports.store, ports.clock, ports.data_plane, ports.fetchers}),
      marks_({ports.store, ports.clock, ports.fetchers}),
      reports_({ports.store, ports.clock, ports.settings, ports.report_times, marks_}),
      forwarded_({ports.store, ports.clock, ports.settings, ports.data_plane, asking_, transfers_}),
      to_phone_({ports.store, ports.clock, ports.settings, ports.data_plane, ports.fetchers, asking_, transfers_, forwarded_}),
      to_mail_({ports.store, ports.clock, ports.settings, ports.data_plane}),
      outcomes_({ports.store, ports.clock, ports.settings, reports_}),
      in_doubt_({ports.store, ports.clock, ports.report_times, asking_, reports_}),
      binding_changes_({ports.store, ports.clock, asking_, transfers_}),
      retriever_(ports.store, ports.clock, asking_, ports.settings.numbering) {}

// ---- what follows from what -------------------------------------------------------------------------------------------------------

void Switchboard::carry_out(Effects effects) {
  for (const ItemId& item : effects.over) transfers_.forget(item);
  for (const Item& item : effects.withdrawn) {
    if (item.source == Source::smtp) {
      transfers_.forget(item.id);
      forwarded_.refuse(item);
    } else {
      transfers_.withdraw(item.id);
    }
  }
  for (const ItemId& item : effects.taken_back) transfers_.take_back(item);
  for (const Item& item : effects.refused) forwarded_.refuse(item);
  for (const std::string& binding : effects.news_lost) events_.on_news_lost(binding);
  if (effects.sms_queued) events_.on_sms_queued();
  for (NotFetched& what : effects.not_fetched) carry_out(to_phone_.end(std::move(what)));
  for (const Binding& binding : effects.changed) {
    events_.on_binding_changed(binding);
    carry_out(binding_changes_.on_changed(binding));
  }
  for (const Item& item : effects.requested) {
    // A mail of the mailbox is fetched in its turn, with those that were requested before it.
    if (item.source == Source::smtp) {
      forwarded_.answer(item);
    } else {
      effects.fetch = true;
    }
  }
  if (effects.fetch) carry_out(to_phone_.fetch());
}

Result<void> Switchboard::carry_out(Result<Effects> taken) {
  if (!taken) return std::unexpected(taken.error());
  carry_out(std::move(*taken));
  return {};
}

// ---- what goes to which part ------------------------------------------------------------------------------------------------------

void Switchboard::on_new_mail(const RecordView& record) { carry_out(to_phone_.on_new_mail(record)); }
void Switchboard::on_chunk(const RecordView& record) { transfers_.on_chunk(record); }
void Switchboard::on_fetched(const RecordView& record) { carry_out(transfers_.on_fetched(record)); }
void Switchboard::on_fetch_failed(const RecordView& record) { carry_out(transfers_.on_fetch_failed(record)); }
void Switchboard::on_marked(const RecordView& record) { marks_.on_marked(record); }
void Switchboard::on_mailbox_ready(std::string_view binding) { carry_out(to_phone_.on_mailbox_ready(binding)); }

void Switchboard::on_data_plane_ready(handoff::Other other) { to_phone_.on_data_plane_ready(other); }
void Switchboard::on_data_plane_lost() {
  transfers_.break_off_all([](std::string_view) { return true; }, "the data plane went away; fetched again when it is back");
}
void Switchboard::on_admission_query(const RecordView& record) { carry_out(to_mail_.on_admission_query(record)); }
void Switchboard::on_route_query(const RecordView& record) {
  const bool from_phone = text_or_empty(record, handoff::Tag::source) == "mm7";
  carry_out(from_phone ? to_mail_.on_route_query(record) : forwarded_.on_route_query(record));
}
void Switchboard::on_credit(const RecordView& record) { transfers_.on_credit(record); }
void Switchboard::on_event(const RecordView& record) { outcomes_.take_event(record); }
Result<void> Switchboard::take_outcome(const RecordView& record) { return carry_out(outcomes_.take_outcome(record)); }
Result<void> Switchboard::take_report(const RecordView& record) { return carry_out(reports_.take(record)); }
Result<void> Switchboard::take_attempt(const RecordView& record) { return carry_out(in_doubt_.take_attempt(record)); }

notify::Taken Switchboard::on_sms(const notify::IncomingSms& message) {
  retrieve::TakenSms sms = retriever_.take(message);
  carry_out(std::move(sms.effects));
  return sms.taken;
}
void Switchboard::on_binding_changed(const Binding& binding) { carry_out(binding_changes_.on_changed(binding)); }

void Switchboard::resume() { to_phone_.resume(); }

void Switchboard::tick() {
  carry_out(in_doubt_.tick());
  transfers_.tick();
  carry_out(to_phone_.fetch());
  reports_.tick();
  marks_.tick();
  carry_out(asking_.tick());
}

}  // namespace pushmail

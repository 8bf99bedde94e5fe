// The end of an item, and its beginning after a restart.
//
//   finish -> journal outcome -> (durable) settle accepted_*, hand over -> (acknowledged) settle outcome
//
// Ownership passes with the acknowledgement and never twice: after a restart the outcome is handed over again, the message is not sent
// again.
#include <fmt/format.h>

#include <algorithm>

#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "core/peer_id.h"
#include "dataplane/relay/relay.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;
namespace jn = journal;

constexpr std::size_t outcomes_kept_max = 100'000;
constexpr std::size_t messages_kept_max = 200'000;

}  // namespace

void Relay::finish(Item& of, const End& end) {
  // Texts of `end` may lie in the item itself: they are written before anything of it changes.
  RecordWriter outcome = handoff::make(handoff::Kind::outcome, of.id);
  outcome.trace(tag(Tag::trace), of.trace).text(tag(Tag::state), to_string(end.state)).i64(tag(Tag::time), clock_.wall().us);
  if (!of.peer.empty()) outcome.text(tag(Tag::peer), of.peer);
  if (!end.reason.empty()) outcome.text(tag(Tag::reason), clip_utf8(end.reason));
  if (end.status_code != 0) outcome.u64(tag(Tag::status_code), static_cast<std::uint64_t>(end.status_code));
  if (!end.status_text.empty()) outcome.text(tag(Tag::status_text), clip_utf8(end.status_text));
  if (!end.message_id.empty()) outcome.text(tag(Tag::message_id), end.message_id);
  if (of.duplicate_possible) outcome.u64(tag(Tag::duplicate_possible), 1);
  log_info("outcome").item(of.id).trace(of.trace).peer(of.peer).text("state", to_string(end.state)).text("reason", end.reason);
  of.outcome = outcome.finish(0);
  of.stage.move(StageEvent::end);
  of.output = Bytes{};
  of.body = Bytes{};
  of.mail_size = 0;
  count_memory(of);
  set_due(of, {});
  append_outcome(of);
}

void Relay::append_outcome(Item& of) {
  RecordWriter record = jn::make(jn::Kind::outcome, of.id);
  record.trace(jn::tag(jn::Tag::trace), of.trace).i64(jn::tag(jn::Tag::time), clock_.wall().us).bytes(jn::tag(jn::Tag::record), of.outcome);
  append(jn::Kind::outcome, of.id, std::move(record), [this, id = of.id](const Result<void>& result) {
    Item* ended = item(id);
    if (ended == nullptr) return;
    // The disk does not take it: the accepted record must stay, so the item stays too.
    if (!result) return set_due(*ended, now_ + seconds(1));
    settle_all(*ended);
    if (is_for_postmaster(*ended)) {
      // It had no route, so the control plane never knew it: the log is its history.
      drop_item(id);
      return ports_.journal.settle(jn::Kind::outcome, id);
    }
    const Bytes outcome = std::move(ended->outcome);
    drop_item(id);
    const RecordView view = parse_record(outcome).value();
    remember_outcome(view);
    hand_over(view);
  });
}

void Relay::settle_all(const Item& of) {
  if (of.attempt.number != 0) ports_.journal.settle(jn::Kind::attempt, of.id);
  if (of.source == Source::phone) ports_.journal.settle(jn::Kind::accepted_mm7, of.id);
  if (of.source == Source::forwarded) ports_.journal.settle(jn::Kind::accepted_mail, of.id);
}

void Relay::hand_over(const RecordView& outcome) {
  counters_.add(Counter::handoff_records_out);
  ports_.handoff.send(handoff::Kind::outcome, outcome.header().item, rewrite(outcome));
}

void Relay::on_handoff_acknowledged(handoff::Kind kind, const ItemId& id) {
  if (kind == handoff::Kind::outcome) ports_.journal.settle(jn::Kind::outcome, id);
  if (kind == handoff::Kind::report) ports_.journal.settle(jn::Kind::report, id);
  if (kind == handoff::Kind::attempt) doubt_acknowledged(id);
}

void Relay::remember_outcome(const RecordView& outcome) {
  const ItemId id = outcome.header().item;
  const ByteView whole = outcome.whole();
  if (outcomes_.insert_or_assign(id, Bytes(whole.begin(), whole.end())).second) outcome_order_.push_back(id);
  if (outcome_order_.size() > outcomes_kept_max) {
    outcomes_.erase(outcome_order_.front());
    outcome_order_.pop_front();
  }
  const auto message_id = outcome.text(tag(Tag::message_id));
  if (!message_id || message_id->empty()) return;
  std::pair<std::string, std::string> key{outcome.text(tag(Tag::peer)).value_or(""), peer_id_key(*message_id)};
  const std::pair<ItemId, TraceId> about{id, outcome.trace(tag(Tag::trace)).value_or(TraceId{})};
  if (messages_.insert_or_assign(key, about).second) message_order_.push_back(std::move(key));
  if (message_order_.size() > messages_kept_max) {
    messages_.erase(message_order_.front());
    message_order_.pop_front();
  }
}

// ---- replay -----------------------------------------------------------------------------------------------------------------------

void Relay::remember(const RecordView& record) {
  const auto kind = static_cast<jn::Kind>(record.header().kind);
  if (kind == jn::Kind::outcome) {
    const auto nested = parse_record(record.bytes(jn::tag(jn::Tag::record)).value_or(ByteView{}));
    if (nested.is_done()) remember_outcome(nested.value());
    return;
  }
  if (kind != jn::Kind::accepted_mm7 && kind != jn::Kind::report) return;
  const auto key = key_from(record.bytes(jn::tag(jn::Tag::digest)).value_or(ByteView{}));
  if (!key) return;
  mm7::Status status{.code = 1000, .text = std::string(mm7::status_text(1000)), .details = {}};
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field != jn::tag(jn::Tag::recipient_bad)) return;
    const std::string_view form = text_of(value);
    if (status.code == 1100) status.details += ", ";
    status.code = 1100;
    status.details += std::string(form.substr(form.find(':') + 1));
  });
  if (status.code == 1100) status.text = mm7::status_text(1100);
  repeats_.put(*key, {.item = record.header().item,
                      .durable = true,
                      .status = std::move(status),
                      .at = Timestamp{record.i64(jn::tag(jn::Tag::time)).value_or(0)}});
}

void Relay::restore(journal::Replayed replayed) {
  const RecordView record = parse_record(replayed.record).value();
  const TraceId trace = record.trace(jn::tag(jn::Tag::trace)).value_or(TraceId{});
  switch (replayed.kind) {
    case jn::Kind::accepted_mm7:
    case jn::Kind::accepted_mail: {
      Item& of = add_item(replayed.item, trace, replayed.kind == jn::Kind::accepted_mm7 ? Source::phone : Source::forwarded);
      of.replayed = true;
      of.accepted = Timestamp{record.i64(jn::tag(jn::Tag::time)).value_or(clock_.wall().us)};
      of.peer = record.text(jn::tag(jn::Tag::peer)).value_or("");
      of.content_type = record.text(jn::tag(jn::Tag::content_type)).value_or("");
      of.mail_from = record.text(jn::tag(jn::Tag::mail_from)).value_or("");
      of.recipient = record.text(jn::tag(jn::Tag::recipient)).value_or("");
      if (const auto source = parse_endpoint(record.text(jn::tag(jn::Tag::source)).value_or(""))) of.source_address = to_string(source->ip);
      record.for_each([&](std::uint16_t field, ByteView value) {
        if (field == jn::tag(jn::Tag::recipient_bad)) of.refused.emplace_back(text_of(value));
      });
      const ByteView body = record.bytes(jn::tag(jn::Tag::body)).value_or(ByteView{});
      of.body = Bytes(body.begin(), body.end());
      count_memory(of);
      log_info("replayed").item(of.id).trace(of.trace).text("kind", to_string(replayed.kind));
      starting_.push_back(of.id);
      return;
    }
    case jn::Kind::attempt:
      return restore_attempt(replayed.item, record);
    case jn::Kind::outcome:
    case jn::Kind::report: {
      const auto nested = parse_record(record.bytes(jn::tag(jn::Tag::record)).value_or(ByteView{}));
      if (!nested.is_done()) return;
      if (replayed.kind == jn::Kind::report) return ports_.handoff.send(handoff::Kind::report, replayed.item, rewrite(nested.value()));
      // The outcome was durable and the accepted record not yet settled: it is over, nothing is sent again.
      ports_.journal.settle(jn::Kind::attempt, replayed.item);
      unknown_.erase(replayed.item);
      if (Item* of = item(replayed.item)) {
        settle_all(*of);
        drop_item(replayed.item);
      }
      return hand_over(nested.value());
    }
    default:
      return;
  }
}

}  // namespace pushmail::relay

// The switchboard: which result goes to which part, and what is done with what the part gives back.
#include "dataplane/relay/relay.h"

#include <algorithm>
#include <utility>

#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "core/match.h"
#include "core/timers.h"

namespace pushmail::relay {

namespace {

namespace jn = journal;

}  // namespace

Relay::Relay(Settings settings, Ports ports, const Clock& clock, Counters& counters, FaultPoints faults)
    : context_{.settings = std::move(settings), .ports = ports, .clock = clock, .counters = counters, .faults = faults, .now = clock.now()},
      commits_(ports.journal),
      history_(context_),
      items_(context_),
      in_doubt_(context_),
      paused_(context_),
      life_(context_, items_, commits_, in_doubt_, remembered_),
      answering_(context_),
      admission_(ports.handoff, counters, context_.settings.admission_time),
      to_phone_(context_, items_, history_, life_, in_doubt_, paused_),
      to_mail_(context_, history_, life_),
      routes_(context_, items_, life_, in_doubt_, to_phone_, to_mail_),
      converting_(context_, items_, history_, life_),
      from_phone_(context_, items_, commits_, history_, answering_, admission_),
      from_forwarded_(context_, items_, commits_, history_, admission_),
      from_mailbox_(context_, items_, life_, in_doubt_, remembered_, to_phone_),
      reports_(context_, commits_, history_, answering_, remembered_) {}

// ---- an item's next step ----------------------------------------------------------------------------------------------------------

void Relay::go(Item& item, Next next) {
  switch (next) {
    case Next::nothing:
      return;
    case Next::ask:
      return routes_.ask(item);
    case Next::convert:
      return converting_.convert(item);
    case Next::attempt:
      if (context_.stopping) return life_.put_off(item, context_.now + timers::drain);
      return item.is_to_phone() ? to_phone_.attempt(item) : to_mail_.attempt(item);
    case Next::send:
      if (context_.stopping) return life_.give_up_attempt(item);
      return item.is_to_phone() ? to_phone_.send(item) : to_mail_.send(item);
  }
}

void Relay::take(Settings fresh) {
  Settings& now = context_.settings;
  if (fresh.unbound_senders != now.unbound_senders) from_phone_.forget_budgets();
  now.unbound_senders = std::move(fresh.unbound_senders);
  now.smtp_retry = fresh.smtp_retry;
  now.smtp_expire = fresh.smtp_expire;
  now.unknown_retry = fresh.unknown_retry;
  now.peer_retry = std::move(fresh.peer_retry);
  now.postmaster = std::move(fresh.postmaster);
  now.mail_size_max = fresh.mail_size_max;
}

void Relay::start(Item& item) {
  if (item.is_for_postmaster()) return go(item, to_mail_.take_postmaster(item));
  converting_.peek(item);
}

void Relay::on_due(Item& item) {
  switch (item.stage) {
    case Stage::peeking:
      return start(item);
    case Stage::routing:
      return go(item, Next::ask);
    case Stage::receiving:
      return from_mailbox_.grant_first(item);
    case Stage::backing_off:
      return go(item, item.converted ? Next::attempt : Next::convert);
    case Stage::finishing:
      return life_.append_outcome(item);
    default:
      return;
  }
}

// ---- sessions ---------------------------------------------------------------------------------------------------------------------

void Relay::on_mm7(Ticket ticket, Mm7Inbound inbound) {
  if (std::holds_alternative<mm7::DeliverReq>(inbound.request)) return from_phone_.on_deliver(ticket, std::move(inbound));
  if (std::holds_alternative<mm7::DeliveryReportReq>(inbound.request)) return reports_.on_report(ticket, std::move(inbound));
  if (std::holds_alternative<mm7::ReadReplyReq>(inbound.request)) return reports_.on_read_reply(ticket, std::move(inbound));
  context_.ports.answers.answer_mm7(ticket, status_of(4003));
}

// ---- ports' results ---------------------------------------------------------------------------------------------------------------

void Relay::on_committed(std::uint64_t token, const Result<void>& result) {
  Commit written = commits_.take(token);
  std::visit(Match{
                 [&](const DeliverCommit& commit) {
                   if (const auto answered = from_phone_.committed(commit, result)) answered_.push_back(*answered);
                 },
                 [&](const ReportCommit& commit) { reports_.committed(commit, result); },
                 [&](const ForwardedCommit& commit) {
                   for (const ItemId& answered : from_forwarded_.committed(commit, result)) answered_.push_back(answered);
                 },
                 [&](AttemptCommit& commit) {
                   if (Item* item = life_.attempt_committed(std::move(commit), result)) go(*item, Next::send);
                 },
                 [&](const AttemptEndCommit& commit) { life_.attempt_end_committed(commit); },
                 [&](const OutcomeCommit& commit) { life_.outcome_committed(commit, result); },
             },
             written);
}

void Relay::on_converted(Converted converted) {
  Item* item = items_.find(converted.item);
  // Withdrawn, and perhaps offered again: this is the conversion of something that is gone.
  if (item == nullptr || (item->stage != Stage::peeking && item->stage != Stage::converting)) return;
  go(*item, converting_.take(*item, std::move(converted)));
}

void Relay::on_mail_result(const ItemId& id, const MailResult& result) {
  Item* item = items_.find(id);
  if (item != nullptr && item->stage == Stage::sending) to_mail_.on_result(*item, result);
}

void Relay::on_submit_result(const ItemId& id, const HttpResult& result) {
  Item* item = items_.find(id);
  if (item != nullptr && item->stage == Stage::sending) to_phone_.on_result(*item, result);
}

// ---- control plane ----------------------------------------------------------------------------------------------------------------

void Relay::set_peers(const RecordView& peers) {
  const std::size_t broken = context_.peers.read(peers);
  paused_.clear();
  log_info("peers")
      .number("count", static_cast<std::int64_t>(context_.peers.all().size()))
      .number("broken", static_cast<std::int64_t>(broken));
}

void Relay::on_handoff_ready(handoff::Other) {
  context_.counters.add(Counter::handoff_connections);
  history_.flush();
  paused_.report_all();
  // Questions were lost with the old connection. An item that waits for its phone is told again too: the control plane may be new.
  items_.for_each([&](Item& item) {
    if (Routes::is_asked(item)) routes_.ask(item);
  });
}

void Relay::on_handoff_lost() {
  admission_.on_lost();
  from_mailbox_.on_handoff_lost();
}

void Relay::on_handoff_record(handoff::Kind kind, const RecordView& record) {
  context_.counters.add(Counter::handoff_records_in);
  switch (kind) {
    case handoff::Kind::peers:
      return set_peers(record);
    case handoff::Kind::submission:
      return from_mailbox_.on_submission(record);
    case handoff::Kind::submission_chunk:
      if (from_mailbox_.on_chunk(record) == Next::convert) go(*items_.find(record.header().item), Next::convert);
      return;
    case handoff::Kind::withdraw:
      return to_phone_.withdraw(record);
    case handoff::Kind::drain:
      context_.draining = true;
      log_info("draining");
      return;
    case handoff::Kind::admission_answer:
      return admission_.on_answer(record, context_.now);
    case handoff::Kind::route_answer:
      return take_route(record);
    default:
      return;
  }
}

void Relay::take_route(const RecordView& answer) {
  Item* item = items_.find(answer.header().item);
  if (item != nullptr && Routes::is_asked(*item)) go(*item, routes_.take(*item, answer));
}

void Relay::on_handoff_acknowledged(handoff::Kind kind, const ItemId& id) {
  if (kind == handoff::Kind::outcome) context_.ports.journal.settle(jn::Kind::outcome, id);
  if (kind == handoff::Kind::report) context_.ports.journal.settle(jn::Kind::report, id);
  if (kind != handoff::Kind::attempt || !in_doubt_.acknowledged(id)) return;
  Item* item = items_.find(id);
  if (item != nullptr && Routes::is_asked(*item)) routes_.ask(*item);
}

// ---- time -------------------------------------------------------------------------------------------------------------------------

void Relay::tick(Instant now) {
  context_.now = now;
  admission_.tick(now);
  if (in_doubt_.has_lost_in_restart()) in_doubt_.hand_over_lost_in_restart();
  // What was answered in the last turn: the network has had its poll, so this is "after the answer, before relay".
  for (std::size_t n = starting_.size(); n > 0; --n) {
    const ItemId id = starting_.front();
    starting_.pop_front();
    Item* item = items_.find(id);
    if (item == nullptr) continue;
    if (!item->replayed) context_.faults.at(step::answer_before_relay);
    start(*item);
  }
  std::swap(starting_, answered_);
  while (Item* item = items_.take_due(now)) on_due(*item);
}

Instant Relay::next_due() const {
  if (!starting_.empty() || !answered_.empty() || in_doubt_.has_lost_in_restart()) return context_.now;
  const Instant asked = admission_.next_due();
  const Instant first = items_.next_due();
  if (first == Instant{}) return asked;
  return asked == Instant{} ? first : std::min(asked, first);
}

// ---- replay -----------------------------------------------------------------------------------------------------------------------

void Relay::remember(const RecordView& record) {
  const auto kind = static_cast<jn::Kind>(record.header().kind);
  if (kind == jn::Kind::accepted_mm7 || kind == jn::Kind::report) return answering_.remember(record);
  if (kind != jn::Kind::outcome) return;
  const auto nested = parse_record(record.bytes(jn::tag(jn::Tag::record)).value_or(ByteView{}));
  if (nested.is_done()) remembered_.put(nested.value());
}

void Relay::restore(journal::Replayed replayed) {
  const RecordView record = parse_record(replayed.record).value();
  switch (replayed.kind) {
    case jn::Kind::accepted_mm7:
    case jn::Kind::accepted_mail: {
      const TraceId trace = record.trace(jn::tag(jn::Tag::trace)).value_or(TraceId{});
      const bool is_mail = replayed.kind == jn::Kind::accepted_mail;
      Item& item = items_.add(replayed.item, trace, is_mail ? from_forwarded_.restored(record) : FromPhone::restored(record));
      item.replayed = true;
      item.accepted = Timestamp{record.i64(jn::tag(jn::Tag::time)).value_or(item.accepted.us)};
      const ByteView body = record.bytes(jn::tag(jn::Tag::body)).value_or(ByteView{});
      item.body = Bytes(body.begin(), body.end());
      items_.count_memory(item);
      log_info("replayed").item(item.id).trace(item.trace).text("kind", to_string(replayed.kind));
      starting_.push_back(item.id);
      return;
    }
    case jn::Kind::attempt:
      return life_.restore_attempt(replayed.item, record);
    case jn::Kind::outcome:
    case jn::Kind::report: {
      const auto nested = parse_record(record.bytes(jn::tag(jn::Tag::record)).value_or(ByteView{}));
      if (!nested.is_done()) return;
      if (replayed.kind == jn::Kind::outcome) return life_.restore_outcome(replayed.item, nested.value());
      return context_.ports.handoff.send(handoff::Kind::report, replayed.item, rewrite(nested.value()));
    }
    default:
      return;
  }
}

}  // namespace pushmail::relay

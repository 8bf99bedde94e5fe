// Phone to mail, first half (steps 503, 504), and delivery reports (411, 412): admitted, journaled, and only then answered.
#include <fmt/format.h>

#include <algorithm>

#include "codec/wap/numbering.h"
#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "core/peer_id.h"
#include "dataplane/relay/relay.h"
#include "dataplane/relay/sender.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;
using journal::Kind;
namespace jtag {
using journal::Tag;
}

mm7::Status status_of(int code, std::string details = {}) {
  return {.code = code, .text = std::string(mm7::status_text(code)), .details = std::move(details)};
}

// Neither a number (ITU-T E.164 §6) nor a short code, which some MMSCs write as Number, with + too: nobody needs to be asked (2002).
bool is_malformed(const mm7::Address& address) {
  constexpr std::size_t digits_max = 15 + 6;  // with what stands for + or a trunk prefix
  const std::size_t digits = wap::digits_of(address.value).size();
  return address.kind == mm7::AddressKind::number && (digits == 0 || digits > digits_max);
}

std::string partial_details(const std::vector<std::string>& refused) {
  std::string details;
  for (const std::string& form : refused) {
    if (!details.empty()) details += ", ";
    details += std::string(std::string_view(form).substr(form.find(':') + 1));
  }
  return details;
}

}  // namespace

void Relay::on_mm7(Ticket ticket, Mm7Inbound inbound) {
  if (std::holds_alternative<mm7::DeliverReq>(inbound.request)) return on_deliver(ticket, std::move(inbound));
  if (std::holds_alternative<mm7::DeliveryReportReq>(inbound.request)) return on_report(ticket, std::move(inbound));
  if (std::holds_alternative<mm7::ReadReplyReq>(inbound.request)) return on_read_reply(ticket, std::move(inbound));
  ports_.answers.answer_mm7(ticket, status_of(4003));
}

std::span<const std::string> Relay::sender_forms_of(std::string_view peer) const {
  static const PeerProfile unknown;
  const PeerEntry* profile = peers_.find(peer);
  return profile == nullptr ? unknown.texts("sender_forms") : profile->texts("sender_forms");
}

Budget& Relay::unbound_senders_of(const std::string& peer) {
  constexpr std::uint32_t unnamed = 600;
  const auto found = unbound_senders_.find(peer);
  if (found != unbound_senders_.end()) return found->second;
  const auto named = settings_.unbound_senders.find(peer);
  const std::uint32_t count = named == settings_.unbound_senders.end() ? unnamed : named->second;
  return unbound_senders_.emplace(peer, Budget({.count = count, .window = seconds(60)}, 1)).first->second;
}

void Relay::delay(Ticket ticket, std::string_view reason) {
  counters_.add(Counter::deliver_delayed);
  log_warning("deliver_delayed").text("reason", reason);
  ports_.answers.refuse_mm7(ticket);
}

ItemId Relay::new_item() const { return new_item_id(clock_.wall(), node_and_worker(settings_.node, settings_.worker)); }

// A repeat comes by any connection, and so to any worker: one of them remembers each request, and the others bring it there.
bool Relay::is_ours(const DigestKey& key, Ticket ticket, Mm7Inbound& inbound) {
  const WorkerIndex owner = owner_of_request(key, settings_.workers);
  if (owner == settings_.worker) return true;
  PM_CHECK(ports_.workers != nullptr && ticket.worker == settings_.worker);
  ports_.workers->pass(owner, ticket, std::move(inbound));
  return false;
}

void Relay::on_deliver(Ticket ticket, Mm7Inbound inbound) {
  const auto& request = std::get<mm7::DeliverReq>(inbound.request);
  const DigestKey key = key_of(settings_.digest_secret, inbound.peer, request);
  if (!is_ours(key, ticket, inbound)) return;
  if (const Repeats::Entry* before = repeats_.find(key, clock_.wall())) {
    // One effect and the same answer (docs/design.md, Once, or marked); while the first one is on its way to disk, the repeat waits with
    // it.
    counters_.add(Counter::deliver_repeated);
    log_info("deliver_repeated").item(before->item).peer(inbound.peer);
    if (before->durable) return ports_.answers.answer_mm7(ticket, before->status);
    repeated_[key].push_back(ticket);
    return;
  }
  if (!refusal().empty()) return delay(ticket, refusal());
  if (!has_memory_for(inbound.body->size())) return delay(ticket, "item memory is used up");
  const auto phone = phone_of_sender(request.sender, sender_forms_of(inbound.peer), settings_.numbering);
  Question question{.source = "mm7",
                    .peer = inbound.peer,
                    .sender = phone ? phone_form(*phone) : std::string(),
                    .recipients = {},
                    .item = {},
                    .trace = {}};
  if (phone && !unbound_senders_of(inbound.peer).has(std::string_view{}, now_) && !admission_.knows_sender(question, now_)) {
    counters_.add(Counter::deliver_over_budget);
    return delay(ticket, "too many senders that are not bound");
  }

  const ItemId id = new_item();
  std::string transaction_id = request.transaction_id;
  Arrival& arrival = arrivals_[id];
  const std::uint64_t memory = inbound.body->size();
  memory_ += memory;
  counters_.set(Counter::item_bytes, memory_);
  arrival = {.id = id,
             .trace = new_trace_id(),
             .ticket = ticket,
             .inbound = std::move(inbound),
             .key = key,
             .transaction_id = std::move(transaction_id),
             .memory = memory};
  repeats_.put(key, {.item = id, .durable = false, .status = {}, .at = clock_.wall()});
  const auto& deliver = std::get<mm7::DeliverReq>(arrival.inbound.request);
  event(id, arrival.trace, "deliver_req",
        {{"peer", arrival.inbound.peer}, {"transaction_id", deliver.transaction_id}, {"sender", address_form(deliver.sender)}});

  if (!phone) return refuse(id, 2002, "the sender is no phone number in a form of this peer");
  question.item = id;
  question.trace = arrival.trace;
  bool any_well_formed = false;
  std::size_t wanted = 0;
  for (const mm7::Recipient& recipient : deliver.recipients) {
    if (recipient.address.display_only) continue;
    ++wanted;
    any_well_formed = any_well_formed || !is_malformed(recipient.address);
    question.recipients.push_back(address_form(recipient.address));
  }
  if (wanted > 0 && !any_well_formed) return refuse(id, 2002, "no recipient is a phone number or an address");
  admission_.ask(question, now_, [this, id](const Verdicts& verdicts) { decide(id, verdicts); });
}

void Relay::decide(const ItemId& id, const Verdicts& verdicts) {
  const auto found = arrivals_.find(id);
  if (found == arrivals_.end()) return;
  const auto& request = std::get<mm7::DeliverReq>(found->second.inbound.request);
  const PeerEntry* peer = peers_.find(found->second.inbound.peer);
  switch (verdicts.sender) {
    case Verdict::not_bound:
    case Verdict::suspended:
      // What the budget is of: a question that was asked in vain.
      static_cast<void>(unbound_senders_of(found->second.inbound.peer).take(std::string_view{}, now_));
      return refuse(id, peer != nullptr ? static_cast<int>(peer->number("sender_refused")) : 4007, "the sender is not bound");
    case Verdict::bad_address:
      return refuse(id, 2002, "the sender is no phone number");
    case Verdict::accepted:
    case Verdict::recipient_busy:  // of forwarded mail only
    case Verdict::sender_busy:
    case Verdict::unavailable:
      break;
  }
  bool decided = verdicts.sender != Verdict::unavailable;
  std::vector<std::string> refused;
  std::size_t bad = 0, index = 0, wanted = 0;
  for (const mm7::Recipient& recipient : request.recipients) {
    if (recipient.address.display_only) continue;
    ++wanted;
    const Verdict verdict = index < verdicts.recipients.size() ? verdicts.recipients[index] : Verdict::unavailable;
    ++index;
    if (verdict == Verdict::unavailable) decided = false;
    const bool is_bad = verdict == Verdict::bad_address || is_malformed(recipient.address);
    if (is_bad) ++bad;
    if (is_bad || verdict == Verdict::not_bound || verdict == Verdict::suspended) refused.push_back(address_form(recipient.address));
  }
  if (wanted > 0 && refused.size() == wanted) {
    return refuse(id, bad > 0 ? 2002 : 2003, "no recipient can be reached", partial_details(refused));
  }
  const mm7::Status status = refused.empty() ? status_of(1000) : status_of(1100, partial_details(refused));
  accept(id, std::move(refused), status, decided);
}

void Relay::refuse(const ItemId& id, int code, std::string_view reason, std::string details) {
  const auto found = arrivals_.find(id);
  const Arrival arrival = std::move(found->second);
  arrivals_.erase(found);
  memory_ -= arrival.memory;
  counters_.set(Counter::item_bytes, memory_);
  repeats_.forget(arrival.key);
  // TS 23.140 10.2 codes; 0 is the profile's accept-and-drop.
  const mm7::Status status = status_of(code == 0 ? 1000 : code, std::move(details));
  counters_.add(Counter::deliver_refused);
  const auto& request = std::get<mm7::DeliverReq>(arrival.inbound.request);
  event(id, arrival.trace, "admission_refused",
        {{"peer", arrival.inbound.peer},
         {"transaction_id", arrival.transaction_id},
         {"sender", address_form(request.sender)},
         {"status", fmt::to_string(status.code)},
         {"reason", reason}});
  ports_.answers.answer_mm7(arrival.ticket, status);
  answer_repeats(arrival.key, &status);
}

void Relay::accept(const ItemId& id, std::vector<std::string> refused, const mm7::Status& status, bool decided) {
  Arrival& arrival = arrivals_.at(id);
  RecordWriter record = journal::make(Kind::accepted_mm7, id);
  record.trace(journal::tag(jtag::Tag::trace), arrival.trace)
      .i64(journal::tag(jtag::Tag::time), clock_.wall().us)
      .text(journal::tag(jtag::Tag::peer), arrival.inbound.peer)
      .text(journal::tag(jtag::Tag::content_type), arrival.inbound.content_type)
      .bytes(journal::tag(jtag::Tag::digest), arrival.key)
      .u64(journal::tag(jtag::Tag::admission), decided ? 0 : 1);
  for (const std::string& form : refused) record.text(journal::tag(jtag::Tag::recipient_bad), form);
  record.bytes(journal::tag(jtag::Tag::body), *arrival.inbound.body);

  Item& of = add_item(id, arrival.trace, Source::phone);
  of.peer = arrival.inbound.peer;
  of.content_type = arrival.inbound.content_type;
  of.refused = std::move(refused);
  of.peeked.transaction_id = arrival.transaction_id;
  // The request's views go first, then its bytes move to the item.
  arrival.inbound.request = mm7::UnsupportedReq{};
  of.body = std::move(*arrival.inbound.body);
  arrival.inbound.body.reset();
  memory_ -= std::exchange(arrival.memory, 0);
  count_memory(of);
  append(Kind::accepted_mm7, id, std::move(record),
         [this, id, status](const Result<void>& result) { deliver_committed(id, status, result); });
}

void Relay::deliver_committed(const ItemId& id, const mm7::Status& status, const Result<void>& result) {
  const auto found = arrivals_.find(id);
  const Arrival arrival = std::move(found->second);
  arrivals_.erase(found);
  if (!result) {
    repeats_.forget(arrival.key);
    drop_item(id);
    delay(arrival.ticket, result.error().info->text);
    return answer_repeats(arrival.key, nullptr);
  }
  faults_.at(step::sync_before_answer);
  counters_.add(Counter::deliver_accepted);
  repeats_.make_durable(arrival.key, status);
  ports_.answers.answer_mm7(arrival.ticket, status);
  answer_repeats(arrival.key, &status);
  event(id, arrival.trace, "deliver_rsp",
        {{"peer", arrival.inbound.peer}, {"transaction_id", arrival.transaction_id}, {"status", fmt::to_string(status.code)}});
  answered_.push_back(id);
}

void Relay::answer_repeats(const DigestKey& key, const mm7::Status* status) {
  const auto found = repeated_.find(key);
  if (found == repeated_.end()) return;
  const std::vector<Ticket> tickets = std::move(found->second);
  repeated_.erase(found);
  for (const Ticket ticket : tickets) {
    if (status != nullptr) {
      ports_.answers.answer_mm7(ticket, *status);
    } else {
      ports_.answers.refuse_mm7(ticket);
    }
  }
}

// ---- reports ----------------------------------------------------------------------------------------------------------------------

// TS 23.140 §8.4.3: Read or Deleted; the id and the addresses are those of a delivery report.
void Relay::on_read_reply(Ticket ticket, Mm7Inbound inbound) {
  auto& reply = std::get<mm7::ReadReplyReq>(inbound.request);
  mm7::DeliveryReportReq report;
  report.transaction_id = std::move(reply.transaction_id);
  report.message_id = std::move(reply.message_id);
  report.recipient = std::move(reply.recipient);
  report.sender = std::move(reply.sender);
  report.date = reply.date;
  report.mm_status = reply.mm_status == "Indeterminate" ? std::string("Read reply without status") : std::move(reply.mm_status);
  report.status_text = std::move(reply.status_text);
  inbound.request = std::move(report);
  on_report(ticket, std::move(inbound));
}

void Relay::on_report(Ticket ticket, Mm7Inbound inbound) {
  const auto& request = std::get<mm7::DeliveryReportReq>(inbound.request);
  const DigestKey key = key_of(settings_.digest_secret, inbound.peer, request);
  if (!is_ours(key, ticket, inbound)) return;
  if (const Repeats::Entry* before = repeats_.find(key, clock_.wall())) {
    counters_.add(Counter::reports_repeated);
    if (before->durable) return ports_.answers.answer_mm7(ticket, before->status);
    repeated_[key].push_back(ticket);
    return;
  }
  if (!refusal().empty()) return delay(ticket, refusal());

  // The report is an item of its own for the journal and the handoff; in the history it stands with the item it is about.
  const ItemId id = new_item();
  const auto about = messages_.find({inbound.peer, peer_id_key(request.message_id)});
  const TraceId trace = about != messages_.end() ? about->second.second : new_trace_id();
  const ItemId about_id = about != messages_.end() ? about->second.first : id;
  event(about_id, trace, "delivery_report_req",
        {{"peer", inbound.peer},
         {"transaction_id", request.transaction_id},
         {"message_id", request.message_id},
         {"mm_status", request.mm_status}});

  RecordWriter report = handoff::make(handoff::Kind::report, id);
  report.trace(tag(Tag::trace), trace)
      .text(tag(Tag::peer), inbound.peer)
      .text(tag(Tag::message_id), request.message_id)
      .text(tag(Tag::recipient), address_form(request.recipient))
      .text(tag(Tag::sender), address_form(request.sender))
      .text(tag(Tag::mm_status), request.mm_status)
      .i64(tag(Tag::time), clock_.wall().us);
  if (!request.status_text.empty()) report.text(tag(Tag::status_text), clip_utf8(request.status_text));
  if (request.date) report.i64(tag(Tag::date), request.date->us);
  const Bytes whole = report.finish(0);

  RecordWriter record = journal::make(Kind::report, id);
  record.trace(journal::tag(jtag::Tag::trace), trace)
      .i64(journal::tag(jtag::Tag::time), clock_.wall().us)
      .text(journal::tag(jtag::Tag::peer), inbound.peer)
      .bytes(journal::tag(jtag::Tag::digest), key)
      .bytes(journal::tag(jtag::Tag::record), whole);
  repeats_.put(key, {.item = id, .durable = false, .status = {}, .at = clock_.wall()});
  std::string transaction_id = request.transaction_id;
  std::string peer = inbound.peer;
  arrivals_[id] = {.id = about_id,
                   .trace = trace,
                   .ticket = ticket,
                   .inbound = {.peer = std::move(peer), .content_type = {}, .body = nullptr, .request = {}},
                   .key = key,
                   .transaction_id = std::move(transaction_id)};
  append(Kind::report, id, std::move(record), [this, id, whole](const Result<void>& result) { report_committed(id, whole, result); });
}

void Relay::report_committed(const ItemId& id, const Bytes& report, const Result<void>& result) {
  const auto found = arrivals_.find(id);
  const Arrival arrival = std::move(found->second);
  arrivals_.erase(found);
  if (!result) {
    repeats_.forget(arrival.key);
    delay(arrival.ticket, result.error().info->text);
    return answer_repeats(arrival.key, nullptr);
  }
  const mm7::Status status = status_of(1000);
  counters_.add(Counter::reports_accepted);
  repeats_.make_durable(arrival.key, status);
  ports_.answers.answer_mm7(arrival.ticket, status);
  answer_repeats(arrival.key, &status);
  const RecordView view = parse_record(report).value();
  event(arrival.id, arrival.trace, "delivery_report_rsp",
        {{"peer", arrival.inbound.peer},
         {"transaction_id", arrival.transaction_id},
         {"message_id", view.text(tag(Tag::message_id)).value_or("")},
         {"status", "1000"}});
  ports_.handoff.send(handoff::Kind::report, id, rewrite(view));
}

}  // namespace pushmail::relay

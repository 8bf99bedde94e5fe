#include "dataplane/relay/from_phone.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/wap/numbering.h"
#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "dataplane/relay/sender.h"

namespace pushmail::relay {

namespace {

namespace jn = journal;

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

Budget& FromPhone::unbound_senders_of(const std::string& peer) {
  constexpr std::uint32_t unnamed = 600;
  const auto found = unbound_senders_.find(peer);
  if (found != unbound_senders_.end()) return found->second;
  const auto named = context_.settings.unbound_senders.find(peer);
  const std::uint32_t count = named == context_.settings.unbound_senders.end() ? unnamed : named->second;
  return unbound_senders_.emplace(peer, Budget({.count = count, .window = seconds(60)}, 1)).first->second;
}

void FromPhone::on_deliver(Ticket ticket, Mm7Inbound inbound) {
  const auto& request = std::get<mm7::DeliverReq>(inbound.request);
  const DigestKey key = key_of(context_.settings.digest_secret, inbound.peer, request);
  if (!context_.is_ours(key, ticket, inbound)) return;
  if (const Repeats::Entry* before = answering_.find(key)) {
    context_.counters.add(Counter::deliver_repeated);
    log_info("deliver_repeated").item(before->item).peer(inbound.peer);
    return answering_.answer_again(*before, key, ticket);
  }
  if (const std::string_view refusal = context_.refusal(); !refusal.empty()) return answering_.delay(ticket, refusal);
  if (!items_.has_memory_for(inbound.body->size())) return answering_.delay(ticket, "item memory is used up");
  const auto phone = phone_of_sender(request.sender, context_.sender_forms_of(inbound.peer), context_.settings.numbering);
  Question question{.source = "mm7",
                    .peer = inbound.peer,
                    .sender = phone ? phone_form(*phone) : std::string(),
                    .recipients = {},
                    .item = {},
                    .trace = {}};
  if (phone && !unbound_senders_of(inbound.peer).has(std::string_view{}, context_.now) &&
      !admission_.knows_sender(question, context_.now)) {
    context_.counters.add(Counter::deliver_over_budget);
    return answering_.delay(ticket, "too many senders that are not bound");
  }

  const ItemId id = context_.new_item();
  std::string transaction_id = request.transaction_id;
  Arrival& arrival = arrivals_[id];
  const std::uint64_t held = inbound.body->size();
  items_.hold(held);
  arrival = {.trace = new_trace_id(),
             .ticket = ticket,
             .inbound = std::move(inbound),
             .key = key,
             .transaction_id = std::move(transaction_id),
             .held = held};
  answering_.begin(key, id);
  const auto& deliver = std::get<mm7::DeliverReq>(arrival.inbound.request);
  history_.event(id, arrival.trace, "deliver_req",
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
  admission_.ask(question, context_.now, [this, id](const Verdicts& verdicts) { decide(id, verdicts); });
}

void FromPhone::decide(const ItemId& id, const Verdicts& verdicts) {
  const auto found = arrivals_.find(id);
  if (found == arrivals_.end()) return;
  const Mm7Inbound& inbound = found->second.inbound;
  const PeerEntry* peer = context_.peers.find(inbound.peer);
  switch (verdicts.sender) {
    case Verdict::not_bound:
    case Verdict::suspended:
      // What the budget is of: a question that was asked in vain.
      static_cast<void>(unbound_senders_of(inbound.peer).take(std::string_view{}, context_.now));
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
  for (const mm7::Recipient& recipient : std::get<mm7::DeliverReq>(inbound.request).recipients) {
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

FromPhone::Arrival FromPhone::take(const ItemId& id) {
  const auto found = arrivals_.find(id);
  PM_CHECK(found != arrivals_.end());
  Arrival arrival = std::move(found->second);
  arrivals_.erase(found);
  return arrival;
}

void FromPhone::refuse(const ItemId& id, int code, std::string_view reason, std::string details) {
  const Arrival arrival = take(id);
  items_.release(arrival.held);
  // TS 23.140 §10.2 codes; 0 is the profile's accept-and-drop.
  const mm7::Status status = status_of(code == 0 ? 1000 : code, std::move(details));
  context_.counters.add(Counter::deliver_refused);
  const auto& request = std::get<mm7::DeliverReq>(arrival.inbound.request);
  history_.event(id, arrival.trace, "admission_refused",
                 {{"peer", arrival.inbound.peer},
                  {"transaction_id", arrival.transaction_id},
                  {"sender", address_form(request.sender)},
                  {"status", fmt::to_string(status.code)},
                  {"reason", reason}});
  answering_.refused(arrival.key, arrival.ticket, status);
}

void FromPhone::accept(const ItemId& id, std::vector<std::string> refused, const mm7::Status& status, bool decided) {
  Arrival& arrival = arrivals_.at(id);
  RecordWriter record = jn::make(jn::Kind::accepted_mm7, id);
  record.trace(jn::tag(jn::Tag::trace), arrival.trace)
      .i64(jn::tag(jn::Tag::time), context_.clock.wall().us)
      .text(jn::tag(jn::Tag::peer), arrival.inbound.peer)
      .text(jn::tag(jn::Tag::content_type), arrival.inbound.content_type)
      .bytes(jn::tag(jn::Tag::digest), arrival.key)
      .u64(jn::tag(jn::Tag::admission), decided ? 0 : 1);
  for (const std::string& form : refused) record.text(jn::tag(jn::Tag::recipient_bad), form);
  record.bytes(jn::tag(jn::Tag::body), *arrival.inbound.body);

  Item& item =
      items_.add(id, arrival.trace,
                 PhoneOrigin{.peer = arrival.inbound.peer, .content_type = arrival.inbound.content_type, .refused = std::move(refused)});
  // The request's views go first, then its bytes move to the item.
  arrival.inbound.request = mm7::UnsupportedReq{};
  item.body = std::move(*arrival.inbound.body);
  arrival.inbound.body.reset();
  items_.release(std::exchange(arrival.held, 0));
  items_.count_memory(item);
  commits_.append(jn::Kind::accepted_mm7, id, std::move(record), DeliverCommit{.item = id, .status = status});
}

std::optional<ItemId> FromPhone::committed(const DeliverCommit& commit, const Result<void>& result) {
  const ItemId id = commit.item;
  const Arrival arrival = take(id);
  if (!result) {
    items_.drop(id);
    answering_.delayed(arrival.key, arrival.ticket, result.error().info->text);
    return std::nullopt;
  }
  context_.faults.at(step::sync_before_answer);
  context_.counters.add(Counter::deliver_accepted);
  answering_.accepted(arrival.key, arrival.ticket, commit.status);
  history_.event(
      id, arrival.trace, "deliver_rsp",
      {{"peer", arrival.inbound.peer}, {"transaction_id", arrival.transaction_id}, {"status", fmt::to_string(commit.status.code)}});
  return id;
}

Origin FromPhone::restored(const RecordView& record) {
  return PhoneOrigin{.peer = text_or_empty(record, jn::Tag::peer),
                     .content_type = text_or_empty(record, jn::Tag::content_type),
                     .refused = all_texts(record, jn::Tag::recipient_bad)};
}

bool FromPhone::has(const DigestKey& key) const {
  return std::ranges::any_of(arrivals_, [&](const auto& arrival) { return arrival.second.key == key; });
}

std::uint64_t FromPhone::held() const {
  std::uint64_t sum = 0;
  for (const auto& [id, arrival] : arrivals_) sum += arrival.held;
  return sum;
}

}  // namespace pushmail::relay

#include "dataplane/relay/to_phone.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/mm7/errors.h"
#include "codec/mm7/status.h"
#include "core/contract/handoff/peer.h"
#include "core/errors.h"
#include "core/log.h"
#include "core/msisdn.h"
#include "core/record_fields.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;
using mm7::StatusClass;

constexpr int service_unavailable = 4006;  // busy (TS 23.140 10.2)
// Sent again at once where the peer recognises a TransactionID; more often, and the way to it is broken in a way of its own: the item's
// wait is then the control plane's, as with any peer.
constexpr std::uint32_t deduplicated_doubts_max = 8;

// TS 23.140 §10.2: 1xxx to 4xxx. Any other number counts as 3000; where a MessageID comes with it, it is neither success nor refusal.
bool is_status_code(int code) { return code >= 1000 && code < 5000; }

// A gateway that answers for the MMSC (RFC 9110 §15.6.3, §15.6.5) cannot say whether that one has the request.
bool is_gateways_word(int http_status) { return http_status == 502 || http_status == 504; }

StatusClass class_of_http(int status) {
  if (status >= 500 || status == 408 || status == 429) return StatusClass::temporary;
  if (status == 413) return StatusClass::permanent;
  // 401, 403, 404, redirects: this address or these credentials do not work for anything. 415 neither: all our requests are of one type,
  // and in one coding.
  return StatusClass::peer_trouble;
}

const std::string& peer_of(const Item& item) { return std::get<PhoneTarget>(item.target).peer; }

}  // namespace

bool ToPhone::take_route(Item& item, const RecordView& record) {
  const auto peer_name = record.text(tag(Tag::peer)).value_or("");
  const PeerEntry* peer = context_.peers.find(peer_name);
  const auto msisdn = Msisdn::from_digits(record.text(tag(Tag::msisdn)).value_or(""));
  if (peer == nullptr || !msisdn) return false;
  item.duplicate_possible = item.duplicate_possible || record.u64(tag(Tag::duplicate_possible)).value_or(0) != 0;
  const std::uint64_t expiry_s = std::min<std::uint64_t>(
      record.u64(tag(Tag::expiry_s)).value_or(static_cast<std::uint64_t>(context_.settings.submit_expire.ms() / 1000)), 366 * 86'400);
  PhoneTarget target{.peer = std::string(peer_name),
                     .route = {.msisdn = msisdn->digits(),
                               .sender_address = text_or_empty(record, Tag::sender_address),
                               .subject = text_or_empty(record, Tag::subject),
                               .own_addresses = all_texts(record, Tag::own_address),
                               .mm_size_max = record.u64(tag(Tag::mm_size_max)).value_or(limits::mm_size_max),
                               .expiry = seconds(static_cast<std::int64_t>(expiry_s)),
                               .dialect = peer->dialect}};
  item.expires = context_.now + *target.route.expiry;
  item.target = std::move(target);
  return true;
}

void ToPhone::attempt(Item& item) {
  const Instant paused_until = paused_.until(peer_of(item));
  if (context_.now < paused_until) return life_.put_off(item, paused_until);
  if (context_.peers.find(peer_of(item)) == nullptr) return retry(item, "the peer is not in the table", std::nullopt);
  life_.begin_attempt(item);
}

void ToPhone::send(Item& item) {
  history_.event(item, "submit_req",
                 {{"peer", peer_of(item)},
                  {"transaction_id", transaction_id_of(item.id)},
                  {"try", fmt::to_string(item.attempt.number)},
                  {"size", fmt::to_string(item.output.size())},
                  {"duplicate_possible", item.duplicate_possible ? "1" : ""}});
  context_.ports.outgoing.submit({.item = item.id, .peer = peer_of(item), .content_type = item.output_type, .body = item.output});
}

// ---- what came of it --------------------------------------------------------------------------------------------------------------

void ToPhone::on_result(Item& item, const HttpResult& result) {
  if (const auto* answer = std::get_if<HttpAnswer>(&result)) return take_http_answer(item, *answer);
  const auto& failure = std::get<HttpFailure>(result);
  item.duplicate_possible = item.duplicate_possible || failure.duplicate_possible;
  // Sent again by the client itself: that the last try cannot have been seen says nothing of the one before.
  if (failure.outcome == HttpOutcome::unknown || failure.duplicate_possible) return lost(item, failure.error.info->text, Loss::no_answer);
  life_.end_attempt(item, AttemptEvent::not_sent);
  // Whom TLS does not connect us to takes no other message either.
  if (is_of_tls(*failure.error.info)) return pause(item, failure.error.info->text);
  retry(item, failure.error.info->text, std::nullopt);
}

void ToPhone::take_http_answer(Item& item, const HttpAnswer& answer) {
  item.duplicate_possible = item.duplicate_possible || answer.duplicate_possible;
  // TS 23.140 §8.7.1: a SOAP body decides whatever the HTTP status is.
  const auto response = mm7::parse_response(answer.content_type, answer.body);
  if (response) {
    if (const auto* submitted = std::get_if<mm7::SubmitRsp>(&*response)) return take_submit_rsp(item, *submitted);
    if (const auto* fault = std::get_if<mm7::FaultRsp>(&*response)) {
      if (is_about_another(item, fault->transaction_id, fault->status.code)) return;
      // A success in an element that does not answer SubmitReq (DeliverRsp, say) is somebody else's, or nobody's.
      if (mm7::status_class(fault->status.code) == StatusClass::success)
        return lost(item, "the answer is none to a SubmitReq", Loss::meaningless_answer);
      return answered(item, fault->status.code, fault->status.text.empty() ? fault->fault_string : fault->status.text, {});
    }
    // The answer to some other request says nothing about this one.
  }
  history_.event(item, "submit_rsp",
                 {{"peer", peer_of(item)}, {"transaction_id", transaction_id_of(item.id)}, {"http_status", fmt::to_string(answer.status)}});
  if (!response && response.error().is(mm7::mm7_two_answers)) {
    context_.counters.add(Counter::submit_answers_unreadable);
    return lost(item, response.error().info->text, Loss::meaningless_answer);
  }
  const std::string trouble = fmt::format("HTTP status {} without an answer of MM7", answer.status);
  if (is_gateways_word(answer.status)) return lost(item, trouble, Loss::gateways_answer);
  if (answer.status < 300) {
    context_.counters.add(Counter::submit_answers_unreadable);
    return lost(item, trouble, Loss::meaningless_answer);
  }
  paused_.answered(peer_of(item));
  switch (class_of_http(answer.status)) {
    case StatusClass::permanent:
      return life_.finish(item, {.reason = trouble, .status_code = answer.status});
    case StatusClass::peer_trouble:
      life_.end_attempt(item, AttemptEvent::refusal);
      return pause(item, trouble);
    default:
      life_.end_attempt(item, AttemptEvent::refusal);
      return retry(item, trouble, answer.retry_after);
  }
}

// An MMSC, or what lies before it, that mixes answers up: whose success, or whose refusal, is this? True: nobody's, and it is in doubt.
bool ToPhone::is_about_another(Item& item, const std::string& transaction_id, int status) {
  if (transaction_id.empty() || transaction_id == transaction_id_of(item.id)) return false;
  context_.counters.add(Counter::submit_answers_foreign);
  log_warning("foreign_submit_rsp").item(item.id).trace(item.trace).peer(peer_of(item)).text("transaction_id", transaction_id);
  const PeerEntry* peer = context_.peers.find(peer_of(item));
  if (peer != nullptr && peer->is({"answer_transaction_id", "ignored"})) return false;
  history_.event(item, "submit_rsp", {{"peer", peer_of(item)}, {"transaction_id", transaction_id}, {"status", fmt::to_string(status)}});
  lost(item, "the answer names another TransactionID", Loss::meaningless_answer);
  return true;
}

void ToPhone::take_submit_rsp(Item& item, const mm7::SubmitRsp& response) {
  const int code = response.status.code;
  if (is_about_another(item, response.transaction_id, code)) return;
  if (!is_status_code(code) && !response.message_id.empty()) {
    history_.event(item, "submit_rsp", {{"peer", peer_of(item)}, {"status", fmt::to_string(code)}, {"message_id", response.message_id}});
    return lost(item, "the answer's StatusCode is none of MM7", Loss::meaningless_answer);
  }
  answered(item, code, response.status.text, response.message_id);
}

void ToPhone::answered(Item& item, int code, std::string_view text, std::string_view message_id) {
  history_.event(item, "submit_rsp",
                 {{"peer", peer_of(item)},
                  {"transaction_id", transaction_id_of(item.id)},
                  {"status", fmt::to_string(code)},
                  {"status_text", text},
                  {"message_id", message_id}});
  const std::string trouble = fmt::format("{} {}", code, text);
  if (code == service_unavailable) context_.ports.outgoing.peer_overloaded(peer_of(item));
  paused_.answered(peer_of(item));
  switch (mm7::status_class(code)) {
    case StatusClass::success:
      return taken(item, code, text, message_id);
    case StatusClass::temporary:
      life_.end_attempt(item, AttemptEvent::refusal);
      return retry(item, trouble, std::nullopt);
    case StatusClass::peer_trouble:
      life_.end_attempt(item, AttemptEvent::refusal);
      return pause(item, trouble);
    case StatusClass::permanent:
      context_.counters.add(Counter::submits_failed);
      return life_.finish(item, {.state = ItemState::failed, .reason = trouble, .status_code = code, .status_text = text});
  }
}

void ToPhone::taken(Item& item, int code, std::string_view text, std::string_view message_id) {
  context_.faults.at(step::submit_rsp_before_settle);
  paused_.forget(peer_of(item));
  context_.counters.add(Counter::submitted);
  End end{.state = ItemState::submitted, .status_code = code, .status_text = text, .message_id = message_id};
  if (message_id.empty()) {
    // Its report will be known by phone and suffix only.
    context_.counters.add(Counter::submitted_nameless);
    end.reason = "the MMSC has taken the message and gave it no MessageID";
  }
  life_.finish(item, end);
}

void ToPhone::lost(Item& item, std::string_view trouble, Loss loss) {
  item.attempt.apply(AttemptEvent::loss);
  context_.counters.add(Counter::submits_unknown);
  log_warning("submission_in_doubt").item(item.id).trace(item.trace).peer(peer_of(item)).text("reason", trouble);
  paused_.count_unknown(peer_of(item));
  const PeerEntry* peer = context_.peers.find(peer_of(item));
  // A peer that knows our TransactionID gets it again when the way broke; an answer that says nothing it would only repeat.
  const bool may_repeat = peer != nullptr && peer->flag("deduplicates") && item.attempt.doubts < deduplicated_doubts_max;
  if (loss == Loss::no_answer && may_repeat) return retry(item, trouble, std::nullopt);
  // A gateway speaks so of an MMSC that is down, too: one more try before anybody has to wait.
  if (loss == Loss::gateways_answer && item.attempt.doubts == 1) return retry(item, trouble, std::nullopt);
  in_doubt_.hand_over(item.id, item.trace, item.attempt, trouble, InDoubt::Again::later,
                      item.duplicate_possible ? InDoubt::Left::perhaps_twice : InDoubt::Left::once);
  if (item.is_from_mailbox()) return items_.drop(item.id);
  // Its body is ours: it waits here, converted, for the control plane's next word.
  item.stage.move(StageEvent::wait);
  items_.set_due(item, {});
}

// ---- again ------------------------------------------------------------------------------------------------------------------------

void ToPhone::retry(Item& item, std::string_view trouble, std::optional<Duration> wait) {
  item.last_trouble = trouble;
  if (context_.now >= item.expires) {
    context_.counters.add(Counter::submits_failed);
    return life_.finish(item, {.state = item.attempt.doubts > 0 ? ItemState::unconfirmed : ItemState::expired,
                               .reason = fmt::format("given up after {} tries: {}", item.attempt.number, trouble)});
  }
  const RetryPolicy& policy = context_.settings.submit_retry_of(peer_of(item));
  const Duration drawn = retry_delay(policy, item.attempt.number, context_.settings.random());
  const Duration next = wait ? std::max(drawn, std::min(*wait, seconds(3600))) : drawn;
  context_.counters.add(Counter::submits_retried);
  history_.event(
      item, "retry",
      {{"peer", peer_of(item)}, {"reason", trouble}, {"try", fmt::to_string(item.attempt.number)}, {"wait_ms", fmt::to_string(next.ms())}});
  life_.put_off(item, context_.now + next);
}

void ToPhone::pause(Item& item, std::string_view trouble) {
  paused_.pause(peer_of(item), trouble);
  const Duration left = paused_.until(peer_of(item)) - context_.now;
  retry(item, trouble, Duration{std::max<std::int64_t>(left.ns, 0)});
}

void ToPhone::withdraw(const RecordView& record) {
  const ItemId id = record.header().item;
  Item* item = items_.find(id);
  // What is being sent cannot be called back.
  if (item == nullptr || !item->is_to_phone() || item->stage == Stage::sending || item->stage == Stage::finishing) return;
  const auto end = parse_word<ItemState>(record.text(tag(Tag::state)).value_or(""));
  // A forwarded mail is the journal's: it ends by an outcome, or by its route's answer.
  if (!item->is_from_mailbox() && !end) return;
  history_.event(*item, "withdrawn", {{"peer", peer_of(*item)}});
  context_.counters.add(Counter::submissions_withdrawn);
  if (end && item->stage != Stage::receiving) return life_.finish(*item, {.state = *end, .reason = "withdrawn before it was sent"});
  context_.ports.journal.settle(journal::Kind::attempt, id);
  items_.drop(id);
}

}  // namespace pushmail::relay

// Mailbox to phone: a mail from the control plane (or a forwarded one whose phone asked) becomes a SubmitReq (steps 405, 406).
//
// No body in the journal: until SubmitRsp 1000 the mailbox is the durable copy and the store knows the item. After a restart the control
// plane sends the submission again under the same id, and the TransactionID made of it stays the same. What the journal has is the attempt
// (doubt.cpp): whether SubmitReq may have left.
//
// Came from: the handoff socket (submission, chunk). Goes to: the codec lane (conversion.h), then submit_out.h, and as outcome to the
// journal.
#include <fmt/format.h>

#include <algorithm>

#include "codec/mm7/errors.h"
#include "codec/mm7/status.h"
#include "core/log.h"
#include "core/msisdn.h"
#include "dataplane/relay/relay.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;
using mm7::StatusClass;

constexpr std::uint64_t chunks_ahead = 4;
constexpr int service_unavailable = 4006;  // busy (TS 23.140 10.2)

// TS 23.140 §10.2: 1xxx to 4xxx. Any other number counts as 3000; where a MessageID comes with it, it is neither success nor refusal.
bool is_status_code(int code) { return code >= 1000 && code < 5000; }

// A gateway that answers for the MMSC (RFC 9110 §15.6.3, §15.6.5) cannot say whether that one has the request.
bool is_gateways_word(int http_status) { return http_status == 502 || http_status == 504; }

StatusClass class_of_http(int status) {
  if (status >= 500 || status == 408 || status == 429) return StatusClass::temporary;
  if (status == 413 || status == 415) return StatusClass::permanent;
  // 401, 403, 404, redirects: this address or these credentials do not work for anything.
  return StatusClass::peer_trouble;
}

}  // namespace

const RetryPolicy& Relay::retry_of(std::string_view peer) const {
  const auto found = settings_.peer_retry.find(peer);
  return found != settings_.peer_retry.end() ? found->second : settings_.submit_retry;
}

// ---- taking over ------------------------------------------------------------------------------------------------------------------

void Relay::on_submission(const RecordView& record) {
  const ItemId id = record.header().item;
  if (const auto ended = outcomes_.find(id); ended != outcomes_.end()) {
    // It was submitted before the control plane knew: the outcome is told again, the MM is not sent again.
    return hand_over(parse_record(ended->second).value());
  }
  // Offered before the control plane had read that an earlier try is in doubt: it decides anew when it has.
  if (unknown_.contains(id)) return;
  Item* of = item(id);
  if (of != nullptr && of->stage != Stage::receiving) return;
  const TraceId trace = record.trace(tag(Tag::trace)).value_or(TraceId{});
  if (of == nullptr) {
    of = &add_item(id, trace, Source::mailbox);
    counters_.add(Counter::submissions);
  }
  of->stage.move(StageEvent::offer);
  of->body.clear();
  of->has_credit = false;
  of->mail_size = record.u64(tag(Tag::mail_size)).value_or(0);
  // An empty mail would be converted and sent before its first chunk; whoever announces one does not know its size.
  if (of->mail_size == 0) return finish(*of, {.reason = "the submission announces an empty mail"});
  if (of->mail_size > settings_.mail_size_max) {
    of->mail_size = 0;
    return finish(*of, {.reason = "the mail is larger than the limit"});
  }
  if (const auto peer = record.text(tag(Tag::peer)).value_or(""); peers_.find(peer) == nullptr) {
    // Our own trouble, not the mail's: nothing is said, and the control plane offers it again.
    log_error("unknown_peer").item(id).trace(trace).peer(peer);
    return drop_item(id);
  }
  if (!take_mm_route(*of, record)) {
    of->mail_size = 0;
    return finish(*of, {.reason = "the submission names no phone number"});
  }
  grant_first(*of);
}

bool Relay::take_mm_route(Item& of, const RecordView& record) {
  const PeerEntry* peer = peers_.find(record.text(tag(Tag::peer)).value_or(""));
  const auto msisdn = Msisdn::from_digits(record.text(tag(Tag::msisdn)).value_or(""));
  if (peer == nullptr || !msisdn) return false;
  of.peer = record.text(tag(Tag::peer)).value_or("");
  of.duplicate_possible = of.duplicate_possible || record.u64(tag(Tag::duplicate_possible)).value_or(0) != 0;
  of.to_phone = true;
  const std::uint64_t expiry_s = std::min<std::uint64_t>(
      record.u64(tag(Tag::expiry_s)).value_or(static_cast<std::uint64_t>(settings_.submit_expire.ms() / 1000)), 366 * 86'400);
  of.mm_route = {.msisdn = msisdn->digits(),
                 .sender_address = std::string(record.text(tag(Tag::sender_address)).value_or("")),
                 .subject = std::string(record.text(tag(Tag::subject)).value_or("")),
                 .own_addresses = {},
                 .mm_size_max = record.u64(tag(Tag::mm_size_max)).value_or(limits::mm_size_max),
                 .expiry = seconds(static_cast<std::int64_t>(expiry_s)),
                 .dialect = peer->dialect};
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::own_address)) of.mm_route.own_addresses.emplace_back(text_of(value));
  });
  of.expires = now_ + *of.mm_route.expiry;
  return true;
}

void Relay::grant_first(Item& of) {
  // Memory for the whole mail before its first chunk; without it the control plane keeps the mail and this asks again.
  // Of an item that is offered anew the earlier size is still counted, which may have been more.
  if (!has_memory_for(of.mail_size - std::min(of.mail_size, of.memory))) return set_due(of, now_ + seconds(1));
  count_memory(of);
  of.has_credit = true;
  of.body.reserve(of.mail_size);
  grant(of, chunks_ahead);
}

void Relay::grant(const Item& of, std::uint64_t chunks) {
  RecordWriter record = handoff::make(handoff::Kind::submission_credit, of.id);
  record.u64(tag(Tag::credit), chunks);
  ports_.handoff.send(handoff::Kind::submission_credit, of.id, std::move(record));
}

void Relay::on_chunk(const RecordView& record) {
  Item* of = item(record.header().item);
  if (of == nullptr || of->stage != Stage::receiving || !of->has_credit) return;
  const auto data = record.bytes(tag(Tag::data)).value_or(ByteView{});
  if (record.u64(tag(Tag::offset)) != of->body.size() || data.empty() || data.size() > of->mail_size - of->body.size()) {
    log_warning("chunk_out_of_place").item(of->id).number("have", static_cast<std::int64_t>(of->body.size()));
    return;
  }
  pushmail::append(of->body, data);
  if (of->body.size() == of->mail_size) return convert_item(*of);
  grant(*of, 1);
}

// ---- sending ----------------------------------------------------------------------------------------------------------------------

void Relay::submit_item(Item& of) {
  if (const auto paused = paused_.find(of.peer); paused != paused_.end() && now_ < paused->second.until) {
    of.stage.move(StageEvent::put_off);
    return set_due(of, paused->second.until);
  }
  if (peers_.find(of.peer) == nullptr) return retry_submit(of, "the peer is not in the table", std::nullopt);
  begin_attempt(of);
}

void Relay::post(Item& of) {
  event(of, "submit_req",
        {{"peer", of.peer},
         {"transaction_id", transaction_id_of(of.id)},
         {"try", fmt::to_string(of.attempt.number)},
         {"size", fmt::to_string(of.output.size())},
         {"duplicate_possible", of.duplicate_possible ? "1" : ""}});
  ports_.outgoing.submit({.item = of.id, .peer = of.peer, .content_type = of.output_type, .body = of.output});
}

void Relay::on_submit_result(const ItemId& id, const HttpResult& result) {
  Item* of = item(id);
  if (of == nullptr || of->stage != Stage::sending) return;
  if (const auto* failure = std::get_if<HttpFailure>(&result)) {
    of->duplicate_possible = of->duplicate_possible || failure->duplicate_possible;
    // Sent again by the client itself: that the last try cannot have been seen says nothing of the one before.
    if (failure->outcome == HttpOutcome::unknown || failure->duplicate_possible)
      return submission_lost(*of, failure->error.info->text, Loss::no_answer);
    end_attempt(*of, AttemptEvent::not_sent);
    return retry_submit(*of, failure->error.info->text, std::nullopt);
  }
  const auto& answer = std::get<HttpAnswer>(result);
  of->duplicate_possible = of->duplicate_possible || answer.duplicate_possible;
  // TS 23.140 §8.7.1: a SOAP body decides whatever the HTTP status is.
  const auto response = mm7::parse_response(answer.content_type, answer.body);
  if (response) {
    if (const auto* submitted = std::get_if<mm7::SubmitRsp>(&*response)) return take_submit_rsp(*of, *submitted);
    if (const auto* fault = std::get_if<mm7::FaultRsp>(&*response)) {
      if (is_about_another(*of, fault->transaction_id, fault->status.code)) return;
      // A success in an element that does not answer SubmitReq (DeliverRsp, say) is somebody else's, or nobody's.
      if (mm7::status_class(fault->status.code) == StatusClass::success)
        return submission_lost(*of, "the answer is none to a SubmitReq", Loss::meaningless_answer);
      return submit_answered(*of, fault->status.code, fault->status.text.empty() ? fault->fault_string : fault->status.text, {});
    }
    // The answer to some other request says nothing about this one.
  }
  event(*of, "submit_rsp",
        {{"peer", of->peer}, {"transaction_id", transaction_id_of(of->id)}, {"http_status", fmt::to_string(answer.status)}});
  if (!response && response.error().is(mm7::mm7_two_answers)) {
    counters_.add(Counter::submit_answers_unreadable);
    return submission_lost(*of, response.error().info->text, Loss::meaningless_answer);
  }
  const std::string trouble = fmt::format("HTTP status {} without an answer of MM7", answer.status);
  if (is_gateways_word(answer.status)) return submission_lost(*of, trouble, Loss::gateways_answer);
  if (answer.status < 300) {
    counters_.add(Counter::submit_answers_unreadable);
    return submission_lost(*of, trouble, Loss::meaningless_answer);
  }
  paused_[of->peer].unknowns = 0;
  switch (class_of_http(answer.status)) {
    case StatusClass::permanent:
      return finish(*of, {.reason = trouble, .status_code = answer.status});
    case StatusClass::peer_trouble:
      end_attempt(*of, AttemptEvent::refusal);
      return pause_peer(*of, trouble);
    default:
      end_attempt(*of, AttemptEvent::refusal);
      return retry_submit(*of, trouble, answer.retry_after);
  }
}

// An MMSC, or what lies before it, that mixes answers up: whose success, or whose refusal, is this? True: nobody's, and it is in doubt.
bool Relay::is_about_another(Item& of, const std::string& transaction_id, int status) {
  if (transaction_id.empty() || transaction_id == transaction_id_of(of.id)) return false;
  counters_.add(Counter::submit_answers_foreign);
  log_warning("foreign_submit_rsp").item(of.id).trace(of.trace).peer(of.peer).text("transaction_id", transaction_id);
  const PeerEntry* peer = peers_.find(of.peer);
  if (peer != nullptr && peer->is({"answer_transaction_id", "ignored"})) return false;
  event(of, "submit_rsp", {{"peer", of.peer}, {"transaction_id", transaction_id}, {"status", fmt::to_string(status)}});
  submission_lost(of, "the answer names another TransactionID", Loss::meaningless_answer);
  return true;
}

void Relay::take_submit_rsp(Item& of, const mm7::SubmitRsp& response) {
  if (is_about_another(of, response.transaction_id, response.status.code)) return;
  if (!is_status_code(response.status.code) && !response.message_id.empty()) {
    event(of, "submit_rsp", {{"peer", of.peer}, {"status", fmt::to_string(response.status.code)}, {"message_id", response.message_id}});
    return submission_lost(of, "the answer's StatusCode is none of MM7", Loss::meaningless_answer);
  }
  submit_answered(of, response.status.code, response.status.text, response.message_id);
}

void Relay::submit_answered(Item& of, int code, std::string_view text, std::string_view message_id) {
  event(of, "submit_rsp",
        {{"peer", of.peer},
         {"transaction_id", transaction_id_of(of.id)},
         {"status", fmt::to_string(code)},
         {"status_text", text},
         {"message_id", message_id}});
  const std::string trouble = fmt::format("{} {}", code, text);
  if (code == service_unavailable) ports_.outgoing.peer_overloaded(of.peer);
  paused_[of.peer].unknowns = 0;
  switch (mm7::status_class(code)) {
    case StatusClass::success:
      faults_.at(step::submit_rsp_before_settle);
      forget_pause(of.peer);
      counters_.add(Counter::submitted);
      if (message_id.empty()) {
        // Its report will be known by phone and suffix only.
        counters_.add(Counter::submitted_nameless);
        return finish(of, {.state = ItemState::submitted,
                           .reason = "the MMSC has taken the message and gave it no MessageID",
                           .status_code = code,
                           .status_text = text});
      }
      return finish(of, {.state = ItemState::submitted, .status_code = code, .status_text = text, .message_id = message_id});
    case StatusClass::temporary:
      end_attempt(of, AttemptEvent::refusal);
      return retry_submit(of, trouble, std::nullopt);
    case StatusClass::peer_trouble:
      end_attempt(of, AttemptEvent::refusal);
      return pause_peer(of, trouble);
    case StatusClass::permanent:
      counters_.add(Counter::submits_failed);
      return finish(of, {.state = ItemState::failed, .reason = trouble, .status_code = code, .status_text = text});
  }
}

void Relay::retry_submit(Item& of, std::string_view trouble, std::optional<Duration> wait) {
  of.last_trouble = trouble;
  if (now_ >= of.expires) {
    counters_.add(Counter::submits_failed);
    return finish(of, {.state = of.attempt.doubts > 0 ? ItemState::unconfirmed : ItemState::expired,
                       .reason = fmt::format("given up after {} tries: {}", of.attempt.number, trouble)});
  }
  const Duration drawn = retry_delay(retry_of(of.peer), of.attempt.number, settings_.random());
  const Duration next = wait ? std::max(drawn, std::min(*wait, seconds(3600))) : drawn;
  counters_.add(Counter::submits_retried);
  event(of, "retry",
        {{"peer", of.peer}, {"reason", trouble}, {"try", fmt::to_string(of.attempt.number)}, {"wait_ms", fmt::to_string(next.ms())}});
  of.stage.move(StageEvent::put_off);
  set_due(of, now_ + next);
}

// ---- peers in trouble -------------------------------------------------------------------------------------------------------------

void Relay::pause_peer(Item& of, std::string_view trouble) {
  pause(of.peer, trouble);
  retry_submit(of, trouble, Duration{std::max<std::int64_t>((paused_[of.peer].until - now_).ns, 0)});
}

void Relay::pause(const std::string& peer, std::string_view trouble) {
  Paused& paused = paused_[peer];
  if (now_ < paused.until) return;
  ++paused.times;
  paused.until = now_ + retry_delay(retry_of(peer), paused.times, settings_.random());
  paused.reason = trouble;
  counters_.add(Counter::peers_paused);
  log_error("peer_paused").peer(peer).text("reason", trouble);
  tell_pause(peer);
}

void Relay::forget_pause(const std::string& peer) {
  const auto found = paused_.find(peer);
  if (found == paused_.end()) return;
  const bool was_told = found->second.times > 0;
  paused_.erase(found);
  if (was_told) tell_pause(peer);
}

void Relay::tell_pause(const std::string& peer) {
  if (!ports_.handoff.is_ready()) return;
  const auto found = paused_.find(peer);
  const bool is_paused = found != paused_.end() && found->second.times > 0;
  const std::int64_t left_us = is_paused ? std::max<std::int64_t>((found->second.until - now_).us(), 0) : 0;
  RecordWriter record = handoff::make(handoff::Kind::peer_state, {});
  record.text(tag(Tag::peer), peer).i64(tag(Tag::retry_at), left_us == 0 ? 0 : clock_.wall().us + left_us);
  if (is_paused) record.text(tag(Tag::reason), found->second.reason);
  ports_.handoff.send(handoff::Kind::peer_state, {}, std::move(record));
}

}  // namespace pushmail::relay

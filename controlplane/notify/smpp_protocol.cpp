#include "controlplane/notify/smpp_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "codec/sms/receipt.h"
#include "core/ascii.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::notify {

namespace {

using smpp::Command;
using smpp::Pdu;

constexpr std::uint32_t sequence_max = 0x7FFFFFFF;
constexpr std::uint8_t registered_receipt = 1;
constexpr int retry_max = 6;  // of the rest of a text that was taken in part; with the pauses about a minute
constexpr std::int64_t nobodys_text = -1;
constexpr std::size_t unanswered_max = 1000;
constexpr std::size_t passed_over_max = 100;

// SMPP 3.4 §5.2.5: what kind of address this is. A short code has no numbering plan of its own.
void set_source(Pdu& pdu, const std::string& source) {
  const bool digits = is_digits(source);
  pdu.source_addr = source;
  pdu.source_addr_ton = !digits ? smpp::ton_alphanumeric : source.size() <= 8 ? smpp::ton_abbreviated : smpp::ton_international;
  pdu.source_addr_npi = pdu.source_addr_ton == smpp::ton_international ? smpp::npi_e164 : smpp::npi_unknown;
}

constexpr Command bind_command(SmppRole role) {
  switch (role) {
    case SmppRole::transmitter:
      return Command::bind_transmitter;
    case SmppRole::receiver:
      return Command::bind_receiver;
    case SmppRole::transceiver:
      break;
  }
  return Command::bind_transceiver;
}

// bind_transceiver came with SMPP 3.4 (§4.1.5): an SMSC of 3.3, or an account without it, says so in one of these ways.
bool may_mean_unknown_bind(const Pdu& answer) {
  return answer.command == Command::generic_nack || answer.status == smpp::status::bad_command_id ||
         answer.status == smpp::status::bind_failed || answer.status == smpp::status::wrong_bind_status;
}

// SMPP 3.4 §5.2.5, §5.2.6. Network specific and subscriber numbers are what their digits say. An IMSI (E.212), an IP address or a telex
// number has digits too, and whoever's telephone number they make is a stranger.
wap::NumberType number_type(std::uint8_t type_of_number, std::uint8_t plan) {
  constexpr auto no_telephones =
      std::to_array<std::uint8_t>({smpp::npi_x121, smpp::npi_telex, smpp::npi_e212, smpp::npi_internet, smpp::npi_wap});
  if (std::ranges::find(no_telephones, plan) != no_telephones.end()) return wap::NumberType::other;
  if (type_of_number == smpp::ton_international) return wap::NumberType::international;
  if (type_of_number == smpp::ton_national) return wap::NumberType::national;
  if (type_of_number == smpp::ton_abbreviated || type_of_number == smpp::ton_alphanumeric) return wap::NumberType::short_code;
  return wap::NumberType::unknown;
}

IncomingSms incoming(const sms::Incoming& message, std::string text, const sms::Judgement& judgement, Extent extent) {
  return {.source = message.source,
          .source_type = number_type(message.source_type, message.source_plan),
          .destination = message.destination,
          .text = std::move(text),
          .extent = extent,
          .automatic_sign = judgement.sign};
}

}  // namespace

SmppProtocol::SmppProtocol(const Clock& clock, SmppSettings settings, BearerEvents& events, SmppWire& wire, Random random, SmppRole role)
    : clock_(clock),
      settings_(std::move(settings)),
      events_(&events),
      wire_(wire),
      random_(std::move(random)),
      role_(role == SmppRole::transceiver && settings_.bind == SmppBind::pair ? SmppRole::transmitter : role),
      window_(settings_.window) {}

// The window is one of parts: a text of ten of them is ten texts' worth of waiting.
std::size_t SmppProtocol::room() const {
  if (state_ != SmppState::bound || role_ == SmppRole::receiver || clock_.now() < paused_until_) return 0;
  const std::size_t free = places();
  return waiting_.size() >= free ? 0 : free - waiting_.size();
}

// What the SMSC has passed over takes no place. Where all that is under way is late, one more shows whether it is these texts or the SMSC.
std::size_t SmppProtocol::places() const {
  if (unanswered_.size() >= unanswered_max) return 0;
  std::size_t fresh = 0, late = 0;
  for (const auto& [sequence, segment] : unanswered_) {
    if (!is_slow(segment)) {
      ++fresh;
    } else if (!is_overtaken(segment)) {
      ++late;
    }
  }
  if (fresh + late < window_) return window_ - fresh - late;
  return fresh == 0 ? 1 : 0;
}

std::string SmppProtocol::state() const {
  switch (state_) {
    case SmppState::bound:
      return (role_ == SmppRole::transceiver ? "bound to "
              : role_ == SmppRole::receiver  ? "bound as receiver to "
                                             : "bound as transmitter to ") +
             to_string(settings_.smsc);
    case SmppState::connecting:
    case SmppState::binding:
      return "connecting to " + to_string(settings_.smsc);
    case SmppState::unbinding:
    case SmppState::stopped:
      return "stopped";
    case SmppState::idle:
      break;
  }
  return fmt::format("not connected to {}: {}", to_string(settings_.smsc), last_error_);
}

// ---- the connection ---------------------------------------------------------------------------------------------------------------

void SmppProtocol::start() { connect(); }

void SmppProtocol::connect() {
  move(SmppEvent::connect);
  requests_ = 0;
  due_ = clock_.now() + settings_.response_max;
  wire_.connect();
}

void SmppProtocol::on_connected() {
  if (state_ != SmppState::connecting) return;
  move(SmppEvent::connected);
  Pdu bind;
  bind.command = bind_command(role_);
  bind.system_id = settings_.system_id;
  bind.password = settings_.password;
  bind.system_type = settings_.system_type;
  send_request(bind);
}

void SmppProtocol::on_bytes(ByteView bytes) {
  const std::uint64_t connection = connection_;
  append(in_, bytes);
  std::size_t used = 0;
  while (true) {
    const auto frame = smpp::parse_frame(ByteView(in_).subspan(used));
    if (frame.needs_more()) break;
    if (frame.is_bad()) {
      // SMPP 3.4 §3.2: the stream cannot be found again after a broken length.
      Pdu nack;
      nack.command = Command::generic_nack;
      nack.status = smpp::status::bad_command_length;
      send(nack);
      return lost(std::string(frame.error().info->text));
    }
    on_frame(frame.value());
    if (connection != connection_) return;
    used += frame.used();
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(used));
}

std::optional<Instant> SmppProtocol::deadline() const {
  const auto session = session_deadline();
  const auto late = state_ == SmppState::stopped ? std::nullopt : reassembly_.next_late();
  return session && late ? std::min(*session, *late) : session ? session : late;
}

std::optional<Instant> SmppProtocol::session_deadline() const {
  switch (state_) {
    case SmppState::stopped:
      return std::nullopt;
    case SmppState::idle:
    case SmppState::connecting:
    case SmppState::unbinding:
      return due_;
    case SmppState::binding:
    case SmppState::bound:
      break;
  }
  Instant next{std::numeric_limits<std::int64_t>::max()};
  for (const auto& [sequence, asked] : asked_) next = std::min(next, asked.deadline);
  if (state_ != SmppState::bound) return next;
  if (!enquiring_) next = std::min(next, proved_at_ + settings_.enquire_link);
  if (!waiting_.empty() && paused_until_ > clock_.now()) next = std::min(next, paused_until_);
  for (const auto& [sequence, segment] : unanswered_) {
    if (!waiting_.empty() && !is_slow(segment)) next = std::min(next, segment.sent + settings_.slow_after);
  }
  return next;
}

void SmppProtocol::on_time() {
  const Instant now = clock_.now();
  if (state_ != SmppState::stopped) look_at_late();
  switch (state_) {
    case SmppState::stopped:
      return;
    case SmppState::idle:
      if (now >= due_) connect();
      return;
    case SmppState::connecting:
      if (now >= due_) lost("the SMSC's address does not answer");
      return;
    case SmppState::unbinding:
      if (now >= due_) lost("stopped");
      return;
    case SmppState::binding:
    case SmppState::bound:
      break;
  }
  std::vector<std::uint32_t> passed_over;
  for (const auto& [sequence, asked] : asked_) {
    if (asked.deadline > now) continue;
    const auto segment = unanswered_.find(sequence);
    if (segment == unanswered_.end() || !is_overtaken(segment->second)) return lost("the SMSC does not answer");
    passed_over.push_back(sequence);
  }
  if (state_ != SmppState::bound) return;
  for (const std::uint32_t sequence : passed_over) give_up(sequence);
  // What the SMSC sends by itself is no proof that it still reads what we send.
  if (!enquiring_ && now >= proved_at_ + settings_.enquire_link) {
    enquiring_ = true;
    Pdu enquire;
    enquire.command = Command::enquire_link;
    send_request(enquire);
  }
  pump();
}

void SmppProtocol::on_closed(const std::string& reason) {
  // An SMSC that does not know bind_transceiver may end the connection instead of saying so. One that has taken a bind knows it, and is
  // down; so may one be that ends it once.
  const bool never_bound = bound_at_ == Instant{};
  if (state_ == SmppState::binding && never_bound && ++closed_binds_ % 2 == 0) try_other_bind();
  lost(reason);
}

// bind_transceiver, or a transmitter and a receiver: the one that was not tried last.
void SmppProtocol::try_other_bind() {
  if (settings_.bind != SmppBind::automatic || role_ == SmppRole::receiver) return;
  role_ = role_ == SmppRole::transceiver ? SmppRole::transmitter : SmppRole::transceiver;
}

void SmppProtocol::lost(const std::string& reason) {
  if (state_ == SmppState::idle || state_ == SmppState::stopped) return;
  const Instant now = clock_.now();
  const bool was_bound = state_ == SmppState::bound;
  move(SmppEvent::lost);
  if (state_ == SmppState::idle) {
    last_error_ = reason;
    if (was_bound && now - bound_at_ >= settings_.stable) failures_ = 0;
    const Duration longest = doubled(settings_.rebind_first, settings_.rebind_most, failures_++);
    const Duration wait = with_jitter(longest, timers::smpp_rebind.jitter_percent, random_());
    due_ = now + wait;
    LogEvent(was_bound || failures_ == 1 ? LogLevel::warning : LogLevel::debug, "smpp_lost")
        .text("smsc", to_string(settings_.smsc))
        .text("reason", reason)
        .number("unanswered", static_cast<std::int64_t>(texts_.size()))
        .number("again_in_ms", wait.ms());
  }
  end(reason);
}

// What belonged to the connection goes with it.
void SmppProtocol::end(std::string_view reason) {
  ++connection_;
  const std::uint64_t left = requests_ - std::min<std::uint64_t>(wire_.close(), requests_);
  in_.clear();
  asked_.clear();
  unanswered_.clear();
  passed_over_.clear();
  waiting_.clear();
  enquiring_ = false;
  std::vector<std::int64_t> maybe_sent;
  for (const auto& [id, text] : std::exchange(texts_, {})) {
    if (text.first_request != 0 && text.first_request <= left) maybe_sent.push_back(id);
    if (!text.smsc_ids.empty() && events_ != nullptr) events_->on_parts(id, text.smsc_ids);
  }
  if (events_ != nullptr) events_->on_bearer_lost(reason, maybe_sent);
}

void SmppProtocol::stop() {
  if (state_ == SmppState::unbinding || state_ == SmppState::stopped) return;
  if (state_ != SmppState::bound) {
    move(SmppEvent::stop);
    return end("stopped");
  }
  // Answers to what was submitted still count until the SMSC lets us go.
  move(SmppEvent::unbind);
  waiting_.clear();
  due_ = clock_.now() + timers::unbind;
  Pdu unbind;
  unbind.command = Command::unbind;
  send_request(unbind);
}

// ---- requests of the SMSC ---------------------------------------------------------------------------------------------------------

void SmppProtocol::on_frame(const smpp::Frame& frame) {
  if (smpp::is_one_way(frame.command_id)) {
    log_debug("smpp_one_way").number("command_id", frame.command_id);
    return;
  }
  const auto pdu = smpp::decode(frame);
  if (!pdu) {
    log_warning("smpp_bad_pdu").error(pdu.error()).number("command_id", frame.command_id);
    // A response is never answered (SMPP 3.4 §3.2): two sides that nack each other would never end.
    if ((frame.command_id & 0x80000000U) == 0) send(smpp::nack_for(frame, pdu.error()));
    return;
  }
  if (smpp::is_response(pdu->command)) return on_response(*pdu);
  on_request(*pdu);
}

void SmppProtocol::on_request(const Pdu& pdu) {
  switch (pdu.command) {
    case Command::enquire_link:
      return send(smpp::respond(pdu));
    case Command::unbind:
      send(smpp::respond(pdu));
      return lost("the SMSC ended the session");
    case Command::deliver_sm:
    case Command::data_sm:
      if (state_ != SmppState::bound) return send(smpp::respond(pdu, smpp::status::wrong_bind_status));
      return on_message(pdu);
    default:
      return send(smpp::respond(pdu, smpp::status::bad_command_id));
  }
}

void SmppProtocol::on_message(const Pdu& pdu) {
  sms::Judgement judgement = sms::origin_of(pdu);
  if (judgement.origin == sms::Origin::receipt) return on_receipt(pdu, judgement);
  const auto message = reassembly_.add(sms::read_deliver(pdu, settings_.in_zero), clock_.now());
  Taken taken = Taken::yes;
  if (message && events_ != nullptr) {
    const std::string text = message->text();
    if (!sms::is_automatic(judgement)) judgement = sms::origin_of(*message);
    // A receipt in several pieces: it names no message that we could find, and it is no word of the phone either.
    if (judgement.origin == sms::Origin::receipt) return on_receipt(pdu, judgement);
    taken = events_->on_sms(incoming(*message, text, judgement, Extent::whole));
  }
  send(smpp::respond(pdu, taken == Taken::yes ? smpp::status::ok : smpp::status::esme_temporary));
}

// Parts that came were answered; what is late is looked at once for what is clear already, and once more when nobody waits for the rest.
void SmppProtocol::look_at_late() {
  for (const sms::Reassembly::Late& late : reassembly_.take_late(clock_.now())) {
    const sms::Judgement judgement = sms::origin_of(late.message);
    if (judgement.origin == sms::Origin::receipt || events_ == nullptr) continue;
    const Extent extent = late.given_up ? Extent::incomplete : Extent::beginning;
    const Taken taken = events_->on_sms(incoming(late.message, late.message.text(), judgement, extent));
    if (extent == Extent::beginning && taken == Taken::yes) reassembly_.ignore_rest(late.key);
  }
}

void SmppProtocol::on_receipt(const Pdu& pdu, const sms::Judgement& judgement) {
  const auto receipt = sms::read_receipt(pdu);
  if (!receipt) log_info("receipt_not_read").text("sign", judgement.sign);
  if (receipt && events_ != nullptr) {
    events_->on_receipt({.source = pdu.source_addr,
                         .source_type = number_type(pdu.source_addr_ton, pdu.source_addr_npi),
                         .destination = pdu.destination_addr,
                         .destination_type = number_type(pdu.dest_addr_ton, pdu.dest_addr_npi),
                         .smsc_id = receipt->message_id,
                         .word = std::string(sms::word_of(receipt->state))});
  }
  send(smpp::respond(pdu));
}

// ---- answers of the SMSC ----------------------------------------------------------------------------------------------------------

void SmppProtocol::on_response(const Pdu& pdu) {
  const auto found = asked_.find(pdu.sequence);
  if (found == asked_.end()) return;  // late, or nobody asked
  const Command asked = found->second.command;
  const bool fits = pdu.command == smpp::response_of(asked) || pdu.command == Command::generic_nack;
  if (!fits) return lost(fmt::format("{} was answered with {}", smpp::name_of(asked), smpp::name_of(pdu.command)));
  asked_.erase(found);
  proved_at_ = clock_.now();
  switch (asked) {
    case Command::bind_transceiver:
    case Command::bind_transmitter:
    case Command::bind_receiver:
      return on_bind_response(pdu);
    case Command::submit_sm:
      return on_submit_response(pdu);
    case Command::enquire_link:
      enquiring_ = false;
      return;
    case Command::unbind:
      move(SmppEvent::stop);
      return end("stopped");
    default:
      return;
  }
}

void SmppProtocol::on_bind_response(const Pdu& pdu) {
  if (pdu.command == Command::generic_nack || pdu.status != smpp::status::ok) {
    const std::string refused = fmt::format("{} refused: {}", smpp::name_of(bind_command(role_)), smpp::status_text(pdu.status));
    // Which of both it is that an older SMSC does not know shows when the other one is tried.
    if (may_mean_unknown_bind(pdu)) try_other_bind();
    return lost(refused);
  }
  move(SmppEvent::bind_accepted);
  bound_at_ = clock_.now();
  last_error_.clear();
  log_info("smpp_bound")
      .text("smsc", to_string(settings_.smsc))
      .text("as", settings_.system_id)
      .text("by", smpp::name_of(bind_command(role_)));
  if (events_ != nullptr) events_->on_bearer_ready();
}

void SmppProtocol::on_submit_response(const Pdu& pdu) {
  auto node = unanswered_.extract(pdu.sequence);
  if (node.empty()) return;
  Segment& segment = node.mapped();
  const auto text = texts_.find(segment.text);
  auto verdict = smpp::class_of(pdu.status);
  // A generic_nack is no success, whatever its status says.
  if (pdu.command == Command::generic_nack && verdict == smpp::StatusClass::ok) verdict = smpp::StatusClass::permanent;
  answered_sent_ = std::max(answered_sent_, segment.sent);
  if (text == texts_.end()) {
    // Settled before this answer came; a receipt may still name the part.
    const bool is_named = verdict == smpp::StatusClass::ok && !pdu.message_id.empty() && events_ != nullptr;
    if (is_named) events_->on_parts(segment.owner, {std::string(sms::without_hex_mark(pdu.message_id))});
    return pump();
  }
  if (verdict != smpp::StatusClass::session) failures_ = 0;
  switch (verdict) {
    case smpp::StatusClass::ok:
      if (!pdu.message_id.empty()) text->second.smsc_ids.emplace_back(sms::without_hex_mark(pdu.message_id));
      text->second.taken = true;
      text->second.tries = 0;
      window_ = std::min(window_ + 1, settings_.window);
      refusals_ = 0;
      --text->second.segments_left;
      break;
    case smpp::StatusClass::temporary:
      slow_down(segment);
      put_off(std::move(segment), text->second, smpp::status_text(pdu.status));
      break;
    case smpp::StatusClass::session:
      return lost(std::string(smpp::status_text(pdu.status)));
    case smpp::StatusClass::permanent:
      take_out(segment.text, text->second);
      text->second.refusal = pdu.command == Command::generic_nack ? "generic_nack" : smpp::status_text(pdu.status);
      text->second.deferred = false;
      break;
  }
  go_on(text->first, text->second);
  if (text->second.segments_left == 0) {
    const std::int64_t id = text->first;
    const Text done = std::move(text->second);
    texts_.erase(text);
    finish(id, done);
  }
  pump();
}

// Throttled, full or in trouble (SMPP 3.4 §5.1.3): everybody waits. What was under way when it began counts as the same refusal.
// A text that is refused again and again is its own trouble, which its owner's waits are for: only another one doubles the pause.
void SmppProtocol::slow_down(const Segment& refused) {
  if (refused.sent <= slowed_at_) return;
  slowed_at_ = clock_.now();
  if (std::exchange(refused_, refused.text) == refused.text) refusals_ = 0;
  window_ = std::max<std::size_t>(window_ / 2, 1);
  const std::int64_t pause = doubled(settings_.throttle_pause, settings_.throttle_pause_most, refusals_++).ns;
  paused_until_ = slowed_at_ + Duration{pause};
}

// Nothing more of the text goes before what is under way says whether a part was taken. None: whoever owns it decides when to try again,
// and counts it. A part: only the rest is sent again, here, for the phone would show the part twice.
void SmppProtocol::put_off(Segment segment, Text& text, std::string_view reason) {
  const std::int64_t id = segment.text;
  text.refusal = reason;
  text.deferred = true;
  text.held.push_back(std::move(segment));
  for (Segment& other : waiting_) {
    if (other.text == id) text.held.push_back(std::move(other));
  }
  std::erase_if(waiting_, [&](const Segment& other) { return other.text == id; });
}

void SmppProtocol::go_on(std::int64_t id, Text& text) {
  if (text.held.empty()) return;
  if (std::ranges::any_of(unanswered_, [&](const auto& entry) { return entry.second.text == id; })) return;
  if (!text.taken || ++text.tries >= retry_max) {
    text.segments_left = 0;
    return;
  }
  text.refusal.clear();
  text.deferred = false;
  for (Segment& segment : std::exchange(text.held, {})) waiting_.push_front(std::move(segment));
}

// Answers to its other segments, which may still come, must not count for a later try of the same text.
void SmppProtocol::take_out(std::int64_t id, Text& text) {
  text.held.clear();
  std::erase_if(waiting_, [&](const Segment& other) { return other.text == id; });
  for (auto& [sequence, other] : unanswered_) {
    if (other.text == id) other.text = nobodys_text;
  }
  text.segments_left = 0;
}

// The SMSC answers others and not this part. Its answer may still come, and then names it.
void SmppProtocol::give_up(std::uint32_t sequence) {
  asked_.at(sequence).deadline = {std::numeric_limits<std::int64_t>::max()};
  passed_over_.push_back(sequence);
  const auto text = texts_.find(unanswered_.at(sequence).text);
  if (text == texts_.end()) return;
  const std::int64_t id = text->first;
  Text done = std::move(text->second);
  texts_.erase(text);
  take_out(id, done);
  if (passed_over_.size() > passed_over_max) {
    asked_.erase(passed_over_.front());
    unanswered_.erase(passed_over_.front());
    passed_over_.pop_front();
  }
  log_warning("sms_passed_over").number("sms", id);
  if (events_ == nullptr) return;
  if (!done.smsc_ids.empty()) events_->on_parts(id, done.smsc_ids);
  events_->on_in_doubt(id, "the SMSC answers others and not this one");
}

void SmppProtocol::finish(std::int64_t id, const Text& text) {
  if (events_ == nullptr) return;
  if (text.refusal.empty()) return events_->on_sent(id, text.smsc_ids);
  if (!text.smsc_ids.empty()) events_->on_parts(id, text.smsc_ids);
  if (!text.deferred) return events_->on_refused(id, text.refusal);
  if (text.taken) return events_->on_in_doubt(id, text.refusal);
  events_->on_deferred(id, text.refusal);
}

// ---- requests of ours -------------------------------------------------------------------------------------------------------------

void SmppProtocol::submit(const OutgoingNotice& notice) {
  if (state_ != SmppState::bound || texts_.contains(notice.id)) return;
  // Its own in the store, so that after a restart, too, no phone joins a part that was left over to a part of this text; and the same when
  // it is sent again, so that what came of it the first time completes it.
  const auto segments = sms::split_text(notice.text(), static_cast<std::uint16_t>(notice.id), settings_.in_zero);
  texts_[notice.id] = {.segments_left = segments.size()};
  for (const sms::Segment& segment : segments) {
    Pdu pdu;
    pdu.command = Command::submit_sm;
    set_source(pdu, settings_.source);
    pdu.dest_addr_ton = smpp::ton_international;
    pdu.dest_addr_npi = smpp::npi_e164;
    pdu.destination_addr = notice.to.digits();
    pdu.esm_class = segment.esm_class;
    pdu.data_coding = segment.data_coding;
    pdu.short_message = segment.short_message;
    pdu.registered_delivery = registered_receipt;
    waiting_.push_back({.text = notice.id, .owner = notice.id, .pdu = std::move(pdu)});
  }
  pump();
}

void SmppProtocol::pump() {
  if (state_ != SmppState::bound || clock_.now() < paused_until_) return;
  while (!waiting_.empty() && places() > 0) {
    Segment segment = std::move(waiting_.front());
    waiting_.pop_front();
    segment.sent = clock_.now();
    const std::uint32_t sequence = send_request(segment.pdu);
    if (const auto text = texts_.find(segment.text); text != texts_.end() && text->second.first_request == 0) {
      text->second.first_request = requests_;
    }
    unanswered_.emplace(sequence, std::move(segment));
  }
}

std::uint32_t SmppProtocol::send_request(Pdu& pdu) {
  sequence_ = sequence_ == sequence_max ? 1 : sequence_ + 1;
  pdu.sequence = sequence_;
  // An SMSC answers enquire_link at once or is dead: whoever asks often is told soon.
  const Duration twice = std::max(Duration{2 * settings_.enquire_link.ns}, timers::enquire_answer.first);
  const Duration patience = pdu.command == Command::enquire_link ? std::min(settings_.response_max, twice) : settings_.response_max;
  asked_[sequence_] = {.command = pdu.command, .deadline = clock_.now() + patience};
  ++requests_;
  send(pdu, AtEnd::dropped);
  return sequence_;
}

void SmppProtocol::send(const Pdu& pdu, AtEnd at_end) {
  auto bytes = smpp::encode(pdu);
  if (!bytes) {
    log_error("smpp_not_encodable").error(bytes.error()).number("command_id", static_cast<std::uint32_t>(pdu.command));
    return;
  }
  log_debug("smpp_out").number("command_id", static_cast<std::uint32_t>(pdu.command)).number("sequence", pdu.sequence);
  wire_.write(std::move(*bytes), at_end);
}

}  // namespace pushmail::notify

#include "tests/sim/sms/network.h"

#include <charconv>
#include <utility>

#include "codec/sms/gsm.h"

namespace pushmail::notify {

namespace {

using smpp::Command;
using smpp::Pdu;

}  // namespace

void Network::use(SmppProtocol* protocol) {
  ++connection_;
  written_.clear();
  protocol_ = protocol;
}

std::optional<Instant> Network::next() const {
  if (events_.empty()) return std::nullopt;
  return events_.top().at;
}

void Network::run() {
  while (!events_.empty() && events_.top().at <= clock_.now()) {
    const auto action = events_.top().action;
    events_.pop();
    action();
  }
}

Deed Network::draw_deed() {
  const bool faulty = clock_.now() < script_.calm && static_cast<double>(draw(1'000'000)) < script_.fault_rate * 1e6;
  return faulty ? deeds[draw(deeds.size())].deed : Deed::answer;
}

void Network::connect() {
  const std::uint64_t connection = ++connection_;
  last_to_smsc_ = clock_.now();
  const Deed deed = draw_deed();
  ++done[static_cast<std::size_t>(deed)];
  if (deed == Deed::silence || deed == Deed::half_answer) return;
  const bool refused = deed == Deed::close || deed == Deed::half_answer_and_close;
  at(clock_.now() + milliseconds(static_cast<std::int64_t>(1 + draw(20))), [this, connection, refused] {
    if (connection != connection_ || protocol_ == nullptr) return;
    if (refused) return protocol_->on_closed("connection refused");
    protocol_->on_connected();
  });
}

std::size_t Network::close() {
  ++connection_;
  const bool had_left = draw(2) == 0;
  std::size_t dropped = 0;
  for (const auto& one : std::exchange(written_, {})) {
    if (had_left || one->arrived || one->at_end != AtEnd::dropped) continue;
    one->dropped = true;
    ++dropped;
  }
  return dropped;
}

void Network::write(Bytes pdu, AtEnd at_end) {
  const std::uint64_t connection = connection_;
  while (!written_.empty() && written_.front()->arrived) written_.pop_front();
  const auto written = written_.emplace_back(std::make_shared<Written>(Written{.at_end = at_end}));
  last_to_smsc_ = std::max(last_to_smsc_, clock_.now() + milliseconds(static_cast<std::int64_t>(1 + draw(50))));
  at(last_to_smsc_, [this, connection, written, pdu = std::move(pdu)] {
    if (written->dropped) return;
    written->arrived = true;
    at_smsc(connection, pdu);
  });
}

void Network::to_us(std::uint64_t connection, Bytes bytes, Duration extra) {
  const Instant when = clock_.now() + extra + milliseconds(static_cast<std::int64_t>(1 + draw(50)));
  // Answers may overtake each other (SMPP 3.4 §2.9); the bytes of one stay together.
  at(when, [this, connection, bytes = std::move(bytes)] {
    if (connection == connection_ && protocol_ != nullptr && !ended_by_smsc_.contains(connection)) protocol_->on_bytes(bytes);
  });
}

void Network::end(std::uint64_t connection) {
  at(clock_.now() + milliseconds(static_cast<std::int64_t>(60 + draw(50))), [this, connection] {
    ended_by_smsc_.insert(connection);
    if (connection == connection_ && protocol_ != nullptr) protocol_->on_closed("closed by the SMSC");
  });
}

// Texts begin with `#number `; later segments are found by their reference.
Network::Segment Network::text_of_submit(std::uint64_t connection, const Pdu& submit) {
  const sms::Incoming incoming = sms::read_deliver(submit);
  if (incoming.part && incoming.part->number != 1) {
    const auto found = references_.find({connection, incoming.part->reference});
    return {.text = found == references_.end() ? std::nullopt : std::optional(found->second)};
  }
  const std::string text = incoming.text();
  std::size_t number = 0;
  if (!text.starts_with('#') || std::from_chars(text.data() + 1, text.data() + text.size(), number).ec != std::errc{}) return {};
  if (incoming.part) references_[{connection, incoming.part->reference}] = number;
  return {.text = number, .first = true};
}

void Network::at_smsc(std::uint64_t connection, const Bytes& bytes) {
  if (ended_by_smsc_.contains(connection)) return;
  const Pdu pdu = smpp::decode(smpp::parse_frame(bytes).value()).value();
  ++pdus;
  if (smpp::is_response(pdu.command)) return;
  Pdu response = smpp::respond(pdu);
  Deed deed = draw_deed();
  if (pdu.command == Command::submit_sm) {
    response.message_id = std::to_string(++ids_);
    const auto [text, first] = text_of_submit(connection, pdu);
    if (text) {
      if (const auto bad = script_.bad.find(*text); bad != script_.bad.end()) deed = bad->second;
      if (first) submits.emplace_back(clock_.now(), *text);
      if (first && row_of(deed).may_show) shown.push_back({.at = clock_.now(), .text = *text, .phone = pdu.destination_addr});
    }
  }
  ++done[static_cast<std::size_t>(deed)];
  do_deed(connection, deed, pdu, std::move(response));
}

void Network::do_deed(std::uint64_t connection, Deed deed, const Pdu& request, Pdu response) {
  const auto answer = [&](const Pdu& pdu, Duration extra = {}) { to_us(connection, smpp::encode(pdu).value(), extra); };
  switch (deed) {
    case Deed::receipt_first:
      if (request.command == Command::submit_sm) send_receipt(connection, request, response.message_id);
      [[fallthrough]];
    case Deed::answer:
      if (request.command == Command::bind_transceiver) binds.push_back(clock_.now());
      if (request.command == Command::submit_sm) answers.push_back(clock_.now());
      answer(response);
      if (request.command == Command::submit_sm && draw(4) == 0) send_receipt(connection, request, response.message_id);
      return;
    case Deed::late:
      if (request.command == Command::submit_sm) answers.push_back(clock_.now());
      return answer(response, seconds(static_cast<std::int64_t>(1 + draw(90))));
    case Deed::throttle:
      response.status = draw(2) == 0 ? smpp::status::throttled : smpp::status::queue_full;
      if (request.command == Command::submit_sm) answers.push_back(clock_.now());
      return answer(response);
    case Deed::refuse:
      response.status = 0x0B;
      if (request.command == Command::submit_sm) answers.push_back(clock_.now());
      return answer(response);
    case Deed::nack:
    case Deed::nack_without_sequence:
      response = {};
      response.command = Command::generic_nack;
      response.sequence = deed == Deed::nack ? request.sequence : 0;
      response.status = draw(2) == 0 ? 3 : 0;
      if (request.command == Command::submit_sm && deed == Deed::nack) answers.push_back(clock_.now());
      return answer(response);
    case Deed::wrong_answer:
      response.command = request.command == Command::enquire_link ? Command::unbind_resp : Command::enquire_link_resp;
      return answer(response);
    case Deed::close:
      return end(connection);
    case Deed::silence:
      return;
    case Deed::half_answer:
    case Deed::half_answer_and_close: {
      Bytes bytes = smpp::encode(response).value();
      bytes.resize(bytes.size() / 2);
      to_us(connection, std::move(bytes));
      if (deed == Deed::half_answer_and_close) end(connection);
      return;
    }
  }
}

void Network::send_receipt(std::uint64_t connection, const Pdu& submit, const std::string& id) {
  Pdu pdu;
  pdu.command = draw(3) == 0 ? Command::data_sm : Command::deliver_sm;
  pdu.sequence = ++sequence_;
  pdu.source_addr = submit.destination_addr;
  pdu.destination_addr = submit.source_addr;
  if (draw(5) == 0) std::swap(pdu.source_addr, pdu.destination_addr);
  const std::string text = "id:" + id + " sub:001 dlvrd:001 stat:DELIVRD err:000 text:x";
  const std::uint64_t form = draw(3);
  if (form == 0) pdu.esm_class = smpp::esm_receipt;
  if (form == 1) pdu.tlvs.push_back({smpp::tag::receipted_message_id, {'1', 0}});
  if (form == 1) pdu.tlvs.push_back({smpp::tag::message_state, {2}});
  if (form != 1 && (pdu.command == Command::data_sm || draw(2) == 0)) {
    pdu.tlvs.push_back({smpp::tag::message_payload, {text.begin(), text.end()}});
  } else if (pdu.command == Command::deliver_sm) {
    pdu.short_message.assign(text.begin(), text.end());
  }
  to_us(connection, smpp::encode(pdu).value());
}

void Network::phone_writes(const std::string& text) {
  if (protocol_ == nullptr || !protocol_->is_ready()) return;
  Pdu pdu;
  pdu.command = Command::deliver_sm;
  pdu.sequence = ++sequence_;
  pdu.source_addr = "15550100002";
  pdu.destination_addr = "5000";
  pdu.short_message.assign(text.begin(), text.end());
  to_us(connection_, smpp::encode(pdu).value());
}

}  // namespace pushmail::notify

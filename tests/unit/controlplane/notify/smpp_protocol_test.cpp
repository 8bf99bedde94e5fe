// The SMPP session without a socket: its states, deadlines and back-off, by a clock moved by hand.
#include "controlplane/notify/smpp_protocol.h"

#include <gtest/gtest.h>

#include <deque>

#include "tests/unit/controlplane/notify/hand_clock.h"

namespace pushmail::notify {
namespace {

using smpp::Command;
using smpp::Pdu;

TEST(SmppStates, EveryStateButTheLastCanEndAndNothingBeginsTwice) {
  const auto count = [](SmppState from, SmppEvent event) {
    return std::ranges::count_if(smpp_transitions, [&](const SmppTransition& row) { return row.from == from && row.event == event; });
  };
  for (const SmppState state : {SmppState::connecting, SmppState::binding, SmppState::bound, SmppState::unbinding}) {
    EXPECT_EQ(count(state, SmppEvent::lost), 1) << smpp_state_names[static_cast<std::size_t>(state)];
  }
  for (const SmppTransition& row : smpp_transitions) {
    EXPECT_NE(row.from, SmppState::stopped);
    EXPECT_EQ(count(row.from, row.event), 1);
  }
  EXPECT_EQ(count(SmppState::bound, SmppEvent::connect), 0);
  EXPECT_DEATH((void)next_state(SmppState::bound, SmppEvent::connect), "no such row");
}

class Wire final : public SmppWire {
 public:
  void connect() override { ++connects; }
  void write(Bytes pdu, AtEnd) override { pdus.push_back(smpp::decode(smpp::parse_frame(pdu).value()).value()); }
  std::size_t close() override {
    ++closes;
    return std::exchange(unsent, 0);
  }
  int connects = 0, closes = 0;
  std::size_t unsent = 0;  // at the next close
  std::deque<Pdu> pdus;
};

struct Events final : BearerEvents {
  int ready = 0, lost = 0;
  std::vector<std::int64_t> maybe_sent, sent, refused, deferred, in_doubt;
  void on_bearer_ready() override { ++ready; }
  void on_bearer_lost(std::string_view, std::span<const std::int64_t> ids) override {
    ++lost;
    maybe_sent.assign(ids.begin(), ids.end());
  }
  void on_sent(std::int64_t id, const std::vector<std::string>& ids) override {
    sent.push_back(id);
    smsc_ids = ids;
  }
  std::vector<std::string> smsc_ids;
  std::vector<std::string> parts;
  void on_parts(std::int64_t id, const std::vector<std::string>& ids) override {
    for (const std::string& one : ids) parts.push_back(std::to_string(id) + " " + one);
  }
  void on_refused(std::int64_t id, std::string_view) override { refused.push_back(id); }
  void on_deferred(std::int64_t id, std::string_view) override { deferred.push_back(id); }
  void on_in_doubt(std::int64_t id, std::string_view) override { in_doubt.push_back(id); }
  std::vector<IncomingSms> heard;
  Taken answer = Taken::yes;
  Taken on_sms(const IncomingSms& message) override {
    heard.push_back(message);
    return message.extent == Extent::beginning ? answer : Taken::yes;
  }
  void on_receipt(const SmsReceipt&) override {}
};

struct ProtocolTest : ::testing::Test {
  HandClock clock;
  Wire wire;
  Events events;
  SmppProtocol protocol{clock, {.system_id = "pushmail", .source = "5000", .window = 2}, events, wire, [] { return std::uint64_t{0}; }};

  void pass(Duration time) {
    const Instant end = clock.now() + time;
    while (protocol.deadline() && *protocol.deadline() <= end) {
      clock.advance_to(*protocol.deadline());
      protocol.on_time();
    }
    clock.advance_to(end);
  }
  Pdu next(Command expected) {
    if (wire.pdus.empty()) {
      ADD_FAILURE() << "nothing was written; expected " << smpp::name_of(expected);
      return {};
    }
    Pdu pdu = wire.pdus.front();
    wire.pdus.pop_front();
    EXPECT_EQ(pdu.command, expected);
    return pdu;
  }
  void answer_enquiries() {
    while (!wire.pdus.empty() && wire.pdus.front().command == Command::enquire_link) send(smpp::respond(next(Command::enquire_link)));
  }
  void send(const Pdu& pdu) { protocol.on_bytes(smpp::encode(pdu).value()); }
  void bind() {
    protocol.on_connected();
    send(smpp::respond(next(Command::bind_transceiver)));
    ASSERT_TRUE(protocol.is_ready());
  }
  static OutgoingNotice sms(std::int64_t id, std::string text = "Reply 17") {
    return {.id = id, .to = Msisdn::from_digits("15550100002").value(), .content = std::move(text)};
  }
  // The time until the next connect; the longest pauses are twice as long, by the jitter.
  Duration pause() {
    const int before = wire.connects;
    const Instant since = clock.now();
    while (wire.connects == before) {
      clock.advance_to(*protocol.deadline());
      protocol.on_time();
    }
    return clock.now() - since;
  }
};

TEST_F(ProtocolTest, ABindAloneDoesNotShortenTheNextPause) {
  protocol.start();
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 9; ++i) {
    bind();
    protocol.on_closed("closed");
    pauses.push_back(pause().ms());
  }
  EXPECT_EQ(pauses, (std::vector<std::int64_t>{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000}));
}

// A phone joins a part that was left over to any other part of that name, and shows the code of another mail.
TEST_F(ProtocolTest, NoTwoTextsShareTheNameOfTheirPartsAlsoAfterARestart) {
  protocol.start();
  const auto name_of_parts = [&](std::int64_t id) {
    bind();
    protocol.submit(sms(id, std::string(200, 'x')));
    const Pdu part = next(Command::submit_sm);
    wire.pdus.clear();
    protocol.on_closed("closed");
    pause();
    return Bytes(part.short_message.begin(), part.short_message.begin() + std::min<std::ptrdiff_t>(std::ssize(part.short_message), 5));
  };
  const Bytes first = name_of_parts(70'000);
  EXPECT_EQ(name_of_parts(70'000), first) << "sent again, it completes what came of it";
  EXPECT_NE(name_of_parts(70'001), first);
  EXPECT_NE(name_of_parts(70'256), first);
}

TEST_F(ProtocolTest, AnAnsweredSubmitShortensIt) {
  protocol.start();
  for (int i = 0; i < 4; ++i) {
    bind();
    protocol.on_closed("closed");
    pause();
  }
  bind();
  protocol.submit(sms(1));
  send(smpp::respond(next(Command::submit_sm)));
  protocol.on_closed("closed");
  EXPECT_EQ(pause().ms(), 500);
}

TEST_F(ProtocolTest, FiveMinutesThatHoldShortenItToo) {
  protocol.start();
  for (const auto& [held, expected] : {std::pair{299, 1000}, std::pair{300, 500}}) {
    bind();
    if (held == 299) {
      protocol.on_closed("closed");
      EXPECT_EQ(pause().ms(), 500);
      bind();
    }
    for (int i = 0; i < held; ++i) {
      pass(seconds(1));
      while (!wire.pdus.empty()) send(smpp::respond(next(Command::enquire_link)));
    }
    protocol.on_closed("closed");
    EXPECT_EQ(pause().ms(), expected) << held;
  }
}

TEST_F(ProtocolTest, EnquireLinkRunsFromTheBindOn) {
  protocol.start();
  bind();
  pass(milliseconds(29'999));
  EXPECT_TRUE(wire.pdus.empty());
  pass(milliseconds(1));
  const Pdu enquire = next(Command::enquire_link);
  pass(seconds(59));
  EXPECT_TRUE(wire.pdus.empty()) << "one at a time";
  send(smpp::respond(enquire));
  pass(seconds(30));
  next(Command::enquire_link);
  pass(seconds(60));
  EXPECT_EQ(events.lost, 1) << "without an answer it is the end";
}

TEST_F(ProtocolTest, WhatTheSmscSendsByItselfIsNoProof) {
  protocol.start();
  bind();
  for (int i = 0; i < 95 && events.lost == 0; ++i) {
    Pdu enquire;
    enquire.command = Command::enquire_link;
    enquire.sequence = 9;
    send(enquire);
    pass(seconds(1));
  }
  EXPECT_EQ(events.lost, 1) << "it asks and asks, and answers nothing";
}

TEST_F(ProtocolTest, EveryWaitEnds) {
  protocol.start();
  pass(seconds(60));
  EXPECT_EQ(events.lost, 1) << "a connect without an answer";
  pause();
  protocol.on_connected();
  pass(seconds(60));
  EXPECT_EQ(events.lost, 2) << "a bind without an answer";
  wire.pdus.clear();
  pause();
  bind();
  protocol.submit(sms(1));
  next(Command::submit_sm);
  pass(seconds(60));
  EXPECT_EQ(events.lost, 3) << "a submit_sm without an answer, though nothing else is wrong";
  EXPECT_EQ(events.maybe_sent, std::vector<std::int64_t>{1});
}

TEST_F(ProtocolTest, WhatWaitedForAPauseNeverLeft) {
  protocol.start();
  bind();
  protocol.submit(sms(1));
  send(smpp::respond(next(Command::submit_sm), smpp::status::throttled));
  EXPECT_EQ(events.deferred, std::vector<std::int64_t>{1});
  protocol.submit(sms(2));
  EXPECT_TRUE(wire.pdus.empty());
  protocol.on_closed("closed");
  EXPECT_TRUE(events.maybe_sent.empty());
}

TEST_F(ProtocolTest, WhatTheConnectionNeverTookIsInNoDoubt) {
  protocol.start();
  bind();
  protocol.submit(sms(1, std::string(400, 'x')));  // three parts, of which the window takes two
  protocol.on_closed("closed");
  EXPECT_EQ(events.maybe_sent, std::vector<std::int64_t>{1});
  for (const std::size_t unsent : {0U, 1U, 2U}) {
    pause();
    wire.pdus.clear();
    bind();
    protocol.submit(sms(1));
    protocol.submit(sms(2));
    wire.unsent = unsent;
    protocol.on_closed("closed");
    std::vector<std::int64_t> left{1, 2};
    left.resize(2 - unsent);
    EXPECT_EQ(events.maybe_sent, left) << unsent;
  }
}

// The SMSC answers one text, and never the two that fill the window.
TEST_F(ProtocolTest, WhatTheSmscPassesOverHoldsNoOther) {
  protocol.start();
  bind();
  protocol.submit(sms(1));
  protocol.submit(sms(2));
  const Pdu first = next(Command::submit_sm);
  next(Command::submit_sm);
  pass(milliseconds(4999));
  EXPECT_EQ(protocol.room(), 0U);
  pass(milliseconds(1));
  EXPECT_EQ(protocol.room(), 1U) << "one shows whether it is the texts or the SMSC";
  protocol.submit(sms(3));
  EXPECT_EQ(protocol.room(), 0U);
  send(smpp::respond(next(Command::submit_sm)));
  EXPECT_EQ(events.sent, std::vector<std::int64_t>{3});
  EXPECT_EQ(protocol.room(), 2U) << "it is the texts";
  for (int second = 0; second < 120 && events.in_doubt.size() < 2; ++second) {
    pass(seconds(1));
    answer_enquiries();
  }
  EXPECT_EQ(events.in_doubt, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(events.lost, 0) << "the session goes on";
  Pdu late = smpp::respond(first);
  late.message_id = "a1";
  send(late);
  EXPECT_EQ(events.parts, std::vector<std::string>{"1 a1"}) << "a receipt may name it yet";
  EXPECT_EQ(protocol.room(), 2U);
}

TEST_F(ProtocolTest, PartsHaveIdsWhateverBecomesOfTheText) {
  protocol.start();
  bind();
  const auto answer = [&](std::uint32_t status, std::string id) {
    Pdu pdu = smpp::respond(next(Command::submit_sm), status);
    pdu.message_id = std::move(id);
    send(pdu);
  };
  protocol.submit(sms(1, std::string(400, 'x')));
  answer(smpp::status::ok, "a1");
  answer(0x0B, "");
  EXPECT_EQ(events.refused, std::vector<std::int64_t>{1});
  answer(smpp::status::ok, "a3");
  EXPECT_EQ(events.parts, (std::vector<std::string>{"1 a1", "1 a3"})) << "refused";
  protocol.submit(sms(2, std::string(400, 'x')));
  answer(smpp::status::ok, "b1");
  protocol.on_closed("closed");
  EXPECT_EQ(events.maybe_sent, std::vector<std::int64_t>{2});
  EXPECT_EQ(events.parts.back(), "2 b1") << "lost";
}

// However long it goes on: the texts go back to their owner, the pauses grow to a minute, and the window shrinks to one.
TEST_F(ProtocolTest, ThrottlingForEverLeavesFewSubmits) {
  protocol.start();
  bind();
  std::vector<std::int64_t> gaps;
  for (int round = 0; round < 9; ++round) {
    while (protocol.room() > 0) protocol.submit(sms(static_cast<std::int64_t>(100 * round + static_cast<int>(protocol.room()))));
    while (!wire.pdus.empty()) send(smpp::respond(next(Command::submit_sm), smpp::status::throttled));
    const Instant since = clock.now();
    while (protocol.room() == 0) {
      pass(milliseconds(500));
      answer_enquiries();
    }
    gaps.push_back((clock.now() - since).ms() / 1000);
    EXPECT_EQ(protocol.room(), 1U);
  }
  EXPECT_EQ(gaps, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 60, 60, 60}));
  EXPECT_EQ(events.deferred.size(), 10U) << "two at once, then one a pause";
  protocol.submit(sms(1));
  send(smpp::respond(next(Command::submit_sm)));
  EXPECT_EQ(protocol.room(), 2U) << "what is taken opens it again";
  EXPECT_EQ(events.lost, 0);
}

// outbind and alert_notification have no answer, also no generic_nack (SMPP 3.4 §4.1.7, §4.12).
TEST_F(ProtocolTest, WhatHasNoAnswerGetsNone) {
  protocol.start();
  bind();
  wire.pdus.clear();
  for (const char* body : {"0000000b0000000000000007"
                           "6100"
                           "6200",
                           "000001020000000000000008"
                           "01013535350001013500"}) {
    Bytes pdu = from_hex(body);
    Bytes whole;
    append(whole, static_cast<std::uint32_t>(pdu.size() + 4), std::endian::big);
    append(whole, ByteView(pdu));
    protocol.on_bytes(whole);
  }
  EXPECT_TRUE(wire.pdus.empty());
  EXPECT_EQ(events.lost, 0);
  EXPECT_EQ(protocol.room(), 2U) << "and the session goes on";
}

// One number that the SMSC puts off for ever: the others wait a second for it, not a minute.
TEST_F(ProtocolTest, OneTextThatIsRefusedForEverKeepsOthersNoLongerEachTime) {
  protocol.start();
  bind();
  for (int round = 0; round < 8; ++round) {
    protocol.submit(sms(1));
    send(smpp::respond(next(Command::submit_sm), smpp::status::queue_full));
    EXPECT_EQ(protocol.room(), 0U);
    pass(seconds(1));
    EXPECT_GE(protocol.room(), 1U) << round;
  }
  EXPECT_EQ(events.deferred.size(), 8U);
  EXPECT_EQ(events.lost, 0);
}

TEST_F(ProtocolTest, ARebindDoesNotEndThePause) {
  protocol.start();
  bind();
  for (int i = 1; i <= 5; ++i) {
    while (protocol.room() == 0) pass(milliseconds(500));
    protocol.submit(sms(i));
    send(smpp::respond(next(Command::submit_sm), smpp::status::queue_full));
  }
  protocol.on_closed("closed");
  pause();
  bind();
  EXPECT_EQ(protocol.room(), 0U);
  pass(seconds(16));
  EXPECT_EQ(protocol.room(), 1U);
}

// A connection that is open and says nothing.
TEST(SmppPatience, ADeadSmscIsFoundAfterThreeIntervals) {
  struct Row {
    Duration interval;
    Duration end;
  };
  for (const Row& row :
       {Row{seconds(1), seconds(6)}, Row{seconds(3), seconds(9)}, Row{seconds(30), seconds(90)}, Row{seconds(120), seconds(180)}}) {
    HandClock clock;
    Wire wire;
    Events events;
    SmppProtocol protocol{
        clock, {.system_id = "pushmail", .source = "5000", .enquire_link = row.interval}, events, wire, [] { return std::uint64_t{0}; }};
    protocol.start();
    protocol.on_connected();
    protocol.on_bytes(smpp::encode(smpp::respond(wire.pdus.front())).value());
    const Instant since = clock.now();
    while (events.lost == 0) {
      clock.advance_to(*protocol.deadline());
      protocol.on_time();
    }
    EXPECT_EQ((clock.now() - since).ms(), row.end.ms());
  }
}

TEST_F(ProtocolTest, AnAnswerOfAnotherKindIsNone) {
  protocol.start();
  bind();
  protocol.submit(sms(1));
  Pdu wrong = smpp::respond(next(Command::submit_sm));
  wrong.command = Command::enquire_link_resp;
  send(wrong);
  EXPECT_TRUE(events.sent.empty());
  EXPECT_EQ(events.lost, 1);
}

TEST_F(ProtocolTest, AGenericNackIsARefusalWhateverItsStatus) {
  protocol.start();
  bind();
  protocol.submit(sms(1));
  Pdu nack;
  nack.command = Command::generic_nack;
  nack.sequence = next(Command::submit_sm).sequence;
  send(nack);
  EXPECT_EQ(events.refused, std::vector<std::int64_t>{1});
  EXPECT_EQ(events.lost, 0);
}

TEST_F(ProtocolTest, ATextOfWhichAPartWasTakenIsInDoubtWhenTheRestIsPutOff) {
  protocol.start();
  bind();
  protocol.submit(sms(1, std::string(200, 'x')));
  send(smpp::respond(next(Command::submit_sm)));
  int rounds = 0;
  while (events.in_doubt.empty() && rounds < 20) {
    if (!wire.pdus.empty()) {
      ++rounds;
      send(smpp::respond(next(Command::submit_sm), smpp::status::queue_full));
    }
    pass(milliseconds(500));
    answer_enquiries();
  }
  EXPECT_EQ(rounds, 6);
  EXPECT_EQ(events.in_doubt, std::vector<std::int64_t>{1});
}

TEST_F(ProtocolTest, ATextOfWhichNoPartWasTakenIsPutOff) {
  protocol.start();
  bind();
  protocol.submit(sms(1, std::string(200, 'x')));
  while (!wire.pdus.empty()) send(smpp::respond(next(Command::submit_sm), smpp::status::queue_full));
  pass(seconds(20));
  EXPECT_TRUE(wire.pdus.empty()) << "its owner decides when it goes again";
  EXPECT_EQ(events.deferred, std::vector<std::int64_t>{1});
  EXPECT_TRUE(events.in_doubt.empty());
  EXPECT_EQ(protocol.room(), 1U);
}

TEST_F(ProtocolTest, AnswersCountUntilTheSmscLetsUsGo) {
  protocol.start();
  bind();
  protocol.submit(sms(1));
  protocol.submit(sms(2));
  const Pdu first = next(Command::submit_sm);
  next(Command::submit_sm);
  protocol.stop();
  send(smpp::respond(first));
  send(smpp::respond(next(Command::unbind)));
  EXPECT_EQ(events.sent, std::vector<std::int64_t>{1});
  EXPECT_EQ(events.maybe_sent, std::vector<std::int64_t>{2});
  EXPECT_EQ(protocol.phase(), SmppState::stopped);
  EXPECT_FALSE(protocol.deadline().has_value());
}

// An SMSC that knows no transceiver, or refuses it for another reason: what is bound next.
TEST_F(ProtocolTest, WhereATransceiverIsRefusedATransmitterIsTried) {
  struct Row {
    std::uint32_t status;
    Command second;
  };
  for (const Row& row :
       {Row{smpp::status::bad_command_id, Command::bind_transmitter}, Row{smpp::status::bind_failed, Command::bind_transmitter},
        Row{smpp::status::bad_password, Command::bind_transceiver}, Row{smpp::status::bad_system_id, Command::bind_transceiver}}) {
    Wire own_wire;
    Events own_events;
    SmppProtocol one{clock, {.system_id = "pushmail", .source = "5000"}, own_events, own_wire, [] { return std::uint64_t{0}; }};
    one.start();
    one.on_connected();
    one.on_bytes(smpp::encode(smpp::respond(own_wire.pdus.front(), row.status)).value());
    own_wire.pdus.clear();
    clock.advance_to(*one.deadline());
    one.on_time();
    one.on_connected();
    ASSERT_EQ(own_wire.pdus.size(), 1U);
    EXPECT_EQ(own_wire.pdus.front().command, row.second) << row.status;
    one.on_bytes(smpp::encode(smpp::respond(own_wire.pdus.front())).value());
    EXPECT_TRUE(one.is_ready());
    EXPECT_EQ(one.needs_receiver(), row.second == Command::bind_transmitter);
  }
}

// One that does not know it, and ends the connection for it.
TEST_F(ProtocolTest, WhereATransceiverEndsTheConnectionTwiceATransmitterIsTried) {
  SmppProtocol one{clock, {.system_id = "pushmail", .source = "5000"}, events, wire, [] { return std::uint64_t{0}; }};
  one.start();
  std::vector<Command> tried;
  for (int i = 0; i < 5; ++i) {
    wire.pdus.clear();
    one.on_connected();
    ASSERT_EQ(wire.pdus.size(), 1U);
    tried.push_back(wire.pdus.front().command);
    one.on_closed("end of file");
    clock.advance_to(*one.deadline());
    one.on_time();
  }
  EXPECT_EQ(tried, (std::vector{Command::bind_transceiver, Command::bind_transceiver, Command::bind_transmitter, Command::bind_transmitter,
                                Command::bind_transceiver}));
  // Once bound it knows the bind, and is only down.
  wire.pdus.clear();
  one.on_connected();
  one.on_bytes(smpp::encode(smpp::respond(wire.pdus.front())).value());
  ASSERT_TRUE(one.is_ready());
  for (int i = 0; i < 5; ++i) {
    one.on_closed("end of file");
    clock.advance_to(*one.deadline());
    one.on_time();
    wire.pdus.clear();
    one.on_connected();
    EXPECT_EQ(wire.pdus.at(0).command, Command::bind_transceiver);
  }
}

TEST_F(ProtocolTest, RolesAreWhatIsConfigured) {
  struct Row {
    SmppBind bind;
    SmppRole role;
    Command command;
  };
  for (const Row& row : {Row{SmppBind::pair, SmppRole::transceiver, Command::bind_transmitter},
                         Row{SmppBind::pair, SmppRole::receiver, Command::bind_receiver},
                         Row{SmppBind::transceiver, SmppRole::transceiver, Command::bind_transceiver}}) {
    Wire own_wire;
    SmppProtocol one{clock, {.source = "5000", .bind = row.bind}, events, own_wire, [] { return std::uint64_t{0}; }, row.role};
    one.start();
    one.on_connected();
    ASSERT_EQ(own_wire.pdus.front().command, row.command);
    one.on_bytes(smpp::encode(smpp::respond(own_wire.pdus.front())).value());
    EXPECT_EQ(one.room() == 0, row.role == SmppRole::receiver) << "nothing is sent by a receiver";
  }
}

TEST_F(ProtocolTest, AConfiguredTransceiverStaysOne) {
  SmppProtocol one{clock, {.source = "5000", .bind = SmppBind::transceiver}, events, wire, [] { return std::uint64_t{0}; }};
  one.start();
  for (int i = 0; i < 3; ++i) {
    one.on_connected();
    one.on_bytes(smpp::encode(smpp::respond(next(Command::bind_transceiver), smpp::status::bad_command_id)).value());
    clock.advance_to(*one.deadline());
    one.on_time();
  }
}

TEST_F(ProtocolTest, EveryPartHasAnIdAndTakesItsPlaceInTheWindow) {
  protocol.start();
  bind();
  EXPECT_EQ(protocol.room(), 2U);
  protocol.submit(sms(1, std::string(400, 'x')));
  EXPECT_EQ(protocol.room(), 0U) << "three parts, two of them under way";
  for (const char* id : {"a1", "a2", "a3"}) {
    Pdu answer = smpp::respond(next(Command::submit_sm));
    answer.message_id = id;
    send(answer);
  }
  EXPECT_EQ(events.sent, std::vector<std::int64_t>{1});
  EXPECT_EQ(events.smsc_ids, (std::vector<std::string>{"a1", "a2", "a3"}));
  EXPECT_EQ(protocol.room(), 2U);
}

Pdu part_of(std::uint8_t total, std::uint8_t number, std::string_view text) {
  Pdu pdu;
  pdu.command = Command::deliver_sm;
  pdu.sequence = number;
  pdu.source_addr = "15550100002";
  pdu.source_addr_ton = smpp::ton_international;
  pdu.destination_addr = "5000";
  pdu.esm_class = smpp::esm_udhi;
  pdu.short_message = {5, 0, 3, 7, total, number};
  append(pdu.short_message, text);
  return pdu;
}

TEST_F(ProtocolTest, AMessageWithAMissingPartIsLookedAtAndGivenUp) {
  protocol.start();
  bind();
  events.answer = Taken::rest;
  send(part_of(3, 1, "17 and "));
  send(part_of(3, 3, " more"));
  EXPECT_TRUE(events.heard.empty());
  pass(seconds(2));
  ASSERT_EQ(events.heard.size(), 1U);
  EXPECT_EQ(events.heard[0].text, "17 and ") << "up to the gap";
  EXPECT_EQ(events.heard[0].extent, Extent::beginning);
  EXPECT_EQ(events.heard[0].source_type, wap::NumberType::international);
  wire.pdus.clear();
  for (int i = 0; i < 60; ++i) {
    pass(seconds(1));
    answer_enquiries();
  }
  ASSERT_EQ(events.heard.size(), 2U) << "said once";
  EXPECT_EQ(events.heard[1].text, "17 and  more");
  EXPECT_EQ(events.heard[1].extent, Extent::incomplete);
}

// An IMSI and an IP address are digits too.
TEST_F(ProtocolTest, WhatIsInNoTelephonePlanIsNoTelephone) {
  protocol.start();
  bind();
  for (const std::uint8_t plan : {smpp::npi_e212, smpp::npi_internet, smpp::npi_e164, smpp::npi_unknown}) {
    Pdu pdu = part_of(1, 1, "");
    pdu.esm_class = 0;
    pdu.short_message = {'1', '7'};
    pdu.source_addr_npi = plan;
    send(pdu);
    const bool is_telephone = plan == smpp::npi_e164 || plan == smpp::npi_unknown;
    EXPECT_EQ(events.heard.back().source_type, is_telephone ? wap::NumberType::international : wap::NumberType::other) << int{plan};
  }
}

TEST_F(ProtocolTest, TheRestOfWhatWasObeyedIsNoMessage) {
  protocol.start();
  bind();
  send(part_of(2, 1, "17 please, because"));
  pass(seconds(2));
  ASSERT_EQ(events.heard.size(), 1U);
  send(part_of(2, 2, " it is urgent"));
  for (int i = 0; i < 90; ++i) {
    pass(seconds(1));
    answer_enquiries();
  }
  EXPECT_EQ(events.heard.size(), 1U);
}

TEST_F(ProtocolTest, PartsThatComeInTimeAreOneMessage) {
  protocol.start();
  bind();
  send(part_of(2, 2, "7"));
  pass(milliseconds(500));
  send(part_of(2, 1, "1"));
  pass(seconds(20));
  ASSERT_EQ(events.heard.size(), 1U);
  EXPECT_EQ(events.heard[0].text, "17");
  EXPECT_EQ(events.heard[0].extent, Extent::whole);
}

}  // namespace
}  // namespace pushmail::notify

// Texts, and the SMPP session on a real socket against a scripted SMSC over loopback.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>

#include "codec/sms/gsm.h"
#include "codec/sms/smpp.h"
#include "controlplane/notify/smpp_session.h"
#include "controlplane/notify/texts.h"
#include "core/tls.h"
#include "tests/unit/controlplane/fetcher/certificates.h"
#include "tests/unit/controlplane/held_durability.h"

namespace pushmail::notify {
namespace {

using smpp::Command;
using smpp::Pdu;

const SystemClock system_clock;

// ---- the session --------------------------------------------------------------------------------------------------------------------

// The SMSC's side in the test's own thread: accepts, reads and writes PDUs between turns of the io_context.
class Smsc {
 public:
  Smsc() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::listen(listener_, 5), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
  }
  ~Smsc() {
    hang_up();
    ::close(listener_);
  }
  [[nodiscard]] Endpoint endpoint() const { return {IpAddress::v4(INADDR_LOOPBACK), port_}; }
  /// From the next connection on it speaks TLS as this server.
  void secure(tls::ServerSettings own) { own_.emplace(std::move(own)); }
  /// What the handshake of the last connection ended with.
  std::string tls_error;
  [[nodiscard]] bool has_peer() const { return peer_ >= 0; }
  void hang_up() {
    if (peer_ >= 0) ::close(peer_);
    peer_ = -1;
    in_.clear();
    tls_.reset();
  }
  /// What arrived since the last call.
  void look() {
    if (peer_ < 0) {
      peer_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (peer_ >= 0 && own_) tls_.emplace(tls::Session::open(*own_).value());
    }
    if (peer_ < 0) return;
    std::array<std::uint8_t, 4096> chunk;
    for (ssize_t size; (size = ::read(peer_, chunk.data(), chunk.size())) > 0;) {
      const ByteView bytes = ByteView(chunk).first(static_cast<std::size_t>(size));
      tls_ ? tls_->receive(bytes) : append(in_, bytes);
    }
    if (tls_) look_behind_tls();
    while (true) {
      const auto frame = smpp::parse_frame(in_);
      if (!frame.is_done()) return;
      pdus.push_back(smpp::decode(frame.value()).value());
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(frame.used()));
    }
  }
  void send(const Pdu& pdu) { send_raw(smpp::encode(pdu).value()); }
  void send_raw(const Bytes& bytes) {
    if (tls_) {
      EXPECT_TRUE(tls_->write(bytes));
      return put(tls_->take_wire());
    }
    put(bytes);
  }
  std::deque<Pdu> pdus;

 private:
  void put(const Bytes& bytes) { EXPECT_EQ(::write(peer_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size())); }
  void look_behind_tls() {
    const auto step = tls_->handshake();
    if (const Bytes wire = tls_->take_wire(); !wire.empty()) put(wire);
    if (!step) tls_error = tls_->reason();
    if (!step || *step != tls::Handshake::done) return;
    std::array<std::uint8_t, 4096> plain;
    for (auto size = tls_->read(plain); size && *size > 0; size = tls_->read(plain)) append(in_, ByteView(plain).first(*size));
  }

  int listener_ = -1;
  int peer_ = -1;
  std::uint16_t port_ = 0;
  Bytes in_;
  std::optional<tls::ServerSettings> own_;
  std::optional<tls::Session> tls_;
};

struct Log final : BearerEvents {
  int ready = 0;
  int lost = 0;
  std::vector<std::pair<std::int64_t, std::string>> sent, refused;
  std::vector<IncomingSms> messages;
  std::vector<std::string> receipts;
  Taken answer = Taken::yes;
  void on_bearer_ready() override { ++ready; }
  std::vector<std::int64_t> maybe_sent;
  std::string lost_reason;
  void on_bearer_lost(std::string_view reason, std::span<const std::int64_t> ids) override {
    ++lost;
    lost_reason = reason;
    maybe_sent.assign(ids.begin(), ids.end());
  }
  void on_sent(std::int64_t id, const std::vector<std::string>& ids) override {
    sent.emplace_back(id, ids.empty() ? std::string() : ids.front());
  }
  void on_parts(std::int64_t, const std::vector<std::string>&) override {}
  void on_refused(std::int64_t id, std::string_view reason) override { refused.emplace_back(id, reason); }
  std::vector<std::int64_t> deferred;
  void on_deferred(std::int64_t id, std::string_view) override { deferred.push_back(id); }
  std::vector<std::int64_t> in_doubt;
  void on_in_doubt(std::int64_t id, std::string_view) override { in_doubt.push_back(id); }
  Taken on_sms(const IncomingSms& message) override {
    messages.push_back(message);
    return answer;
  }
  void on_receipt(const SmsReceipt& receipt) override {
    receipts.push_back(receipt.source + " " + receipt.destination + " " + receipt.smsc_id + " " + receipt.word);
  }
};

struct SmppTest : ::testing::Test {
  boost::asio::io_context context;
  Smsc smsc;
  Log log;
  HeldDurability durability;
  std::unique_ptr<SmppSession> session;
  std::optional<tls::ClientSettings> trust;
  std::string name = "smsc.example";

  void open(Duration enquire = seconds(30), Duration response = seconds(30)) {
    session = std::make_unique<SmppSession>(context, system_clock,
                                            SmppSettings{.smsc = smsc.endpoint(),
                                                         .tls = trust,
                                                         .tls_name = name,
                                                         .system_id = "pushmail",
                                                         .password = "secret",
                                                         .source = "5000",
                                                         .window = 2,
                                                         .enquire_link = enquire,
                                                         .response_max = response,
                                                         .throttle_pause = milliseconds(20),
                                                         .rebind_first = milliseconds(10),
                                                         .rebind_most = milliseconds(40)},
                                            durability, log);
    session->start();
  }
  // Runs both sides until `done`; a test that waits in vain fails here.
  void run_until(const std::function<bool()>& done) {
    const Instant end = system_clock.now() + seconds(20);
    while (!done()) {
      ASSERT_LT(system_clock.now(), end) << "waited in vain";
      context.restart();
      context.run_for(std::chrono::milliseconds(2));
      smsc.look();
    }
  }
  Pdu next(Command expected) {
    run_until([&] { return !smsc.pdus.empty(); });
    if (smsc.pdus.empty()) return {};
    Pdu pdu = smsc.pdus.front();
    smsc.pdus.pop_front();
    EXPECT_EQ(pdu.command, expected) << smpp::dump(pdu);
    return pdu;
  }
  void bind() {
    open();
    smsc.send(smpp::respond(next(Command::bind_transceiver)));
    run_until([&] { return log.ready == 1; });
  }
  static Pdu deliver(std::string text, std::uint8_t esm_class = 0) {
    Pdu pdu;
    pdu.command = Command::deliver_sm;
    pdu.sequence = 77;
    pdu.source_addr_ton = smpp::ton_international;
    pdu.source_addr_npi = smpp::npi_e164;
    pdu.source_addr = "15550100002";
    pdu.destination_addr = "5000";
    pdu.esm_class = esm_class;
    const ByteView bytes = bytes_of(text);
    pdu.short_message.assign(bytes.begin(), bytes.end());
    return pdu;
  }
  OutgoingNotice sms(std::int64_t id, std::string text = "Reply 17 to get it") {
    return {.id = id, .to = Msisdn::from_digits("15550100002").value(), .content = std::move(text)};
  }
};

struct SmppTlsTest : SmppTest {
  test::TestAuthority authority;
  void secure(const std::string& names = "DNS:smsc.example") {
    const auto files = authority.make(names);
    smsc.secure(tls::ServerSettings::load({.certificate = files.certificate, .key = files.key}).value());
    trust = tls::ClientSettings::load(authority.authority_file(), {}).value();
  }
};

TEST_F(SmppTlsTest, ASessionGoesThroughTls) {
  secure();
  bind();
  for (int i = 1; i <= 20; ++i) {
    session->submit(sms(i, std::string(100, 'x')));
    Pdu answer = smpp::respond(next(Command::submit_sm));
    answer.message_id = std::to_string(i);
    smsc.send(answer);
    run_until([&] { return log.sent.size() == static_cast<std::size_t>(i); });
  }
  smsc.send(deliver("17"));
  EXPECT_EQ(next(Command::deliver_sm_resp).status, smpp::status::ok);
  ASSERT_EQ(log.messages.size(), 1U);
  // The end is said inside TLS, and after it nothing more comes.
  session->stop();
  smsc.send(smpp::respond(next(Command::unbind)));
  run_until([&] { return !session->is_ready(); });
}

TEST_F(SmppTlsTest, AStrangersCertificateGetsNoBind) {
  secure("DNS:other.example");
  open();
  run_until([&] { return session->last_error().starts_with("TLS: "); });
  EXPECT_NE(session->last_error().find("name"), std::string::npos) << session->last_error();
  EXPECT_TRUE(smsc.pdus.empty()) << "no password went out";
  EXPECT_EQ(log.ready, 0);
}

TEST_F(SmppTlsTest, NothingGoesInPlainToAnSmscWithoutTls) {
  trust = tls::ClientSettings::load(authority.authority_file(), {}).value();
  open();
  run_until([&] { return smsc.has_peer(); });
  // What came to it is no PDU.
  Pdu nack;
  nack.command = Command::generic_nack;
  smsc.send(nack);
  run_until([&] { return session->last_error().starts_with("TLS: "); });
  EXPECT_TRUE(smsc.pdus.empty());
  EXPECT_EQ(log.ready, 0);
}

TEST_F(SmppTest, BindsAndSends) {
  open();
  const Pdu asked = next(Command::bind_transceiver);
  EXPECT_EQ(asked.system_id, "pushmail");
  EXPECT_EQ(asked.password, "secret");
  EXPECT_EQ(asked.interface_version, 0x34);
  EXPECT_FALSE(session->is_ready());
  smsc.send(smpp::respond(asked));
  run_until([&] { return log.ready == 1; });
  session->submit(sms(5));
  const Pdu sent = next(Command::submit_sm);
  EXPECT_EQ(sent.source_addr, "5000");
  EXPECT_EQ(sent.source_addr_ton, smpp::ton_abbreviated);
  EXPECT_EQ(sent.destination_addr, "15550100002");
  EXPECT_EQ(sent.dest_addr_ton, smpp::ton_international);
  EXPECT_EQ(sms::decode_text(sent.data_coding, sent.short_message), "Reply 17 to get it");
  Pdu answer = smpp::respond(sent);
  answer.message_id = "1a2b";
  smsc.send(answer);
  run_until([&] { return !log.sent.empty(); });
  EXPECT_EQ(log.sent[0], (std::pair<std::int64_t, std::string>{5, "1a2b"}));
}

TEST_F(SmppTest, LongTextsCountWhenEverySegmentIsAnswered) {
  bind();
  session->submit(sms(5, std::string(400, 'x')));
  std::vector<Pdu> segments{next(Command::submit_sm), next(Command::submit_sm)};
  EXPECT_TRUE(smsc.pdus.empty()) << "the window is two";
  smsc.send(smpp::respond(segments[1]));
  segments.push_back(next(Command::submit_sm));
  smsc.send(smpp::respond(segments[2]));
  context.run_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(log.sent.empty());
  for (const Pdu& segment : segments) EXPECT_NE(segment.esm_class & smpp::esm_udhi, 0);
  smsc.send(smpp::respond(segments[0]));
  run_until([&] { return log.sent.size() == 1; });
}

TEST_F(SmppTest, ThrottlingPausesAndGivesTheTextBack) {
  bind();
  session->submit(sms(5));
  smsc.send(smpp::respond(next(Command::submit_sm), smpp::status::throttled));
  run_until([&] { return log.deferred.size() == 1; });
  EXPECT_EQ(session->room(), 0U);
  run_until([&] { return session->room() == 1; });
  session->submit(sms(5));
  smsc.send(smpp::respond(next(Command::submit_sm)));
  run_until([&] { return log.sent.size() == 1; });
  EXPECT_EQ(log.lost, 0);
}

TEST_F(SmppTest, ATextThatIsPutOffForeverMakesRoomForOthers) {
  bind();
  session->submit(sms(5));
  smsc.send(smpp::respond(next(Command::submit_sm), smpp::status::queue_full));
  run_until([&] { return log.deferred.size() == 1; });
  EXPECT_EQ(log.deferred[0], 5);
  EXPECT_EQ(log.lost, 0) << "the session goes on";
  session->submit(sms(6));
  smsc.send(smpp::respond(next(Command::submit_sm)));
  run_until([&] { return log.sent.size() == 1; });
  EXPECT_EQ(log.sent[0].first, 6);
}

TEST_F(SmppTest, APermanentRefusalIsTold) {
  bind();
  session->submit(sms(5));
  smsc.send(smpp::respond(next(Command::submit_sm), 0x0B));
  run_until([&] { return log.refused.size() == 1; });
  EXPECT_EQ(log.refused[0].first, 5);
  EXPECT_EQ(session->room(), 2U);
}

// An SMS is `submitting` on disk before its first byte leaves, what a phone said before it is acknowledged.
TEST_F(SmppTest, NothingLeavesBeforeTheStoreIsOnDisk) {
  bind();
  durability.held = true;
  session->submit(sms(5));
  smsc.send(deliver("17"));
  run_until([&] { return log.messages.size() == 1; });
  context.restart();
  context.poll();
  smsc.look();
  EXPECT_TRUE(smsc.pdus.empty());
  durability.release();
  EXPECT_EQ(next(Command::submit_sm).destination_addr, "15550100002");
  EXPECT_EQ(next(Command::deliver_sm_resp).status, smpp::status::ok);
}

// The SMSC ends the session right behind what a phone wrote: it learns that we have it, or it would send it again.
TEST_F(SmppTest, AnswersThatWaitForTheStoreLeaveBeforeTheEnd) {
  bind();
  durability.held = true;
  smsc.send(deliver("17"));
  Pdu unbind;
  unbind.command = Command::unbind;
  unbind.sequence = 77;
  smsc.send(unbind);
  run_until([&] { return log.lost == 1; });
  durability.release();
  EXPECT_EQ(next(Command::deliver_sm_resp).status, smpp::status::ok);
  EXPECT_EQ(next(Command::unbind_resp).sequence, 77U);
}

// A session that ends meanwhile takes with it what was to leave by it.
TEST_F(SmppTest, WhatWaitedForTheStoreDoesNotLeaveByALaterSession) {
  bind();
  durability.held = true;
  session->submit(sms(5));
  smsc.hang_up();
  run_until([&] { return log.lost == 1; });
  durability.release();
  smsc.send(smpp::respond(next(Command::bind_transceiver)));
  run_until([&] { return log.ready == 2; });
  session->submit(sms(6, "the next one"));
  const Pdu sent = next(Command::submit_sm);
  EXPECT_EQ(sms::decode_text(sent.data_coding, sent.short_message), "the next one");
}

TEST_F(SmppTest, AMessageIsAnsweredAfterItWasTaken) {
  bind();
  smsc.send(deliver("17"));
  EXPECT_EQ(next(Command::deliver_sm_resp).status, smpp::status::ok);
  ASSERT_EQ(log.messages.size(), 1U);
  EXPECT_EQ(log.messages[0].text, "17");
  EXPECT_EQ(log.messages[0].source, "15550100002");
  log.answer = Taken::later;
  smsc.send(deliver("18"));
  EXPECT_EQ(next(Command::deliver_sm_resp).status, smpp::status::esme_temporary);
}

TEST_F(SmppTest, ReceiptsAreNoMessages) {
  bind();
  const std::string text = "id:1a2b sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:DELIVRD err:000 text:x";
  const Pdu plain = deliver(text, smpp::esm_receipt);
  const Pdu no_bit = deliver(text);
  Pdu tlvs = deliver(" ");
  tlvs.tlvs = {{smpp::tag::receipted_message_id, {'1', 'a', '2', 'b', 0}}, {smpp::tag::message_state, {2}}};
  Pdu payload = deliver("", smpp::esm_receipt);
  payload.tlvs = {{smpp::tag::message_payload, {text.begin(), text.end()}}};
  Pdu data_sm = payload;
  data_sm.command = Command::data_sm;
  data_sm.esm_class = 0;
  Pdu swapped = plain;
  std::swap(swapped.source_addr, swapped.destination_addr);
  const std::vector<Pdu> forms{plain, no_bit, tlvs, payload, data_sm, swapped};
  for (const Pdu& form : forms) {
    smsc.send(form);
    EXPECT_EQ(next(smpp::response_of(form.command)).status, smpp::status::ok);
  }
  EXPECT_TRUE(log.messages.empty());
  std::vector<std::string> expected(forms.size() - 1, "15550100002 5000 1a2b DELIVRD");
  expected.push_back("5000 15550100002 1a2b DELIVRD");
  EXPECT_EQ(log.receipts, expected) << "which of both is the phone is for the receiver to say";
  // It says too little to be found, and is no word of the phone all the same.
  smsc.send(deliver("17", smpp::esm_receipt));
  EXPECT_EQ(next(Command::deliver_sm_resp).status, smpp::status::ok);
  EXPECT_TRUE(log.messages.empty());
  EXPECT_EQ(log.receipts.size(), forms.size());
}

TEST_F(SmppTest, WordsComeAsDataSmToo) {
  bind();
  Pdu data_sm = deliver("");
  data_sm.command = Command::data_sm;
  data_sm.tlvs = {{smpp::tag::message_payload, {'1', '7'}}};
  smsc.send(data_sm);
  EXPECT_EQ(next(Command::data_sm_resp).status, smpp::status::ok);
  ASSERT_EQ(log.messages.size(), 1U);
  EXPECT_EQ(log.messages[0].text, "17");
  EXPECT_TRUE(log.messages[0].automatic_sign.empty());
  smsc.send(deliver("17", smpp::esm_user_ack));
  next(Command::deliver_sm_resp);
  EXPECT_EQ(log.messages.at(1).automatic_sign, "esm_class_user_ack");
}

TEST_F(SmppTest, RebindsAfterALossAndNamesWhatMayHaveBeenSent) {
  bind();
  session->submit(sms(5));
  next(Command::submit_sm);
  smsc.hang_up();
  run_until([&] { return log.lost == 1; });
  EXPECT_EQ(log.maybe_sent, std::vector<std::int64_t>{5});
  EXPECT_EQ(session->room(), 0U);
  smsc.send(smpp::respond(next(Command::bind_transceiver)));
  run_until([&] { return log.ready == 2; });
  EXPECT_EQ(session->room(), 2U);
  EXPECT_TRUE(log.sent.empty());
}

TEST_F(SmppTest, ARefusedBindIsTriedAgain) {
  open();
  smsc.send(smpp::respond(next(Command::bind_transceiver), smpp::status::bad_password));
  run_until([&] { return log.lost == 1; });
  EXPECT_NE(log.lost_reason.find("bind_transceiver refused"), std::string::npos) << log.lost_reason;
  smsc.hang_up();
  smsc.send(smpp::respond(next(Command::bind_transceiver)));
  run_until([&] { return log.ready == 1; });
}

TEST_F(SmppTest, SilenceIsAskedAboutAndThenTheEnd) {
  open(milliseconds(30), milliseconds(60));
  smsc.send(smpp::respond(next(Command::bind_transceiver)));
  run_until([&] { return log.ready == 1; });
  smsc.send(smpp::respond(next(Command::enquire_link)));
  next(Command::enquire_link);
  run_until([&] { return log.lost == 1; });
}

TEST_F(SmppTest, TheSmscsOwnRequestsAreAnswered) {
  bind();
  Pdu enquire;
  enquire.command = Command::enquire_link;
  enquire.sequence = 9;
  smsc.send(enquire);
  EXPECT_EQ(next(Command::enquire_link_resp).sequence, 9U);
  // A command that nobody knows: generic_nack with status 3 and the same sequence number.
  smsc.send_raw({0, 0, 0, 16, 0, 0, 0x7F, 0x01, 0, 0, 0, 0, 0, 0, 0, 10});
  const Pdu nack = next(Command::generic_nack);
  EXPECT_EQ(nack.status, smpp::status::bad_command_id);
  EXPECT_EQ(nack.sequence, 10U);
  Pdu unbind;
  unbind.command = Command::unbind;
  unbind.sequence = 11;
  smsc.send(unbind);
  EXPECT_EQ(next(Command::unbind_resp).sequence, 11U);
  run_until([&] { return log.lost == 1; });
}

TEST_F(SmppTest, ABrokenLengthEndsTheConnection) {
  bind();
  smsc.send_raw({0, 0, 0, 3, 0, 0, 0, 0});
  EXPECT_EQ(next(Command::generic_nack).status, smpp::status::bad_command_length);
  run_until([&] { return log.lost == 1; });
}

TEST_F(SmppTest, UnbindsWhenStopped) {
  bind();
  session->stop();
  const Pdu unbind = next(Command::unbind);
  smsc.send(smpp::respond(unbind));
  context.restart();
  context.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(context.stopped()) << "nothing is left to wait for";
}

}  // namespace
}  // namespace pushmail::notify

// The kernel link over loopback: two networks in one thread, polled in turns.
#include "dataplane/tcp/kernel.h"

#include <algorithm>
#include <array>
#include <functional>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pushmail {
namespace {

/// Hears of one stream and remembers everything; checks the order the seam promises.
class Recorder : public StreamEvents {
 public:
  void on_open() override {
    EXPECT_FALSE(opened) << "opened twice";
    opened = true;
    if (when_open) when_open();
  }
  void on_data(ByteView bytes) override {
    EXPECT_FALSE(reason.has_value()) << "data after close";
    EXPECT_FALSE(ended) << "data after FIN";
    append(received, bytes);
    if (when_data) when_data();
  }
  void on_sent() override { ++sent; }
  void on_end() override {
    EXPECT_FALSE(ended);
    ended = true;
    if (when_end) when_end();
  }
  void on_close(CloseReason why) override {
    EXPECT_FALSE(reason.has_value()) << "closed twice";
    reason = why;
    if (stream != nullptr) at_close = stream->acknowledged();
  }

  Stream* stream = nullptr;
  Bytes received;
  bool opened = false;
  bool ended = false;
  int sent = 0;
  std::optional<CloseReason> reason;
  Acknowledged at_close;
  std::function<void()> when_open, when_data, when_end;
};

class Door : public Acceptor {
 public:
  void on_accept(Stream& stream) override {
    if (refuse) return stream.abort();
    recorders.push_back(std::make_unique<Recorder>());
    recorders.back()->stream = &stream;
    stream.set_events(*recorders.back());
    if (when_accept) when_accept(*recorders.back());
  }
  bool refuse = false;
  std::function<void(Recorder&)> when_accept;
  std::vector<std::unique_ptr<Recorder>> recorders;
};

Bytes pattern(std::size_t size, std::uint32_t seed) {
  Bytes bytes(size);
  for (auto& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(seed >> 24);
  }
  return bytes;
}

class KernelLink : public testing::Test {
 protected:
  void SetUp() override {
    network_ = std::move(*KernelNetwork::open());
    Endpoint local = *parse_endpoint("127.0.0.1:0");
    ASSERT_TRUE(network_->listen(local, door_).has_value());
    here_ = network_->listening().at(0);
  }
  void connect() {
    auto stream = network_->connect(here_, client_);
    ASSERT_TRUE(stream.has_value());
    client_.stream = *stream;
  }
  void turn() {
    network_->wait(-1, milliseconds(20));
    network_->poll(clock_.now());
  }
  /// Turns until `done`; the bound only ends a test that has failed.
  [[nodiscard]] bool run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 5000 && !done(); ++i) turn();
    return done();
  }
  void connect_and_accept() {
    connect();
    ASSERT_TRUE(run_until([&] { return client_.opened && door_.recorders.size() == 1; }));
  }
  Recorder& server() { return *door_.recorders.at(0); }

  SystemClock clock_;
  Door door_;
  Recorder client_;
  std::unique_ptr<KernelNetwork> network_;
  Endpoint here_;
};

TEST_F(KernelLink, TenMegabytesBothWaysAndFinish) {
  const Bytes up = pattern(10'000'000, 1);
  const Bytes down = pattern(10'000'000, 2);
  connect_and_accept();
  EXPECT_EQ(server().stream->peer().ip, here_.ip);
  EXPECT_EQ(client_.stream->peer(), here_);
  int released = 0;
  client_.stream->send_lent({.bytes = up, .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released});
  client_.stream->finish();
  server().stream->send(down);
  server().stream->finish();
  ASSERT_TRUE(run_until([&] { return client_.reason && server().reason; }));
  EXPECT_EQ(client_.reason, CloseReason::finished);
  EXPECT_EQ(server().reason, CloseReason::finished);
  EXPECT_TRUE(server().received == up);
  EXPECT_TRUE(client_.received == down);
  EXPECT_EQ(released, 1);
  EXPECT_GE(client_.sent, 1);
  EXPECT_EQ(network_->stream_count(), 0u);
}

TEST_F(KernelLink, NothingIsCalledFromInsideACall) {
  connect();
  EXPECT_FALSE(client_.opened);
  client_.stream->send(bytes_of("early"));
  ASSERT_TRUE(run_until([&] { return door_.recorders.size() == 1 && server().received.size() == 5; }));
  server().stream->abort();
  EXPECT_FALSE(server().reason.has_value());
  turn();
  EXPECT_EQ(server().reason, CloseReason::aborted);
}

TEST_F(KernelLink, AbortIsAResetForThePeer) {
  connect_and_accept();
  client_.stream->abort();
  client_.stream->send(bytes_of("into nothing"));
  ASSERT_TRUE(run_until([&] { return client_.reason && server().reason; }));
  EXPECT_EQ(client_.reason, CloseReason::aborted);
  EXPECT_EQ(server().reason, CloseReason::reset_by_peer);
  EXPECT_TRUE(server().received.empty());
}

TEST_F(KernelLink, LentBytesAreReleasedOnceWhenTheStreamDies) {
  connect_and_accept();
  server().stream->pause_reading();
  const Bytes much = pattern(20'000'000, 3);
  int released = 0;
  const auto count = [](void* context) { ++*static_cast<int*>(context); };
  client_.stream->send_lent({.bytes = much, .release = count, .context = &released});
  client_.stream->send_lent({.bytes = much, .release = count, .context = &released});
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(released, 0);
  client_.stream->abort();
  client_.stream->send_lent({.bytes = much, .release = count, .context = &released});
  EXPECT_EQ(released, 1) << "a dead stream gives back at once";
  ASSERT_TRUE(run_until([&] { return client_.reason.has_value(); }));
  EXPECT_EQ(released, 3);
}

TEST_F(KernelLink, RefusedAndUnreachable) {
  // A port that was ours a moment ago and is closed now.
  auto other = std::move(*KernelNetwork::open());
  ASSERT_TRUE(other->listen(*parse_endpoint("127.0.0.1:0"), door_).has_value());
  const Endpoint gone = other->listening().at(0);
  other.reset();
  ASSERT_TRUE(network_->connect(gone, client_).has_value());
  ASSERT_TRUE(run_until([&] { return client_.reason.has_value(); }));
  EXPECT_EQ(client_.reason, CloseReason::refused);
  EXPECT_FALSE(client_.opened);

  Recorder far;
  ASSERT_TRUE(network_->connect(*parse_endpoint("[2001:db8::1]:9"), far).has_value());
  EXPECT_FALSE(far.reason.has_value()) << "told from poll only";
  far.stream = nullptr;
}

TEST_F(KernelLink, PauseHoldsBytesBackAndResumeBringsThem) {
  connect_and_accept();
  server().stream->pause_reading();
  turn();
  const Bytes up = pattern(300'000, 4);
  client_.stream->send(up);
  client_.stream->finish();
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_TRUE(server().received.empty());
  EXPECT_FALSE(server().ended);
  server().stream->resume_reading();
  ASSERT_TRUE(run_until([&] { return server().ended; }));
  EXPECT_TRUE(server().received == up);
  server().stream->finish();
  ASSERT_TRUE(run_until([&] { return client_.reason && server().reason; }));
  EXPECT_EQ(client_.reason, CloseReason::finished);
}

TEST_F(KernelLink, PauseInsideOnDataStopsAtOnce) {
  door_.when_accept = [](Recorder& recorder) { recorder.when_data = [&recorder] { recorder.stream->pause_reading(); }; };
  connect_and_accept();
  client_.stream->send(pattern(1'000'000, 5));
  ASSERT_TRUE(run_until([&] { return !server().received.empty(); }));
  const std::size_t first = server().received.size();
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(server().received.size(), first);
}

TEST_F(KernelLink, PausedStreamThatHangsUpDoesNotSpin) {
  connect_and_accept();
  server().stream->finish();
  ASSERT_TRUE(run_until([&] { return client_.ended; }));
  server().stream->pause_reading();
  client_.stream->send(bytes_of("last words"));
  client_.stream->finish();
  ASSERT_TRUE(run_until([&] { return client_.reason.has_value(); }));
  for (int i = 0; i < 5; ++i) turn();
  std::size_t work = 0;
  for (int i = 0; i < 50; ++i) work += network_->poll(clock_.now());
  EXPECT_EQ(work, 0u);
  server().stream->resume_reading();
  ASSERT_TRUE(run_until([&] { return server().reason.has_value(); }));
  EXPECT_EQ(text_of(server().received), "last words");
  EXPECT_EQ(server().reason, CloseReason::finished);
}

TEST_F(KernelLink, HalfCloseStillReceives) {
  door_.when_accept = [](Recorder& recorder) {
    recorder.when_end = [&recorder] {
      recorder.stream->send(bytes_of("answer after your FIN"));
      recorder.stream->finish();
    };
  };
  connect_and_accept();
  client_.stream->send(bytes_of("question"));
  client_.stream->finish();
  ASSERT_TRUE(run_until([&] { return client_.reason && server().reason; }));
  EXPECT_EQ(text_of(server().received), "question");
  EXPECT_EQ(text_of(client_.received), "answer after your FIN");
  EXPECT_EQ(client_.reason, CloseReason::finished);
}

TEST_F(KernelLink, AcknowledgedBytesAreCountedFromBothEnds) {
  connect_and_accept();
  EXPECT_EQ(client_.stream->acknowledged().size, 0u) << "our SYN is no byte";
  client_.stream->send(bytes_of("request"));
  server().stream->send(bytes_of("an answer"));
  ASSERT_TRUE(run_until([&] { return client_.stream->acknowledged().size == 7 && server().stream->acknowledged().size == 9; }));
  EXPECT_FALSE(client_.stream->acknowledged().is_last);
  server().stream->finish();
  ASSERT_TRUE(run_until([&] { return client_.ended; }));
  EXPECT_TRUE(client_.stream->acknowledged().is_last);
  client_.stream->finish();
  ASSERT_TRUE(run_until([&] { return client_.reason && server().reason; }));
  EXPECT_EQ(client_.at_close.size, 7u) << "our FIN is no byte";
  EXPECT_EQ(server().at_close.size, 9u);
}

// The peer is a plain socket here: it closes while the network is not polled, so that the request crosses its FIN or RST.
class KernelLinkCrossing : public KernelLink {
 protected:
  void SetUp() override {
    KernelLink::SetUp();
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener_, 1), 0);
    ASSERT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    here_.port = ntohs(address.sin_port);
    connect();
    ASSERT_TRUE(run_until([&] { return client_.opened; }));
    peer_ = ::accept(listener_, nullptr, nullptr);
    ASSERT_GE(peer_, 0);
  }
  void TearDown() override {
    ::close(listener_);
    if (peer_ >= 0) ::close(peer_);
  }
  void close_peer() { ::close(std::exchange(peer_, -1)); }
  void reset_peer() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(::setsockopt(peer_, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close_peer();
  }
  void send_and_wait_for_the_end() {
    client_.stream->send(bytes_of("request"));
    ASSERT_TRUE(run_until([&] { return client_.ended || client_.reason; }));
    if (!client_.reason) client_.stream->abort();
    ASSERT_TRUE(run_until([&] { return client_.reason.has_value(); }));
  }
  int listener_ = -1;
  int peer_ = -1;
};

TEST_F(KernelLinkCrossing, AFinThatCameFirstIsKnownEvenBehindItsReset) {
  close_peer();
  send_and_wait_for_the_end();
  EXPECT_EQ(client_.at_close.size, 0u);
  EXPECT_TRUE(client_.at_close.is_last);
}

TEST_F(KernelLinkCrossing, AResetAloneProvesNothingAboutWhatIsUnderWay) {
  // The peer does not read: its window closes, and our kernel keeps what it took.
  client_.stream->send(Bytes(20'000'000));
  ASSERT_TRUE(run_until([&] { return client_.stream->acknowledged().size > 0; }));
  for (int i = 0; i < 5; ++i) turn();
  reset_peer();
  ASSERT_TRUE(run_until([&] { return client_.reason.has_value(); }));
  EXPECT_LT(client_.at_close.size, 20'000'000u);
  EXPECT_FALSE(client_.at_close.is_last);
}

TEST_F(KernelLinkCrossing, WhatNeverLeftUsHasNotArrived) {
  reset_peer();
  send_and_wait_for_the_end();
  EXPECT_EQ(client_.at_close.size, 0u);
  EXPECT_TRUE(client_.at_close.is_last) << "the RST was there before anything was written";
}

TEST_F(KernelLinkCrossing, WhatThePeersKernelTookIsAcknowledgedAlthoughNobodyReadIt) {
  client_.stream->send(bytes_of("request"));
  ASSERT_TRUE(run_until([&] { return client_.stream->acknowledged().size == 7; }));
  close_peer();
  ASSERT_TRUE(run_until([&] { return client_.reason.has_value(); }));
  EXPECT_EQ(client_.reason, CloseReason::reset_by_peer);
  EXPECT_EQ(client_.at_close.size, 7u) << "still there after the RST";
}

TEST_F(KernelLink, AcceptorMayRefuse) {
  door_.refuse = true;
  connect();
  ASSERT_TRUE(run_until([&] { return client_.reason.has_value(); }));
  EXPECT_EQ(client_.reason, CloseReason::reset_by_peer);
  turn();
  EXPECT_EQ(network_->stream_count(), 0u);
}

TEST_F(KernelLink, FiveHundredConnectionsComeAndGo) {
  std::vector<std::unique_ptr<Recorder>> clients;
  for (int i = 0; i < 500; ++i) {
    clients.push_back(std::make_unique<Recorder>());
    Recorder& client = *clients.back();
    client.stream = *network_->connect(here_, client);
    client.when_open = [&client] {
      client.stream->send(bytes_of("x"));
      client.stream->finish();
    };
  }
  door_.when_accept = [](Recorder& recorder) { recorder.when_end = [&recorder] { recorder.stream->finish(); }; };
  ASSERT_TRUE(run_until([&] {
    for (const auto& client : clients) {
      if (!client->reason) return false;
    }
    return network_->stream_count() == 0;
  }));
  EXPECT_EQ(door_.recorders.size(), 500u);
  for (const auto& each : door_.recorders) EXPECT_EQ(text_of(each->received), "x");
}

TEST_F(KernelLink, WaitWakesForTheDescriptor) {
  const int wake = eventfd(0, EFD_NONBLOCK);
  const std::uint64_t one = 1;
  ASSERT_EQ(::write(wake, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  const Instant before = clock_.now();
  network_->wait(wake, seconds(60));
  EXPECT_LT((clock_.now() - before).ms(), 30'000);
  ::close(wake);
}

TEST_F(KernelLink, ListeningTwiceOnOneAddressFails) {
  Door second;
  const auto result = network_->listen(here_, second);
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(result.error().is(link_cannot_listen));
}

TEST(KernelNetworkEnd, OpenStreamsAreFreedWithTheirBytes) {
  Door door;
  Recorder client;
  int released = 0;
  const Bytes much(5'000'000);
  {
    auto network = std::move(*KernelNetwork::open());
    ASSERT_TRUE(network->listen(*parse_endpoint("127.0.0.1:0"), door).has_value());
    Stream* stream = *network->connect(network->listening().at(0), client);
    stream->send_lent({.bytes = much, .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released});
  }
  EXPECT_EQ(released, 1);
}

TEST_F(KernelLink, WhoIsInTheBacklogIsAcceptedBeforeTheListenerGoes) {
  auto theirs = std::move(*KernelNetwork::open());
  std::array<Recorder, 100> clients;
  for (Recorder& client : clients) client.stream = *theirs->connect(here_, client);
  for (int i = 0; i < 5000 && !std::ranges::all_of(clients, &Recorder::opened); ++i) {
    theirs->wait(-1, milliseconds(20));
    theirs->poll(clock_.now());
  }
  EXPECT_TRUE(door_.recorders.empty());
  network_->stop_listening();
  EXPECT_TRUE(door_.recorders.empty()) << "nothing is called from inside a call";
  ASSERT_TRUE(run_until([&] { return network_->listening().empty(); }));
  EXPECT_EQ(door_.recorders.size(), clients.size());
  for (const auto& recorder : door_.recorders) recorder->stream->send(bytes_of("later"));
  ASSERT_TRUE(run_until([&] {
    theirs->poll(clock_.now());
    return std::ranges::all_of(clients, [](const Recorder& client) { return client.received.size() == 5; });
  }));
  Recorder late;
  late.stream = *theirs->connect(here_, late);
  ASSERT_TRUE(run_until([&] {
    theirs->poll(clock_.now());
    return late.reason.has_value();
  }));
  EXPECT_EQ(late.reason, CloseReason::refused);
}

}  // namespace
}  // namespace pushmail

// Scripted segments: this comes in, that must go out. One test per rule, named by its clause. The peer here is a few lines of its own
// that build and read segments without the stack's wire.cpp.
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "dataplane/tcp/errors.h"
#include "dataplane/tcp/sim_link.h"
#include "dataplane/tcp/stack.h"

namespace pushmail::tcp {
namespace {

constexpr std::uint8_t FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32;
constexpr std::uint32_t our_ip = 0xC6120001, peer_ip = 0xC6120002;
constexpr std::uint16_t our_port = 25, peer_port = 40000;
constexpr MacAddress our_mac{2, 0, 0, 0, 0, 1}, peer_mac{2, 0, 0, 0, 0, 2};

struct In {
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = ACK;
  std::uint16_t window = 60000;
  std::string_view text{};
  std::optional<std::uint16_t> mss{};
  std::optional<std::uint8_t> scale{};
  std::uint16_t from = peer_port, to = our_port;
  std::uint32_t source = peer_ip;
  std::size_t padding = 0;
  enum class Checksum : std::uint8_t { right, wrong } checksum = Checksum::right;
};
struct Out {
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  std::uint32_t window = 0;
  std::string text;
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> scale;
  std::uint16_t from = 0;
};

void put16(Bytes& to, std::uint32_t value) { append(to, static_cast<std::uint16_t>(value), std::endian::big); }
void put32(Bytes& to, std::uint32_t value) { append(to, value, std::endian::big); }
std::uint16_t get16(ByteView at, std::size_t offset) { return load<std::uint16_t>(at.data() + offset, std::endian::big); }
std::uint32_t get32(ByteView at, std::size_t offset) { return load<std::uint32_t>(at.data() + offset, std::endian::big); }
std::uint16_t sum(const Bytes& bytes, std::uint32_t start) {
  std::uint32_t total = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) total += i % 2 == 0 ? static_cast<std::uint32_t>(bytes[i]) << 8 : bytes[i];
  while (total >> 16) total = (total & 0xFFFF) + (total >> 16);
  return static_cast<std::uint16_t>(~total);
}
Bytes ethernet(std::uint16_t type, const MacAddress& to = our_mac) {
  Bytes frame(to.begin(), to.end());
  append(frame, ByteView(peer_mac));
  put16(frame, type);
  return frame;
}
Bytes ipv4(std::uint8_t protocol, const Bytes& payload, std::uint32_t source = peer_ip, std::uint32_t destination = our_ip) {
  Bytes header{0x45, 0};
  put16(header, static_cast<std::uint32_t>(20 + payload.size()));
  put32(header, 0x00004000);
  header.insert(header.end(), {64, protocol, 0, 0});
  put32(header, source);
  put32(header, destination);
  store(header.data() + 10, sum(header, 0), std::endian::big);
  Bytes frame = ethernet(0x0800);
  append(frame, ByteView(header));
  append(frame, ByteView(payload));
  return frame;
}
Bytes frame_of(const In& in) {
  Bytes tcp;
  put16(tcp, in.from);
  put16(tcp, in.to);
  put32(tcp, in.seq);
  put32(tcp, in.ack);
  const unsigned words = 5 + (in.mss ? 1 : 0) + (in.scale ? 1 : 0);
  tcp.push_back(static_cast<std::uint8_t>(words << 4));
  tcp.push_back(in.flags);
  put16(tcp, in.window);
  put32(tcp, 0);
  if (in.mss) {
    put16(tcp, 0x0204);
    put16(tcp, *in.mss);
  }
  if (in.scale) tcp.insert(tcp.end(), {1, 3, 3, *in.scale});
  append(tcp, in.text);
  const std::uint32_t pseudo =
      (in.source >> 16) + (in.source & 0xFFFF) + (our_ip >> 16) + (our_ip & 0xFFFF) + 6 + static_cast<std::uint32_t>(tcp.size());
  store(tcp.data() + 16, sum(tcp, pseudo), std::endian::big);
  if (in.checksum == In::Checksum::wrong) tcp[17] ^= 1;
  Bytes frame = ipv4(6, tcp, in.source);
  frame.resize(frame.size() + in.padding);
  return frame;
}

class Session final : public StreamEvents {
 public:
  void on_open() override { log += "open "; }
  void on_data(ByteView bytes) override {
    data += text_of(bytes);
    if (stream != nullptr && pause_on_data) stream->pause_reading();
    if (stream != nullptr && abort_on_data) stream->abort();
  }
  void on_sent() override { log += "sent "; }
  void on_end() override { log += "end "; }
  void on_close(CloseReason reason) override {
    constexpr std::array<std::string_view, 7> names{"finished", "reset", "timed_out", "refused", "unreachable", "aborted", "no_memory"};
    log += names[static_cast<std::size_t>(reason)];
    if (stream != nullptr) at_close = stream->acknowledged();
    stream = nullptr;
  }
  std::string log, data;
  Stream* stream = nullptr;
  Acknowledged at_close;
  bool pause_on_data = false, abort_on_data = false;
};

class Listening final : public Acceptor {
 public:
  void on_accept(Stream& stream) override {
    ++count;
    stream.set_events(session);
    session.stream = &stream;
  }
  Session session;
  int count = 0;
};

class TcpScript : public testing::Test {
 protected:
  TcpScript() { restart({}); }

  void restart(const StackConfig& wanted) {
    stack.reset();
    StackConfig config = wanted;
    config.address = IpAddress::v4(our_ip);
    config.secret = HashKey{1, 2, 3};
    stack = std::make_unique<Stack>(link.device(Side::a), config, clock.now());
    link.on_sent([this](const LinkEvent& event) { see(event.frame); });
    EXPECT_TRUE(stack->listen({IpAddress::v4(our_ip), our_port}, acceptor));
    arp(1, peer_ip, our_ip);
    out.clear();
    other.clear();
  }

  void see(ByteView frame) {
    if (get16(frame, 12) != 0x0800 || frame[23] != 6) {
      other.emplace_back(frame.begin(), frame.end());
      return;
    }
    const ByteView tcp = frame.subspan(34);
    const std::size_t header = static_cast<std::size_t>(tcp[12] >> 4) * 4;
    Out o{get32(tcp, 4), get32(tcp, 8), tcp[13], get16(tcp, 14), std::string(text_of(tcp.subspan(header))), {}, {}, get16(tcp, 0)};
    for (std::size_t at = 20; at < header;) {
      if (tcp[at] == 1) {
        ++at;
        continue;
      }
      if (tcp[at] == 2) o.mss = get16(tcp, at + 2);
      if (tcp[at] == 3) o.scale = tcp[at + 2];
      at += tcp[at + 1];
    }
    out.push_back(o);
  }
  void turn() {
    while (stack->poll(clock.now()) > 0) stack->check();
    stack->check();
  }
  void raw(const Bytes& frame) {
    link.device(Side::a).inject(frame);
    turn();
  }
  void arp(std::uint16_t operation, std::uint32_t sender, std::uint32_t target, const MacAddress& sender_mac = peer_mac) {
    Bytes frame = ethernet(0x0806);
    put32(frame, 0x00010800);
    put16(frame, 0x0604);
    put16(frame, operation);
    append(frame, ByteView(sender_mac));
    put32(frame, sender);
    append(frame, ByteView(our_mac));
    put32(frame, target);
    raw(frame);
  }
  void in(const In& segment) { raw(frame_of(segment)); }
  // The n-th of a flood: another source each time, behind the gateway.
  void inject_spoofed_syn(std::uint32_t n) {
    const auto port = static_cast<std::uint16_t>(1024 + n % 60'000);
    link.device(Side::a).inject(frame_of({.seq = n, .flags = SYN, .mss = 1460, .from = port, .source = 0x0A000001 + n * 7}));
  }
  void after(Duration time) {
    const Instant until = clock.now() + time;
    while (clock.now() < until) {
      clock.advance_to(std::min(until, clock.now() + milliseconds(1)));
      turn();
    }
  }
  Out next() {
    if (out.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return {};
    }
    const Out first = out.front();
    out.erase(out.begin());
    return first;
  }
  void quiet() {
    EXPECT_TRUE(out.empty()) << "flags " << int{out.front().flags} << " seq " << out.front().seq << " size " << out.front().text.size();
  }
  void expect_ack(std::uint32_t seq, std::uint32_t ack) {
    const Out o = next();
    EXPECT_EQ(o.flags, ACK);
    EXPECT_EQ(o.seq, seq);
    EXPECT_EQ(o.ack, ack);
    EXPECT_EQ(o.text, "");
  }

  // The peer opens with 1000; ours is `iss`. Afterwards both may send; quick is whether the scale option was in its SYN.
  void accept(std::uint16_t window = 60000, std::optional<std::uint16_t> mss = 1000, std::optional<std::uint8_t> scale = std::nullopt) {
    in({.seq = 1000, .flags = SYN, .window = window, .mss = mss, .scale = scale});
    iss = next().seq;
    in({.seq = 1001, .ack = iss + 1, .window = window});
    EXPECT_EQ(acceptor.count, 1);
    quiet();
  }
  Session& session() { return acceptor.session; }
  Stream& stream() { return *acceptor.session.stream; }
  void send(std::string_view text) {
    stream().send(bytes_of(text));
    turn();
  }
  void finish() {
    stream().finish();
    turn();
  }

  VirtualClock clock{Instant{seconds(5000).ns}};
  SimLink link{clock, 1, {}, {.mac = our_mac, .mtu = 1500}, {.mac = peer_mac, .mtu = 1500}};
  Listening acceptor;
  std::unique_ptr<Stack> stack;
  std::vector<Out> out;
  std::vector<Bytes> other;
  std::uint32_t iss = 0;
};

// ---- RFC 9293 §3.10.7.1, §3.5.2: no connection

TEST_F(TcpScript, SegmentForNoConnectionIsReset) {
  in({.seq = 77, .flags = SYN, .to = 9});
  Out o = next();
  EXPECT_EQ(o.flags, RST | ACK);
  EXPECT_EQ(o.seq, 0u);
  EXPECT_EQ(o.ack, 78u);
  in({.seq = 77, .ack = 500, .flags = ACK, .text = "abc", .to = 9});
  o = next();
  EXPECT_EQ(o.flags, RST);
  EXPECT_EQ(o.seq, 500u);
  in({.seq = 77, .flags = RST, .to = 9});
  in({.seq = 77, .ack = 1, .flags = RST | ACK, .to = 9});
  quiet();
  // A peer of a process that died: its connection is unknown to the new one on the same port.
  in({.seq = 4000, .ack = 600, .flags = ACK | PSH, .text = "QUIT"});
  o = next();
  EXPECT_EQ(o.flags, RST);
  EXPECT_EQ(o.seq, 600u);
  EXPECT_EQ(stack->usage().connections, 0u);
}

// ---- opening

TEST_F(TcpScript, PassiveOpenWithOptions) {
  in({.seq = 1000, .flags = SYN, .mss = 1460, .scale = 7});
  const Out o = next();
  EXPECT_EQ(o.flags, SYN | ACK);
  EXPECT_EQ(o.ack, 1001u);
  EXPECT_EQ(o.mss, 1460);
  EXPECT_EQ(o.scale, 3);
  EXPECT_EQ(acceptor.count, 0);
  in({.seq = 1001, .ack = o.seq + 1, .text = "EHLO"});
  EXPECT_EQ(acceptor.count, 1);
  EXPECT_EQ(session().data, "EHLO");
  EXPECT_EQ(session().log, "");
}

TEST_F(TcpScript, NoScaleUnlessThePeerOffersIt) {
  in({.seq = 1000, .flags = SYN, .mss = 1460});
  const Out o = next();
  EXPECT_FALSE(o.scale.has_value());
  in({.seq = 1001, .ack = o.seq + 1, .text = "x"});
  after(milliseconds(50));
  EXPECT_GE(next().window, 65000u);
}

TEST_F(TcpScript, MssDefaultsTo536AndIsObeyed) {
  accept(60000, std::nullopt);
  send(std::string(1500, 'a'));
  EXPECT_EQ(next().text.size(), 536u);
  EXPECT_EQ(next().text.size(), 536u);
  EXPECT_EQ(next().text.size(), 428u);
}

TEST_F(TcpScript, ActiveOpen) {
  Session mine;
  const auto stream_made = stack->connect({IpAddress::v4(peer_ip), 2525}, mine);
  ASSERT_TRUE(stream_made);
  turn();
  const Out o = next();
  EXPECT_EQ(o.flags, SYN);
  EXPECT_EQ(o.mss, 1460);
  EXPECT_TRUE(o.scale.has_value());
  in({.seq = 9000, .ack = o.seq + 1, .flags = SYN | ACK, .mss = 1460, .scale = 2, .from = 2525, .to = o.from});
  EXPECT_EQ(mine.log, "open ");
  expect_ack(o.seq + 1, 9001);
}

TEST_F(TcpScript, ActiveOpenRefused) {
  Session mine;
  ASSERT_TRUE(stack->connect({IpAddress::v4(peer_ip), 2525}, mine));
  turn();
  const Out o = next();
  in({.seq = 0, .ack = o.seq + 1, .flags = RST | ACK, .from = 2525, .to = o.from});
  EXPECT_EQ(mine.log, "refused");
  EXPECT_EQ(stack->usage().connections, 0u);
  EXPECT_EQ(stack->usage().timers, 0u);
}

TEST_F(TcpScript, WrongAcknowledgementInSynSentIsReset) {
  Session mine;
  ASSERT_TRUE(stack->connect({IpAddress::v4(peer_ip), 2525}, mine));
  turn();
  const Out syn_out = next();
  in({.seq = 1, .ack = syn_out.seq + 2, .flags = SYN | ACK, .from = 2525, .to = syn_out.from});
  const Out o = next();
  EXPECT_EQ(o.flags, RST);
  EXPECT_EQ(o.seq, syn_out.seq + 2);
  in({.seq = 1, .ack = syn_out.seq + 2, .flags = RST | ACK, .from = 2525, .to = syn_out.from});
  EXPECT_EQ(mine.log, "");
}

TEST_F(TcpScript, SynIsRepeatedAndGivenUp) {
  restart({.syn_retry_count_max = 3});
  Session mine;
  ASSERT_TRUE(stack->connect({IpAddress::v4(peer_ip), 2525}, mine));
  turn();
  EXPECT_EQ(next().flags, SYN);
  after(milliseconds(990));
  quiet();
  after(milliseconds(12));
  EXPECT_EQ(next().flags, SYN);
  after(milliseconds(1990));
  quiet();
  after(milliseconds(12));
  EXPECT_EQ(next().flags, SYN);
  after(milliseconds(4002));
  EXPECT_EQ(next().flags, SYN);
  after(milliseconds(8003));
  quiet();
  EXPECT_EQ(mine.log, "timed_out");
}

TEST_F(TcpScript, SimultaneousOpen) {
  Session mine;
  ASSERT_TRUE(stack->connect({IpAddress::v4(peer_ip), 2525}, mine));
  turn();
  const Out first = next();
  in({.seq = 300, .flags = SYN, .mss = 1460, .from = 2525, .to = first.from});
  const Out second = next();
  EXPECT_EQ(second.flags, SYN | ACK);
  EXPECT_EQ(second.seq, first.seq);
  EXPECT_EQ(second.ack, 301u);
  in({.seq = 300, .ack = first.seq + 1, .flags = SYN | ACK, .from = 2525, .to = first.from});
  expect_ack(first.seq + 1, 301);
  in({.seq = 301, .ack = first.seq + 1, .from = 2525, .to = first.from});
  EXPECT_EQ(mine.log, "open ");
}

TEST_F(TcpScript, ResetInSynReceivedGoesBackToListen) {
  in({.seq = 1000, .flags = SYN});
  EXPECT_EQ(next().flags, SYN | ACK);
  in({.seq = 1001, .flags = RST});
  quiet();
  EXPECT_EQ(stack->usage().connections, 0u);
  EXPECT_EQ(acceptor.count, 0);
}

// ---- SYN cookies: RFC 4987 §3.6

// Above the budget a SYN costs nothing, and the ACK makes the connection: once, with its text, and without a window scale.
TEST_F(TcpScript, AboveTheHalfOpenBudgetCookiesAreSent) {
  restart({.half_open_count_max = 2});
  for (std::uint16_t port = 1; port <= 2; ++port) in({.seq = 1000, .flags = SYN, .scale = 7, .from = port});
  out.clear();
  in({.seq = 1000, .flags = SYN, .mss = 1380, .scale = 7, .from = 3});
  const Out o = next();
  EXPECT_EQ(o.flags, SYN | ACK);
  EXPECT_EQ(o.ack, 1001u);
  EXPECT_EQ(o.mss, 1460);
  EXPECT_FALSE(o.scale.has_value());
  EXPECT_EQ(stack->usage().half_open, 2u);
  EXPECT_EQ(stack->usage().connections, 2u);
  EXPECT_EQ(stack->counters().cookies_sent, 1u);
  in({.seq = 1001, .ack = o.seq + 1, .text = "EHLO", .from = 3});
  EXPECT_EQ(acceptor.count, 1);
  EXPECT_EQ(session().data, "EHLO");
  EXPECT_EQ(stack->counters().cookies_accepted, 1u);
  EXPECT_EQ(stack->usage().half_open, 2u);
  after(milliseconds(50));
  expect_ack(o.seq + 1, 1005);
  // The same segment again belongs to the connection by now.
  in({.seq = 1001, .ack = o.seq + 1, .text = "EHLO", .from = 3});
  expect_ack(o.seq + 1, 1005);
  EXPECT_EQ(acceptor.count, 1);
  EXPECT_EQ(stack->counters().cookies_accepted, 1u);
  // The MSS came back with the cookie, rounded down to one of its rows; the window is not scaled.
  in({.seq = 1005, .ack = o.seq + 1, .window = 3000, .text = "x", .from = 3});
  out.clear();
  send(std::string(9000, 'b'));
  EXPECT_EQ(next().text.size(), 1360u);
  EXPECT_EQ(next().text.size(), 1360u);
  quiet();
}

TEST_F(TcpScript, AForgedOrOldCookieMakesNothing) {
  restart({.half_open_count_max = 0});
  in({.seq = 1000, .flags = SYN, .mss = 1460});
  const std::uint32_t cookie = next().seq;
  in({.seq = 1001, .ack = cookie + 2});
  in({.seq = 1002, .ack = cookie + 1});
  in({.seq = 1001, .ack = cookie + 1, .from = 7});
  in({.seq = 1001, .ack = cookie + 1, .flags = ACK | RST});
  // Silence and no RST: one that overtook the right one must not end the connection that is to be.
  quiet();
  EXPECT_EQ(stack->counters().of(Drop::cookie_refused), 3u);
  EXPECT_EQ(stack->usage().connections, 0u);
  // Two whole periods later it is still good, after that not; and once no cookie is out, the peer is told.
  clock.advance_to(clock.now() + seconds(64));
  in({.seq = 1001, .ack = cookie + 1});
  EXPECT_EQ(acceptor.count, 1);
  in({.seq = 1001, .flags = RST});
  ASSERT_EQ(stack->usage().connections, 0u);
  clock.advance_to(clock.now() + seconds(32));
  in({.seq = 1001, .ack = cookie + 1});
  EXPECT_EQ(acceptor.count, 1);
  EXPECT_EQ(next().flags, RST);
}

TEST_F(TcpScript, ACookieNeedsAPlaceAmongTheConnections) {
  restart({.connection_count_max = 1, .half_open_count_max = 0});
  in({.seq = 1000, .flags = SYN, .from = 1});
  in({.seq = 1000, .flags = SYN, .from = 2});
  const std::uint32_t first = next().seq, second = next().seq;
  in({.seq = 1001, .ack = first + 1, .from = 1});
  in({.seq = 1001, .ack = second + 1, .from = 2});
  EXPECT_EQ(acceptor.count, 1);
  EXPECT_EQ(stack->counters().of(Drop::connections_spent), 1u);
  in({.seq = 1000, .flags = SYN, .from = 3});
  EXPECT_EQ(stack->counters().of(Drop::connections_spent), 2u);
  quiet();
}

// A cookie cannot choose its number, so a SYN out of TIME-WAIT has a record even then.
TEST_F(TcpScript, OutOfTimeWaitThereIsNoCookie) {
  restart({.half_open_count_max = 0});
  in({.seq = 1000, .flags = SYN});
  const std::uint32_t cookie = next().seq;
  in({.seq = 1001, .ack = cookie + 1});
  finish();
  in({.seq = 1001, .ack = cookie + 2, .flags = FIN | ACK});
  ASSERT_EQ(stack->usage().time_wait, 1u);
  out.clear();
  in({.seq = 2000, .flags = SYN, .scale = 7});
  const Out o = next();
  EXPECT_EQ(o.flags, SYN | ACK);
  EXPECT_TRUE(o.scale.has_value());
  EXPECT_GT(static_cast<std::int32_t>(o.seq - (cookie + 2)), 0);
  EXPECT_EQ(stack->usage().half_open, 1u);
}

// One SYN may take its time; many take their places for seconds.
TEST_F(TcpScript, HalfOpenConnectionsLiveShorterWhenTheyAreMany) {
  restart({.half_open_count_max = 8});
  in({.seq = 1000, .flags = SYN, .from = 1});
  after(seconds(30));
  EXPECT_EQ(stack->usage().half_open, 1u);
  EXPECT_EQ(out.size(), 5u);
  after(seconds(2));
  EXPECT_EQ(stack->usage().half_open, 0u);
  EXPECT_EQ(stack->counters().half_open_expired, 1u);
  out.clear();
  for (std::uint16_t port = 1; port <= 8; ++port) in({.seq = 1000, .flags = SYN, .from = port});
  after(milliseconds(3100));
  EXPECT_LE(stack->usage().half_open, 4u);
  EXPECT_EQ(stack->counters().cookies_sent, 0u);
  // Those that stayed are no longer many.
  after(seconds(32));
  EXPECT_EQ(stack->usage().half_open, 0u);
  EXPECT_EQ(stack->counters().half_open_expired, 9u);
}

// Strangers with an address of our network that nobody has: they wait for ARP in a bounded number and not for long.
TEST_F(TcpScript, SpoofedNeighboursHoldNothing) {
  restart({.prefix_length = 16, .half_open_count_max = 64});
  for (std::uint32_t i = 0; i < 1000; ++i) in({.seq = 1000, .flags = SYN, .source = 0xC6120100 + i});
  EXPECT_EQ(stack->usage().half_open, 64u);
  quiet();
  EXPECT_LE(other.size(), 2 * Neighbours::asked_count_max);
  // A neighbour that is known is served meanwhile.
  in({.seq = 1000, .flags = SYN});
  in({.seq = 1001, .ack = next().seq + 1});
  EXPECT_EQ(acceptor.count, 1);
  after(seconds(5));
  EXPECT_EQ(stack->usage().half_open, 0u);
  EXPECT_EQ(stack->usage().connections, 1u);
}

// ---- a flood, in virtual time

// 200 clients connect while thousands of spoofed SYN arrive, and each is served at the first try.
TEST_F(TcpScript, AFloodOfSynKeepsNobodyOut) {
  restart({.gateway = IpAddress::v4(peer_ip)});
  std::uint32_t spoofed = 0;
  const auto flood = [&] {
    for (int i = 0; i < 90; ++i) inject_spoofed_syn(spoofed++);
    turn();
    out.clear();
  };
  for (std::uint32_t client = 0; client < 200; ++client) {
    flood();
    const std::uint32_t source = 0x0B000001 + client;
    in({.seq = 500, .flags = SYN, .mss = 1460, .source = source});
    const Out o = next();
    flood();
    in({.seq = 501, .ack = o.seq + 1, .text = "EHLO", .source = source});
    EXPECT_EQ(acceptor.count, static_cast<int>(client + 1));
    after(milliseconds(2));
  }
  EXPECT_EQ(acceptor.count, 200);
  EXPECT_EQ(session().data.size(), 800u);
  EXPECT_EQ(stack->usage().half_open, StackConfig{}.half_open_count_max);
  EXPECT_GT(stack->counters().cookies_sent, 30'000u);
  EXPECT_GT(stack->counters().cookies_accepted, 150u);
  after(seconds(4));
  EXPECT_LE(stack->usage().half_open, StackConfig{}.half_open_count_max / 2);
}

// 44 a second for three minutes: what shut the port before. No cookie is even needed.
TEST_F(TcpScript, ASlowFloodStaysBelowTheBudget) {
  restart({.gateway = IpAddress::v4(peer_ip)});
  for (std::uint32_t i = 0; i < 44 * 200; ++i) {
    inject_spoofed_syn(i);
    if (i % 11 != 0) continue;
    clock.advance_to(clock.now() + milliseconds(250));
    turn();
  }
  out.clear();
  EXPECT_LT(stack->usage().half_open, StackConfig{}.half_open_count_max * 3 / 4);
  EXPECT_EQ(stack->counters().cookies_sent, 0u);
  in({.seq = 1000, .flags = SYN, .scale = 7});
  ASSERT_FALSE(out.empty());
  EXPECT_TRUE(out.back().scale.has_value());
}

TEST_F(TcpScript, ConnectionBudget) {
  restart({.connection_count_max = 1});
  accept();
  Session mine;
  const auto refused = stack->connect({IpAddress::v4(peer_ip), 2525}, mine);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(tcp_no_connections));
  in({.seq = 1, .flags = SYN, .from = 7});
  quiet();
}

// RFC 6528
TEST_F(TcpScript, InitialSequenceNumbersDifferAndMove) {
  std::vector<std::uint32_t> seen;
  for (std::uint16_t port = 1; port <= 8; ++port) {
    in({.seq = 1000, .flags = SYN, .from = port});
    seen.push_back(next().seq);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
  // The same tuple again: the number moves with a clock of 4 us.
  for (std::uint16_t port = 1; port <= 8; ++port) in({.seq = 1001, .flags = RST, .from = port});
  in({.seq = 1000, .flags = SYN, .from = 1});
  const std::uint32_t before = next().seq;
  in({.seq = 1001, .flags = RST, .from = 1});
  clock.advance_to(clock.now() + seconds(1));
  in({.seq = 1000, .flags = SYN, .from = 1});
  EXPECT_EQ(next().seq - before, 250'000u);
}

// ---- receiving

TEST_F(TcpScript, DelayedAcknowledgement) {
  accept();
  in({.seq = 1001, .ack = iss + 1, .text = "one"});
  quiet();
  after(milliseconds(39));
  quiet();
  after(milliseconds(2));
  expect_ack(iss + 1, 1004);
  in({.seq = 1004, .ack = iss + 1, .text = "two"});
  in({.seq = 1007, .ack = iss + 1, .text = "three"});
  expect_ack(iss + 1, 1012);
  after(milliseconds(60));
  quiet();
  EXPECT_EQ(session().data, "onetwothree");
}

TEST_F(TcpScript, OutOfOrderIsAnsweredAtOnceAndPutInPlace) {
  accept();
  in({.seq = 1005, .ack = iss + 1, .text = "efgh"});
  expect_ack(iss + 1, 1001);
  in({.seq = 1013, .ack = iss + 1, .text = "mnop"});
  expect_ack(iss + 1, 1001);
  in({.seq = 1009, .ack = iss + 1, .text = "ijkl"});
  expect_ack(iss + 1, 1001);
  EXPECT_EQ(session().data, "");
  in({.seq = 1001, .ack = iss + 1, .text = "abcd"});
  expect_ack(iss + 1, 1017);
  EXPECT_EQ(session().data, "abcdefghijklmnop");
}

TEST_F(TcpScript, OverlapKeepsWhatCameFirst) {
  accept();
  in({.seq = 1003, .ack = iss + 1, .text = "cd"});
  in({.seq = 1002, .ack = iss + 1, .text = "BCDE"});
  in({.seq = 1001, .ack = iss + 1, .text = "aB"});
  EXPECT_EQ(session().data, "aBcdE");
}

TEST_F(TcpScript, DuplicateIsAcknowledgedAndNotDeliveredTwice) {
  accept();
  in({.seq = 1001, .ack = iss + 1, .text = "abcd"});
  after(milliseconds(50));
  out.clear();
  in({.seq = 1001, .ack = iss + 1, .text = "abcd"});
  expect_ack(iss + 1, 1005);
  in({.seq = 1003, .ack = iss + 1, .text = "cdEF"});
  expect_ack(iss + 1, 1007);
  EXPECT_EQ(session().data, "abcdEF");
}

TEST_F(TcpScript, WrongChecksumIsDropped) {
  accept();
  in({.seq = 1001, .ack = iss + 1, .text = "bad", .checksum = In::Checksum::wrong});
  after(milliseconds(50));
  quiet();
  EXPECT_EQ(session().data, "");
  EXPECT_EQ(stack->counters().of(Drop::bad_tcp_checksum), 1u);
}

TEST_F(TcpScript, PaddingOfShortFramesIsNotText) {
  accept();
  in({.seq = 1001, .ack = iss + 1, .text = "a", .padding = 5});
  EXPECT_EQ(session().data, "a");
}

// §3.8.5: read in line
TEST_F(TcpScript, UrgentDataAreOrdinary) {
  accept();
  in({.seq = 1001, .ack = iss + 1, .flags = ACK | URG, .text = "urgent"});
  EXPECT_EQ(session().data, "urgent");
}

// Descending one-byte segments cannot be put together, and must not be copied together either: a bounded number is kept, the others
// cost what a copy costs.
TEST_F(TcpScript, DescendingBytesAreBoundedWork) {
  accept();
  in({.seq = 41'001, .ack = iss + 1, .text = std::string(1400, 'a')});
  for (std::uint32_t i = 0; i < 39'999; ++i) in({.seq = 41'000 - i, .ack = iss + 1, .text = "b"});
  EXPECT_EQ(stack->counters().of(Drop::receive_blocks), 39'999 - (ReceiveQueue::piece_count_max - 1));
  EXPECT_LE(stack->usage().receive_memory, 1400 + ReceiveQueue::piece_count_max * (1 + ReceiveQueue::piece_overhead_size));
  // Sent again in order, all of it arrives.
  for (std::uint32_t i = 0; i < 40; ++i) in({.seq = 1001 + 1000 * i, .ack = iss + 1, .text = std::string(1000, 'b')});
  EXPECT_EQ(session().data, std::string(40'000, 'b') + std::string(1400, 'a'));
  EXPECT_EQ(stack->usage().receive_memory, 0u);
}

// One budget for what all connections hold: when it is spent, who holds most behind a hole gives that up.
TEST_F(TcpScript, OutOfOrderBytesHaveOneBudget) {
  constexpr std::uint64_t budget = 512 * 1024;
  restart({.receive_memory_size_max = budget});
  std::vector<std::uint32_t> first;
  for (std::uint16_t port = 1; port <= 12; ++port) {
    out.clear();
    in({.seq = 1000, .flags = SYN, .mss = 1460, .scale = 7, .from = port});
    const std::uint32_t number = next().seq;
    first.push_back(number);
    in({.seq = 1001, .ack = number + 1, .from = port});
    // A first segment in order opens the window wide.
    in({.seq = 1001, .ack = number + 1, .text = "x", .from = port});
    for (std::uint32_t i = 0; i < 44; ++i) in({.seq = 1003 + 1400 * i, .ack = number + 1, .text = std::string(1400, 'a'), .from = port});
    EXPECT_LE(stack->usage().receive_memory, budget + ReceiveQueue::piece_size_max);
  }
  EXPECT_GT(stack->counters().out_of_order_discarded, 0u);
  EXPECT_EQ(acceptor.count, 12);
  out.clear();
  // One that holds little gets its share of a spent budget.
  in({.seq = 1000, .flags = SYN, .mss = 1460, .from = 99});
  const std::uint32_t number = next().seq;
  in({.seq = 1001, .ack = number + 1, .from = 99});
  in({.seq = 1005, .ack = number + 1, .text = "efgh", .from = 99});
  session().data.clear();
  in({.seq = 1001, .ack = number + 1, .text = "abcd", .from = 99});
  EXPECT_EQ(session().data, "abcdefgh");
  // What was given up is sent again, as lost bytes are: nothing of it had been acknowledged.
  for (std::uint32_t i = 0; i < 12; ++i) in({.seq = 1002, .ack = first[i] + 1, .flags = RST, .from = static_cast<std::uint16_t>(i + 1)});
  EXPECT_EQ(stack->usage().receive_memory, 0u);
}

// The window follows the budget, but what was announced once stays.
TEST_F(TcpScript, WindowsShrinkWithTheBudget) {
  restart({.receive_memory_size_max = 200'000});
  accept(60000, 1460, 7);
  stream().pause_reading();
  std::uint32_t seq = 1001, edge = 0;
  for (int i = 0; i < 60; ++i, seq += 1000) {
    in({.seq = seq, .ack = iss + 1, .text = std::string(1000, 'p')});
    after(milliseconds(41));
    ASSERT_FALSE(out.empty());
    const std::uint32_t announced = out.back().ack + (out.back().window << 3);
    EXPECT_GE(announced, edge) << "the right edge moved left";
    edge = announced;
  }
  EXPECT_LT(edge - 1001, 80'000u) << "far less than the 256 KiB of plenty";
  stream().resume_reading();
  turn();
  EXPECT_EQ(session().data.size(), 60'000u);
  EXPECT_EQ(stack->usage().receive_memory, 0u);
}

// A session that does not read, and no memory: what comes is not taken, nor acknowledged, and comes again.
TEST_F(TcpScript, WithoutMemoryNothingIsAcknowledged) {
  restart({.receive_memory_size_max = 3000});
  accept();
  stream().pause_reading();
  for (std::uint32_t i = 0; i < 4; ++i) in({.seq = 1001 + 1000 * i, .ack = iss + 1, .text = std::string(1000, 'p')});
  after(milliseconds(50));
  EXPECT_EQ(out.back().ack, 3001u);
  EXPECT_EQ(stack->counters().of(Drop::receive_memory), 2u);
  stream().resume_reading();
  turn();
  out.clear();
  for (std::uint32_t i = 2; i < 4; ++i) in({.seq = 1001 + 1000 * i, .ack = iss + 1, .text = std::string(1000, 'p')});
  after(milliseconds(50));
  EXPECT_EQ(out.back().ack, 5001u);
  EXPECT_EQ(session().data.size(), 4000u);
}

TEST_F(TcpScript, PausedReaderClosesTheWindowAndOpensItAgain) {
  restart({.receive_window_size = 4000});
  accept();
  stream().pause_reading();
  std::uint32_t seq = 1001;
  for (int i = 0; i < 4; ++i, seq += 1000) in({.seq = seq, .ack = iss + 1, .text = std::string(1000, 'p')});
  after(milliseconds(50));
  EXPECT_EQ(out.back().ack, 5001u);
  EXPECT_EQ(out.back().window, 0u);
  EXPECT_EQ(session().data, "");
  out.clear();
  // A closed window: the text is not taken, the acknowledgement says so.
  in({.seq = seq, .ack = iss + 1, .text = "more"});
  expect_ack(iss + 1, 5001);
  stream().resume_reading();
  turn();
  const Out o = next();
  EXPECT_EQ(o.ack, 5001u);
  EXPECT_EQ(o.window, 4000u);
  EXPECT_EQ(session().data.size(), 4000u);
}

TEST_F(TcpScript, EndWaitsForThePausedReader) {
  accept();
  stream().pause_reading();
  in({.seq = 1001, .ack = iss + 1, .flags = ACK | FIN, .text = "last"});
  finish();
  in({.seq = 1006, .ack = iss + 2});
  EXPECT_EQ(session().log, "");
  ASSERT_NE(session().stream, nullptr);
  stream().resume_reading();
  turn();
  EXPECT_EQ(session().data, "last");
  EXPECT_EQ(session().log, "end finished");
}

// ---- what an end proves: Stream::acknowledged

TEST_F(TcpScript, AcknowledgedBytesAreCountedAndTheFinMakesThemTheLast) {
  accept();
  send("12345");
  EXPECT_EQ(stream().acknowledged().size, 0u);
  in({.seq = 1001, .ack = iss + 4});
  EXPECT_EQ(stream().acknowledged().size, 3u);
  EXPECT_FALSE(stream().acknowledged().is_last);
  in({.seq = 1001, .ack = iss + 4, .flags = FIN | ACK});
  EXPECT_EQ(session().log, "end ");
  EXPECT_EQ(stream().acknowledged().size, 3u);
  EXPECT_TRUE(stream().acknowledged().is_last);
  stream().abort();
  turn();
  EXPECT_EQ(session().at_close.size, 3u) << "still there when the record has left the protocol";
  EXPECT_TRUE(session().at_close.is_last);
}

TEST_F(TcpScript, OurSynAndFinAreNoBytes) {
  accept();
  send("12345");
  finish();
  in({.seq = 1001, .ack = iss + 7, .flags = FIN | ACK});
  EXPECT_EQ(session().log, "sent end finished");
  EXPECT_EQ(session().at_close.size, 5u);
}

struct ResetRow {
  const char* name;
  std::uint8_t flags;
  std::uint32_t ack;  // above our initial number
  Acknowledged proves;
};
class TcpReset : public TcpScript, public testing::WithParamInterface<ResetRow> {};
TEST_P(TcpReset, ProvesWhatItsAcknowledgementNames) {
  accept();
  send("12345");
  in({.seq = 1001, .ack = iss + GetParam().ack, .flags = GetParam().flags});
  EXPECT_EQ(session().log.substr(session().log.rfind(' ') + 1), "reset");
  EXPECT_EQ(session().at_close.size, GetParam().proves.size);
  EXPECT_EQ(session().at_close.is_last, GetParam().proves.is_last);
}
INSTANTIATE_TEST_SUITE_P(Rows, TcpReset,
                         testing::Values(ResetRow{"without_acknowledgement", RST, 1, {.size = 0, .is_last = false}},
                                         ResetRow{"covers_nothing", RST | ACK, 1, {.size = 0, .is_last = true}},
                                         ResetRow{"covers_some", RST | ACK, 3, {.size = 2, .is_last = true}},
                                         ResetRow{"covers_all", RST | ACK, 6, {.size = 5, .is_last = true}},
                                         ResetRow{"of_what_was_never_sent", RST | ACK, 7, {.size = 0, .is_last = false}}),
                         [](const auto& row) { return row.param.name; });

TEST_F(TcpScript, WhatNeverLeftUsHasNotArrived) {
  accept(0);
  send("12345");
  quiet();
  in({.seq = 1001, .flags = RST});
  EXPECT_EQ(session().at_close.size, 0u);
  EXPECT_TRUE(session().at_close.is_last) << "the window was closed";
}

TEST_F(TcpScript, ATimeOutProvesNothing) {
  restart({.retry_count_max = 2});
  accept();
  send("12345");
  in({.seq = 1001, .ack = iss + 3});
  after(seconds(20));
  EXPECT_EQ(session().log, "timed_out");
  EXPECT_EQ(session().at_close.size, 2u);
  EXPECT_FALSE(session().at_close.is_last);
}

// ---- RST, SYN and ACK that do not belong: RFC 5961

TEST_F(TcpScript, ResetAtTheExactNumber) {
  accept();
  in({.seq = 1001, .flags = RST});
  EXPECT_EQ(session().log, "reset");
  EXPECT_EQ(stack->usage().connections, 0u);
}

TEST_F(TcpScript, ResetInsideTheWindowIsChallenged) {
  accept();
  in({.seq = 1002, .flags = RST});
  expect_ack(iss + 1, 1001);
  EXPECT_EQ(session().log, "");
}

TEST_F(TcpScript, ResetOutsideTheWindowIsIgnored) {
  accept();
  in({.seq = 1000, .flags = RST});
  in({.seq = 0x40000000, .flags = RST});
  quiet();
  EXPECT_EQ(session().log, "");
}

TEST_F(TcpScript, SynInAnEstablishedConnectionIsChallenged) {
  accept();
  in({.seq = 1001, .flags = SYN});
  expect_ack(iss + 1, 1001);
  // Not twice within a moment, so that two confused ends do not keep each other busy.
  in({.seq = 1001, .flags = SYN});
  quiet();
  EXPECT_EQ(session().log, "");
}

TEST_F(TcpScript, AcknowledgementOfWhatWasNotSent) {
  accept();
  send("hello");
  EXPECT_EQ(next().text, "hello");
  in({.seq = 1001, .ack = iss + 100, .text = "evil"});
  expect_ack(iss + 6, 1001);
  EXPECT_EQ(session().data, "");
  EXPECT_EQ(session().log, "");
  in({.seq = 1001, .ack = iss + 6, .text = "good"});
  EXPECT_EQ(session().data, "good");
  EXPECT_EQ(session().log, "sent ");
}

// ---- sending: windows

TEST_F(TcpScript, NothingBeyondTheWindow) {
  accept(2500);
  send(std::string(5000, 'w'));
  EXPECT_EQ(next().text.size(), 1000u);
  EXPECT_EQ(next().text.size(), 1000u);
  // The rest of the window is smaller than a segment and less than half of the largest seen: held back (§3.8.6.2.1).
  quiet();
  in({.seq = 1001, .ack = iss + 2001, .window = 1500});
  EXPECT_EQ(next().text.size(), 1000u);
  quiet();
  in({.seq = 1001, .ack = iss + 3001, .window = 0});
  quiet();
}

TEST_F(TcpScript, WindowScaleIsApplied) {
  accept(1000, 1000, 4);
  // The window of the last ACK was 1000 << 4.
  send(std::string(20000, 's'));
  std::size_t sent = 0;
  for (const Out& o : out) sent += o.text.size();
  EXPECT_EQ(sent, 10'000u);  // the initial congestion window
  out.clear();
  in({.seq = 1001, .ack = iss + 10001, .window = 100});
  EXPECT_EQ(next().text.size(), 1000u);
  quiet();
}

TEST_F(TcpScript, WindowOfASynIsNotScaled) {
  in({.seq = 1000, .flags = SYN, .window = 3000, .mss = 1000, .scale = 4});
  iss = next().seq;
  in({.seq = 1001, .ack = iss + 1, .window = 125});
  send(std::string(5000, 's'));
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].text.size() + out[1].text.size(), 2000u);
}

TEST_F(TcpScript, ClosedWindowIsProbed) {
  accept(0);
  send("waiting");
  quiet();
  after(milliseconds(190));
  quiet();
  after(milliseconds(10));
  const Out o = next();
  EXPECT_EQ(o.seq, iss);
  EXPECT_EQ(o.text, "");
  EXPECT_EQ(o.flags, ACK);
  in({.seq = 1001, .ack = iss + 1, .window = 0});
  after(milliseconds(390));
  quiet();
  after(milliseconds(10));
  EXPECT_EQ(next().seq, iss);
  in({.seq = 1001, .ack = iss + 1, .window = 500});
  EXPECT_EQ(next().text, "waiting");
}

// A closed window that answers is kept for ever; one that is silent is not.
TEST_F(TcpScript, UnansweredProbesEndTheConnection) {
  restart({.retry_count_max = 3});
  accept(0);
  send("waiting");
  after(seconds(40));
  EXPECT_EQ(session().log, "timed_out");
}

TEST_F(TcpScript, OldSegmentsDoNotSetTheWindowBack) {
  accept(5000);
  in({.seq = 1001, .ack = iss + 1, .window = 3000, .text = "new"});
  in({.seq = 1001, .ack = iss + 1, .window = 60000});
  after(milliseconds(50));
  out.clear();
  send(std::string(5000, 'w'));
  std::size_t sent = 0;
  for (const Out& o : out) sent += o.text.size();
  EXPECT_EQ(sent, 3000u);
}

// ---- sending: loss. RFC 6298, 5681, 6582

TEST_F(TcpScript, RetransmissionBacksOff) {
  restart({.retry_count_max = 4});
  accept();
  send("first");
  const Out first = next();
  // One sample of about nothing brings the time-out to its floor.
  in({.seq = 1001, .ack = iss + 6});
  send("again");
  const Out o = next();
  EXPECT_EQ(o.seq, first.seq + 5);
  for (const std::int64_t wait : {200, 400, 800, 1600}) {
    after(milliseconds(wait - 10));
    quiet();
    after(milliseconds(10));
    const Out copy = next();
    EXPECT_EQ(copy.seq, o.seq);
    EXPECT_EQ(copy.text, o.text);
  }
  after(milliseconds(3300));
  EXPECT_EQ(session().log, "sent timed_out");
}

// Karn: a round trip that may belong to either copy says nothing.
TEST_F(TcpScript, RepeatedSegmentsAreNotTimed) {
  accept();
  send("a");
  in({.seq = 1001, .ack = iss + 2});
  send("b");
  out.clear();
  after(milliseconds(202));
  EXPECT_EQ(next().text, "b");
  after(milliseconds(150));
  in({.seq = 1001, .ack = iss + 3});
  // Still the doubled time-out of 400 ms, and not one made of a false sample of 350 ms (which would be above 400).
  const auto* connection = static_cast<const Connection*>(session().stream);
  EXPECT_EQ(connection->rtt().rto(), milliseconds(400));
  send("c");
  out.clear();
  after(milliseconds(399));
  quiet();
  after(milliseconds(4));
  EXPECT_EQ(next().text, "c");
}

TEST_F(TcpScript, ThirdDuplicateRetransmits) {
  accept();
  send(std::string(6000, 'd'));
  ASSERT_EQ(out.size(), 6u);
  out.clear();
  in({.seq = 1001, .ack = iss + 1001});
  for (int i = 0; i < 2; ++i) in({.seq = 1001, .ack = iss + 1001});
  quiet();
  in({.seq = 1001, .ack = iss + 1001});
  const Out o = next();
  EXPECT_EQ(o.seq, iss + 1001);
  EXPECT_EQ(o.text.size(), 1000u);
  quiet();
  // A partial acknowledgement names the next hole (RFC 6582 §3.2 step 5) ...
  in({.seq = 1001, .ack = iss + 3001});
  EXPECT_EQ(next().seq, iss + 3001);
  quiet();
  // ... and a full one ends the recovery.
  in({.seq = 1001, .ack = iss + 6001});
  quiet();
  EXPECT_EQ(session().log, "sent ");
}

TEST_F(TcpScript, DuplicatesWithTextOrAnotherWindowDoNotCount) {
  accept();
  send(std::string(4000, 'd'));
  out.clear();
  std::uint32_t seq = 1001;
  for (int i = 0; i < 4; ++i) in({.seq = seq++, .ack = iss + 1, .text = "x"});
  for (std::uint16_t i = 1; i < 5; ++i) in({.seq = seq, .ack = iss + 1, .window = static_cast<std::uint16_t>(60000 + i)});
  for (const Out& o : out) EXPECT_EQ(o.text, "");
}

TEST_F(TcpScript, AfterATimeoutOneSegmentThenMore) {
  accept();
  send(std::string(4000, 't'));
  ASSERT_EQ(out.size(), 4u);
  out.clear();
  after(milliseconds(201));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(next().seq, iss + 1);
  in({.seq = 1001, .ack = iss + 1001});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].seq, iss + 1001);
  EXPECT_EQ(out[1].seq, iss + 2001);
}

// ---- RFC 1191, RFC 4821: a hop that takes less than both ends

TEST_F(TcpScript, AHopThatNamesItsMtuIsObeyed) {
  // What the hop quotes: our IPv4 header and the first eight bytes behind it.
  const auto too_large = [&](std::uint16_t mtu, std::uint32_t seq, std::uint16_t from = our_port) {
    Bytes icmp{3, 4, 0, 0, 0, 0};
    put16(icmp, mtu);
    const Bytes quoted{0x45, 0, 4, 20, 0, 0, 0x40, 0, 63, 6, 0, 0};
    append(icmp, ByteView(quoted));
    put32(icmp, our_ip);
    put32(icmp, peer_ip);
    put16(icmp, from);
    put16(icmp, peer_port);
    put32(icmp, seq);
    store(icmp.data() + 2, sum(icmp, 0), std::endian::big);
    raw(ipv4(1, icmp, 0xC6120009));
  };
  accept();
  send(std::string(2500, 't'));
  ASSERT_EQ(out.size(), 3u);
  out.clear();
  too_large(640, iss + 5000);
  too_large(640, iss);
  too_large(640, iss + 1, 26);
  too_large(1500, iss + 1);
  quiet();
  too_large(640, iss + 1001);
  ASSERT_EQ(out.size(), 5u) << "all of it again, in pieces that fit";
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(out[i].seq, iss + 1 + i * 600);
    EXPECT_EQ(out[i].text.size(), i < 4 ? 600u : 100u);
  }
  out.clear();
  too_large(0, iss + 1);
  ASSERT_EQ(out.size(), 5u) << "a hop that names none";
  EXPECT_EQ(out[0].text.size(), 536u);
  out.clear();
  too_large(68, iss + 1);
  quiet();
  in({.seq = 1001, .ack = iss + 2501});
  EXPECT_EQ(session().log, "sent ");
}

// One segment under way that is not full, and larger than the hop takes; a time-out of what is small says nothing about sizes.
TEST_F(TcpScript, ALargeSegmentThatIsNotFullBecomesSmallerToo) {
  accept(60000, 1460);
  send(std::string(900, 't'));
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 5; ++i) {
    sizes.push_back(next().text.size());
    for (int waited = 0; out.empty() && waited < 100; ++waited) after(milliseconds(200));
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{900, 900, 900, 536, 536}));
  in({.seq = 1001, .ack = iss + 901});
  out.clear();
}

TEST_F(TcpScript, FullSegmentsThatVanishBecomeSmaller) {
  accept(60000, 1460);
  send(std::string(1460, 't'));
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 7; ++i) {
    sizes.push_back(next().text.size());
    for (int waited = 0; out.empty() && waited < 100; ++waited) after(milliseconds(200));
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1460, 1460, 1460, 1024, 536, 536, 536}));
}

TEST_F(TcpScript, LentBytesComeBackOnceWhenAcknowledged) {
  accept();
  int released = 0;
  const std::string text(1500, 'l');
  stream().send_lent({bytes_of(text), [](void* count) { ++*static_cast<int*>(count); }, &released});
  turn();
  EXPECT_EQ(released, 0);
  in({.seq = 1001, .ack = iss + 1001});
  EXPECT_EQ(released, 0);
  in({.seq = 1001, .ack = iss + 1501});
  EXPECT_EQ(released, 1);
  stream().send_lent({bytes_of(text), [](void* count) { ++*static_cast<int*>(count); }, &released});
  stream().abort();
  turn();
  EXPECT_EQ(released, 2);
}

// ---- closing: §3.6, figures 11 to 13

TEST_F(TcpScript, WeCloseFirst) {
  accept();
  send("bye");
  finish();
  EXPECT_EQ(next().text, "bye");
  const Out o = next();
  EXPECT_EQ(o.flags, FIN | ACK);
  EXPECT_EQ(o.seq, iss + 4);
  in({.seq = 1001, .ack = iss + 5});
  EXPECT_EQ(session().log, "sent ");
  in({.seq = 1001, .ack = iss + 5, .text = "late"});
  EXPECT_EQ(session().data, "late");
  in({.seq = 1005, .ack = iss + 5, .flags = FIN | ACK});
  EXPECT_EQ(session().log, "sent end finished");
  expect_ack(iss + 5, 1006);
  EXPECT_EQ(stack->usage().connections, 0u);
  EXPECT_EQ(stack->usage().time_wait, 1u);
  // The last ACK was lost: the FIN comes again and is acknowledged again; a RST changes nothing (RFC 1337).
  in({.seq = 1006, .flags = RST});
  in({.seq = 1005, .ack = iss + 5, .flags = FIN | ACK});
  expect_ack(iss + 5, 1006);
  in({.seq = 1006, .ack = iss + 5});
  quiet();
  after(seconds(61));
  EXPECT_EQ(stack->usage().time_wait, 0u);
  EXPECT_EQ(stack->usage().table_entries, 0u);
  in({.seq = 1005, .ack = iss + 5, .flags = FIN | ACK});
  EXPECT_EQ(next().flags, RST);
}

TEST_F(TcpScript, ThePeerClosesFirst) {
  accept();
  in({.seq = 1001, .ack = iss + 1, .flags = FIN | ACK, .text = "QUIT"});
  expect_ack(iss + 1, 1006);
  EXPECT_EQ(session().log, "end ");
  send("221");
  EXPECT_EQ(next().text, "221");
  finish();
  EXPECT_EQ(next().flags, FIN | ACK);
  after(milliseconds(201));
  // Text and FIN go again as one segment.
  const Out o = next();
  EXPECT_EQ(o.text, "221");
  EXPECT_EQ(o.flags, FIN | ACK | PSH);
  in({.seq = 1006, .ack = iss + 5});
  EXPECT_EQ(session().log, "end sent finished");
  EXPECT_EQ(stack->usage().time_wait, 0u);
}

TEST_F(TcpScript, BothCloseAtOnce) {
  accept();
  finish();
  EXPECT_EQ(next().flags, FIN | ACK);
  in({.seq = 1001, .ack = iss + 1, .flags = FIN | ACK});
  expect_ack(iss + 2, 1002);
  EXPECT_EQ(session().log, "end ");
  in({.seq = 1002, .ack = iss + 2});
  EXPECT_EQ(session().log, "end finished");
  EXPECT_EQ(stack->usage().time_wait, 1u);
}

TEST_F(TcpScript, FinBeforeItsTextWaits) {
  accept();
  in({.seq = 1005, .ack = iss + 1, .flags = FIN | ACK});
  expect_ack(iss + 1, 1001);
  EXPECT_EQ(session().log, "");
  in({.seq = 1001, .ack = iss + 1, .text = "text"});
  expect_ack(iss + 1, 1006);
  EXPECT_EQ(session().data, "text");
  EXPECT_EQ(session().log, "end ");
}

TEST_F(TcpScript, FinWaitsForTheWindow) {
  accept(3);
  send("abc");
  finish();
  EXPECT_EQ(next().flags, ACK | PSH);
  quiet();
  in({.seq = 1001, .ack = iss + 4, .window = 10});
  EXPECT_EQ(next().flags, FIN | ACK);
}

TEST_F(TcpScript, NothingIsSentAfterFinish) {
  accept();
  finish();
  EXPECT_EQ(next().flags, FIN | ACK);
  send("too late");
  int released = 0;
  stream().send_lent({bytes_of("too late"), [](void* count) { ++*static_cast<int*>(count); }, &released});
  turn();
  quiet();
  EXPECT_EQ(released, 1);
}

TEST_F(TcpScript, AbortResetsThePeer) {
  accept();
  send("lost");
  out.clear();
  stream().abort();
  EXPECT_EQ(session().log, "");
  turn();
  EXPECT_EQ(session().log, "aborted");
  const Out o = next();
  EXPECT_EQ(o.flags, RST | ACK);
  EXPECT_EQ(o.seq, iss + 5);
  EXPECT_EQ(stack->usage().connections, 0u);
  EXPECT_EQ(stack->usage().timers, 0u);
}

TEST_F(TcpScript, AbortInsideOnData) {
  accept();
  session().abort_on_data = true;
  in({.seq = 1001, .ack = iss + 1, .flags = ACK | FIN, .text = "x"});
  EXPECT_EQ(session().log, "aborted");
  EXPECT_EQ(next().flags, RST | ACK);
  quiet();
}

TEST_F(TcpScript, NewConnectionOutOfTimeWait) {
  accept();
  finish();
  in({.seq = 1001, .ack = iss + 2, .flags = FIN | ACK});
  ASSERT_EQ(stack->usage().time_wait, 1u);
  out.clear();
  in({.seq = 500, .flags = SYN});
  expect_ack(iss + 2, 1002);
  in({.seq = 2000, .flags = SYN});
  const Out o = next();
  EXPECT_EQ(o.flags, SYN | ACK);
  EXPECT_EQ(o.ack, 2001u);
  EXPECT_GT(static_cast<std::int32_t>(o.seq - (iss + 2)), 0);
  EXPECT_EQ(stack->usage().time_wait, 0u);
}

// ---- below TCP

TEST_F(TcpScript, ArpIsAnsweredAndAskedFor) {
  arp(1, peer_ip + 5, our_ip);
  ASSERT_EQ(other.size(), 1u);
  EXPECT_EQ(get16(other[0], 20), 2);
  EXPECT_EQ(get32(other[0], 28), our_ip);
  EXPECT_EQ(get32(other[0], 38), peer_ip + 5);
  arp(1, peer_ip + 6, our_ip + 50);
  EXPECT_EQ(other.size(), 1u);
}

TEST_F(TcpScript, AnnouncesItselfAtStart) {
  other.clear();
  Stack second(link.device(Side::a), {.address = IpAddress::v4(our_ip)}, clock.now());
  second.poll(clock.now());
  ASSERT_EQ(other.size(), 1u);
  EXPECT_EQ(get32(other[0], 28), our_ip);
  EXPECT_EQ(get32(other[0], 38), our_ip);
}

TEST_F(TcpScript, UnknownNeighbourIsAskedForAndGivenUp) {
  Session mine;
  ASSERT_TRUE(stack->connect({IpAddress::v4(peer_ip + 9), 25}, mine));
  turn();
  EXPECT_EQ(other.size(), 1u);
  quiet();
  after(seconds(5));
  EXPECT_EQ(other.size(), 6u);
  after(seconds(6));
  EXPECT_EQ(other.size(), 10u);
  EXPECT_EQ(mine.log, "unreachable");
  ASSERT_TRUE(stack->connect({IpAddress::v4(peer_ip + 9), 25}, mine));
  turn();
  arp(2, peer_ip + 9, our_ip);
  EXPECT_EQ(next().flags, SYN);
}

TEST_F(TcpScript, OutsideThePrefixNeedsAGateway) {
  Session mine;
  const auto none = stack->connect({IpAddress::v4(0x0A000001), 25}, mine);
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(tcp_no_route));
  restart({.gateway = IpAddress::v4(peer_ip)});
  ASSERT_TRUE(stack->connect({IpAddress::v4(0x0A000001), 25}, mine));
  turn();
  EXPECT_EQ(next().flags, SYN);
}

// An ARP reply that nobody asked for does not lead our frames elsewhere; a fixed MAC cannot even be asked about.
TEST_F(TcpScript, ASpoofedReplyDoesNotMoveANeighbour) {
  for (const bool fixed : {false, true}) {
    restart({.gateway = IpAddress::v4(peer_ip), .gateway_mac = fixed ? std::optional(peer_mac) : std::nullopt});
    MacAddress sent_to{};
    link.on_sent([&](const LinkEvent& event) { std::copy_n(event.frame.begin(), 6, sent_to.begin()); });
    arp(2, peer_ip, our_ip, {2, 0x66, 0x66, 0x66, 0x66, 0x66});
    EXPECT_EQ(stack->counters().arp_claims, 1u);
    EXPECT_EQ(sent_to, fixed ? MacAddress{} : peer_mac) << "the owner is asked, unless no answer could change anything";
    in({.seq = 1000, .flags = SYN, .source = 0x0A000001});
    EXPECT_EQ(sent_to, peer_mac);
  }
}

TEST_F(TcpScript, EchoIsAnswered) {
  Bytes icmp{8, 0, 0, 0, 0, 1, 0, 2, 'p', 'i', 'n', 'g'};
  store(icmp.data() + 2, sum(icmp, 0), std::endian::big);
  raw(ipv4(1, icmp));
  ASSERT_EQ(other.size(), 1u);
  const ByteView reply = ByteView(other[0]).subspan(34);
  EXPECT_EQ(reply[0], 0);
  EXPECT_EQ(text_of(reply.subspan(8)), "ping");
  EXPECT_EQ(sum(Bytes(reply.begin(), reply.end()), 0), 0);
  icmp[9] ^= 1;
  raw(ipv4(1, icmp));
  EXPECT_EQ(other.size(), 1u);
}

TEST_F(TcpScript, NotOursIsDropped) {
  Bytes frame = frame_of({.seq = 1, .flags = SYN});
  frame[33] ^= 1;  // another destination, and so a wrong header checksum
  raw(frame);
  raw(ipv4(6, Bytes(20), peer_ip, our_ip + 1));
  raw(ipv4(6, Bytes(20), 0xE0000001));
  raw(ipv4(17, Bytes(20)));
  quiet();
  EXPECT_EQ(stack->counters().of(Drop::bad_ip_checksum), 1u);
  EXPECT_EQ(stack->counters().of(Drop::not_for_us), 1u);
  EXPECT_EQ(stack->counters().of(Drop::bad_source), 1u);
  EXPECT_EQ(stack->counters().of(Drop::other_protocol), 1u);
}

TEST_F(TcpScript, SpentFramePoolOnlyDelays) {
  accept();
  link.device(Side::a).limit(0, 1);
  stream().send(bytes_of("patience"));
  stack->poll(clock.now());
  quiet();
  link.device(Side::a).limit(~std::size_t{0}, ~std::size_t{0});
  turn();
  EXPECT_EQ(next().text, "patience");
}

TEST_F(TcpScript, PortsAndListeners) {
  EXPECT_FALSE(stack->listen({IpAddress::v4(our_ip), our_port}, acceptor));
  EXPECT_FALSE(stack->listen({IpAddress::v4(our_ip + 1), 26}, acceptor));
  EXPECT_TRUE(stack->listen({IpAddress::v4(0), 26}, acceptor));
}

// ---- no more connections ----------------------------------------------------------------------------------------------------------

// A handshake that has begun is finished, by its record or by its cookie; a new SYN is refused (RFC 9293 §3.10.7.1).
TEST_F(TcpScript, WhoHasStoppedListeningFinishesHandshakesAndRefusesSyns) {
  restart({.half_open_count_max = 1});
  in({.seq = 1000, .flags = SYN, .from = 1});
  const std::uint32_t first = next().seq;
  in({.seq = 1000, .flags = SYN, .from = 2});
  const std::uint32_t cookie = next().seq;
  stack->stop_listening();
  in({.seq = 1001, .ack = first + 1, .from = 1});
  EXPECT_EQ(acceptor.count, 1);
  in({.seq = 1001, .ack = cookie + 1, .from = 2});
  EXPECT_EQ(acceptor.count, 2);
  out.clear();
  in({.seq = 5000, .flags = SYN, .from = 3});
  const Out refusal = next();
  EXPECT_EQ(refusal.flags, RST | ACK);
  EXPECT_EQ(refusal.ack, 5001u);
  EXPECT_EQ(stack->usage().connections, 2u);
}

}  // namespace
}  // namespace pushmail::tcp

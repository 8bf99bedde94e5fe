#include "tests/sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "dataplane/tcp/stack.h"
#include "tests/sim/checker.h"

namespace pushmail::tcp {

namespace {

constexpr std::uint64_t steps_per_byte_max = 4;
constexpr std::uint64_t steps_least = 2'000'000;
constexpr Duration virtual_time_max = seconds(48 * 3600);
constexpr std::uint16_t server_port = 25;

const IpAddress address_a = IpAddress::v4(0xC6120001);  // 198.18.0.1
const IpAddress address_b = IpAddress::v4(0xC6120002);

// What one side does with its connection: sends its stream in pieces of random sizes, reads with or without pauses, and compares.
class Application final : public StreamEvents {
 public:
  Application(ByteView mine, ByteView theirs, std::uint64_t seed, double pause_chance)
      : mine_(mine), theirs_(theirs), random_(seed), pause_chance_(pause_chance) {}

  void start(Stream& stream) {
    stream_ = &stream;
    send_more();
  }
  void on_open() override { send_more(); }
  void on_data(ByteView bytes) override {
    if (bytes.empty()) fail("empty on_data");
    if (ended_) fail("data after on_end");
    if (received_ + bytes.size() > theirs_.size()) return fail("more bytes than were sent");
    if (std::memcmp(theirs_.data() + received_, bytes.data(), bytes.size()) != 0) fail(fmt::format("wrong bytes from {}", received_));
    received_ += bytes.size();
    if (random_.chance(pause_chance_)) {
      stream_->pause_reading();
      wants_pause_ = true;
    }
  }
  void on_sent() override {
    if (lent_ != 0) fail("on_sent with lent bytes not given back");
    send_more();
  }
  void on_end() override {
    if (received_ != theirs_.size()) fail(fmt::format("on_end after {} bytes", received_));
    if (ended_) fail("on_end twice");
    ended_ = true;
  }
  void on_close(CloseReason reason) override {
    if (closed_) fail("on_close twice");
    closed_ = true;
    if (reason != CloseReason::finished) fail(fmt::format("closed with reason {}", static_cast<int>(reason)));
    if (!ended_) fail("closed before on_end");
    stream_ = nullptr;
  }

  /// When a pause that began ends; {0}: reading.
  [[nodiscard]] Instant resume_at() const { return resume_at_; }
  /// Returns 1 when the stack has something new to do.
  std::size_t turn(Instant now) {
    if (wants_pause_) {
      wants_pause_ = false;
      resume_at_ = now + Duration{static_cast<std::int64_t>(random_.below(random_.chance(0.2) ? 3'000'000'000 : 100'000'000)) + 1};
    } else if (resume_at_.ns != 0 && resume_at_ <= now) {
      resume_at_ = {};
      if (stream_ != nullptr) stream_->resume_reading();
      return 1;
    }
    return 0;
  }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::size_t lent() const { return lent_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] Stream* stream() const { return stream_; }
  [[nodiscard]] std::string progress() const {
    return fmt::format("sent {} of {}, received {} of {}{}{}", given_, mine_.size(), received_, theirs_.size(), ended_ ? ", ended" : "",
                       closed_ ? ", closed" : "");
  }

 private:
  void send_more() {
    // A few pieces at a time; on_sent brings us back.
    const std::size_t until = std::min(mine_.size(), given_ + 1 + random_.below(600'000));
    while (given_ < until) {
      const std::size_t size = std::min(until - given_, random_.chance(0.1) ? 1 + random_.below(100) : 1 + random_.below(60'000));
      const ByteView piece = mine_.subspan(given_, size);
      given_ += size;
      if (random_.chance(0.5)) {
        stream_->send(piece);
      } else {
        ++lent_;
        stream_->send_lent({piece, [](void* self) { --static_cast<Application*>(self)->lent_; }, this});
      }
    }
    if (given_ == mine_.size()) stream_->finish();
  }
  void fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }

  ByteView mine_, theirs_;
  SimRandom random_;
  double pause_chance_;
  Stream* stream_ = nullptr;
  std::size_t given_ = 0, received_ = 0, lent_ = 0;
  bool wants_pause_ = false, ended_ = false, closed_ = false;
  Instant resume_at_;
  std::string failure_;
};

class Server final : public Acceptor {
 public:
  explicit Server(Application& application) : application_(application) {}
  void on_accept(Stream& stream) override {
    ++count_;
    if (count_ > 1) return stream.abort();
    stream.set_events(application_);
    application_.start(stream);
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  Application& application_;
  int count_ = 0;
};

Bytes random_stream(std::uint64_t seed, std::size_t size) {
  SimRandom random(seed);
  Bytes bytes(size + 8);
  for (std::size_t at = 0; at < size; at += 8) store(bytes.data() + at, random.next(), std::endian::little);
  bytes.resize(size);
  return bytes;
}

struct World {
  Impairment link;
  DeviceFacts device_a, device_b;
  StackConfig stack_a, stack_b;
  double pause_a = 0, pause_b = 0;
  Instant start{};
  std::size_t transmit_max = ~std::size_t{0};
};

template <class T, std::size_t N>
T pick(SimRandom& random, const std::array<T, N>& from) {
  return from[random.below(N)];
}

World world_of(const Plan& plan) {
  SimRandom random(plan.seed * 0x51ED27);
  World world;
  world.link.delay = pick(random, std::array{microseconds(50), microseconds(300), milliseconds(2), milliseconds(20), milliseconds(130)});
  world.link.loss = plan.loss;
  // Every sixteenth seed without loss has a perfect link: the shape of things when nothing goes wrong.
  if (plan.loss > 0 || random.below(4) != 0) {
    world.link.jitter = {static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(world.link.delay.ns / 2)) + 1)};
    world.link.reorder = pick(random, std::array{0.0, 0.01, 0.05});
    world.link.reorder_delay = {world.link.delay.ns / 2 + static_cast<std::int64_t>(random.below(2'000'000)) + 1};
    world.link.duplicate = pick(random, std::array{0.0, 0.005, 0.02});
    world.link.corrupt = pick(random, std::array{0.0, 0.002, 0.01});
  }
  world.device_a = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500};
  world.device_b = {.mac = {2, 0, 0, 0, 0, 2}, .mtu = pick(random, std::array{1500u, 1500u, 1500u, 600u})};
  const std::array windows{20'000u, 65'535u, 262'144u, 262'144u};
  world.stack_a.receive_window_size = pick(random, windows);
  world.stack_b.receive_window_size = pick(random, windows);
  world.stack_a.address = address_a;
  world.stack_b.address = address_b;
  for (StackConfig* config : {&world.stack_a, &world.stack_b}) {
    for (std::uint8_t& byte : config->secret) byte = static_cast<std::uint8_t>(random.next());
    // With a fifth of everything lost a handshake can need more than the usual tries, and the last FIN may come late.
    config->syn_retry_count_max = 14;
    config->syn_ack_retry_count_max = 14;
    config->syn_ack_retry_count_pressed = 14;
    config->retry_count_max = 20;
    config->time_wait = seconds(240);
  }
  if (random.below(4) == 0) world.pause_a = 0.01;
  if (random.below(4) == 0) world.pause_b = 0.01;
  if (random.below(4) == 0) world.transmit_max = 3;
  // A server whose half-open budget is spent answers with cookies; one whose receive memory is short drops what it may.
  if (random.below(4) == 0) world.stack_b.half_open_count_max = 0;
  if (random.below(4) == 0) world.stack_a.receive_memory_size_max = pick(random, std::array{30'000u, 100'000u, 1'000'000u});
  if (random.below(4) == 0) world.stack_b.receive_memory_size_max = pick(random, std::array{30'000u, 100'000u, 1'000'000u});
  world.start = {seconds(1000).ns + static_cast<std::int64_t>(random.below(1'000'000'000))};
  return world;
}

// The first sequence number of a connection moves with the clock; so a start can be found from which it wraps soon.
Instant start_before_wrap(const World& world, std::uint64_t seed) {
  VirtualClock clock(world.start);
  SimLink link(clock, seed, {}, world.device_a, world.device_b);
  std::uint32_t iss = 0;
  link.on_sent([&](const LinkEvent& event) {
    if (event.side == Side::a && event.frame.size() >= 54 && event.frame[12] == 8 && event.frame[13] == 0) {
      iss = load<std::uint32_t>(event.frame.data() + 38, std::endian::big);
    }
  });
  Application nobody({}, {}, 1, 0);
  Stack a(link.device(Side::a), world.stack_a, clock.now());
  Stack b(link.device(Side::b), world.stack_b, clock.now());
  if (!a.connect({address_b, server_port}, nobody)) return world.start;
  // Turns until ARP is through; the number was drawn by connect() at the start.
  for (int i = 0; i < 8 && iss == 0; ++i) {
    a.poll(clock.now());
    b.poll(clock.now());
    if (link.next_arrival().ns != 0) clock.advance_to(link.next_arrival());
    link.deliver(32);
  }
  constexpr std::uint32_t before_wrap = 20'000;
  const std::uint32_t ticks = 0u - before_wrap - iss;
  return world.start + Duration{static_cast<std::int64_t>(ticks) * 4'000};
}

}  // namespace

double loss_of(std::uint64_t seed) {
  constexpr std::array<double, 4> rates{0, 0.01, 0.05, 0.2};
  return rates[seed % rates.size()];
}

Outcome simulate(const Plan& plan) {
  World world = world_of(plan);
  if (plan.seed % 3 == 0) world.start = start_before_wrap(world, plan.seed);
  const Bytes stream_a = random_stream(plan.seed * 2 + 1, plan.size);
  const Bytes stream_b = random_stream(plan.seed * 2 + 2, plan.size);

  VirtualClock clock(world.start);
  SimLink link(clock, plan.seed, world.link, world.device_a, world.device_b);
  link.device(Side::a).limit(~std::size_t{0}, world.transmit_max);
  SegmentChecker checker({.rtt_least = {2 * world.link.delay.ns},
                          .receive_window = {world.stack_a.receive_window_size, world.stack_b.receive_window_size},
                          .delayed_ack = world.stack_a.delayed_ack,
                          .forgetful = world.stack_b.half_open_count_max == 0 ? std::optional(Side::b) : std::nullopt,
                          .stream = {stream_a, stream_b}});
  link.on_sent([&](const LinkEvent& event) { checker.sent(event); });
  link.on_delivered([&](const LinkEvent& event) { checker.delivered(event); });

  Application client(stream_a, stream_b, plan.seed + 77, world.pause_a);
  Application application(stream_b, stream_a, plan.seed + 78, world.pause_b);
  Server server(application);
  Outcome outcome;
  {
    Stack a(link.device(Side::a), world.stack_a, clock.now());
    Stack b(link.device(Side::b), world.stack_b, clock.now());
    const auto failed = [&](const std::string& what) {
      if (outcome.failure.empty()) outcome.failure = what;
    };
    if (!b.listen({address_b, server_port}, server)) failed("listen");
    const auto stream = a.connect({address_b, server_port}, client);
    if (!stream) {
      failed("connect");
      return outcome;
    }
    client.start(**stream);

    bool told_closed = false;
    const std::uint64_t steps_max = steps_least + plan.size * steps_per_byte_max;
    std::uint64_t steps = 0;
    while (outcome.failure.empty()) {
      // Everything that happens at this instant.
      for (bool busy = true, settled = true; busy;) {
        // Nothing new arrives before the last turn's frames are out, so that the checker knows what the stack knew.
        const std::size_t arrived = settled ? link.deliver(32) : 0;
        const std::size_t work = a.poll(clock.now()) + b.poll(clock.now());
        const std::size_t acted = client.turn(clock.now()) + application.turn(clock.now());
        a.check();
        b.check();
        busy = arrived + work + acted > 0 || !settled;
        settled = work == 0;
        if (++steps > steps_max) {
          failed("busy without end");
          break;
        }
      }
      checker.at(clock.now());
      if (checker.failed()) failed(checker.failure());
      if (!client.failure().empty()) failed("client: " + client.failure());
      if (!application.failure().empty()) failed("server: " + application.failure());
      for (const Application* side : {&client, &application}) {
        if (side->stream() == nullptr) continue;
        const Rtt& rtt = static_cast<const Connection*>(side->stream())->rtt();
        if (rtt.measured() && rtt.smoothed().ns < 2 * world.link.delay.ns) failed("a round trip shorter than the link");
      }
      if (client.closed() && application.closed() && !told_closed) {
        told_closed = true;
        outcome.seconds = static_cast<double>((clock.now() - world.start).us()) / 1e6;
      }
      Instant next{};
      const auto consider = [&](Instant at) {
        if (at.ns != 0 && (next.ns == 0 || at < next)) next = at;
      };
      consider(link.next_arrival());
      consider(a.next_deadline());
      consider(b.next_deadline());
      consider(client.resume_at());
      consider(application.resume_at());
      if (next.ns == 0) break;
      if (clock.now() - world.start > virtual_time_max) failed("no end after 48 hours of virtual time");
      clock.advance_to(next);
    }
    if (outcome.failure.empty() && (!client.closed() || !application.closed())) {
      for (const Application* side : {&client, &application}) {
        if (side->stream() != nullptr)
          outcome.failure +=
              fmt::format("{} ", state_names[static_cast<std::size_t>(static_cast<const Connection*>(side->stream())->state())]);
      }
      outcome.failure += fmt::format("not closed: client {}, server {}", client.progress(), application.progress());
    }
    if (server.count() != 1) failed(fmt::format("{} connections accepted", server.count()));
    for (const Stack* stack : {&a, &b}) {
      const StackUsage usage = stack->usage();
      const std::size_t left =
          usage.connections + usage.half_open + usage.time_wait + usage.timers + usage.frames + usage.receive_memory + usage.table_entries;
      if (left != 0)
        failed(fmt::format("left over: {} connections, {} half open, {} TIME-WAIT, {} timers, {} frames, {} bytes, {} table entries",
                           usage.connections, usage.half_open, usage.time_wait, usage.timers, usage.frames, usage.receive_memory,
                           usage.table_entries));
      outcome.timeouts += stack->counters().timeouts;
      outcome.fast_retransmits += stack->counters().fast_retransmits;
      outcome.probes += stack->counters().probes;
    }
    if (client.lent() + application.lent() != 0) failed("lent bytes not given back");
    if (link.in_the_air() == 0 && link.device(Side::a).out_count() + link.device(Side::b).out_count() != 0) failed("frames not given back");
  }
  outcome.segments = checker.segments();
  outcome.repeated = checker.repeated();
  outcome.corrupted = link.corrupted();
  return outcome;
}

}  // namespace pushmail::tcp

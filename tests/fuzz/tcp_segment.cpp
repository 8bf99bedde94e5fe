// Segments from a peer that knows our numbers and keeps no rule, into a stack in each of its states.
//
// The input is a program: the first byte chooses the state to start from and which budgets are spent, then one operation per byte with its
// operands. Checksums are "done by the device", so that what is mutated gets past them. After every operation the stack's invariants must
// hold, and at the end no frame and no lent byte may be missing.
#include <array>
#include <cstdint>

#include "core/result.h"
#include "dataplane/tcp/sim_link.h"
#include "dataplane/tcp/stack.h"

namespace {

using namespace pushmail;
using namespace pushmail::tcp;

constexpr std::uint32_t our_ip = 0xC6120001, peer_ip = 0xC6120002;
constexpr std::uint16_t our_port = 25, peer_port = 40'000;
constexpr MacAddress our_mac{2, 0, 0, 0, 0, 1}, peer_mac{2, 0, 0, 0, 0, 2};

class Program {
 public:
  explicit Program(ByteView bytes) : bytes_(bytes) {}
  [[nodiscard]] bool over() const { return at_ >= bytes_.size(); }
  [[nodiscard]] std::uint8_t byte() { return over() ? std::uint8_t{0} : bytes_[at_++]; }
  [[nodiscard]] std::uint16_t two() {
    const std::uint16_t high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  [[nodiscard]] ByteView take(std::size_t size) {
    size = std::min(size, bytes_.size() - at_);
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

class Session final : public StreamEvents, public Acceptor {
 public:
  void on_accept(Stream& accepted) override {
    if (stream != nullptr) return accepted.abort();
    begin(accepted);
    accepted.set_events(*this);
  }
  void on_data(ByteView bytes) override {
    PM_CHECK(stream != nullptr && !ended_ && !bytes.empty());
    if (bytes[0] == 'P') stream->pause_reading();
    if (bytes[0] == 'A') stream->abort();
    if (bytes[0] == 'F') stream->finish();
    if (bytes[0] == 'S') stream->send(bytes);
  }
  void on_end() override {
    PM_CHECK(stream != nullptr && !ended_);
    ended_ = true;
  }
  void on_close(CloseReason) override {
    PM_CHECK(stream != nullptr);
    stream = nullptr;
  }
  void begin(Stream& of_a_connection) {
    stream = &of_a_connection;
    ended_ = false;
  }
  Stream* stream = nullptr;
  int lent = 0;

 private:
  bool ended_ = false;
};

class World {
 public:
  explicit World(const StackConfig& config) : stack_(link_.device(Side::a), config, clock_.now()) {
    link_.on_sent([this](const LinkEvent& event) { see(event.frame); });
    PM_CHECK(stack_.listen({IpAddress::v4(our_ip), our_port}, session_).has_value());
    Bytes arp(our_mac.begin(), our_mac.end());
    append(arp, ByteView(peer_mac));
    constexpr std::array<std::uint8_t, 10> request{0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
    append(arp, ByteView(request));
    append(arp, ByteView(peer_mac));
    append(arp, peer_ip, std::endian::big);
    arp.resize(arp.size() + 6);
    append(arp, our_ip, std::endian::big);
    raw(arp);
  }

  void raw(ByteView frame) {
    link_.device(Side::a).inject(frame);
    turn();
  }

  // Numbers are offsets from what an honest peer would say.
  void segment(std::uint8_t flags, std::int32_t seq_offset, std::int32_t ack_offset, std::uint16_t window, ByteView options,
               ByteView text) {
    Bytes frame(our_mac.begin(), our_mac.end());
    append(frame, ByteView(peer_mac));
    append(frame, ether_ipv4, std::endian::big);
    const std::size_t padded = (options.size() + 3) / 4 * 4;
    append(frame, std::uint16_t{0x4500}, std::endian::big);
    append(frame, static_cast<std::uint16_t>(40 + padded + text.size()), std::endian::big);
    append(frame, std::uint32_t{0}, std::endian::big);
    append(frame, std::uint32_t{0x40060000}, std::endian::big);
    append(frame, peer_ip, std::endian::big);
    append(frame, our_ip, std::endian::big);
    append(frame, active_ ? std::uint16_t{25} : peer_port, std::endian::big);
    append(frame, active_ ? local_port_ : our_port, std::endian::big);
    append(frame, expected_ + static_cast<std::uint32_t>(seq_offset), std::endian::big);
    append(frame, sent_ + static_cast<std::uint32_t>(ack_offset), std::endian::big);
    frame.push_back(static_cast<std::uint8_t>((20 + padded) / 4 << 4));
    frame.push_back(flags);
    append(frame, window, std::endian::big);
    append(frame, std::uint32_t{0}, std::endian::big);
    append(frame, options);
    frame.resize(frame.size() + padded - options.size());
    append(frame, text);
    raw(frame);
  }

  void connect() {
    if (session_.stream != nullptr) return;
    const auto made = stack_.connect({IpAddress::v4(peer_ip), 25}, session_);
    if (made) session_.begin(**made);
    active_ = true;
    expected_ = 5000;
    turn();
  }
  void establish() {
    segment(syn, 0, 0, 0xFFFF, {}, {});
    segment(ack, 0, 0, 0xFFFF, {}, {});
  }
  void application(std::uint8_t what, std::size_t size) {
    if (session_.stream == nullptr) return;
    static constexpr std::array<std::uint8_t, 70'000> zeros{};
    const ByteView bytes = ByteView(zeros).first(std::min(size, zeros.size()));
    Stream& stream = *session_.stream;
    switch (what % 6) {
      case 0:
        stream.send(bytes);
        break;
      case 1:
        ++session_.lent;
        stream.send_lent({bytes, [](void* session) { --static_cast<Session*>(session)->lent; }, &session_});
        break;
      case 2:
        stream.finish();
        break;
      case 3:
        stream.abort();
        break;
      case 4:
        stream.pause_reading();
        break;
      default:
        stream.resume_reading();
    }
    turn();
  }
  void pass(Duration time) {
    const Instant until = clock_.now() + time;
    for (int i = 0; i < 2000 && clock_.now() < until; ++i) {
      const Instant next = stack_.next_deadline();
      clock_.advance_to(next.ns == 0 || next > until ? until : std::max(next, clock_.now() + milliseconds(1)));
      turn();
    }
  }
  void limit(std::size_t frames) { link_.device(Side::a).limit(frames, frames); }

 private:
  void see(ByteView frame) {
    PM_CHECK(frame.size() <= 1514);
    if (frame.size() < 54 || frame[12] != 8 || frame[13] != 0 || frame[23] != 6) return;
    const auto number = [&](std::size_t at) { return load<std::uint32_t>(frame.data() + at, std::endian::big); };
    const std::uint8_t flags = frame[47];
    if ((flags & rst) != 0) return;
    const std::size_t text = frame.size() - 34 - static_cast<std::size_t>(frame[46] >> 4) * 4;
    sent_ = number(38) + static_cast<std::uint32_t>(text) + ((flags & (syn | fin)) != 0 ? 1 : 0);
    if ((flags & ack) != 0) expected_ = number(42);
    local_port_ = load<std::uint16_t>(frame.data() + 34, std::endian::big);
  }
  void turn() {
    for (int i = 0; i < 64 && stack_.poll(clock_.now()) > 0; ++i) stack_.check();
    stack_.check();
    // The air is emptied into nothing.
    clock_.advance_to(clock_.now() + microseconds(200));
    std::array<Frame, 32> arrived;
    link_.deliver(~std::size_t{0});
    for (std::size_t count = 1; count > 0;) {
      count = link_.device(Side::b).receive(arrived);
      for (std::size_t i = 0; i < count; ++i) link_.device(Side::b).release(arrived[i]);
    }
  }

  // Declared in this order so that the stack goes first, then the check, then the link.
  VirtualClock clock_{Instant{seconds(1000).ns}};
  Session session_;
  SimLink link_{clock_, 1, {}, {.mac = our_mac, .checksum_in = ChecksumBy::device}, {.mac = peer_mac}};
  struct Books {
    World& world;
    ~Books() {
      PM_CHECK(world.link_.device(Side::a).out_count() == 0);
      PM_CHECK(world.session_.lent == 0);
    }
  } books_{*this};
  Stack stack_;
  std::uint32_t expected_ = 1000;
  std::uint32_t sent_ = 0;
  std::uint16_t local_port_ = 0;
  bool active_ = false;
};

void start(World& world, std::uint8_t state) {
  switch (state % 10) {
    case 0:
      return;  // LISTEN
    case 1:
      return world.connect();
    case 2:
      return world.segment(syn, 0, 0, 0xFFFF, {}, {});
    case 3:
      return world.establish();
    case 4:  // data in flight
      world.establish();
      return world.application(0, 9000);
    case 5:  // FIN_WAIT_1
      world.establish();
      return world.application(2, 0);
    case 6:  // FIN_WAIT_2
      world.establish();
      world.application(2, 0);
      return world.segment(ack, 0, 0, 0xFFFF, {}, {});
    case 7:  // CLOSE_WAIT
      world.establish();
      return world.segment(ack | fin, 0, 0, 0xFFFF, {}, {});
    case 8:  // LAST_ACK
      world.establish();
      world.segment(ack | fin, 0, 0, 0xFFFF, {}, {});
      return world.application(2, 0);
    default:  // TIME_WAIT
      world.establish();
      world.application(2, 0);
      return world.segment(ack | fin, 0, 0, 0xFFFF, {}, {});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program program({data, std::min<std::size_t>(size, 4096)});
  const std::uint8_t first = program.byte();
  StackConfig config{.address = IpAddress::v4(our_ip), .connection_count_max = 8, .receive_window_size = 20'000};
  if (first >= 0x80) config.half_open_count_max = 0;                // every SYN gets a cookie
  if ((first & 0x40) != 0) config.receive_memory_size_max = 5'000;  // little can be kept
  World world(config);
  start(world, first & 0x3F);
  while (!program.over()) {
    switch (program.byte() % 8) {
      case 0: {  // a segment close to what is right
        const std::uint8_t flags = program.byte();
        const auto seq = static_cast<std::int8_t>(program.byte());
        const auto number = static_cast<std::int8_t>(program.byte());
        const std::uint16_t window = program.two();
        const ByteView text = program.take(program.byte());
        world.segment(flags, seq, number, window, {}, text);
        break;
      }
      case 1: {  // far from it, with options
        const std::uint8_t flags = program.byte();
        const std::int32_t seq = static_cast<std::int16_t>(program.two()) * 97;
        const std::int32_t number = static_cast<std::int16_t>(program.two()) * 65'537;
        const ByteView options = program.take(program.byte() % 41);
        world.segment(flags, seq, number, program.two(), options, program.take(program.byte()));
        break;
      }
      case 2:
        world.raw(program.take(program.byte()));
        break;
      case 3:
        world.pass(milliseconds(program.byte()));
        break;
      case 4:
        world.pass(seconds(program.byte()));
        break;
      case 5: {
        const std::uint8_t what = program.byte();
        world.application(what, program.two());
        break;
      }
      case 6:
        world.connect();
        break;
      default:
        world.limit(program.byte() % 4 == 0 ? 1 : ~std::size_t{0});
    }
  }
  return 0;
}

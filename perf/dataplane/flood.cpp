// Strangers of perf/run dataplane: SYN segments with invented source addresses.
//
//   perf_flood ADDRESS:PORT RATE     RATE: segments a second, 0: as many as this machine makes; order: any; answer: {"sent":N}
#include <fmt/format.h>
#include <linux/ip.h>
#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/ids.h"
#include "perf/dataplane/sockets.h"

namespace pushmail::perf {
namespace {

constexpr std::size_t burst = 64;

struct Segment {
  iphdr ip;
  tcphdr tcp;
};

/// RFC 1071.
std::uint32_t sum_of(const void* bytes, std::size_t size, std::uint32_t sum) {
  const auto* at = static_cast<const std::uint8_t*>(bytes);
  for (std::size_t i = 0; i + 1 < size; i += 2) sum += static_cast<std::uint32_t>(at[i] << 8 | at[i + 1]);
  return sum;
}
std::uint16_t checksum_of(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return htons(static_cast<std::uint16_t>(~sum));
}

Segment syn(const sockaddr_in& to, std::uint64_t drawn) {
  Segment segment{};
  segment.ip.version = 4;
  segment.ip.ihl = 5;
  segment.ip.ttl = 64;
  segment.ip.protocol = IPPROTO_TCP;
  segment.ip.tot_len = htons(sizeof segment);
  segment.ip.saddr = htonl(0xC6330000U | (drawn & 0xFFFF));  // 198.51.x.y: nobody's here
  segment.ip.daddr = to.sin_addr.s_addr;
  segment.tcp.source = htons(static_cast<std::uint16_t>(1024 + (drawn >> 16 & 0x7FFF)));
  segment.tcp.dest = to.sin_port;
  segment.tcp.seq = static_cast<std::uint32_t>(drawn >> 32);
  segment.tcp.doff = 5;
  segment.tcp.syn = 1;
  segment.tcp.window = htons(64240);
  const std::uint32_t pseudo = sum_of(&segment.ip.saddr, 8, IPPROTO_TCP + sizeof segment.tcp);
  segment.tcp.check = checksum_of(sum_of(&segment.tcp, sizeof segment.tcp, pseudo));
  return segment;
}

int run(const sockaddr_in& to, std::uint64_t rate) {
  const SystemClock clock;
  const Instant started = clock.now();
  const int fd = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) give_up("raw socket");
  std::vector<Segment> segments(burst);
  std::vector<iovec> parts(burst);
  std::vector<mmsghdr> messages(burst);
  sockaddr_in target = to;
  std::uint64_t sent = 0, draw = random_u64();
  while (true) {
    if (rate != 0) {
      const std::int64_t due_ns = static_cast<std::int64_t>(sent * 1'000'000'000 / rate);
      std::this_thread::sleep_for(std::chrono::nanoseconds(due_ns - (clock.now() - started).ns));
    }
    for (std::size_t i = 0; i < burst; ++i) {
      // Marsaglia's xorshift: the kernel's random numbers are slower than its socket.
      draw ^= draw << 13;
      draw ^= draw >> 7;
      draw ^= draw << 17;
      segments[i] = syn(to, draw);
      parts[i] = {.iov_base = &segments[i], .iov_len = sizeof(Segment)};
      messages[i] = {};
      messages[i].msg_hdr.msg_name = &target;
      messages[i].msg_hdr.msg_namelen = sizeof target;
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int n = ::sendmmsg(fd, messages.data(), burst, 0);
    if (n > 0) sent += static_cast<std::uint64_t>(n);
    pollfd orders{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&orders, 1, 0) <= 0) continue;
    std::array<char, 256> line;
    if (::read(STDIN_FILENO, line.data(), line.size()) <= 0) return 0;
    fmt::print("{{\"sent\":{}}}\n", sent);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace pushmail::perf

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  return pushmail::perf::run(pushmail::perf::address_of(argv[1]), std::strtoull(argv[2], nullptr, 10));
}

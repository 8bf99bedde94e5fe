#include "dataplane/nic/port.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <filesystem>

#include "core/log.h"
#include "dataplane/nic/errors.h"

namespace pushmail {

namespace {

constexpr std::uint16_t queue = 0;
constexpr std::uint16_t ring_size_wanted = 1024;
constexpr std::uint16_t burst_size_max = 64;
// Frames that the stack may hold back: out-of-order segments of its whole receive budget.
constexpr std::uint32_t held_frame_count = 8192;
constexpr std::uint32_t ethernet_header_size = 14;

rte_mbuf* mbuf_of(const Frame& frame) { return static_cast<rte_mbuf*>(frame.handle); }

Frame frame_of(rte_mbuf* mbuf) {
  return {.data = rte_pktmbuf_mtod(mbuf, std::uint8_t*),
          .size = mbuf->data_len,
          .capacity = static_cast<std::uint32_t>(mbuf->data_len) + rte_pktmbuf_tailroom(mbuf),
          .handle = mbuf};
}

// net_tap asks the kernel for a SIGIO per packet, which costs three quarters of its throughput; we poll, so none is needed. Must run
// after the receive queue is set up and before the port starts.
void stop_signals_of_taps() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = readlink(entry.path().c_str(), target.data(), target.size() - 1);
    if (size <= 0 || std::string_view(target.data(), static_cast<std::size_t>(size)) != "/dev/net/tun") continue;
    int descriptor = -1;
    const std::string name = entry.path().filename().string();
    if (std::from_chars(name.data(), name.data() + name.size(), descriptor).ec != std::errc{}) continue;
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0) fcntl(descriptor, F_SETFL, flags & ~O_ASYNC);
  }
}

}  // namespace

Result<std::unique_ptr<Port>> Port::open(const PortOptions& options) {
  std::unique_ptr<Port> port(new Port());
  if (rte_eth_dev_get_port_by_name(options.name.c_str(), &port->id_) != 0) return fail(nic_no_port);
  if (auto started = port->start(options); !started) return std::unexpected(started.error());
  return port;
}

Result<void> Port::start(const PortOptions& options) {
  const auto refused = [](std::string_view step, int result) {
    log_error("port_failed").text("step", step).text("reason", rte_strerror(-result));
    return fail(nic_port_failed);
  };
  rte_eth_dev_info info{};
  if (const int result = rte_eth_dev_info_get(id_, &info); result != 0) return refused("info", result);

  std::uint16_t receive_ring = ring_size_wanted;
  std::uint16_t transmit_ring = ring_size_wanted;
  rte_eth_conf conf{};
  conf.intr_conf.rxq = 1;
  conf.rxmode.mtu = options.mtu;
  int result = rte_eth_dev_configure(id_, 1, 1, &conf);
  const bool interrupts = result == 0;
  if (!interrupts) {
    conf.intr_conf.rxq = 0;
    result = rte_eth_dev_configure(id_, 1, 1, &conf);
  }
  if (result != 0) return refused("configure", result);
  if (result = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive_ring, &transmit_ring); result != 0) return refused("rings", result);

  const std::uint32_t frame_count = receive_ring            // waiting to be filled by the device
                                    + transmit_ring         // waiting to be sent by it
                                    + held_frame_count      // out-of-order segments in the stack
                                    + 2U * burst_size_max;  // in our hands during a turn
  const auto room = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + std::max(options.mtu + ethernet_header_size + 4, 2048U));
  // A virtual device belongs to no NUMA node and says -1.
  const int node = std::max(0, rte_eth_dev_socket_id(id_));
  pool_ = rte_pktmbuf_pool_create(fmt::format("frames_{}", id_).c_str(), frame_count, 256, 0, room, node);
  if (pool_ == nullptr) return fail(nic_no_memory);

  if (result = rte_eth_rx_queue_setup(id_, queue, receive_ring, static_cast<unsigned>(node), nullptr, pool_); result != 0) {
    return refused("receive queue", result);
  }
  if (result = rte_eth_tx_queue_setup(id_, queue, transmit_ring, static_cast<unsigned>(node), nullptr); result != 0) {
    return refused("transmit queue", result);
  }
  stop_signals_of_taps();
  if (result = rte_eth_dev_start(id_); result != 0) return refused("start", result);
  started_ = true;

  facts_.mtu = options.mtu;
  facts_.mac = options.mac;
  if (facts_.mac == MacAddress{}) {
    rte_ether_addr own{};
    if (result = rte_eth_macaddr_get(id_, &own); result != 0) return refused("address", result);
    std::copy(std::begin(own.addr_bytes), std::end(own.addr_bytes), facts_.mac.begin());
  } else {
    // Our address is not the port's, so the port must let all frames through; what is not ours the stack drops.
    rte_eth_promiscuous_enable(id_);
  }
  if (interrupts) interrupt_fd_ = rte_eth_dev_rx_intr_ctl_q_get_fd(id_, queue);
  log_info("port_started")
      .text("port", options.name)
      .number("frames", frame_count)
      .number("receive_ring", receive_ring)
      .number("transmit_ring", transmit_ring);
  return {};
}

Port::~Port() {
  if (started_) {
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
  }
  rte_mempool_free(pool_);
}

DeviceFacts Port::facts() const { return facts_; }

std::size_t Port::receive(std::span<Frame> into) {
  std::array<rte_mbuf*, burst_size_max> mbufs;
  const auto wanted = static_cast<std::uint16_t>(std::min<std::size_t>(into.size(), mbufs.size()));
  const std::uint16_t count = rte_eth_rx_burst(id_, queue, mbufs.data(), wanted);
  std::size_t taken = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    // The stack wants one contiguous piece; at our MTU the device makes no chains unless offloads are on at the other end.
    if (mbufs[i]->nb_segs != 1) {
      rte_pktmbuf_free(mbufs[i]);
      continue;
    }
    into[taken++] = frame_of(mbufs[i]);
  }
  return taken;
}

Frame Port::allocate() {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  return mbuf == nullptr ? Frame{} : frame_of(mbuf);
}

void Port::release(const Frame& frame) { rte_pktmbuf_free(mbuf_of(frame)); }

std::size_t Port::transmit(std::span<const Frame> frames) {
  std::size_t sent = 0;
  while (sent < frames.size()) {
    std::array<rte_mbuf*, burst_size_max> mbufs;
    const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(frames.size() - sent, mbufs.size()));
    for (std::uint16_t i = 0; i < count; ++i) {
      mbufs[i] = mbuf_of(frames[sent + i]);
      mbufs[i]->data_len = static_cast<std::uint16_t>(frames[sent + i].size);
      mbufs[i]->pkt_len = frames[sent + i].size;
    }
    const std::uint16_t taken = rte_eth_tx_burst(id_, queue, mbufs.data(), count);
    sent += taken;
    if (taken < count) break;
  }
  return sent;
}

void Port::wait(int wake_fd, Duration longest) {
  // A device without an interrupt is looked at again soon; one with an interrupt wakes us.
  constexpr Duration blind_max = microseconds(100);
  const bool blind = interrupt_fd_ < 0 || rte_eth_dev_rx_intr_enable(id_, queue) != 0;
  const Duration span = blind ? std::min(longest, blind_max) : longest;
  std::array<pollfd, 2> wanted{pollfd{wake_fd, POLLIN, 0}, pollfd{interrupt_fd_, POLLIN, 0}};
  const timespec timeout{span.ns / 1'000'000'000, span.ns % 1'000'000'000};
  ppoll(wanted.data(), blind ? 1 : 2, &timeout, nullptr);
  if (!blind) rte_eth_dev_rx_intr_disable(id_, queue);
}

PortStats Port::stats() const {
  rte_eth_stats raw{};
  if (rte_eth_stats_get(id_, &raw) != 0) return {};
  return {.frames_in = raw.ipackets,
          .bytes_in = raw.ibytes,
          .frames_out = raw.opackets,
          .bytes_out = raw.obytes,
          .missed = raw.imissed,
          .errors = raw.ierrors + raw.oerrors,
          .no_memory = raw.rx_nombuf};
}

}  // namespace pushmail

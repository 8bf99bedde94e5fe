// The seam below our TCP: Ethernet frames and the device that carries them. On DPDK a frame is an mbuf (dataplane/nic), in the
// simulation it is plain memory (sim_link). The stack never sees which.
//
// Came from: a device's receive queue. Goes to: stack.cpp, which reads frames in place and gives each one back within the turn.
// Invariant: a frame has one owner. allocate and receive make the stack the owner; release and an accepting transmit end that.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/bytes.h"
#include "core/clock.h"

namespace pushmail {

using MacAddress = std::array<std::uint8_t, 6>;

/// One Ethernet frame without FCS, in one contiguous piece. `data[0, size)` are its bytes, `capacity` is how far it may grow.
/// `handle` is the device's own (the mbuf); nobody else looks at it. data == nullptr: no frame.
struct Frame {
  std::uint8_t* data = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  void* handle = nullptr;

  [[nodiscard]] explicit operator bool() const { return data != nullptr; }
  [[nodiscard]] ByteView bytes() const { return {data, size}; }
};

/// Who does the Internet checksums: the stack, or the device.
enum class ChecksumBy : std::uint8_t { stack, device };

/// What the stack must know of a device; constant while it runs.
struct DeviceFacts {
  MacAddress mac{};
  /// Bytes of an IP packet.
  std::uint32_t mtu = 1500;
  /// device: every frame that receive() returns has been verified (IPv4 header and TCP), the bad ones are gone.
  ChecksumBy checksum_in = ChecksumBy::stack;
  /// device: transmit() fills both checksums of IPv4 TCP frames; the stack leaves the pseudo-header's sum (not inverted) in the TCP
  /// field and 0 in the IPv4 field, as rte_mbuf's RTE_MBUF_F_TX_IP_CKSUM and RTE_MBUF_F_TX_TCP_CKSUM want them.
  ChecksumBy checksum_out = ChecksumBy::stack;
};

/// One receive and one transmit queue of a port, used by one thread.
class FrameDevice {
 public:
  virtual ~FrameDevice() = default;
  [[nodiscard]] virtual DeviceFacts facts() const = 0;
  /// Fills the front of `into` with frames that came in; returns how many. The stack owns them until it releases them.
  [[nodiscard]] virtual std::size_t receive(std::span<Frame> into) = 0;
  /// An empty frame (size 0, capacity at least mtu + 14), or none when the pool is spent.
  [[nodiscard]] virtual Frame allocate() = 0;
  virtual void release(const Frame& frame) = 0;
  /// Takes frames from the front of `frames` and returns how many; the rest stay with the caller, who tries again next turn.
  [[nodiscard]] virtual std::size_t transmit(std::span<const Frame> frames) = 0;
  /// Blocks until something may have come in, `wake_fd` is readable, or `longest` has passed.
  virtual void wait(int wake_fd, Duration longest) = 0;
};

}  // namespace pushmail

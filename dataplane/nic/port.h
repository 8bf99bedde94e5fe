// One DPDK port with one receive and one transmit queue: the FrameDevice under our TCP on real and virtual NICs.
//
// Came from: eal (the port exists). Goes to: tcp/stack, which reads frames in place. Every mbuf of the pool is either in a ring of the
// NIC or owned by the stack; the pool is the commented sum in port.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/result.h"
#include "dataplane/nic/frame.h"

struct rte_mempool;

namespace pushmail {

struct PortOptions {
  std::string name;          // name of the vdev (net_tap0) or PCI address
  std::uint32_t mtu = 1500;  // bytes of an IP packet
  MacAddress mac{};          // all zero: the port's own
};

/// What the port itself counted since its start.
struct PortStats {
  std::uint64_t frames_in = 0, bytes_in = 0, frames_out = 0, bytes_out = 0;
  std::uint64_t missed = 0;  // dropped by the device: its ring was full
  std::uint64_t errors = 0;
  std::uint64_t no_memory = 0;  // no mbuf for a frame that came in
};

class Port final : public FrameDevice {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Port>> open(const PortOptions& options);
  ~Port() override;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] DeviceFacts facts() const override;
  [[nodiscard]] std::size_t receive(std::span<Frame> into) override;
  [[nodiscard]] Frame allocate() override;
  void release(const Frame& frame) override;
  [[nodiscard]] std::size_t transmit(std::span<const Frame> frames) override;
  void wait(int wake_fd, Duration longest) override;

  [[nodiscard]] PortStats stats() const;

 private:
  Port() = default;
  [[nodiscard]] Result<void> start(const PortOptions& options);

  std::uint16_t id_ = 0;
  bool started_ = false;
  DeviceFacts facts_;
  rte_mempool* pool_ = nullptr;
  int interrupt_fd_ = -1;  // readable when frames wait; -1: the device cannot tell
};

}  // namespace pushmail

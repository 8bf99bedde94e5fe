#include "dataplane/link.h"

#include "core/ids.h"
#include "dataplane/nic/link_options.h"
#include "dataplane/nic/port.h"
#include "dataplane/tcp/kernel.h"
#include "dataplane/tcp/stack.h"

namespace pushmail {

namespace {

class KernelLink final : public Link {
 public:
  explicit KernelLink(std::unique_ptr<KernelNetwork> network) : network_(std::move(network)) {}
  Network& network() override { return *network_; }
  void enter_thread() override {}
  void publish(Counters&) const override {}

 private:
  std::unique_ptr<KernelNetwork> network_;
};

// The port outlives the stack, which gives its frames back when it goes.
class DpdkLink final : public Link {
 public:
  DpdkLink(std::unique_ptr<Port> port, const tcp::StackConfig& config, Instant now)
      : port_(std::move(port)), stack_(std::make_unique<tcp::Stack>(*port_, config, now)) {}
  Network& network() override { return *stack_; }
  void enter_thread() override { register_worker_thread(); }
  void publish(Counters& counters) const override {
    const PortStats port = port_->stats();
    counters.set(Counter::port_frames_in, port.frames_in);
    counters.set(Counter::port_bytes_in, port.bytes_in);
    counters.set(Counter::port_frames_out, port.frames_out);
    counters.set(Counter::port_bytes_out, port.bytes_out);
    counters.set(Counter::port_missed, port.missed);
    counters.set(Counter::port_errors, port.errors);
    counters.set(Counter::port_no_memory, port.no_memory);
    const tcp::StackCounters& stack = stack_->counters();
    counters.set(Counter::tcp_segments_in, stack.segments_in);
    counters.set(Counter::tcp_segments_out, stack.segments_out);
    counters.set(Counter::tcp_retransmissions, stack.retransmissions);
    counters.set(Counter::tcp_timeouts, stack.timeouts);
    counters.set(Counter::tcp_fast_retransmits, stack.fast_retransmits);
    counters.set(Counter::tcp_resets_out, stack.resets_out);
  }

 private:
  std::unique_ptr<Port> port_;
  std::unique_ptr<tcp::Stack> stack_;
};

Result<std::unique_ptr<Link>> open_dpdk_link(const Config& config, const Clock& clock) {
  PM_TRY(const LinkOptions options, read_link_options(config));
  if (auto started = start_eal(options.eal); !started) return std::unexpected(started.error());
  PM_TRY(auto port, Port::open(options.port));
  tcp::StackConfig stack;
  stack.address = options.address;
  stack.prefix_length = static_cast<std::uint8_t>(options.prefix_length);
  if (options.gateway != IpAddress{}) stack.gateway = options.gateway;
  fill_random({reinterpret_cast<std::uint8_t*>(&stack.secret), sizeof stack.secret});
  return std::make_unique<DpdkLink>(std::move(port), stack, clock.now());
}

}  // namespace

Result<std::unique_ptr<Link>> open_link(const Config& config, const Clock& clock) {
  if (config.text("link.kind") == "dpdk") return open_dpdk_link(config, clock);
  PM_TRY(auto network, KernelNetwork::open());
  return std::make_unique<KernelLink>(std::move(network));
}

}  // namespace pushmail

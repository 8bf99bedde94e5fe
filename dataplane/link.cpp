#include "dataplane/link.h"

#include <fmt/format.h>

#include "core/ids.h"
#include "core/log.h"
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
  [[nodiscard]] std::string counters_json() const override { return R"({"event":"port","link":"kernel"})"; }

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
  [[nodiscard]] std::string counters_json() const override {
    const PortStats port = port_->stats();
    const tcp::StackCounters& stack = stack_->counters();
    return fmt::format(R"({{"event":"port","link":"dpdk","frames_in":{},"bytes_in":{},"frames_out":{},"bytes_out":{},"missed":{},"errors":{},)"
                       R"("no_memory":{},"segments_in":{},"segments_out":{},"retransmissions":{},"timeouts":{},"fast_retransmits":{}}})",
                       port.frames_in, port.bytes_in, port.frames_out, port.bytes_out, port.missed, port.errors, port.no_memory,
                       stack.segments_in, stack.segments_out, stack.retransmissions, stack.timeouts, stack.fast_retransmits);
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

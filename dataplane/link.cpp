#include "dataplane/link.h"

#include "core/ids.h"
#include "core/log.h"
#include "dataplane/nic/link_options.h"
#include "dataplane/nic/port.h"
#include "dataplane/tcp/flood_watch.h"
#include "dataplane/tcp/kernel.h"
#include "dataplane/tcp/stack.h"

namespace pushmail {

namespace {

class KernelLink final : public Link {
 public:
  explicit KernelLink(std::unique_ptr<KernelNetwork> network) : network_(std::move(network)) {}
  Network& network() override { return *network_; }
  void enter_thread() override {}
  void publish(Counters&) override {}

 private:
  std::unique_ptr<KernelNetwork> network_;
};

// The port outlives the stack, which gives its frames back when it goes.
class DpdkLink final : public Link {
 public:
  DpdkLink(std::unique_ptr<Port> port, const tcp::StackConfig& config, const Clock& clock)
      : clock_(clock), port_(std::move(port)), stack_(std::make_unique<tcp::Stack>(*port_, config, clock.now())) {}
  Network& network() override { return *stack_; }
  void enter_thread() override { register_worker_thread(); }
  void publish(Counters& counters) override {
    const PortStats port = port_->stats();
    counters.set(Counter::port_frames_in, port.frames_in);
    counters.set(Counter::port_bytes_in, port.bytes_in);
    counters.set(Counter::port_frames_out, port.frames_out);
    counters.set(Counter::port_bytes_out, port.bytes_out);
    counters.set(Counter::port_missed, port.missed);
    counters.set(Counter::port_errors, port.errors);
    counters.set(Counter::port_no_memory, port.no_memory);
    const tcp::StackCounters& stack = stack_->counters();
    for (const tcp::StackCounterRow& row : tcp::stack_counter_rows) counters.set(row.counter, stack.*row.value);
    for (const tcp::DropRow& row : tcp::drop_rows) counters.set(row.counter, stack.of(row.drop));
    const tcp::StackUsage usage = stack_->usage();
    counters.set(Counter::tcp_connections, usage.connections);
    counters.set(Counter::tcp_half_open, usage.half_open);
    counters.set(Counter::tcp_time_wait, usage.time_wait);
    counters.set(Counter::tcp_receive_memory, usage.receive_memory);
    watch(syn_flood_, "syn_flood", stack.cookies_sent);
    watch(receive_memory_, "receive_memory_short", stack.of(tcp::Drop::receive_memory) + stack.out_of_order_discarded);
  }

 private:
  void watch(tcp::FloodWatch& flood, std::string_view event, std::uint64_t total) const {
    const auto report = flood.see(total, clock_.now());
    if (!report) return;
    const bool began = report->news == tcp::FloodWatch::News::began;
    log_warning(event)
        .text("now", began ? "begun" : "over")
        .number("count", static_cast<std::int64_t>(report->count))
        .number("seconds", report->lasted.ms() / 1000);
  }

  const Clock& clock_;
  tcp::FloodWatch syn_flood_, receive_memory_;
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
  if (options.gateway_mac != MacAddress{}) stack.gateway_mac = options.gateway_mac;
  fill_random({reinterpret_cast<std::uint8_t*>(&stack.secret), sizeof stack.secret});
  return std::make_unique<DpdkLink>(std::move(port), stack, clock);
}

}  // namespace

Result<std::unique_ptr<Link>> open_link(const Config& config, const Clock& clock) {
  if (config.text("link.kind") == "dpdk") return open_dpdk_link(config, clock);
  PM_TRY(auto network, KernelNetwork::open());
  return std::make_unique<KernelLink>(std::move(network));
}

}  // namespace pushmail

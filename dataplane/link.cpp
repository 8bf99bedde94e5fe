#include "dataplane/link.h"

#include "dataplane/tcp/kernel.h"

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

}  // namespace

Result<std::unique_ptr<Link>> open_link(const Config&, const Clock&) {
  PM_TRY(auto network, KernelNetwork::open());
  return std::make_unique<KernelLink>(std::move(network));
}

}  // namespace pushmail

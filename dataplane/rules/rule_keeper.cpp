#include "dataplane/rules/rule_keeper.h"

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/log.h"
#include "core/wait_on.h"

namespace pushmail {

namespace {

// How soon a set that a reader still held is looked at again.
constexpr int collect_again_ms = 1000;

void log_set(const std::filesystem::path& file, const scan::RuleSet& set) {
  const auto count = [&](scan::Action action) { return std::ranges::count(set.rules(), action, &scan::Rule::action); };
  log_info("rules").text("file", file.string()).number("count", static_cast<std::int64_t>(set.rules().size()));
  // Of mail handed in nothing else keeps it, so these are told in its history, and it goes on.
  const std::int64_t only_noted = count(scan::Action::hold) + count(scan::Action::never_push) + count(scan::Action::notify_only);
  if (only_noted > 0) log_warning("rules_only_noted").text("file", file.string()).number("count", only_noted);
}

}  // namespace

RuleKeeper::RuleKeeper(std::filesystem::path file, scan::RuleSet first, std::size_t reader_count)
    : file_(std::move(file)), slot_(reader_count) {
  if (!file_.empty()) log_set(file_, first);
  slot_.publish(std::make_unique<const scan::RuleSet>(std::move(first)));
  slot_.collect();
}

RuleKeeper::~RuleKeeper() { stop(); }

void RuleKeeper::watch(int reload_fd) {
  PM_CHECK(!thread_.joinable());
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  if (stop_fd_ < 0) system_failed("an eventfd", errno);
  thread_ = Thread("rules", [this, reload_fd] { run(reload_fd); });
}

void RuleKeeper::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  while (::write(stop_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
  ::close(std::exchange(stop_fd_, -1));
}

void RuleKeeper::run(int reload_fd) {
  std::size_t held = 0;
  while (true) {
    std::array<pollfd, 2> ready{{{.fd = stop_fd_, .events = POLLIN, .revents = 0}, {.fd = reload_fd, .events = POLLIN, .revents = 0}}};
    wait_on(ready, held > 0 ? collect_again_ms : -1);
    if ((ready[0].revents & POLLIN) != 0) return;
    signalfd_siginfo signal;
    if ((ready[1].revents & POLLIN) != 0 && ::read(reload_fd, &signal, sizeof signal) == sizeof signal) reload();
    held = slot_.collect();
  }
}

void RuleKeeper::reload() {
  auto set = scan::load_rules(file_);
  if (!set) {
    for (const scan::RuleFileFault& fault : set.error()) log_error("rules_refused").text("reason", fault.message);
    return;
  }
  log_set(file_, *set);
  slot_.publish(std::make_unique<const scan::RuleSet>(std::move(*set)));
}

}  // namespace pushmail

#include "dataplane/reloader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/config_changes.h"
#include "core/log.h"
#include "core/wait_on.h"

namespace pushmail {

namespace {

// How soon a set of rules that the codec lane still held is looked at again.
constexpr int collect_again_ms = 1000;
// A file may have a mistake in every line; who reads the answer mends some and asks again.
constexpr std::size_t refusal_size_max = 2000;

std::string shortened(std::string text) {
  std::ranges::replace(text, '\n', ';');
  if (text.size() > refusal_size_max) text.resize(refusal_size_max);
  return text;
}

void ring(int bell) {
  const std::uint64_t one = 1;
  while (::write(bell, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

/// Whether there was something to read.
template <class Word>
bool emptied(int descriptor) {
  Word word;
  return ::read(descriptor, &word, sizeof word) == static_cast<ssize_t>(sizeof word);
}

}  // namespace

Reloader::Reloader(std::filesystem::path root, const Config& started, MakeSettings make, RuleKeeper& rules, Ring<Reload>& out)
    : root_(std::move(root)), started_(started), running_(started), make_(std::move(make)), rules_(rules), out_(out) {
  bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell_ < 0) system_failed("an eventfd", errno);
}

Reloader::~Reloader() {
  stop();
  ::close(bell_);
}

void Reloader::watch(int reload_fd) {
  PM_CHECK(!thread_.joinable());
  thread_ = Thread("reloader", [this, reload_fd] { run(reload_fd); });
}

void Reloader::ask(std::uint64_t query) {
  query_.store(query, std::memory_order_release);
  ring(bell_);
}

void Reloader::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  ring(bell_);
  thread_.join();
}

void Reloader::run(int reload_fd) {
  std::size_t held = rules_.collect();
  while (true) {
    std::array<pollfd, 2> ready{{{.fd = bell_, .events = POLLIN, .revents = 0}, {.fd = reload_fd, .events = POLLIN, .revents = 0}}};
    wait_on(ready, held > 0 ? collect_again_ms : -1);
    const bool was_asked = emptied<std::uint64_t>(bell_);
    if (stopping_.load(std::memory_order_acquire)) return;
    const bool was_signalled = emptied<signalfd_siginfo>(reload_fd);
    if (was_asked || was_signalled) reload();
    held = rules_.collect();
  }
}

void Reloader::reload() {
  Reload news{.query = query_.load(std::memory_order_acquire)};
  auto fresh = read();
  if (!fresh) {
    news.refusal = shortened(std::move(fresh.error()));
    log_error("reload_refused").text("reason", news.refusal);
  } else {
    ConfigChanges changes = changes_of(started_, running_, fresh->config);
    log_least(log_level_of(fresh->config.text("log.level")));
    rules_.replace(fresh->config.text("rules.file"), std::move(fresh->rules));
    news.settings = std::make_unique<WorkerSettings>(make_(fresh->config, std::move(fresh->tls)));
    running_ = std::move(fresh->config);
    log_info("reloaded")
        .text("changed", fmt::format("{}", fmt::join(changes.taken, " ")))
        .text("at_restart", fmt::format("{}", fmt::join(changes.at_restart, " ")));
    news.at_restart = std::move(changes.at_restart);
  }
  news.configuration = running_.generation();
  out_.send(std::move(news));
  out_.flush();
}

// Nothing is taken before all of it is read.
std::expected<Reloader::Fresh, std::string> Reloader::read() const {
  auto config = Config::load(root_);
  if (!config) return std::unexpected(config.error().messages());
  auto rules = scan::load_rules(config->text("rules.file"));
  if (!rules) {
    std::vector<std::string> faults;
    for (const scan::RuleFileFault& fault : rules.error()) faults.push_back(fault.message);
    return std::unexpected(fmt::format("{}", fmt::join(faults, "\n")));
  }
  auto tls = read_tls_files(*config);
  if (!tls) return std::unexpected(tls.error().message());
  return Fresh{.config = std::move(*config), .rules = std::move(*rules), .tls = std::move(*tls)};
}

}  // namespace pushmail

#include "controlplane/cli/doctor.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "controlplane/binding/errors.h"
#include "controlplane/cli/live_check.h"
#include "controlplane/resolver.h"
#include "controlplane/settings.h"
#include "core/accounts.h"
#include "core/ascii.h"
#include "core/clock.h"
#include "core/endpoint.h"
#include "core/limits.h"
#include "core/timers.h"
#include "core/tls_files.h"

namespace pushmail::cli {

namespace {

using State = Finding::State;
namespace fs = std::filesystem;

constexpr std::uint64_t free_disk_least = limits::GiB;
constexpr std::uint64_t huge_page_size = 2 * limits::MiB;
constexpr std::uint64_t descriptors_least = 32'768;  // connections_max of both servers, and files

std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::string word;
  if (!(in >> word)) return std::nullopt;
  return parse_number<std::uint64_t>(word);
}

Finding state_folder(const fs::path& root) {
  const fs::path folder = (root.empty() ? fs::path("/") : root) / "var/lib/pushmail";
  Finding found{.check = "state folder", .object = folder.string()};
  std::error_code error;
  const auto space = fs::space(folder, error);
  if (error) {
    found.state = State::bad;
    found.words = "cannot be used: " + error.message();
    found.remedy = "systemd-tmpfiles --create pushmail.conf";
  } else if (space.available < free_disk_least) {
    found.state = State::bad;
    found.words = fmt::format("{} MiB are free; a full disk refuses mail", space.available / limits::MiB);
  } else {
    found.words = fmt::format("{} GiB are free", space.available / limits::GiB);
  }
  return found;
}

Finding account(const char* user) {
  Finding found{.check = "account", .object = user, .words = "is there"};
  const auto account = find_user(user);
  if (account && *account) return found;
  found.state = State::bad;
  found.words = account ? "there is no such user" : "nobody knows: " + std::string(account.error().info->text);
  found.remedy = "systemd-sysusers pushmail.conf";
  return found;
}

// Reports, expiries and certificates go by it.
Finding clock_of_the_wall() {
  Finding found{.check = "clock", .object = "system clock", .words = "is synchronised"};
  timex now{};
  const int state = ::adjtimex(&now);
  if (state >= 0 && (now.status & STA_UNSYNC) == 0) return found;
  found.state = State::warning;
  found.words = "nothing synchronises it";
  found.remedy = "timedatectl set-ntp true";
  return found;
}

Finding descriptors(const fs::path& system) {
  Finding found{.check = "descriptors", .object = "fs.nr_open"};
  const auto most = number_in(system / "proc/sys/fs/nr_open");
  found.words = most ? fmt::format("{} for a process", *most) : "cannot be read";
  if (most && *most >= descriptors_least) return found;
  found.state = State::warning;
  found.remedy = fmt::format("sysctl -w fs.nr_open={}", 1 << 20);
  return found;
}

// Those that we show: what peers will refuse one day is known long before.
std::vector<Finding> certificates(const Config& config) {
  const auto files = read_tls_files(config);
  if (!files) return {{.check = "certificate", .object = files.error().key, .state = State::bad, .words = files.error().message()}};
  const Timestamp now = SystemClock().wall();
  std::vector<Finding> all;
  for (const OwnCertificate& own : files->own) {
    const std::int64_t left_us = own.ends.us - now.us;
    all.push_back({.check = "certificate",
                   .object = own.file,
                   .state = left_us < 0                               ? State::bad
                            : left_us < timers::certificate_ends.us() ? State::warning
                                                                      : State::good,
                   .words = end_in_words(own.ends, now)});
  }
  return all;
}

// A server that knows of no such name has answered.
Finding name_servers(const Config& config) {
  const std::vector<std::string> servers = config.texts("dns.servers");
  Finding found{
      .check = "DNS", .object = servers.empty() ? "/etc/resolv.conf" : fmt::format("{}", fmt::join(servers, ", ")), .words = "answers"};
  const auto refused = [&](std::string why) {
    found.state = State::bad;
    found.words = std::move(why);
  };
  boost::asio::io_context context;
  const auto resolver = Resolver::open(context, servers);
  if (!resolver) {
    refused(resolver.error().text);
    return found;
  }
  (*resolver)->resolve(config.text("domain"), [&](const Result<std::vector<IpAddress>>& answer) {
    if (!answer && answer.error().is(binding_dns_failed)) refused(std::string(answer.error().info->text));
    context.stop();
  });
  context.run();
  return found;
}

// An address that is not ours cannot be bound.
bool is_ours(const IpAddress& address) {
  namespace ip = boost::asio::ip;
  boost::asio::io_context context;
  boost::system::error_code error;
  const ip::udp::endpoint wanted(ip::make_address(pushmail::to_string(address)), 0);
  ip::udp::socket socket(context);
  socket.open(wanted.protocol(), error);
  socket.bind(wanted, error);
  return error != boost::system::errc::address_not_available;
}

// With a DPDK port its address is no interface of the kernel's.
Finding listener(const Config& config, const char* key) {
  const Endpoint endpoint = config.endpoint(key);
  Finding found{.check = "listener", .object = key, .words = pushmail::to_string(endpoint)};
  if (is_ours(endpoint.ip)) return found;
  found.state = State::bad;
  found.words += " is no address of this machine";
  return found;
}

std::vector<Finding> dpdk_port(const Config& config, const fs::path& system) {
  std::vector<Finding> all;
  const std::string port = config.text("link.allow");
  if (!port.empty()) {
    std::error_code error;
    const fs::path driver = fs::read_symlink(system / "sys/bus/pci/devices" / port / "driver", error);
    Finding bound{.check = "driver", .object = port, .words = error ? "no driver" : driver.filename().string()};
    if (bound.words != "vfio-pci") {
      bound.state = State::bad;
      bound.words += "; the port must be bound to vfio-pci";
      bound.remedy = "dpdk-devbind.py --bind=vfio-pci " + port;
    }
    all.push_back(std::move(bound));
    const bool has_iommu = !fs::is_empty(system / "sys/kernel/iommu_groups", error) && !error;
    all.push_back(
        {.check = "IOMMU",
         .object = "/sys/kernel/iommu_groups",
         .state = has_iommu ? State::good : State::bad,
         .words = has_iommu ? "is on" : "is off; switch it on in the firmware and with intel_iommu=on on the kernel's command line"});
  }
  if (config.flag("link.huge_pages")) {
    const auto free = number_in(system / "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages").value_or(0);
    const std::uint64_t needed = (config.size("link.memory") + huge_page_size - 1) / huge_page_size;
    Finding pages{
        .check = "huge pages", .object = "hugepages-2048kB", .words = fmt::format("{} are free, link.memory needs {}", free, needed)};
    if (free < needed) {
      pages.state = State::bad;
      pages.remedy = fmt::format("sysctl -w vm.nr_hugepages={}", needed);
    }
    all.push_back(std::move(pages));
  }
  return all;
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::good:
      return "good";
    case State::warning:
      return "warning";
    case State::bad:
      break;
  }
  return "bad";
}

std::vector<Finding> examine_machine(const Config& config, const fs::path& root, const fs::path& system) {
  std::vector<Finding> all{state_folder(root)};
  for (const char* user : {"pushmail-dp", "pushmail-cp", "pushmail-fetch"}) all.push_back(account(user));
  all.push_back(clock_of_the_wall());
  all.push_back(descriptors(system));
  if (config.text("link.kind") == "dpdk") {
    std::ranges::move(dpdk_port(config, system), std::back_inserter(all));
  } else {
    for (const char* key : {"http.listen", "smtp.listen"}) all.push_back(listener(config, key));
  }
  std::ranges::move(certificates(config), std::back_inserter(all));
  return all;
}

std::vector<Finding> examine_peers(const Config& config, const fs::path& root) {
  std::vector<StartError> problems;
  const Settings settings = Settings::read(config, root, problems);
  std::vector<Finding> all{name_servers(config)};
  for (LiveCheck& check : check_peers(config, settings)) {
    all.push_back({.check = std::move(check.peer),
                   .object = std::move(check.where),
                   .state = check.works ? State::good : State::bad,
                   .words = std::move(check.words)});
  }
  return all;
}

bool run_remedy(std::string_view remedy) {
  std::vector<std::string> words;
  for (std::istringstream in{std::string(remedy)}; in >> words.emplace_back();) {
  }
  words.pop_back();
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (words.empty() || ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return false;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace pushmail::cli

// pushmail-controlplane: bindings, mailboxes, notifications, routes.
//
// Reads the configuration (78 when it is wrong, before anything is opened), opens the store, starts the fetchers, and runs until SIGTERM or
// SIGINT: what is asked is answered first, and a second one ends it at once; at SIGHUP it takes the configuration anew, and the other
// programs with it. kill -9 at any time loses nothing that was acknowledged to anybody: the store is written first. Started by root it
// becomes pushmail-cp, and a launcher of its own starts the fetchers as pushmail-fetch (fetcher_launcher.h); 67: there is no such account.
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "controlplane/fetcher/asio_errors.h"
#include "controlplane/fetcher_launcher.h"
#include "controlplane/plane.h"
#include "controlplane/store/errors.h"
#include "controlplane/store/group_commit.h"
#include "controlplane/store/sqlite_store.h"
#include "controlplane/store/store_lock.h"
#include "core/ascii.h"
#include "core/config.h"
#include "core/descriptors.h"
#include "core/keep_secrets.h"
#include "core/last_words.h"
#include "core/log.h"
#include "core/log_key.h"
#include "core/privileges.h"
#include "core/program_options.h"
#include "core/service_manager.h"
#include "core/socket_file.h"
#include "core/storage.h"

namespace {

using namespace pushmail;

// Sockets of the API's users, the fetchers, the data plane and the SMSC, and the store's files.
constexpr std::uint64_t descriptors_wanted = 1024;

// Beside this program, where packages and builds put it.
std::filesystem::path find_fetcher() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto& candidate : {self / "pushmail-fetcher", self / "mailbox" / "pushmail-fetcher"}) {
    // One that cannot be looked at is there: what starts it says what is wrong.
    if (std::filesystem::exists(candidate, error) || error) return candidate;
  }
  return "/usr/lib/pushmail/pushmail-fetcher";
}

void notify_manager(std::string_view state) {
  if (const auto notified = notify_service_manager(state); !notified)
    log_warning("manager_not_notified").text("state", state).error(notified.error());
}

int cannot_start(const StartError& why) {
  std::fprintf(stderr, "%s\n", why.text.c_str());
  return why.exit_code();
}

// The store, the key and the passwords are open, or ours; what is made from now on is made by the user who stays. Returns what is readable
// when the launcher of fetchers has ended; -1: there is none.
std::expected<int, StartError> drop_privileges(const std::optional<Account>& account, const Settings& settings, Plane::Options& options) {
  int launcher_end = -1;
  if (account) {
    const auto store = settings.store_file.parent_path();
    if (const auto given = give_folder(store, *account); !given)
      return std::unexpected(StartError(store.string() + ": " + std::strerror(given.error().os), given.error().os));
    // What an earlier release left is root's, and the folder is sticky: later it could not be replaced.
    remove_socket_file(settings.run_folder / "api");
    if (options.fetcher_socket.empty()) {
      options.fetcher_socket = settings.run_folder / "fetcher";
      const auto started =
          start_fetcher_launcher(options.fetcher_socket, {.program = options.fetcher_program, .root = settings.root}, *account);
      if (!started) return started;
      launcher_end = *started;
    }
    if (const auto done = become(control_plane_user, *account); !done)
      return std::unexpected(
          StartError(std::string("the change to ") + control_plane_user + ": " + std::strerror(done.error().os), done.error().os));
  }
  const auto given_up = give_up_capabilities();
  // Once more: a change of user makes a process one that leaves core files.
  const auto kept = given_up ? keep_secrets() : given_up;
  if (!kept) return std::unexpected(StartError(std::string("privileges: ") + std::strerror(kept.error().os), kept.error().os));
  return launcher_end;
}

}  // namespace

int main(int argc, char** argv) {
  keep_last_words(is_asio_error);
  constexpr std::array own_options{OptionRow{"fetcher", "PROGRAM"}, OptionRow{"fetcher-socket", "PATH"},
                                   OptionRow{"launch-fetchers", "UID"}};
  const auto given = read_program_options("pushmail-controlplane", {argv, static_cast<std::size_t>(argc)}, own_options);
  if (!given) {
    std::fputs(given.error().text.c_str(), given.error().exit_code == 0 ? stdout : stderr);
    return given.error().exit_code;
  }
  const std::filesystem::path root = given->root;
  Plane::Options options;
  if (const auto program = given->others.find("fetcher"); program != given->others.end()) options.fetcher_program = program->second;
  if (const auto socket = given->others.find("fetcher-socket"); socket != given->others.end()) options.fetcher_socket = socket->second;
  if (const auto client = given->others.find("launch-fetchers"); client != given->others.end()) {
    const auto user = parse_number<uid_t>(client->second);
    if (user) return launch_fetchers({.program = options.fetcher_program, .root = root}, *user);
    std::fputs("pushmail-controlplane: --launch-fetchers is for this program's own use\n", stderr);
    return EX_USAGE;
  }
  const auto account = account_to_become(control_plane_user);
  const auto fetchers = account_to_become(fetcher_user);
  for (const auto& needed : {account, fetchers}) {
    if (needed) continue;
    std::fprintf(stderr, "pushmail-controlplane: %s\n", needed.error().text.c_str());
    return needed.error().exit_code;
  }
  if (const auto kept = keep_secrets(); !kept)
    return cannot_start({std::string("no core file: ") + std::strerror(kept.error().os), kept.error().os});
  std::signal(SIGPIPE, SIG_IGN);
  // Until it is waited for below.
  std::signal(SIGHUP, SIG_IGN);
  if (options.fetcher_program.empty()) options.fetcher_program = find_fetcher();

  const auto config = Config::load(root);
  if (!config) return cannot_start({config.error().messages(), config.error().os});
  auto settings = Settings::from(*config, root);
  if (!settings) return cannot_start({config->error_of(settings.error()).message(), settings.error().os});
  auto sealer = Sealer::open(settings->kek_file);
  if (!sealer) return cannot_start({"secrets.kek_file: " + sealer.error().text, sealer.error().os});
  log_start("control", log_level_of(config->text("log.level")),
            config->text("log.pii") == "clear" ? LogPersons::clear : LogPersons::hashed);
  share_log_key(config->state_folder("shared"));
  for (const std::string& peer : open_peers(*config)) {
    log_warning("peer_inbound_open").peer(peer).text("reason", "whoever reaches http.listen is this peer");
  }

  raise_descriptor_limit(descriptors_wanted);

  const auto store_folder = settings->store_file.parent_path();
  // The API's users must reach its socket; the sockets themselves say who may. The store is ours alone, and beside it lies what is the data
  // plane's.
  for (const auto& [folder, mask] :
       {std::pair{settings->run_folder, 0022U}, std::pair{store_folder.parent_path(), 0022U}, std::pair{store_folder, 0077U}}) {
    umask(mask);
    if (const auto made = make_folders(system_storage(), folder); !made) {
      log_error("no_folder").text("folder", folder.string()).error(made.error());
      return EX_CANTCREAT;
    }
  }
  const auto lock = StoreLock::take(store_folder);
  if (!lock) {
    const bool is_in_use = lock.error().is(store_in_use);
    log_error(is_in_use ? "store_in_use" : "store_not_locked").text("folder", store_folder.string()).error(lock.error());
    return is_in_use ? EX_UNAVAILABLE : EX_CANTCREAT;
  }
  for (const auto& [folder, share] :
       {std::pair{settings->run_folder, &share_run_folder}, std::pair{store_folder.parent_path(), &share_state_folder}}) {
    if (const auto shared = share(folder); !shared) {
      log_error("no_folder").text("folder", folder.string()).error(shared.error());
      return EX_CANTCREAT;
    }
  }
  const auto launcher = drop_privileges(*account, *settings, options);
  if (!launcher) return cannot_start(launcher.error());
  auto store = open_grouped_store(settings->store_file);
  if (!store) {
    log_error("no_store").error(store.error()).text("file", settings->store_file.string());
    return EX_CANTCREAT;
  }

  const SystemClock clock;
  boost::asio::io_context context(1);
  int exit_code = EX_OK;
  // Nothing that rests on what was lost has left, and the next start begins with what is on disk.
  GroupCommit commits(context, **store, [&](const Error&) {
    exit_code = EX_OSERR;
    context.stop();
  });
  options.config = *config;
  auto plane = Plane::open(context, clock, std::move(*settings), **store, commits, *sealer, options);
  if (!plane) return cannot_start(plane.error());
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  boost::asio::signal_set hang_ups(context, SIGHUP);
  std::function<void()> wait_for_hang_up = [&] {
    hang_ups.async_wait([&](boost::system::error_code cancelled, int) {
      if (cancelled) return;
      (*plane)->reload();
      wait_for_hang_up();
    });
  };
  wait_for_hang_up();
  boost::asio::posix::stream_descriptor launcher_end(context);
  if (*launcher >= 0) {
    launcher_end.assign(*launcher);
    launcher_end.async_wait(boost::asio::posix::stream_descriptor::wait_read, [&](boost::system::error_code cancelled) {
      if (cancelled) return;
      // Nobody starts fetchers any more, and who we are now cannot start another launcher.
      log_error("fetcher_launcher_ended");
      exit_code = EX_OSERR;
      context.stop();
    });
  }
  signals.async_wait([&](boost::system::error_code cancelled, int) {
    if (cancelled) return;
    hang_ups.cancel();
    launcher_end.close();
    // A second signal ends the program at once, as it would any other: what was answered is on disk.
    signals.clear();
    notify_manager(service::stopping);
    (*plane)->stop();
  });
  (*plane)->start();
  log_info("started").number("pid", getpid());
  notify_manager(service::ready);
  context.run();
  log_info("ended");
  return exit_code;
}

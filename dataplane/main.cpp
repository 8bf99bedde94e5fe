// pushmail-dataplane: opens what the configuration names, replays the journal, drops privileges, runs the threads.
//
//   main thread = I/O thread (journal, handoff socket)      worker thread = the turn      codec thread = conversion      log thread
//   reloader thread: at SIGHUP, and when the control plane asks, the configuration and its files are read again
//
// Exit: 0 after SIGTERM or SIGINT with everything synced, and what was under way finished (a second one cuts it off); 78 for a bad
// configuration (file:line: key: rule, nothing opened); 71 when something of the system could not be opened, or the journal can no longer
// be written; 67: root starts it, and there is no account pushmail-dp to change to; 64 for a wrong command line.
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/accounts.h"
#include "core/config.h"
#include "core/contract/worker.h"
#include "core/descriptors.h"
#include "core/errors.h"
#include "core/keep_secrets.h"
#include "core/last_words.h"
#include "core/log.h"
#include "core/log_key.h"
#include "core/log_writer.h"
#include "core/privileges.h"
#include "core/program_options.h"
#include "core/service_manager.h"
#include "core/start_error.h"
#include "core/storage.h"
#include "core/thread.h"
#include "core/tls_files.h"
#include "dataplane/codec_lane.h"
#include "dataplane/faults.h"
#include "dataplane/io_thread.h"
#include "dataplane/journal/journal.h"
#include "dataplane/last_known.h"
#include "dataplane/reloader.h"
#include "dataplane/rules/rule_keeper.h"
#include "dataplane/smart_host_login.h"
#include "dataplane/state_files.h"
#include "dataplane/worker.h"

namespace pushmail {

namespace {

constexpr WorkerIndex only_worker{0};
constexpr std::uint64_t descriptors_wanted = 16 * 1024;  // with link.kind kernel each connection is one

int stop_for(const char* what, const Error& error) {
  log_error("cannot_start").text("what", what).error(error);
  fmt::print(stderr, "pushmail-dataplane: {}: {}{}{}\n", what, error.info->text, error.os != 0 ? ": " : "",
             error.os != 0 ? std::strerror(error.os) : "");
  return exit_system;
}

void notify_manager(std::string_view state) {
  if (const auto notified = notify_service_manager(state); !notified)
    log_warning("manager_not_notified").text("state", state).error(notified.error());
}

// Until the control plane says who the peers are, nobody is refused for good: where one of them cannot be recalled whole, none is known.
void recall_peers(const std::filesystem::path& last_known, const Config& config, Worker& worker) {
  const auto remembered = read_last_known(last_known);
  if (!remembered) {
    log_error("last_known_unreadable").text("file", last_known.string()).error(remembered.error());
    return;
  }
  if (!*remembered) return;
  const auto peers = with_passwords(parse_record(**remembered).value(), config);
  if (!peers) {
    log_warning("last_known_without_passwords").text("reason", peers.error().text);
    return;
  }
  worker.set_peers(parse_record(*peers).value());
}

// Sockets and ports are open, on either link: nothing that is done with them from now on needs a right. Files that are made later must
// still be ours to make, and those in the run folder ours to remove.
Result<void> drop_privileges(const std::optional<Account>& account, std::initializer_list<std::filesystem::path> folders,
                             std::initializer_list<std::filesystem::path> files) {
  if (account) {
    for (const auto& folder : folders) PM_TRY_VOID(give_folder(folder, *account));
    for (const auto& file : files) {
      if (::lchown(file.c_str(), account->user, static_cast<gid_t>(-1)) != 0) return fail_os(core_account, errno);
    }
    PM_TRY_VOID(become(data_plane_user, *account));
  }
  return give_up_capabilities();
}

int run(const Config& config, const std::filesystem::path& root) {
  const auto account = account_to_become(data_plane_user);
  if (!account) {
    fmt::print(stderr, "pushmail-dataplane: {}\n", account.error().text);
    return account.error().exit_code;
  }
  const std::filesystem::path rule_file = config.text("rules.file");
  if (*account) {
    if (const auto acts = act_as(data_plane_user, **account); !acts) return stop_for(data_plane_user, acts.error());
  }
  auto first_rules = scan::load_rules(rule_file);
  auto tls_files = read_tls_files(config);
  if (*account) {
    if (const auto again = act_as_root(); !again) return stop_for("root", again.error());
  }
  if (!first_rules) {
    for (const scan::RuleFileFault& fault : first_rules.error()) fmt::print(stderr, "{}\n", fault.message);
    return start_exit_code(first_rules.error().front().os);
  }
  if (!tls_files) {
    fmt::print(stderr, "{}\n", tls_files.error().message());
    return tls_files.error().exit_code();
  }
  auto login = smart_host_login(config);
  if (!login) {
    const ConfigError error = config.error_of(login.error());
    fmt::print(stderr, "{}\n", error.message());
    return error.exit_code();
  }
  log_start("data", log_level_of(config.text("log.level")), config.text("log.pii") == "clear" ? LogPersons::clear : LogPersons::hashed);
  share_log_key(config.state_folder("shared"));
  raise_descriptor_limit(descriptors_wanted);
  for (const std::string& peer : open_peers(config)) {
    log_warning("peer_inbound_open").peer(peer).text("reason", "whoever reaches http.listen is this peer");
  }
  const FaultPoints faults = fault_points_of_environment();
  const SystemClock clock;

  // Signals come through a descriptor; blocked before any thread exists.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  const int stop_fd = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  sigset_t reload_signals;
  sigemptyset(&reload_signals);
  sigaddset(&reload_signals, SIGHUP);
  ::sigprocmask(SIG_BLOCK, &reload_signals, nullptr);
  const int reload_fd = ::signalfd(-1, &reload_signals, SFD_NONBLOCK | SFD_CLOEXEC);
  // Without them nobody could stop this process but by force.
  if (stop_fd < 0 || reload_fd < 0) return stop_for("signalfd", Error{.info = &core_os, .at = 0, .os = errno});
  LogWriter log_writer;

  const auto run_folder = config.run_folder();
  const auto journal_folder = config.state_folder("journal") / lane_folder_of(only_worker);
  const auto state_folder = config.state_folder("state");
  const auto last_known = state_folder / "last-known";
  for (const auto& folder : {run_folder, journal_folder, state_folder}) {
    if (const auto made = make_folders(system_storage(), folder); !made) return stop_for(folder.c_str(), made.error());
  }
  if (const auto shared = share_run_folder(run_folder); !shared) return stop_for(run_folder.c_str(), shared.error());
  if (const auto shared = share_state_folder(state_folder.parent_path()); !shared) return stop_for(state_folder.c_str(), shared.error());

  // Before anything of the one that may run here already is touched: its counters, its socket, its journal.
  if (const auto locked = lock_state(state_folder); !locked) return stop_for(state_folder.c_str(), locked.error());
  const auto secret = installation_secret(state_folder / "secret");
  if (!secret) return stop_for("secret", secret.error());
  auto counters =
      Counters::create(run_folder / "counters", {.pid = ::getpid(), .started = clock.wall(), .configuration = config.generation()});
  if (!counters) return stop_for("counters", counters.error());
  auto link = open_link(config, clock);
  if (!link) return stop_for("link", link.error());

  RuleKeeper rules(rule_file, std::move(*first_rules), 1);
  Wake io_bell, worker_bell, codec_bell;
  Ring<ToIo> to_io(io_bell);
  Ring<ToWorker> to_worker(worker_bell);
  Ring<relay::Conversion> to_codec(codec_bell);
  Ring<relay::Converted> from_codec(worker_bell);
  Ring<Reload> reloads(worker_bell, 16);
  WorkerSettings settings = worker_settings(config, only_worker, *secret, std::move(*tls_files));
  const auto smart_host_secret = *login ? (*login)->secret : decltype((*login)->secret)();
  settings.smart_host_login = std::move(*login);
  auto worker = std::make_unique<Worker>(
      std::move(settings), **link,
      WorkerRings{
          .to_io = to_io, .from_io = to_worker, .to_codec = to_codec, .from_codec = from_codec, .reloads = reloads, .bell = worker_bell},
      clock, **counters, faults);

  recall_peers(last_known, config, *worker);
  const journal::Options options{.folder = journal_folder,
                                 .segment_size = config.size("journal.segment_size"),
                                 .lane_size_max = config.size("journal.lane_size_max"),
                                 .clock = &clock};
  auto journal = journal::Journal::open(
      options, [&](journal::Replayed found) { worker->relay().restore(std::move(found)); },
      [&](const RecordView& record) { worker->relay().remember(record); });
  if (!journal) return stop_for("journal", journal.error());
  const journal::ReplaySummary& replayed = (*journal)->replayed();
  (*counters)->set(Counter::journal_damage, replayed.damaged);
  log_info("journal_replayed")
      .number("records", static_cast<std::int64_t>(replayed.records))
      .number("unsettled", static_cast<std::int64_t>(replayed.unsettled))
      .number("damaged", static_cast<std::int64_t>(replayed.damaged));

  const auto settings_of = [&](const Config& fresh, TlsFiles files) {
    return worker_settings(fresh, only_worker, *secret, std::move(files));
  };
  Reloader reloader(root, config, settings_of, rules, reloads);
  IoThread io(**journal, to_io, to_worker, io_bell, last_known, **counters, faults, [&](std::uint64_t query) { reloader.ask(query); });
  if (const auto opened = io.open(run_folder / handoff_socket_of(only_worker), random_u64() | 1); !opened)
    return stop_for("handoff socket", opened.error());
  if (const auto listening = worker->listen(); !listening) return stop_for("listen", listening.error());
  if (const auto dropped =
          drop_privileges(*account, {journal_folder, state_folder}, {run_folder / "counters", run_folder / handoff_socket_of(only_worker)});
      !dropped)
    return stop_for(data_plane_user, dropped.error());
  if (const auto kept = keep_secrets(); !kept) return stop_for("no core file", kept.error());
  // Root could read it; who reads it from now on is another user.
  if (smart_host_secret && !smart_host_secret())
    return stop_for("smtp.smart_host_password_file", Error{.info = &core_os, .at = 0, .os = EACCES});
  log_info("started")
      .text("http", to_string(config.endpoint("http.listen")))
      .text("smtp", to_string(config.endpoint("smtp.listen")))
      .text("link", config.text("link.kind"));
  notify_manager(service::ready);

  std::atomic<Stopping> stopping{Stopping::no};
  std::atomic<bool> worker_done{false};
  CodecLane codec_lane(to_codec, from_codec, codec_bell, rules.slot(), 0);
  Thread codec_thread("codec", [&] { codec_lane.run(worker_done); });
  reloader.watch(reload_fd);
  Thread worker_thread("worker", [&] {
    worker->run(stopping);
    worker_done.store(true, std::memory_order_release);
    io_bell.ring();
    codec_bell.ring();
  });
  const auto ended = io.run(
      stop_fd,
      [&] {
        const bool first = stopping.load(std::memory_order_relaxed) == Stopping::no;
        log_info("stopping").text("how", first ? "drain" : "now");
        if (first) notify_manager(service::stopping);
        stopping.store(first ? Stopping::drain : Stopping::now, std::memory_order_release);
        worker_bell.ring();
      },
      worker_done);
  if (!ended) {
    // Who waits for an answer gets none, and asks again: what a restart finds on this disk nobody knows.
    log_error("journal_gave_up").text("folder", journal_folder.string()).error(ended.error());
    log_flush();
    std::_Exit(exit_system);
  }
  worker_thread.join();
  codec_thread.join();
  reloader.stop();
  log_info("stopped");
  // The network goes first: it resets what the drain left open and tells nobody, then the sessions may go.
  link->reset();
  worker.reset();
  ::close(stop_fd);
  ::close(reload_fd);
  return 0;
}

}  // namespace

}  // namespace pushmail

int main(int argc, char** argv) {
  pushmail::keep_last_words();
  const auto options = pushmail::read_program_options("pushmail-dataplane", {argv, static_cast<std::size_t>(argc)});
  if (!options) {
    fmt::print(options.error().exit_code == 0 ? stdout : stderr, "{}", options.error().text);
    return options.error().exit_code;
  }
  const auto config = pushmail::Config::load(options->root);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().messages());
    return config.error().exit_code();
  }
  return pushmail::run(*config, options->root);
}

// pushmail-fetcher: mailbox sessions, apart from the control plane, so that a hostile mail server can at worst cost the sessions of
// one fetcher.
//
// Came from: the control plane, which starts it with a socketpair as descriptor 3. Goes to: Fetcher. Reads the configuration (log,
// trust, size limit) and the certificates, gives up its privileges, and from then on only talks: to descriptor 3 and to mail servers.
// At SIGHUP, and when the control plane asks, it reads the configuration and the certificates again, as the user that it is then.
// Ends when descriptor 3 closes (exit 0); 78: bad configuration; 77: runs as the user who owns the control plane's store; 67: root starts
// it, and there is no account pushmail-fetch; 70: a record that breaks the framing, or reports that cannot be sent.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <expected>
#include <filesystem>
#include <string>

#include "controlplane/fetcher/asio_errors.h"
#include "controlplane/fetcher/fetcher.h"
#include "controlplane/fetcher/privileges.h"
#include "core/config.h"
#include "core/descriptors.h"
#include "core/last_words.h"
#include "core/log.h"
#include "core/privileges.h"
#include "core/program_options.h"

namespace {

using namespace pushmail;

constexpr int control_descriptor = 3;

// Each session is a descriptor.
constexpr std::uint64_t descriptors_wanted = 16 * 1024;

Result<mailbox::SessionSettings> settings_of(const Config& config, std::uint64_t descriptors) {
  PM_TRY(auto trust, tls::ClientSettings::load(tls::system_authorities, config.text("tls.extra_ca")));
  return mailbox::SessionSettings{.tls = std::move(trust),
                                  .timing = {},
                                  .mail_size_max = config.size("mailbox.mail_size_max"),
                                  .idle_max = mailbox::idle_sessions_max(descriptors)};
}

std::expected<mailbox::SessionSettings, std::string> read_again(const std::filesystem::path& root, std::uint64_t descriptors) {
  const auto config = Config::load(root);
  if (!config) return std::unexpected(config.error().message());
  auto settings = settings_of(*config, descriptors);
  if (!settings) return std::unexpected(config->error_at("tls.extra_ca", std::string(settings.error().info->text)).message());
  log_least(log_level_of(config->text("log.level")));
  return std::move(*settings);
}

}  // namespace

int main(int argc, char** argv) {
  keep_last_words(is_asio_error);
  const auto options = read_program_options("pushmail-fetcher", {argv, static_cast<std::size_t>(argc)});
  if (!options) {
    std::fputs(options.error().text.c_str(), options.error().exit_code == 0 ? stdout : stderr);
    return options.error().exit_code;
  }
  const auto account = account_to_become(fetcher_user);
  if (!account) {
    std::fprintf(stderr, "pushmail-fetcher: %s\n", account.error().text.c_str());
    return account.error().exit_code;
  }
  // An exec by descriptor leaves the process the descriptor's name.
  prctl(PR_SET_NAME, "pushmail-fetcher");
  if (fcntl(control_descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    std::fprintf(stderr, "pushmail-fetcher: descriptor 3: %s; the control plane starts this program\n", std::strerror(errno));
    return EX_USAGE;
  }
  // Whatever else was inherited is not ours to hold open.
  close_range(control_descriptor + 1, ~0U, 0);
  std::signal(SIGPIPE, SIG_IGN);
  // Until it is waited for below.
  std::signal(SIGHUP, SIG_IGN);

  const auto config = Config::load(options->root);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().messages().c_str());
    return config.error().exit_code();
  }
  log_start("fetcher", log_level_of(config->text("log.level")),
            config->text("log.pii") == "clear" ? LogPersons::clear : LogPersons::hashed);
  const std::uint64_t descriptors = raise_descriptor_limit(descriptors_wanted);
  const auto is_bound = mailbox::is_bound_to(config->state_folder("store"));
  if (!is_bound) {
    log_error("privileges_kept").text("step", "nobody knows whose the control plane's store is").error(is_bound.error());
    return EX_NOPERM;
  }
  if (*is_bound) {
    log_error("privileges_kept").text("step", "the control plane's store belongs to this user").number("uid", geteuid());
    return EX_NOPERM;
  }
  const auto settings = settings_of(*config, descriptors);
  if (!settings) {
    log_error("no_trust_store").error(settings.error()).text("key", "tls.extra_ca");
    return EX_CONFIG;
  }
  if (const std::string failed = mailbox::give_up_privileges(*account); !failed.empty()) {
    log_error("privileges_kept").text("step", failed).os_error(errno);
    return EX_OSERR;
  }

  const SystemClock clock;
  mailbox::Loop loop(clock);
  int status = EX_OK;
  {
    mailbox::Fetcher fetcher(loop, *settings, control_descriptor, [&] { return read_again(options->root, descriptors); });
    loop.on_hang_up([&] { static_cast<void>(fetcher.reload()); });
    log_info("started").number("pid", getpid());
    if (const auto done = fetcher.run(); !done) {
      log_error("fetcher_failed").error(done.error());
      status = done.error().os != 0 ? EX_OSERR : EX_SOFTWARE;
    }
    log_info("ended");
    // A session that did not come back in time must not be unwound by force, through libetpan's frames.
    if (loop.tasks() > 0) _exit(status);
  }
  return status;
}

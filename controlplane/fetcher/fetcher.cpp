#include "controlplane/fetcher/fetcher.h"

#include "controlplane/fetcher/errors.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::mailbox {

namespace {

// Sessions are cut, not talked to, when the control plane has gone; what is not back by then is left to the kernel.

}  // namespace

Fetcher::Fetcher(Loop& loop, const SessionSettings& settings, int descriptor, ReadSettings read)
    : loop_(loop), settings_(settings), read_(std::move(read)), socket_(loop), reporter_(loop, socket_) {
  if (auto adopted = socket_.adopt(descriptor); !adopted) outcome_ = std::unexpected(adopted.error());
}

Result<void> Fetcher::run() {
  if (!outcome_) return outcome_;
  bool reading = true;
  loop_.spawn([this, &reading](Task& task) {
    read_commands(task);
    for (auto& [binding, watcher] : watchers_) watcher->stop();
    for (const auto& weak : probes_) {
      if (const auto probe = weak.lock()) probe->stop();
    }
    reporter_.close();
    reading = false;
    loop_.stop();
  });
  loop_.spawn([this, &reading](Task& task) {
    const auto written = reporter_.write_queued(task);
    if (written || !reading) return;
    // Nobody would ever know what the sessions see: who started this process starts another one, unless it has gone itself.
    const bool has_gone = written.error().is(mailbox_closed);
    LogEvent(has_gone ? LogLevel::warning : LogLevel::error, "reports_lost").error(written.error()).text("reason", socket_.reason());
    if (!has_gone) outcome_ = written;
    socket_.cut();
  });
  while (reading) loop_.run();
  if (!loop_.run_for(timers::fetcher_ending)) log_warning("sessions_left").number("count", static_cast<std::int64_t>(loop_.tasks()));
  return outcome_;
}

void Fetcher::read_commands(Task& task) {
  constexpr std::size_t read_size = 64 * limits::KiB;
  while (true) {
    const auto got = socket_.read_some(task, inbox_.room(read_size), never);
    if (!got) return;
    inbox_.filled(*got);
    while (true) {
      const auto record = inbox_.next();
      if (record.is_bad()) {
        log_error("record_broken").error(record.error());
        outcome_ = std::unexpected(record.error());
        return;
      }
      if (record.needs_more()) break;
      obey(record.value());
    }
  }
}

void Fetcher::obey(const RecordView& record) {
  auto command = decode_command(record);
  if (!command) {
    const std::string binding(record.text(static_cast<std::uint16_t>(Tag::binding)).value_or(""));
    log_error("command_refused").binding(binding).number("kind", record.header().kind).error(command.error());
    // Whoever waits for an answer gets one.
    switch (static_cast<Kind>(record.header().kind)) {
      case Kind::fetch:
        reporter_.fetch_failed(binding, record.header().item, record.text(static_cast<std::uint16_t>(Tag::uid)).value_or(""),
                               fetch_word(command.error()));
        break;
      case Kind::mark:
        reporter_.marked(binding, record.header().item, record.text(static_cast<std::uint16_t>(Tag::uid)).value_or(""), Mark::seen,
                         command.error().info->text);
        break;
      case Kind::probe:
        reporter_.probed(binding, state_word(command.error()), command.error().info->text);
        break;
      default:
        reporter_.session(binding, state_word(command.error()), command.error().info->text);
        break;
    }
    return;
  }
  if (*command) obey(std::move(**command));
}

std::string Fetcher::reload() {
  if (!read_) return "this fetcher has no files";
  auto fresh = read_();
  if (!fresh) {
    log_error("reload_refused").text("reason", fresh.error());
    return fresh.error();
  }
  // How long it waits and how many sessions idle is its own since the start.
  settings_.tls = std::move(fresh->tls);
  settings_.mail_size_max = fresh->mail_size_max;
  log_info("reloaded");
  return {};
}

Watcher* Fetcher::watcher_of(const std::string& binding) {
  const auto found = watchers_.find(binding);
  return found == watchers_.end() ? nullptr : found->second.get();
}

void Fetcher::cancel(const ItemId& item) {
  const auto found = fetches_.find(item);
  if (found == fetches_.end()) return;
  if (const auto job = found->second.lock()) {
    if (Watcher* known = watcher_of(job->command().binding)) known->cancel(*job);
  }
  fetches_.erase(found);
}

void Fetcher::obey(Command command) {
  if (auto* watch = std::get_if<WatchCommand>(&command)) {
    if (Watcher* known = watcher_of(watch->binding)) {
      known->update(std::move(*watch));
      return;
    }
    const std::string binding = watch->binding;
    const auto watcher = std::make_shared<Watcher>(loop_, settings_, reporter_, slots_, std::move(*watch));
    watchers_.emplace(binding, watcher);
    // A refused password is another matter: the watch is somebody's wish.
    const auto left = left_.extract(binding);
    const bool goes_on = !left.empty() && left.mapped().account.is_same_account(watcher->account());
    if (goes_on && left.mapped().backoff.refused() != Backoff::Refused::for_good) watcher->go_on_with(left.mapped().backoff);
    watcher->start();
  } else if (auto* probe = std::get_if<ProbeCommand>(&command)) {
    std::erase_if(probes_, [](const auto& weak) { return weak.expired(); });
    const auto one = std::make_shared<Probe>(loop_, settings_, reporter_, std::move(*probe));
    probes_.push_back(one);
    one->start();
  } else if (const auto* unwatch = std::get_if<UnwatchCommand>(&command)) {
    if (Watcher* known = watcher_of(unwatch->binding)) {
      known->stop();
      std::erase_if(left_, [this](const auto& entry) { return entry.second.backoff.not_before() <= loop_.now(); });
      left_.insert_or_assign(unwatch->binding, Left{.account = known->account(), .backoff = known->backoff()});
    }
    watchers_.erase(unwatch->binding);
  } else if (const auto* poll = std::get_if<PollCommand>(&command)) {
    if (Watcher* known = watcher_of(poll->binding)) {
      known->poll();
    } else {
      reporter_.session(poll->binding, "closed", "this mailbox is not watched");
    }
  } else if (auto* fetch = std::get_if<FetchCommand>(&command)) {
    // Whoever asks again has given the older fetch up; with both, the credits would go to the wrong one.
    cancel(fetch->item);
    if (Watcher* known = watcher_of(fetch->binding)) {
      std::erase_if(fetches_, [](const auto& entry) { return entry.second.expired(); });
      const ItemId item = fetch->item;
      fetches_[item] = known->fetch(std::move(*fetch));
    } else {
      reporter_.fetch_failed(fetch->binding, fetch->item, fetch->uid, "unreachable");
    }
  } else if (auto* mark = std::get_if<MarkCommand>(&command)) {
    if (Watcher* known = watcher_of(mark->binding)) {
      known->mark(std::move(*mark));
    } else {
      reporter_.marked(mark->binding, mark->item, mark->uid, mark->mark, "this mailbox is not watched");
    }
  } else if (const auto* credit = std::get_if<CreditCommand>(&command)) {
    const auto found = fetches_.find(credit->item);
    if (found == fetches_.end()) return;
    if (const auto job = found->second.lock()) job->add_credit(credit->credit);
  } else if (const auto* cancelled = std::get_if<CancelCommand>(&command)) {
    cancel(cancelled->item);
  } else if (const auto* again = std::get_if<ReloadCommand>(&command)) {
    reporter_.reloaded(again->query, reload());
  }
}

}  // namespace pushmail::mailbox

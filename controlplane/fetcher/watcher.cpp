#include "controlplane/fetcher/watcher.h"

#include <algorithm>

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/session_kinds.h"
#include "core/ids.h"
#include "core/log.h"

namespace pushmail::mailbox {

namespace {

// A fetch or mark whose connection broke is tried once more on a new one; the control plane decides about the rest.
constexpr std::uint32_t attempts_max = 2;

}  // namespace

bool FetchJob::take_credit(Task& task, Instant until) {
  while (credit_ == 0 && !ended_) {
    if (!gate_.wait(task, until)) return false;
  }
  if (ended_) return false;
  --credit_;
  return true;
}

Watcher::Watcher(Loop& loop, const SessionSettings& settings, Reporter& reporter, IdleSlots& slots, WatchCommand watch)
    : loop_(loop), settings_(settings), reporter_(reporter), slots_(slots), watch_(std::move(watch)), gate_(loop) {
  looked_ = !watch_.cursor.is_blank();
  backoff_ = Backoff(looked_);
  if (watch_.kept) backoff_.go_on_with(*watch_.kept, loop_.now(), settings_.timing);
}

void Watcher::start() {
  loop_.spawn([self = shared_from_this()](Task& task) { self->run(task); });
}

void Watcher::interrupt() {
  if (stream_ != nullptr) stream_->cut();
  if (fetching_ != nullptr) fetching_->end();
  gate_.open();
}

void Watcher::stop() {
  stopped_ = true;
  interrupt();
}

void Watcher::update(WatchCommand watch) {
  // What the record says counts: the control plane may have lost what we told (a full disk), and knows a repeat when it sees one.
  // Only a baseline that it has not read yet is kept, or mails that came meanwhile would be taken for old ones.
  const bool new_account = !watch.account.is_same_account(watch_.account);
  const bool moved = watch.account != watch_.account;
  if (watch.cursor.is_blank() && !new_account) watch.cursor = watch_.cursor;
  if (!new_account) watch.cursor.go_on_with(watch_.cursor);
  watch_ = std::move(watch);
  looked_ = !watch_.cursor.is_blank();
  next_look_ = {};
  // A repeat says nothing about a server that is down, so its pause goes on; another address is worth a try. A refused password may have
  // been put right at the server: that pause is an hour, and the repeat is somebody's wish.
  if (new_account)
    backoff_ = Backoff();
  else if (backoff_.refused() == Backoff::Refused::for_good)
    backoff_.forget_pause();
  else if (moved)
    backoff_.on_moved();
  if (moved) {
    ++generation_;
    interrupt();
  } else {
    gate_.open();
  }
}

void Watcher::poll() {
  poll_wanted_ = true;
  gate_.open();
}

std::shared_ptr<FetchJob> Watcher::fetch(FetchCommand command) {
  auto job = std::make_shared<FetchJob>(loop_, std::move(command));
  jobs_.push_back(Job{.fetch = job, .mark = {}});
  gate_.open();
  return job;
}

void Watcher::cancel(FetchJob& job) {
  job.cancel();
  if (fetching_ == &job) {
    // work() takes it from the queue.
    ++generation_;
    interrupt();
  } else {
    std::erase_if(jobs_, [&job](const Job& queued) { return queued.fetch.get() == &job; });
  }
}

void Watcher::mark(MarkCommand command) {
  jobs_.push_back(Job{.fetch = nullptr, .mark = std::move(command)});
  gate_.open();
}

void Watcher::say(std::string_view state, std::string_view reason) {
  if (state_ == state && reason.empty()) return;
  state_ = state;
  reporter_.session(watch_.binding, state, reason, backoff_.kept(loop_.now()));
}

bool Watcher::wants_session() const {
  if (!jobs_.empty() || poll_wanted_ || !looked_ || loop_.now() >= next_trial()) return true;
  return watch_.mode == Mode::idle && loop_.now() >= next_look_;
}

void Watcher::run(Task& task) {
  while (!stopped_) {
    rest(task);
    if (!stopped_) live(task);
  }
  fail_jobs(Failure{Error{&mailbox_stopped}, std::string(mailbox_stopped.text)});
}

// Until there is something to do and the server may be asked again.
void Watcher::rest(Task& task) {
  while (!stopped_) {
    const Instant not_before = backoff_.not_before();
    const bool pausing = loop_.now() < not_before;
    const bool asked = !jobs_.empty() || poll_wanted_;
    // Another try would be the same password again, and brings the account nearer to being locked; or one more log-in to a server that has
    // just said that it has too many.
    const bool must_wait = pausing && backoff_.refused() != Backoff::Refused::no;
    const bool is_long = backoff_.refused() == Backoff::Refused::for_good || not_before - loop_.now() > settings_.timing.patience;
    if (must_wait && asked && is_long) {
      const Failure& failure = backoff_.failure();
      poll_wanted_ = false;
      reporter_.session(watch_.binding, state_word(failure.error), failure.text, backoff_.kept(loop_.now()));
      fail_jobs(failure);
      continue;
    }
    if (wants_session() && (!pausing || (asked && !must_wait))) return;
    gate_.wait(task, pausing ? not_before : std::min(next_trial(), watch_.mode == Mode::idle ? next_look_ : never));
  }
}

void Watcher::live(Task& task) {
  const std::uint64_t generation = generation_;
  const SessionKind& kind = kind_of(watch_.account.protocol);
  MailStream stream(loop_, kind.grammar);
  const auto session = kind.make(stream, watch_.account, settings_);
  session->on_trying([this](std::span<const std::string> uids) { reporter_.trying(watch_.binding, uids); });
  stream_ = &stream;
  has_looked_ = false;
  life_.move(WatchEvent::connect);
  say("connecting");
  const Instant started_at = loop_.now();
  auto outcome = session->open(task);
  const bool opened = outcome.has_value();
  if (opened) {
    life_.move(WatchEvent::logged_in);
    backoff_.on_logged_in();
    say("ready");
    outcome = serve(task, *session, stream, generation);
  }
  if (must_end(generation)) {
    life_.move(WatchEvent::taken);
  } else {
    life_.move(outcome ? WatchEvent::done : WatchEvent::fail);
    if (outcome) {
      session->close(task);
      backoff_.on_done();
      say("closed");
    } else {
      note_failure(outcome.error(),
                   !opened       ? Backoff::Came::not_in
                   : has_looked_ ? Backoff::Came::to_a_look
                                 : Backoff::Came::in,
                   started_at);
      // Without a connection nothing that waits can be done; with one, only what was begun has failed, and work() has seen to it.
      if (!opened) fail_jobs(backoff_.failure());
    }
  }
  stream_ = nullptr;
  if (std::exchange(has_slot_, false)) slots_.give_back();
}

void Watcher::note_failure(const Failure& failure, Backoff::Came came, Instant opened_at) {
  const Instant now = loop_.now();
  backoff_.on_failure({.failure = failure, .came = came, .lived = now - opened_at, .now = now, .random = random_u64()}, settings_.timing);
  next_look_ = backoff_.not_before();
  // The error is the answer to a poll, but where the session was kept from one before it: then the server closed it between the two, and
  // a new one is asked. A try without a pause is for fetches and marks alone, which are counted.
  poll_wanted_ = poll_wanted_ && came == Backoff::Came::to_a_look;
  say(state_word(backoff_.failure().error), backoff_.failure().text);
}

Outcome<void> Watcher::serve(Task& task, MailboxSession& session, MailStream& stream, std::uint64_t generation) {
  bool must_look = watch_.mode == Mode::idle || !looked_ || loop_.now() >= next_trial();
  bool tell = true;
  while (!must_end(generation)) {
    if (auto worked = work(task, session, stream, generation); !worked) return worked;
    // A session may be over by its nature (POP3 after QUIT).
    if (must_end(generation) || stream.failure()) return {};
    if (must_look || poll_wanted_) {
      tell = tell || poll_wanted_;
      const auto before = watch_.cursor.names();
      if (auto seen = look(task, session); !seen) return seen;
      must_look = false;
      if (std::exchange(tell, false)) {
        poll_wanted_ = false;
        // Growth is known from the announcements; that mails have gone is told here.
        reporter_.polled(watch_.binding, watch_.cursor,
                         std::ranges::includes(watch_.cursor.names(), before) ? Known::left_out : Known::listed);
      }
      continue;
    }
    if (!kind_of(watch_.account.protocol).stays) break;
    if (watch_.mode == Mode::idle && session.can_wait()) {
      has_slot_ = has_slot_ || slots_.take();
      if (!has_slot_) {
        // Better seen every few minutes than never.
        say("ready", "not kept open: the fetcher's descriptors are used up; looked at every few minutes");
        break;
      }
      const Instant looked_at = loop_.now();
      life_.move(WatchEvent::idle);
      say("idling");
      if (auto waited = session.wait(task, gate_, next_trial()); !waited) return waited;
      life_.move(WatchEvent::news);
      must_look = true;
      // A storm of news becomes one look; a command does not wait for it.
      if (jobs_.empty() && !must_end(generation)) gate_.wait(task, looked_at + settings_.timing.idle_pause);
    } else if (!gate_.wait(task, std::min(loop_.now() + settings_.timing.linger, next_trial()))) {
      if (loop_.now() < next_trial()) break;
      must_look = true;
    }
  }
  next_look_ = loop_.now() + settings_.timing.self_poll;
  return {};
}

Outcome<void> Watcher::look(Task& task, MailboxSession& session) {
  Cursor& cursor = watch_.cursor;
  const auto seen = session.look(task, cursor.mark(), [&](const Arrival& arrival) {
    reporter_.wait_for_room(task);
    reporter_.new_mail(watch_.binding, cursor, arrival);
  });
  if (const std::uint64_t count = cursor.take_left_out(); count != 0) {
    reporter_.skipped(watch_.binding, {}, count,
                      "the server numbered its mails anew; only the newest of what came meanwhile are announced");
  }
  if (!seen) return std::unexpected(seen.error());
  looked_ = has_looked_ = true;
  backoff_.on_look();
  if (*seen == Look::renumbered) log_warning("renumbered").binding(watch_.binding);
  const auto learned = session.learn_newest(task, cursor.mark());
  if (*seen == Look::baseline) reporter_.baseline(watch_.binding, cursor);
  return learned;
}

// What the control plane asked for, in its order.
Outcome<void> Watcher::work(Task& task, MailboxSession& session, MailStream& stream, std::uint64_t generation) {
  while (!jobs_.empty() && !must_end(generation) && !stream.failure()) {
    Job& job = jobs_.front();
    ++job.attempts;
    const auto done = job.fetch ? do_fetch(task, session, *job.fetch) : do_mark(task, session, job.mark);
    if (job.fetch && job.fetch->is_cancelled()) {
      jobs_.pop_front();
      continue;
    }
    if (must_end(generation) && !stopped_ && !done) {
      // The connection was taken from under it: the next one goes on with it.
      --job.attempts;
      return {};
    }
    if (done) {
      jobs_.pop_front();
      continue;
    }
    const bool hopeless =
        is_about_one_mail(done.error().error) || done.error().error.is(mailbox_no_credit) || done.error().error.is(mailbox_refused);
    if (hopeless || job.attempts >= attempts_max) {
      fail_job(job, done.error());
      jobs_.pop_front();
      if (hopeless && !done.error().error.is(mailbox_no_credit)) continue;
    }
    return std::unexpected(done.error());
  }
  return {};
}

Outcome<void> Watcher::do_fetch(Task& task, MailboxSession& session, FetchJob& job) {
  const FetchCommand& command = job.command();
  if (command.uid_validity != 0 && command.uid_validity != session.uid_validity()) {
    return std::unexpected(Failure{Error{&mailbox_gone}, "UIDVALIDITY changed"});
  }
  if (watch_.deadly.contains(command.uid))
    return std::unexpected(Failure{Error{&mailbox_unreadable}, std::string(mailbox_unreadable.text)});
  job.begin();
  fetching_ = &job;
  reporter_.trying(watch_.binding, std::span(&command.uid, 1));
  const auto size = session.read(task, command.uid, job.offset(), [&](ByteView piece) {
    if (!job.take_credit(task, loop_.now() + settings_.timing.credit)) return false;
    reporter_.chunk(watch_.binding, command.item, job.offset(), piece);
    job.advance(piece.size());
    return true;
  });
  fetching_ = nullptr;
  reporter_.trying(watch_.binding, {});
  if (job.is_cancelled()) return std::unexpected(Failure{Error{&mailbox_stopped}, std::string(mailbox_stopped.text)});
  if (!size) return std::unexpected(size.error());
  reporter_.fetched(watch_.binding, command.item, command.uid, *size);
  return {};
}

Outcome<void> Watcher::do_mark(Task& task, MailboxSession& session, const MarkCommand& command) {
  // Under another UIDVALIDITY the mail is gone, or another's: nothing to do.
  if (command.uid_validity == 0 || command.uid_validity == session.uid_validity()) {
    if (auto marked = session.mark(task, command.uid, command.mark); !marked) return marked;
  }
  reporter_.marked(watch_.binding, command.item, command.uid, command.mark, {});
  return {};
}

void Watcher::fail_jobs(const Failure& failure) {
  for (const Job& job : jobs_) fail_job(job, failure);
  jobs_.clear();
}

void Watcher::fail_job(const Job& job, const Failure& failure) {
  if (job.fetch) {
    reporter_.fetch_failed(watch_.binding, job.fetch->command().item, job.fetch->command().uid, fetch_word(failure.error));
  } else {
    reporter_.marked(watch_.binding, job.mark.item, job.mark.uid, job.mark.mark, failure.text);
  }
}

}  // namespace pushmail::mailbox

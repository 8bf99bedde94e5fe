#include "controlplane/fetcher/backoff.h"

#include <algorithm>
#include <utility>

#include "controlplane/fetcher/errors.h"

namespace pushmail::mailbox {

namespace {

// Of an account that never worked, so many refusals without a reason mean the password: most servers say no more than NO.
constexpr std::uint32_t unsaid_refusals_max = 2;

}  // namespace

Duration retry_pause(std::uint32_t failures, Duration first, Duration most, std::uint64_t random) {
  static_assert(timers::mailbox_retry.jitter_percent == timers::mailbox_refused.jitter_percent);
  return with_jitter(doubled(first, most, failures == 0 ? 0 : failures - 1), timers::mailbox_retry.jitter_percent, random);
}

Backoff::Kept Backoff::kept(Instant now) const {
  return {.state = refused_ == Refused::no ? std::string() : std::string(state_word(failure_.error)),
          .reason = failure_.text,
          .refused = refused_,
          .pause = std::max(not_before_ - now, Duration{}),
          .failures = failures_,
          .short_sessions = short_sessions_,
          .unsaid_refusals = unsaid_refusals_};
}

void Backoff::go_on_with(const Kept& kept, Instant now, const Timing& timing) {
  const bool is_password = kept.state == state_word(Error{&mailbox_auth});
  const ErrorInfo& for_good = is_password ? mailbox_auth : mailbox_no_uidl;
  failure_ = {Error{kept.refused == Refused::for_good ? &for_good : &mailbox_busy}, kept.reason};
  refused_ = kept.refused;
  failures_ = kept.failures;
  short_sessions_ = kept.short_sessions;
  unsaid_refusals_ = kept.unsaid_refusals;
  not_before_ = now + std::min(kept.pause, timing.retry_auth_most);
}

void Backoff::on_look() {
  failures_ = 0;
  unsaid_refusals_ = 0;
}

void Backoff::on_done() {
  on_look();
  short_sessions_ = 0;
  refused_ = Refused::no;
}

void Backoff::on_failure(Ended ended, const Timing& timing) {
  failure_ = std::move(ended.failure);
  if (failure_.error.is(mailbox_login)) {
    ++unsaid_refusals_;
    if (!has_worked_ && unsaid_refusals_ >= unsaid_refusals_max) failure_.error = Error{&mailbox_auth};
  }
  const bool is_unsaid = failure_.error.is(mailbox_login);
  const bool for_good = failure_.error.is(mailbox_auth) || failure_.error.is(mailbox_no_uidl);
  const bool for_now = ended.came == Came::not_in && (is_unsaid || failure_.error.is(mailbox_busy));
  const Refused before = std::exchange(refused_, for_good ? Refused::for_good : for_now ? Refused::for_now : Refused::no);
  // Hours are counted from the first refusal, whatever failed before it.
  const bool is_first_for_good = for_good && before != Refused::for_good;
  const bool was_steady = ended.came != Came::not_in && ended.lived > timing.steady;
  if (is_first_for_good || was_steady) failures_ = short_sessions_ = 0;
  ++(ended.came == Came::to_a_look ? short_sessions_ : failures_);
  const Duration first = for_good ? timing.retry_auth : timing.retry_first;
  const Duration most = for_good ? timing.retry_auth_most : is_unsaid ? timing.retry_auth : timing.retry_most;
  not_before_ = ended.now + std::max(retry_pause(failures_ + short_sessions_, first, most, ended.random), failure_.wait);
}

void Backoff::forget_pause() {
  refused_ = Refused::no;
  not_before_ = {};
  failures_ = short_sessions_ = 0;
}

void Backoff::on_moved() {
  if (refused_ == Refused::no) not_before_ = {};
}

}  // namespace pushmail::mailbox

// How many exchanges run with one peer at the same time: more while that brings more answers, fewer when the peer has too much to do, never
// more than the contract allows. Pure arithmetic, for both outgoing clients.
//
// A round is as many good answers as exchanges may run, all of them while others waited. Its rate is their number by their mean latency:
// a peer that works in parallel doubles it with the limit, one that works in series only answers later.
//
//              +-- pays, steady: doubled --+                     wasted: back to what it was, and rest
//              v                           |                     slower, overload: halved, and rest
//   first ──> round ───────────────────────+──> rest (30 s) ──> round ...
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/clock.h"
#include "core/result.h"
#include "core/timers.h"

namespace pushmail {

enum class Demand : std::uint8_t { none, waiting };

class Concurrency {
 public:
  static constexpr std::uint32_t first = 4;
  static constexpr Duration rest = timers::overload_rest;
  /// One trouble of the peer is answered in many exchanges at once; it halves once.
  static constexpr Duration overload_interval = timers::overload_once;
  /// Answers that come faster than this are no sign of trouble, however much faster they were before.
  static constexpr Duration slow = milliseconds(50);
  /// An exchange that waits longer while a later one was answered, or `patience_most` in any case, holds no place: the peer has a trouble
  /// with that message, and the others must not wait for it. The contract counts it all the same.
  static constexpr Duration patience = timers::passed_over.first;
  static constexpr Duration patience_most = timers::passed_over.most;

  enum class Event : std::uint8_t { pays, wasted, slower, steady, resting, overload };
  enum class Step : std::uint8_t { grow, back, halve, stay };
  struct Row {
    Event event;
    Step step;
  };
  static constexpr std::array<Row, 6> rows{{
      {Event::pays, Step::grow},     // a fifth more answers than before it was doubled
      {Event::wasted, Step::back},   // not even that
      {Event::slower, Step::halve},  // three times the latency that this limit had
      {Event::steady, Step::grow},   // rested, and demand is there
      {Event::resting, Step::stay},
      {Event::overload, Step::halve},  // 503, 4006, 421, a refused further connection
  }};

  explicit Concurrency(std::uint32_t most) : most_(std::max(most, 1u)), limit_(std::min(most_, first)) {}

  [[nodiscard]] std::uint32_t limit() const { return limit_; }
  /// Whether another exchange may begin beside `running` ones, of which `passed_over` hold no place.
  [[nodiscard]] bool has_place(std::uint32_t running, std::uint32_t passed_over) const {
    return running < most_ && running - passed_over < limit_;
  }
  [[nodiscard]] bool is_passed_over(Instant started, Instant now) const {
    const Duration waits = now - started;
    return waits > patience_most || (waits > patience && newest_answered_ > started);
  }

  /// A good answer. `demand`: whether others waited for a connection when it came.
  void on_answer(Duration latency, Demand demand, Instant now) {
    newest_answered_ = std::max(newest_answered_, Instant{now.ns - latency.ns});
    if (demand == Demand::none) return;
    sum_ns_ += std::max<std::int64_t>(latency.ns, 1);
    if (++count_ < limit_) return;
    const std::int64_t mean = sum_ns_ / count_;
    take(judge(mean, now), mean, now);
  }
  /// The peer says that it has too much to do, or takes no further connection.
  void on_overload(Instant now) {
    if (overloaded_at_.ns != 0 && now - overloaded_at_ < overload_interval) return;
    overloaded_at_ = now;
    take(Event::overload, 0, now);
  }

 private:
  [[nodiscard]] Event judge(std::int64_t mean, Instant now) const {
    if (before_ != 0) {
      // limit / mean >= 1.2 * before / before_mean
      const bool pays = 5 * before_mean_ns_ * limit_ >= 6 * mean * before_;
      return pays ? Event::pays : Event::wasted;
    }
    if (mean_ns_ != 0 && mean > 3 * mean_ns_ && mean > slow.ns) return Event::slower;
    return now >= rests_until_ ? Event::steady : Event::resting;
  }
  void take(Event event, std::int64_t mean, Instant now) {
    const Step step = std::find_if(rows.begin(), rows.end(), [event](const Row& row) { return row.event == event; })->step;
    const bool may_grow = limit_ < most_;
    count_ = 0;
    sum_ns_ = 0;
    switch (step) {
      case Step::grow:
        before_ = may_grow ? limit_ : 0;
        before_mean_ns_ = mean;
        mean_ns_ = may_grow ? 0 : mean;
        limit_ = std::min(limit_ * 2, most_);
        return;
      case Step::back:
        limit_ = before_;
        mean_ns_ = before_mean_ns_;
        break;
      case Step::halve:
        limit_ = std::max(limit_ / 2, 1u);
        mean_ns_ = 0;
        break;
      case Step::stay:
        mean_ns_ = mean_ns_ == 0 ? mean : std::min(mean_ns_, mean);
        return;
    }
    before_ = 0;
    rests_until_ = now + rest;
  }

  std::uint32_t most_;
  std::uint32_t limit_;
  std::uint32_t count_ = 0;  // of this round
  std::int64_t sum_ns_ = 0;
  std::uint32_t before_ = 0;  // the limit before it was doubled; 0: judged already
  std::int64_t before_mean_ns_ = 0;
  std::int64_t mean_ns_ = 0;  // least mean latency of a round at this limit; 0: not known
  Instant rests_until_{};
  Instant overloaded_at_{};
  Instant newest_answered_{};  // when the latest exchange began that has its answer
};

namespace detail {
constexpr bool each_event_once() {
  for (std::size_t i = 0; i < Concurrency::rows.size(); ++i) {
    for (std::size_t j = i + 1; j < Concurrency::rows.size(); ++j) {
      if (Concurrency::rows[i].event == Concurrency::rows[j].event) return false;
    }
  }
  return Concurrency::rows.size() == static_cast<std::size_t>(Concurrency::Event::overload) + 1;
}
}  // namespace detail
static_assert(detail::each_event_once());

}  // namespace pushmail

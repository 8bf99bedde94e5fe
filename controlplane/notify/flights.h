// What one bearer was given and has not answered yet, and how much more it may get.
//
//   given --answered--> (a place free)      after a break that may have hurt something: one at a time, then one more with each answer
//     |---slow--------> (a place free, but its answer still counts)
//     `---lost--------> all of them at once
//
// A doubtful SMS, whose submission ended without an answer before, flies alone: lone() holds the others back until it has its answer, or
// for as long as an answer usually takes. Then the others go first for a minute. Threads: one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "controlplane/store/rows.h"
#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::notify {

class Flights {
 public:
  explicit Flights(const Clock& clock) : clock_(clock) {}

  void add(Sms sms) {
    if (sms.doubts > 0) lone_ = sms.id;
    const std::int64_t id = sms.id;
    flying_.emplace(id, Flight{.sms = std::move(sms), .since = clock_.now()});
  }
  /// The bearer answered. Nothing: it was not flying.
  [[nodiscard]] std::optional<Sms> take(std::int64_t id) {
    auto node = flying_.extract(id);
    if (node.empty()) return std::nullopt;
    if (lone_ == id) lone_ = 0;
    if (width_ < SIZE_MAX) ++width_;
    return std::move(node.mapped().sms);
  }
  /// The bearer is lost, and with it every answer. `hurt`: something may have left without one.
  [[nodiscard]] std::vector<Sms> take_all(bool hurt) {
    std::vector<Sms> flew;
    for (auto& [id, flight] : flying_) flew.push_back(std::move(flight.sms));
    flying_.clear();
    lone_ = 0;
    if (!flew.empty() && hurt) width_ = 1;
    if (std::ranges::any_of(flew, [](const Sms& sms) { return sms.doubts > 0; })) lone_after_ = clock_.now() + timers::sms_alone;
    return flew;
  }
  /// To be called now and then.
  void tick() {
    const auto lone = flying_.find(lone_);
    if (lone == flying_.end() || is_fresh(lone->second)) return;
    lone_ = 0;
    lone_after_ = clock_.now() + timers::sms_alone;
  }

  /// How many more may fly, of as many as the bearer would take.
  [[nodiscard]] std::size_t room(std::size_t bearer_room) const {
    if (lone_ != 0) return 0;
    const std::size_t fresh = fresh_count();
    return fresh >= width_ ? 0 : std::min(bearer_room, width_ - fresh);
  }
  /// Whether a doubtful one may be the next.
  [[nodiscard]] bool is_turn_of_doubtful() const { return clock_.now() >= lone_after_; }
  /// Those that may be answered yet: what the bearer leaves without an answer holds nobody else up.
  [[nodiscard]] std::size_t fresh_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(flying_, [this](const auto& entry) { return is_fresh(entry.second); }));
  }
  [[nodiscard]] bool contains(std::int64_t id) const { return flying_.contains(id); }
  [[nodiscard]] bool any_to(const std::optional<Msisdn>& phone) const {
    return std::ranges::any_of(flying_, [&](const auto& entry) { return !phone || entry.second.sms.msisdn == *phone; });
  }

 private:
  struct Flight {
    Sms sms{};
    Instant since{};
  };
  [[nodiscard]] bool is_fresh(const Flight& flight) const { return clock_.now() - flight.since < timers::answer_usual; }

  const Clock& clock_;
  std::map<std::int64_t, Flight> flying_{};
  std::int64_t lone_ = 0;         // of them, the doubtful one that the others wait for; 0: none
  std::size_t width_ = SIZE_MAX;  // how many may fly
  Instant lone_after_{};          // the next doubtful one not before
};

}  // namespace pushmail::notify

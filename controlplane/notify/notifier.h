// Sends the SMS that wait in the store, each until a bearer has it, and writes down that an item's phone was told (step 402).
//
//   store (pending) --begin: due, needed, below the ceiling--> a bearer (flights.h) --its answer--> sms_outcomes.h
//
// Of several bearers those that work, take the form of the notice and have the lowest order share what is due; the next order's turn is
// when none of them works. Came from: asking, retrieve and to_mail, which queue texts in their own transactions; pump(). Goes to: Bearer.
// Invariants: the store alone knows what was sent. An SMS is `submitting` on disk before its first byte leaves, in the commit that also
// writes the answer to the one before it; what has no answer when the bearer is lost, or when we start, is in doubt and lives on by
// sms_life.h. Nothing is submitted but by begin(), which holds the ceilings of sms_kinds.h. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/notify/bearer.h"
#include "controlplane/notify/flights.h"
#include "controlplane/notify/sms_outcomes.h"
#include "controlplane/notify/sms_receipts.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail::notify {

class Notifier {
 public:
  /// What a phone said goes to `on_message`.
  using OnMessage = std::function<Taken(const IncomingSms&)>;
  struct Limits {
    std::uint64_t per_hour_max = 100;  // submissions to one phone of one kind; sms_kinds.h may say less
  };
  struct Counts {
    std::uint64_t withheld = 0;   // by a ceiling, each time
    std::uint64_t in_doubt = 0;   // ended without an answer
    std::uint64_t set_aside = 0;  // twice in doubt
  };
  /// One more bearer.
  struct Place {
    std::string name{};  // no other has it; stands in the store
    std::int64_t order = 1;
    SmsReceipts::Settings receipts{};
  };
  using MakeBearer = std::function<std::unique_ptr<Bearer>(BearerEvents&)>;

  Notifier(Store& store, const Clock& clock, OnMessage on_message, Limits limits);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// Before start(). The bearer's events go where `make` is told, and the bearer is ours.
  void add(Place place, const MakeBearer& make);
  void start();
  /// Every bearer ends in good order.
  void stop();
  /// Offers what waits and is due. Call after a text was queued, and now and then.
  void pump();

  struct Standing {
    std::string_view name{};
    const Bearer& bearer;
  };
  /// Of each bearer, in the order of add().
  [[nodiscard]] std::vector<Standing> bearers() const;
  [[nodiscard]] Counts counts() const;
  /// Of all bearers.
  [[nodiscard]] SmsReceipts::Counts receipts() const;

 private:
  class Line;

  struct Begun {
    Line* line = nullptr;
    Sms sms{};
  };
  void on_ready();
  void on_lost(Line& line, std::string_view reason, std::span<const std::int64_t> maybe_sent);
  void settle(Line& line, std::int64_t id, const std::function<Result<void>(Sms&)>& write);
  [[nodiscard]] std::vector<Line*> in_turn(NoticeForm form);
  [[nodiscard]] Result<std::vector<Begun>> begin();
  [[nodiscard]] Result<void> begin_on(Line& line, std::vector<Begun>& begun, std::size_t& looked_at);
  [[nodiscard]] Result<bool> may_go(Sms& sms, const Line& line, Timestamp now);
  [[nodiscard]] Result<void> withhold(Sms& sms, const Store::Submits& submits, std::uint64_t most, Timestamp now);
  void hand_over(std::vector<Begun> begun);
  [[nodiscard]] Result<void> recover();
  void alarm(const Sms& sms, Timestamp now);

  Store& store_;
  const Clock& clock_;
  OnMessage on_message_;
  Limits limits_;
  SmsOutcomes outcomes_;
  std::vector<std::unique_ptr<Line>> lines_{};
  std::size_t turn_ = 0;    // of equals, which is asked first
  bool recovered_ = false;  // what an earlier connection or process left unanswered was looked at
  std::map<Msisdn, Timestamp> alarmed_{};
  std::uint64_t withheld_ = 0;
};

}  // namespace pushmail::notify

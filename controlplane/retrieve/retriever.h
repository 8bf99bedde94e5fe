// Step 403: the phone's answer becomes a request for a mail, or a helpful SMS.
//
// Came from: Notifier (deliver_sm). Goes to: the store (item -> requested), then `on_requested`. Rules: only from a number that is bound
// and active; a code is valid for that number alone and for its time; among other words the one code counts that a mail of this phone
// has; STOP, START and HELP work whatever else was written before; a repeat has one effect; answers to wrong instructions are
// limited, so that nobody can make us send SMS without end, and what a machine sent (codec/sms/automatic.h) gets none: two machines would
// go on for ever. The SMSC hears "taken" only when the request is on disk.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codec/wap/numbering.h"
#include "controlplane/notify/bearer.h"
#include "controlplane/retrieve/instruction.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail::retrieve {

inline constexpr std::uint64_t help_count_max = 5;     // helpful SMS per phone and hour
inline constexpr std::uint64_t command_count_max = 5;  // answers to STOP, START and HELP, per phone and hour
inline constexpr std::int64_t day_us = 86'400LL * 1'000'000;

class Retriever {
 public:
  struct Hooks {
    std::function<void(const Item&)> on_requested{};
    std::function<void()> on_sms_queued{};
    /// The phone has asked for a mail; inside Store::write(). True: an SMS about the next one was queued.
    std::function<Result<bool>(const Msisdn&)> announce_next{};
    /// The phone stopped or started it.
    std::function<void(const Binding&)> binding_changed{};
  };
  Retriever(Store& store, const Clock& clock, Hooks hooks, wap::Numbering numbering = {})
      : store_(store), clock_(clock), hooks_(std::move(hooks)), numbering_(std::move(numbering)) {}

  [[nodiscard]] notify::Taken take(const notify::IncomingSms& message);

 private:
  struct Outcome {
    std::string_view automatic_sign{};              // not empty: nothing is answered
    notify::Extent extent = notify::Extent::whole;  // a beginning is not answered either
    std::optional<Item> requested{};
    std::vector<Binding> changed{};
    bool sms_queued = false;
    bool obeyed = false;
  };
  [[nodiscard]] Result<void> take(const Msisdn& phone, std::string_view text, Outcome& outcome);
  [[nodiscard]] Result<Instruction> understand(const Msisdn& phone, std::string_view text, const Outcome& outcome);
  [[nodiscard]] Result<void> command(const Msisdn& phone, Instruction::Kind kind, std::span<const Binding> bound, Outcome& outcome);
  [[nodiscard]] Result<void> get(const Msisdn& phone, const std::string& code, Outcome& outcome);
  /// The code of the mail that was announced last and still waits; empty: none.
  [[nodiscard]] Result<std::string> example_code(const Msisdn& phone);
  [[nodiscard]] Result<void> say(const Msisdn& phone, std::string text, SmsKind kind, Outcome& outcome);

  Store& store_;
  const Clock& clock_;
  Hooks hooks_;
  wap::Numbering numbering_;
};

}  // namespace pushmail::retrieve

// Step 403: the phone's answer becomes a request for a mail, or a helpful SMS.
//
// Came from: Notifier (deliver_sm). Goes to: the store (item -> requested); what follows is returned. Rules: only from a number that is
// bound and active; a code is valid for that number alone and for its time; among other words the one code counts that a mail of this phone
// has; STOP, START and HELP work whatever else was written before; a repeat has one effect; answers to wrong instructions are
// limited, so that nobody can make us send SMS without end, and what a machine sent (codec/sms/automatic.h) gets none: two machines would
// go on for ever. The SMSC hears "taken" only when the request is on disk.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "codec/wap/numbering.h"
#include "controlplane/effects.h"
#include "controlplane/notify/bearer.h"
#include "controlplane/retrieve/instruction.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail::retrieve {

inline constexpr std::uint64_t help_count_max = 5;     // helpful SMS per phone and hour
inline constexpr std::uint64_t command_count_max = 5;  // answers to STOP, START and HELP, per phone and hour
inline constexpr std::int64_t day_us = 86'400LL * 1'000'000;

/// Who is told of the next mail that waits for a phone (controlplane/asking.h).
class NextMail {
 public:
  virtual ~NextMail() = default;
  /// The phone has asked for a mail: it reads, so it gets the next. Inside Store::write(). True: an SMS was queued.
  [[nodiscard]] virtual Result<bool> answered(const Msisdn& phone) = 0;
};

/// What an SMS was taken for, and what follows elsewhere.
struct TakenSms {
  notify::Taken taken = notify::Taken::yes;
  Effects effects{};
};

class Retriever {
 public:
  Retriever(Store& store, const Clock& clock, NextMail& next_mail, wap::Numbering numbering = {})
      : store_(store), clock_(clock), next_mail_(next_mail), numbering_(std::move(numbering)) {}

  [[nodiscard]] TakenSms take(const notify::IncomingSms& message);

 private:
  /// An SMS of which its phone is known.
  struct Words {
    Msisdn phone{};
    std::string_view text{};
    std::string_view automatic_sign{};              // not empty: nothing is answered
    notify::Extent extent = notify::Extent::whole;  // a beginning is not answered either
  };
  struct Outcome {
    Effects effects{};
    bool obeyed = false;
  };
  [[nodiscard]] Result<Outcome> take(Words words);
  [[nodiscard]] Result<Instruction> understand(const Words& words);
  [[nodiscard]] Result<Effects> command(const Words& words, Instruction::Kind kind, std::span<const Binding> bound);
  [[nodiscard]] Result<Effects> get(const Words& words, const std::string& code);
  /// The code of the mail that was announced last and still waits; empty: none.
  [[nodiscard]] Result<std::string> example_code(const Msisdn& phone);
  /// Answers, within the limits of its kind.
  [[nodiscard]] Result<Effects> say(const Words& to, std::string text, SmsKind kind);

  Store& store_;
  const Clock& clock_;
  NextMail& next_mail_;
  wap::Numbering numbering_;
};

}  // namespace pushmail::retrieve

// When an account may be tried again: how its log-ins and sessions went, and the pause that follows from it.
//
// Came from: Watcher, after each connection. Goes to: Watcher, before the next one. It is the account's, not the connection's: it outlives
// sessions, new addresses of the host, and (in Fetcher) a mailbox that is not watched for a while. Failures before a look count until a
// look succeeds; sessions that end soon after one count until a session has lived `Timing::steady`, since a server that dies in each IDLE
// would else be logged into once a second. What the server asks for is waited for.
#pragma once

#include <cstdint>
#include <string>

#include "controlplane/fetcher/mailbox_session.h"

namespace pushmail::mailbox {

class Backoff {
 public:
  /// `has_worked`: this account was logged into before.
  explicit Backoff(bool has_worked = false) : has_worked_(has_worked) {}

  /// Whether the last connection was refused before the mailbox was open, and for how long that may stay so.
  enum class Refused : std::uint8_t { no, for_now, for_good };
  /// How far a session came.
  enum class Came : std::uint8_t { not_in, in, to_a_look };
  struct Ended {
    Failure failure;
    Came came = Came::not_in;
    Duration lived{};  // since it was opened
    Instant now{};
    std::uint64_t random = 0;  // any number
  };

  /// All that a fetcher which starts anew must know, as it goes over the socket.
  struct Kept {
    std::string state{};  // word of the failure
    std::string reason{};
    Refused refused = Refused::no;
    Duration pause{};  // that is left of it
    std::uint32_t failures = 0;
    std::uint32_t short_sessions = 0;
    std::uint32_t unsaid_refusals = 0;
  };
  [[nodiscard]] Kept kept(Instant now) const;
  /// The account as another fetcher left it.
  void go_on_with(const Kept& kept, Instant now, const Timing& timing);

  void on_logged_in() { has_worked_ = true; }
  void on_look();
  /// A session ended by our wish, after what was wanted of it.
  void on_done();
  void on_failure(Ended ended, const Timing& timing);
  /// Somebody wishes that it is tried now.
  void forget_pause();
  /// The host has another address: worth a try, unless the server itself refused.
  void on_moved();

  [[nodiscard]] Refused refused() const { return refused_; }
  [[nodiscard]] Instant not_before() const { return not_before_; }
  /// The last failure, as it is to be told: a log-in that was refused twice without a reason, of an account that never worked, is a refused
  /// password.
  [[nodiscard]] const Failure& failure() const { return failure_; }

 private:
  bool has_worked_;
  Refused refused_ = Refused::no;
  Instant not_before_{};
  Failure failure_{};
  std::uint32_t unsaid_refusals_ = 0;
  std::uint32_t failures_ = 0;        // in a row, before a look
  std::uint32_t short_sessions_ = 0;  // in a row, behind one
};

/// The pause after `failures` failures in a row: doubled each time up to `most`, half of it at random so that mailboxes that failed
/// together do not return together. `random` is any number.
[[nodiscard]] Duration retry_pause(std::uint32_t failures, Duration first, Duration most, std::uint64_t random);

}  // namespace pushmail::mailbox

namespace pushmail {

template <>
inline constexpr auto words<mailbox::Backoff::Refused> = std::to_array<std::string_view>({"no", "now", "good"});

}  // namespace pushmail

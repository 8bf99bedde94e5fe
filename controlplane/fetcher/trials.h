// Mails that the mail server lists and does not hand out: how often each was asked for, and what follows.
//
// Came from: ImapSession and Pop3Session, which note what the server did with each mail. Goes to: the watermark, which stays below a
// mail that is still being tried (Watermark::settled_uid), and the Watcher, which looks again when a try is due. Invariant: a mail that
// was listed is announced, or is no longer listed; one that is not handed out never holds up another.
//
//   asked with others --refused, left out, connection broke--> asked alone --the same--> asked again later, the others first
//         |                                                       |                            | third time
//         +--answered--> announced                                +--answered--> announced     +--> announced with what is known
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"

namespace pushmail::mailbox {

/// What the server did with a mail that was asked for.
enum class Deed : std::uint8_t {
  answered,
  refused,     // NO, BAD or -ERR
  left_out,    // OK without a word about it, or with words that do not say about which mail
  broke_off,   // the connection ended, time ran out, or the answer breaks the protocol
  not_listed,  // SEARCH or UIDL no longer knows it
};
enum class Asked : std::uint8_t { with_others, alone };
enum class Next : std::uint8_t { announce, ask_alone, ask_later, announce_bare, drop };

struct TrialRule {
  Deed deed;
  Asked asked;
  Next next;  // while tries are left
  Next last;  // after the last one
};
/// A batch says nothing about one mail, so only what was asked alone counts as a try.
inline constexpr auto trial_rules = std::to_array<TrialRule>({
    {Deed::answered, Asked::with_others, Next::announce, Next::announce},
    {Deed::answered, Asked::alone, Next::announce, Next::announce},
    {Deed::refused, Asked::with_others, Next::ask_alone, Next::ask_alone},
    {Deed::refused, Asked::alone, Next::ask_later, Next::announce_bare},
    {Deed::left_out, Asked::with_others, Next::ask_alone, Next::ask_alone},
    {Deed::left_out, Asked::alone, Next::ask_later, Next::announce_bare},
    {Deed::broke_off, Asked::with_others, Next::ask_alone, Next::ask_alone},
    {Deed::broke_off, Asked::alone, Next::ask_later, Next::announce_bare},
    {Deed::not_listed, Asked::with_others, Next::drop, Next::drop},
    {Deed::not_listed, Asked::alone, Next::drop, Next::drop},
});
inline constexpr std::uint32_t tries_max = 3;

/// `tries`: how often the mail was asked for alone, this time included.
[[nodiscard]] Next next_step(Deed deed, Asked asked, std::uint32_t tries);

struct Trial {
  std::uint32_t tries = 0;
  Instant not_before{};
  std::string reason{};  // of the last try that failed, for people
  bool operator==(const Trial&) const = default;
};

class Trials {
 public:
  /// A look ends early when so many mails are on trial.
  static constexpr std::size_t count_max = 1000;

  struct Note {
    Deed deed;
    Asked asked;
    Instant now;
    Duration pause;           // before the second try; doubled for the third
    std::string_view reason;  // the server's words
  };
  /// Takes down what became of `uid`. What needs no further try is forgotten.
  Next note(const std::string& uid, const Note& note);
  /// The fetcher died `tries` times while it asked for this mail; it is asked for alone, or no more.
  void suspect(const std::string& uid, std::uint32_t tries);
  /// Goes on with the tries that `before` has counted.
  void adopt(const Trials& before);
  void forget(const std::string& uid) { trials_.erase(uid); }

  [[nodiscard]] bool empty() const { return trials_.empty(); }
  [[nodiscard]] bool is_full() const { return trials_.size() >= count_max; }
  [[nodiscard]] const Trial* find(const std::string& uid) const;
  /// Whose time has come, those with the fewest tries first.
  [[nodiscard]] std::vector<std::string> due(Instant now) const;
  /// When the next try is due; empty: nothing is on trial.
  [[nodiscard]] std::optional<Instant> next_due() const;
  /// IMAP: the lowest UID on trial.
  [[nodiscard]] std::optional<std::uint32_t> lowest_uid() const;

 private:
  std::map<std::string, Trial> trials_;
};

}  // namespace pushmail::mailbox

// May this sender send, can these recipients be reached? Asked before an answer to the peer; answers are cached as long as they say.
//
// Came from: relay (DeliverReq, RCPT). Goes to: the control plane as admission_query, one for each question that the cache cannot
// answer whole. Nobody there, or no answer within the limit: `unavailable` for what is not cached; never "not bound".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/contract/counters/counters.h"
#include "core/record.h"
#include "dataplane/relay/ports.h"

namespace pushmail::relay {

enum class Verdict : std::uint8_t { accepted, not_bound, suspended, bad_address, recipient_busy, sender_busy, unavailable };
[[nodiscard]] Verdict parse_verdict(std::string_view word);

struct Question {
  std::string source;  // "mm7" or "smtp"
  std::string peer;
  std::string sender;                   // handoff form; empty: not asked
  std::vector<std::string> recipients;  // handoff form
  ItemId item;
  TraceId trace;
  std::string mail_from{};  // of forwarded mail, with its source: their budgets are spent
  std::string source_address{};
};
struct Verdicts {
  Verdict sender = Verdict::accepted;
  std::vector<Verdict> recipients;  // in the order of the question
};

class Admission {
 public:
  using Answer = std::function<void(const Verdicts&)>;
  Admission(HandoffPort& handoff, Counters& counters, Duration limit, std::size_t cache_max = 500'000)
      : handoff_(handoff), counters_(counters), limit_(limit), cache_max_(cache_max) {}

  /// Answers at once from the cache or when nobody can be asked, else later from on_answer, on_lost or tick.
  void ask(const Question& question, Instant now, Answer answer);
  /// Whether the question's sender needs no look-up now.
  [[nodiscard]] bool knows_sender(const Question& question, Instant now) const;
  void on_answer(const RecordView& record, Instant now);
  /// The connection is gone, and with it the answers.
  void on_lost();
  void tick(Instant now);
  /// When tick has something to do; Instant{} for never.
  [[nodiscard]] Instant next_due() const { return asked_.empty() ? Instant{} : asked_.begin()->second.deadline; }

 private:
  struct Cached {
    Verdict verdict;
    Instant until;
    std::uint64_t uses;  // then it is asked again: what it grants was counted
  };
  struct Asked {
    Question question;
    Verdicts known;  // from the cache; unavailable where it had nothing
    Instant deadline;
    Answer answer;
  };
  /// Spends one use.
  [[nodiscard]] Verdict cached(const std::string& key, Instant now);
  struct Keep {
    std::uint64_t lifetime_s;
    std::uint64_t uses;
  };
  void remember(const std::string& key, Verdict verdict, Keep keep, Instant now);

  HandoffPort& handoff_;
  Counters& counters_;
  Duration limit_;
  std::size_t cache_max_;
  std::uint64_t last_query_ = 0;
  std::map<std::uint64_t, Asked> asked_;  // by query: deadlines are in the same order
  std::map<std::string, Cached, std::less<>> cache_;
};

}  // namespace pushmail::relay

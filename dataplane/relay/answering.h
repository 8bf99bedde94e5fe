// One effect and one answer for each request of an MMSC, however often it sends it (docs/design.md, Once, or marked).
//
//   find ──> known: answer_again                     the first one is answered: the same answer; else the repeat waits with it
//      └───> new: begin ──> ... ──> accepted         durable: repeats get this answer from now on
//                               └─> refused, delayed it left nothing: the next one is new
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "dataplane/relay/context.h"
#include "dataplane/relay/idempotence.h"

namespace pushmail::relay {

/// A status by its code, with the text that goes with it.
[[nodiscard]] mm7::Status status_of(int code, std::string details = {});

class Answering {
 public:
  explicit Answering(const Context& context) : context_(context) {}

  /// What a repeat is a repeat of; null when the request is new.
  [[nodiscard]] const Repeats::Entry* find(const DigestKey& key) const { return repeats_.find(key, context_.clock.wall()); }
  void answer_again(const Repeats::Entry& entry, const DigestKey& key, Ticket ticket);
  void begin(const DigestKey& key, const ItemId& id);
  void accepted(const DigestKey& key, Ticket ticket, const mm7::Status& status);
  void refused(const DigestKey& key, Ticket ticket, const mm7::Status& status);
  void delayed(const DigestKey& key, Ticket ticket, std::string_view reason);
  /// Of one that was never begun.
  void delay(Ticket ticket, std::string_view reason);

  /// A replayed record of kind accepted_mm7 or report.
  void remember(const RecordView& record);

  /// Stops the program when a repeat waits for one that `is_under_way` does not know.
  template <class IsUnderWay>
  void check(IsUnderWay is_under_way) const {
    repeats_.check();
    for (const auto& [key, tickets] : waiting_) PM_CHECK(!tickets.empty() && is_under_way(key));
  }

 private:
  /// Null: they are put off, like the first one.
  void answer_waiting(const DigestKey& key, const mm7::Status* status);

  const Context& context_;
  Repeats repeats_;
  std::map<DigestKey, std::vector<Ticket>> waiting_;  // repeats that came before the first one was answered
};

}  // namespace pushmail::relay

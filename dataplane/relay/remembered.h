// What became of items lately: a submission that is offered again after its end gets its outcome again, and a report finds the item that
// it is about. Bounded: the oldest go first. Rebuilt at start from what the journal still holds.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/bytes.h"
#include "core/ids.h"
#include "core/record.h"

namespace pushmail::relay {

class Remembered {
 public:
  /// A whole handoff record of kind outcome.
  void put(const RecordView& outcome);
  /// That record of an item that has ended; null when none is known.
  [[nodiscard]] const Bytes* outcome_of(const ItemId& id) const;

  struct About {
    ItemId item;
    TraceId trace;
  };
  /// The item that this peer gave this MessageID, in whatever form it writes it; null when none is known.
  [[nodiscard]] const About* about(const std::string& peer, std::string_view message_id) const;

  /// Stops the program when what is kept and the order it goes in are not the same.
  void check() const;

 private:
  using MessageKey = std::pair<std::string, std::string>;  // peer, MessageID
  std::unordered_map<ItemId, Bytes> outcomes_;
  std::deque<ItemId> outcome_order_;
  std::map<MessageKey, About> messages_;
  std::deque<MessageKey> message_order_;
};

}  // namespace pushmail::relay

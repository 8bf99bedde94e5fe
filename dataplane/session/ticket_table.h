// Tickets: one slot for each question that waits for the relay's answer. A slot's generation grows when it is given back, so an answer
// that comes after its connection has gone finds nothing and harms nobody.
#pragma once

#include <optional>
#include <vector>

#include "dataplane/session/sinks.h"

namespace pushmail {

template <class T>
class TicketTable {
 public:
  [[nodiscard]] Ticket take(T value) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot].value = std::move(value);
    return {.slot = slot, .generation = slots_[slot].generation};
  }

  [[nodiscard]] std::optional<T> find(Ticket ticket) const {
    if (ticket.slot >= slots_.size() || slots_[ticket.slot].generation != ticket.generation) return std::nullopt;
    return slots_[ticket.slot].value;
  }

  /// Giving back twice is harmless: the generation no longer matches.
  void give_back(Ticket ticket) {
    if (!find(ticket)) return;
    Slot& slot = slots_[ticket.slot];
    slot.value.reset();
    ++slot.generation;
    free_.push_back(ticket.slot);
  }

  [[nodiscard]] std::size_t used() const { return slots_.size() - free_.size(); }

 private:
  struct Slot {
    std::uint32_t generation = 1;  // so that a default Ticket names nothing
    std::optional<T> value;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace pushmail

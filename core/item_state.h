// The states of an item: journal, store, command line, traces and metrics take their words from here. In the order of a life; `delivered`
// and what follows it are final. What may follow what is controlplane/store/item_life.h.
#pragma once

#include <cstdint>

#include "core/words.h"

namespace pushmail {

enum class ItemState : std::uint8_t {
  accepted,
  routed,
  notified,
  requested,
  fetching,
  converting,
  submitting,
  submitted,
  reported,
  delivered,
  rejected,
  expired,
  failed,
  withdrawn,
  unconfirmed,
};

template <>
inline constexpr auto words<ItemState> =
    std::to_array<std::string_view>({"accepted", "routed", "notified", "requested", "fetching", "converting", "submitting", "submitted",
                                     "reported", "delivered", "rejected", "expired", "failed", "withdrawn", "unconfirmed"});

[[nodiscard]] constexpr bool is_final(ItemState state) { return state >= ItemState::delivered; }

}  // namespace pushmail

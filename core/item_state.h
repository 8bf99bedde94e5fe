// The states of an item: journal, store, command line, traces and metrics take their words from here. In the order of a life; `delivered`
// and what follows it are final. What may follow what is controlplane/store/item_life.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

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

inline constexpr std::array<std::string_view, 15> item_state_names{
    "accepted", "routed",    "notified", "requested", "fetching", "converting", "submitting",  "submitted",
    "reported", "delivered", "rejected", "expired",   "failed",   "withdrawn",  "unconfirmed",
};

[[nodiscard]] constexpr std::string_view to_string(ItemState state) { return item_state_names[static_cast<std::size_t>(state)]; }
[[nodiscard]] constexpr std::optional<ItemState> parse_item_state(std::string_view name) {
  for (std::size_t i = 0; i < item_state_names.size(); ++i) {
    if (item_state_names[i] == name) return static_cast<ItemState>(i);
  }
  return std::nullopt;
}
[[nodiscard]] constexpr bool is_final(ItemState state) { return state >= ItemState::delivered; }

}  // namespace pushmail

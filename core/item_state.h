// The life of an item, one table: journal, store, command line, traces and metrics take their words from here.
//
//   accepted -> authorised -> routed -> notified -> requested -> fetching -> converting -> submitting -> submitted -> reported
//        \___________________________ any of them ___________________________________________________/
//                                          v
//        delivered | rejected | expired | failed | withdrawn | unconfirmed        (final; only unconfirmed -> delivered moves)
//
// Phone to mail skips notified..fetching; a step back (submitting -> requested after a crash) is a retry and legal.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pushmail {

enum class ItemState : std::uint8_t {
  accepted,
  authorised,
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

inline constexpr std::array<std::string_view, 16> item_state_names{
    "accepted",  "authorised", "routed",    "notified", "requested", "fetching", "converting", "submitting",
    "submitted", "reported",   "delivered", "rejected", "expired",   "failed",   "withdrawn",  "unconfirmed",
};

[[nodiscard]] constexpr std::string_view to_string(ItemState state) { return item_state_names[static_cast<std::size_t>(state)]; }
[[nodiscard]] constexpr std::optional<ItemState> parse_item_state(std::string_view name) {
  for (std::size_t i = 0; i < item_state_names.size(); ++i) {
    if (item_state_names[i] == name) return static_cast<ItemState>(i);
  }
  return std::nullopt;
}
[[nodiscard]] constexpr bool is_final(ItemState state) { return state >= ItemState::delivered; }
/// A final state never changes, except unconfirmed -> delivered.
[[nodiscard]] constexpr bool may_follow(ItemState from, ItemState to) {
  if (is_final(from)) return from == ItemState::unconfirmed && to == ItemState::delivered;
  return from != to || from == ItemState::reported;
}

}  // namespace pushmail

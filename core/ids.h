// Names of things that outlive a process: items, traces. Drawn at random, never counted, so a restart cannot repeat one.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail {

/// 128 bits: 48-bit Unix ms, 16-bit node and worker, 64 random bits. Printed as 26 characters of Crockford's base32,
/// so ids sort by time in text and in bytes.
struct ItemId {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const ItemId&) const = default;
  [[nodiscard]] bool empty() const { return *this == ItemId{}; }
};

/// 16 random bytes, born where an item is first seen; one mail to three phones is one trace and three items.
struct TraceId {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const TraceId&) const = default;
  [[nodiscard]] bool empty() const { return *this == TraceId{}; }
};

/// Fills `out` from the kernel's random source; its failure is fatal, since nothing here may be guessable.
void fill_random(MutableBytes out);
[[nodiscard]] std::uint64_t random_u64();

[[nodiscard]] ItemId new_item_id(Timestamp now, std::uint16_t node_and_worker);
[[nodiscard]] std::string to_string(const ItemId& id);
[[nodiscard]] Result<ItemId> parse_item_id(std::string_view text);

[[nodiscard]] TraceId new_trace_id();
/// 32 lower-case hex digits.
[[nodiscard]] std::string to_string(const TraceId& id);
[[nodiscard]] Result<TraceId> parse_trace_id(std::string_view text);

/// `pm` + item id: our MM7 TransactionID, 28 characters of [0-9A-Za-z].
[[nodiscard]] std::string transaction_id_of(const ItemId& id);
/// The item a TransactionID or the left half of a Message-ID of ours names.
[[nodiscard]] Result<ItemId> item_of_transaction_id(std::string_view text);

}  // namespace pushmail

template <>
struct std::hash<pushmail::ItemId> {
  std::size_t operator()(const pushmail::ItemId& id) const noexcept {
    return static_cast<std::size_t>(pushmail::load<std::uint64_t>(id.bytes.data() + 8, std::endian::native));
  }
};

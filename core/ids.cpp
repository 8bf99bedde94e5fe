#include "core/ids.h"

#include <sys/random.h>

#include <cerrno>

#include "core/errors.h"

namespace pushmail {

namespace {

constexpr std::string_view crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t item_id_text_size = 26;
constexpr std::string_view transaction_prefix = "pm";

// Crockford's base32 reads I and L as 1, O as 0, and either case.
int crockford_value(char c) {
  c = ascii_lower(c);
  if (c == 'i' || c == 'l') return 1;
  if (c == 'o') return 0;
  for (std::size_t i = 0; i < crockford.size(); ++i) {
    if (ascii_lower(crockford[i]) == c) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

void fill_random(MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
    if (got < 0 && errno == EINTR) continue;
    // Ids and codes that somebody could guess are worse than none.
    if (got <= 0) system_failed("random bytes", errno);
    done += static_cast<std::size_t>(got);
  }
}

std::uint64_t random_u64() {
  std::array<std::uint8_t, 8> bytes;
  fill_random(bytes);
  return load<std::uint64_t>(bytes.data(), std::endian::native);
}

ItemId new_item_id(Timestamp now, std::uint16_t node_and_worker) {
  ItemId id;
  const auto ms = static_cast<std::uint64_t>(now.us / 1000);
  store(id.bytes.data(), ms << 16 | node_and_worker, std::endian::big);
  fill_random(MutableBytes(id.bytes).subspan(8));
  return id;
}

std::string to_string(const ItemId& id) {
  // 128 bits in 26 digits of 5: the first digit carries the top 3 bits.
  std::string text(item_id_text_size, '0');
  for (std::size_t i = 0; i < item_id_text_size; ++i) {
    const std::size_t low_bit = 5 * (item_id_text_size - 1 - i);
    unsigned value = 0;
    for (std::size_t bit = 0; bit < 5; ++bit) {
      const std::size_t at = low_bit + bit;
      if (at >= 128) continue;
      value |= static_cast<unsigned>(id.bytes[15 - at / 8] >> at % 8 & 1) << bit;
    }
    text[i] = crockford[value];
  }
  return text;
}

Result<ItemId> parse_item_id(std::string_view text) {
  if (text.size() != item_id_text_size) return fail(core_bad_item_id);
  ItemId id;
  for (std::size_t i = 0; i < item_id_text_size; ++i) {
    const int value = crockford_value(text[i]);
    if (value < 0 || (i == 0 && value > 7)) return fail(core_bad_item_id, i);
    const std::size_t low_bit = 5 * (item_id_text_size - 1 - i);
    for (std::size_t bit = 0; bit < 5; ++bit) {
      const std::size_t at = low_bit + bit;
      if (at < 128 && (value >> bit & 1) != 0) id.bytes[15 - at / 8] |= static_cast<std::uint8_t>(1U << at % 8);
    }
  }
  return id;
}

TraceId new_trace_id() {
  TraceId id;
  fill_random(id.bytes);
  return id;
}

std::string to_string(const TraceId& id) { return to_hex(id.bytes); }

Result<TraceId> parse_trace_id(std::string_view text) {
  const Bytes bytes = from_hex(text);
  TraceId id;
  if (bytes.size() != id.bytes.size()) return fail(core_bad_trace_id);
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

std::string transaction_id_of(const ItemId& id) { return std::string(transaction_prefix) + to_string(id); }

Result<ItemId> item_of_transaction_id(std::string_view text) {
  if (!text.starts_with(transaction_prefix)) return fail(core_bad_item_id);
  return parse_item_id(text.substr(transaction_prefix.size()));
}

}  // namespace pushmail

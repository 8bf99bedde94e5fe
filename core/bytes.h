// Byte views and the few conversions that every folder needs. No ownership here.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pushmail {

using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

[[nodiscard]] inline ByteView bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
[[nodiscard]] inline std::string_view text_of(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

template <std::unsigned_integral T>
[[nodiscard]] constexpr T swap_to(std::endian order, T value) {
  return order == std::endian::native ? value : static_cast<T>(std::byteswap(value));
}

/// Reads sizeof(T) bytes at `from`; the caller has checked that they exist.
template <std::unsigned_integral T>
[[nodiscard]] T load(const std::uint8_t* from, std::endian order) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return swap_to(order, value);
}
template <std::unsigned_integral T>
void store(std::uint8_t* to, T value, std::endian order) {
  value = swap_to(order, value);
  std::memcpy(to, &value, sizeof value);
}
template <std::unsigned_integral T>
void append(Bytes& to, T value, std::endian order) {
  const std::size_t size = to.size();
  to.resize(size + sizeof value);
  store(to.data() + size, value, order);
}
inline void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
inline void append(Bytes& to, std::string_view text) { append(to, bytes_of(text)); }
/// Pieces of text, one behind the other: without a string for the sum of them.
template <typename... Pieces>
void append_all(Bytes& to, const Pieces&... pieces) {
  (append(to, std::string_view(pieces)), ...);
}

/// ASCII only; the protocols here compare names without case in ASCII and nowhere else.
[[nodiscard]] constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
[[nodiscard]] constexpr bool ascii_equal_nocase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    // The two cases of a letter differ in this bit; most bytes are the same, or not even that.
    if (a[i] == b[i]) continue;
    if ((a[i] ^ b[i]) != ('a' ^ 'A') || ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}
[[nodiscard]] constexpr bool ascii_starts_with_nocase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && ascii_equal_nocase(text.substr(0, prefix.size()), prefix);
}
/// Without leading and trailing space, tab, CR, LF.
[[nodiscard]] constexpr std::string_view ascii_trim(std::string_view text) {
  // find_first_not_of would search the four of them once for each byte.
  const auto is_white = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

/// Lower-case hex, two characters a byte.
[[nodiscard]] std::string to_hex(ByteView bytes);
/// Empty when `hex` is not an even number of hex digits.
[[nodiscard]] Bytes from_hex(std::string_view hex);

}  // namespace pushmail

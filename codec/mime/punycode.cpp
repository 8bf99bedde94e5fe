// Domains for SMTP: U-labels as A-labels (RFC 5891 §4.4, RFC 3492 §6.3).
//
// Came from: address.cpp. Goes to: Mailbox::domain. Only ASCII is mapped to lower case; a name typed in capitals beyond ASCII stays
// as it is and is a different name.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "codec/mime/fields.h"
#include "codec/simd/simd.h"

namespace pushmail::mime {
namespace {

// RFC 3492 §5.
constexpr std::uint32_t base = 36, t_min = 1, t_max = 26, skew = 38, damp = 700, initial_bias = 72, initial_n = 128;

constexpr std::size_t size_max = 512;  // bytes, more than twice what DNS allows

/// The next character of valid UTF-8.
char32_t take(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t c = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) c = c << 6U | (byte(i) & 0x3FU);
  text.remove_prefix(size);
  return c;
}

char digit(std::uint32_t value) { return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26)); }

std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, std::uint32_t part) {
  delta = delta / part;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > ((base - t_min) * t_max) / 2; k += base) delta /= base - t_min;
  return k + (base - t_min + 1) * delta / (delta + skew);
}

void append_label(ArenaText& out, std::string_view label, std::array<char32_t, size_max>& storage) {
  std::size_t count = 0;
  std::uint32_t handled = 0;
  for (std::string_view rest = label; !rest.empty();) {
    storage[count] = take(rest);
    if (storage[count++] < 0x80) ++handled;
  }
  const std::span<const char32_t> characters = std::span(storage).first(count);
  if (handled < count) out += "xn--";
  for (const char32_t c : characters) {
    if (c < 0x80) out += ascii_lower(static_cast<char>(c));
  }
  if (handled == count) return;
  const std::uint32_t basic = handled;
  if (basic > 0) out += '-';
  std::uint32_t n = initial_n, delta = 0, bias = initial_bias;
  while (handled < characters.size()) {
    char32_t next = std::numeric_limits<char32_t>::max();
    for (const char32_t c : characters) {
      if (c >= n && c < next) next = c;
    }
    delta += (static_cast<std::uint32_t>(next) - n) * (handled + 1);
    n = static_cast<std::uint32_t>(next);
    for (const char32_t c : characters) {
      if (c < n) ++delta;
      if (c != n) continue;
      std::uint32_t q = delta;
      for (std::uint32_t k = base;; k += base) {
        const std::uint32_t t = k <= bias ? t_min : k >= bias + t_max ? t_max : k - bias;
        if (q < t) break;
        out += digit(t + (q - t) % (base - t));
        q = (q - t) / (base - t);
      }
      out += digit(q);
      bias = adapt(delta, handled + 1, handled == basic ? damp : 2);
      delta = 0;
      ++handled;
    }
    ++delta;
    ++n;
  }
}

}  // namespace

std::string_view domain_to_ascii(std::string_view domain, Arena& arena) {
  // An address literal is no name. Longer than any domain: kept, and refused by whoever checks lengths. This keeps the loop over characters short too.
  if (domain.starts_with('[') || domain.size() > size_max || simd::active().utf8_valid_prefix(bytes_of(domain)) != domain.size()) return domain;
  if (std::all_of(domain.begin(), domain.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return lower_case(domain, arena);
  ArenaText out(arena);
  std::array<char32_t, size_max> storage;
  while (true) {
    const std::size_t dot = domain.find('.');
    append_label(out, domain.substr(0, dot), storage);
    if (dot == std::string_view::npos) return out.take_view();
    out += '.';
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace pushmail::mime

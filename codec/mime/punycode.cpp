// Domains for SMTP: U-labels as A-labels (RFC 5891 §4.4, RFC 3492 §6.3).
//
// Came from: address.cpp. Goes to: Mailbox::domain. Only ASCII is mapped to lower case; a name typed in capitals beyond ASCII stays
// as it is and is a different name.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "codec/mime/fields.h"
#include "codec/simd/simd.h"

namespace pushmail::mime {
namespace {

// RFC 3492 §5.
constexpr std::uint32_t base = 36, t_min = 1, t_max = 26, skew = 38, damp = 700, initial_bias = 72, initial_n = 128;

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

std::string label_to_ascii(std::string_view label) {
  std::vector<char32_t> characters;
  while (!label.empty()) characters.push_back(take(label));
  std::string out;
  for (const char32_t c : characters) {
    if (c < 0x80) out += ascii_lower(static_cast<char>(c));
  }
  if (out.size() == characters.size()) return out;
  auto handled = static_cast<std::uint32_t>(out.size());
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
  return "xn--" + out;
}

}  // namespace

std::string domain_to_ascii(std::string_view domain) {
  // An address literal is no name. Longer than any domain: kept, and refused by whoever checks lengths. This keeps the loop over characters short too.
  if (domain.starts_with('[') || domain.size() > 512 || simd::active().utf8_valid_prefix(bytes_of(domain)) != domain.size()) return std::string(domain);
  std::string out;
  while (true) {
    const std::size_t dot = domain.find('.');
    out += label_to_ascii(domain.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    out += '.';
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace pushmail::mime

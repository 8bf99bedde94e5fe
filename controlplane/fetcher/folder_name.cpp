#include "controlplane/fetcher/folder_name.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "controlplane/fetcher/fence.h"
#include "core/utf8.h"

namespace pushmail::mailbox {

namespace {

// RFC 3501 §5.1.3: the alphabet of base64 with a comma, since a slash parts levels of folders.
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
static_assert(alphabet.size() == 64);

bool is_direct(char32_t c) { return c >= 0x20 && c <= 0x7E; }

/// `&...-`: UTF-16 in base64 without padding.
void write_shifted(const std::vector<std::uint16_t>& units, std::string& out) {
  out.push_back('&');
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint16_t unit : units) {
    bits = bits << 16 | unit;
    for (count += 16; count >= 6; count -= 6) out.push_back(alphabet[bits >> (count - 6) & 63U]);
    bits &= (1U << count) - 1;
  }
  if (count > 0) out.push_back(alphabet[bits << (6 - count) & 63U]);
  out.push_back('-');
}

std::optional<std::string> encode(std::string_view name) {
  std::string out;
  std::vector<std::uint16_t> shifted;
  const auto end_shift = [&] {
    if (!shifted.empty()) write_shifted(shifted, out);
    shifted.clear();
  };
  while (!name.empty()) {
    const auto c = take_code_point(name);
    if (!c || *c < 0x20 || (*c >= 0x7F && *c < 0xA0)) return std::nullopt;
    if (is_direct(*c)) {
      end_shift();
      out.push_back(static_cast<char>(*c));
      if (*c == '&') out.push_back('-');
    } else if (*c < 0x10000) {
      shifted.push_back(static_cast<std::uint16_t>(*c));
    } else {
      shifted.push_back(static_cast<std::uint16_t>(0xD800 + ((*c - 0x10000) >> 10)));
      shifted.push_back(static_cast<std::uint16_t>(0xDC00 + ((*c - 0x10000) & 0x3FFU)));
    }
  }
  end_shift();
  return out;
}

/// What stands between `&` and `-`; nothing when it is no whole UTF-16, or holds what needs no shift.
std::optional<std::vector<std::uint16_t>> read_shifted(std::string_view text) {
  std::vector<std::uint16_t> units;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    units.push_back(static_cast<std::uint16_t>(bits >> count));
    bits &= (1U << count) - 1;
  }
  const bool whole = !units.empty() && count < 6 && bits == 0;
  return whole && std::ranges::none_of(units, [](std::uint16_t unit) { return is_direct(unit); }) ? std::optional(units) : std::nullopt;
}

/// In modified UTF-7, and not by accident: every `&` begins what it says, and one at least is a letter outside ASCII.
bool is_encoded(std::string_view name) {
  bool shifts = false;
  for (std::size_t at = 0; (at = name.find('&', at)) != std::string_view::npos;) {
    const std::size_t end = name.find('-', at);
    if (end == std::string_view::npos) return false;
    const std::string_view shifted = name.substr(at + 1, end - at - 1);
    if (!shifted.empty() && !read_shifted(shifted)) return false;
    shifts = shifts || !shifted.empty();
    at = end + 1;
  }
  return shifts;
}

}  // namespace

std::optional<std::string> folder_on_wire(std::string_view name) {
  if (!may_be_a_secret(name)) return std::nullopt;
  if (may_go_on_wire(name) && is_encoded(name)) return std::string(name);
  return encode(name);
}

}  // namespace pushmail::mailbox

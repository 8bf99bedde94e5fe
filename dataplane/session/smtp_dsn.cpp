#include "dataplane/session/smtp_dsn.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/simd/simd.h"
#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::smtp {

namespace {

constexpr std::size_t envelope_id_size_max = 100;         // RFC 3461 §4.4, as written in the command
constexpr std::size_t original_recipient_size_max = 500;  // RFC 3461 §4.2, the same
constexpr std::array<std::string_view, 3> occasions{"SUCCESS", "FAILURE", "DELAY"};

/// RFC 822 §3.3: what an atom is made of.
constexpr bool is_atom(char c) {
  constexpr std::string_view marks = "!#$%&'*+-/?^_`{|}~";
  return is_alphanumeric(c) || marks.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (is_control(c) || c == ' ' || c == '=') return std::nullopt;
    if (c != '+') {
      decoded += c;
      continue;
    }
    const auto byte = leading_hex_byte(text.substr(at + 1));
    const auto is_lower = [](char digit) { return digit >= 'a'; };
    if (!byte || std::ranges::any_of(text.substr(at + 1, 2), is_lower)) return std::nullopt;
    decoded += static_cast<char>(*byte);
    at += 2;
  }
  return decoded;
}

std::optional<std::string> read_return(std::string_view value) {
  for (const std::string_view each : {"FULL", "HDRS"}) {
    if (ascii_equal_nocase(value, each)) return std::string(each);
  }
  return std::nullopt;
}

std::optional<std::string> read_envelope_id(std::string_view value) {
  if (value.empty() || value.size() > envelope_id_size_max) return std::nullopt;
  auto id = decode_xtext(value);
  // It stands in a field of the notification: a line end in it would begin another one.
  if (!id || !is_ascii(*id) || std::ranges::any_of(*id, is_control)) return std::nullopt;
  return id;
}

std::optional<std::string> read_notify(std::string_view value) {
  if (ascii_equal_nocase(value, "NEVER")) return "NEVER";
  std::array<bool, occasions.size()> wanted{};
  while (true) {
    const std::string_view word = value.substr(0, value.find(','));
    const auto row = std::ranges::find_if(occasions, [&](std::string_view each) { return ascii_equal_nocase(each, word); });
    // NEVER stands alone: beside another word it is none here.
    if (row == occasions.end()) return std::nullopt;
    bool& once = wanted[static_cast<std::size_t>(row - occasions.begin())];
    if (std::exchange(once, true)) return std::nullopt;
    if (word.size() == value.size()) break;
    value.remove_prefix(word.size() + 1);
  }
  std::string words;
  for (std::size_t i = 0; i < occasions.size(); ++i) {
    if (!wanted[i]) continue;
    if (!words.empty()) words += ',';
    words += occasions[i];
  }
  return words;
}

std::optional<std::string> read_original_recipient(std::string_view value) {
  if (value.size() > original_recipient_size_max) return std::nullopt;
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0) return std::nullopt;
  const std::string_view kind = value.substr(0, semicolon);
  if (!std::ranges::all_of(kind, is_atom)) return std::nullopt;
  const auto address = decode_xtext(value.substr(semicolon + 1));
  if (!address || address->empty() || std::ranges::any_of(*address, is_control)) return std::nullopt;
  const bool may_be_utf8 = ascii_equal_nocase(kind, "utf-8");
  if (!may_be_utf8 && !is_ascii(*address)) return std::nullopt;
  if (simd::active().utf8_valid_prefix(bytes_of(*address)) != address->size()) return std::nullopt;
  std::string original(kind);
  std::ranges::transform(original, original.begin(), ascii_lower);
  return original + ";" + *address;
}

}  // namespace pushmail::smtp

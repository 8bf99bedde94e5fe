// Base64 of short texts (RFC 4648 §4): credentials, words of a header. Bodies of mails, with their lines, are codec/simd's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pushmail {

/// The letters of RFC 4648 §4 in the order of their values.
inline constexpr std::string_view base64_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// With padding, without line ends.
[[nodiscard]] std::string base64_encoded(std::string_view bytes);
/// Strict, since a header has one spelling only: whole groups with their padding, no other byte. Nothing for anything else, and for an
/// empty text.
[[nodiscard]] std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace pushmail

// Assigned numbers of WSP: content types, charsets, parameters and header fields (WAP-230 Appendix A; OMNA).
//
// Came from / goes to: content_type.h, multipart.h, codec/mms. A number is the value without the top bit that a short integer adds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pushmail::wap {

/// `text/plain` for 3; empty when the number is not assigned.
[[nodiscard]] std::string_view content_type_name(std::uint64_t number);
[[nodiscard]] std::optional<std::uint32_t> content_type_number(std::string_view name);

/// `utf-8` for 106; empty when unknown, and for 0 (any).
[[nodiscard]] std::string_view charset_name(std::uint64_t mib);
[[nodiscard]] std::optional<std::uint32_t> charset_number(std::string_view name);

/// `charset` for 1; both numbers of a name with two (05 and 17: name) give the same. Empty when unknown.
[[nodiscard]] std::string_view parameter_name(std::uint64_t number);
/// The older number of the two, which all phones understand.
[[nodiscard]] std::optional<std::uint8_t> parameter_number(std::string_view name);

namespace header {
inline constexpr std::uint8_t content_location = 0x0E;
inline constexpr std::uint8_t content_disposition_old = 0x2E;
inline constexpr std::uint8_t content_disposition = 0x45;
inline constexpr std::uint8_t wap_application_id = 0x2F;
inline constexpr std::uint8_t push_flag = 0x34;
inline constexpr std::uint8_t content_id = 0x40;
inline constexpr std::uint8_t content_transfer_encoding = 0x48;  // never assigned, but written by a wide-spread client
}  // namespace header

}  // namespace pushmail::wap

// The table of values that are one octet, and the statuses of OMA-MMS-ENC 1.0.
#include <algorithm>
#include <array>

#include "codec/mms/fields.h"
#include "core/bytes.h"

namespace pushmail::mms {

namespace {

// OMA-MMS-ENC 1.2 §7.2 and 1.3 §7.3, by field.
constexpr auto value_rows = std::to_array<FieldValue>({
    {0x8F, 0x80, "Low", version_1_0},
    {0x8F, 0x81, "Normal", version_1_0},
    {0x8F, 0x82, "High", version_1_0},
    {0x92, 0x80, "Ok", version_1_0},
    {0x92, 0x81, "Error-unspecified", version_1_0},
    {0x92, 0x82, "Error-service-denied", version_1_0},
    {0x92, 0x83, "Error-message-format-corrupt", version_1_0},
    {0x92, 0x84, "Error-sending-address-unresolved", version_1_0},
    {0x92, 0x85, "Error-message-not-found", version_1_0},
    {0x92, 0x86, "Error-network-problem", version_1_0},
    {0x92, 0x87, "Error-content-not-accepted", version_1_0},
    {0x92, 0x88, "Error-unsupported-message", version_1_0},
    {0x92, 0xC0, "Error-transient-failure", version_1_1},
    {0x92, 0xC1, "Error-transient-sending-address-unresolved", version_1_1},
    {0x92, 0xC2, "Error-transient-message-not-found", version_1_1},
    {0x92, 0xC3, "Error-transient-network-problem", version_1_1},
    {0x92, 0xC4, "Error-transient-partial-success", version_1_3},
    {0x92, 0xE0, "Error-permanent-failure", version_1_1},
    {0x92, 0xE1, "Error-permanent-service-denied", version_1_1},
    {0x92, 0xE2, "Error-permanent-message-format-corrupt", version_1_1},
    {0x92, 0xE3, "Error-permanent-sending-address-unresolved", version_1_1},
    {0x92, 0xE4, "Error-permanent-message-not-found", version_1_1},
    {0x92, 0xE5, "Error-permanent-content-not-accepted", version_1_1},
    {0x92, 0xE6, "Error-permanent-reply-charging-limitations-not-met", version_1_1},
    {0x92, 0xE7, "Error-permanent-reply-charging-request-not-accepted", version_1_1},
    {0x92, 0xE8, "Error-permanent-reply-charging-forwarding-denied", version_1_1},
    {0x92, 0xE9, "Error-permanent-reply-charging-not-supported", version_1_1},
    {0x92, 0xEA, "Error-permanent-address-hiding-not-supported", version_1_2},
    {0x92, 0xEB, "Error-permanent-lack-of-prepaid", version_1_3},
    {0x94, 0x80, "Hide", version_1_0},
    {0x94, 0x81, "Show", version_1_0},
    {0x95, 0x80, "Expired", version_1_0},
    {0x95, 0x81, "Retrieved", version_1_0},
    {0x95, 0x82, "Rejected", version_1_0},
    {0x95, 0x83, "Deferred", version_1_0},
    {0x95, 0x84, "Unrecognised", version_1_0},
    {0x95, 0x85, "Indeterminate", version_1_1},
    {0x95, 0x86, "Forwarded", version_1_1},
    {0x95, 0x87, "Unreachable", version_1_2},
    {0x99, 0x80, "Ok", version_1_1},
    {0x99, 0xC0, "Error-transient-failure", version_1_1},
    {0x99, 0xC1, "Error-transient-message-not-found", version_1_1},
    {0x99, 0xC2, "Error-transient-network-problem", version_1_1},
    {0x99, 0xE0, "Error-permanent-failure", version_1_1},
    {0x99, 0xE1, "Error-permanent-service-denied", version_1_1},
    {0x99, 0xE2, "Error-permanent-message-not-found", version_1_1},
    {0x99, 0xE3, "Error-permanent-content-unsupported", version_1_1},
    {0x9B, 0x80, "Read", version_1_1},
    {0x9B, 0x81, "Deleted-without-being-read", version_1_1},
    {0x9C, 0x80, "Requested", version_1_1},
    {0x9C, 0x81, "Requested-text-only", version_1_1},
    {0x9C, 0x82, "Accepted", version_1_1},
    {0x9C, 0x83, "Accepted-text-only", version_1_1},
    {0xA3, 0x80, "Draft", version_1_2},
    {0xA3, 0x81, "Sent", version_1_2},
    {0xA3, 0x82, "New", version_1_2},
    {0xA3, 0x83, "Retrieved", version_1_2},
    {0xA3, 0x84, "Forwarded", version_1_2},
    {0xA5, 0x80, "Success", version_1_2},
    {0xA5, 0xC0, "Error-transient-failure", version_1_2},
    {0xA5, 0xC1, "Error-transient-network-problem", version_1_2},
    {0xA5, 0xE0, "Error-permanent-failure", version_1_2},
    {0xA5, 0xE1, "Error-permanent-service-denied", version_1_2},
    {0xA5, 0xE2, "Error-permanent-message-format-corrupt", version_1_2},
    {0xA5, 0xE3, "Error-permanent-message-not-found", version_1_2},
    {0xA5, 0xE4, "Error-permanent-mmbox-full", version_1_2},
    {0xB4, 0x80, "Manual", version_1_3},
    {0xBA, 0x80, "text", version_1_3},
    {0xBA, 0x81, "image-basic", version_1_3},
    {0xBA, 0x82, "image-rich", version_1_3},
    {0xBA, 0x83, "video-basic", version_1_3},
    {0xBA, 0x84, "video-rich", version_1_3},
    {0xBA, 0x85, "megapixel", version_1_3},
    {0xBA, 0x86, "content-basic", version_1_3},
    {0xBA, 0x87, "content-rich", version_1_3},
    {0xBF, 0x80, "Cancel-Request-successfully-received", version_1_3},
    {0xBF, 0x81, "Cancel-Request-corrupted", version_1_3},
});
static_assert(std::ranges::is_sorted(value_rows, {}, &FieldValue::code));

struct StatusRow {
  std::uint8_t status;
  std::uint8_t in_1_0;
};
// A status that 1.0 has no word for is its unspecified error.
constexpr std::uint8_t unspecified = 0x81;
constexpr auto status_rows = std::to_array<StatusRow>({
    {response_status::service_denied, 0x82},
    {response_status::message_format_corrupt, 0x83},
    {0xC1, 0x84},
    {response_status::sending_address_unresolved, 0x84},
    {0xC2, 0x85},
    {response_status::message_not_found, 0x85},
    {response_status::transient_network_problem, 0x86},
    {response_status::content_not_accepted, 0x87},
});

constexpr std::array<std::string_view, 4> message_classes{"Personal", "Advertisement", "Informational", "Auto"};

}  // namespace

std::span<const FieldValue> values_of(std::uint8_t code) {
  const auto [first, last] = std::ranges::equal_range(value_rows, code, {}, &FieldValue::code);
  return {first, last};
}

std::string_view value_name(std::uint8_t code, std::uint8_t value) {
  const auto rows = values_of(code);
  const auto row = std::ranges::find(rows, value, &FieldValue::value);
  return row == rows.end() ? std::string_view{} : row->name;
}

std::string_view message_class_name(std::uint8_t code) {
  const std::size_t index = static_cast<std::size_t>(code) - 0x80;
  return index < message_classes.size() ? message_classes[index] : std::string_view{};
}

std::optional<std::uint8_t> message_class_code(std::string_view name) {
  const auto found = std::ranges::find_if(message_classes, [&](std::string_view row) { return ascii_equal_nocase(row, name); });
  if (found == message_classes.end()) return std::nullopt;
  return static_cast<std::uint8_t>(0x80 + (found - message_classes.begin()));
}

StatusClass class_of(std::uint8_t status) {
  if (status == response_status::ok) return StatusClass::ok;
  return status >= 0xC0 && status < 0xE0 ? StatusClass::transient : StatusClass::permanent;
}

std::uint8_t response_status_for(std::uint8_t status, std::uint8_t version) {
  if (version != version_1_0 || status < response_status::transient_failure) return status;
  const auto row = std::ranges::find(status_rows, status, &StatusRow::status);
  return row == status_rows.end() ? unspecified : row->in_1_0;
}

}  // namespace pushmail::mms

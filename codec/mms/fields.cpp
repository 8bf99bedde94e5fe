#include "codec/mms/fields.h"

#include <algorithm>

namespace pushmail::mms {

namespace {

// OMA-MMS-ENC 1.2 §7.2 and 1.3 §7.3: field names and assigned numbers.
constexpr auto field_rows = std::to_array<Field>({
    {0x81, "Bcc", FieldKind::encoded, &Pdu::bcc},
    {0x82, "Cc", FieldKind::encoded, &Pdu::cc},
    {0x83, "X-Mms-Content-Location", FieldKind::text, &Pdu::content_location},
    {0x84, "Content-Type", FieldKind::content, {}},
    {0x85, "Date", FieldKind::number, &Pdu::date},
    {0x86, "X-Mms-Delivery-Report", FieldKind::yes_no, &Pdu::delivery_report},
    {0x87, "X-Mms-Delivery-Time", FieldKind::time, &Pdu::delivery_time},
    {0x88, "X-Mms-Expiry", FieldKind::time, &Pdu::expiry},
    {0x89, "From", FieldKind::from, {}},
    {0x8A, "X-Mms-Message-Class", FieldKind::message_class, &Pdu::message_class},
    {0x8B, "Message-ID", FieldKind::text, &Pdu::message_id},
    {0x8C, "X-Mms-Message-Type", FieldKind::message_type, {}},
    {0x8D, "X-Mms-MMS-Version", FieldKind::version, {}},
    {0x8E, "X-Mms-Message-Size", FieldKind::number, &Pdu::message_size},
    {0x8F, "X-Mms-Priority", FieldKind::octet, &Pdu::priority},
    {0x90, "X-Mms-Read-Report", FieldKind::yes_no, &Pdu::read_report},
    {0x91, "X-Mms-Report-Allowed", FieldKind::yes_no, &Pdu::report_allowed},
    {0x92, "X-Mms-Response-Status", FieldKind::octet, &Pdu::response_status},
    {0x93, "X-Mms-Response-Text", FieldKind::encoded, &Pdu::response_text},
    {0x94, "X-Mms-Sender-Visibility", FieldKind::octet, &Pdu::sender_visibility},
    {0x95, "X-Mms-Status", FieldKind::octet, &Pdu::status},
    {0x96, "Subject", FieldKind::encoded, &Pdu::subject},
    {0x97, "To", FieldKind::encoded, &Pdu::to},
    {0x98, "X-Mms-Transaction-Id", FieldKind::text, &Pdu::transaction_id},
    {0x99, "X-Mms-Retrieve-Status", FieldKind::octet, &Pdu::retrieve_status},
    {0x9A, "X-Mms-Retrieve-Text", FieldKind::encoded, &Pdu::retrieve_text},
    {0x9B, "X-Mms-Read-Status", FieldKind::octet, &Pdu::read_status},
    {0x9C, "X-Mms-Reply-Charging", FieldKind::octet, &Pdu::reply_charging},
    {0x9D, "X-Mms-Reply-Charging-Deadline", FieldKind::time, &Pdu::reply_charging_deadline},
    {0x9E, "X-Mms-Reply-Charging-ID", FieldKind::text, &Pdu::reply_charging_id},
    {0x9F, "X-Mms-Reply-Charging-Size", FieldKind::number, &Pdu::reply_charging_size},
    {0xA3, "X-Mms-MM-State", FieldKind::octet, &Pdu::mm_state},
    {0xA2, "X-Mms-Store", FieldKind::yes_no, &Pdu::store},
    {0xA5, "X-Mms-Store-Status", FieldKind::octet, &Pdu::store_status},
    {0xA6, "X-Mms-Store-Status-Text", FieldKind::encoded, &Pdu::store_status_text},
    {0xA7, "X-Mms-Stored", FieldKind::yes_no, &Pdu::stored},
    {0xB1, "X-Mms-Distribution-Indicator", FieldKind::yes_no, &Pdu::distribution_indicator},
    {0xB4, "X-Mms-Recommended-Retrieval-Mode", FieldKind::octet, &Pdu::retrieval_mode},
    {0xB5, "X-Mms-Recommended-Retrieval-Mode-Text", FieldKind::encoded, &Pdu::retrieval_mode_text},
    {0xB6, "X-Mms-Status-Text", FieldKind::encoded, &Pdu::status_text},
    {0xB7, "X-Mms-Applic-Id", FieldKind::text, &Pdu::applic_id},
    {0xB8, "X-Mms-Reply-Applic-Id", FieldKind::text, &Pdu::reply_applic_id},
    {0xB9, "X-Mms-Aux-Applic-Info", FieldKind::text, &Pdu::aux_applic_info},
    {0xBA, "X-Mms-Content-Class", FieldKind::octet, &Pdu::content_class},
    {0xBB, "X-Mms-DRM-Content", FieldKind::yes_no, &Pdu::drm_content},
    {0xBC, "X-Mms-Adaptation-Allowed", FieldKind::yes_no, &Pdu::adaptation_allowed},
    {0xBD, "X-Mms-Replace-ID", FieldKind::text, &Pdu::replace_id},
    {0xBE, "X-Mms-Cancel-ID", FieldKind::text, &Pdu::cancel_id},
    {0xBF, "X-Mms-Cancel-Status", FieldKind::octet, &Pdu::cancel_status},
});

constexpr PduField must(std::uint8_t code) { return {code, PduField::Need::mandatory}; }
constexpr PduField may(std::uint8_t code) { return {code, PduField::Need::optional}; }

// OMA-MMS-ENC 1.2 §6.1-6.7. Type, transaction id and version come first, Content-Type last.
constexpr std::array send_req{must(0x8C), must(0x98), must(0x8D), may(0x85), must(0x89), may(0x97), may(0x82), may(0x81), may(0x96),
                              may(0x8A), may(0x88), may(0x87), may(0x8F), may(0x94), may(0x86), may(0x90), may(0xB7), may(0xB8),
                              may(0xB9), may(0x9C), may(0x9D), may(0x9E), may(0x9F), may(0xA2), may(0xA3), may(0xBA), may(0xBB), may(0xBC), must(0x84)};
constexpr std::array send_conf{must(0x8C), must(0x98), must(0x8D), must(0x92), may(0x93), may(0x8B), may(0x83), may(0xA5), may(0xA6)};
constexpr std::array notification_ind{must(0x8C), must(0x98), must(0x8D), may(0x89), may(0x96), may(0x86), must(0x8A), may(0x8F), must(0x8E),
                                      must(0x88), may(0x9C), may(0x9D), may(0x9E), may(0x9F), may(0xB4), may(0xB5), may(0xA7), may(0xB1), may(0xBA), may(0xBB), may(0xBD), may(0xB7), may(0xB8), may(0xB9), must(0x83)};
constexpr std::array notifyresp_ind{must(0x8C), must(0x98), must(0x8D), must(0x95), may(0x91)};
// A refusal (Retrieve-Status) has neither Message-ID nor Date nor content.
constexpr std::array retrieve_conf{must(0x8C), may(0x98), must(0x8D), may(0x8B), may(0x85), may(0x89), may(0x97), may(0x82), may(0x96),
                                   may(0x8A), may(0x8F), may(0x86), may(0x90), may(0x99), may(0x9A), may(0xB1), may(0xB7), may(0xB8),
                                   may(0xB9), may(0x84)};
constexpr std::array acknowledge_ind{must(0x8C), must(0x98), must(0x8D), may(0x91)};
constexpr std::array delivery_ind{must(0x8C), must(0x8D), must(0x8B), must(0x97), must(0x85), must(0x95), may(0xB6), may(0xB7), may(0xB8), may(0xB9)};
constexpr std::array read_rec_ind{must(0x8C), must(0x8D), must(0x8B), must(0x97), must(0x89), may(0x85), must(0x9B)};
constexpr std::array read_orig_ind{must(0x8C), must(0x8D), must(0x8B), must(0x97), must(0x89), must(0x85), must(0x9B), may(0xB7), may(0xB8), may(0xB9)};
constexpr std::array forward_req{must(0x8C), must(0x98), must(0x8D), may(0x85), must(0x89), may(0x97), may(0x82), may(0x81), may(0x88),
                                 may(0x87), may(0x91), may(0x86), may(0x90), may(0xA2), must(0x83)};
// OMA-MMS-ENC 1.3 §6: a request to take back a message that waits, and its answer.
constexpr std::array cancel_req{must(0x8C), must(0x98), must(0x8D), must(0xBE)};
constexpr std::array cancel_conf{must(0x8C), must(0x98), must(0x8D), must(0xBF)};

constexpr auto pdu_rows = std::to_array<PduRow>({
    {MessageType::send_req, "m-send-req", send_req},
    {MessageType::send_conf, "m-send-conf", send_conf},
    {MessageType::notification_ind, "m-notification-ind", notification_ind},
    {MessageType::notifyresp_ind, "m-notifyresp-ind", notifyresp_ind},
    {MessageType::retrieve_conf, "m-retrieve-conf", retrieve_conf},
    {MessageType::acknowledge_ind, "m-acknowledge-ind", acknowledge_ind},
    {MessageType::delivery_ind, "m-delivery-ind", delivery_ind},
    {MessageType::read_rec_ind, "m-read-rec-ind", read_rec_ind},
    {MessageType::read_orig_ind, "m-read-orig-ind", read_orig_ind},
    {MessageType::forward_req, "m-forward-req", forward_req},
    {MessageType::forward_conf, "m-forward-conf", send_conf},
    {MessageType::cancel_req, "m-cancel-req", cancel_req},
    {MessageType::cancel_conf, "m-cancel-conf", cancel_conf},
});

constexpr std::array<std::string_view, 4> message_classes{"Personal", "Advertisement", "Informational", "Auto"};

}  // namespace

std::span<const Field> fields() { return field_rows; }

const Field* field_of(std::uint8_t code) {
  const auto row = std::ranges::find(field_rows, code, &Field::code);
  return row == field_rows.end() ? nullptr : &*row;
}

const PduRow* row_of(std::uint8_t message_type) {
  const auto row = std::ranges::find(pdu_rows, static_cast<MessageType>(message_type), &PduRow::type);
  return row == pdu_rows.end() ? nullptr : &*row;
}

bool is_set(const Pdu& pdu, const Field& field) {
  switch (field.kind) {
    case FieldKind::message_type:
    case FieldKind::version: return true;
    case FieldKind::from: return pdu.from.has_value();
    case FieldKind::content: return pdu.has_content;
    default: break;
  }
  if (const auto* text = std::get_if<std::string Pdu::*>(&field.member)) return !(pdu.**text).empty();
  if (const auto* list = std::get_if<std::vector<std::string> Pdu::*>(&field.member)) return !(pdu.**list).empty();
  if (const auto* octet = std::get_if<std::optional<std::uint8_t> Pdu::*>(&field.member)) return (pdu.**octet).has_value();
  if (const auto* number = std::get_if<std::optional<std::uint64_t> Pdu::*>(&field.member)) return (pdu.**number).has_value();
  if (const auto* flag = std::get_if<std::optional<bool> Pdu::*>(&field.member)) return (pdu.**flag).has_value();
  if (const auto* time = std::get_if<std::optional<TimeValue> Pdu::*>(&field.member)) return (pdu.**time).has_value();
  return false;
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

std::string_view name_of(MessageType type) {
  const PduRow* row = row_of(static_cast<std::uint8_t>(type));
  return row != nullptr ? row->name : std::string_view{};
}

StatusClass class_of(std::uint8_t status) {
  if (status == response_status::ok) return StatusClass::ok;
  return status >= 0xC0 && status < 0xE0 ? StatusClass::transient : StatusClass::permanent;
}

}  // namespace pushmail::mms

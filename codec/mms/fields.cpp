// The table of header fields.
#include "codec/mms/fields.h"

#include <algorithm>
#include <array>

namespace pushmail::mms {

namespace {

constexpr std::uint8_t first_code = 0x81;

// OMA-MMS-ENC 1.2 §7.2 Table 12 and 1.3 §7.3: field names and assigned numbers, without gap from 0x81 to 0xBF.
constexpr auto field_rows = std::to_array<Field>({
    {0x81, "Bcc", version_1_0, FieldKind::encoded, &Pdu::bcc},
    {0x82, "Cc", version_1_0, FieldKind::encoded, &Pdu::cc},
    {0x83, "X-Mms-Content-Location", version_1_0, FieldKind::text, &Pdu::content_location},
    {0x84, "Content-Type", version_1_0, FieldKind::content, {}},
    {0x85, "Date", version_1_0, FieldKind::long_integer, &Pdu::date},
    {0x86, "X-Mms-Delivery-Report", version_1_0, FieldKind::yes_no, &Pdu::delivery_report},
    {0x87, "X-Mms-Delivery-Time", version_1_0, FieldKind::time, &Pdu::delivery_time},
    {0x88, "X-Mms-Expiry", version_1_0, FieldKind::time, &Pdu::expiry},
    {0x89, "From", version_1_0, FieldKind::from, &Pdu::from},
    {0x8A, "X-Mms-Message-Class", version_1_0, FieldKind::message_class, &Pdu::message_class},
    {0x8B, "Message-ID", version_1_0, FieldKind::text, &Pdu::message_id},
    {0x8C, "X-Mms-Message-Type", version_1_0, FieldKind::message_type, {}},
    {0x8D, "X-Mms-MMS-Version", version_1_0, FieldKind::version, {}},
    {0x8E, "X-Mms-Message-Size", version_1_0, FieldKind::long_integer, &Pdu::message_size},
    {0x8F, "X-Mms-Priority", version_1_0, FieldKind::octet, &Pdu::priority},
    {0x90, "X-Mms-Read-Report", version_1_0, FieldKind::yes_no, &Pdu::read_report},
    {0x91, "X-Mms-Report-Allowed", version_1_0, FieldKind::yes_no, &Pdu::report_allowed},
    {0x92, "X-Mms-Response-Status", version_1_0, FieldKind::octet, &Pdu::response_status},
    {0x93, "X-Mms-Response-Text", version_1_0, FieldKind::encoded, &Pdu::response_text},
    {0x94, "X-Mms-Sender-Visibility", version_1_0, FieldKind::octet, &Pdu::sender_visibility},
    {0x95, "X-Mms-Status", version_1_0, FieldKind::octet, &Pdu::status},
    {0x96, "Subject", version_1_0, FieldKind::encoded, &Pdu::subject},
    {0x97, "To", version_1_0, FieldKind::encoded, &Pdu::to},
    {0x98, "X-Mms-Transaction-Id", version_1_0, FieldKind::text, &Pdu::transaction_id},
    {0x99, "X-Mms-Retrieve-Status", version_1_1, FieldKind::octet, &Pdu::retrieve_status},
    {0x9A, "X-Mms-Retrieve-Text", version_1_1, FieldKind::encoded, &Pdu::retrieve_text},
    {0x9B, "X-Mms-Read-Status", version_1_1, FieldKind::octet, &Pdu::read_status},
    {0x9C, "X-Mms-Reply-Charging", version_1_1, FieldKind::octet, &Pdu::reply_charging},
    {0x9D, "X-Mms-Reply-Charging-Deadline", version_1_1, FieldKind::time, &Pdu::reply_charging_deadline},
    {0x9E, "X-Mms-Reply-Charging-ID", version_1_1, FieldKind::text, &Pdu::reply_charging_id},
    {0x9F, "X-Mms-Reply-Charging-Size", version_1_1, FieldKind::long_integer, &Pdu::reply_charging_size},
    {0xA0, "X-Mms-Previously-Sent-By", version_1_1, FieldKind::previous_sender, &Pdu::previously_sent_by},
    {0xA1, "X-Mms-Previously-Sent-Date", version_1_1, FieldKind::previous_date, &Pdu::previously_sent_date},
    {0xA2, "X-Mms-Store", version_1_2, FieldKind::yes_no, &Pdu::store},
    {0xA3, "X-Mms-MM-State", version_1_2, FieldKind::octet, &Pdu::mm_state},
    {0xA4, "X-Mms-MM-Flags", version_1_2, FieldKind::mm_flag, &Pdu::mm_flags},
    {0xA5, "X-Mms-Store-Status", version_1_2, FieldKind::octet, &Pdu::store_status},
    {0xA6, "X-Mms-Store-Status-Text", version_1_2, FieldKind::encoded, &Pdu::store_status_text},
    {0xA7, "X-Mms-Stored", version_1_2, FieldKind::yes_no, &Pdu::stored},
    {0xA8, "X-Mms-Attributes", version_1_2, FieldKind::octet, &Pdu::attributes},
    {0xA9, "X-Mms-Totals", version_1_2, FieldKind::yes_no, &Pdu::totals},
    {0xAA, "X-Mms-Mbox-Totals", version_1_2, FieldKind::mbox_size, &Pdu::mbox_totals},
    {0xAB, "X-Mms-Quotas", version_1_2, FieldKind::yes_no, &Pdu::quotas},
    {0xAC, "X-Mms-Mbox-Quotas", version_1_2, FieldKind::mbox_size, &Pdu::mbox_quotas},
    {0xAD, "X-Mms-Message-Count", version_1_2, FieldKind::integer, &Pdu::message_count},
    {0xAE, "Content", version_1_2, FieldKind::name_only, {}},
    {0xAF, "X-Mms-Start", version_1_2, FieldKind::integer, &Pdu::start},
    {0xB0, "Additional-headers", version_1_2, FieldKind::name_only, {}},
    {0xB1, "X-Mms-Distribution-Indicator", version_1_2, FieldKind::yes_no, &Pdu::distribution_indicator},
    {0xB2, "X-Mms-Element-Descriptor", version_1_2, FieldKind::element, &Pdu::element_descriptors},
    {0xB3, "X-Mms-Limit", version_1_2, FieldKind::integer, &Pdu::limit},
    {0xB4, "X-Mms-Recommended-Retrieval-Mode", version_1_3, FieldKind::octet, &Pdu::retrieval_mode},
    {0xB5, "X-Mms-Recommended-Retrieval-Mode-Text", version_1_3, FieldKind::encoded, &Pdu::retrieval_mode_text},
    {0xB6, "X-Mms-Status-Text", version_1_3, FieldKind::encoded, &Pdu::status_text},
    {0xB7, "X-Mms-Applic-Id", version_1_3, FieldKind::text, &Pdu::applic_id},
    {0xB8, "X-Mms-Reply-Applic-Id", version_1_3, FieldKind::text, &Pdu::reply_applic_id},
    {0xB9, "X-Mms-Aux-Applic-Info", version_1_3, FieldKind::text, &Pdu::aux_applic_info},
    {0xBA, "X-Mms-Content-Class", version_1_3, FieldKind::octet, &Pdu::content_class},
    {0xBB, "X-Mms-DRM-Content", version_1_3, FieldKind::yes_no, &Pdu::drm_content},
    {0xBC, "X-Mms-Adaptation-Allowed", version_1_3, FieldKind::yes_no, &Pdu::adaptation_allowed},
    {0xBD, "X-Mms-Replace-ID", version_1_3, FieldKind::text, &Pdu::replace_id},
    {0xBE, "X-Mms-Cancel-ID", version_1_3, FieldKind::text, &Pdu::cancel_id},
    {0xBF, "X-Mms-Cancel-Status", version_1_3, FieldKind::octet, &Pdu::cancel_status},
});
static_assert(field_rows.size() == 0xBF - first_code + 1);
static_assert([] {
  for (std::size_t i = 0; i < field_rows.size(); ++i) {
    if (field_rows[i].code != first_code + i) return false;
  }
  return true;
}());

struct FormRow {
  FieldForm form;
  Field field;
};
// OMA-MMS-ENC 1.2 §6.9-6.11 and 1.3 §7.3.10, §7.3.48, §7.3.49: the forms of PDUs that are about several messages.
constexpr auto form_rows = std::to_array<FormRow>({
    {FieldForm::listed, {0x83, "X-Mms-Content-Location", version_1_2, FieldKind::text, &Pdu::content_locations}},
    {FieldForm::listed, {0xA3, "X-Mms-MM-State", version_1_2, FieldKind::octet, &Pdu::mm_states}},
    {FieldForm::counted, {0x83, "X-Mms-Content-Location", version_1_2, FieldKind::counted_text, &Pdu::deleted_locations}},
    {FieldForm::counted, {0x92, "X-Mms-Response-Status", version_1_2, FieldKind::octet, &Pdu::deleted_statuses}},
    {FieldForm::counted, {0x93, "X-Mms-Response-Text", version_1_2, FieldKind::counted_encoded, &Pdu::deleted_texts}},
});

}  // namespace

std::span<const Field> fields() { return field_rows; }

const Field* field_of(std::uint8_t code, FieldForm form) {
  if (form != FieldForm::single) {
    const auto row = std::ranges::find_if(form_rows, [&](const FormRow& r) { return r.form == form && r.field.code == code; });
    if (row != form_rows.end()) return &row->field;
  }
  const std::size_t index = static_cast<std::size_t>(code) - first_code;
  return index < field_rows.size() ? &field_rows[index] : nullptr;
}

bool is_set(const Pdu& pdu, const Field& field) {
  switch (field.kind) {
    case FieldKind::message_type:
      return true;
    case FieldKind::version:
      return pdu.version != 0;
    case FieldKind::content:
      return pdu.has_content;
    case FieldKind::name_only:
      return false;
    default:
      break;
  }
  return std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), std::monostate>) {
          return false;
        } else if constexpr (requires { (pdu.*member).has_value(); }) {
          return (pdu.*member).has_value();
        } else {
          return !(pdu.*member).empty();
        }
      },
      field.member);
}

}  // namespace pushmail::mms

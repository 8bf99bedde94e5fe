// The table of PDUs, and what each must hold.
#include <algorithm>
#include <array>

#include "codec/mms/fields.h"

namespace pushmail::mms {

namespace {

constexpr PduField must(std::uint8_t code) { return {code, Need::mandatory}; }
constexpr PduField may(std::uint8_t code) { return {code, Need::optional}; }
constexpr PduField recipient(std::uint8_t code) { return {code, Need::recipient}; }

// OMA-MMS-ENC 1.2 §6.1-6.7. Type, transaction id and version come first, Content-Type last.
constexpr std::array send_req{must(0x8C), must(0x98), must(0x8D), may(0x85), must(0x89), recipient(0x97), recipient(0x82), recipient(0x81),
                              may(0x96),  may(0x8A),  may(0x88),  may(0x87), may(0x8F),  may(0x94),       may(0x86),       may(0x90),
                              may(0xB7),  may(0xB8),  may(0xB9),  may(0x9C), may(0x9D),  may(0x9E),       may(0x9F),       may(0xA2),
                              may(0xA3),  may(0xA4),  may(0xBA),  may(0xBB), may(0xBC),  must(0x84)};
constexpr std::array send_conf{must(0x8C), must(0x98), must(0x8D), must(0x92), may(0x93), PduField{0x8B, Need::with_success},
                               may(0x83),  may(0xA5),  may(0xA6)};
constexpr std::array notification_ind{must(0x8C), must(0x98), must(0x8D), may(0x89), may(0x96), may(0x86), must(0x8A),
                                      may(0x8F),  must(0x8E), must(0x88), may(0x9C), may(0x9D), may(0x9E), may(0x9F),
                                      may(0xB4),  may(0xB5),  may(0xA7),  may(0xB1), may(0xB2), may(0xBA), may(0xBB),
                                      may(0xBD),  may(0xB7),  may(0xB8),  may(0xB9), must(0x83)};
constexpr std::array notifyresp_ind{must(0x8C), must(0x98), must(0x8D), must(0x95), may(0x91)};
// A refusal (Retrieve-Status) has neither Message-ID nor Date nor content.
constexpr std::array retrieve_conf{must(0x8C),
                                   may(0x98),
                                   must(0x8D),
                                   PduField{0x8B, Need::with_content},
                                   PduField{0x85, Need::with_content},
                                   may(0x89),
                                   may(0x97),
                                   may(0x82),
                                   may(0x96),
                                   may(0x8A),
                                   may(0x8F),
                                   may(0x86),
                                   may(0x90),
                                   may(0x9C),
                                   may(0x9D),
                                   may(0x9E),
                                   may(0x9F),
                                   may(0xA0),
                                   may(0xA1),
                                   may(0xA3),
                                   may(0xA4),
                                   may(0x99),
                                   may(0x9A),
                                   may(0xB1),
                                   may(0xBA),
                                   may(0xBB),
                                   may(0xBD),
                                   may(0xB7),
                                   may(0xB8),
                                   may(0xB9),
                                   PduField{0x84, Need::without_refusal}};
constexpr std::array acknowledge_ind{must(0x8C), must(0x98), must(0x8D), may(0x91)};
constexpr std::array delivery_ind{must(0x8C), must(0x8D), must(0x8B), must(0x97), must(0x85),
                                  must(0x95), may(0xB6),  may(0xB7),  may(0xB8),  may(0xB9)};
constexpr std::array read_rec_ind{must(0x8C), must(0x8D), must(0x8B), must(0x97), must(0x89),
                                  may(0x85),  must(0x9B), may(0xB7),  may(0xB8),  may(0xB9)};
constexpr std::array read_orig_ind{must(0x8C), must(0x8D), must(0x8B), must(0x97), must(0x89),
                                   must(0x85), must(0x9B), may(0xB7),  may(0xB8),  may(0xB9)};
constexpr std::array forward_req{must(0x8C),      must(0x98), must(0x8D), may(0x85), must(0x89), recipient(0x97), recipient(0x82),
                                 recipient(0x81), may(0x88),  may(0x87),  may(0x91), may(0x86),  may(0x90),       may(0x9C),
                                 may(0x9D),       may(0x9E),  may(0x9F),  may(0xA2), may(0xA3),  may(0xA4),       must(0x83)};

// OMA-MMS-ENC 1.2 §6.8-6.12: the box of messages that the MMSC keeps for a subscriber.
constexpr std::array mbox_store_req{must(0x8C), must(0x98), must(0x8D), must(0x83), may(0xA3), may(0xA4)};
constexpr std::array mbox_store_conf{must(0x8C), must(0x98), must(0x8D), may(0x83), must(0xA5), may(0xA6)};
constexpr std::array mbox_view_req{must(0x8C), must(0x98), must(0x8D), may(0x83), may(0xA3), may(0xA4),
                                   may(0xAF),  may(0xB3),  may(0xA8),  may(0xA9), may(0xAB)};
constexpr std::array mbox_view_conf{must(0x8C), must(0x98), must(0x8D), must(0x92), may(0x93), may(0x83), may(0xA3), may(0xA4),
                                    may(0xAF),  may(0xB3),  may(0xA8),  may(0xAA),  may(0xAC), may(0xAD), may(0x84)};
constexpr std::array mbox_upload_req{must(0x8C), must(0x98), must(0x8D), may(0xA3), may(0xA4), must(0x84)};
constexpr std::array mbox_upload_conf{must(0x8C), must(0x98), must(0x8D), may(0x83), must(0xA5), may(0xA6)};
constexpr std::array delete_req{must(0x8C), must(0x98), must(0x8D), must(0x83)};
constexpr std::array delete_conf{must(0x8C), must(0x98), must(0x8D), may(0x83), must(0x92), may(0x93)};
constexpr std::array mbox_descr{must(0x8C), may(0x98), must(0x8D), may(0x83), may(0x8B), may(0xA3), may(0xA4), may(0x85), may(0x89),
                                may(0x97),  may(0x82), may(0x81),  may(0x8A), may(0x96), may(0x8F), may(0x87), may(0x88), may(0x86),
                                may(0x90),  may(0x8E), may(0x9C),  may(0x9D), may(0x9E), may(0x9F), may(0xA0), may(0xA1), may(0xB1),
                                may(0xBA),  may(0xBB), may(0xBD),  may(0xB7), may(0xB8), may(0xB9), may(0x84)};
// OMA-MMS-ENC 1.3 §6: a request to take back a message that waits, and its answer.
constexpr std::array cancel_req{must(0x8C), must(0x98), must(0x8D), must(0xBE)};
constexpr std::array cancel_conf{must(0x8C), must(0x98), must(0x8D), must(0xBF)};

constexpr std::uint8_t first_type = 0x80;
constexpr auto pdu_rows = std::to_array<PduRow>({
    {MessageType::send_req, "m-send-req", version_1_0, FieldForm::single, send_req},
    {MessageType::send_conf, "m-send-conf", version_1_0, FieldForm::single, send_conf},
    {MessageType::notification_ind, "m-notification-ind", version_1_0, FieldForm::single, notification_ind},
    {MessageType::notifyresp_ind, "m-notifyresp-ind", version_1_0, FieldForm::single, notifyresp_ind},
    {MessageType::retrieve_conf, "m-retrieve-conf", version_1_0, FieldForm::single, retrieve_conf},
    {MessageType::acknowledge_ind, "m-acknowledge-ind", version_1_0, FieldForm::single, acknowledge_ind},
    {MessageType::delivery_ind, "m-delivery-ind", version_1_0, FieldForm::single, delivery_ind},
    {MessageType::read_rec_ind, "m-read-rec-ind", version_1_1, FieldForm::single, read_rec_ind},
    {MessageType::read_orig_ind, "m-read-orig-ind", version_1_1, FieldForm::single, read_orig_ind},
    {MessageType::forward_req, "m-forward-req", version_1_1, FieldForm::single, forward_req},
    {MessageType::forward_conf, "m-forward-conf", version_1_1, FieldForm::single, send_conf},
    {MessageType::mbox_store_req, "m-mbox-store-req", version_1_2, FieldForm::single, mbox_store_req},
    {MessageType::mbox_store_conf, "m-mbox-store-conf", version_1_2, FieldForm::single, mbox_store_conf},
    {MessageType::mbox_view_req, "m-mbox-view-req", version_1_2, FieldForm::listed, mbox_view_req},
    {MessageType::mbox_view_conf, "m-mbox-view-conf", version_1_2, FieldForm::listed, mbox_view_conf},
    {MessageType::mbox_upload_req, "m-mbox-upload-req", version_1_2, FieldForm::single, mbox_upload_req},
    {MessageType::mbox_upload_conf, "m-mbox-upload-conf", version_1_2, FieldForm::single, mbox_upload_conf},
    {MessageType::mbox_delete_req, "m-mbox-delete-req", version_1_2, FieldForm::listed, delete_req},
    {MessageType::mbox_delete_conf, "m-mbox-delete-conf", version_1_2, FieldForm::counted, delete_conf},
    {MessageType::mbox_descr, "m-mbox-descr", version_1_2, FieldForm::single, mbox_descr},
    {MessageType::delete_req, "m-delete-req", version_1_3, FieldForm::listed, delete_req},
    {MessageType::delete_conf, "m-delete-conf", version_1_3, FieldForm::counted, delete_conf},
    {MessageType::cancel_req, "m-cancel-req", version_1_3, FieldForm::single, cancel_req},
    {MessageType::cancel_conf, "m-cancel-conf", version_1_3, FieldForm::single, cancel_conf},
});
static_assert([] {
  for (std::size_t i = 0; i < pdu_rows.size(); ++i) {
    if (static_cast<std::size_t>(pdu_rows[i].type) != first_type + i) return false;
  }
  return true;
}());

bool is_needed(const Pdu& pdu, Need need) {
  switch (need) {
    case Need::optional:
    case Need::recipient:
      return false;
    case Need::mandatory:
      return true;
    case Need::with_content:
      return pdu.has_content;
    case Need::with_success:
      return pdu.response_status == response_status::ok;
    case Need::without_refusal:
      return !pdu.retrieve_status || class_of(*pdu.retrieve_status) == StatusClass::ok;
  }
  return false;
}

}  // namespace

std::span<const PduRow> pdus() { return pdu_rows; }

const PduRow* row_of(std::uint8_t message_type) {
  const std::size_t index = static_cast<std::size_t>(message_type) - first_type;
  return index < pdu_rows.size() ? &pdu_rows[index] : nullptr;
}

std::string_view name_of(MessageType type) {
  const PduRow* row = row_of(static_cast<std::uint8_t>(type));
  return row != nullptr ? row->name : std::string_view{};
}

const PduField* missing_field(const Pdu& pdu, const PduRow& row, Strictness strictness) {
  const PduField* recipient_field = nullptr;
  bool has_recipient = false;
  for (const PduField& wanted : row.fields) {
    if (wanted.need == Need::optional) continue;
    if (strictness == Strictness::reading && wanted.need != Need::mandatory && wanted.need != Need::recipient) continue;
    const bool set = is_set(pdu, *field_of(wanted.code, row.form));
    if (wanted.need == Need::recipient) {
      recipient_field = &wanted;
      has_recipient = has_recipient || set;
    } else if (!set && is_needed(pdu, wanted.need)) {
      return &wanted;
    }
  }
  return has_recipient ? nullptr : recipient_field;
}

}  // namespace pushmail::mms

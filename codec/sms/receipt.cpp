#include "codec/sms/receipt.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "codec/sms/automatic.h"
#include "codec/sms/gsm.h"
#include "codec/sms/receipt_text.h"

namespace pushmail::sms {

namespace {

struct StateRow {
  ReceiptState state;
  std::uint8_t number;                   // message_state TLV, SMPP 3.4 §5.2.28
  std::string_view word;                 // `stat:` of the text, Appendix B
  bool final;
};
constexpr auto states = std::to_array<StateRow>({
    {ReceiptState::enroute, 1, "ENROUTE", false},
    {ReceiptState::delivered, 2, "DELIVRD", true},
    {ReceiptState::expired, 3, "EXPIRED", true},
    {ReceiptState::deleted, 4, "DELETED", true},
    {ReceiptState::undeliverable, 5, "UNDELIV", true},
    {ReceiptState::accepted, 6, "ACCEPTD", false},
    {ReceiptState::unknown, 7, "UNKNOWN", false},
    {ReceiptState::rejected, 8, "REJECTD", true},
});
// What vendors write beside the words of the standard.
struct OtherWord {
  std::string_view word;
  ReceiptState state;
};
constexpr auto other_words = std::to_array<OtherWord>({
    {"BUFFRED", ReceiptState::enroute},
    {"SKIPPED", ReceiptState::undeliverable},
    {"DELIVERED", ReceiptState::delivered},
    {"UNDELIVERABLE", ReceiptState::undeliverable},
    {"ACCEPTED", ReceiptState::accepted},
    {"REJECTED", ReceiptState::rejected},
});

const StateRow& row_of(ReceiptState state) { return *std::ranges::find(states, state, &StateRow::state); }

ReceiptState state_of_word(std::string_view word) {
  for (const StateRow& row : states) {
    if (ascii_equal_nocase(row.word, word)) return row.state;
  }
  for (const OtherWord& row : other_words) {
    if (ascii_equal_nocase(row.word, word)) return row.state;
  }
  return ReceiptState::unknown;
}

std::string_view without_zeros(std::string_view id) {
  const std::size_t first = id.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view("0").substr(0, id.empty() ? 0 : 1) : id.substr(first);
}
std::optional<std::uint64_t> number_of(std::string_view id, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number, base);
  if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string_view word_of(ReceiptState state) { return row_of(state).word; }
bool is_final(ReceiptState state) { return row_of(state).final; }

std::optional<Receipt> read_receipt(const smpp::Pdu& deliver_sm) {
  if (origin_of(deliver_sm).origin != Origin::receipt) return std::nullopt;
  const auto readings = readings_of(read_deliver(deliver_sm));
  const auto named = std::ranges::find_if(readings, [](const std::string& each) { return !value_of(each, "id").empty(); });
  const std::string& text = named == readings.end() ? readings.front() : *named;
  Receipt receipt;
  receipt.message_id = deliver_sm.tlv_text(smpp::tag::receipted_message_id).value_or(value_of(text, "id"));
  const auto number = deliver_sm.tlv_number(smpp::tag::message_state);
  const std::string_view word = value_of(text, "stat");
  if (receipt.message_id.empty() || (!number && word.empty())) return std::nullopt;
  const auto by_number = std::ranges::find(states, number.value_or(0), [](const StateRow& row) { return std::uint32_t{row.number}; });
  receipt.state = by_number != states.end() ? by_number->state : state_of_word(word);
  receipt.error = value_of(text, "err");
  receipt.done_date = value_of(text, "done date");
  receipt.text = rest_behind(text, "text");
  return receipt;
}

bool same_message_id(std::string_view from_response, std::string_view from_receipt, IdForm form) {
  if (form != IdForm::same) {
    const auto response = number_of(from_response, form == IdForm::response_hex ? 16 : 10);
    const auto receipt = number_of(from_receipt, form == IdForm::receipt_hex ? 16 : 10);
    if (response && receipt) return *response == *receipt;
  }
  return !from_response.empty() && ascii_equal_nocase(without_zeros(from_response), without_zeros(from_receipt));
}

}  // namespace pushmail::sms

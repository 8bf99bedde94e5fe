#include "codec/sms/receipt.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <vector>

#include "codec/sms/automatic.h"
#include "codec/sms/gsm.h"
#include "codec/sms/receipt_text.h"
#include "core/ascii.h"
#include "core/peer_id.h"

namespace pushmail::sms {

namespace {

struct StateRow {
  ReceiptState state;
  std::uint8_t number;    // message_state TLV, SMPP 3.4 §5.2.28
  std::string_view word;  // `stat:` of the text, Appendix B
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

// SMPP 3.4 §5.2.23: a message id has at most 64 characters.
constexpr std::size_t id_size_max = 64;

// The digits of a number written in another base, both without zeros in front; nothing when it is no such number, or longer than an id is.
// Ids have more digits than any integer of ours.
std::optional<std::string> in_base(std::string_view digits, int from, int to) {
  if (digits.empty() || digits.size() > id_size_max) return std::nullopt;
  std::vector<int> number;  // least digit first, base `to`
  for (const char c : digits) {
    int carry = hex_value(c);
    if (carry < 0 || carry >= from) return std::nullopt;
    for (int& digit : number) {
      carry += digit * from;
      digit = carry % to;
      carry /= to;
    }
    for (; carry != 0; carry /= to) number.push_back(carry % to);
  }
  std::string written;
  for (const int digit : std::views::reverse(number)) written += hex_digits[static_cast<std::size_t>(digit)];
  return written;
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
  // An empty parameter names nothing.
  const std::string_view by_parameter = deliver_sm.tlv_text(smpp::tag::receipted_message_id).value_or(std::string_view());
  receipt.message_id = without_hex_mark(by_parameter.empty() ? value_of(text, "id") : by_parameter);
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

std::string_view without_hex_mark(std::string_view id) {
  const bool is_marked = id.size() > 2 && ascii_starts_with_nocase(id, "0x") && std::ranges::all_of(id.substr(2), is_hex_digit<char>);
  return is_marked ? id.substr(2) : id;
}

std::string response_key(std::string_view from_receipt, IdForm form) {
  std::string key = peer_id_key(from_receipt);
  if (form == IdForm::response_hex) return in_base(key, 10, 16).value_or(key);
  if (form == IdForm::receipt_hex) return in_base(key, 16, 10).value_or(key);
  return key;
}

bool same_message_id(std::string_view from_response, std::string_view from_receipt, IdForm form) {
  return !from_response.empty() && !from_receipt.empty() && peer_id_key(from_response) == response_key(from_receipt, form);
}

}  // namespace pushmail::sms

// Delivery receipts in the forms that SMSCs write.
#include "codec/sms/receipt.h"

#include <gtest/gtest.h>

namespace pushmail::sms {
namespace {

smpp::Pdu deliver(std::string_view text, std::uint8_t esm_class = smpp::esm_receipt) {
  smpp::Pdu pdu;
  pdu.command = smpp::Command::deliver_sm;
  pdu.esm_class = esm_class;
  pdu.data_coding = 1;
  append(pdu.short_message, text);
  return pdu;
}

TEST(Receipt, Text) {
  const auto receipt = read_receipt(
      deliver("id:6699 sub:001 dlvrd:001 submit date:2406301230 done date:240630123155 stat:UNDELIV err:0A3 Text:Hello there"));
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(receipt->message_id, "6699");
  EXPECT_EQ(receipt->state, ReceiptState::undeliverable);
  EXPECT_EQ(receipt->error, "0A3");
  EXPECT_EQ(receipt->done_date, "240630123155");
  EXPECT_EQ(receipt->text, "Hello there");
}

TEST(Receipt, FieldsMayBeDividedByCommas) {
  for (const std::string_view text :
       {"id:6699, sub:001, dlvrd:001, submit date:2406301230, done date:240630123155, stat:UNDELIV, err:0A3, Text:Hello, there",
        "id:6699;sub:001;dlvrd:001;submit date:2406301230;done date:240630123155;stat:UNDELIV;err:0A3;Text:Hello, there"}) {
    const auto receipt = read_receipt(deliver(text));
    ASSERT_TRUE(receipt.has_value()) << text;
    EXPECT_EQ(receipt->message_id, "6699");
    EXPECT_EQ(receipt->state, ReceiptState::undeliverable);
    EXPECT_EQ(receipt->error, "0A3");
    EXPECT_EQ(receipt->done_date, "240630123155");
    EXPECT_EQ(receipt->text, "Hello, there");
  }
}

TEST(Receipt, TlvsWin) {
  smpp::Pdu pdu = deliver("id:6699 stat:DELIVRD err:000");
  pdu.tlvs = {{smpp::tag::receipted_message_id, {'1', 'a', '2', 'b', 0}}, {smpp::tag::message_state, {3}}};
  const auto receipt = read_receipt(pdu);
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(receipt->message_id, "1a2b");
  EXPECT_EQ(receipt->state, ReceiptState::expired);
}

TEST(Receipt, TlvsAlone) {
  smpp::Pdu pdu = deliver("");
  pdu.tlvs = {{smpp::tag::receipted_message_id, {'7'}}, {smpp::tag::message_state, {2}}};
  EXPECT_EQ(read_receipt(pdu)->state, ReceiptState::delivered);
}

TEST(Receipt, Words) {
  EXPECT_EQ(read_receipt(deliver("id:1 stat:delivrd"))->state, ReceiptState::delivered);
  EXPECT_EQ(read_receipt(deliver("id:1 stat:ACCEPTD"))->state, ReceiptState::accepted);
  EXPECT_EQ(read_receipt(deliver("id:1 stat:BUFFRED"))->state, ReceiptState::enroute);
  EXPECT_EQ(read_receipt(deliver("id:1 stat:REJECTD"))->state, ReceiptState::rejected);
  EXPECT_EQ(read_receipt(deliver("id:1 stat:WHATEVER"))->state, ReceiptState::unknown);
  EXPECT_TRUE(is_final(ReceiptState::rejected));
  EXPECT_FALSE(is_final(ReceiptState::accepted));
  EXPECT_EQ(word_of(ReceiptState::delivered), "DELIVRD");
}

TEST(Receipt, TheIdIsTheSameWithItsMarkAndWhereverItStands) {
  for (const char* marked : {"0X1A2B", "0x1A2B", "1A2B"}) EXPECT_EQ(without_hex_mark(marked), "1A2B");
  for (const char* other : {"0x", "0xyz", "x1A2B", "0x12-4", ""}) EXPECT_EQ(without_hex_mark(other), other);
  EXPECT_EQ(read_receipt(deliver("id:0x1A2B stat:DELIVRD"))->message_id, "1A2B");
  smpp::Pdu named = deliver("id:1A2B stat:DELIVRD");
  named.tlvs.push_back({.tag = smpp::tag::receipted_message_id, .value = {0}});
  EXPECT_EQ(read_receipt(named)->message_id, "1A2B") << "an empty parameter names nothing";
}

TEST(Receipt, IntermediateNotificationsAreReceiptsAndTextsAreNot) {
  EXPECT_TRUE(read_receipt(deliver("id:1 stat:ENROUTE", smpp::esm_intermediate)).has_value());
  EXPECT_TRUE(read_receipt(deliver("id:1 stat:DELIVRD", 0)).has_value()) << "whatever its esm_class says";
  EXPECT_FALSE(read_receipt(deliver("thank you")).has_value());
  EXPECT_FALSE(read_receipt(deliver("")).has_value());
}

struct IdRow {
  std::string_view response;
  std::string_view receipt;
  IdForm form;
  bool same;
};
class Ids : public testing::TestWithParam<IdRow> {};
TEST_P(Ids, AreTheSameInThisForm) { EXPECT_EQ(same_message_id(GetParam().response, GetParam().receipt, GetParam().form), GetParam().same); }
INSTANTIATE_TEST_SUITE_P(
    Receipts, Ids,
    testing::Values(IdRow{"1A2b", "01a2B", IdForm::same, true}, IdRow{"1a2b", "6699", IdForm::same, false},
                    IdRow{"1a2b", "6699", IdForm::response_hex, true}, IdRow{"6699", "1a2b", IdForm::receipt_hex, true},
                    IdRow{"6699", "1a2b", IdForm::response_hex, false}, IdRow{"0001715006", "1715006", IdForm::same, true},
                    IdRow{"1715007", "0001715007", IdForm::same, true}, IdRow{"<AB12-CD34>", "\"ab12-cd34\" ", IdForm::same, true},
                    IdRow{"0000001A2B3C", "1715004", IdForm::response_hex, true},
                    // Beyond 64 bits, as SMSCs with UUIDs write them.
                    IdRow{"ffffffffffffffffffffffffffffffff", "340282366920938463463374607431768211455", IdForm::response_hex, true},
                    IdRow{"340282366920938463463374607431768211455", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", IdForm::receipt_hex, true},
                    // No number of the base: as it is.
                    IdRow{"ab-1", "AB-1", IdForm::response_hex, true}, IdRow{"", "", IdForm::same, false},
                    IdRow{"", "0", IdForm::same, false}, IdRow{"00", "0", IdForm::same, true}, IdRow{"0", "0", IdForm::response_hex, true},
                    IdRow{"1", "10", IdForm::same, false}));

}  // namespace
}  // namespace pushmail::sms

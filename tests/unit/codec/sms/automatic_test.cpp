// Which messages no person wrote.
#include "codec/sms/automatic.h"

#include <gtest/gtest.h>

#include "codec/sms/receipt.h"

namespace pushmail::sms {
namespace {

smpp::Pdu message(std::string_view text, std::uint8_t esm_class = 0, std::vector<smpp::Tlv> tlvs = {}) {
  smpp::Pdu pdu;
  pdu.command = smpp::Command::deliver_sm;
  pdu.esm_class = esm_class;
  append(pdu.short_message, text);
  pdu.tlvs = std::move(tlvs);
  return pdu;
}
Bytes octets(std::string_view text) {
  Bytes bytes;
  append(bytes, text);
  return bytes;
}
constexpr std::string_view receipt_text =
    "id:5001 sub:001 dlvrd:001 submit date:2611282200 done date:2611282201 stat:DELIVRD err:000 text:mail";

TEST(Automatic, EverySignOfAReceiptAloneIsEnough) {
  EXPECT_EQ(origin_of(message("17", smpp::esm_receipt)).origin, Origin::receipt);
  EXPECT_EQ(origin_of(message("17", smpp::esm_intermediate | smpp::esm_udhi)).origin, Origin::receipt);
  EXPECT_EQ(origin_of(message("", 0, {{smpp::tag::receipted_message_id, octets("5001")}})).origin, Origin::receipt);
  EXPECT_EQ(origin_of(message(" ", 0, {{smpp::tag::message_state, {2}}})).origin, Origin::receipt);
  EXPECT_EQ(origin_of(message(receipt_text)).origin, Origin::receipt);
  EXPECT_EQ(origin_of(message("", 0, {{smpp::tag::message_payload, octets(receipt_text)}})).origin, Origin::receipt);
  for (const char* text : {"ID: 1 STAT: delivrd", "id:1\nsub:001\nstat:DELIVRD", "sub:001 stat:UNDELIV id:1", "id:1\r\nstat:EXPIRED"}) {
    EXPECT_EQ(origin_of(message(text)).origin, Origin::receipt) << text;
  }
  smpp::Pdu data_sm = message("", 0, {{smpp::tag::message_payload, octets(receipt_text)}});
  data_sm.command = smpp::Command::data_sm;
  EXPECT_EQ(origin_of(data_sm).origin, Origin::receipt);
  // ASCII under the data_coding of the message that it is about.
  for (const int coding : {0, 1, 3, 8}) {
    smpp::Pdu coded = message(receipt_text);
    coded.data_coding = static_cast<std::uint8_t>(coding);
    EXPECT_EQ(origin_of(coded).origin, Origin::receipt) << coding;
  }
}

// UTF-16 as an SMSC may write it: the byte order that the standard says, the other one, with a mark, and under whatever data_coding.
Bytes utf16(std::string_view ascii, bool little_endian, bool mark) {
  Bytes bytes;
  const auto put = [&](std::uint16_t unit) { append(bytes, unit, little_endian ? std::endian::little : std::endian::big); };
  if (mark) put(0xFEFF);
  for (const char c : ascii) put(static_cast<std::uint8_t>(c));
  return bytes;
}

TEST(Automatic, ReceiptsInUtf16OfEitherByteOrder) {
  for (const bool little_endian : {false, true}) {
    for (const bool mark : {false, true}) {
      for (const int coding : {0, 1, 3, 4, 8, 0x18}) {
        smpp::Pdu pdu = message("");
        pdu.data_coding = static_cast<std::uint8_t>(coding);
        pdu.short_message = utf16(receipt_text, little_endian, mark);
        EXPECT_EQ(origin_of(pdu).origin, Origin::receipt) << little_endian << mark << coding;
        const auto receipt = read_receipt(pdu);
        ASSERT_TRUE(receipt) << little_endian << mark << coding;
        EXPECT_EQ(receipt->message_id, "5001");
        EXPECT_EQ(receipt->state, ReceiptState::delivered);
        pdu.short_message = utf16("Auto-Reply: I am away", little_endian, mark);
        EXPECT_TRUE(is_automatic(origin_of(pdu))) << little_endian << mark << coding;
        // What was put together of pieces.
        Incoming whole = read_deliver(pdu);
        whole.user_data = utf16(receipt_text, little_endian, mark);
        EXPECT_EQ(origin_of(whole).origin, Origin::receipt);
        whole.user_data = utf16("17", little_endian, mark);
        EXPECT_FALSE(is_automatic(origin_of(whole)));
      }
    }
  }
}

TEST(Automatic, MachinesThatAnswer) {
  for (const std::uint8_t type : {smpp::esm_delivery_ack, smpp::esm_user_ack, smpp::esm_abort})
    EXPECT_EQ(origin_of(message("17", type)).origin, Origin::answer);
  for (const char* text : {"Auto-Reply: I am away", " OUT OF OFFICE until Monday", "Automatic reply: x", "I'm driving and cannot answer",
                           "Delivery report", "Read: your message", "Respuesta autom\xc3\xa1tica: x", "This is an automated message"}) {
    EXPECT_EQ(origin_of(text).origin, Origin::answer) << text;
  }
  for (const char* text : {"Message to 5000 was delivered on 28.11.2026 22:01",
                           "I can't answer. [Auto-reply by a car]",
                           "Automatisch antwoord: x",
                           "Ich bin nicht im Haus. Automatische Antwort",
                           "Sent automatically: x",
                           "Driving Focus: I'll see your message when I get where I'm going.",
                           "Notifications are off (I'm not receiving notifications. If this is urgent, reply \"urgent\")",
                           "Автоответ: я за рулём",
                           "自動返信：運転中です",
                           "Autosvar: jeg kører",
                           "Odpowiedź automatyczna: jestem na urlopie",
                           "<<Auto Response>> away till 4",
                           "*** Out of office ***",
                           "Trả lời tự động: tôi đang nghỉ",
                           "Automatski odgovor: na godišnjem sam",
                           "Автоматичен отговор: в отпуск съм",
                           "Loved an image",
                           "Liked an attachment",
                           "Laughed at “Reply 10 to get it”",
                           "Removed a heart from “x”",
                           "Reacted 👍 to an image",
                           "Free Msg: Unable to send message - Message Blocking is active.",
                           "FreeMsg: your message was blocked",
                           "Message not sent. Service access denied.",
                           "Message status: DELIVRD",
                           "(I'm not receiving notifications. If this is urgent, reply)"}) {
    EXPECT_EQ(origin_of(message(text)).origin, Origin::answer) << text;
  }
  EXPECT_EQ(origin_of(message("stat:DELIVRD err:000")).origin, Origin::receipt);
  EXPECT_FALSE(is_automatic("Your parcel was delivered", "joe@example.com Look")) << "a letter";
  smpp::Pdu binary = message("\x01\x02");
  binary.data_coding = 0x04;
  EXPECT_EQ(origin_of(binary).sign, "binary");
  binary = message("17");
  binary.data_coding = 0x04;
  EXPECT_FALSE(is_automatic(origin_of(binary))) << "typed by a person, sent as 8-bit data";
  EXPECT_EQ(origin_of(message("x", 0, {{smpp::tag::destination_port, {0x0B, 0x84}}})).sign, "application_port");
}

TEST(Automatic, PeopleAreTakenForPeople) {
  for (const char* text : {"17", "GET 17", "hello", "what is my id: please", "stat: ok", "id:", "", "joe@example.com Read this",
                           "paid:1 restat:2", "Please read: it is late", "- Read: chapter 5", "Fuori sede, mandami 17", "automobile"}) {
    EXPECT_FALSE(is_automatic(origin_of(message(text)))) << text;
    EXPECT_FALSE(is_automatic(origin_of(text))) << text;
  }
}

TEST(Automatic, APieceOfALongTextIsJudgedByItsHeaderAlone) {
  smpp::Pdu piece = message(std::string_view("\x05\x00\x03\x07\x02\x02Read: x", 13), smpp::esm_udhi);
  EXPECT_FALSE(is_automatic(origin_of(piece)));
  piece.esm_class |= smpp::esm_receipt;
  EXPECT_EQ(origin_of(piece).origin, Origin::receipt);
}

}  // namespace
}  // namespace pushmail::sms

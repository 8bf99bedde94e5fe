// MMS PDUs against octets written by hand from OMA-MMS-ENC 1.2, round trips, truncation, and what phones do differently.
#include "codec/mms/pdu.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "codec/mms/errors.h"

namespace pushmail::mms {
namespace {

Bytes hex(std::string_view text) {
  std::string dense;
  for (const char c : text) {
    if (c != ' ') dense += c;
  }
  const Bytes bytes = from_hex(dense);
  EXPECT_FALSE(bytes.empty());
  return bytes;
}

constexpr std::string_view notification =
    "8C 82 98 6E 30 30 30 31 00 8D 92 89 11 80 6A 6F 65 40 65 78 61 6D 70 6C 65 2E 63 6F 6D 00 96 48 69 00 8A 80 8E 02 75 30"
    "88 05 81 03 03 F4 80 83 68 74 74 70 3A 2F 2F 6D 6D 73 63 2F 6D 3F 6E 30 30 30 31 00";
constexpr std::string_view send_req =
    "8C 80 98 54 31 00 8D 92 89 01 81 97 2B 31 35 35 35 30 31 30 30 30 30 32 2F 54 59 50 45 3D 50 4C 4D 4E 00"
    "97 62 6F 62 40 65 78 61 6D 70 6C 65 2E 63 6F 6D 00 96 48 69 00 8A 80 8F 81 86 80 90 81"
    "84 18 B3 8A 3C 73 3E 00 89 61 70 70 6C 69 63 61 74 69 6F 6E 2F 73 6D 69 6C 00 02"
    "22 41 13 61 70 70 6C 69 63 61 74 69 6F 6E 2F 73 6D 69 6C 00 81 EA C0 22 3C 73 3E 00 8E 73 2E 73 6D 69 6C 00"
    "3C 73 6D 69 6C 3E 3C 62 6F 64 79 3E 3C 70 61 72 20 64 75 72 3D 22 35 73 22 3E 3C 74 65 78 74 20 73 72 63 3D 22"
    "61 2E 74 78 74 22 2F 3E 3C 2F 70 61 72 3E 3C 2F 62 6F 64 79 3E 3C 2F 73 6D 69 6C 3E"
    "18 03 0A 83 81 EA 85 61 2E 74 78 74 00 C0 22 3C 74 3E 00 8E 61 2E 74 78 74 00 48 C3 A9";
constexpr std::string_view retrieve_conf =
    "8C 84 98 54 39 00 8D 92 8B 6D 31 40 6D 6D 73 63 00 85 04 66 81 48 C0 89 11 80 6A 6F 65 40 65 78 61 6D 70 6C 65 2E 63"
    "6F 6D 00 97 2B 31 35 35 35 30 31 30 30 30 30 32 2F 54 59 50 45 3D 50 4C 4D 4E 00 96 07 EA C3 89 74 C3 A9 00 84 A3"
    "01 04 05 03 83 81 EA 48 65 6C 6C 6F";

struct Vector {
  std::string_view name;
  std::string_view octets;
};
constexpr std::array vectors{
    Vector{"notification-ind", notification},
    Vector{"send-req", send_req},
    Vector{"retrieve-conf", retrieve_conf},
    Vector{"send-conf ok", "8C 81 98 54 31 00 8D 92 92 80 8B 6D 31 40 6D 6D 73 63 00"},
    Vector{"send-conf refused", "8C 81 98 54 31 00 8D 92 92 E2 93 62 61 64 00"},
    Vector{"notifyresp-ind", "8C 83 98 6E 30 30 30 31 00 8D 92 95 81 91 80"},
    Vector{"acknowledge-ind", "8C 85 98 54 39 00 8D 92 91 80"},
    Vector{"delivery-ind",
           "8C 86 8D 92 8B 6D 31 40 6D 6D 73 63 00 97 2B 31 35 35 35 30 31 30 30 30 30 32 2F 54 59 50 45 3D 50 4C 4D 4E 00 85 04 66 81 48 C0 95 81"},
    Vector{"read-rec-ind",
           "8C 87 8D 92 8B 6D 31 40 6D 6D 73 63 00 97 6A 6F 65 40 65 78 61 6D 70 6C 65 2E 63 6F 6D 00 89 01 81 85 04 66 81 48 C0 9B 80"},
    Vector{"read-orig-ind",
           "8C 88 8D 92 8B 6D 31 40 6D 6D 73 63 00 97 6A 6F 65 40 65 78 61 6D 70 6C 65 2E 63 6F 6D 00 89 18 80 2B 31 35 35 35 30 31 30 30 30 30 32"
           "2F 54 59 50 45 3D 50 4C 4D 4E 00 85 04 66 81 48 C0 9B 80"},
    Vector{"forward-req", "8C 89 98 54 31 00 8D 92 89 01 81 97 62 40 65 00 91 80 A2 81 83 68 2F 31 00"},
    Vector{"forward-conf", "8C 8A 98 54 31 00 8D 92 92 80 8B 6D 31 00 A5 80 A6 6F 6B 00"},
    Vector{"notification-ind reply charging",
           "8C 82 98 6E 00 8D 93 8A 80 8E 01 64 88 03 81 01 3C 9C 80 9D 03 81 01 3C 9E 72 00 9F 01 64 B4 80 B5 6D 00 A7 81 BA 81 BB 81 BD 72 00 83 68 00"},
    Vector{"cancel-req", "8C 96 98 54 31 00 8D 93 BE 63 31 00"},
    Vector{"cancel-conf", "8C 97 98 54 31 00 8D 93 BF 80"},
};

TEST(Mms, VectorsDecodeAndEncodeToTheSameOctets) {
  for (const Vector& vector : vectors) {
    SCOPED_TRACE(vector.name);
    const Bytes octets = hex(vector.octets);
    const auto pdu = decode(octets);
    ASSERT_TRUE(pdu.has_value()) << pdu.error().info->name << " at " << pdu.error().at;
    const auto again = encode(*pdu);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(to_hex(*again), to_hex(octets));
    EXPECT_TRUE(dump(*pdu).starts_with("X-Mms-Message-Type: m-"));
  }
}

TEST(Mms, NotificationValues) {
  const auto pdu = decode(hex(notification));
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->type, MessageType::notification_ind);
  EXPECT_EQ(pdu->transaction_id, "n0001");
  EXPECT_EQ(pdu->version, version_1_2);
  EXPECT_EQ(pdu->from, (From{.kind = From::Kind::address, .address = "joe@example.com"}));
  EXPECT_EQ(pdu->subject, "Hi");
  EXPECT_EQ(pdu->message_class, "Personal");
  EXPECT_EQ(pdu->message_size, 30000U);
  EXPECT_EQ(pdu->expiry, (TimeValue{.kind = TimeValue::Kind::relative, .seconds = 259'200}));
  EXPECT_EQ(pdu->content_location, "http://mmsc/m?n0001");
}

TEST(Mms, SendReqValues) {
  const Bytes octets = hex(send_req);
  const auto pdu = decode(octets);
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->from->kind, From::Kind::insert);
  EXPECT_EQ(pdu->to, (std::vector<std::string>{"+15550100002/TYPE=PLMN", "bob@example.com"}));
  EXPECT_EQ(pdu->priority, static_cast<std::uint8_t>(Priority::normal));
  EXPECT_EQ(pdu->delivery_report, true);
  EXPECT_EQ(pdu->read_report, false);
  ASSERT_EQ(pdu->content.parts.size(), 2U);
  EXPECT_EQ(pdu->content.presentation, 0U);
  EXPECT_EQ(pdu->content.subject, "Hi");
  EXPECT_EQ(pdu->content.parts[0].media_type, "application/smil");
  EXPECT_EQ(pdu->content.parts[0].content_id, "s");
  EXPECT_EQ(pdu->content.parts[1].charset, "utf-8");
  EXPECT_EQ(pdu->content.parts[1].name, "a.txt");
  EXPECT_EQ(pdu->content.parts[1].content_location, "a.txt");
  EXPECT_EQ(text_of(pdu->content.parts[1].data), "Hé");
  EXPECT_TRUE(pdu->content.parts[1].data.data() > octets.data() && pdu->content.parts[1].data.data() < octets.data() + octets.size());
}

TEST(Mms, RetrieveConfValues) {
  const Bytes octets = hex(retrieve_conf);
  const auto pdu = decode(octets);
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->subject, "Été");
  EXPECT_EQ(pdu->date, 1'719'748'800U);
  EXPECT_EQ(pdu->message_id, "m1@mmsc");
  ASSERT_EQ(pdu->content.parts.size(), 1U);
  EXPECT_EQ(pdu->content.presentation, MultimediaMessage::no_presentation);
  EXPECT_EQ(text_of(pdu->content.parts[0].data), "Hello");
}

TEST(Mms, LongLengthTokenClassAndAbsoluteTime) {
  std::string octets = "8C 82 98 6E 32 00 8D 92 96 1F 34 EA";
  for (int i = 0; i < 25; ++i) octets += "C3 A9";
  octets += "00 8A 78 2D 70 72 6F 6D 6F 00 8E 01 64 88 06 80 04 66 81 48 C0 83 68 74 74 70 3A 2F 2F 6D 2F 32 00";
  const auto pdu = decode(hex(octets));
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->subject.size(), 50U);
  EXPECT_EQ(pdu->message_class, "x-promo");
  EXPECT_EQ(pdu->expiry, (TimeValue{.kind = TimeValue::Kind::absolute, .seconds = 1'719'748'800}));
  EXPECT_EQ(to_hex(encode(*pdu).value()), to_hex(hex(octets)));
}

TEST(Mms, EveryTruncationIsAnErrorOrLess) {
  for (const Vector& vector : vectors) {
    const Bytes octets = hex(vector.octets);
    const auto whole = decode(octets).value();
    for (std::size_t size = 0; size < octets.size(); ++size) {
      const auto pdu = decode(ByteView(octets).first(size));
      if (!pdu) continue;
      // What may be missing is an optional header at the end, or an entry of the content.
      EXPECT_LT(encode(*pdu).value().size(), octets.size()) << vector.name << " " << size;
      EXPECT_LE(pdu->content.parts.size(), whole.content.parts.size());
    }
  }
}

TEST(Mms, GatherCopiesNoPart) {
  const Bytes octets = hex(send_req);
  const auto pdu = decode(octets).value();
  const auto gather = encode_gather(pdu).value();
  ASSERT_EQ(gather.pieces.size(), 4U);
  EXPECT_EQ(gather.pieces[1].data(), pdu.content.parts[0].data.data());
  EXPECT_EQ(gather.pieces[3].data(), pdu.content.parts[1].data.data());
  EXPECT_EQ(gather.size(), octets.size());
}

TEST(Mms, MissingMandatoryHeaders) {
  EXPECT_TRUE(decode(hex("8C 81 98 54 31 00 8D 92")).error().is(mms_missing_field));                       // send-conf without status
  EXPECT_TRUE(decode(hex("8C 83 8D 92 95 81")).error().is(mms_missing_field));                            // no transaction id
  EXPECT_TRUE(decode(hex("8C 85 98 54 39 00")).error().is(mms_missing_field));                            // no version
  EXPECT_TRUE(decode(hex("8C 80 98 54 31 00 8D 92 89 01 81 84 A3 00")).error().is(mms_missing_field));    // nobody to send to
  EXPECT_TRUE(decode(hex("8C 98 98 54 31 00 8D 92")).error().is(mms_unknown_type));
  EXPECT_TRUE(decode(hex("98 54 31 00 8C 80")).error().is(mms_unknown_type));
  EXPECT_TRUE(decode({}).error().is(mms_unknown_type));
  Pdu pdu;
  pdu.type = MessageType::send_conf;
  pdu.transaction_id = "T1";
  EXPECT_TRUE(encode(pdu).error().is(mms_not_encodable));
}

TEST(Mms, RefusalOfARetrieval) {
  Pdu pdu;
  pdu.type = MessageType::retrieve_conf;
  pdu.retrieve_status = 0xE2;
  pdu.retrieve_text = "gone";
  EXPECT_EQ(to_hex(encode(pdu).value()), "8c848d9299e29a676f6e6500");
  EXPECT_EQ(class_of(0xE2), StatusClass::permanent);
  EXPECT_EQ(class_of(0xC9), StatusClass::transient);
  EXPECT_EQ(class_of(0x80), StatusClass::ok);
}

// What phones do beside the standard.

TEST(MmsTolerance, UnknownAndTextHeadersArePassedOver) {
  // A2 store, A4 with a length, BA octet, FF text, and a header by name.
  const auto pdu = decode(hex("8C 85 98 54 39 00 A2 80 A4 03 80 41 00 BA 81 FF 61 62 00 58 2D 41 00 62 00 8D 92 91 81"));
  ASSERT_TRUE(pdu.has_value()) << pdu.error().info->name << pdu.error().at;
  EXPECT_EQ(pdu->report_allowed, false);
}

TEST(MmsTolerance, MessageIdWithBracketsAndRepeatedHeaders) {
  const auto pdu = decode(hex("8C 81 98 54 31 00 98 54 32 00 8D 92 92 80 92 E0 8B 3C 6D 31 40 6D 3E 00"));
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->message_id, "m1@m");
  EXPECT_EQ(pdu->transaction_id, "T1");
  EXPECT_EQ(pdu->response_status, 0x80);
}

TEST(MmsTolerance, SubjectsInOtherCharsets) {
  const auto subject = [](std::string_view value) {
    const auto pdu = decode(hex(std::string("8C 84 8D 92 96 ") + std::string(value)));
    return pdu ? pdu->subject : std::string("error");
  };
  EXPECT_EQ(subject("C3 89 74 C3 A9 00"), "Été");                                           // raw UTF-8 without charset
  EXPECT_EQ(subject("7F C3 89 74 C3 A9 00"), "Été");                                        // quoted
  EXPECT_EQ(subject("05 84 C9 74 E9 00"), "Été");                        // ISO 8859-1
  EXPECT_EQ(subject("09 02 03 F5 00 C9 00 74 00 00"), "Ét");  // UTF-16BE
  EXPECT_EQ(subject("3D 3F 75 74 66 2D 38 3F 51 3F 3D 43 33 3D 38 39 3F 3D 00"), "É");      // an encoded word as text
  EXPECT_EQ(subject("14 83 3D 3F 75 74 66 2D 38 3F 51 3F 3D 43 33 3D 38 39 3F 3D 00"), "É");
}

TEST(MmsTolerance, StartThatNamesNoPart) {
  Bytes octets = hex(send_req);
  const std::string text(text_of(octets));
  octets[text.find("<s>") + 1] = 'z';
  EXPECT_EQ(decode(octets)->content.presentation, 0U);
}

TEST(MmsTolerance, StartByTheNewerNumberAndPartsInAnyOrder) {
  // related, start (99) <s>, type; the first part is text, the second the presentation.
  const auto pdu = decode(hex(
      "8C 84 8D 92 84 18 B3 99 3C 73 3E 00 89 61 70 70 6C 69 63 61 74 69 6F 6E 2F 73 6D 69 6C 00 02 01 01 83 41"
      "17 01 61 70 70 6C 69 63 61 74 69 6F 6E 2F 73 6D 69 6C 00 C0 22 3C 73 3E 00 58"));
  ASSERT_TRUE(pdu.has_value()) << pdu.error().info->name << pdu.error().at;
  EXPECT_EQ(pdu->content.presentation, 1U);
}

TEST(MmsTolerance, TransferCodedPart) {
  const auto pdu = decode(hex("8C 84 8D 92 84 A3 01 22 08 83 43 6F 6E 74 65 6E 74 2D 54 72 61 6E 73 66 65 72 2D 45 6E 63 6F 64 69 6E 67 00 62 61 73 65 36 34 00"
                              "53 4D 4F 70 62 41 3D 3D"));
  ASSERT_TRUE(pdu.has_value()) << pdu.error().info->name << pdu.error().at;
  ASSERT_EQ(pdu->content.parts.size(), 1U);
  EXPECT_EQ(text_of(pdu->content.parts[0].data), "Hél");
}

TEST(MmsTolerance, BodyThatIsNoMultipart) {
  const Bytes octets = hex("8C 84 8D 92 84 83 48 69");
  const auto pdu = decode(octets);
  ASSERT_TRUE(pdu.has_value());
  ASSERT_EQ(pdu->content.parts.size(), 1U);
  EXPECT_EQ(text_of(pdu->content.parts[0].data), "Hi");
}

TEST(Mms, RecipientsAreBounded) {
  const Bytes octets = hex(send_req);
  Pdu pdu = decode(octets).value();
  pdu.to.assign(200, "+15550100002/TYPE=PLMN");
  EXPECT_TRUE(decode(encode(pdu).value()).error().is(mms_too_many_recipients));
}

TEST(Mms, RandomPdusComeBack) {
  std::mt19937 dice(12);
  const auto word = [&] {
    static constexpr std::array<std::string_view, 6> words{"a", "Grüße", "x y", "+15550100002/TYPE=PLMN", "Joe <joe@example.com>", "日本"};
    return std::string(words[dice() % words.size()]);
  };
  for (int round = 0; round < 1000; ++round) {
    std::vector<Bytes> storage;
    Pdu pdu;
    pdu.type = dice() % 2 == 0 ? MessageType::send_req : MessageType::retrieve_conf;
    pdu.transaction_id = "T" + std::to_string(dice());
    pdu.version = dice() % 2 == 0 ? version_1_2 : version_1_3;
    pdu.from = From{.kind = From::Kind::address, .address = word()};
    for (auto left = 1 + dice() % 3; left > 0; --left) pdu.to.push_back(word());
    if (dice() % 2 == 0) pdu.cc.push_back(word());
    pdu.subject = word();
    pdu.date = dice();
    pdu.message_class = dice() % 2 == 0 ? "Auto" : "x-class";
    pdu.priority = static_cast<std::uint8_t>(0x80 + dice() % 3);
    pdu.delivery_report = dice() % 2 == 0;
    pdu.has_content = true;
    const auto count = dice() % 5;
    for (std::size_t i = 0; i < count; ++i) {
      storage.emplace_back(dice() % 300);
      for (auto& byte : storage.back()) byte = static_cast<std::uint8_t>(dice());
      const auto numbered = [&](std::string_view word_before) { return pdu.content.arena.copy(std::string(word_before) + std::to_string(i)); };
      pdu.content.parts.push_back({.media_type = i == 0 ? "application/smil" : "image/jpeg", .charset = i == 0 ? "utf-8" : "", .name = numbered("n"),
                                   .content_id = numbered("id"), .content_location = numbered("l"), .data = storage.back()});
    }
    if (count > 0) pdu.content.presentation = 0;
    const Bytes octets = encode(pdu).value();
    const auto read = decode(octets);
    ASSERT_TRUE(read.has_value()) << read.error().info->name << " " << read.error().at;
    EXPECT_EQ(dump(*read), dump(pdu));
    EXPECT_EQ(read->version, pdu.version);
    ASSERT_EQ(read->content.parts.size(), pdu.content.parts.size());
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(to_hex(read->content.parts[i].data), to_hex(storage[i]));
    EXPECT_EQ(to_hex(encode(*read).value()), to_hex(octets));
  }
}

}  // namespace
}  // namespace pushmail::mms

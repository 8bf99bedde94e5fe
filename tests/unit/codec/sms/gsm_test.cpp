// GSM 03.38 and UCS-2, splitting and reassembly.
#include "codec/sms/gsm.h"

#include <gtest/gtest.h>

#include <random>

namespace pushmail::sms {
namespace {

Incoming incoming(const Segment& segment) {
  smpp::Pdu pdu;
  pdu.command = smpp::Command::deliver_sm;
  pdu.source_addr = "15550100002";
  pdu.destination_addr = "500017";
  pdu.esm_class = segment.esm_class;
  pdu.data_coding = segment.data_coding;
  pdu.short_message = segment.short_message;
  return read_deliver(pdu);
}

std::string joined(const std::vector<Segment>& segments) {
  Reassembly reassembly;
  std::optional<Incoming> whole;
  for (const Segment& segment : segments) {
    EXPECT_FALSE(whole.has_value());
    whole = reassembly.add(incoming(segment), {});
  }
  EXPECT_EQ(reassembly.incomplete(), 0U);
  return whole ? whole->text() : "incomplete";
}

TEST(Gsm, TheWholeDefaultAlphabetGoesThereAndBack) {
  const std::string text =
      "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
  const auto octets = encode_gsm(text);
  ASSERT_TRUE(octets.has_value());
  ASSERT_EQ(octets->size(), 127U);
  for (std::size_t i = 0; i < octets->size(); ++i) EXPECT_EQ((*octets)[i], i < 0x1B ? i : i + 1);
  EXPECT_EQ(decode_gsm(*octets), text);
}

TEST(Gsm, ExtensionTable) {
  const std::string text = "\f^{}\\[~]|€";
  const auto octets = encode_gsm(text);
  ASSERT_TRUE(octets.has_value());
  EXPECT_EQ(to_hex(*octets), "1b0a1b141b281b291b2f1b3c1b3d1b3e1b401b65");
  EXPECT_EQ(decode_gsm(*octets), text);
  EXPECT_EQ(decode_gsm(from_hex("1b41")), "A");  // unknown: as the default table has it
  EXPECT_EQ(decode_gsm(from_hex("411b")), "A");  // ESC at the end
}

TEST(Gsm, OtherLettersNeedUcs2) {
  EXPECT_FALSE(encode_gsm("Привет").has_value());
  EXPECT_FALSE(encode_gsm("ç").has_value());
  EXPECT_FALSE(encode_gsm("\xff").has_value());
  EXPECT_EQ(to_hex(encode_ucs2("é€😀")), "00e920acd83dde00");
  EXPECT_EQ(decode_ucs2(from_hex("00e920acd83dde00")), "é€😀");
  EXPECT_EQ(decode_ucs2(from_hex("d83d0041de00")),
            "\xEF\xBF\xBD"
            "A"
            "\xEF\xBF\xBD");
  EXPECT_EQ(decode_ucs2(from_hex("0041d83d")), "A\xEF\xBF\xBD");
  EXPECT_EQ(decode_ucs2(from_hex("004100")), "A");
  EXPECT_EQ(decode_ucs2(from_hex("fffe31003700")), "17") << "UTF-16LE says so itself";
  EXPECT_EQ(decode_ucs2(from_hex("fffe3dd800de")), "😀");
}

struct Length {
  std::string_view unit;
  std::size_t count;
  std::size_t segments;
};
class Split : public testing::TestWithParam<Length> {};
TEST_P(Split, CountsAndComesBack) {
  std::string text;
  for (std::size_t i = 0; i < GetParam().count; ++i) text += GetParam().unit;
  const auto segments = split_text(text, 200);
  EXPECT_EQ(segments.size(), GetParam().segments);
  for (const Segment& segment : segments) EXPECT_LE(segment.short_message.size(), 160U);
  EXPECT_EQ(joined(segments), text);
}
INSTANTIATE_TEST_SUITE_P(Lengths, Split,
                         testing::Values(Length{"a", 0, 1}, Length{"a", 160, 1}, Length{"a", 161, 2}, Length{"a", 304, 2},
                                         Length{"a", 305, 3}, Length{"€", 80, 1}, Length{"€", 81, 2},
                                         Length{"€", 153, 3},  // 76 whole pairs a segment
                                         Length{"я", 70, 1}, Length{"я", 71, 2}, Length{"я", 132, 2}, Length{"я", 133, 3},
                                         Length{"😀", 35, 1}, Length{"😀", 36, 2}, Length{"😀", 67, 3}));  // 33 whole pairs a segment

TEST(Gsm, SegmentsCarryTheirHeader) {
  const auto segments = split_text(std::string(200, 'x'), 0x1207);
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments[0].esm_class, smpp::esm_udhi);
  EXPECT_EQ(to_hex(ByteView(segments[0].short_message).first(7)), "06080412070201");
  EXPECT_EQ(to_hex(ByteView(segments[1].short_message).first(7)), "06080412070202");
  EXPECT_EQ(segments[0].short_message.size(), 159U);
}

TEST(Gsm, EscapeAndSurrogatesAreNotSplit) {
  std::string text = "a";
  for (int i = 0; i < 100; ++i) text += "€";
  for (const Segment& segment : split_text(text, 1)) EXPECT_NE(segment.short_message.back(), 0x1B);
  text = "я";
  for (int i = 0; i < 60; ++i) text += "😀";
  for (const Segment& segment : split_text(text, 1)) {
    EXPECT_NE(segment.short_message[segment.short_message.size() - 2] & 0xFC, 0xD8);
  }
}

TEST(Gsm, DataCodings) {
  EXPECT_EQ(decode_text(0, from_hex("00")), "@");
  EXPECT_EQ(decode_text(1, from_hex("40")), "@");
  EXPECT_EQ(decode_text(3, from_hex("e9")), "é");
  EXPECT_EQ(decode_text(8, from_hex("00e9")), "é");
  EXPECT_EQ(decode_text(4, from_hex("3137")), "17") << "typed by a person, sent as 8-bit data";
  EXPECT_EQ(decode_text(4, from_hex("3137ff")), "");
  EXPECT_EQ(alphabet_of(0xF0), Alphabet::gsm);
  EXPECT_EQ(alphabet_of(0xF5), Alphabet::binary);
  EXPECT_EQ(alphabet_of(0xC8), Alphabet::gsm);
  EXPECT_EQ(alphabet_of(0xE8), Alphabet::ucs2);
  EXPECT_EQ(decode_text(0x0E, from_hex("4f4b")), "OK");
}

TEST(Gsm, HeadersOfBothReferenceSizesAndPorts) {
  const Incoming wide = incoming({.esm_class = 0x40, .data_coding = 0, .short_message = from_hex("0608041234030248")});
  EXPECT_EQ(wide.part, (Concatenation{.reference = 0x1234, .total = 3, .number = 2}));
  EXPECT_EQ(wide.text(), "H");
  const Incoming push = incoming({.esm_class = 0x40, .data_coding = 4, .short_message = from_hex("0b05040b8423f0000307020155")});
  EXPECT_EQ(push.ports, (Ports{.destination = 2948, .source = 9200}));
  EXPECT_EQ(push.part, (Concatenation{.reference = 7, .total = 2, .number = 1}));
  EXPECT_EQ(to_hex(push.user_data), "55");
}

TEST(Gsm, BrokenHeadersAreSurvived) {
  EXPECT_EQ(incoming({.esm_class = 0x40, .data_coding = 1, .short_message = from_hex("4142")}).text(), "AB");  // longer than the message
  EXPECT_EQ(incoming({.esm_class = 0x40, .data_coding = 1, .short_message = from_hex("0300090141")}).text(), "A");  // element too long
  EXPECT_FALSE(incoming({.esm_class = 0x40, .data_coding = 1, .short_message = from_hex("05000307020341")}).part);  // number above total
  EXPECT_EQ(incoming({.esm_class = 0x40, .data_coding = 1, .short_message = {}}).text(), "");
}

TEST(Gsm, ConcatenationByTlvs) {
  smpp::Pdu pdu;
  pdu.command = smpp::Command::deliver_sm;
  pdu.short_message = from_hex("48");
  pdu.tlvs = {{smpp::tag::sar_msg_ref_num, {0x12, 0x34}}, {smpp::tag::sar_total_segments, {2}}, {smpp::tag::sar_segment_seqnum, {1}}};
  EXPECT_EQ(read_deliver(pdu).part, (Concatenation{.reference = 0x1234, .total = 2, .number = 1}));
}

TEST(Reassembly, AnyOrderAndRepeats) {
  const std::string text(500, 'q');
  const auto segments = split_text(text, 9);
  ASSERT_EQ(segments.size(), 4U);
  Reassembly reassembly;
  for (const std::size_t i : {2U, 0U, 2U, 3U}) EXPECT_FALSE(reassembly.add(incoming(segments[i]), {}).has_value());
  const auto whole = reassembly.add(incoming(segments[1]), {});
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->text(), text);
  EXPECT_FALSE(whole->part.has_value());
}

TEST(Reassembly, SetsOfTwoPhonesDoNotMix) {
  const auto one = split_text(std::string(200, 'a'), 9);
  const auto two = split_text(std::string(200, 'b'), 9);
  Reassembly reassembly;
  Incoming other = incoming(two[0]);
  other.source = "15550100003";
  EXPECT_FALSE(reassembly.add(incoming(one[0]), {}).has_value());
  EXPECT_FALSE(reassembly.add(other, {}).has_value());
  EXPECT_EQ(reassembly.add(incoming(one[1]), {})->text(), std::string(200, 'a'));
  EXPECT_EQ(reassembly.incomplete(), 1U);
}

TEST(Reassembly, PartsInTwoAlphabetsAreOneText) {
  Reassembly reassembly;
  const auto part = [](std::uint8_t number, std::uint8_t data_coding, std::string_view octets) {
    Incoming one;
    one.part = Concatenation{.reference = 9, .total = 3, .number = number};
    one.data_coding = data_coding;
    append(one.user_data, octets);
    return one;
  };
  using namespace std::string_view_literals;
  EXPECT_FALSE(reassembly.add(part(1, 0, "\x00 17 "sv), {}));
  EXPECT_FALSE(reassembly.add(part(3, 3, "\xE9"sv), {}));
  EXPECT_EQ(reassembly.add(part(2, 8, "\x20\xAC"sv), {})->text(), "@ 17 €é");
}

TEST(Reassembly, ANumberInTwoFormsIsOnePhone) {
  Reassembly reassembly;
  const auto part = [](std::string source, std::uint8_t number, std::string_view text) {
    Incoming one;
    one.source = std::move(source);
    one.data_coding = 3;
    one.part = Concatenation{.reference = 9, .total = 2, .number = number};
    append(one.user_data, text);
    return one;
  };
  EXPECT_FALSE(reassembly.add(part("+4917012345678", 1, "1"), {}));
  EXPECT_EQ(reassembly.add(part("017012345678", 2, "7"), {})->text(), "17");
  // Two phones whose numbers end alike.
  EXPECT_FALSE(reassembly.add(part("12125550100", 1, "1"), {}));
  EXPECT_FALSE(reassembly.add(part("13125550100", 2, "8"), {}));
  EXPECT_EQ(reassembly.add(part("12125550100", 2, "7"), {})->text(), "17");
}

TEST(Reassembly, APhoneThatBeginsTooManySetsLosesItsOwn) {
  Reassembly reassembly({.set_count_max = 10, .sets_of_source_max = 3});
  const auto part = [](std::string source, std::uint16_t reference, std::uint8_t number) {
    Incoming one;
    one.source = std::move(source);
    one.part = Concatenation{.reference = reference, .total = 2, .number = number};
    return one;
  };
  EXPECT_FALSE(reassembly.add(part("1", 1, 1), {}));
  EXPECT_FALSE(reassembly.add(part("3", 1, 1), {}));
  for (std::uint16_t i = 0; i < 100; ++i) EXPECT_FALSE(reassembly.add(part("2", i, 1), Instant{} + milliseconds(i)));
  EXPECT_EQ(reassembly.incomplete(), 5U);
  EXPECT_TRUE(reassembly.add(part("1", 1, 2), {}));
  EXPECT_TRUE(reassembly.add(part("3", 1, 2), {}));
  EXPECT_TRUE(reassembly.add(part("2", 99, 2), {}));
}

TEST(Reassembly, IncompleteSetsGo) {
  Reassembly reassembly({.set_count_max = 2, .set_size_max = 1000, .incomplete_max = seconds(60)});
  const auto part = [](std::uint8_t reference) { return incoming(split_text(std::string(200, 'a'), reference)[0]); };
  EXPECT_FALSE(reassembly.add(part(1), Instant{} + seconds(0)).has_value());
  EXPECT_FALSE(reassembly.add(part(2), Instant{} + seconds(61)).has_value());
  EXPECT_EQ(reassembly.incomplete(), 1U);
  EXPECT_FALSE(reassembly.add(part(3), Instant{} + seconds(62)).has_value());
  EXPECT_FALSE(reassembly.add(part(4), Instant{} + seconds(63)).has_value());
  EXPECT_EQ(reassembly.incomplete(), 2U);
}

struct CodingRow {
  std::uint8_t data_coding;
  Alphabet alphabet;
};
// TS 23.038 §4 and SMPP 3.4 §5.2.19.
TEST(Alphabets, OfEveryGroup) {
  for (const CodingRow& row :
       {CodingRow{0x00, Alphabet::gsm}, CodingRow{0x01, Alphabet::ascii}, CodingRow{0x02, Alphabet::binary},
        CodingRow{0x03, Alphabet::latin1}, CodingRow{0x04, Alphabet::binary}, CodingRow{0x08, Alphabet::ucs2},
        CodingRow{0x10, Alphabet::gsm}, CodingRow{0x11, Alphabet::gsm}, CodingRow{0x14, Alphabet::binary}, CodingRow{0x18, Alphabet::ucs2},
        CodingRow{0x19, Alphabet::ucs2}, CodingRow{0x1C, Alphabet::other}, CodingRow{0x28, Alphabet::binary},
        CodingRow{0x48, Alphabet::ucs2}, CodingRow{0x58, Alphabet::ucs2}, CodingRow{0xC0, Alphabet::gsm}, CodingRow{0xE0, Alphabet::ucs2},
        CodingRow{0xF1, Alphabet::gsm}, CodingRow{0xF5, Alphabet::binary}}) {
    EXPECT_EQ(alphabet_of(row.data_coding), row.alphabet) << int{row.data_coding};
  }
  EXPECT_EQ(decode_text(0x18, from_hex("00310037")), "17");
}

TEST(Alphabets, ZeroIsWhatTheSmscTakesItFor) {
  const auto bytes = [](std::string_view text) { return Bytes(text.begin(), text.end()); };
  EXPECT_EQ(decode_text(0, bytes("a@b_c"), Alphabet::latin1), "a@b_c");
  EXPECT_EQ(decode_text(0, Bytes{0xE9}, Alphabet::latin1), "é");
  EXPECT_EQ(decode_text(0, Bytes{0x00}), "@");
  EXPECT_EQ(decode_text(0, from_hex("00310037")), "17") << "UTF-16, whatever it was called";
  EXPECT_EQ(decode_text(0, from_hex("00310041")), "1A");
  EXPECT_EQ(decode_text(0, from_hex("003141")), "@1A");
  EXPECT_EQ(decode_text(0, from_hex("0041")), "@A");
  EXPECT_EQ(decode_text(0x10, Bytes{0x00}, Alphabet::latin1), "@") << "said outright";
  EXPECT_EQ(text_of(split_text("a@é_$", 1, Alphabet::latin1).at(0).short_message), "a@\xE9_$");
  EXPECT_EQ(split_text("a@é", 1, Alphabet::ascii).at(0).data_coding, 8);
  EXPECT_EQ(split_text("5 €", 1, Alphabet::latin1).at(0).data_coding, 8);
  // An SMS of 160 characters of the default alphabet, some of which take two.
  const std::string long_text = std::string(150, 'x') + "[[[[[[";
  const auto segments = split_text(long_text, 1, Alphabet::latin1);
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(std::string(text_of(segments[0].short_message).substr(7)) + std::string(text_of(segments[1].short_message).substr(7)),
            long_text);
}

TEST(Reassembly, WhatIsLateIsHandedOutTwiceAtMost) {
  Reassembly reassembly;
  const auto part = [](std::uint8_t number, std::string_view text) {
    Incoming one;
    one.source = "1";
    one.destination = "2";
    one.part = Concatenation{.reference = 9, .total = 3, .number = number};
    append(one.user_data, text);
    return one;
  };
  EXPECT_FALSE(reassembly.next_late().has_value());
  EXPECT_FALSE(reassembly.add(part(2, "b"), {}).has_value());
  EXPECT_EQ(reassembly.next_late(), Instant{} + milliseconds(1500));
  EXPECT_TRUE(reassembly.take_late(Instant{} + seconds(2)).empty()) << "it has no beginning";
  ASSERT_EQ(reassembly.take_late(Instant{} + seconds(60)).size(), 1U);
  EXPECT_TRUE(reassembly.take_late(Instant{} + seconds(61)).empty());
  EXPECT_FALSE(reassembly.next_late().has_value());
  EXPECT_FALSE(reassembly.add(part(3, "c"), Instant{} + seconds(62)).has_value());
  const auto whole = reassembly.add(part(1, "a"), Instant{} + seconds(63));
  ASSERT_TRUE(whole.has_value()) << "late, and whole all the same";
  EXPECT_EQ(whole->text(), "abc");
}

}  // namespace
}  // namespace pushmail::sms

// SMPP PDUs against octets written by hand from SMPP 3.4 §4, round trips, truncation, and what answers a broken PDU.
#include "codec/sms/smpp.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "codec/sms/errors.h"

namespace pushmail::smpp {
namespace {

Bytes hex(std::string_view text) {
  std::string dense;
  for (const char c : text) {
    if (c != ' ') dense += c;
  }
  return from_hex(dense);
}

// A receipt: submit_sm answered "1a2b" (hexadecimal), the text names 6699.
constexpr std::string_view receipt_text =
    "id:6699 sub:001 dlvrd:001 submit date:2406301230 done date:2406301231 stat:DELIVRD err:000 text:";

Pdu wap_push() {
  Pdu pdu;
  pdu.command = Command::submit_sm;
  pdu.sequence = 2;
  pdu.source_addr_ton = ton_alphanumeric;
  pdu.source_addr = "Mail";
  pdu.dest_addr_ton = ton_international;
  pdu.dest_addr_npi = npi_e164;
  pdu.destination_addr = "15550100002";
  pdu.esm_class = 0x43;
  pdu.registered_delivery = 1;
  pdu.data_coding = 0xF5;
  pdu.short_message = hex(
      "06 05 04 0B 84 23 F0 01 06 04 03 AE 81 EA 02 05 6A 00 45 C6 0D 03 65 78 61 6D 70 6C 65 00 85 03 69 6E 62 6F 78 00 11 03 6D 62 31 00"
      "0A C3 06 20 24 06 30 12 30 10 C3 04 20 24 07 01 08 01 03 33 20 6E 65 77 20 6D 61 69 6C 73 00 01 01");
  return pdu;
}
Pdu receipt() {
  Pdu pdu;
  pdu.command = Command::deliver_sm;
  pdu.sequence = 7;
  pdu.source_addr_ton = ton_international;
  pdu.source_addr_npi = npi_e164;
  pdu.source_addr = "15550100002";
  pdu.dest_addr_ton = ton_alphanumeric;
  pdu.destination_addr = "Mail";
  pdu.esm_class = esm_receipt;
  append(pdu.short_message, receipt_text);
  pdu.tlvs = {{tag::receipted_message_id, {'1', 'a', '2', 'b', 0}}, {tag::message_state, {2}}};
  return pdu;
}
Pdu data_sm() {
  Pdu pdu;
  pdu.command = Command::data_sm;
  pdu.sequence = 8;
  pdu.source_addr_ton = ton_international;
  pdu.source_addr_npi = npi_e164;
  pdu.source_addr = "15550100002";
  pdu.dest_addr_npi = npi_e164;
  pdu.destination_addr = "5000";
  pdu.tlvs = {{tag::message_payload, {'1', '7'}}};
  return pdu;
}
Pdu bind() {
  Pdu pdu;
  pdu.command = Command::bind_transceiver;
  pdu.sequence = 1;
  pdu.system_id = "pushmail";
  pdu.password = "secret";
  return pdu;
}
Pdu simple(Command command, std::uint32_t sequence, std::uint32_t command_status = 0) {
  Pdu pdu;
  pdu.command = command;
  pdu.sequence = sequence;
  pdu.status = command_status;
  return pdu;
}

struct Vector {
  std::string_view name;
  std::string octets;
  Pdu pdu;
};
std::vector<Vector> vectors() {
  std::vector<Vector> all{
      {"bind_transceiver", "00 00 00 25 00 00 00 09 00 00 00 00 00 00 00 01 70 75 73 68 6D 61 69 6C 00 73 65 63 72 65 74 00 00 34 00 00 00",
       bind()},
      {"submit_sm with a WAP push",
       "00 00 00 7D 00 00 00 04 00 00 00 00 00 00 00 02 00 05 00 4D 61 69 6C 00 01 01 31 35 35 35 30 31 30 30 30 30 32 00 43 00 00 00 00 "
       "01 00"
       "F5 00 4D" +
           to_hex(wap_push().short_message),
       wap_push()},
      {"deliver_sm with a receipt",
       "00 00 00 9E 00 00 00 05 00 00 00 00 00 00 00 07 00 01 01 31 35 35 35 30 31 30 30 30 30 32 00 05 00 4D 61 69 6C 00 04 00 00 00 00 "
       "00 00"
       "00 00 60" +
           to_hex(bytes_of(receipt_text)) + "00 1E 00 05 31 61 32 62 00 04 27 00 01 02",
       receipt()},
      {"data_sm with a phone's words",
       "00 00 00 2F 00 00 01 03 00 00 00 00 00 00 00 08 00 01 01 31 35 35 35 30 31 30 30 30 30 32 00 00 01 35 30 30 30 00 00 00 00"
       "04 24 00 02 31 37",
       data_sm()},
      {"data_sm_resp", "00 00 00 11 80 00 01 03 00 00 00 00 00 00 00 08 00", respond(data_sm())},
      {"enquire_link", "00 00 00 10 00 00 00 15 00 00 00 00 00 00 00 03", simple(Command::enquire_link, 3)},
      {"enquire_link_resp", "00 00 00 10 80 00 00 15 00 00 00 00 00 00 00 03", simple(Command::enquire_link_resp, 3)},
      {"deliver_sm_resp", "00 00 00 11 80 00 00 05 00 00 00 00 00 00 00 07 00", simple(Command::deliver_sm_resp, 7)},
      {"unbind", "00 00 00 10 00 00 00 06 00 00 00 00 00 00 00 09", simple(Command::unbind, 9)},
      {"unbind_resp", "00 00 00 10 80 00 00 06 00 00 00 00 00 00 00 09", simple(Command::unbind_resp, 9)},
      {"generic_nack", "00 00 00 10 80 00 00 00 00 00 00 03 00 00 00 00", simple(Command::generic_nack, 0, 3)},
  };
  Pdu bound = simple(Command::bind_transceiver_resp, 1);
  bound.system_id = "SMSC";
  bound.tlvs = {{tag::sc_interface_version, {0x34}}};
  all.push_back({"bind_transceiver_resp", "00 00 00 1A 80 00 00 09 00 00 00 00 00 00 00 01 53 4D 53 43 00 02 10 00 01 34", bound});
  Pdu submitted = simple(Command::submit_sm_resp, 2);
  submitted.message_id = "1a2b";
  all.push_back({"submit_sm_resp", "00 00 00 15 80 00 00 04 00 00 00 00 00 00 00 02 31 61 32 62 00", submitted});
  return all;
}

Result<Pdu> read(ByteView bytes) {
  const auto frame = parse_frame(bytes);
  if (!frame.is_done()) return fail(smpp_bad_length);
  return decode(frame.value());
}

TEST(Smpp, VectorsDecodeAndEncodeToTheSameOctets) {
  for (const Vector& vector : vectors()) {
    SCOPED_TRACE(vector.name);
    const Bytes octets = hex(vector.octets);
    ASSERT_FALSE(octets.empty());
    const auto frame = parse_frame(octets);
    ASSERT_TRUE(frame.is_done());
    EXPECT_EQ(frame.used(), octets.size());
    const auto pdu = decode(frame.value());
    ASSERT_TRUE(pdu.has_value()) << pdu.error().info->name;
    EXPECT_EQ(*pdu, vector.pdu);
    EXPECT_EQ(encode(vector.pdu).value(), octets);
  }
}

TEST(Smpp, EveryTruncationAsksForMore) {
  for (const Vector& vector : vectors()) {
    const Bytes octets = hex(vector.octets);
    for (std::size_t size = 0; size < octets.size(); ++size) {
      EXPECT_TRUE(parse_frame(ByteView(octets).first(size)).needs_more()) << vector.name << " " << size;
    }
  }
}

TEST(Smpp, EveryShortenedBodyIsAnErrorOrAShorterPdu) {
  for (const Vector& vector : vectors()) {
    if (is_response(vector.pdu.command)) continue;
    const Bytes octets = hex(vector.octets);
    for (std::size_t size = 16; size < octets.size(); ++size) {
      Bytes cut(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
      store(cut.data(), static_cast<std::uint32_t>(size), std::endian::big);
      const auto pdu = read(cut);
      // Only the seam between two optional parameters is a place where a shorter PDU is a whole one.
      if (pdu) {
        EXPECT_LT(pdu->tlvs.size(), vector.pdu.tlvs.size()) << vector.name << " " << size;
      }
    }
  }
}

TEST(Smpp, TwoPdusInOneReadAreCutApart) {
  Bytes both = encode(simple(Command::enquire_link, 1)).value();
  append(both, ByteView(encode(wap_push()).value()));
  const auto first = parse_frame(both);
  ASSERT_TRUE(first.is_done());
  EXPECT_EQ(first.used(), 16U);
  const auto second = parse_frame(ByteView(both).subspan(first.used()));
  ASSERT_TRUE(second.is_done());
  EXPECT_EQ(decode(second.value()).value(), wap_push());
}

TEST(Smpp, LengthBelowHeaderOrAboveLimitIsBad) {
  EXPECT_TRUE(parse_frame(hex("00 00 00 0F")).is_bad());
  EXPECT_TRUE(parse_frame(hex("00 01 11 71")).is_bad());  // 70001
  EXPECT_TRUE(parse_frame(hex("00 01 11 70")).needs_more());
  EXPECT_TRUE(parse_frame(hex("FF FF FF FF")).is_bad());
}

TEST(Smpp, RoundTripsOfRandomPdus) {
  std::mt19937 dice(34);
  const auto text = [&](std::size_t most) {
    std::string out(dice() % (most + 1), ' ');
    for (char& c : out) c = static_cast<char>(1 + dice() % 255);
    return out;
  };
  const auto octet = [&] { return static_cast<std::uint8_t>(dice()); };
  for (int round = 0; round < 2000; ++round) {
    Pdu pdu;
    pdu.command = round % 2 == 0 ? Command::submit_sm : Command::deliver_sm;
    pdu.status = static_cast<std::uint32_t>(dice());
    pdu.sequence = static_cast<std::uint32_t>(dice());
    pdu.service_type = text(5);
    pdu.source_addr_ton = octet();
    pdu.source_addr = text(20);
    pdu.dest_addr_npi = octet();
    pdu.destination_addr = text(20);
    pdu.esm_class = octet();
    pdu.priority_flag = octet();
    pdu.schedule_delivery_time = text(16);
    pdu.validity_period = text(16);
    pdu.data_coding = octet();
    pdu.short_message.resize(dice() % 255);
    for (auto& byte : pdu.short_message) byte = octet();
    for (auto left = dice() % 4; left > 0; --left) pdu.tlvs.push_back({static_cast<std::uint16_t>(dice()), Bytes(dice() % 300, octet())});
    const auto octets = encode(pdu);
    ASSERT_TRUE(octets.has_value());
    EXPECT_EQ(read(*octets).value(), pdu);
  }
}

TEST(Smpp, ValuesThatDoNotFitAreNotEncoded) {
  Pdu pdu = wap_push();
  pdu.destination_addr = std::string(21, '1');
  EXPECT_TRUE(encode(pdu).error().is(smpp_not_encodable));
  pdu.destination_addr = std::string("1\0002", 3);
  EXPECT_TRUE(encode(pdu).error().is(smpp_not_encodable));
  pdu = wap_push();
  pdu.short_message.assign(255, 0);
  EXPECT_TRUE(encode(pdu).error().is(smpp_not_encodable));
}

TEST(Smpp, OverlongStringIsRefused) {
  // system_id of 16 characters: one more than its field holds.
  const auto pdu =
      read(hex("00 00 00 25 00 00 00 09 00 00 00 00 00 00 00 01 70 75 73 68 6D 61 69 6C 70 75 73 68 6D 61 69 6C 00 34 00 00 00"));
  ASSERT_FALSE(pdu.has_value());
  EXPECT_TRUE(pdu.error().is(smpp_long_string));
}

TEST(Smpp, AnIdMayEndWithItsPdu) {
  const auto pdu = read(hex("00 00 00 14 80 00 00 04 00 00 00 00 00 00 00 02 31 30 30 31"));
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->message_id, "1001");
}

TEST(Smpp, RefusingResponseMayLackItsBody) {
  const auto pdu = read(hex("00 00 00 10 80 00 00 04 00 00 00 58 00 00 00 02"));
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->status, status::throttled);
  EXPECT_EQ(class_of(pdu->status), StatusClass::temporary);
}

TEST(Smpp, BrokenPdusAreAnsweredAsTheStandardSays) {
  const Bytes unknown = hex("00 00 00 10 00 00 00 77 00 00 00 00 00 00 00 2A");
  const auto frame = parse_frame(unknown).value();
  const auto error = decode(frame);
  ASSERT_FALSE(error.has_value());
  const Pdu nack = nack_for(frame, error.error());
  EXPECT_EQ(nack.command, Command::generic_nack);
  EXPECT_EQ(nack.status, status::bad_command_id);
  EXPECT_EQ(nack.sequence, 42U);

  Pdu bare = receipt();
  bare.short_message.clear();
  Bytes cut = encode(bare).value();
  cut.pop_back();
  store(cut.data(), static_cast<std::uint32_t>(cut.size()), std::endian::big);
  const auto cut_frame = parse_frame(cut).value();
  const Pdu answer = nack_for(cut_frame, decode(cut_frame).error());
  EXPECT_EQ(answer.command, Command::deliver_sm_resp);
  EXPECT_EQ(answer.status, status::tlv_error);
  EXPECT_EQ(answer.sequence, 7U);
}

// Octets behind the mandatory fields that are no optional parameter cost no message that is whole without them.
TEST(Smpp, WhatCannotBeReadBehindATextIsPassedOver) {
  struct Row {
    std::string_view behind;
    bool taken_without_text;
  };
  for (const Row& row : {Row{"00", true}, Row{"00 00 00", true}, Row{"00 00 00 00 00", true}, Row{"04 27 00 09 02", false},
                         Row{"04", false}, Row{"04 24 FF FF 41", false}}) {
    for (const bool has_text : {true, false}) {
      Pdu sent = receipt();
      if (!has_text) sent.short_message.clear();
      Bytes octets = encode(sent).value();
      append(octets, hex(row.behind));
      store(octets.data(), static_cast<std::uint32_t>(octets.size()), std::endian::big);
      const auto read = decode(parse_frame(octets).value());
      EXPECT_EQ(read.has_value(), has_text || row.taken_without_text) << row.behind;
      if (!read) continue;
      EXPECT_EQ(read->tlv_text(tag::receipted_message_id), receipt().tlv_text(tag::receipted_message_id)) << row.behind;
    }
  }
}

// The status of a response counts, whatever is wrong with the text behind it.
TEST(Smpp, ResponsesAreReadWhateverTheirTextIs) {
  const auto response = [](Command command, std::string_view body) {
    Pdu pdu;
    pdu.command = command;
    pdu.sequence = 7;
    Bytes octets = encode(pdu).value();
    octets.resize(16);
    append(octets, body);
    store(octets.data(), static_cast<std::uint32_t>(octets.size()), std::endian::big);
    return decode(parse_frame(octets).value());
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(response(Command::bind_transceiver_resp, "SMSC-LONGNAME-16")->system_id, "SMSC-LONGNAME-1");
  EXPECT_EQ(response(Command::bind_transceiver_resp, "SMSC")->system_id, "SMSC");
  const auto with_version = response(Command::bind_transceiver_resp, "SMSC-Gateway-No7-and-more\0\x02\x10\0\x01\x34"sv);
  ASSERT_TRUE(with_version.has_value());
  EXPECT_EQ(with_version->tlv_number(0x0210), 0x34U);
  const std::string long_id(80, 'a');
  EXPECT_EQ(response(Command::submit_sm_resp, long_id + '\0')->message_id, long_id);
  EXPECT_EQ(response(Command::submit_sm_resp, std::string(1000, 'a'))->message_id.size(), 254U);
}

TEST(Smpp, ResponsesBelongToTheirRequests) {
  EXPECT_EQ(response_of(Command::submit_sm), Command::submit_sm_resp);
  EXPECT_EQ(response_of(Command::bind_transceiver), Command::bind_transceiver_resp);
  EXPECT_EQ(response_of(static_cast<Command>(0x102)), Command::generic_nack);
  const Pdu answer = respond(receipt());
  EXPECT_EQ(encode(answer).value(), hex("00 00 00 11 80 00 00 05 00 00 00 00 00 00 00 07 00"));
}

TEST(Smpp, StatusClasses) {
  EXPECT_EQ(class_of(0x00), StatusClass::ok);
  EXPECT_EQ(class_of(0x14), StatusClass::temporary);
  EXPECT_EQ(class_of(0x0E), StatusClass::session);
  EXPECT_EQ(class_of(0x0B), StatusClass::permanent);
  EXPECT_EQ(class_of(0x401), StatusClass::permanent);
  EXPECT_EQ(status_text(0x401), "vendor-specific error");
}

TEST(Smpp, DumpShowsFieldsButNoSecrets) {
  const std::string line = dump(bind());
  EXPECT_TRUE(line.starts_with("bind_transceiver seq=1 status=0x0 system_id=pushmail")) << line;
  EXPECT_FALSE(line.contains("secret"));
  EXPECT_FALSE(dump(receipt()).contains("6699"));
}

TEST(Smpp, LongTextInThePayload) {
  Pdu pdu = receipt();
  pdu.short_message.clear();
  pdu.tlvs.push_back({tag::message_payload, Bytes(1000, 'x')});
  EXPECT_EQ(read(encode(pdu).value())->user_data().size(), 1000U);
}

}  // namespace
}  // namespace pushmail::smpp

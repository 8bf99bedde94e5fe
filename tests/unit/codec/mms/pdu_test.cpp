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
  std::string_view fields;  // as dump() prints them, without the message type and with a bar between lines
};
constexpr std::array vectors{
    Vector{"notification-ind", notification,
           "X-Mms-Transaction-Id: n0001 | X-Mms-MMS-Version: 1.2 | From: joe@example.com | Subject: Hi | "
           "X-Mms-Message-Class: Personal | X-Mms-Message-Size: 30000 | X-Mms-Expiry: +259200 s | "
           "X-Mms-Content-Location: http://mmsc/m?n0001"},
    Vector{"send-req", send_req,
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | From: (insert address) | "
           "To: +15550100002/TYPE=PLMN, bob@example.com | Subject: Hi | X-Mms-Message-Class: Personal | "
           "X-Mms-Priority: Normal (0x81) | X-Mms-Delivery-Report: yes | X-Mms-Read-Report: no | Content-Type: 2 parts | "
           "part 1 (presentation): application/smil s.smil <s> 65 bytes | part 2: text/plain a.txt <t> 3 bytes"},
    Vector{"retrieve-conf", retrieve_conf,
           "X-Mms-Transaction-Id: T9 | X-Mms-MMS-Version: 1.2 | Message-ID: m1@mmsc | Date: 1719748800 | From: joe@example.com | "
           "To: +15550100002/TYPE=PLMN | Subject: Été | Content-Type: 1 parts | part 1: text/plain  <> 5 bytes"},
    Vector{"send-conf ok", "8C 81 98 54 31 00 8D 92 92 80 8B 6D 31 40 6D 6D 73 63 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Response-Status: Ok (0x80) | Message-ID: m1@mmsc"},
    Vector{"send-conf refused", "8C 81 98 54 31 00 8D 92 92 E2 93 62 61 64 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | "
           "X-Mms-Response-Status: Error-permanent-message-format-corrupt (0xe2) | X-Mms-Response-Text: bad"},
    Vector{"notifyresp-ind", "8C 83 98 6E 30 30 30 31 00 8D 92 95 81 91 80",
           "X-Mms-Transaction-Id: n0001 | X-Mms-MMS-Version: 1.2 | X-Mms-Status: Retrieved (0x81) | X-Mms-Report-Allowed: yes"},
    Vector{"acknowledge-ind", "8C 85 98 54 39 00 8D 92 91 80",
           "X-Mms-Transaction-Id: T9 | X-Mms-MMS-Version: 1.2 | X-Mms-Report-Allowed: yes"},
    Vector{"delivery-ind",
           "8C 86 8D 92 8B 6D 31 40 6D 6D 73 63 00 97 2B 31 35 35 35 30 31 30 30 30 30 32 2F 54 59 50 45 3D 50 4C 4D 4E 00 85 04 66 81 48 "
           "C0 95 81",
           "X-Mms-MMS-Version: 1.2 | Message-ID: m1@mmsc | To: +15550100002/TYPE=PLMN | Date: 1719748800 | "
           "X-Mms-Status: Retrieved (0x81)"},
    Vector{"read-rec-ind",
           "8C 87 8D 92 8B 6D 31 40 6D 6D 73 63 00 97 6A 6F 65 40 65 78 61 6D 70 6C 65 2E 63 6F 6D 00 89 01 81 85 04 66 81 48 C0 9B 80",
           "X-Mms-MMS-Version: 1.2 | Message-ID: m1@mmsc | To: joe@example.com | From: (insert address) | Date: 1719748800 | "
           "X-Mms-Read-Status: Read (0x80)"},
    Vector{"read-orig-ind",
           "8C 88 8D 92 8B 6D 31 40 6D 6D 73 63 00 97 6A 6F 65 40 65 78 61 6D 70 6C 65 2E 63 6F 6D 00 89 18 80 2B 31 35 35 35 30 31 30 30 "
           "30 30 32"
           "2F 54 59 50 45 3D 50 4C 4D 4E 00 85 04 66 81 48 C0 9B 80",
           "X-Mms-MMS-Version: 1.2 | Message-ID: m1@mmsc | To: joe@example.com | From: +15550100002/TYPE=PLMN | Date: 1719748800 | "
           "X-Mms-Read-Status: Read (0x80)"},
    Vector{"forward-req", "8C 89 98 54 31 00 8D 92 89 01 81 97 62 40 65 00 91 80 A2 81 83 68 2F 31 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | From: (insert address) | To: b@e | X-Mms-Report-Allowed: yes | "
           "X-Mms-Store: no | X-Mms-Content-Location: h/1"},
    Vector{"forward-conf", "8C 8A 98 54 31 00 8D 92 92 80 8B 6D 31 00 A5 80 A6 6F 6B 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Response-Status: Ok (0x80) | Message-ID: m1 | "
           "X-Mms-Store-Status: Success (0x80) | X-Mms-Store-Status-Text: ok"},
    Vector{"notification-ind reply charging",
           "8C 82 98 6E 00 8D 93 8A 80 8E 01 64 88 03 81 01 3C 9C 80 9D 03 81 01 3C 9E 72 00 9F 01 64 B4 80 B5 6D 00 A7 81 BA 81 BB 81 BD "
           "72 00 83 68 00",
           "X-Mms-Transaction-Id: n | X-Mms-MMS-Version: 1.3 | X-Mms-Message-Class: Personal | X-Mms-Message-Size: 100 | "
           "X-Mms-Expiry: +60 s | X-Mms-Reply-Charging: Requested (0x80) | X-Mms-Reply-Charging-Deadline: +60 s | "
           "X-Mms-Reply-Charging-ID: r | X-Mms-Reply-Charging-Size: 100 | X-Mms-Recommended-Retrieval-Mode: Manual (0x80) | "
           "X-Mms-Recommended-Retrieval-Mode-Text: m | X-Mms-Stored: no | X-Mms-Content-Class: image-basic (0x81) | "
           "X-Mms-DRM-Content: no | X-Mms-Replace-ID: r | X-Mms-Content-Location: h"},
    Vector{"cancel-req", "8C 96 98 54 31 00 8D 93 BE 63 31 00", "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.3 | X-Mms-Cancel-ID: c1"},
    Vector{"cancel-conf", "8C 97 98 54 31 00 8D 93 BF 80",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.3 | X-Mms-Cancel-Status: Cancel-Request-successfully-received (0x80)"},
    Vector{"notification-ind with an element", "8C 82 98 6E 00 8D 92 8A 81 8E 01 64 88 03 81 01 3C B1 80 B2 06 3C 73 3E 00 89 9E 83 68 00",
           "X-Mms-Transaction-Id: n | X-Mms-MMS-Version: 1.2 | X-Mms-Message-Class: Advertisement | X-Mms-Message-Size: 100 | "
           "X-Mms-Expiry: +60 s | X-Mms-Distribution-Indicator: yes | X-Mms-Element-Descriptor: <s>; type=image/jpeg | "
           "X-Mms-Content-Location: h"},
    Vector{"mbox-store-req", "8C 8B 98 54 31 00 8D 92 83 68 31 00 A3 82 A4 03 80 61 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Content-Location: h1 | X-Mms-MM-State: New (0x82) | "
           "X-Mms-MM-Flags: add a"},
    Vector{"mbox-store-conf", "8C 8C 98 54 31 00 8D 92 83 68 31 00 A5 E4 A6 66 75 6C 6C 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Content-Location: h1 | "
           "X-Mms-Store-Status: Error-permanent-mmbox-full (0xe4) | X-Mms-Store-Status-Text: full"},
    Vector{"mbox-view-req",
           "8C 8D 98 54 31 00 8D 92 83 68 31 00 83 68 32 00 A3 80 A3 81 A4 05 82 6B 65 79 00 AF 80 B3 8A A8 AE A8 96 A9 80 AB 81",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Content-Location: h1, h2 | "
           "X-Mms-MM-State: Draft (0x80), Sent (0x81) | X-Mms-MM-Flags: filter key | X-Mms-Start: 0 | X-Mms-Limit: 10 | "
           "X-Mms-Attributes: Content (0xae), Subject (0x96) | X-Mms-Totals: yes | X-Mms-Quotas: no"},
    Vector{"mbox-view-conf",
           "8C 8E 98 54 31 00 8D 92 92 80 83 68 31 00 AF 80 B3 8A AA 02 80 85 AA 04 81 02 03 E8 AC 02 80 E4 AD 85 84 A3 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Response-Status: Ok (0x80) | X-Mms-Content-Location: h1 | "
           "X-Mms-Start: 0 | X-Mms-Limit: 10 | X-Mms-Mbox-Totals: 5 messages, 1000 bytes | X-Mms-Mbox-Quotas: 100 messages | "
           "X-Mms-Message-Count: 5 | Content-Type: 0 parts"},
    Vector{"mbox-upload-req", "8C 8F 98 54 31 00 8D 92 A3 80 84 A3 01 01 02 BE 8C 93",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-MM-State: Draft (0x80) | Content-Type: 1 parts | "
           "part 1: application/vnd.wap.mms-message  <> 2 bytes"},
    Vector{"mbox-upload-conf", "8C 90 98 54 31 00 8D 92 83 68 31 00 A5 80",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Content-Location: h1 | X-Mms-Store-Status: Success (0x80)"},
    Vector{"mbox-delete-req", "8C 91 98 54 31 00 8D 92 83 68 31 00 83 68 32 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Content-Location: h1, h2"},
    Vector{"mbox-delete-conf", "8C 92 98 54 31 00 8D 92 83 04 81 68 31 00 92 80 92 E4 93 04 82 6E 6F 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.2 | X-Mms-Content-Location: 1: h1 | "
           "X-Mms-Response-Status: Ok (0x80), Error-permanent-message-not-found (0xe4) | X-Mms-Response-Text: 2: no"},
    Vector{"mbox-descr",
           "8C 93 8D 92 83 68 31 00 8B 6D 31 00 A3 83 85 04 66 81 48 C0 89 03 80 62 00 97 63 00 96 48 69 00 8E 01 64 A0 03 81 64 00 A1 06 "
           "81 04 66 81 48 C0",
           "X-Mms-MMS-Version: 1.2 | X-Mms-Content-Location: h1 | Message-ID: m1 | X-Mms-MM-State: Retrieved (0x83) | "
           "Date: 1719748800 | From: b | To: c | Subject: Hi | X-Mms-Message-Size: 100 | X-Mms-Previously-Sent-By: 1: d | "
           "X-Mms-Previously-Sent-Date: 1: @1719748800 s"},
    Vector{"delete-req", "8C 94 98 54 31 00 8D 93 83 68 31 00",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.3 | X-Mms-Content-Location: h1"},
    Vector{"delete-conf", "8C 95 98 54 31 00 8D 93 83 04 80 68 31 00 92 80",
           "X-Mms-Transaction-Id: T1 | X-Mms-MMS-Version: 1.3 | X-Mms-Content-Location: 0: h1 | X-Mms-Response-Status: Ok (0x80)"},
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
    std::string fields = dump(*pdu);
    for (std::size_t at = fields.find('\n'); at != std::string::npos; at = fields.find('\n', at)) fields.replace(at, 1, " | ");
    EXPECT_EQ(fields, "X-Mms-Message-Type: " + std::string(name_of(pdu->type)) + " | " + std::string(vector.fields) + " | ");
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
      const auto again = encode(*pdu);
      if (again) {
        EXPECT_LT(again->size(), octets.size()) << vector.name << " " << size;
      } else {
        EXPECT_TRUE(again.error().is(mms_not_encodable));  // read, but too little to be written
      }
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
  EXPECT_TRUE(decode(hex("8C 81 98 54 31 00 8D 92")).error().is(mms_missing_field));                    // send-conf without status
  EXPECT_TRUE(decode(hex("8C 83 8D 92 95 81")).error().is(mms_missing_field));                          // no transaction id
  EXPECT_TRUE(decode(hex("8C 85 98 54 39 00")).error().is(mms_missing_field));                          // no version
  EXPECT_TRUE(decode(hex("8C 80 98 54 31 00 8D 92 89 01 81 84 A3 00")).error().is(mms_missing_field));  // nobody to send to
  EXPECT_TRUE(decode(hex("8C 98 98 54 31 00 8D 92")).error().is(mms_unknown_type));
  EXPECT_TRUE(decode(hex("98 54 31 00 8C 80")).error().is(mms_unknown_type));
  EXPECT_TRUE(decode({}).error().is(mms_unknown_type));
  Pdu pdu;
  pdu.type = MessageType::send_conf;
  pdu.transaction_id = "T1";
  EXPECT_TRUE(encode(pdu).error().is(mms_not_encodable));
}

/// Error row by error row, at the place of the value that breaks it.
TEST(Mms, BrokenHeaders) {
  struct Row {
    std::string_view octets;
    const ErrorInfo* rule;
  };
  constexpr std::array rows{
      Row{"8C 85 98 54 39 00 8D 92 91 41", &mms_bad_field},                  // yes or no
      Row{"8C 83 98 54 39 00 8D 92 95 41", &mms_bad_field},                  // a status
      Row{"8C 85 8C 41 98 54 39 00 8D 92", &mms_bad_field},                  // a second type
      Row{"8C 85 98 54 39 00 8D 92 05 41 00", &mms_bad_field},               // no header begins with a control
      Row{"8C 82 98 54 39 00 8D 92 88 03 82 01 3C", &mms_bad_field},         // neither absolute nor relative
      Row{"8C 91 98 54 39 00 8D 92", &mms_missing_field},                    // nothing to delete
      Row{"8C 92 98 54 39 00 8D 92 83 04 81 68 31 00", &mms_missing_field},  // no status
  };
  for (const Row& row : rows) {
    const auto pdu = decode(hex(row.octets));
    ASSERT_FALSE(pdu.has_value()) << row.octets;
    EXPECT_TRUE(pdu.error().is(*row.rule)) << row.octets << " " << pdu.error().info->name;
  }
}

// What a PDU can do without costs itself alone: the text behind it is read.
TEST(Mms, AMalformedOptionalHeaderCostsThatHeaderOnly) {
  constexpr std::array<std::string_view, 9> broken{
      "86 00",           // delivery report: a length of nothing
      "86 41 00",        // a text
      "90 02 41 42",     // read report: two octets
      "8F 41 42 00",     // priority: a word
      "88 03 82 01 3C",  // expiry: neither absolute nor relative
      "88 01 80",        // without its number
      "85 41 00",        // date: a text
      "A4 03 83 61 00",  // a flag that is neither added, removed nor asked for
      "8E 41 00",        // size: a text
  };
  for (const std::string_view header : broken) {
    const Bytes octets = hex("8C 84 98 54 39 00 8D 92 " + std::string(header) + " 96 48 69 00 84 A3 01 04 05 03 83 81 EA 48 65 6C 6C 6F");
    const auto pdu = decode(octets);
    ASSERT_TRUE(pdu.has_value()) << header << " " << pdu.error().info->name;
    EXPECT_EQ(pdu->subject, "Hi") << header;
    ASSERT_EQ(pdu->content.parts.size(), 1U) << header;
    EXPECT_EQ(text_of(pdu->content.parts[0].data), "Hello") << header;
  }
}

// A type as a header of mail writes it, with its parameters in one text.
TEST(Mms, ContentTypeAsOneText) {
  for (const std::string_view written :
       {"text/plain; charset=utf-8", "Text/Plain;charset=\"UTF-8\"", "text/plain ; name=a.txt; charset=utf-8"}) {
    for (const bool is_counted : {false, true}) {
      Bytes octets = hex("8C 84 98 54 39 00 8D 92 84");
      // Value-length: above 30 behind its own mark (WSP §8.4.2.2).
      if (is_counted && written.size() + 1 > 30) octets.push_back(0x1F);
      if (is_counted) octets.push_back(static_cast<std::uint8_t>(written.size() + 1));
      append(octets, written);
      octets.push_back(0);
      append(octets, std::string_view("Gr\xC3\xBC\xC3\x9F"));
      const auto pdu = decode(octets);
      ASSERT_TRUE(pdu.has_value()) << written;
      ASSERT_EQ(pdu->content.parts.size(), 1U);
      EXPECT_EQ(pdu->content.parts[0].media_type, "text/plain") << written;
      EXPECT_EQ(pdu->content.parts[0].charset, "utf-8") << written;
    }
  }
}

TEST(Mms, AByteOrderMarkIsNoPartOfASubject) {
  EXPECT_EQ(decode(hex("8C 84 98 54 39 00 8D 92 96 07 EA EF BB BF 48 69 00 84 A3 00"))->subject, "Hi");
  EXPECT_EQ(decode(hex("8C 84 98 54 39 00 8D 92 96 EF BB BF 48 69 00 84 A3 00"))->subject, "Hi");
}

TEST(Mms, HeadersAreBounded) {
  Bytes octets = hex("8C 85 98 54 39 00 8D 92");
  for (int i = 0; i < 998; ++i) append(octets, ByteView(hex("A8 96")));
  EXPECT_TRUE(decode(octets).has_value());
  append(octets, ByteView(hex("A8 96")));
  EXPECT_TRUE(decode(octets).error().is(mms_too_many_headers));
}

TEST(Mms, WhatDependsOnOtherValuesIsAskedOfUsOnly) {
  // A confirmation of success without Message-ID is read, not written.
  auto conf = decode(hex("8C 81 98 54 31 00 8D 92 92 80")).value();
  EXPECT_TRUE(encode(conf).error().is(mms_not_encodable));
  conf.message_id = "m1";
  EXPECT_TRUE(encode(conf).has_value());
  auto retrieved = decode(hex("8C 84 8D 92 84 A3 00")).value();
  EXPECT_TRUE(encode(retrieved).error().is(mms_not_encodable));
  retrieved.message_id = "m1";
  EXPECT_TRUE(encode(retrieved).error().is(mms_not_encodable));
  retrieved.date = 1;
  EXPECT_TRUE(encode(retrieved).has_value());
}

TEST(Mms, NothingNewerThanTheVersionGoesOut) {
  auto pdu = decode(hex("8C 97 98 54 31 00 8D 93 BF 80")).value();
  pdu.version = version_1_2;
  EXPECT_TRUE(encode(pdu).error().is(mms_newer_pdu));
  // Content-Class came with 1.3, Reply-Charging with 1.1.
  pdu = decode(hex("8C 82 98 6E 00 8D 93 8A 80 8E 01 64 88 03 81 01 3C 9C 80 BA 81 83 68 00")).value();
  pdu.version = version_1_2;
  EXPECT_EQ(to_hex(encode(pdu).value()), to_hex(hex("8C 82 98 6E 00 8D 92 8A 80 8E 01 64 88 03 81 01 3C 9C 80 83 68 00")));
  pdu.version = version_1_0;
  EXPECT_EQ(to_hex(encode(pdu).value()), to_hex(hex("8C 82 98 6E 00 8D 90 8A 80 8E 01 64 88 03 81 01 3C 83 68 00")));
}

TEST(Mms, StatusesFor10) {
  for (const auto& [status, in_1_0] :
       {std::pair{0x80, 0x80}, std::pair{0x88, 0x88}, std::pair{0xC0, 0x81}, std::pair{0xC1, 0x84}, std::pair{0xC2, 0x85},
        std::pair{0xC3, 0x86}, std::pair{0xE0, 0x81}, std::pair{0xE1, 0x82}, std::pair{0xE2, 0x83}, std::pair{0xE3, 0x84},
        std::pair{0xE4, 0x85}, std::pair{0xE5, 0x87}, std::pair{0xE6, 0x81}, std::pair{0xEB, 0x81}, std::pair{0xC9, 0x81}}) {
    EXPECT_EQ(response_status_for(static_cast<std::uint8_t>(status), version_1_0), in_1_0) << status;
    EXPECT_EQ(response_status_for(static_cast<std::uint8_t>(status), version_1_1), status) << status;
  }
  const auto conf = decode(hex("8C 81 98 54 31 00 8D 90 92 E1")).value();
  EXPECT_EQ(to_hex(encode(conf).value()), to_hex(hex("8C 81 98 54 31 00 8D 90 92 82")));
}

TEST(MmsTolerance, DeletionAnsweredWithoutNumbers) {
  const auto pdu = decode(hex("8C 95 98 54 31 00 8D 93 83 68 31 00 92 80 93 6F 6B 00"));
  ASSERT_TRUE(pdu.has_value()) << pdu.error().info->name << pdu.error().at;
  EXPECT_EQ(pdu->deleted_locations, (std::vector<CountedText>{{.number = 0, .text = "h1"}}));
  EXPECT_EQ(pdu->deleted_texts, (std::vector<CountedText>{{.number = 0, .text = "ok"}}));
}

TEST(MmsTolerance, NamesOfAttributesAsHeadersArePassedOver) {
  const auto pdu = decode(hex("8C 85 98 54 39 00 AE 03 01 02 03 B0 80 8D 92"));
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->version, version_1_2);
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
  EXPECT_EQ(subject("C3 89 74 C3 A9 00"), "Été");                                       // raw UTF-8 without charset
  EXPECT_EQ(subject("7F C3 89 74 C3 A9 00"), "Été");                                    // quoted
  EXPECT_EQ(subject("05 84 C9 74 E9 00"), "Été");                                       // ISO 8859-1
  EXPECT_EQ(subject("09 02 03 F5 00 C9 00 74 00 00"), "Ét");                            // UTF-16BE
  EXPECT_EQ(subject("3D 3F 75 74 66 2D 38 3F 51 3F 3D 43 33 3D 38 39 3F 3D 00"), "É");  // an encoded word as text
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
  const auto pdu =
      decode(hex("8C 84 8D 92 84 18 B3 99 3C 73 3E 00 89 61 70 70 6C 69 63 61 74 69 6F 6E 2F 73 6D 69 6C 00 02 01 01 83 41"
                 "17 01 61 70 70 6C 69 63 61 74 69 6F 6E 2F 73 6D 69 6C 00 C0 22 3C 73 3E 00 58"));
  ASSERT_TRUE(pdu.has_value()) << pdu.error().info->name << pdu.error().at;
  EXPECT_EQ(pdu->content.presentation, 1U);
}

TEST(MmsTolerance, TransferCodedPart) {
  const auto pdu = decode(
      hex("8C 84 8D 92 84 A3 01 22 08 83 43 6F 6E 74 65 6E 74 2D 54 72 61 6E 73 66 65 72 2D 45 6E 63 6F 64 69 6E 67 00 62 61 73 65 36 34 00"
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
    if (pdu.type == MessageType::retrieve_conf) pdu.message_id = "m" + std::to_string(dice()) + "@mmsc";
    pdu.message_class = dice() % 2 == 0 ? "Auto" : "x-class";
    pdu.priority = static_cast<std::uint8_t>(0x80 + dice() % 3);
    pdu.delivery_report = dice() % 2 == 0;
    pdu.has_content = true;
    const auto count = dice() % 5;
    for (std::size_t i = 0; i < count; ++i) {
      storage.emplace_back(dice() % 300);
      for (auto& byte : storage.back()) byte = static_cast<std::uint8_t>(dice());
      const auto numbered = [&](std::string_view word_before) {
        return pdu.content.arena.copy(std::string(word_before) + std::to_string(i));
      };
      pdu.content.parts.push_back({.media_type = i == 0 ? "application/smil" : "image/jpeg",
                                   .charset = i == 0 ? "utf-8" : "",
                                   .name = numbered("n"),
                                   .content_id = numbered("id"),
                                   .content_location = numbered("l"),
                                   .data = storage.back()});
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

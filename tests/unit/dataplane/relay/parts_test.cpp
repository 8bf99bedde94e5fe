// The relay's small parts on their own: back-off, digests, repeats.
#include <gtest/gtest.h>

#include "core/limits.h"
#include "dataplane/relay/backoff.h"
#include "dataplane/relay/conversion.h"
#include "dataplane/relay/idempotence.h"

namespace pushmail::relay {
namespace {

TEST(Backoff, doubles_up_to_the_longest_and_draws_the_last_quarter) {
  constexpr RetryPolicy policy{.first = seconds(4), .most = seconds(30)};
  EXPECT_EQ(retry_delay(policy, 1, 0), seconds(3));
  EXPECT_EQ(retry_delay(policy, 2, 0), seconds(6));
  EXPECT_EQ(retry_delay(policy, 3, 0), seconds(12));
  EXPECT_EQ(retry_delay(policy, 4, 0).ms(), 22'500);
  EXPECT_EQ(retry_delay(policy, 4'000'000'000u, 0).ms(), 22'500);
  for (std::uint64_t random = 0; random < 1000; ++random) {
    const Duration wait = retry_delay(policy, 2, random * 7'777'777'777ULL);
    EXPECT_GE(wait, seconds(6));
    EXPECT_LE(wait, seconds(8));
  }
}

TEST(Digest, pieces_do_not_run_into_each_other) {
  EXPECT_NE(Digest().add("ab").add("c").key(), Digest().add("a").add("bc").key());
  EXPECT_NE(Digest().add("").add("a").key(), Digest().add("a").add("").key());
  EXPECT_EQ(Digest().add("ab").key(), Digest().add("ab").key());
}

TEST(Digest, every_part_of_the_key_counts) {
  Bytes data{'x'};
  const auto made = [&] {
    mm7::DeliverReq request;
    request.transaction_id = "t";
    request.sender.value = "+15550100002";
    request.recipients.push_back({.field = mm7::RecipientField::to, .address = {.kind = mm7::AddressKind::short_code, .value = "5000"}});
    request.content.parts.push_back({.media_type = "text/plain", .charset = {}, .name = {}, .content_id = {}, .content_location = {}, .data = data});
    return request;
  };
  const mm7::DeliverReq request = made();
  const DigestKey key = key_of("mmsc1", request);
  EXPECT_EQ(key_of("mmsc1", request), key);
  EXPECT_NE(key_of("mmsc2", request), key);
  mm7::DeliverReq changed = made();
  changed.transaction_id = " t\n";
  EXPECT_EQ(key_of("mmsc1", changed), key) << "pretty-printed ids are the same id";
  changed.transaction_id = "u";
  EXPECT_NE(key_of("mmsc1", changed), key);
  changed = made();
  changed.sender.value = "+15550100003";
  EXPECT_NE(key_of("mmsc1", changed), key);
  changed = made();
  data[0] = 'y';
  EXPECT_NE(key_of("mmsc1", changed), key);
}

TEST(Repeats, are_bounded_and_forgotten_after_seven_days) {
  Repeats repeats(3);
  const auto key = [](std::uint8_t n) {
    DigestKey made{};
    made[0] = n;
    return made;
  };
  for (std::uint8_t n = 1; n <= 4; ++n) repeats.put(key(n), {.item = {}, .durable = true, .status = {}, .at = Timestamp{0}});
  EXPECT_EQ(repeats.size(), 3u);
  EXPECT_EQ(repeats.find(key(1), Timestamp{0}), nullptr);
  EXPECT_NE(repeats.find(key(4), Timestamp{0}), nullptr);
  EXPECT_EQ(repeats.find(key(4), Timestamp{8LL * 86'400 * 1'000'000}), nullptr);
}

TEST(ClipUtf8, cuts_no_character_in_two) {
  EXPECT_EQ(clip_utf8("abc", 3), "abc");
  EXPECT_EQ(clip_utf8("abcd", 3), "abc");
  EXPECT_EQ(clip_utf8("ab\xc3\xa9", 3), "ab");
  EXPECT_EQ(clip_utf8("\xf0\x9f\x98\x80x", 3), "");
  EXPECT_EQ(clip_utf8("a\xf0\x9f\x98\x80x", 5), "a\xf0\x9f\x98\x80");
  EXPECT_EQ(clip_utf8("\x80\x80\x80\x80\x80\x80\x80\x80", 6).size(), 6u) << "no UTF-8 at all";
}

TEST(Peek, a_first_line_of_five_mebibytes_is_clipped) {
  std::string line;
  while (line.size() < 5 * limits::MiB) line += "\xe2\x82\xac";
  const std::string body =
      "--b\r\nContent-Type: text/xml\r\n\r\n<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header>"
      "<TransactionID env:mustUnderstand=\"1\">t1</TransactionID></env:Header><env:Body><DeliverReq><MM7Version>6.8.0</MM7Version><Sender>"
      "<Number>+15550100002</Number></Sender><Recipients><To><ShortCode>5000</ShortCode></To></Recipients><Subject>" +
      std::string(9000, 's') + "</Subject><Content href=\"cid:c\"/></DeliverReq></env:Body></env:Envelope>\r\n--b\r\n" +
      "Content-Type: text/plain; charset=utf-8\r\nContent-ID: <c>\r\n\r\n" + line + "\r\n--b--\r\n";
  Conversion conversion;
  conversion.content_type = "multipart/related; boundary=b; type=\"text/xml\"";
  conversion.body = Bytes(body.begin(), body.end());
  const Converted converted = convert(std::move(conversion));
  ASSERT_FALSE(converted.error.has_value()) << converted.error->info->text;
  EXPECT_EQ(converted.peeked.first_line, line.substr(0, 1998));
  EXPECT_EQ(converted.peeked.subject.size(), 2000u);
}

TEST(Peek, texts_of_a_mails_head_are_clipped) {
  const std::string mail = "From: " + std::string(9000, 'n') + " <joe@example.com>\r\nSubject: " + std::string(9000, 's') + "\r\nMessage-ID: <" + std::string(9000, 'm') + "@x>\r\n\r\nhello\r\n";
  Conversion conversion;
  conversion.content = Content::mail;
  conversion.body = Bytes(mail.begin(), mail.end());
  const Converted converted = convert(std::move(conversion));
  ASSERT_FALSE(converted.error.has_value());
  EXPECT_EQ(converted.peeked.sender, "mail:joe@example.com");
  EXPECT_EQ(converted.peeked.header_from.size(), 2000u);
  EXPECT_EQ(converted.peeked.subject.size(), 2000u);
  EXPECT_EQ(converted.peeked.message_id.size(), 2000u);
}

TEST(AddressForm, both_ways) {
  for (const std::string_view form : {"number:+15550100002", "short:5000", "mail:joe@example.com"}) EXPECT_EQ(address_form(address_of(form)), form);
}

}  // namespace
}  // namespace pushmail::relay

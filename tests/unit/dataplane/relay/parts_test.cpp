// The relay's small parts on their own: back-off, digests, repeats.
#include <gtest/gtest.h>

#include "core/contract/handoff/peer.h"
#include "core/contract/peer/profile.h"
#include "core/limits.h"
#include "dataplane/relay/backoff.h"
#include "dataplane/relay/conversion.h"
#include "dataplane/relay/idempotence.h"
#include "dataplane/relay/peer_table.h"
#include "dataplane/relay/sender.h"

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

TEST(Peers, knobs_make_the_dialect_and_unknown_ones_are_counted) {
  PeerProfile peer("a");
  peer.set_text("url", "http://192.0.2.1/");
  peer.set_texts("allow", {"192.0.2.0/24"});
  peer.set_number("requests_per_connection", 7);
  peer.set_texts("knob", {"number_form=digits", "parts=8bit", "mm7_version=5.3.0", "soap_action=urn:a=b", "fault_http_status=200",
                          "recipients_max=1", "colour=red", "number_form=minus", "none"});
  RecordWriter peers = handoff::make(handoff::Kind::peers, {});
  peers.bytes(handoff::tag(handoff::Tag::peer_record), peer.record().finish(0));
  const Bytes bytes = peers.finish(0);
  PeerTable table;
  EXPECT_EQ(table.read(parse_record(bytes).value()), 3U);
  const PeerEntry* found = table.find("a");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->dialect.number_form, mm7::NumberForm::digits) << "over the older field";
  EXPECT_EQ(found->dialect.version, "5.3.0");
  EXPECT_FALSE(found->dialect.parts_base64);
  EXPECT_EQ(found->dialect.part_coding_plain, mm7::PartCoding::eight_bit);
  EXPECT_EQ(found->dialect.soap_action, "urn:a=b");
  EXPECT_EQ(found->dialect.fault_http_status, 200);
  EXPECT_EQ(found->dialect.recipients_max, 1U);
  EXPECT_EQ(found->number("requests_per_connection"), 7U);
}

TEST(Peers, that_nothing_authenticates_are_left_out) {
  struct Row {
    std::vector<std::string> allow;
    const char* user;
    const char* password;
    bool open;
    bool kept;
  };
  const Row rows[] = {
      {{}, "", "", false, false},
      {{}, "", "", true, true},
      {{}, "u", "", false, false},
      {{}, "u", "p", false, true},
      {{"192.0.2.1"}, "", "", false, true},
      {{"0.0.0.0/0"}, "", "", false, false},
      {{"192.0.2.1", "::/0"}, "", "", false, false},
      {{"0177.0.0.1"}, "u", "p", false, false},
  };
  for (const Row& row : rows) {
    PeerProfile peer("a");
    peer.set_text("url", "http://192.0.2.1/");
    peer.set_text("inbound_user", row.user);
    peer.set_text("inbound_password", row.password);
    peer.set_texts("allow", row.allow);
    if (row.open) peer.set_text("inbound", "open");
    RecordWriter peers = handoff::make(handoff::Kind::peers, {});
    peers.bytes(handoff::tag(handoff::Tag::peer_record), peer.record().finish(0));
    const Bytes bytes = peers.finish(0);
    PeerTable table;
    EXPECT_EQ(table.read(parse_record(bytes).value()), row.kept ? 0U : 1U);
    EXPECT_EQ(table.find("a") != nullptr, row.kept) << (row.allow.empty() ? "" : row.allow.front()) << row.user;
  }
}

TEST(Sender, is_a_phone_only_in_the_forms_of_the_peer) {
  using mm7::AddressKind;
  struct Row {
    AddressKind kind;
    const char* value;
    const char* form;  // the one in which it is a phone; empty: none
  };
  const Row rows[] = {
      {AddressKind::number, "+15550100002", "number"},
      {AddressKind::number, "15550100002", "number"},
      {AddressKind::number, "+15550100002/TYPE=PLMN", "number"},
      {AddressKind::number, "+0100", ""},
      {AddressKind::short_code, "15550100002", ""},
      {AddressKind::rfc2822, "+15550100002", "rfc2822"},
      {AddressKind::rfc2822, "15550100002/TYPE=PLMN", "rfc2822"},
      {AddressKind::rfc2822, "15550100002@mms.example.net", "mail:mms.example.net"},
      {AddressKind::rfc2822, "+15550100002/TYPE=PLMN@MMS.example.net", "mail:mms.example.net"},
      {AddressKind::rfc2822, "+15550100002@mms.example.net/TYPE=PLMN", "mail:mms.example.net"},
      {AddressKind::rfc2822, "\"Joe\" <+15550100002/TYPE=PLMN@mms.example.net>", "mail:mms.example.net"},
      {AddressKind::rfc2822, "<+15550100002@mms.example.net>, <+15550100003@mms.example.net>", ""},
      {AddressKind::rfc2822, "\"+15550100002@mms.example.net\" <joe@evil.example>", ""},
      {AddressKind::rfc2822, "15550100002@evil.example", ""},
      {AddressKind::rfc2822, "15550100002@mms.example.net.evil.example", ""},
      {AddressKind::rfc2822, "15550100002@evil.example@mms.example.net", ""},
      {AddressKind::rfc2822, "joe@mms.example.net", ""},
  };
  for (const Row& row : rows) {
    for (const std::string form : {"number", "rfc2822", "mail:mms.example.net"}) {
      const auto phone = phone_of_sender({.kind = row.kind, .value = row.value}, {&form, 1}, {});
      EXPECT_EQ(phone.has_value(), form == row.form) << row.value << " as " << form;
      if (phone) {
        EXPECT_EQ(phone_form(*phone), "number:+15550100002");
      }
    }
  }
}

TEST(Conversion, content_rules_look_at_mail_and_a_rejected_one_is_not_converted) {
  auto set = scan::RuleSet::compile(
      scan::parse_rules("r reject text word casino\nh hold subject phrase special offer\nt tag=bill any regex inv-[0-9]+\n").rules);
  ASSERT_TRUE(set.has_value());
  scan::Scratch scratch;
  ASSERT_TRUE(scratch.prepare(*set).has_value());
  const auto converted = [&](std::string_view mail, Work work, bool under_rules) {
    Conversion conversion;
    conversion.work = work;
    conversion.content = Content::mail;
    conversion.body = Bytes(mail.begin(), mail.end());
    conversion.our_domain = "mms.example.net";
    conversion.mm_route = {.msisdn = "15550100002",
                           .sender_address = "short:5000",
                           .subject = {},
                           .own_addresses = {},
                           .mm_size_max = 300'000,
                           .expiry = {},
                           .dialect = {}};
    conversion.under_rules = under_rules;
    return convert(std::move(conversion), {.set = &*set, .scratch = &scratch});
  };
  const auto ids = [](const Converted& of) {
    std::string all;
    for (const RuleMatch& rule : of.rules) all += rule.id + " ";
    return all;
  };
  // The text is Base64: what is looked at is what a person reads.
  constexpr std::string_view bad =
      "Subject: Special  offer inv-77\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nVGhlIENhc2lubyBpcyBvcGVu\r\n";
  constexpr std::string_view good = "Subject: hello, inv-77\r\n\r\nthe theatre is open\r\n";
  for (const Work work : {Work::peek, Work::mm}) {
    const Converted rejected = converted(bad, work, true);
    EXPECT_EQ(ids(rejected), "r h t ");
    EXPECT_TRUE(rejected.output.empty());
    EXPECT_EQ(text_of(rejected.body), bad) << "moved back";
    EXPECT_EQ(ids(converted(bad, work, false)), "");
  }
  const Converted passed = converted(good, Work::mm, true);
  EXPECT_EQ(ids(passed), "t ");
  EXPECT_FALSE(passed.error.has_value());
  EXPECT_FALSE(passed.output.empty());
  EXPECT_EQ(convert({}, {}).rules.size(), 0U) << "no rules at all";
}

TEST(Conversion, content_rules_look_at_what_a_phone_writes_as_the_mail_that_it_becomes) {
  auto set = scan::RuleSet::compile(
      scan::parse_rules("r reject text word casino\nh hold subject phrase special offer\nt tag=bill any regex inv-[0-9]+\n").rules);
  ASSERT_TRUE(set.has_value());
  scan::Scratch scratch;
  ASSERT_TRUE(scratch.prepare(*set).has_value());
  const auto converted = [&](std::string_view subject, std::string_view text, bool under_rules) {
    const std::string body =
        "--o\r\nContent-Type: text/xml\r\nContent-ID: <s>\r\n\r\n<env:Envelope "
        "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><mm7:TransactionID "
        "xmlns:mm7=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">t1</mm7:TransactionID></"
        "env:Header><env:Body><DeliverReq "
        "xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\"><MM7Version>6.8.0</"
        "MM7Version><Sender><Number>+15550100002</Number></Sender><Recipients><To><ShortCode>5000</ShortCode>"
        "</To></Recipients><Subject>" +
        std::string(subject) +
        "</Subject><Content href=\"cid:c\"/></DeliverReq></env:Body></env:Envelope>\r\n--o\r\nContent-Type: text/plain; "
        "charset=utf-8\r\nContent-ID: <c>\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n" +
        std::string(text) + "\r\n--o--\r\n";
    Conversion conversion;
    conversion.work = Work::mail;
    conversion.content = Content::mm7;
    conversion.content_type = "multipart/related; boundary=o; type=\"text/xml\"; start=\"<s>\"";
    conversion.body = Bytes(body.begin(), body.end());
    conversion.our_domain = "mms.example.net";
    conversion.mail_route.header_from = "+15550100002@mms.example.net";
    conversion.mail_route.header_to = {"joe@example.com"};
    conversion.under_rules = under_rules;
    return convert(std::move(conversion), {.set = &*set, .scratch = &scratch});
  };
  const Converted rejected = converted("hello", "VGhlIENhc2lubyBpcyBvcGVu", true);
  ASSERT_EQ(rejected.rules.size(), 1U);
  EXPECT_EQ(rejected.rules[0].id, "r");
  EXPECT_TRUE(rejected.output.empty());
  EXPECT_FALSE(rejected.body.empty()) << "moved back";
  // It lies nowhere else: what keeps mail in a mailbox has no meaning here.
  const Converted passed = converted("Special offer inv-7", "aGVsbG8=", true);
  EXPECT_EQ(passed.rules.size(), 2U);
  EXPECT_EQ(stopping_rule(passed), nullptr);
  EXPECT_FALSE(passed.output.empty());
  EXPECT_TRUE(converted("hello", "VGhlIENhc2lubyBpcyBvcGVu", false).rules.empty());
}

TEST(Conversion, what_keeps_a_mail_from_the_phone_depends_on_where_else_it_lies) {
  using scan::Action;
  struct Row {
    std::vector<Action> actions;
    std::size_t from_mailbox;  // which rule stops it; 9: none
    std::size_t handed_in;
  };
  const Row rows[] = {
      {{Action::reject}, 0, 0},
      {{Action::never_push}, 0, 9},
      {{Action::notify_only}, 0, 9},
      {{Action::hold}, 0, 9},
      {{Action::tag}, 9, 9},
      {{}, 9, 9},
      {{Action::hold, Action::never_push}, 0, 9},
      {{Action::reject, Action::hold}, 0, 0},
  };
  for (const Row& row : rows) {
    Converted converted;
    for (const Action action : row.actions) converted.rules.push_back({.id = "r", .action = action, .tag = {}});
    for (const Work work : {Work::mm, Work::peek, Work::mail}) {
      converted.work = work;
      const std::size_t wanted = work == Work::mm ? row.from_mailbox : row.handed_in;
      EXPECT_EQ(stopping_rule(converted), wanted == 9 ? nullptr : &converted.rules[wanted]);
    }
  }
}

TEST(Conversion, the_other_recipients_are_told_and_the_subscriber_himself_is_not) {
  Conversion conversion;
  conversion.work = Work::mm;
  conversion.content = Content::mail;
  constexpr std::string_view mail = "From: joe@example.com\r\nTo: ann@box.example, sue@example.com\r\nSubject: s\r\n\r\ntext\r\n";
  conversion.body = Bytes(mail.begin(), mail.end());
  conversion.our_domain = "mms.example.net";
  conversion.mm_route = {.msisdn = "15550100002",
                         .sender_address = "short:5000",
                         .subject = {},
                         .own_addresses = {"ann@box.example"},
                         .mm_size_max = 300'000,
                         .expiry = {},
                         .dialect = {}};
  conversion.mm_route.dialect.parts_base64 = false;
  const Converted made = convert(std::move(conversion), {});
  ASSERT_FALSE(made.error.has_value());
  const std::string_view request = text_of(made.output);
  EXPECT_NE(request.find("sue@example.com"), std::string_view::npos);
  EXPECT_EQ(request.find("ann@box.example"), std::string_view::npos);
}

constexpr HashKey secret{1, 2, 3};

TEST(Digest, pieces_do_not_run_into_each_other) {
  EXPECT_NE(Digest(secret).add("ab").add("c").key(), Digest(secret).add("a").add("bc").key());
  EXPECT_NE(Digest(secret).add("").add("a").key(), Digest(secret).add("a").add("").key());
  EXPECT_EQ(Digest(secret).add("ab").key(), Digest(secret).add("ab").key());
}

TEST(Digest, every_part_of_the_key_counts) {
  Bytes data{'x'};
  const auto made = [&] {
    mm7::DeliverReq request;
    request.transaction_id = "t";
    request.sender.value = "+15550100002";
    request.recipients.push_back({.field = mm7::RecipientField::to, .address = {.kind = mm7::AddressKind::short_code, .value = "5000"}});
    request.content.parts.push_back(
        {.media_type = "text/plain", .charset = {}, .name = {}, .content_id = {}, .content_location = {}, .data = data});
    return request;
  };
  const mm7::DeliverReq request = made();
  const DigestKey key = key_of(secret, "mmsc1", request);
  EXPECT_EQ(key_of(secret, "mmsc1", request), key);
  EXPECT_NE(key_of(secret, "mmsc2", request), key);
  mm7::DeliverReq changed = made();
  changed.transaction_id = " t\n";
  EXPECT_EQ(key_of(secret, "mmsc1", changed), key) << "pretty-printed ids are the same id";
  changed.transaction_id = "u";
  EXPECT_NE(key_of(secret, "mmsc1", changed), key);
  changed = made();
  changed.sender.value = "+15550100003";
  EXPECT_NE(key_of(secret, "mmsc1", changed), key);
  changed = made();
  data[0] = 'y';
  EXPECT_NE(key_of(secret, "mmsc1", changed), key);
  EXPECT_NE(key_of(HashKey{1, 2, 4}, "mmsc1", request), key) << "nobody computes it without the secret";
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
      "--b\r\nContent-Type: text/xml\r\n\r\n<?xml version=\"1.0\"?><env:Envelope "
      "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header>"
      "<TransactionID env:mustUnderstand=\"1\">t1</TransactionID></env:Header><env:Body><DeliverReq><MM7Version>6.8.0</MM7Version><Sender>"
      "<Number>+15550100002</Number></Sender><Recipients><To><ShortCode>5000</ShortCode></To></Recipients><Subject>" +
      std::string(9000, 's') + "</Subject><Content href=\"cid:c\"/></DeliverReq></env:Body></env:Envelope>\r\n--b\r\n" +
      "Content-Type: text/plain; charset=utf-8\r\nContent-ID: <c>\r\n\r\n" + line + "\r\n--b--\r\n";
  Conversion conversion;
  conversion.sender_forms = {"number"};
  conversion.content_type = "multipart/related; boundary=b; type=\"text/xml\"";
  conversion.body = Bytes(body.begin(), body.end());
  const Converted converted = convert(std::move(conversion));
  ASSERT_FALSE(converted.error.has_value()) << converted.error->info->text;
  EXPECT_EQ(converted.peeked.first_line, line.substr(0, 1998));
  EXPECT_EQ(converted.peeked.subject.size(), 2000u);
}

TEST(Peek, texts_of_a_mails_head_are_clipped) {
  const std::string mail = "From: " + std::string(9000, 'n') + " <joe@example.com>\r\nSubject: " + std::string(9000, 's') +
                           "\r\nMessage-ID: <" + std::string(9000, 'm') + "@x>\r\n\r\nhello\r\n";
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
  for (const std::string_view form : {"number:+15550100002", "short:5000", "mail:joe@example.com"})
    EXPECT_EQ(address_form(address_of(form)), form);
}

}  // namespace
}  // namespace pushmail::relay

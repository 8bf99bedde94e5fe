#include "core/contract/peer/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/contract/handoff/peer.h"

namespace pushmail {
namespace {

Config config_of(const std::string& keys) {
  auto config = Config::parse(
      "domain = \"mms.example.net\"\n[link]\nkind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:2775\"\nsource = \"5000\"\n"
      "[peer.m]\nurl = \"http://mmsc.example/mm7\"\nservice_number = \"5000\"\n" +
          keys,
      "test");
  EXPECT_TRUE(config.has_value()) << (config ? "" : config.error().messages());
  return std::move(*config);
}

// What reaches the data plane of a profile.
PeerProfile sent(const PeerProfile& profile) {
  const Bytes bytes = profile.record().finish(1);
  const RecordView record = parse_record(bytes).value();
  EXPECT_TRUE(handoff::validate(record, handoff::Direction::to_data).has_value());
  return PeerProfile::of(record);
}

std::string line_of(const PeerProfile& profile) {
  const Bytes bytes = profile.record().finish(1);
  return handoff::describe(parse_record(bytes).value());
}

TEST(PeerProfile, every_key_of_a_peer_is_a_row_and_every_row_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  std::size_t keys = 0;
  for (const PeerField& field : peer_fields) {
    EXPECT_TRUE(names.insert(field.field_name()).second) << field.field_name();
    EXPECT_EQ(field.key.path.empty(), field.reader == PeerReader::derived) << field.field_name();
    EXPECT_TRUE(field.one.empty() || is_word_of(field.one, field.key.words)) << field.field_name();
    if (!field.key.path.empty()) ++keys;
  }
  EXPECT_EQ(std::ranges::count_if(config_keys(), [](const ConfigKey& key) { return key.path.starts_with("peer."); }),
            static_cast<std::ptrdiff_t>(keys));
}

TEST(PeerProfile, has_the_defaults_of_the_table) {
  const auto profile = PeerProfile::from(config_of("inbound = \"open\"\n"), "m");
  ASSERT_TRUE(profile.has_value());
  EXPECT_EQ(profile->name(), "m");
  EXPECT_EQ(profile->text("url"), "http://mmsc.example/mm7");
  EXPECT_EQ(profile->text("vaspid"), "pushmail");
  EXPECT_EQ(profile->number("connections_max"), 32u);
  EXPECT_EQ(profile->size("mm_size_max"), 300u * 1024);
  EXPECT_EQ(profile->duration("expiry"), seconds(3 * 86'400));
  EXPECT_EQ(profile->texts("sender_forms"), std::vector<std::string>{"number"});
  EXPECT_FALSE(profile->flag("deduplicates"));
  EXPECT_TRUE(profile->is({"answer_transaction_id", "checked"}));
  EXPECT_TRUE(profile->is({"inbound", "open"}));
}

// Each field that travels is given another value than its default, and must come back.
TEST(PeerProfile, what_a_record_has_a_tag_for_arrives) {
  PeerProfile profile("m");
  profile.set_text("url", "http://192.0.2.1:80/mm7");
  profile.set_text("host_header", "mmsc.example");
  profile.set_text("user", "us");
  profile.set_text("password", "our secret");
  profile.set_text("inbound_user", "them");
  profile.set_text("inbound_password", "their secret");
  profile.set_texts("allow", {"192.0.2.0/24", "2001:db8::/32"});
  profile.set_text("inbound", "open");
  profile.set_text("scheme", "digest");
  profile.set_text("inbound_scheme", "digest");
  profile.set_text("inbound_certificate", "mmsc.example.net");
  profile.set_text("request_coding", "gzip");
  profile.set_texts("sender_forms", {"rfc2822", "mail:mms.example"});
  profile.set_text("vaspid", "");
  profile.set_text("vasid", "x");
  profile.set_text("service_code", "free");
  profile.set_text("namespace", "urn:x");
  profile.set_text("mm7_version", "5.3.0");
  profile.set_text("number_form", "digits");
  profile.set_number("sender_refused", 0);
  profile.set_flag("deduplicates", true);
  profile.set_text("parts", "binary");
  profile.set_number("connections_max", 7);
  profile.set_text("answer_transaction_id", "ignored");
  profile.set_number("requests_per_connection", 3);
  profile.set_texts("knob", {"parts=8bit", "omitted=Priority LinkedID"});
  const PeerProfile untouched;
  const PeerProfile arrived = sent(profile);
  for (std::size_t row = 0; row < peer_fields.size(); ++row) {
    const std::string_view name = peer_fields[row].field_name();
    EXPECT_EQ(arrived.value(row), profile.value(row)) << name;
    if (peer_fields[row].tag != 0) {
      EXPECT_NE(profile.value(row), untouched.value(row)) << name << " is not tried";
    }
  }
  EXPECT_EQ(line_of(profile).find("secret\""), std::string::npos) << line_of(profile);
}

TEST(PeerProfile, what_the_control_plane_alone_uses_does_not_travel) {
  PeerProfile profile("m");
  profile.set_text("url", "http://192.0.2.1/");
  const std::string before = line_of(profile);
  profile.set_text("service_number", "5000");
  profile.set_number("expiry", 1);
  profile.set_text("sender", "alias");
  EXPECT_EQ(line_of(profile), before);
}

// Numbers of tags as releases before wrote them into last-known: they may never mean anything else.
TEST(PeerProfile, reads_a_record_of_before_the_table) {
  RecordWriter writer = handoff::make(handoff::Kind::peer, {});
  writer.text(17, "mmsc1").text(81, "http://192.0.2.1:80/mm7").text(82, "mmsc.example").text(83, "u").text(84, "p");
  writer.text(85, "iu").text(86, "ip").text(87, "192.0.2.1").text(87, "192.0.2.2").text(88, "v").text(89, "w").text(90, "s");
  writer.text(91, "urn:n").text(92, "6.0.0").text(93, "plus_plmn").u64(94, 4000).u64(95, 1).u64(96, 0).u64(97, 5);
  writer.text(99, "parts=8bit").u64(100, 0).u64(101, 9).u64(110, 0).text(111, "rfc2822");
  const Bytes bytes = writer.finish(1);
  const RecordView record = parse_record(bytes).value();
  ASSERT_TRUE(handoff::validate(record, handoff::Direction::to_data).has_value());
  const PeerProfile peer = PeerProfile::of(record);
  EXPECT_EQ(peer.name(), "mmsc1");
  EXPECT_EQ(peer.text("url"), "http://192.0.2.1:80/mm7");
  EXPECT_EQ(peer.text("host_header"), "mmsc.example");
  EXPECT_EQ(peer.text("user") + peer.text("password") + peer.text("inbound_user") + peer.text("inbound_password"), "upiuip");
  EXPECT_EQ(peer.texts("allow"), (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(peer.text("vaspid") + peer.text("vasid") + peer.text("service_code"), "vws");
  EXPECT_EQ(peer.text("namespace"), "urn:n");
  EXPECT_EQ(peer.text("mm7_version"), "6.0.0");
  EXPECT_TRUE(peer.is({"number_form", "plus_plmn"}));
  EXPECT_EQ(peer.number("sender_refused"), 4000u);
  EXPECT_TRUE(peer.flag("deduplicates"));
  EXPECT_FALSE(peer.is({"parts", "base64"}));
  EXPECT_EQ(peer.number("connections_max"), 5u);
  EXPECT_EQ(peer.texts("knob"), std::vector<std::string>{"parts=8bit"});
  EXPECT_TRUE(peer.is({"answer_transaction_id", "ignored"}));
  EXPECT_EQ(peer.number("requests_per_connection"), 9u);
  EXPECT_TRUE(peer.is({"inbound", "authenticated"}));
  EXPECT_EQ(peer.texts("sender_forms"), std::vector<std::string>{"rfc2822"});
}

TEST(PeerProfile, a_field_that_a_record_does_not_have_keeps_its_default) {
  RecordWriter writer = handoff::make(handoff::Kind::peer, {});
  writer.text(17, "m").text(81, "http://192.0.2.1/").u64(0x7000, 1);
  const Bytes bytes = writer.finish(1);
  const PeerProfile peer = PeerProfile::of(parse_record(bytes).value());
  const PeerProfile untouched;
  for (std::size_t row = 0; row < peer_fields.size(); ++row) {
    if (peer_fields[row].tag != 81) {
      EXPECT_EQ(peer.value(row), untouched.value(row)) << peer_fields[row].field_name();
    }
  }
}

TEST(PeerProfile, a_password_is_the_first_line_of_its_file_and_a_missing_file_names_the_key) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "peer_profile_password";
  std::ofstream(file) << "open sesame\nmore\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const std::string keys = "inbound = \"open\"\nuser = \"u\"\npassword_file = \"" + file.string() + "\"\n";
  const auto profile = PeerProfile::from(config_of(keys), "m");
  ASSERT_TRUE(profile.has_value()) << profile.error().text;
  EXPECT_EQ(profile->text("password"), "open sesame");
  std::filesystem::remove(file);
  const auto missing = PeerProfile::from(config_of(keys), "m");
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().text.starts_with("peer.m.password_file: ")) << missing.error().text;
}

}  // namespace
}  // namespace pushmail

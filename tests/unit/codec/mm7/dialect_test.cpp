// The knobs of a peer profile: their table, and what each of them does to what we write.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "codec/mm7/configured.h"
#include "codec/mm7/content.h"
#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "codec/mm7/xml.h"
#include "tests/unit/codec/mm7/samples.h"

namespace pushmail::mm7 {
namespace {

MultimediaMessage picture() {
  static constexpr std::string_view data = "\xFF\xD8 picture";
  MultimediaMessage mm;
  mm.parts.push_back({.media_type = "image/jpeg",
                      .charset = {},
                      .name = "p.jpg",
                      .content_id = "1.item@pm.example",
                      .content_location = "p.jpg",
                      .data = bytes_of(data)});
  return mm;
}

/// A SubmitReq in the dialect that the knobs make, as text.
std::string written(const std::vector<std::pair<std::string_view, std::string_view>>& settings,
                    const MultimediaMessage* content = nullptr) {
  Mm7Dialect dialect;
  for (const auto& [name, value] : settings) EXPECT_TRUE(set_knob(dialect, name, value).has_value()) << name;
  SubmitReq request;
  request.transaction_id = "tx";
  request.sender = {.kind = AddressKind::short_code, .value = "50001742"};
  request.recipients = {{.field = RecipientField::to, .address = {.kind = AddressKind::number, .value = "15550100002"}}};
  request.message_class = "Personal";
  request.subject = "Hi";
  request.content = content;
  const HttpEntity entity = encode(request, dialect);
  // Whatever the dialect is, the result is XML and MIME.
  const auto parts = split_body(entity.content_type, entity.body);
  EXPECT_TRUE(parts.has_value());
  const auto tree = parse_xml(parts->envelope);
  EXPECT_TRUE(tree.has_value());
  if (content != nullptr) {
    const std::size_t index = tree->descendant(0, "Content");
    const auto read = read_content(*parts, tree->attribute(index, "href"));
    EXPECT_TRUE(read.has_value());
    EXPECT_EQ(read->parts.size(), content->parts.size());
    EXPECT_EQ(to_hex(read->parts[0].data), to_hex(content->parts[0].data));
  }
  return entity.content_type + "\n" + std::string(text_of(entity.body));
}

struct KnobRow {
  std::string_view name, value, holds;
};
class KnobTest : public testing::TestWithParam<KnobRow> {};
TEST_P(KnobTest, ChangesWhatIsWritten) {
  const MultimediaMessage mm = picture();
  EXPECT_FALSE(written({}, &mm).contains(GetParam().holds)) << "written without the knob too";
  const std::string text = written({{GetParam().name, GetParam().value}}, &mm);
  EXPECT_TRUE(text.contains(GetParam().holds)) << text;
}
INSTANTIATE_TEST_SUITE_P(
    Knobs, KnobTest,
    testing::Values(
        KnobRow{"namespace_uri", "urn:n", "<SubmitReq xmlns=\"urn:n\">"}, KnobRow{"mm7_version", "5.3.0", "<MM7Version>5.3.0</MM7Version>"},
        KnobRow{"vaspid", "v", "<VASPID>v</VASPID>"}, KnobRow{"vasid", "w", "<VASID>w</VASID>"},
        KnobRow{"service_code", "s", "<ServiceCode>s</ServiceCode>"}, KnobRow{"number_form", "digits", "<Number>15550100002</Number>"},
        KnobRow{"number_form", "plus_plmn", "<Number>+15550100002/TYPE=PLMN</Number>"},
        KnobRow{"parts", "binary", "Content-Transfer-Encoding: binary"}, KnobRow{"parts", "8bit", "Content-Transfer-Encoding: 8bit"},
        KnobRow{"element_prefix", "mm7", "<mm7:SubmitReq xmlns:mm7=\"http://www.3gpp.org/"},
        KnobRow{"element_prefix", "p", "<p:To><p:Number>+15550100002</p:Number></p:To>"},
        KnobRow{"envelope_prefix", "soap", "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>"},
        KnobRow{"sender_form", "bare", "<SenderAddress>50001742</SenderAddress>"},
        KnobRow{"sender_form", "none", "<SenderIdentification></SenderIdentification>"},
        KnobRow{"short_code_form", "number", "<SenderAddress><Number>50001742</Number></SenderAddress>"},
        KnobRow{"content_form", "single", "Content-Type: image/jpeg; name=\"p.jpg\"\r\nContent-ID: <mm.tx@pushmail>"},
        KnobRow{"content_id_brackets", "false", "Content-ID: mm.tx@pushmail\r\n"},
        KnobRow{"href_escapes_at", "true", "href=\"cid:mm.tx%40pushmail\""}, KnobRow{"xml_charset", "false", "Content-Type: text/xml\r\n"},
        KnobRow{"allow_adaptations", "false", "<Content href=\"cid:mm.tx@pushmail\"/>"},
        KnobRow{"omitted", "ReadReply MessageClass", "<DeliveryReport>true</DeliveryReport><Subject>"}));

TEST(Mm7Dialect, MixedInsteadOfRelated) {
  MultimediaMessage mm = picture();
  mm.parts[0].media_type = "application/smil";
  mm.presentation = 0;
  EXPECT_TRUE(written({}, &mm).contains("Content-Type: multipart/related; boundary=\"pm_txc\"; type=\"application/smil\""));
  EXPECT_TRUE(written({{"content_form", "mixed"}}, &mm).contains("Content-Type: multipart/mixed; boundary=\"pm_txc\""));
}
TEST(Mm7Dialect, SingleNeedsALonePart) {
  MultimediaMessage mm = picture();
  mm.parts.push_back(mm.parts[0]);
  EXPECT_TRUE(written({{"content_form", "single"}}, &mm).contains("multipart/mixed"));
}

// The keys of [peer.NAME] and the knobs, both ways: a key for each knob, with its words, and defaults that are the dialect's.
TEST(Mm7Dialect, EachKnobHasAKey) {
  const auto key_of = [](std::string_view leaf) {
    const auto key = std::ranges::find(config_keys(), fmt::format("peer.*.{}", leaf), &ConfigKey::path);
    return key == config_keys().end() ? nullptr : &*key;
  };
  Mm7Dialect by_defaults;
  for (const Knob& knob : knobs()) {
    const ConfigKey* key = key_of(knob.name == "namespace_uri" ? "namespace" : knob.name);
    ASSERT_NE(key, nullptr) << knob.name;
    if (key->type == KeyType::word) {
      EXPECT_EQ(key->words, knob.values) << knob.name;
    } else if (key->type == KeyType::flag) {
      EXPECT_EQ(knob.values, "false|true") << knob.name;
    } else {
      EXPECT_EQ(knob.values, "") << knob.name;
    }
    // Who we are is told each peer; the dialect alone knows nothing of it.
    if (knob.name == "vaspid" || knob.name == "vasid") continue;
    EXPECT_TRUE(set_knob(by_defaults, knob.name, key->default_value).has_value()) << knob.name;
  }
  EXPECT_EQ(by_defaults, Mm7Dialect{});
  std::size_t profiles = 0;
  for (std::string_view words = key_of("profile")->words; !words.empty(); ++profiles) {
    const std::size_t end = std::min(words.find('|'), words.size());
    Mm7Dialect dialect;
    EXPECT_TRUE(apply_profile(dialect, words.substr(0, end)).has_value()) << words;
    Mm7Dialect by_settings;
    for (const KnobSetting& row : profile_settings(words.substr(0, end)))
      EXPECT_TRUE(set_knob(by_settings, row.knob, row.value).has_value());
    EXPECT_EQ(by_settings, dialect);
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  EXPECT_EQ(profiles, 8U);
}

Mm7Dialect configured(std::string_view keys, std::string* error = nullptr) {
  const std::string text = fmt::format(
      "domain = \"d.example\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"198.18.0.1:1\"\nsource = \"5\"\n[peer.a]\nurl = "
      "\"http://h/\"\nservice_number = \"5\"\nallow = [\"192.0.2.1\"]\n{}\n",
      keys);
  const auto config = Config::parse(text, "t.toml");
  EXPECT_TRUE(config.has_value()) << config.error().message();
  const auto settings = configured_knobs(*config, "a");
  Mm7Dialect dialect;
  if (!settings && error != nullptr) *error = settings.error().message();
  if (!settings) return dialect;
  for (const auto& [knob, value] : *settings) EXPECT_TRUE(set_knob(dialect, knob, value).has_value()) << knob;
  return dialect;
}

TEST(Mm7Dialect, ConfiguredByProfileAndKeys) {
  EXPECT_EQ(configured(""), Mm7Dialect{});
  const Mm7Dialect rel5 = configured("profile = \"rel5\"");
  EXPECT_TRUE(rel5.namespace_uri.ends_with("REL-5-MM7-1-2"));
  EXPECT_EQ(rel5.version, "5.3.0");
  // A key that is given wins over the profile, also where it says what would be the default without one.
  const Mm7Dialect mixed = configured(
      "profile = \"rel5\"\nmm7_version = \"6.8.0\"\nparts = \"8bit\"\nxml_charset = false\nfault_http_status = 200\nomitted = \"Priority "
      "Subject\"");
  EXPECT_TRUE(mixed.namespace_uri.ends_with("REL-5-MM7-1-2"));
  EXPECT_EQ(mixed.version, "6.8.0");
  EXPECT_FALSE(mixed.parts_base64);
  EXPECT_EQ(mixed.part_coding_plain, PartCoding::eight_bit);
  EXPECT_FALSE(mixed.xml_charset);
  EXPECT_EQ(mixed.fault_http_status, 200);
  EXPECT_TRUE(mixed.omits("Subject"));
}

TEST(Mm7Dialect, ConfiguredBadlyWithFileLineKeyAndRule) {
  std::string error;
  configured("element_prefix = \"a:b\"", &error);
  EXPECT_EQ(
      error,
      "t.toml:10: peer.a.element_prefix: the knob does not take this value: prefix of MM7 elements; empty: default namespace, got \"a:b\"");
  configured("profile = \"rel5\"\nsoap_action = \"x\\r\\nHost: y\"", &error);
  EXPECT_TRUE(error.starts_with("t.toml:11: peer.a.soap_action: ")) << error;
  configured("omitted = \"DeliveryReport\"", &error);
  EXPECT_TRUE(error.starts_with("t.toml:10: peer.a.omitted: ")) << error;
}

TEST(Mm7Dialect, KnobsOfTransport) {
  Mm7Dialect dialect;
  ASSERT_TRUE(set_knob(dialect, "soap_action", "urn:n").has_value());
  ASSERT_TRUE(set_knob(dialect, "fault_http_status", "200").has_value());
  ASSERT_TRUE(set_knob(dialect, "recipients_max", "1").has_value());
  EXPECT_EQ(dialect.soap_action, "urn:n");
  EXPECT_EQ(dialect.fault_http_status, 200);
  EXPECT_EQ(dialect.recipients_max, 1U);
}

TEST(Mm7Dialect, WhatKnobsRefuse) {
  for (const auto& [name, value] :
       {std::pair{"number_form", "minus"}, std::pair{"number_form", ""}, std::pair{"parts", "base64|binary"},
        std::pair{"xml_charset", "yes"}, std::pair{"element_prefix", "a:b"}, std::pair{"soap_action", "a\"b"},
        std::pair{"soap_action", "a\r\nHost: b"}, std::pair{"soap_action", "a b"}, std::pair{"element_prefix", "1"},
        std::pair{"element_prefix", "xmlp"}, std::pair{"envelope_prefix", ""}, std::pair{"omitted", "DeliveryReport"},
        std::pair{"omitted", "ReadReply Recipients"}, std::pair{"fault_http_status", "99"}, std::pair{"fault_http_status", "200x"},
        std::pair{"recipients_max", "-1"}}) {
    Mm7Dialect dialect;
    const auto set = set_knob(dialect, name, value);
    ASSERT_FALSE(set.has_value()) << name << " " << value;
    EXPECT_TRUE(set.error().is(mm7_bad_knob));
  }
  Mm7Dialect dialect;
  const auto set = set_knob(dialect, "colour", "red");
  ASSERT_FALSE(set.has_value());
  EXPECT_TRUE(set.error().is(mm7_unknown_knob));
  EXPECT_FALSE(apply_profile(dialect, "rel7").has_value());
}

TEST(Mm7Dialect, TableIsClosed) {
  std::set<std::string_view> names;
  for (const Knob& knob : knobs()) {
    EXPECT_TRUE(names.insert(knob.name).second) << knob.name;
    EXPECT_FALSE(knob.meaning.empty());
    // Every word of a row is taken.
    for (std::string_view words = knob.values; !words.empty();) {
      const std::size_t end = std::min(words.find('|'), words.size());
      Mm7Dialect dialect;
      EXPECT_TRUE(set_knob(dialect, knob.name, words.substr(0, end)).has_value()) << knob.name;
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }
}

TEST(Mm7Dialect, Profiles) {
  for (const std::string_view profile :
       {"rel6", "rel6_first", "rel5", "rel5_first", "prefixed", "plain_parts", "digits_only", "bare_sender"}) {
    Mm7Dialect dialect;
    EXPECT_TRUE(apply_profile(dialect, profile).has_value()) << profile;
  }
  Mm7Dialect dialect;
  ASSERT_TRUE(apply_profile(dialect, "rel5").has_value());
  ASSERT_TRUE(apply_profile(dialect, "digits_only").has_value());
  EXPECT_EQ(dialect.version, "5.3.0");
  EXPECT_TRUE(dialect.namespace_uri.ends_with("REL-5-MM7-1-2"));
  EXPECT_EQ(dialect.number_form, NumberForm::digits);
}

}  // namespace
}  // namespace pushmail::mm7

// Push PDUs and their notices against octets written by hand from WAP-230, WAP-167, WAP-168 and OMA-EMN, round trips, and broken ones.
#include "codec/wap/push.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "codec/wap/errors.h"

namespace pushmail::wap {
namespace {

using Kind = Notice::Kind;
using Action = Notice::Action;

Bytes hex(std::string_view text) {
  std::string dense;
  for (const char c : text) {
    if (c != ' ') dense += c;
  }
  return from_hex(dense);
}
Timestamp at(std::string_view text) { return parse_rfc3339(text).value(); }

struct PushRow {
  std::string_view name;
  std::string_view head;
  std::string_view body;
  std::string_view media_type;
  std::string_view charset;
  std::optional<std::uint64_t> application;
  std::optional<std::uint8_t> flags;
  std::optional<Notice> notice;
};
const std::vector<PushRow>& rows() {
  static const std::vector<PushRow> all{
      {"mms", "01 06 03 BE AF 84", "8C 85 98 54 39 00 8D 92", "application/vnd.wap.mms-message", "", application::mms_agent, {}, {}},
      {"indication",
       "01 06 04 03 AE 81 EA",
       "02 05 6A 00 45 C6 0D 03 65 78 61 6D 70 6C 65 00 85 03 69 6E 62 6F 78 00 11 03 6D 62 31 00 0A C3 06 20 24 06 30 12 30 10 C3 04 20 "
       "24 07 01 08 01"
       "03 33 20 6E 65 77 20 6D 61 69 6C 73 00 01 01",
       "application/vnd.wap.sic",
       "utf-8",
       {},
       {},
       Notice{.kind = Kind::indication,
              .address = "http://www.example.com/inbox",
              .id = "mb1",
              .created = at("2024-06-30T12:30:00Z"),
              .expires = at("2024-07-01T00:00:00Z"),
              .action = Action::signal_high,
              .text = "3 new mails"}},
      {"least indication with flags", "FF 06 05 AE AF 82 B4 83", "02 05 6A 00 45 C6 01 01 01", "application/vnd.wap.sic", "", 2,
       std::uint8_t{3},
       Notice{.kind = Kind::indication, .address = {}, .id = {}, .created = {}, .expires = {}, .action = Action::usual, .text = {}}},
      {"loading",
       "01 06 01 B0",
       "02 06 6A 00 85 0A 03 65 78 61 6D 70 6C 65 00 85 03 69 6E 62 6F 78 00 06 01",
       "application/vnd.wap.slc",
       "",
       {},
       {},
       Notice{.kind = Kind::loading,
              .address = "http://www.example.com/inbox",
              .id = {},
              .created = {},
              .expires = {},
              .action = Action::execute_high,
              .text = {}}},
      {"mail",
       "01 06 06 03 02 03 0A AF 89",
       "02 0D 6A 00 85 07 03 6A 6F 65 40 65 78 61 6D 70 6C 65 2E 63 6F 6D 00 05 C3 06 20 24 06 30 12 30 01",
       "application/vnd.wap.emn+wbxml",
       "",
       application::mail_agent,
       {},
       Notice{.kind = Kind::mail,
              .address = "mailat:joe@example.com",
              .id = {},
              .created = at("2024-06-30T12:30:00Z"),
              .expires = {},
              .action = Action::usual,
              .text = {}}},
  };
  return all;
}

TEST(WapPush, VectorsGoBothWays) {
  for (const PushRow& row : rows()) {
    SCOPED_TRACE(row.name);
    Bytes octets = hex(row.head);
    append(octets, ByteView(hex(row.body)));
    Arena arena;
    const auto push = read_push(octets, arena);
    ASSERT_TRUE(push.has_value()) << push.error().info->name << " at " << push.error().at;
    EXPECT_EQ(push->transaction_id, octets[0]);
    EXPECT_EQ(push->type.media_type, row.media_type);
    EXPECT_EQ(push->type.parameter("charset"), row.charset);
    EXPECT_EQ(push->application, row.application);
    EXPECT_EQ(push->flags, row.flags);
    EXPECT_EQ(to_hex(push->body), to_hex(hex(row.body)));
    EXPECT_EQ(to_hex(write_push(*push)), to_hex(octets));
    if (!row.notice) continue;
    const auto notice = read_notice(push->body, arena);
    ASSERT_TRUE(notice.has_value()) << notice.error().info->name << " at " << notice.error().at;
    EXPECT_EQ(*notice, *row.notice);
    EXPECT_EQ(to_hex(write_notice(*row.notice)), to_hex(push->body));
  }
}

TEST(WapPush, HeadersInOtherForms) {
  // Content-Length, a text header, X-Wap-Application-Id as text, a page shift.
  Arena arena;
  const Bytes octets = hex("00 06 13 AE 8D 02 01 00 58 2D 41 00 62 00 AF 78 3A 79 00 01 B4 81 41");
  const auto push = read_push(octets, arena);
  ASSERT_TRUE(push.has_value()) << push.error().info->name << " at " << push.error().at;
  EXPECT_EQ(push->application, std::nullopt);
  EXPECT_EQ(push->flags, 1);
  EXPECT_EQ(text_of(push->body), "A");
}

TEST(WapPush, BrokenPushes) {
  Arena arena;
  const auto error = [&](std::string_view octets) { return read_push(hex(octets), arena).error(); };
  EXPECT_TRUE(error("01 07 01 AE").is(push_bad_type));
  EXPECT_TRUE(error("01").is(wsp_truncated));
  EXPECT_TRUE(error("01 06 05 AE").is(wsp_truncated));
  EXPECT_TRUE(error("01 06 02 AE AF").is(wsp_truncated));
  EXPECT_TRUE(error("01 06 03 AE AF 41").is(wsp_bad_text));
  EXPECT_TRUE(error("01 06 02 AE B4").is(wsp_truncated));
  EXPECT_TRUE(error("01 06 02 AE A9").is(wsp_truncated));
  EXPECT_TRUE(error("01 06 03 AE 41 00").is(wsp_truncated));
  EXPECT_TRUE(error("01 06 02 AE 41").is(wsp_bad_text));
  EXPECT_TRUE(read_push({}, arena).error().is(wsp_truncated));
}

TEST(WapNotice, TextsOfEveryForm) {
  // A string table, an entity, an unknown attribute, `class` of an item, and elements beside the indication.
  Arena arena;
  const Bytes octets =
      hex("02 05 6A 05 62 6F 78 00 00"
          "45 C6 0B 83 00 87 02 C1 2C 03 78 00 01 03 61 00 00 00 02 61 01"
          "47 88 12 03 63 00 01 C3 01 FF 01 01");
  const auto notice = read_notice(octets, arena);
  ASSERT_TRUE(notice.has_value()) << notice.error().info->name << " at " << notice.error().at;
  EXPECT_EQ(notice->address, "box.net/\u20ACx");
  EXPECT_EQ(notice->text, "aa");
}

TEST(WapNotice, EntitiesAreUtf8) {
  Arena arena;
  for (const auto& [code, text] : {std::pair{"41", "A"}, std::pair{"81 69", "\u00E9"}, std::pair{"C1 2C", "\u20AC"},
                                   std::pair{"87 EC 00", "\U0001F600"}, std::pair{"C4 80 00", ""}}) {
    const Bytes octets = hex(std::string("02 05 6A 00 45 C6 01 02") + code + "01 01");
    const auto notice = read_notice(octets, arena);
    ASSERT_TRUE(notice.has_value()) << code;
    EXPECT_EQ(notice->text, text);
  }
}

TEST(WapNotice, BrokenDocuments) {
  Arena arena;
  const auto error = [&](const Bytes& octets) { return read_notice(octets, arena).error(); };
  EXPECT_TRUE(error(hex("02 04 6A 00 45 01")).is(wbxml_unknown_document));
  EXPECT_TRUE(error(hex("02 05 6A 00 01")).is(wbxml_bad_token));                               // an end first
  EXPECT_TRUE(error(hex("02 05 6A 00 45 C6 0B 83 05 01 01 01")).is(wbxml_bad_token));          // behind the string table
  EXPECT_TRUE(error(hex("02 05 6A 00 45 C6 0A C3 03 20 24 06 01 01 01")).is(wbxml_bad_date));  // too short
  EXPECT_TRUE(error(hex("02 05 6A 00 45 C6 0A C3 04 2A 24 06 30 01 01 01")).is(wbxml_bad_date));
  EXPECT_TRUE(error(hex("02 05 6A 00 45 C6 0A C3 04 20 24 13 30 01 01 01")).is(wbxml_bad_date));  // month 13
  EXPECT_TRUE(error(hex("02 05 6A 00 45 C6 0B 03 41")).is(wsp_bad_text));
  EXPECT_TRUE(error(hex("02 05 6A 04")).is(wsp_truncated));
  EXPECT_TRUE(error({}).is(wsp_truncated));
  Bytes deep = hex("02 05 6A 00");
  deep.insert(deep.end(), 100, 0x45);
  EXPECT_TRUE(error(deep).is(wbxml_too_deep));
  // 64 KiB of table, named eight times.
  Bytes long_text = hex("02 05 6A 84 80 00");
  long_text.insert(long_text.end(), 65'535, 'x');
  append(long_text, ByteView(hex("00 45 C6 01")));
  for (int i = 0; i < 8; ++i) append(long_text, ByteView(hex("83 00")));
  EXPECT_TRUE(error(long_text).is(wbxml_too_long));
}

TEST(WapNotice, EveryTruncationIsAnError) {
  for (const PushRow& row : rows()) {
    if (!row.notice) continue;
    const Bytes whole = hex(row.body);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Arena arena;
      EXPECT_FALSE(read_notice(ByteView(whole).first(size), arena).has_value()) << row.name << " " << size;
    }
  }
}

TEST(WapNotice, RandomNoticesComeBack) {
  std::mt19937 dice(7);
  static constexpr std::array<std::string_view, 9> addresses{
      "http://www.a.com/b.org/c", "https://www.x.net/", "https://h/", "http://e.edu", "mailat:a@b", "imap://h", "pop://h", "tel:1", ""};
  static constexpr std::array<std::string_view, 4> texts{"", "3 new mails", "Gr\u00fc\u00dfe", "\u65e5\u672c"};
  for (int round = 0; round < 2000; ++round) {
    Notice notice;
    notice.kind = static_cast<Kind>(dice() % 3);
    notice.address = addresses[dice() % addresses.size()];
    const auto date = [&] { return Timestamp{static_cast<std::int64_t>(dice()) * 1'000'000}; };
    if (notice.kind != Kind::loading && dice() % 2 == 0) notice.created = date();
    if (notice.kind == Kind::indication) {
      notice.id = texts[dice() % texts.size()];
      notice.text = texts[dice() % texts.size()];
      if (dice() % 2 == 0) notice.expires = date();
      notice.action = static_cast<Action>(dice() % 6);
    } else if (notice.kind == Kind::loading) {
      notice.action = dice() % 4 == 0 ? Action::usual : static_cast<Action>(6 + dice() % 3);
    }
    const Bytes octets = write_notice(notice);
    Arena arena;
    const auto read = read_notice(octets, arena);
    ASSERT_TRUE(read.has_value()) << to_hex(octets);
    EXPECT_EQ(*read, notice) << to_hex(octets);
  }
}

}  // namespace
}  // namespace pushmail::wap

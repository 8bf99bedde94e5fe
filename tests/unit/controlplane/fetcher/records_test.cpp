// Records in and out of the fetcher, and the small parsers around them.
#include <gtest/gtest.h>

#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/commands.h"
#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/mail_date.h"
#include "controlplane/fetcher/watcher.h"

namespace pushmail::mailbox {
namespace {

constexpr std::uint16_t number_of(Tag tag) { return static_cast<std::uint16_t>(tag); }

struct Fields {
  std::map<Tag, std::string> texts{{Tag::binding, "b1"},  {Tag::protocol, "imap"}, {Tag::address, "192.0.2.1:993"}, {Tag::tls, "implicit"},
                                   {Tag::tls_name, "mx"}, {Tag::user, "alice"},    {Tag::password, "secret"},       {Tag::mode, "idle"}};
};

Result<std::optional<Command>> decode(Kind kind, const Fields& fields, const ItemId& item = {}) {
  RecordWriter writer(static_cast<std::uint16_t>(kind), 1, item);
  for (const auto& [tag, value] : fields.texts) writer.text(number_of(tag), value);
  writer.u64(number_of(Tag::uid_validity), 7);
  const Bytes bytes = writer.finish(1);
  const auto record = parse_record(bytes);
  PM_CHECK(record.is_done());
  return decode_command(record.value());
}

TEST(Commands, CancelNeedsItsItemAndNothingElse) {
  const auto command = decode(Kind::cancel, Fields{.texts = {}}, ItemId{{3}});
  ASSERT_TRUE(command);
  EXPECT_EQ(std::get<CancelCommand>(**command).item, ItemId{{3}});
  EXPECT_FALSE(decode(Kind::cancel, Fields{.texts = {}}));
}

TEST(Commands, WatchIsReadWhole) {
  Fields fields;
  fields.texts[Tag::last_uid] = "41";
  fields.texts[Tag::known_uid] = "u1";
  const auto command = decode(Kind::watch, fields);
  ASSERT_TRUE(command);
  const auto& watch = std::get<WatchCommand>(**command);
  EXPECT_EQ(watch.binding, "b1");
  EXPECT_EQ(watch.account.protocol, Protocol::imap);
  EXPECT_EQ(watch.account.encryption, Encryption::implicit);
  EXPECT_EQ(to_string(watch.account.address), "192.0.2.1:993");
  EXPECT_EQ(watch.account.folder, "INBOX");
  EXPECT_EQ(watch.mode, Mode::idle);
  EXPECT_EQ(watch.cursor.form(), "1 7 41 0 ") << "in parts, as a control plane of version 1 gives it";
  EXPECT_TRUE(watch.cursor.names().contains("u1"));
}

TEST(Commands, WatchGivesTheCursorBackAsItWasTold) {
  for (const std::string form : {"1 8 42 77 m@x with blanks", "1 1 0 -5 ", "1 18446744073709551615 4294967295 0 "}) {
    Fields fields;
    fields.texts[Tag::cursor] = form;
    const auto command = decode(Kind::watch, fields);
    ASSERT_TRUE(command) << form;
    EXPECT_EQ(std::get<WatchCommand>(**command).cursor.form(), form);
  }
  Fields blank;
  blank.texts[Tag::cursor] = "";
  EXPECT_TRUE(std::get<WatchCommand>(**decode(Kind::watch, blank)).cursor.is_blank());
  for (const std::string bad : {"2 8 42 77 m@x", "1", "1 8", "1 8 42", "1 8 4294967296 0 ", "1 -8 42 0 ", "1 8 x 0 ", "1 8 42 y "}) {
    Fields fields;
    fields.texts[Tag::cursor] = bad;
    EXPECT_FALSE(decode(Kind::watch, fields)) << bad;
  }
}

TEST(Commands, AccountsCarryTheHabitsOfTheirProvider) {
  Fields fields;
  fields.texts[Tag::folder] = "Entw\xc3\xbcrfe";
  fields.texts[Tag::password] = "p\xc3\xa4ss";
  fields.texts[Tag::refresh] = "select";
  const auto probe = decode(Kind::probe, fields);
  ASSERT_TRUE(probe);
  EXPECT_EQ(std::get<ProbeCommand>(**probe).binding, "b1");
  EXPECT_EQ(std::get<ProbeCommand>(**probe).account.habits, (Habits{.refresh = Refresh::select}));
  RecordWriter writer(static_cast<std::uint16_t>(Kind::watch), 1, {});
  for (const auto& [tag, value] : Fields{}.texts) writer.text(number_of(tag), value);
  writer.u64(number_of(Tag::no_idle), 1)
      .u64(number_of(Tag::idle_break), 55'000)
      .u64(number_of(Tag::refresh_every), UINT64_MAX)
      .u64(number_of(Tag::say_id), 1);
  const Bytes bytes = writer.finish(1);
  const auto watch = decode_command(parse_record(bytes).value());
  ASSERT_TRUE(watch);
  EXPECT_EQ(std::get<WatchCommand>(**watch).account.habits,
            (Habits{.idle = false, .idle_break = seconds(55), .refresh_every = seconds(3600), .say_id = true}));
  for (const auto& [tag, bad] : std::map<Tag, std::string>{
           {Tag::refresh, "often"}, {Tag::folder, "\xff"}, {Tag::user, "a\r\nb"}, {Tag::address, "x"}, {Tag::binding, ""}}) {
    Fields wrong;
    wrong.texts[tag] = bad;
    EXPECT_FALSE(decode(Kind::probe, wrong)) << bad;
  }
}

TEST(Commands, WatchNamesSuspectsAndTheNewestMail) {
  Fields fields;
  fields.texts[Tag::suspect] = "3 b with blanks";
  fields.texts[Tag::newest_id] = "m@x";
  const auto command = decode(Kind::watch, fields);
  ASSERT_TRUE(command);
  const auto& watch = std::get<WatchCommand>(**command);
  EXPECT_EQ(watch.cursor.form(), "1 7 0 0 m@x");
  EXPECT_TRUE(watch.deadly.contains("b with blanks"));
  EXPECT_EQ(watch.cursor.trials().find("b with blanks")->tries, 3u);
  for (const std::string bad : {"", "3", "3 ", "x 41", "0 41", "-1 41", "1 a\r\nb"}) {
    fields.texts[Tag::suspect] = bad;
    EXPECT_FALSE(decode(Kind::watch, fields)) << bad;
  }
}

TEST(Commands, WhatIsMissingOrWrongIsRefused) {
  struct Row {
    Tag tag;
    std::string value;
    const ErrorInfo* error;
  };
  const std::vector<Row> rows{
      {Tag::binding, "", &mailbox_record},         {Tag::protocol, "jmap", &mailbox_record}, {Tag::protocol, "", &mailbox_record},
      {Tag::address, "mail:993", &mailbox_record}, {Tag::address, "", &mailbox_record},      {Tag::tls, "maybe", &mailbox_record},
      {Tag::tls_name, "", &mailbox_record},        {Tag::mode, "push", &mailbox_record},     {Tag::last_uid, "4294967296", &mailbox_record},
      {Tag::last_uid, "-1", &mailbox_record},      {Tag::last_uid, "1x", &mailbox_record},   {Tag::user, "a\r\nb", &mailbox_argument},
      {Tag::user, "", &mailbox_argument},          {Tag::password, "\n", &mailbox_argument}, {Tag::folder, "\x01", &mailbox_argument},
  };
  for (const Row& row : rows) {
    Fields fields;
    fields.texts[row.tag] = row.value;
    const auto command = decode(Kind::watch, fields);
    ASSERT_FALSE(command) << row.value;
    EXPECT_EQ(command.error().info, row.error) << row.value;
  }
  ItemId item;
  item.bytes[0] = 1;
  Fields fields;
  EXPECT_FALSE(decode(Kind::fetch, fields, item));
  fields.texts[Tag::uid] = "5";
  EXPECT_TRUE(decode(Kind::fetch, fields, item));
  EXPECT_FALSE(decode(Kind::fetch, fields));
  EXPECT_FALSE(decode(Kind::mark, fields, item));
  fields.texts[Tag::mark] = "delete";
  EXPECT_EQ(std::get<MarkCommand>(**decode(Kind::mark, fields, item)).mark, Mark::remove);
  fields.texts[Tag::uid] = "5\r\n";
  EXPECT_FALSE(decode(Kind::fetch, fields, item));
  EXPECT_FALSE(decode(Kind::credit, fields));
}

TEST(Commands, UnknownKindsArePassedOver) {
  const auto command = decode(static_cast<Kind>(31), {});
  ASSERT_TRUE(command);
  EXPECT_FALSE(*command);
}

TEST(MailDate, ReadsWhatMailCarries) {
  struct Row {
    std::string_view text;
    std::string_view rfc3339;  // empty: not a date
  };
  constexpr std::array<Row, 16> rows{{
      {"Mon, 23 Nov 2026 21:54:12 +0100", "2026-11-23T20:54:12.000Z"},
      {"23 Nov 2026 21:54:12 -0800 (PST)", "2026-11-24T05:54:12.000Z"},
      {" Mon,\r\n 23 nov 2026 21:54 GMT", "2026-11-23T21:54:00.000Z"},
      {"Tue, 1 Jan 70 00:00:00 UT", "1970-01-01T00:00:00.000Z"},
      {"1 Jan 49 00:00:00 EST", "2049-01-01T05:00:00.000Z"},
      {"Thu, 29 Feb 2024 23:59:60 +0000", "2024-03-01T00:00:00.000Z"},
      {"Mon, 23 Nov 2026 21:54:12", "2026-11-23T21:54:12.000Z"},
      {"29 Feb 2023 00:00:00 +0000", ""},
      {"32 Jan 2023 00:00:00 +0000", ""},
      {"1 Foo 2023 00:00:00 +0000", ""},
      {"1 Jan 2023 24:00:00 +0000", ""},
      {"1 Jan 2023", ""},
      {"1 Jan 99999 00:00:00", ""},
      {"-1 Jan 2023 00:00:00", ""},
      {"", ""},
      {"today", ""},
  }};
  for (const Row& row : rows) {
    const auto date = parse_mail_date(row.text);
    EXPECT_EQ(date ? format_rfc3339(*date) : std::string(), row.rfc3339) << row.text;
  }
}

TEST(MailDate, InternalDateIsWrittenAnewInUtc) {
  EXPECT_EQ(format_internal_date(*parse_internal_date("17-Jul-1996 02:44:25 -0700")), "17-Jul-1996 09:44:25 +0000");
  EXPECT_EQ(format_internal_date(*parse_internal_date(" 3-Nov-2026 00:30:00 +0100")), "02-Nov-2026 23:30:00 +0000");
  for (const std::string_view bad : {"", "17-Jul-1996", "31-Feb-2026 00:00:00 +0000", "17-Jul-1969 02:44:25 +0000", "now"}) {
    EXPECT_FALSE(parse_internal_date(bad)) << bad;
  }
}

TEST(Announcement, SaysWhatTheHeaderSays) {
  const auto said = announce(
      Arrival{.uid = "1",
              .size = 5,
              .header = "From: =?utf-8?q?J=C3=BCrgen?= <joe@example.com>, other@example.com\r\nSubject: =?utf-8?b?8J+Yig==?=\r\n folded\r\n"
                        "Message-ID: <a@b>\r\nReferences: <one@b>\r\n <two@b>\r\nReply-To: answers@example.org\r\nDate: Thu, 1 Jan 1970 "
                        "00:00:01 +0000\r\n"});
  EXPECT_EQ(said.sender, "Jürgen <joe@example.com>");
  EXPECT_EQ(said.subject, "😊 folded");
  EXPECT_EQ(said.message_id, "a@b");
  EXPECT_EQ(said.references, (std::vector<std::string>{"one@b", "two@b"}));
  EXPECT_EQ(said.reply_to, "answers@example.org");
  EXPECT_EQ(said.date.us, 1'000'000);
}

TEST(Announcement, NothingReadableIsStillAnAnnouncement) {
  for (const std::string& header : {std::string(), std::string("\xff\xfe\0\r\n\r\n", 7), std::string("Subject"), std::string(200'000, 'a'),
                                    std::string("From: <<<<>>>>\r\nReferences: <<> <\r\n")}) {
    const auto said = announce(Arrival{.uid = "1", .size = 0, .header = header});
    EXPECT_LE(said.subject.size(), 1000u);
    EXPECT_TRUE(said.references.empty());
  }
}

TEST(Announcement, LongThreadsKeepTheirEnds) {
  std::string header = "References:";
  for (int i = 0; i < 500; ++i) header += " <" + std::to_string(i) + "@b>\r\n";
  const auto said = announce(Arrival{.uid = "1", .size = 0, .header = header});
  ASSERT_EQ(said.references.size(), 20u);
  EXPECT_EQ(said.references.front(), "0@b");
  EXPECT_EQ(said.references.back(), "499@b");
}

TEST(RetryPause, DoublesUpToTheMostAndIsHalfRandom) {
  const Duration first = seconds(1), most = seconds(300);
  std::int64_t expected = 1000;
  for (std::uint32_t failures = 1; failures < 40; ++failures) {
    for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{123456789012345}, UINT64_MAX}) {
      const Duration pause = retry_pause(failures, first, most, random);
      EXPECT_GE(pause.ms(), expected / 2);
      EXPECT_LE(pause.ms(), expected);
    }
    expected = std::min<std::int64_t>(expected * 2, 300'000);
  }
}

}  // namespace
}  // namespace pushmail::mailbox

// winmail.dat: what Outlook puts in, and every way it can be broken.
#include <gtest/gtest.h>

#include "codec/mime/tnef.h"
#include "codec/mime/tolerances.h"
#include "core/limits.h"
#include "tests/unit/codec/mime/tnef_builder.h"

namespace pushmail::mime {
namespace {

using tnef_builder::attribute, tnef_builder::little, tnef_builder::Properties, tnef_builder::start;

constexpr std::string_view uber_utf16("\xDC\0b\0e\0r\0\0\0", 10);

Bytes full_message() {
  Bytes out = start();
  Bytes codepage;
  append<std::uint32_t>(codepage, 1251, little);
  append<std::uint32_t>(codepage, 0, little);
  attribute(out, 1, 0x00069007, codepage);
  attribute(out, 1, 0x00018004, bytes_of(std::string_view("\xCF\xF0\xE8\0", 4)));
  attribute(out, 1, 0x0002800C, bytes_of(std::string_view("one\r\ntwo\0", 9)));
  attribute(out, 1, 0x00069003,
            Properties()
                .fixed(0x0003, 0x0017, 4)
                .fixed(0x0040, 0x0039, 8)
                .fixed(0x0048, 0x0001, 16)
                .named("")
                .named("n\0a\0m\0")
                .sized(0x001F, 0x0037, uber_utf16)
                .sized(0x0102, 0x1009, "LZFu")
                .sized(0x0102, 0x1013, "<p>\xCF")
                .several(0x101E, 0x1000, {"\xCF first\r\n", "second"})
                .bytes());
  attribute(out, 2, 0x00069002, bytes_of("rendering data"));
  attribute(out, 2, 0x00018010, bytes_of(std::string_view("SHORT~1.TXT\0", 12)));
  attribute(out, 2, 0x0006800F, bytes_of("hello"));
  attribute(out, 2, 0x00069005,
            Properties()
                .sized(0x001E, 0x3704, "SHORT~1.TXT")
                .sized(0x001F, 0x3707, uber_utf16)
                .sized(0x001E, 0x370E, "Text/Plain")
                .sized(0x001E, 0x3712, "one@example")
                .bytes());
  attribute(out, 2, 0x00069002, {});
  attribute(out, 2, 0x00069005, Properties().sized(0x001E, 0x3704, "b.bin").sized(0x0102, 0x3701, "bytes").bytes());
  return out;
}

TEST(Tnef, ReadsTextAndAttachments) {
  const Bytes bytes = full_message();
  Arena arena;
  std::vector<Tolerance> notes;
  const auto tnef = read_tnef(bytes, arena, &notes);
  ASSERT_TRUE(tnef);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(tnef->subject, "Über");
  EXPECT_EQ(tnef->body, "П first\n");
  EXPECT_EQ(tnef->html, "<p>П");
  EXPECT_FALSE(tnef->rtf.empty());
  ASSERT_EQ(tnef->attachments.size(), 2U);
  EXPECT_EQ(tnef->attachments[0].name, "Über");
  EXPECT_EQ(tnef->attachments[0].media_type, "text/plain");
  EXPECT_EQ(tnef->attachments[0].content_id, "one@example");
  EXPECT_EQ(text_of(tnef->attachments[0].data), "hello");
  EXPECT_EQ(tnef->attachments[1].name, "b.bin");
  EXPECT_EQ(text_of(tnef->attachments[1].data), "bytes");
}

TEST(Tnef, AttributesAloneAreEnough) {
  Bytes out = start();
  Bytes codepage;
  append<std::uint32_t>(codepage, 4711, little);  // unknown: guessed
  attribute(out, 1, 0x00069007, codepage);
  attribute(out, 1, 0x00018004, bytes_of("caf\xE9"));
  attribute(out, 1, 0x0002800C, bytes_of("a\r\nb"));
  attribute(out, 1, 0x00078008, bytes_of("IPM.Note"));
  attribute(out, 2, 0x0006800F, bytes_of("of no attachment"));
  attribute(out, 2, 0x00069002, {});
  attribute(out, 2, 0x00018010, bytes_of("x.txt"));
  attribute(out, 2, 0x00068011, bytes_of("metafile"));
  Arena arena;
  const auto tnef = read_tnef(out, arena);
  ASSERT_TRUE(tnef);
  EXPECT_EQ(tnef->subject, "café");
  EXPECT_EQ(tnef->body, "a\nb");
  EXPECT_TRUE(tnef->rtf.empty());
  ASSERT_EQ(tnef->attachments.size(), 1U);
  EXPECT_EQ(tnef->attachments[0].name, "x.txt");
  EXPECT_TRUE(tnef->attachments[0].data.empty());
}

TEST(Tnef, Errors) {
  Arena arena;
  EXPECT_TRUE(read_tnef({}, arena).error().is(tnef_bad_signature));
  EXPECT_TRUE(read_tnef(bytes_of("PK\x03\x04 not this"), arena).error().is(tnef_bad_signature));
  Bytes cut = start();
  attribute(cut, 1, 0x00018004, bytes_of("subject"));
  cut.pop_back();
  EXPECT_TRUE(read_tnef(cut, arena).error().is(tnef_truncated));
  EXPECT_EQ(read_tnef(cut, arena).error().at, 6U);
  Bytes level = start();
  attribute(level, 3, 0x00018004, bytes_of("subject"));
  EXPECT_TRUE(read_tnef(level, arena).error().is(tnef_bad_level));
  for (const Bytes& properties : {Properties().sized(0x0999, 0x1000, "no such type").bytes(), Bytes{1, 0, 0, 0, 0x1E},
                                  Bytes{1, 0, 0, 0, 0x1E, 0, 0, 0x10, 1, 0, 0, 0, 9, 0, 0, 0, 'x'}, Bytes{255, 255, 255, 255},
                                  Bytes{1, 0, 0, 0, 0x02, 0x11, 0, 0x10, 255, 255, 255, 255}}) {
    Bytes broken = start();
    attribute(broken, 1, 0x00069003, properties);
    EXPECT_TRUE(read_tnef(broken, arena).error().is(tnef_bad_properties));
  }
}

TEST(Tnef, WhatIsBrokenLaterEndsTheReading) {
  const Bytes whole = full_message();
  Arena arena;
  std::size_t with_attachment = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<Tolerance> notes;
    const auto tnef = read_tnef(ByteView(whole).first(size), arena, &notes);
    for (const Tolerance& note : notes) EXPECT_EQ(note.rule, tolerance::tnef_broken);
    if (tnef && !tnef->attachments.empty() && !notes.empty()) ++with_attachment;
    arena.reset();
  }
  EXPECT_GT(with_attachment, 0U);
}

TEST(Tnef, AWrongChecksumIsNotedOnce) {
  Bytes bytes = start();
  for (int i = 0; i < 2; ++i) {
    attribute(bytes, 1, 0x0002800C, bytes_of("text"));
    bytes.back() ^= 1;
  }
  Arena arena;
  std::vector<Tolerance> notes;
  const auto tnef = read_tnef(bytes, arena, &notes);
  ASSERT_TRUE(tnef);
  EXPECT_EQ(tnef->body, "text");
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes[0].rule, tolerance::tnef_checksum);
}

TEST(Tnef, AttachmentsAreBounded) {
  Bytes bytes = start();
  for (std::size_t i = 0; i < limits::mime_part_count_max + 5; ++i) {
    attribute(bytes, 2, 0x00069002, {});
    attribute(bytes, 2, 0x00018010, bytes_of(std::to_string(i)));
  }
  Arena arena;
  const auto tnef = read_tnef(bytes, arena);
  ASSERT_TRUE(tnef);
  ASSERT_EQ(tnef->attachments.size(), limits::mime_part_count_max);
  EXPECT_EQ(tnef->attachments.back().name, std::to_string(limits::mime_part_count_max - 1));
}

TEST(Tnef, IsKnownByTypeOrName) {
  EXPECT_TRUE(is_tnef(parse_entity("application/ms-tnef", {})->parts[0]));
  EXPECT_TRUE(is_tnef(parse_entity("application/octet-stream; name=WINMAIL.DAT", {})->parts[0]));
  EXPECT_FALSE(is_tnef(parse_entity("application/octet-stream; name=mail.dat", {})->parts[0]));
}

}  // namespace
}  // namespace pushmail::mime

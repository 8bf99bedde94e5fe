// Every kind of PDU with every field and every value: what is written is read the same, and written again to the same octets.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "codec/mms/pdu.h"
#include "tests/unit/codec/mms/generator.h"

namespace pushmail::mms {
namespace {

constexpr int pdu_count = 2000;

void expect_same_content(const MultimediaMessage& read, const MultimediaMessage& made) {
  EXPECT_EQ(read.subject, made.subject);
  ASSERT_EQ(read.parts.size(), made.parts.size());
  for (std::size_t i = 0; i < made.parts.size(); ++i) {
    EXPECT_EQ(read.parts[i].media_type, made.parts[i].media_type);
    EXPECT_EQ(read.parts[i].charset, made.parts[i].charset);
    EXPECT_EQ(read.parts[i].name, made.parts[i].name);
    EXPECT_EQ(read.parts[i].content_id, made.parts[i].content_id);
    EXPECT_EQ(read.parts[i].content_location, made.parts[i].content_location);
    EXPECT_EQ(to_hex(read.parts[i].data), to_hex(made.parts[i].data));
  }
  EXPECT_EQ(read.presentation, made.presentation);
}

/// Member by member, those of all forms.
void expect_same(const Pdu& read, const Pdu& made) {
  EXPECT_EQ(read.type, made.type);
  EXPECT_EQ(read.version, made.version);
  EXPECT_EQ(read.has_content, made.has_content);
  for (const FieldForm form : {FieldForm::single, FieldForm::listed, FieldForm::counted}) {
    for (const Field& usual : fields()) {
      const Field& field = *field_of(usual.code, form);
      std::visit(
          [&](auto member) {
            if constexpr (!std::is_same_v<decltype(member), std::monostate>) {
              EXPECT_TRUE(read.*member == made.*member) << field.name;
            }
          },
          field.member);
    }
  }
  expect_same_content(read.content, made.content);
  EXPECT_EQ(dump(read), dump(made));
}

TEST(MmsGenerated, EveryPduComesBackAndGoesOutTheSame) {
  Generator generator(2606);
  for (int i = 0; i < pdu_count; ++i) {
    const PduRow& row = pdus()[static_cast<std::size_t>(i) % pdus().size()];
    SCOPED_TRACE(std::string(row.name) + " " + std::to_string(i));
    const Pdu made = i % 7 == 0 ? generator.make_full(row) : generator.make(row);
    const auto octets = encode(made);
    ASSERT_TRUE(octets.has_value()) << octets.error().info->name;
    const auto read = decode(*octets);
    ASSERT_TRUE(read.has_value()) << read.error().info->name << " at " << read.error().at;
    expect_same(*read, made);
    const auto again = encode(*read);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(to_hex(*again), to_hex(*octets));
    if (HasFailure()) break;
  }
}

TEST(MmsGenerated, CoversEveryFieldAndValueOfTheTables) {
  Generator generator(2606);
  std::map<std::string, std::set<std::string_view>> seen_fields;
  std::map<std::uint8_t, std::set<int>> seen_values;
  for (int i = 0; i < pdu_count; ++i) {
    const PduRow& row = pdus()[static_cast<std::size_t>(i) % pdus().size()];
    const Pdu made = i % 7 == 0 ? generator.make_full(row) : generator.make(row);
    for (const PduField& wanted : row.fields) {
      const Field& field = *field_of(wanted.code, row.form);
      if (!is_set(made, field)) continue;
      seen_fields[std::string(row.name)].insert(field.name);
      if (const auto* octet = std::get_if<std::optional<std::uint8_t> Pdu::*>(&field.member))
        seen_values[field.code].insert(*(made.**octet));
      if (const auto* octets = std::get_if<std::vector<std::uint8_t> Pdu::*>(&field.member))
        seen_values[field.code].insert((made.**octets).begin(), (made.**octets).end());
    }
  }
  for (const PduRow& row : pdus()) EXPECT_EQ(seen_fields[std::string(row.name)].size(), row.fields.size()) << row.name;
  for (const Field& field : fields()) {
    for (const FieldValue& value : values_of(field.code))
      EXPECT_TRUE(seen_values[field.code].contains(value.value)) << field.name << " " << value.name;
  }
}

}  // namespace
}  // namespace pushmail::mms

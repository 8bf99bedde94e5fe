// The tables of schema.h at work: make, check and print a record.
#include "core/contract/handoff/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/clock.h"
#include "core/contract/handoff/errors.h"
#include "core/contract/handoff/peer.h"
#include "core/versions.h"

namespace pushmail::handoff {

namespace {

bool fits(FieldType type, ByteView value) {
  switch (type) {
    case FieldType::number:
    case FieldType::signed_number:
      return value.size() == 8;
    case FieldType::trace:
      return value.size() == 16;
    case FieldType::text:
    case FieldType::secret:
    case FieldType::bytes:
      return true;
  }
  return false;
}

void print_field(std::string& line, const TagRow& row, ByteView value) {
  switch (row.type) {
    case FieldType::number:
      fmt::format_to(std::back_inserter(line), " {}={}", row.name, load<std::uint64_t>(value.data(), std::endian::little));
      return;
    case FieldType::signed_number: {
      const auto number = static_cast<std::int64_t>(load<std::uint64_t>(value.data(), std::endian::little));
      const bool is_time = row.tag == Tag::time || row.tag == Tag::date || row.tag == Tag::retry_at || row.tag == Tag::ends_at;
      fmt::format_to(std::back_inserter(line), " {}={}", row.name, is_time ? format_rfc3339(Timestamp{number}) : fmt::to_string(number));
      return;
    }
    case FieldType::trace:
      fmt::format_to(std::back_inserter(line), " {}={}", row.name, to_hex(value));
      return;
    case FieldType::bytes:
      fmt::format_to(std::back_inserter(line), " {}=[{} bytes]", row.name, value.size());
      return;
    case FieldType::text:
    case FieldType::secret:
      break;
  }
  std::string shown = row.type == FieldType::secret ? "***" : std::string(text_of(value));
  std::replace_if(shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  fmt::format_to(std::back_inserter(line), " {}=\"{}\"", row.name, shown);
}

}  // namespace

RecordWriter make(Kind kind, const ItemId& item) { return {static_cast<std::uint16_t>(kind), versions::handoff_schema, item}; }

Result<void> validate(const RecordView& record, Direction direction) {
  const KindRow* row = find_kind(record.header().kind);
  if (row == nullptr) return fail(handoff_unknown_kind);
  if (row->direction != Direction::both && row->direction != direction) return fail(handoff_wrong_way);
  for (const Tag required : row->required) {
    if (required == Tag{}) break;
    if (!record.bytes(tag(required))) return fail(handoff_field_missing, static_cast<std::size_t>(required));
  }
  std::uint16_t wrong = 0;
  record.for_each([&](std::uint16_t field, ByteView value) {
    const TagRow* known = find_tag(field);
    if (known != nullptr && !fits(known->type, value)) wrong = field;
  });
  if (wrong != 0) return fail(handoff_field_type, wrong);
  return {};
}

std::string describe(const RecordView& record) {
  const KindRow* row = find_kind(record.header().kind);
  std::string line = row != nullptr ? std::string(row->name) : fmt::format("kind-{}", record.header().kind);
  if (!record.header().item.empty()) line += " item=" + to_string(record.header().item);
  record.for_each([&](std::uint16_t field, ByteView value) {
    const TagRow* known = find_tag(field);
    if (known != nullptr && fits(known->type, value)) {
      print_field(line, *known, value);
    } else {
      fmt::format_to(std::back_inserter(line), " tag-{}=[{} bytes]", field, value.size());
    }
  });
  return line;
}

}  // namespace pushmail::handoff

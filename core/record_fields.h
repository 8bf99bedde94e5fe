// Fields of a record by the tags of its schema, where what is missing reads as empty.
//
//   const std::string peer = text_or_empty(record, Tag::peer);
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "core/record.h"

namespace pushmail {

/// An enum of one of the schemas.
template <class Tag>
concept RecordTag = std::is_enum_v<Tag> && std::same_as<std::underlying_type_t<Tag>, std::uint16_t>;

template <RecordTag Tag>
[[nodiscard]] std::string text_or_empty(const RecordView& record, Tag tag) {
  return std::string(record.text(static_cast<std::uint16_t>(tag)).value_or(""));
}

template <RecordTag Tag>
[[nodiscard]] std::uint64_t number_or_zero(const RecordView& record, Tag tag) {
  return record.u64(static_cast<std::uint16_t>(tag)).value_or(0);
}

/// Every field with this tag, in order.
template <RecordTag Tag>
[[nodiscard]] std::vector<std::string> all_texts(const RecordView& record, Tag tag) {
  std::vector<std::string> found;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == static_cast<std::uint16_t>(tag)) found.emplace_back(text_of(value));
  });
  return found;
}

}  // namespace pushmail

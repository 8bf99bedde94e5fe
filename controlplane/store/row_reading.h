// What the files of the store's rows share: values of a row, lists in a column, all rows of a statement.
//
// Used by: *_rows.cpp of this folder only.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/store/errors.h"
#include "controlplane/store/rows.h"
#include "controlplane/store/sqlite.h"
#include "core/result.h"

namespace pushmail::store_rows {

using sqlite::Run;

// Lists are one entry a line: message ids and details hold no line ends, which joined() makes sure of.
inline std::string joined(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) {
    for (const char c : entry) text += c == '\n' || c == '\r' ? ' ' : c;
    text += '\n';
  }
  return text;
}

inline std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    entries.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return entries;
}

template <class Id>
Id id_of(const Bytes& bytes) {
  Id id;
  if (bytes.size() == id.bytes.size()) std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

inline Msisdn msisdn_of(const std::string& digits) { return Msisdn::from_digits(digits).value_or(Msisdn()); }

template <HasWords E>
E take_word(Run& run, E otherwise) {
  return parse_word<E>(run.text()).value_or(otherwise);
}

template <class Row>
Result<std::vector<Row>> all(Run& run, Row (*read)(Run&)) {
  std::vector<Row> rows;
  while (true) {
    PM_TRY(const bool row, run.step());
    if (!row) return rows;
    rows.push_back(read(run));
  }
}

template <class Row>
Result<std::optional<Row>> first(Run& run, Row (*read)(Run&)) {
  PM_TRY(const bool row, run.step());
  if (!row) return std::optional<Row>();
  return std::optional<Row>(read(run));
}

// `?, ?, ?` for a column list.
inline std::string question_marks(std::string_view columns) {
  std::string marks = "?";
  for (const char c : columns) marks += c == ',' ? ", ?" : "";
  return marks;
}

// The one number of a count(*).
inline Result<std::uint64_t> counted(Run& run) {
  PM_TRY(const bool row, run.step());
  PM_CHECK(row);
  return static_cast<std::uint64_t>(run.number());
}

// An empty result of a statement that did something is a conflict told as false.
inline Result<bool> stored(Result<void> done) {
  if (done) return true;
  if (done.error().is(store_conflict)) return false;
  return std::unexpected(done.error());
}

// peer_id_key() in SQL, in the very words of the indexes.
inline constexpr std::string_view message_key = R"(ltrim(lower(trim(message_id, ' <>"')), '0'))";

}  // namespace pushmail::store_rows

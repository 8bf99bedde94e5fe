// Rows of text as a table for people: columns as wide as needed, no colours, control characters made harmless.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace pushmail::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Subjects and names come from strangers: a terminal must not obey them.
[[nodiscard]] std::string printable(std::string_view utf8);

}  // namespace pushmail::cli

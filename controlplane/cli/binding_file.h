// Bindings in a file: one JSON object a line, or CSV (RFC 4180) whose first line names the members. For `binding import` and `export`.
#pragma once

#include <cstddef>
#include <expected>
#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pushmail::cli {

struct BindingRow {
  std::size_t line = 0;  // of its first line in the file, from 1
  nlohmann::ordered_json binding{};
};

/// Reads one row after the other; holds one.
class BindingFile {
 public:
  explicit BindingFile(std::istream& in) : in_(in) {}
  /// Nothing at the end. The error says what is wrong with the row that line() names; the next call goes on behind it.
  [[nodiscard]] std::expected<std::optional<BindingRow>, std::string> next();
  [[nodiscard]] std::size_t line() const { return row_line_; }

 private:
  [[nodiscard]] bool take_line(std::string& line);
  [[nodiscard]] std::expected<std::vector<std::string>, std::string> take_fields(std::string line);
  [[nodiscard]] std::expected<nlohmann::ordered_json, std::string> of_fields(const std::vector<std::string>& fields) const;

  std::istream& in_;
  std::size_t lines_ = 0;
  std::size_t row_line_ = 0;
  bool is_foreign_ = false;           // its first line is none of ours: nothing behind it is read
  std::vector<std::string> members_;  // of CSV, once its first line was read
};

/// What `binding import` takes of a binding as the API shows it; its password is known to nobody.
[[nodiscard]] nlohmann::ordered_json importable(const nlohmann::ordered_json& shown);
/// The members in the order of the CSV's columns.
[[nodiscard]] const std::vector<std::string>& binding_columns();
/// One record of CSV without its line end.
[[nodiscard]] std::string csv_of(const std::vector<std::string>& fields);

}  // namespace pushmail::cli

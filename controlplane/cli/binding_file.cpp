#include "controlplane/cli/binding_file.h"

#include <algorithm>

#include "controlplane/store/binding_fields.h"
#include "core/ascii.h"

namespace pushmail::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t row_size_max = 16 * 1024;
constexpr std::string_view front_mark = "\xEF\xBB\xBF";

bool is_blank_line(std::string_view line) { return ascii_trim(line).empty(); }

}  // namespace

bool BindingFile::take_line(std::string& line) {
  if (!std::getline(in_, line)) return false;
  if (++lines_ == 1 && line.starts_with(front_mark)) line.erase(0, front_mark.size());
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

std::expected<std::optional<BindingRow>, std::string> BindingFile::next() {
  std::string line;
  do {
    if (is_foreign_ || !take_line(line)) return std::nullopt;
  } while (is_blank_line(line));
  row_line_ = lines_;
  if (members_.empty() && ascii_trim(line).starts_with('{')) {
    Json json = line.size() > row_size_max ? Json(Json::value_t::discarded) : Json::parse(line, nullptr, false);
    if (!json.is_object()) return std::unexpected("is no JSON object");
    return BindingRow{.line = row_line_, .binding = std::move(json)};
  }
  auto fields = take_fields(std::move(line));
  if (!fields) return std::unexpected(fields.error());
  if (members_.empty()) {
    for (const std::string& name : *fields) {
      is_foreign_ = name != "password" && std::ranges::find(binding_columns(), name) == binding_columns().end();
      if (is_foreign_) return std::unexpected("neither a JSON object nor a line of CSV with the names of members: " + name);
    }
    members_ = std::move(*fields);
    return next();
  }
  auto binding = of_fields(*fields);
  if (!binding) return std::unexpected(binding.error());
  return BindingRow{.line = row_line_, .binding = std::move(*binding)};
}

// RFC 4180 §2: a field in double quotes may hold commas, line ends and, doubled, double quotes.
std::expected<std::vector<std::string>, std::string> BindingFile::take_fields(std::string line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  std::size_t size = 0;
  for (std::size_t at = 0;; ++at) {
    if (at == line.size()) {
      if (!quoted) return fields;
      if (!take_line(line)) return std::unexpected("a double quote is not closed");
      fields.back() += '\n';
      at = static_cast<std::size_t>(-1);
      continue;
    }
    if (++size > row_size_max) return std::unexpected("is longer than 16 KiB");
    const char c = line[at];
    if (quoted && c == '"' && at + 1 < line.size() && line[at + 1] == '"') {
      fields.back() += line[++at];
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
}

std::expected<Json, std::string> BindingFile::of_fields(const std::vector<std::string>& fields) const {
  if (fields.size() != members_.size())
    return std::unexpected(std::to_string(fields.size()) + " fields, and the first line names " + std::to_string(members_.size()));
  Json binding = Json::object();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& value = fields[i];
    if (value.empty()) continue;
    const auto number = parse_number<std::uint64_t>(value);
    const BindingField* field = find_binding_field(members_[i]);
    if (field != nullptr && field->kind == CellKind::number && number) {
      binding[members_[i]] = *number;
    } else if (members_[i] == "shared" && (value == "true" || value == "false")) {
      binding["shared"] = value == "true";
    } else {
      binding[members_[i]] = value;
    }
  }
  return binding;
}

const std::vector<std::string>& binding_columns() {
  static const std::vector<std::string> columns = [] {
    std::vector<std::string> names;
    for (const BindingField& field : binding_fields) {
      if (field.given != Given::never) names.emplace_back(field.name);
    }
    names.insert(names.end(), {"state", "shared"});
    return names;
  }();
  return columns;
}

Json importable(const Json& shown) {
  Json binding = Json::object();
  for (const std::string& member : binding_columns()) {
    if (const auto found = shown.find(member); found != shown.end()) binding[member] = *found;
  }
  if (binding.contains("msisdn")) binding["msisdn"] = "+" + binding["msisdn"].get<std::string>();
  return binding;
}

std::string csv_of(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ',';
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) line.append(c == '"' ? 2 : 1, c);
    line += '"';
  }
  return line;
}

}  // namespace pushmail::cli

#include "codec/scan/rule.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "codec/scan/words.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::scan {

namespace {

struct ActionName {
  std::string_view name;
  Action action;
};
constexpr std::array<ActionName, 5> action_names{{{"reject", Action::reject},
                                                  {"hold", Action::hold},
                                                  {"never-push", Action::never_push},
                                                  {"notify-only", Action::notify_only},
                                                  {"tag", Action::tag}}};

struct PlaceName {
  std::string_view name;
  Places places;
};
constexpr std::array<PlaceName, 6> place_names{{{"subject", place::subject},
                                                {"from", place::from},
                                                {"to", place::to},
                                                {"header", place::subject | place::from | place::to | place::header},
                                                {"text", place::text},
                                                {"any", place::all}}};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= rule_name_size_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

bool is_text(std::string_view line) {
  return simd::active().utf8_valid_prefix(bytes_of(line)) == line.size() && std::all_of(line.begin(), line.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte >= 0x20 && byte != 0x7F) || c == '\t';
         });
}

// The next column, and what is left behind it.
std::string_view take_column(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::string_view column = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(column.size());
  return column;
}

std::optional<Places> parse_where(std::string_view list) {
  Places places = 0;
  while (true) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const auto row =
        std::find_if(place_names.begin(), place_names.end(), [&](const PlaceName& p) { return p.name == list.substr(0, comma); });
    if (row == place_names.end()) return std::nullopt;
    places = static_cast<Places>(places | row->places);
    if (comma == list.size()) return places;
    list.remove_prefix(comma + 1);
  }
}

const ErrorInfo* parse_action(std::string_view column, Rule& rule) {
  const std::size_t equals = std::min(column.find('='), column.size());
  const auto row =
      std::find_if(action_names.begin(), action_names.end(), [&](const ActionName& a) { return a.name == column.substr(0, equals); });
  if (row == action_names.end() || (row->action == Action::tag) != (equals < column.size())) return &scan_bad_action;
  rule.action = row->action;
  if (rule.action != Action::tag) return nullptr;
  rule.tag = column.substr(equals + 1);
  return is_name(rule.tag) ? nullptr : &scan_bad_tag;
}

const ErrorInfo* parse_kind(std::string_view column, Rule& rule) {
  constexpr std::string_view case_mark = "/case";
  if (column.ends_with(case_mark)) {
    rule.letter_case = Case::matters;
    column.remove_suffix(case_mark.size());
  }
  if (column == "word") {
    rule.kind = Kind::word;
  } else if (column == "phrase") {
    rule.kind = Kind::phrase;
  } else if (column == "regex") {
    rule.kind = Kind::regex;
  } else {
    return &scan_bad_kind;
  }
  return nullptr;
}

// Null when the line is a rule.
const ErrorInfo* parse_line(std::string_view line, Rule& rule) {
  if (!is_text(line)) return &scan_not_utf8;
  const std::string_view id = take_column(line);
  if (!is_name(id)) return &scan_bad_id;
  rule.id = id;
  const std::string_view action = take_column(line);
  const std::string_view where = take_column(line);
  const std::string_view kind = take_column(line);
  const std::string_view pattern = ascii_trim(line);
  if (pattern.empty()) return &scan_line_short;
  if (const ErrorInfo* fault = parse_action(action, rule)) return fault;
  const auto places = parse_where(where);
  if (!places) return &scan_bad_where;
  rule.where = *places;
  if (const ErrorInfo* fault = parse_kind(kind, rule)) return fault;
  if (pattern.size() > pattern_size_max) return &scan_pattern_too_long;
  rule.pattern = pattern;
  return check_plain(rule.kind, rule.pattern);
}

}  // namespace

const ErrorInfo* check_plain(Kind kind, std::string_view pattern) {
  if (kind == Kind::regex) return nullptr;
  const std::vector<Word> words = words_of(pattern);
  if (words.empty()) return kind == Kind::word ? &scan_not_a_word : &scan_no_word;
  if (kind == Kind::word && (words.size() != 1 || words.front().size != pattern.size())) return &scan_not_a_word;
  return nullptr;
}

std::string RuleFault::message(std::string_view file) const {
  std::string out = fmt::format("{}:{}: ", file, line);
  if (!id.empty()) out += fmt::format("rule {}: ", id);
  out += info->text;
  if (!detail.empty()) out += ": " + detail;
  return out;
}

std::string_view name_of(Action action) { return action_names[static_cast<std::size_t>(action)].name; }

RuleFile parse_rules(std::string_view file) {
  RuleFile out;
  if (file.size() > rule_file_size_max) {
    out.faults.push_back({.info = &scan_file_too_large, .line = 0, .id = {}, .detail = {}});
    return out;
  }
  std::set<std::string, std::less<>> ids;
  for (std::uint32_t number = 1; !file.empty(); ++number) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = ascii_trim(line);
    if (line.empty() || line.starts_with('#')) continue;

    Rule rule{.id = {},
              .action = Action::tag,
              .tag = {},
              .where = place::all,
              .kind = Kind::word,
              .letter_case = Case::ignored,
              .pattern = {},
              .line = number};
    const ErrorInfo* fault = parse_line(line, rule);
    if (fault == nullptr && !ids.insert(rule.id).second) fault = &scan_id_twice;
    if (fault == nullptr && out.rules.size() == rule_count_max) {
      out.faults.push_back({.info = &scan_too_many_rules, .line = number, .id = {}, .detail = {}});
      return out;
    }
    if (fault == nullptr) {
      out.rules.push_back(std::move(rule));
      continue;
    }
    out.faults.push_back({.info = fault, .line = number, .id = rule.id, .detail = {}});
    if (out.faults.size() == rule_fault_count_max) return out;
  }
  return out;
}

}  // namespace pushmail::scan

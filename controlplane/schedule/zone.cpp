#include "controlplane/schedule/zone.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <map>

#include "core/ascii.h"
#include "core/log.h"
#include "core/storage.h"

namespace pushmail::schedule {

namespace {

constexpr std::size_t header_size = 44;
constexpr std::size_t file_size_max = 64 * 1024;
constexpr std::uint32_t count_max = 4096;

struct Counts {
  std::uint32_t utc_flags, std_flags, leaps, transitions, types, characters;
  [[nodiscard]] std::size_t data_size(std::size_t time_size) const {
    return transitions * (time_size + 1) + types * 6 + characters + leaps * (time_size + 4) + std_flags + utc_flags;
  }
};

// RFC 9636 §3.1.
std::optional<Counts> read_header(ByteView file) {
  if (file.size() < header_size || text_of(file.first(4)) != "TZif") return std::nullopt;
  const auto count = [&](std::size_t index) { return load<std::uint32_t>(file.data() + 20 + 4 * index, std::endian::big); };
  const Counts counts{count(0), count(1), count(2), count(3), count(4), count(5)};
  for (std::size_t i = 0; i < 6; ++i) {
    if (count(i) > count_max) return std::nullopt;
  }
  if (counts.types == 0) return std::nullopt;
  return counts;
}

std::int64_t seconds_of(std::chrono::sys_days day) {
  return std::chrono::duration_cast<std::chrono::seconds>(day.time_since_epoch()).count();
}

// Midnight UTC of the day that a rule names in this year.
std::int64_t day_of(const PosixRule::Change& change, int year) {
  using namespace std::chrono;
  if (change.kind == PosixRule::Change::Kind::month_week_day) {
    const weekday day(static_cast<unsigned>(change.day));
    const std::chrono::year_month month = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(change.month));
    if (change.week == 5) return seconds_of(sys_days(month / day[last]));
    return seconds_of(sys_days(month / day[static_cast<unsigned>(change.week)]));
  }
  const sys_days first(std::chrono::year(year) / January / 1);
  int days = change.day;
  if (change.kind == PosixRule::Change::Kind::julian) {
    // Day 60 is always 1 March: 29 February is never counted.
    days = change.day - 1 + (std::chrono::year(year).is_leap() && change.day >= 60 ? 1 : 0);
  }
  return seconds_of(first) + std::int64_t{days} * 86'400;
}

int year_of(std::int64_t unix_seconds) {
  using namespace std::chrono;
  const auto day = std::chrono::floor<days>(sys_seconds(std::chrono::seconds(unix_seconds)));
  return int(year_month_day(day).year());
}

int offset_by(const PosixRule& rule, std::int64_t at) {
  if (!rule.summer_offset) return rule.standard_offset;
  const int year = year_of(at + rule.standard_offset);
  const std::int64_t begins = day_of(rule.begins, year) + rule.begins.second - rule.standard_offset;
  const std::int64_t ends = day_of(rule.ends, year) + rule.ends.second - *rule.summer_offset;
  const bool summer = begins < ends ? at >= begins && at < ends : at >= begins || at < ends;
  return summer ? *rule.summer_offset : rule.standard_offset;
}

// Reads a POSIX TZ text from the front; every step fails to nothing.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] char front() const { return rest_.empty() ? '\0' : rest_.front(); }

  [[nodiscard]] bool name() {
    std::size_t size = 0;
    if (take('<')) {
      size = rest_.find('>');
      if (size == std::string_view::npos) return false;
      rest_.remove_prefix(size + 1);
      return size >= 3;
    }
    while (size < rest_.size() && is_letter(rest_[size])) ++size;
    rest_.remove_prefix(size);
    return size >= 3;
  }
  [[nodiscard]] std::optional<int> number() {
    int value = 0;
    std::size_t size = 0;
    while (size < rest_.size() && size < 4 && is_digit(rest_[size])) value = value * 10 + (rest_[size++] - '0');
    if (size == 0) return std::nullopt;
    rest_.remove_prefix(size);
    return value;
  }
  // [+-]hh[:mm[:ss]]
  [[nodiscard]] std::optional<int> time() {
    int sign = 1;
    if (take('-'))
      sign = -1;
    else if (take('+'))
      sign = 1;
    const auto hours = number();
    if (!hours || *hours > 167) return std::nullopt;
    int value = *hours * 3600;
    for (const int unit : {60, 1}) {
      if (!take(':')) break;
      const auto part = number();
      if (!part || *part > 59) return std::nullopt;
      value += *part * unit;
    }
    return sign * value;
  }
  [[nodiscard]] std::optional<PosixRule::Change> change() {
    PosixRule::Change result;
    if (take('M')) {
      const auto month = number();
      if (!month || *month < 1 || *month > 12 || !take('.')) return std::nullopt;
      const auto week = number();
      if (!week || *week < 1 || *week > 5 || !take('.')) return std::nullopt;
      const auto day = number();
      if (!day || *day > 6) return std::nullopt;
      result.month = *month;
      result.week = *week;
      result.day = *day;
    } else {
      result.kind = take('J') ? PosixRule::Change::Kind::julian : PosixRule::Change::Kind::day_of_year;
      const auto day = number();
      if (!day || *day > 365 || (result.kind == PosixRule::Change::Kind::julian && *day < 1)) return std::nullopt;
      result.day = *day;
    }
    if (take('/')) {
      const auto second = time();
      if (!second) return std::nullopt;
      result.second = *second;
    }
    return result;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::optional<PosixRule> parse_posix_rule(std::string_view text) {
  RuleReader reader(text);
  PosixRule rule;
  if (!reader.name()) return std::nullopt;
  const auto west = reader.time();
  if (!west) return std::nullopt;
  rule.standard_offset = -*west;  // POSIX counts west, we count east
  if (reader.at_end()) return rule;
  if (!reader.name()) return std::nullopt;
  rule.summer_offset = rule.standard_offset + 3600;
  if (reader.front() != ',') {
    const auto summer_west = reader.time();
    if (!summer_west) return std::nullopt;
    rule.summer_offset = -*summer_west;
  }
  if (!reader.take(',')) return std::nullopt;
  const auto begins = reader.change();
  if (!begins || !reader.take(',')) return std::nullopt;
  const auto ends = reader.change();
  if (!ends || !reader.at_end()) return std::nullopt;
  rule.begins = *begins;
  rule.ends = *ends;
  return rule;
}

int Zone::offset_at(std::int64_t at) const {
  if (transitions_.empty() || at < transitions_.front().at) return transitions_.empty() && rule_ ? offset_by(*rule_, at) : first_offset_;
  if (at >= transitions_.back().at && rule_) return offset_by(*rule_, at);
  const auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), at, [](std::int64_t t, const Transition& x) { return t < x.at; });
  return std::prev(next)->offset;
}

std::optional<Zone> parse_tzif(ByteView file) {
  const auto old_counts = read_header(file);
  if (!old_counts) return std::nullopt;
  // Version 1 data has 32-bit times; the block after it repeats everything with 64 bits (RFC 9636 §3).
  std::size_t time_size = 4;
  Counts counts = *old_counts;
  if (file[4] >= '2') {
    const std::size_t skip = header_size + counts.data_size(4);
    if (skip > file.size()) return std::nullopt;
    file = file.subspan(skip);
    const auto new_counts = read_header(file);
    if (!new_counts) return std::nullopt;
    counts = *new_counts;
    time_size = 8;
  }
  file = file.subspan(header_size);
  if (file.size() < counts.data_size(time_size)) return std::nullopt;

  const ByteView times = file.first(counts.transitions * time_size);
  const ByteView indexes = file.subspan(times.size(), counts.transitions);
  const ByteView types = file.subspan(times.size() + indexes.size(), counts.types * 6);
  const auto offset_of = [&](std::size_t type) { return static_cast<int>(load<std::uint32_t>(types.data() + type * 6, std::endian::big)); };

  Zone zone;
  zone.first_offset_ = offset_of(0);
  for (std::size_t i = 0; i < counts.transitions; ++i) {
    if (indexes[i] >= counts.types) return std::nullopt;
    const std::int64_t at = time_size == 8 ? static_cast<std::int64_t>(load<std::uint64_t>(times.data() + i * 8, std::endian::big))
                                           : static_cast<std::int32_t>(load<std::uint32_t>(times.data() + i * 4, std::endian::big));
    if (!zone.transitions_.empty() && at <= zone.transitions_.back().at) return std::nullopt;
    zone.transitions_.push_back({at, offset_of(indexes[i])});
  }
  if (time_size == 8) {
    const std::string_view footer = text_of(file.subspan(counts.data_size(8)));
    if (footer.size() >= 2 && footer.front() == '\n' && footer.back() == '\n') {
      const std::string_view rule = footer.substr(1, footer.size() - 2);
      if (!rule.empty()) zone.rule_ = parse_posix_rule(rule);
    }
  }
  return zone;
}

std::shared_ptr<const Zone> load_zone(std::string_view name) {
  // One thread runs the control plane's schedule; the cache lives as long as the process.
  static std::map<std::string, std::shared_ptr<const Zone>, std::less<>> cache;
  if (const auto found = cache.find(name); found != cache.end()) return found->second;
  std::shared_ptr<const Zone> zone;
  if (name == "UTC") {
    zone = std::make_shared<const Zone>();
  } else {
    // A name is letters, digits and `_+-/`: nothing that leaves the folder.
    const bool clean = !name.empty() && name.size() < 64 && name.front() != '/' &&
                       std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '_' || c == '+' || c == '-' || c == '/'; });
    if (!clean) return nullptr;
    const std::string path = "/usr/share/zoneinfo/" + std::string(name);
    const auto content = read_file(system_storage(), path, {.link_followed = true, .size_max = file_size_max});
    if (!content && content.error().os != ENOENT) log_error("no_zone").text("file", path).error(content.error());
    if (!content) return nullptr;
    const auto parsed = parse_tzif(*content);
    if (!parsed) return nullptr;
    zone = std::make_shared<const Zone>(*parsed);
  }
  cache.emplace(std::string(name), zone);
  return zone;
}

}  // namespace pushmail::schedule

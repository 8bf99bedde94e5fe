#define TOML_EXCEPTIONS 0
#include "core/config.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <tuple>

#include "core/ascii.h"
#include "core/limits.h"
#include "core/nearest_word.h"
#include "core/siphash.h"
#include "core/storage.h"

namespace pushmail {

namespace {

// Of these there are any number, each with a name: `peer.mmsc1.url` has the row of `peer.*.url`.
constexpr std::array<std::string_view, 2> named_tables{"peer", "bearer"};

/// `peer.*.url` of `peer.mmsc1.url`; any other path as it is.
std::string generic_path(std::string_view path) {
  for (const std::string_view table : named_tables) {
    const std::size_t dot = path.rfind('.');
    if (!path.starts_with(table) || path.size() == table.size() || path[table.size()] != '.' || dot == table.size()) continue;
    return fmt::format("{}.*.{}", table, path.substr(dot + 1));
  }
  return std::string(path);
}
constexpr std::string_view must_be_given = "!";

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};
constexpr auto size_units = std::to_array<Unit>({{"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {"B", 1}});
constexpr auto duration_units = std::to_array<Unit>({{"ms", 1}, {"min", 60'000}, {"s", 1'000}, {"h", 3'600'000}, {"d", 86'400'000}});

// Number and unit, `25MiB`: the unit is required, so that nobody guesses.
std::expected<std::int64_t, std::string> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::string known;
  if (error == std::errc{} && number >= 0) {
    for (const Unit& unit : units) {
      if (suffix == unit.suffix) {
        if (number > INT64_MAX / unit.factor) return std::unexpected("too large");
        return number * unit.factor;
      }
    }
  }
  for (const Unit& unit : units) known += fmt::format("{}{}", known.empty() ? "" : ", ", unit.suffix);
  return std::unexpected(fmt::format("must be a number and a unit ({}), got \"{}\"", known, text));
}

std::expected<std::int64_t, std::string> in_range(const ConfigKey& key, std::int64_t value) {
  if (value < key.least) return std::unexpected(fmt::format("must be at least {}", key.least));
  if (value > key.most) return std::unexpected(fmt::format("must be at most {}", key.most));
  return value;
}

// Text that stands for a value of this type, in a file between quotes or as a default in the table.
std::expected<ConfigValue, std::string> value_of_text(const ConfigKey& key, std::string_view text) {
  switch (key.type) {
    case KeyType::text:
      return std::string(text);
    case KeyType::word:
      if (!is_word_of(text, key.words)) return std::unexpected(fmt::format("must be one of {}, got \"{}\"", key.words, text));
      return std::string(text);
    case KeyType::endpoint:
      if (!parse_endpoint(text)) return std::unexpected(fmt::format("must be address:port, got \"{}\"", text));
      return std::string(text);
    case KeyType::size:
    case KeyType::duration: {
      const auto number = parse_with_unit(text, key.type == KeyType::size ? std::span<const Unit>(size_units) : duration_units);
      if (!number) return std::unexpected(number.error());
      return in_range(key, *number);
    }
    case KeyType::flag:
      if (text != "true" && text != "false") return std::unexpected("must be true or false");
      return text == "true";
    case KeyType::number: {
      const auto number = parse_number<std::int64_t>(text);
      if (!number) return std::unexpected("must be a whole number");
      return in_range(key, *number);
    }
    case KeyType::text_list:
    case KeyType::network_list: {
      std::vector<std::string> entries;
      while (!text.empty()) {
        const std::size_t blank = std::min(text.find(' '), text.size());
        entries.emplace_back(text.substr(0, blank));
        text.remove_prefix(std::min(blank + 1, text.size()));
      }
      return entries;
    }
  }
  return std::unexpected("unknown type");
}

std::expected<ConfigValue, std::string> value_of_node(const ConfigKey& key, const toml::node& node) {
  switch (key.type) {
    case KeyType::flag:
      if (const auto flag = node.value_exact<bool>()) return *flag;
      return std::unexpected("must be true or false, without quotes");
    case KeyType::number:
      if (const auto number = node.value_exact<std::int64_t>()) return in_range(key, *number);
      return std::unexpected("must be a whole number, without quotes");
    case KeyType::text_list:
    case KeyType::network_list: {
      const toml::array* array = node.as_array();
      if (array == nullptr) return std::unexpected("must be a list of texts");
      std::vector<std::string> texts;
      for (const toml::node& element : *array) {
        const auto text = element.value_exact<std::string>();
        if (!text) return std::unexpected("must be a list of texts");
        if (key.type == KeyType::network_list && !parse_network(*text)) {
          return std::unexpected(fmt::format("\"{}\" is neither an address nor a network like 192.0.2.0/24", *text));
        }
        texts.push_back(*text);
      }
      return texts;
    }
    default: {
      const auto text = node.value_exact<std::string>();
      if (!text) return std::unexpected("must be text in quotes");
      return value_of_text(key, *text);
    }
  }
}

}  // namespace

const ConfigKey* find_key(std::string_view path) {
  const std::string generic = generic_path(path);
  for (const ConfigKey& key : config_keys()) {
    if (key.path == generic) return &key;
  }
  return nullptr;
}

const ConfigKey* inherited_key(const ConfigKey& key) {
  constexpr std::string_view bearers = "bearer.*.";
  return key.path.starts_with(bearers) ? find_key(fmt::format("notify.{}", key.path.substr(bearers.size()))) : nullptr;
}

ConfigValue default_of(const ConfigKey& key) {
  if (key.default_value == must_be_given) return std::string();
  return value_of_text(key, key.default_value).value_or(std::string());
}

std::string unknown_key_rule(std::string_view path) {
  const std::string_view last = path.substr(path.rfind('.') == std::string_view::npos ? 0 : path.rfind('.') + 1);
  NearestWord nearest(last);
  for (const ConfigKey& key : config_keys()) {
    const std::string_view name = key.path.substr(key.path.rfind('.') == std::string_view::npos ? 0 : key.path.rfind('.') + 1);
    const bool same_table = key.path.substr(0, key.path.find('.')) == path.substr(0, path.find('.'));
    nearest.offer(key.path, slips(last, name) + (same_table ? 0 : 1));
  }
  return "unknown key" + nearest.suggestion();
}

std::expected<Duration, std::string> parse_duration(std::string_view text) {
  const auto ms = parse_with_unit(text, duration_units);
  if (!ms) return std::unexpected(ms.error());
  // A century in nanoseconds still fits.
  if (*ms > 3'000'000'000'000) return std::unexpected("too large");
  return milliseconds(*ms);
}

std::string ConfigError::message() const {
  return key.empty() ? fmt::format("{}:{}: {}", file, line, rule) : fmt::format("{}:{}: {}: {}", file, line, key, rule);
}

std::string ConfigError::messages() const {
  std::string all = message();
  for (const ConfigError& other : others) all += "\n" + other.message();
  return all;
}

void Config::read(std::string_view toml_text, const std::string& file, std::vector<ConfigError>& errors) {
  if (first_file_.empty()) first_file_ = file;
  const toml::parse_result parsed = toml::parse(toml_text, file);
  if (!parsed) {
    errors.push_back({file, parsed.error().source().begin.line, "", std::string(parsed.error().description())});
    return;
  }
  // Tables are at most two deep (peer.NAME), so a walk by hand and no recursion on input.
  struct Pending {
    const toml::table* table;
    std::string prefix;
  };
  std::vector<Pending> pending{{&parsed.table(), ""}};
  while (!pending.empty()) {
    const Pending current = pending.back();
    pending.pop_back();
    for (const auto& [name, node] : *current.table) {
      const std::string path = current.prefix + std::string(name.str());
      const auto line = static_cast<std::uint32_t>(name.source().begin.line);
      if (const toml::table* table = node.as_table(); table != nullptr) {
        const bool is_named =
            std::ranges::any_of(named_tables, [&](std::string_view named) { return current.prefix == std::string(named) + "."; });
        const bool known =
            is_named || std::ranges::any_of(config_keys(), [&](const ConfigKey& key) { return key.path.starts_with(path + "."); });
        if (known) {
          tables_.emplace(path, Place{file, line});
          pending.push_back({table, path + "."});
        } else {
          errors.push_back({file, line, path, "unknown table"});
        }
        continue;
      }
      const ConfigKey* key = find_key(path);
      if (key == nullptr) {
        errors.push_back({file, line, path, unknown_key_rule(path)});
        continue;
      }
      auto read_value = value_of_node(*key, node);
      const bool good = read_value.has_value();
      if (!good) errors.push_back({file, line, path, read_value.error()});
      if (!places_.emplace(path, Place{file, line}).second) {
        errors.push_back({file, line, path, "was already given in another file"});
      } else if (good) {
        values_.emplace(path, std::move(*read_value));
      }
    }
  }
}

// Defaults for what was not given; keys that must be given are demanded of every peer that is named.
void Config::complete(std::vector<ConfigError>& errors) {
  for (const ConfigKey& key : config_keys()) {
    for (const std::string& path : paths_of(key)) {
      if (values_.contains(path)) continue;
      if (key.default_value == must_be_given) {
        // What was given wrongly is not missing.
        if (!places_.contains(path)) errors.push_back(error_at(path, "must be given"));
        continue;
      }
      const bool may_be_empty = is_list(key.type) || key.type == KeyType::text;
      if (key.default_value.empty() && !may_be_empty) continue;
      const auto value = value_of_text(key, key.default_value);
      PM_CHECK(value.has_value());
      values_.emplace(path, *value);
    }
  }
  if (bearers().empty() && !places_.contains("notify.smsc")) errors.push_back(error_at("notify.smsc", "must be given, or a [bearer.NAME]"));
}

// What a file that is no TOML gives is not known, so nothing is missing yet. The rules between keys read values, so they have to be there:
// of a file with a wrong key they are looked at when that is mended. What stands nowhere comes last.
std::expected<Config, ConfigError> Config::checked(Config config, std::vector<ConfigError> errors) {
  const bool all_read = std::ranges::none_of(errors, [](const ConfigError& error) { return error.key.empty(); });
  if (all_read) config.complete(errors);
  if (errors.empty()) errors = check_rules(config);
  if (errors.empty()) return config;
  std::ranges::stable_sort(errors, {}, [](const ConfigError& error) { return std::tuple(error.line == 0, error.file, error.line); });
  ConfigError first = std::move(errors.front());
  first.others.assign(std::make_move_iterator(errors.begin() + 1), std::make_move_iterator(errors.end()));
  return std::unexpected(std::move(first));
}

std::expected<Config, ConfigError> Config::parse(std::string_view toml_text, std::string file) {
  Config config;
  std::vector<ConfigError> errors;
  config.read(toml_text, file, errors);
  return checked(std::move(config), std::move(errors));
}

namespace {

ConfigError unreadable(const std::filesystem::path& file, int os) {
  return {file.string(), 0, "", cannot_be_read("", os).text.substr(2), os};
}

/// The files of conf.d, in order of name. A folder that is not there has none; one that cannot be read may say anything.
std::expected<std::vector<std::filesystem::path>, ConfigError> list_extra_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder, error); !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ".toml") files.push_back(entry->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) return std::unexpected(unreadable(folder, error.value()));
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::expected<Config, ConfigError> Config::load(const std::filesystem::path& root) {
  const std::filesystem::path base = root.empty() ? std::filesystem::path("/") : root;
  const std::filesystem::path main_file = base / "etc/pushmail/pushmail.toml";
  std::vector<std::filesystem::path> files{main_file};
  auto extra = list_extra_files(base / "etc/pushmail/conf.d");
  if (!extra) return std::unexpected(extra.error());
  files.insert(files.end(), extra->begin(), extra->end());

  Config config;
  config.root_ = base;
  std::vector<ConfigError> errors;
  for (const std::filesystem::path& file : files) {
    const auto text = read_file(system_storage(), file, operators_file);
    if (!text && text.error().os == EFBIG) return std::unexpected(ConfigError{file.string(), 0, "", "is larger than 1MiB"});
    if (!text) return std::unexpected(unreadable(file, text.error().os));
    config.read(text_of(*text), file.string(), errors);
  }
  return checked(std::move(config), std::move(errors));
}

std::string Config::inherited(std::string_view path) const {
  const ConfigKey* key = find_key(path);
  PM_CHECK(key != nullptr);
  const ConfigKey* other = is_given(path) ? nullptr : inherited_key(*key);
  return std::string(other == nullptr ? path : other->path);
}

const ConfigValue& Config::value(std::string_view path, KeyType type) const {
  const ConfigKey* key = find_key(path);
  PM_CHECK(key != nullptr);
  PM_CHECK(key->type == type);
  const auto found = values_.find(path);
  PM_CHECK(found != values_.end());
  return found->second;
}

const ConfigValue& Config::value(std::string_view path) const {
  const ConfigKey* key = find_key(path);
  PM_CHECK(key != nullptr);
  return value(path, key->type);
}
std::string Config::text(std::string_view path) const {
  const ConfigKey* key = find_key(path);
  PM_CHECK(key != nullptr && (key->type == KeyType::text || key->type == KeyType::word));
  return std::get<std::string>(value(path, key->type));
}
bool Config::flag(std::string_view path) const { return std::get<bool>(value(path, KeyType::flag)); }
std::int64_t Config::number(std::string_view path) const { return std::get<std::int64_t>(value(path, KeyType::number)); }
std::uint64_t Config::size(std::string_view path) const {
  return static_cast<std::uint64_t>(std::get<std::int64_t>(value(path, KeyType::size)));
}
Duration Config::duration(std::string_view path) const { return milliseconds(std::get<std::int64_t>(value(path, KeyType::duration))); }
Endpoint Config::endpoint(std::string_view path) const { return *parse_endpoint(std::get<std::string>(value(path, KeyType::endpoint))); }
std::vector<std::string> Config::texts(std::string_view path) const {
  const ConfigKey* key = find_key(path);
  PM_CHECK(key != nullptr && is_list(key->type));
  return std::get<std::vector<std::string>>(value(path, key->type));
}
std::vector<IpNetwork> Config::networks(std::string_view path) const {
  std::vector<IpNetwork> networks;
  for (const std::string& text : std::get<std::vector<std::string>>(value(path, KeyType::network_list)))
    networks.push_back(*parse_network(text));
  return networks;
}

bool Config::has(std::string_view path) const {
  const auto found = values_.find(path);
  if (found == values_.end()) return false;
  const auto* text = std::get_if<std::string>(&found->second);
  return text == nullptr || !text->empty();
}

ConfigError Config::error_at(std::string_view path, std::string rule) const {
  Place place{.file = first_file_};
  if (const auto found = places_.find(path); found != places_.end()) {
    place = found->second;
  } else if (const auto table = tables_.find(path.substr(0, path.rfind('.'))); table != tables_.end()) {
    place = table->second;
  }
  return {.file = place.file, .line = place.line, .key = std::string(path), .rule = std::move(rule)};
}

ConfigError Config::error_of(const StartError& why) const {
  const std::size_t colon = why.text.find(": ");
  const bool names_key = colon != std::string::npos && find_key(std::string_view(why.text).substr(0, colon)) != nullptr;
  ConfigError error =
      names_key ? error_at(std::string_view(why.text).substr(0, colon), why.text.substr(colon + 2)) : error_at("", why.text);
  error.os = why.os;
  return error;
}

std::vector<std::string> Config::paths_of(const ConfigKey& key) const {
  const std::size_t wildcard = key.path.find(".*.");
  if (wildcard == std::string_view::npos) return {std::string(key.path)};
  const std::string_view table = key.path.substr(0, wildcard);
  std::vector<std::string> paths;
  for (const std::string& name : names_of(table)) paths.push_back(fmt::format("{}.{}{}", table, name, key.path.substr(wildcard + 2)));
  return paths;
}

std::vector<std::string> Config::names_of(std::string_view table) const {
  std::vector<std::string> names;
  for (const auto& [path, place] : tables_) {
    if (path.size() > table.size() && path.starts_with(table) && path[table.size()] == '.') names.push_back(path.substr(table.size() + 1));
  }
  return names;
}

std::string Config::shown(std::string_view path) const {
  const auto found = values_.find(path);
  if (found == values_.end()) return {};
  const ConfigValue& value = found->second;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    const KeyType type = find_key(path)->type;
    return fmt::format("{}{}", *number, type == KeyType::size ? "B" : type == KeyType::duration ? "ms" : "");
  }
  return fmt::format("{}", fmt::join(std::get<std::vector<std::string>>(value), ", "));
}

std::vector<std::pair<std::string, std::string>> Config::changed() const {
  std::vector<std::pair<std::string, std::string>> changes;
  for (const auto& [path, value] : values_) {
    const ConfigKey* key = find_key(path);
    if (key->default_value != must_be_given) {
      const auto standard = value_of_text(*key, key->default_value);
      if (standard && *standard == value) continue;
    }
    changes.emplace_back(path, shown(path));
  }
  return changes;
}

std::uint64_t Config::generation() const {
  // No stranger chooses these bytes, so the key need not be secret; it must be the same in every program.
  SipHash hash(HashKey{}, SipHash::Length::bits64);
  for (const auto& [path, value] : values_) hash.add(bytes_of(fmt::format("{}\n{}\n", path, shown(path))));
  return hash.result64();
}

std::filesystem::path Config::state_folder(std::string_view name) const { return root_ / "var/lib/pushmail" / name; }
std::filesystem::path Config::run_folder() const { return root_ / "run/pushmail"; }

namespace {

/// The default of a list as a file would give it.
std::string list_text(std::string_view entries) {
  std::string text(entries);
  for (std::size_t at = 0; (at = text.find(' ', at)) != std::string::npos; at += 4) text.replace(at, 1, "\", \"");
  return text.empty() ? "[]" : "[\"" + text + "\"]";
}

}  // namespace

std::string sample_config() {
  std::string out =
      "# pushmail.toml: every key with its default, as `pushmailctl config sample` prints it. Sizes and times carry a unit: \"25MiB\", "
      "\"30s\".\n# (reload): taken at `pushmailctl "
      "reload` and SIGHUP; all others when the programs are started again.\n";
  std::string table;
  for (const ConfigKey& key : config_keys()) {
    const std::size_t dot = key.path.rfind('.');
    std::string group = dot == std::string_view::npos ? "" : std::string(key.path.substr(0, dot));
    if (group == "peer.*") group = "peer.mmsc1";
    if (group == "bearer.*") group = "bearer.smsc1";
    const std::string_view name = dot == std::string_view::npos ? key.path : key.path.substr(dot + 1);
    if (group != table) {
      // The sample shall run without bearers of their own.
      fmt::format_to(std::back_inserter(out), "\n{}[{}]\n", group.starts_with("bearer.") ? "#" : "", group);
      table = group;
    }
    const bool bare = key.type == KeyType::number || key.type == KeyType::flag;
    // Most have one SMSC, without a [bearer.NAME].
    const bool given = key.default_value != must_be_given && key.path != "notify.smsc";
    const ConfigKey* inherited = inherited_key(key);
    const std::string_view standard = inherited != nullptr ? inherited->default_value : key.default_value;
    const std::string value = is_list(key.type) ? list_text(standard)
                              : bare            ? std::string(standard)
                                                : fmt::format("\"{}\"", given && standard != must_be_given ? standard : "");
    fmt::format_to(std::back_inserter(out), "# {}{}{}{}\n{}{} = {}\n", key.help, key.words.empty() ? "" : ": ", key.words,
                   key.taken == Taken::at_reload ? " (reload)" : "", given ? "#" : "", name, value);
  }
  return out;
}

}  // namespace pushmail

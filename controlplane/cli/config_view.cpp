#include "controlplane/cli/config_view.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace pushmail::cli {

namespace {

std::string_view unit_of(KeyType type) { return type == KeyType::size ? "B" : type == KeyType::duration ? "ms" : ""; }

std::string_view name_of(KeyType type) {
  switch (type) {
    case KeyType::text:
      return "text";
    case KeyType::flag:
      return "true or false";
    case KeyType::number:
      return "number";
    case KeyType::size:
      return "size with its unit: B, KiB, MiB, GiB";
    case KeyType::duration:
      return "time with its unit: ms, s, min, h, d";
    case KeyType::endpoint:
      return "address:port";
    case KeyType::word:
      return "one word";
    case KeyType::text_list:
      return "list of texts";
    case KeyType::network_list:
      return "list of addresses and networks";
  }
  return "";
}

bool is_asked_for(std::string_view path, std::string_view what) {
  return what.empty() || path == what || (path.starts_with(what) && path[what.size()] == '.');
}

}  // namespace

std::vector<EffectiveKey> effective_keys(const Config& config, std::string_view what) {
  std::vector<EffectiveKey> found;
  const auto add = [&](const ConfigKey& key, const std::string& path) {
    if (!is_asked_for(path, what)) return;
    const std::string holds = config.inherited(path);
    EffectiveKey one{.path = path, .value = config.shown(holds), .unit = unit_of(key.type)};
    // The unit has a place of its own.
    if (!one.unit.empty() && one.value.ends_with(one.unit)) one.value.resize(one.value.size() - one.unit.size());
    if (config.is_given(holds)) {
      const ConfigError place = config.error_at(holds, "");
      one.file = place.file;
      one.line = place.line;
    }
    found.push_back(std::move(one));
  };
  for (const ConfigKey& key : config_keys()) {
    for (const std::string& path : config.paths_of(key)) add(key, path);
  }
  return found;
}

nlohmann::ordered_json to_json(const EffectiveKey& key) {
  nlohmann::ordered_json json{{"value", key.value}};
  if (!key.unit.empty()) json["unit"] = key.unit;
  json["from"] = key.file.empty() ? "default" : key.file;
  if (!key.file.empty()) json["line"] = key.line;
  return json;
}

nlohmann::ordered_json explained(const ConfigKey& key) {
  nlohmann::ordered_json json{{"key", key.path}, {"meaning", key.help}, {"type", name_of(key.type)}};
  if (!key.words.empty()) json["words"] = key.words;
  const ConfigKey* inherited = inherited_key(key);
  json["default"] = inherited != nullptr        ? fmt::format("as {} says", inherited->path)
                    : key.default_value == "!"  ? "none: it must be given"
                    : key.default_value.empty() ? "empty"
                                                : std::string(key.default_value);
  if (key.least != INT64_MIN) json["least"] = fmt::format("{}{}", key.least, unit_of(key.type));
  if (key.most != INT64_MAX) json["most"] = fmt::format("{}{}", key.most, unit_of(key.type));
  json["takes_effect"] = key.taken == Taken::at_reload ? "at pushmailctl reload and SIGHUP" : "when the programs are started again";
  return json;
}

std::vector<KeyDifference> differences_of(const Config& here, const Config& there) {
  std::map<std::string, KeyDifference> all;
  for (const EffectiveKey& key : effective_keys(here, {})) all[key.path] = {.path = key.path, .here = here.shown(key.path)};
  for (const EffectiveKey& key : effective_keys(there, {})) {
    KeyDifference& one = all[key.path];
    one.path = key.path;
    one.there = there.shown(key.path);
  }
  std::vector<KeyDifference> found;
  for (auto& [path, one] : all) {
    if (one.here != one.there) found.push_back(std::move(one));
  }
  return found;
}

}  // namespace pushmail::cli

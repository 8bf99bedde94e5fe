#include "codec/mm7/configured.h"

#include <algorithm>

#include <fmt/format.h>

namespace pushmail::mm7 {

namespace {

/// The last name of the key: that of the knob, but for one that is older than the knobs.
std::string_view leaf_of(std::string_view knob) { return knob == "namespace_uri" ? std::string_view("namespace") : knob; }

std::string value_of(const Config& config, const std::string& path, KeyType type) {
  switch (type) {
    case KeyType::flag:
      return config.flag(path) ? "true" : "false";
    case KeyType::number:
      return fmt::format("{}", config.number(path));
    default:
      return config.text(path);
  }
}

KeyType type_of(std::string_view leaf) {
  const std::string path = fmt::format("peer.*.{}", leaf);
  const auto found = std::ranges::find(config_keys(), path, &ConfigKey::path);
  PM_CHECK(found != config_keys().end());
  return found->type;
}

}  // namespace

std::expected<std::vector<std::pair<std::string, std::string>>, ConfigError> configured_knobs(const Config& config, std::string_view peer) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const KnobSetting& row : profile_settings(config.text(fmt::format("peer.{}.profile", peer))))
    settings.emplace_back(row.knob, row.value);
  Mm7Dialect tried;
  for (const Knob& knob : knobs()) {
    const std::string_view leaf = leaf_of(knob.name);
    const std::string path = fmt::format("peer.{}.{}", peer, leaf);
    if (!config.is_given(path)) continue;
    std::string value = value_of(config, path, type_of(leaf));
    if (auto set = set_knob(tried, knob.name, value); !set) {
      return std::unexpected(config.error_at(path, fmt::format("{}: {}, got \"{}\"", set.error().info->text, knob.meaning, value)));
    }
    settings.emplace_back(knob.name, std::move(value));
  }
  return settings;
}

}  // namespace pushmail::mm7

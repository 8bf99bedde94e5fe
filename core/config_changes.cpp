#include "core/config_changes.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

namespace pushmail {

namespace {

constexpr std::string_view peer_wildcard = "peer.*.";

/// Every key that one of them has.
std::set<std::string> paths_of(const Config& first, const Config& second) {
  std::set<std::string> names;
  for (const Config* config : {&first, &second}) {
    for (std::string& name : config->peers()) names.insert(std::move(name));
  }
  std::set<std::string> paths;
  for (const ConfigKey& key : config_keys()) {
    if (!key.path.starts_with(peer_wildcard)) {
      paths.emplace(key.path);
      continue;
    }
    for (const std::string& name : names) paths.insert(fmt::format("peer.{}.{}", name, key.path.substr(peer_wildcard.size())));
  }
  return paths;
}

}  // namespace

ConfigChanges changes_of(const Config& started, const Config& running, const Config& fresh) {
  ConfigChanges changes;
  for (const std::string& path : paths_of(running, fresh)) {
    const bool is_taken = find_key(path)->taken == Taken::at_reload;
    if ((is_taken ? running : started).shown(path) == fresh.shown(path)) continue;
    (is_taken ? changes.taken : changes.at_restart).push_back(path);
  }
  return changes;
}

}  // namespace pushmail

#include "core/config_changes.h"

#include <set>
#include <string>

namespace pushmail {

namespace {

/// Every key that one of them has.
std::set<std::string> paths_of(const Config& first, const Config& second) {
  std::set<std::string> paths;
  for (const Config* config : {&first, &second}) {
    for (const ConfigKey& key : config_keys()) {
      for (std::string& path : config->paths_of(key)) paths.insert(std::move(path));
    }
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

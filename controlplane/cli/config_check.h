// `pushmailctl config check`: all that the three programs would refuse at their start, in one reading, before anything opens.
//
// Came from: the files under <root>/etc/pushmail and those they name. Goes to: the command line. Each check is the function that the
// program itself calls; none is written a second time here.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "core/config.h"

namespace pushmail::cli {

struct ConfigCheck {
  std::vector<ConfigError> errors{};  // without others of their own
  std::optional<Config> config{};     // where there are no errors
};
/// What lies beyond the keys (settings, passwords, rules, certificates) is looked at when every key is right.
[[nodiscard]] ConfigCheck check_config(const std::filesystem::path& root);

/// `ok` false, the first error's members, and all of them in `errors`.
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<ConfigError>& errors);

}  // namespace pushmail::cli

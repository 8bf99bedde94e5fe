// A file of content rules on disk, as a set that can be asked.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "codec/scan/rule_set.h"

namespace pushmail::scan {

/// A mistake of a rule file, or the one that it cannot be read: `message` is `FILE:LINE: rule ID: text`, line 0 is the whole file.
struct RuleFileFault {
  std::uint32_t line = 0;
  std::string message;
  int os = 0;  // errno of a file that cannot be read
};
/// Reads and compiles a rule file (codec/scan/rule.h); an empty path is a set without rules. May take seconds.
[[nodiscard]] std::expected<RuleSet, std::vector<RuleFileFault>> load_rules(const std::filesystem::path& file);

}  // namespace pushmail::scan

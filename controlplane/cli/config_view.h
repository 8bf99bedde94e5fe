// `pushmailctl config show|explain|diff`: what a key is now, where that comes from, and what it means.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace pushmail::cli {

struct EffectiveKey {
  std::string path{};
  std::string value{};
  std::string_view unit{};  // of a size B, of a time ms, else nothing
  std::string file{};       // empty: its default
  std::uint32_t line = 0;
};
/// Those named `what`, or in the table of that name, in the order of the sample file; empty: all. A peer's keys stand under each peer.
[[nodiscard]] std::vector<EffectiveKey> effective_keys(const Config& config, std::string_view what);
[[nodiscard]] nlohmann::ordered_json to_json(const EffectiveKey& key);

/// Meaning, type, default and bounds of a row.
[[nodiscard]] nlohmann::ordered_json explained(const ConfigKey& key);

struct KeyDifference {
  std::string path{}, here{}, there{};
};
/// Keys whose effective values are not the same; a key that one side does not have is empty there.
[[nodiscard]] std::vector<KeyDifference> differences_of(const Config& here, const Config& there);

}  // namespace pushmail::cli

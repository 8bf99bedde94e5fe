// The dialect of a peer as the configuration has it: [peer.NAME] profile, and the keys that override it.
//
// Came from: a Config that was read. Goes to: the control plane, which sends the settings on to the data plane, and `config check`.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/mm7/dialect.h"
#include "core/config.h"

namespace pushmail::mm7 {

/// Knobs and values for set_knob(), in order: those of the profile, then those that the peer's table gives itself. A value that a knob does
/// not take is an error with file, line, key and rule.
[[nodiscard]] std::expected<std::vector<std::pair<std::string, std::string>>, ConfigError> configured_knobs(const Config& config,
                                                                                                            std::string_view peer);

}  // namespace pushmail::mm7

// docs/keys.md: every key of the configuration for people, from the table of core/config_keys.cpp and core/peer_fields.h.
#pragma once

#include <cstdint>
#include <string>

#include "core/config_key.h"

namespace pushmail::cli {

/// A number of this type as the configuration writes it, in the largest unit of which it is a whole number: 90 s is `90s`, 120 s `2min`.
[[nodiscard]] std::string as_written(std::int64_t value, KeyType type);

/// A Markdown page: name, type, default, bounds and meaning of each key, in the order of the table.
[[nodiscard]] std::string keys_page();

}  // namespace pushmail::cli

// docs/keys.md: every key of the configuration for people, from the table of core/config_keys.cpp and core/peer_fields.h.
#pragma once

#include <string>

namespace pushmail::cli {

/// A Markdown page: name, type, default, bounds and meaning of each key, in the order of the table.
[[nodiscard]] std::string keys_page();

}  // namespace pushmail::cli

// `pushmailctl journal cat`: records of segment files for people or as JSON lines. Bodies of messages are named by size, not printed.
#pragma once

#include <filesystem>
#include <ostream>

#include "core/contract/journal/read_segment.h"

namespace pushmail::cli {

enum class Form : std::uint8_t { people, json };
/// What the segment holds; the records go to `out`.
[[nodiscard]] Result<journal::ReplaySummary> print_segment(const std::filesystem::path& segment, Form form, std::ostream& out);

}  // namespace pushmail::cli

// An error as a person reads it: what is wrong, where, and its name for the documentation.
#pragma once

#include <fmt/format.h>

#include <string>

#include "core/result.h"

namespace pushmail::cli {

[[nodiscard]] inline std::string words_of(const Error& error) {
  return fmt::format("{} at byte {} ({})", error.info->text, error.at, error.info->name);
}

}  // namespace pushmail::cli

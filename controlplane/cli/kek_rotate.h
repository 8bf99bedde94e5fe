// `pushmailctl kek rotate`: a new key-encryption key for the mailbox passwords, with the control plane running or without one.
//
// Came from: the configuration (where the key and the store are). Goes to: KekRotation, whose Sealing is the API socket when somebody
// answers there, else the store itself under its lock. Given again after a kill it goes on where it was.
#pragma once

#include <expected>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/config.h"

namespace pushmail::cli {

struct NotRotated {
  int exit_code;  // sysexits
  std::string text;
};
/// What was done, as the command prints it: counts of passwords, and where the key before was kept.
[[nodiscard]] std::expected<nlohmann::ordered_json, NotRotated> rotate_kek(const Config& config, const std::filesystem::path& root);

}  // namespace pushmail::cli

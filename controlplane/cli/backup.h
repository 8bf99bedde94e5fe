// `pushmailctl backup` and `restore`: which files belong to a store, and what must hold before one takes another one's place.
//
// Came from: etc/pushmail, the store, the journal's last records. Goes to: one file (controlplane/store/backup.h), and from it back. What
// is in the way is kept aside under a name of its own, never written over. docs/operate.md says what an older store does not know.
#pragma once

#include <expected>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/clock.h"
#include "core/config.h"

namespace pushmail::cli {

struct BackupRefused {
  int exit_code;  // sysexits
  std::string text;
};
using BackupReport = std::expected<nlohmann::ordered_json, BackupRefused>;

enum class WithKey : std::uint8_t { no, yes };

/// Programs may run meanwhile. The report says what is in it.
[[nodiscard]] BackupReport make_backup_file(const Config& config, const std::filesystem::path& root, const std::filesystem::path& file,
                                            WithKey with_key, const Clock& clock);
/// The control plane must not run. Given again after a kill it does the rest.
[[nodiscard]] BackupReport restore_backup_file(const std::filesystem::path& root, const std::filesystem::path& file, const Clock& clock);

}  // namespace pushmail::cli

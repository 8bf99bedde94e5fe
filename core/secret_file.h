// Files that hold a secret: refused when anybody but their owner may read them. A password of a peer is one that both planes read, so that
// the members of the group pushmail, which are the two, may read it too.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/config.h"
#include "core/start_error.h"

namespace pushmail {

/// All of it, at most 8 KiB: tokens are long. Whoever asks wipes what need not stay.
[[nodiscard]] std::expected<Bytes, StartError> read_secret_bytes(const std::filesystem::path& path);
/// Its first line, without the line end; the group pushmail may read it.
[[nodiscard]] std::expected<std::string, StartError> read_secret_file(const std::filesystem::path& path);
/// The same where the account database must not be asked: `readers` is that group, when there is one.
[[nodiscard]] std::expected<std::string, StartError> read_secret_file(const std::filesystem::path& path, std::optional<gid_t> readers);
/// The same of the file that a key names, which an error begins with; empty where it names none.
[[nodiscard]] std::expected<std::string, StartError> read_secret(const Config& config, const std::string& key);

}  // namespace pushmail

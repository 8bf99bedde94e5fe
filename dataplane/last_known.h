// What a data plane remembers of its peers: `<state>/last-known`, the last `peers` record without its passwords, so that one that starts
// alone accepts what it accepted before.
//
// Came from: the control plane, by the I/O thread. Goes to: the worker, at start and before privileges are dropped, with the passwords that
// the files of the configuration hold now. Nothing of a password is ever in the file; one that an earlier release wrote is replaced when
// it is read.
#pragma once

#include <expected>
#include <filesystem>
#include <optional>

#include "core/config.h"
#include "core/record.h"
#include "core/result.h"
#include "core/start_error.h"

namespace pushmail {

inline constexpr ErrorInfo last_known_broken{"state.last_known_broken", "what is remembered of the peers cannot be read", "", Fault::world};

/// Durable when this returns; mode 0600.
[[nodiscard]] Result<void> write_last_known(const std::filesystem::path& file, const RecordView& peers);
/// The record, without passwords; nothing: there is no such file. last_known_broken: it holds something else; core.file_read: errno.
[[nodiscard]] Result<std::optional<Bytes>> read_last_known(const std::filesystem::path& file);
/// The record with the passwords of the files that [peer.NAME] names; a peer that the configuration has no more gets none. The text names
/// the key whose file cannot be read: without its password a peer's requests would be refused for good.
[[nodiscard]] std::expected<Bytes, StartError> with_passwords(const RecordView& peers, const Config& config);

}  // namespace pushmail

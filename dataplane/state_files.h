// What a data plane keeps in its state folder beside the journal: the lock that makes it the only one on its root, and the secret of this
// installation.
//
// Came from: main, before anything else of this root is touched. Goes to: the relay's keys of repeated messages (relay/idempotence.h).
#pragma once

#include <filesystem>

#include "core/result.h"
#include "core/siphash.h"

namespace pushmail {

inline constexpr ErrorInfo state_in_use{"state.in_use", "another data plane runs on this root", "", Fault::us};
inline constexpr ErrorInfo state_file{"state.file", "a file in the state folder cannot be made or read", "", Fault::world};

/// Held until the process ends, however it ends; inherited by nobody.
[[nodiscard]] Result<void> lock_state(const std::filesystem::path& folder);
/// Read from `file`, or drawn and made durable there, mode 0600. A file of another size is replaced: what was keyed by it is forgotten.
[[nodiscard]] Result<HashKey> installation_secret(const std::filesystem::path& file);

}  // namespace pushmail

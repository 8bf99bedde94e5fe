// The key of the log's hashes of persons: one for both planes, over restarts, so that one phone's lines can be found in all logs.
//
// Came from: a program's main, behind log_start. Goes to: LogEvent::person (log.h). It is a file of its own in a folder that the planes
// share through the group pushmail, made once by whichever starts first: the control plane's key of passwords is nothing that the data
// plane may read, the data plane's secret of repeats nothing that the control plane may, and what every user can read (the machine's id)
// would let a reader of logs try all numbers. The fetcher names no person and gets no key.
#pragma once

#include <filesystem>

#include "core/result.h"
#include "core/siphash.h"
#include "core/storage.h"

namespace pushmail {

inline constexpr ErrorInfo log_key_open{"core.log_key_open", "others may read the key of the log's hashes; its mode must be 0660", "",
                                        Fault::us};

/// The 16 bytes of <folder>/log-key. Draws them where there are none, and makes the folder, whose parents may be missing too. A file of
/// another size is drawn anew. core.folder, core.file_read, core.file_write with errno; core.log_key_open.
[[nodiscard]] Result<HashKey> shared_log_key(Storage& storage, const std::filesystem::path& folder);

/// The log hashes by that key from here on; nothing where it does not hash. Without it the log says so, and this process has hashes of its
/// own: no reason to take no mail. Before threads.
void share_log_key(const std::filesystem::path& folder);

}  // namespace pushmail

// The embedded engine of the store: one SQLite file, WAL; every write synced before it returns, or in groups.
#pragma once

#include <filesystem>
#include <memory>

#include "controlplane/store/store.h"

namespace pushmail {

/// Opens or makes the store and brings its schema to the current version. `:memory:` for tests.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path);
/// One whose writes GroupCommit makes durable. It takes none while the disk has less than `store_room_least` bytes free.
[[nodiscard]] Result<std::unique_ptr<Store>> open_grouped_store(const std::filesystem::path& path);

inline constexpr std::uint64_t store_room_least = 4 * 1024 * 1024;

}  // namespace pushmail

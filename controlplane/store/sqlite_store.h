// The embedded engine of the store: one SQLite file, WAL, every commit synced before write() returns.
#pragma once

#include <filesystem>
#include <memory>

#include "controlplane/store/store.h"

namespace pushmail {

/// Opens or makes the store and brings its schema to the current version. `:memory:` for tests.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path);

}  // namespace pushmail

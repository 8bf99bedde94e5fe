// One program at a time has the store: two control planes on one store would send everything twice, and whoever mends or restores a store
// needs it alone.
//
// Came from: the control plane's main, pushmailctl. The lock is the kernel's and goes with the process.
#pragma once

#include <filesystem>

#include "core/result.h"

namespace pushmail {

class StoreLock {
 public:
  /// Of the folder that the store is in. store_in_use: somebody has it.
  [[nodiscard]] static Result<StoreLock> take(const std::filesystem::path& folder);
  StoreLock(StoreLock&& other) noexcept;
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int file) : file_(file) {}
  int file_;
};

}  // namespace pushmail

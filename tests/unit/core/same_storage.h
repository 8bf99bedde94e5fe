// The kernel's files, to be derived from where one call has to be another.
#pragma once

#include "core/storage.h"

namespace pushmail {

class SameStorage : public Storage {
 public:
  [[nodiscard]] int open(const std::filesystem::path& file, int flags, mode_t mode) override {
    return system_storage().open(file, flags, mode);
  }
  void close(int fd) override { system_storage().close(fd); }
  [[nodiscard]] ssize_t read(int fd, std::span<std::uint8_t> to) override { return system_storage().read(fd, to); }
  [[nodiscard]] int write(int fd, ByteView bytes) override { return system_storage().write(fd, bytes); }
  [[nodiscard]] int allocate(int fd, std::uint64_t size) override { return system_storage().allocate(fd, size); }
  [[nodiscard]] int truncate(int fd, std::uint64_t size) override { return system_storage().truncate(fd, size); }
  [[nodiscard]] int sync(int fd, Sync where) override { return system_storage().sync(fd, where); }
  [[nodiscard]] int rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return system_storage().rename(from, to);
  }
  [[nodiscard]] int remove(const std::filesystem::path& file) override { return system_storage().remove(file); }
  [[nodiscard]] int make_folder(const std::filesystem::path& folder, mode_t mode) override {
    return system_storage().make_folder(folder, mode);
  }
};

}  // namespace pushmail

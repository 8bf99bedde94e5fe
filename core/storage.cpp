#include "core/storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "core/errors.h"

namespace pushmail {

namespace {

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < syncs.size(); ++i) {
    if (syncs[i].sync != static_cast<Sync>(i)) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

/// The call's result, or minus errno; again when a signal came in between.
template <class Call>
auto answer_of(Call call) -> decltype(call()) {
  while (true) {
    const auto result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

class SystemStorage final : public Storage {
 public:
  int open(const std::filesystem::path& file, int flags, mode_t mode) override {
    return answer_of([&] { return ::open(file.c_str(), flags | O_CLOEXEC, mode); });
  }
  void close(int fd) override { ::close(fd); }
  ssize_t read(int fd, std::span<std::uint8_t> to) override {
    return answer_of([&] { return ::read(fd, to.data(), to.size()); });
  }
  int write(int fd, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = answer_of([&] { return ::write(fd, bytes.data(), bytes.size()); });
      if (written <= 0) return written < 0 ? static_cast<int>(written) : -EIO;
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return 0;
  }
  int allocate(int fd, std::uint64_t size) override {
    const int allocated = answer_of([&] { return ::fallocate(fd, 0, 0, static_cast<off_t>(size)); });
    return allocated == -EOPNOTSUPP ? truncate(fd, size) : allocated;
  }
  int truncate(int fd, std::uint64_t size) override {
    return answer_of([&] { return ::ftruncate(fd, static_cast<off_t>(size)); });
  }
  int sync(int fd, Sync) override {
    return answer_of([&] { return ::fsync(fd); });
  }
  int rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return answer_of([&] { return ::rename(from.c_str(), to.c_str()); });
  }
  int remove(const std::filesystem::path& file) override {
    return answer_of([&] { return ::unlink(file.c_str()); });
  }
  int make_folder(const std::filesystem::path& folder, mode_t mode) override {
    return answer_of([&] { return ::mkdir(folder.c_str(), mode); });
  }
};

}  // namespace

Storage& system_storage() {
  static SystemStorage storage;
  return storage;
}

Result<void> sync_folder(Storage& storage, const std::filesystem::path& folder, Sync where) {
  const Descriptor opened(storage, storage.open(folder, O_RDONLY | O_DIRECTORY, 0));
  if (opened.get() < 0) return fail_os(core_folder, -opened.get());
  if (const int synced = storage.sync(opened.get(), where); synced < 0) return fail_os(core_folder, -synced);
  return {};
}

namespace {

// Of a folder that was there before: no right to read it, or a file system that syncs none.
bool is_not_ours(int error) { return error == EACCES || error == EPERM || error == EROFS || error == EINVAL; }

}  // namespace

Result<void> make_folders(Storage& storage, const std::filesystem::path& folder) {
  std::filesystem::path made = folder.root_path();
  for (const std::filesystem::path& name : folder.relative_path()) {
    const std::filesystem::path parent = made.empty() ? "." : made;
    made /= name;
    const int result = storage.make_folder(made, 0755);
    std::error_code unknown;
    const bool was_there = result < 0 && std::filesystem::is_directory(made, unknown);
    if (unknown && unknown != std::errc::no_such_file_or_directory) return fail_os(core_folder, unknown.value());
    if (result < 0 && !was_there) return fail_os(core_folder, -result);
    // What is there already may be the work of a start that was cut off before its sync; but it may also be a folder that is not ours.
    const auto synced = sync_folder(storage, parent, Sync::folder_made);
    if (!synced && !(was_there && is_not_ours(synced.error().os))) return synced;
  }
  return {};
}

Result<std::span<std::uint8_t>> read_file(Storage& storage, const std::filesystem::path& file, const MakeRoom& make_room,
                                          const FileRules& rules) {
  // Opening a FIFO would wait for a writer; a link in a folder of ours is nobody's of ours.
  const int no_link = rules.link_followed ? 0 : O_NOFOLLOW;
  const Descriptor opened(storage, storage.open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | no_link, 0));
  if (opened.get() < 0) return fail_os(core_file_read, -opened.get());
  struct stat info{};
  if (::fstat(opened.get(), &info) != 0) return fail_os(core_file_read, errno);
  if (!S_ISREG(info.st_mode)) return fail_os(core_file_read, EINVAL);
  const mode_t others = rules.readers == info.st_gid ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if (rules.secret && (info.st_mode & others) != 0) return fail(core_file_open_to_others);
  if (static_cast<std::uint64_t>(info.st_size) > rules.size_max) return fail_os(core_file_read, EFBIG);
  const std::span<std::uint8_t> room = make_room(static_cast<std::size_t>(info.st_size));
  if (room.size() < static_cast<std::size_t>(info.st_size)) return fail_os(core_file_read, ENOMEM);
  std::size_t at = 0;
  while (at < room.size()) {
    const ssize_t count = storage.read(opened.get(), room.subspan(at));
    if (count < 0) return fail_os(core_file_read, static_cast<int>(-count));
    if (count == 0) break;
    at += static_cast<std::size_t>(count);
  }
  return room.first(at);
}

Result<Bytes> read_file(Storage& storage, const std::filesystem::path& file, const FileRules& rules) {
  Bytes bytes;
  const MakeRoom make_room = [&bytes](std::size_t size) {
    bytes.resize(size);
    return std::span(bytes);
  };
  PM_TRY(const auto filled, read_file(storage, file, make_room, rules));
  bytes.resize(filled.size());
  return bytes;
}

Result<void> replace_file(Storage& storage, const std::filesystem::path& file, ByteView bytes, mode_t mode) {
  const std::filesystem::path made = file.string() + ".new";
  {
    const Descriptor opened(storage, storage.open(made, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    if (opened.get() < 0) return fail_os(core_file_write, -opened.get());
    if (const int written = storage.write(opened.get(), bytes); written < 0) return fail_os(core_file_write, -written);
    if (const int synced = storage.sync(opened.get(), Sync::file_replaced); synced < 0) return fail_os(core_file_write, -synced);
  }
  if (const int renamed = storage.rename(made, file); renamed < 0) return fail_os(core_file_write, -renamed);
  return sync_folder(storage, file.parent_path(), Sync::file_named);
}

}  // namespace pushmail

#include "core/log_key.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/accounts.h"
#include "core/errors.h"
#include "core/log.h"

namespace pushmail {

namespace {

constexpr const char* group_name = "pushmail";
// What is made in it belongs to the group, and neither plane may take away what the other made.
constexpr mode_t folder_mode = 03770;
constexpr mode_t file_mode = 0660;

Result<void> make_shared_folder(Storage& storage, const std::filesystem::path& folder) {
  PM_TRY_VOID(make_folders(storage, folder.parent_path()));
  const int made = storage.make_folder(folder, 0770);
  if (made == -EEXIST) return {};
  if (made < 0) return fail_os(core_folder, -made);
  if (::geteuid() == 0) {
    // Root makes it for the users that the planes become.
    PM_TRY(const auto group, find_group(group_name));
    if (group && ::chown(folder.c_str(), static_cast<uid_t>(-1), *group) != 0) return fail_os(core_folder, errno);
  }
  if (::chmod(folder.c_str(), folder_mode) != 0) return fail_os(core_folder, errno);
  return {};
}

/// A descriptor, or minus errno. Created only where it is missing: the kernel refuses O_CREAT of another's file in a sticky folder
/// (fs.protected_regular).
int open_key(Storage& storage, const std::filesystem::path& file) {
  const int there = storage.open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
  if (there != -ENOENT) return there;
  const int made = storage.open(file, O_RDWR | O_CREAT | O_EXCL, file_mode);
  if (made == -EEXIST) return storage.open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
  if (made >= 0 && ::fchmod(made, file_mode) != 0) {
    const int refused = errno;
    storage.close(made);
    return -refused;
  }
  return made;
}

}  // namespace

Result<HashKey> shared_log_key(Storage& storage, const std::filesystem::path& folder) {
  PM_TRY_VOID(make_shared_folder(storage, folder));
  const std::filesystem::path file = folder / "log-key";
  const Descriptor opened(storage, open_key(storage, file));
  if (opened.get() < 0) return fail_os(core_file_read, -opened.get());
  struct stat info{};
  if (::fstat(opened.get(), &info) != 0) return fail_os(core_file_read, errno);
  if (!S_ISREG(info.st_mode)) return fail_os(core_file_read, EINVAL);
  if ((info.st_mode & S_IRWXO) != 0) return fail(log_key_open);
  // Whoever comes second waits until the first has written.
  if (::flock(opened.get(), LOCK_EX) != 0) return fail_os(core_file_read, errno);
  HashKey key{};
  std::array<std::uint8_t, key.size() + 1> content{};
  const ssize_t size = storage.read(opened.get(), content);
  if (size < 0) return fail_os(core_file_read, static_cast<int>(-size));
  if (static_cast<std::size_t>(size) == key.size()) {
    std::copy_n(content.begin(), key.size(), key.begin());
    return key;
  }
  if (size > 0) log_warning("log_key_replaced").text("file", file.string()).number("size", size);
  key = new_hash_key();
  if (const int cut = storage.truncate(opened.get(), 0); cut < 0) return fail_os(core_file_write, -cut);
  if (::lseek(opened.get(), 0, SEEK_SET) < 0) return fail_os(core_file_write, errno);
  if (const int written = storage.write(opened.get(), key); written < 0) return fail_os(core_file_write, -written);
  return key;
}

void share_log_key(const std::filesystem::path& folder) {
  if (log_persons() == LogPersons::clear) return;
  const auto key = shared_log_key(system_storage(), folder);
  if (key) return log_hash_by(*key);
  log_warning("log_key_own").text("folder", folder.string()).error(key.error());
}

}  // namespace pushmail

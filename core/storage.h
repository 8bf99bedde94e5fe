// Files that have to survive a power cut: the calls that make them, in one place, so that a test can lose, reorder and tear what was not
// synced, and fail each of them.
//
// Came from: the journal, the data plane's state folder. Goes to: system_storage(), the kernel's calls, tried again at EINTR; in tests a
// recorder of what was written and synced (tests/sim/power).
//
// What is on disk after a power cut: a file's bytes and size once it was synced, a name (made, replaced or removed) once its folder was.
// Each place that syncs has a row in `syncs`, with what would be lost without it: the power cuts are tried with each of them left out.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail {

enum class Sync : std::uint8_t {
  batch,
  segment_named,
  segment_replayed,
  segment_cut,
  segment_removed,
  quarantine_file,
  quarantine_named,
  folder_made,
  file_replaced,
  file_named,
};
struct SyncRow {
  Sync sync;
  std::string_view name;
  std::string_view without;  // what a power cut would cost
};
inline constexpr std::array<SyncRow, 10> syncs{{
    {Sync::batch, "batch", "what was just acknowledged"},
    {Sync::segment_named, "segment_named", "the segment with all that was acknowledged in it"},
    {Sync::segment_replayed, "segment_replayed", "what a killed process had written and this one takes for accepted"},
    {Sync::segment_cut, "segment_cut", "the refusal: what could not be made durable, and was answered so, comes back"},
    {Sync::segment_removed, "segment_removed", "the order of removals: a later segment goes, with the settle records for an earlier one"},
    {Sync::quarantine_file, "quarantine_file", "the evidence, when its segment is removed"},
    {Sync::quarantine_named, "quarantine_named", "the evidence's name"},
    {Sync::folder_made, "folder_made", "a folder with everything in it"},
    {Sync::file_replaced, "file_replaced", "the file: its name stands for an empty one"},
    {Sync::file_named, "file_named", "the new content: the old one comes back"},
}};

/// Calls answer with what they give, or with minus errno.
class Storage {
 public:
  virtual ~Storage() = default;
  /// A descriptor, closed on exec.
  [[nodiscard]] virtual int open(const std::filesystem::path& file, int flags, mode_t mode) = 0;
  virtual void close(int fd) = 0;
  [[nodiscard]] virtual ssize_t read(int fd, std::span<std::uint8_t> to) = 0;
  /// All of it, at the end of what was written.
  [[nodiscard]] virtual int write(int fd, ByteView bytes) = 0;
  /// Room for a file of that size; zeros, and a file system that cannot allocate leaves holes.
  [[nodiscard]] virtual int allocate(int fd, std::uint64_t size) = 0;
  [[nodiscard]] virtual int truncate(int fd, std::uint64_t size) = 0;
  [[nodiscard]] virtual int sync(int fd, Sync where) = 0;
  [[nodiscard]] virtual int rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  [[nodiscard]] virtual int remove(const std::filesystem::path& file) = 0;
  [[nodiscard]] virtual int make_folder(const std::filesystem::path& folder, mode_t mode) = 0;
};
[[nodiscard]] Storage& system_storage();

/// A descriptor that is closed with its owner; `get()` is negative when the open failed, and then minus errno.
class Descriptor {
 public:
  Descriptor(Storage& storage, int fd) : storage_(&storage), fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) storage_->close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  Storage* storage_;
  int fd_;
};

/// Every folder of the path is there, what is missing with mode 0755 less the umask, and durable with its name.
[[nodiscard]] Result<void> make_folders(Storage& storage, const std::filesystem::path& folder);
/// Which file may be read. Where nothing is said: one in a folder of ours, which is no link.
struct FileRules {
  bool link_followed = false;           // else ELOOP
  bool secret = false;                  // core.file_open_to_others where group or others have any right
  std::optional<gid_t> readers{};       // the one group whose members may read a secret too
  std::uint64_t size_max = UINT64_MAX;  // bytes; more is EFBIG
};
inline constexpr FileRules operators_file{.link_followed = true, .size_max = 1 << 20};
/// A plain file's bytes; core.file_read with ENOENT says that there is none. What is no plain file is EINVAL.
[[nodiscard]] Result<Bytes> read_file(Storage& storage, const std::filesystem::path& file, const FileRules& rules = {});
/// Memory of the caller's for that many bytes; less: there is none (ENOMEM).
using MakeRoom = std::function<std::span<std::uint8_t>(std::size_t size)>;
/// The same into this memory; what of it was filled.
[[nodiscard]] Result<std::span<std::uint8_t>> read_file(Storage& storage, const std::filesystem::path& file, const MakeRoom& make_room,
                                                        const FileRules& rules = {});
/// The old content or the new one, whatever happens; durable when this returns.
[[nodiscard]] Result<void> replace_file(Storage& storage, const std::filesystem::path& file, ByteView bytes, mode_t mode);
/// The names in a folder are durable.
[[nodiscard]] Result<void> sync_folder(Storage& storage, const std::filesystem::path& folder, Sync where);

}  // namespace pushmail

// A disk that remembers in which order things were done to it, and what a power cut may leave of them.
//
// Came from: the journal and the state folder, through core/storage.h. Goes to: disks, as folders of files, one for each choice of what had
// reached the platter.
//
//   op op SYNC op op op | cut        before a file's last sync: there. Behind it: each write and each size there, lost, or in part, in any
//                                    order; the same for the names of a folder
//
// A failed sync proves nothing for what came before it, and no later one does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/storage.h"
#include "dataplane/journal/batch_writer.h"
#include "tests/unit/core/same_storage.h"

namespace pushmail::power {

namespace fs = std::filesystem;
using Random = std::mt19937_64;

/// Files by their path below the root, and folders.
struct Disk {
  std::map<std::string, Bytes> files;
  std::vector<std::string> folders;
  [[nodiscard]] std::uint64_t hash() const;
  void write_below(const fs::path& root) const;
};

/// What happens to that which no sync covers.
enum class Loss : std::uint8_t { nothing_kept, all_kept, first_kept, some_kept, sectors_512, sectors_4096, garbage };
inline constexpr std::size_t loss_count = 7;

/// The files of the programs for real below a root, without syncs: nothing here has to survive anything.
class PlainStorage : public SameStorage {
 public:
  [[nodiscard]] int sync(int, Sync) override { return 0; }
};

class Recorder final : public PlainStorage {
 public:
  /// `left_out`: the sync that a mutant forgets.
  Recorder(fs::path root, std::optional<Sync> left_out) : root_(std::move(root)), left_out_(left_out) {}

  [[nodiscard]] int open(const fs::path& file, int flags, mode_t mode) override;
  void close(int fd) override;
  [[nodiscard]] int write(int fd, ByteView bytes) override;
  [[nodiscard]] int allocate(int fd, std::uint64_t size) override;
  [[nodiscard]] int truncate(int fd, std::uint64_t size) override;
  [[nodiscard]] int sync(int fd, Sync where) override;
  [[nodiscard]] int rename(const fs::path& from, const fs::path& to) override;
  [[nodiscard]] int remove(const fs::path& file) override;
  [[nodiscard]] int make_folder(const fs::path& folder, mode_t mode) override;

  /// For the batch writer, and for rot.
  void write_at(int fd, ByteView bytes, std::uint64_t offset);
  void sync_failed(int fd);
  /// What was written is on the platter, whatever the programs do.
  void sync_platter(int fd) { record({.kind = Kind::sync_file, .inode = open_.at(fd).inode}); }

  /// From now on nothing is done and nothing recorded: the process is dead, and only its destructors run.
  void kill() { is_dead_ = true; }
  void restart() { is_dead_ = false; }
  /// The next cut of a file fails.
  void fail_next_cut() { cut_fails_ = true; }

  /// How much has been done so far.
  [[nodiscard]] std::size_t position() const { return ops_.size(); }
  /// What a cut behind so many ops may leave.
  [[nodiscard]] Disk cut(std::size_t position, Loss loss, Random& random) const;

 private:
  enum class Kind : std::uint8_t { data, size, sync_file, sync_failed, name, gone, renamed, folder, sync_folder };
  struct Op {
    Kind kind;
    std::size_t inode = 0;
    std::uint64_t offset = 0;  // of data; the size
    Bytes bytes = {};
    std::string path = {}, to = {};  // of a name; a folder's is that of the folder itself
  };
  struct Open {
    std::size_t inode = 0;
    std::string folder = {};  // of a folder
    bool is_folder = false;
    std::uint64_t written = 0;
  };
  [[nodiscard]] std::string name_of(const fs::path& file) const;
  void record(Op op) { ops_.push_back(std::move(op)); }
  [[nodiscard]] Bytes content(std::size_t inode, std::size_t position, Loss loss, Random& random) const;

  fs::path root_;
  std::optional<Sync> left_out_;
  bool is_dead_ = false, cut_fails_ = false;
  std::vector<Op> ops_;
  std::size_t inodes_ = 0;
  std::map<std::string, std::size_t> names_;  // of files, as the programs see them
  std::map<int, Open> open_;
};

/// Writes at once; the sync comes with poll(), so that a process can die in between.
class RecordingWriter final : public journal::BatchWriter {
 public:
  explicit RecordingWriter(Recorder& recorder);
  RecordingWriter(const RecordingWriter&) = delete;
  RecordingWriter& operator=(const RecordingWriter&) = delete;
  ~RecordingWriter() override;
  void start(int fd, ByteView bytes, std::uint64_t offset) override;
  [[nodiscard]] std::optional<journal::BatchOutcome> poll() override;
  [[nodiscard]] int completion_fd() const override { return ready_; }
  [[nodiscard]] bool needs_turn() const override { return false; }

  enum class Fails : std::uint8_t { nothing, write, sync };
  void fail_next(Fails what) { fails_ = what; }

 private:
  Recorder& recorder_;
  int ready_;  // an eventfd that is always readable
  int fd_ = -1;
  bool running_ = false;
  Fails fails_ = Fails::nothing;
  journal::BatchOutcome outcome_;
};

/// A batch writer for disks that nothing happens to.
class PlainWriter final : public journal::BatchWriter {
 public:
  PlainWriter();
  PlainWriter(const PlainWriter&) = delete;
  PlainWriter& operator=(const PlainWriter&) = delete;
  ~PlainWriter() override;
  void start(int fd, ByteView bytes, std::uint64_t offset) override;
  [[nodiscard]] std::optional<journal::BatchOutcome> poll() override;
  [[nodiscard]] int completion_fd() const override { return ready_; }
  [[nodiscard]] bool needs_turn() const override { return false; }

 private:
  int ready_;
  bool running_ = false;
};

}  // namespace pushmail::power

#include "tests/sim/power/disk.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "core/siphash.h"

namespace pushmail::power {

namespace {

bool coin(Random& random) { return (random() & 1) != 0; }

void put(Bytes& file, std::uint64_t offset, ByteView bytes) {
  if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// The sectors of a write that arrived.
void put_sectors(Bytes& file, std::uint64_t offset, ByteView bytes, std::uint64_t sector, bool garbage, Random& random) {
  for (std::uint64_t at = offset; at < offset + bytes.size();) {
    const std::uint64_t end = std::min(offset + bytes.size(), (at / sector + 1) * sector);
    const std::uint64_t fate = random() % (garbage ? 3 : 2);
    if (fate == 1) put(file, at, bytes.subspan(at - offset, end - at));
    if (fate == 2) {
      // The whole sector was under the head.
      Bytes noise(sector);
      for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
      put(file, at / sector * sector, noise);
    }
    at = end;
  }
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

std::uint64_t Disk::hash() const {
  std::uint64_t sum = 0;
  for (const auto& [path, bytes] : files) sum = (sum * 1'000'003 + siphash({}, bytes_of(path))) * 1'000'003 + siphash({}, bytes);
  return sum;
}

void Disk::write_below(const fs::path& root) const {
  fs::remove_all(root);
  fs::create_directories(root);
  for (const std::string& folder : folders) fs::create_directories(root / folder);
  for (const auto& [path, bytes] : files) {
    std::ofstream(root / path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

// ---- recording ----------------------------------------------------------------------------------------------------------------------

std::string Recorder::name_of(const fs::path& file) const { return file.lexically_relative(root_).string(); }

int Recorder::open(const fs::path& file, int flags, mode_t mode) {
  if (is_dead_) return -EIO;
  const int fd = PlainStorage::open(file, flags, mode);
  if (fd < 0) return fd;
  const std::string name = name_of(file);
  if ((flags & O_DIRECTORY) != 0) {
    open_[fd] = {.inode = 0, .folder = name == "." ? "" : name, .is_folder = true};
    return fd;
  }
  const auto [place, is_new] = names_.try_emplace(name, inodes_);
  if (is_new) {
    ++inodes_;
    record({.kind = Kind::name, .inode = place->second, .path = name});
  }
  if ((flags & O_TRUNC) != 0) record({.kind = Kind::size, .inode = place->second, .offset = 0});
  open_[fd] = {.inode = place->second};
  return fd;
}

void Recorder::close(int fd) {
  open_.erase(fd);
  PlainStorage::close(fd);
}

int Recorder::write(int fd, ByteView bytes) {
  if (is_dead_) return -EIO;
  Open& file = open_.at(fd);
  write_at(fd, bytes, file.written);
  file.written += bytes.size();
  return 0;
}

void Recorder::write_at(int fd, ByteView bytes, std::uint64_t offset) {
  if (is_dead_) return;
  PM_CHECK(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes.size()));
  record({.kind = Kind::data, .inode = open_.at(fd).inode, .offset = offset, .bytes = Bytes(bytes.begin(), bytes.end())});
}

int Recorder::allocate(int fd, std::uint64_t size) {
  if (is_dead_) return -EIO;
  const int result = PlainStorage::truncate(fd, size);
  if (result >= 0) record({.kind = Kind::size, .inode = open_.at(fd).inode, .offset = size});
  return result;
}

int Recorder::truncate(int fd, std::uint64_t size) {
  if (is_dead_) return -EIO;
  if (std::exchange(cut_fails_, false)) return -EIO;
  const int result = PlainStorage::truncate(fd, size);
  if (result >= 0) record({.kind = Kind::size, .inode = open_.at(fd).inode, .offset = size});
  return result;
}

int Recorder::sync(int fd, Sync where) {
  if (is_dead_) return -EIO;
  if (where == left_out_) return 0;
  const Open& opened = open_.at(fd);
  if (opened.is_folder) {
    record({.kind = Kind::sync_folder, .path = opened.folder});
  } else {
    record({.kind = Kind::sync_file, .inode = opened.inode});
  }
  return 0;
}

void Recorder::sync_failed(int fd) {
  if (!is_dead_) record({.kind = Kind::sync_failed, .inode = open_.at(fd).inode});
}

int Recorder::rename(const fs::path& from, const fs::path& to) {
  if (is_dead_) return -EIO;
  const int result = PlainStorage::rename(from, to);
  if (result < 0) return result;
  const std::size_t inode = names_.at(name_of(from));
  names_.erase(name_of(from));
  names_[name_of(to)] = inode;
  record({.kind = Kind::renamed, .inode = inode, .path = name_of(from), .to = name_of(to)});
  return 0;
}

int Recorder::remove(const fs::path& file) {
  if (is_dead_) return -EIO;
  const int result = PlainStorage::remove(file);
  if (result < 0) return result;
  names_.erase(name_of(file));
  record({.kind = Kind::gone, .path = name_of(file)});
  return 0;
}

int Recorder::make_folder(const fs::path& folder, mode_t mode) {
  if (is_dead_) return -EIO;
  const int result = PlainStorage::make_folder(folder, mode);
  if (result >= 0) record({.kind = Kind::folder, .path = name_of(folder)});
  return result;
}

// ---- the cut ------------------------------------------------------------------------------------------------------------------------

Bytes Recorder::content(std::size_t inode, std::size_t position, Loss loss, Random& random) const {
  // From the last good sync on nothing is sure; nor is what a failed sync was asked for.
  std::size_t sure_until = 0, doubted_from = position, doubted_until = 0;
  for (std::size_t i = 0; i < position; ++i) {
    if (ops_[i].inode != inode) continue;
    if (ops_[i].kind == Kind::sync_failed) {
      doubted_from = std::min(doubted_from, sure_until);
      doubted_until = i;
    }
    if (ops_[i].kind == Kind::sync_file) sure_until = i;
  }
  const std::size_t first_lost = loss == Loss::first_kept ? random() % (position - sure_until + 1) + sure_until : position;
  Bytes file;
  for (std::size_t i = 0; i < position; ++i) {
    const Op& op = ops_[i];
    if (op.inode != inode || (op.kind != Kind::data && op.kind != Kind::size)) continue;
    const bool is_doubted = op.kind == Kind::data && i >= doubted_from && i < doubted_until;
    const bool is_sure = i < sure_until && !is_doubted;
    bool kept = is_sure;
    if (!is_sure) {
      switch (loss) {
        case Loss::nothing_kept:
          break;
        case Loss::all_kept:
          kept = true;
          break;
        case Loss::first_kept:
          kept = i < first_lost;
          break;
        case Loss::some_kept:
          kept = coin(random);
          break;
        case Loss::sectors_512:
        case Loss::sectors_4096:
        case Loss::garbage:
          kept = op.kind == Kind::size && coin(random);
          if (op.kind == Kind::data)
            put_sectors(file, op.offset, op.bytes, loss == Loss::sectors_512 ? 512 : 4096, loss == Loss::garbage, random);
          break;
      }
    }
    if (!kept) continue;
    if (op.kind == Kind::size) {
      file.resize(op.offset);
    } else {
      put(file, op.offset, op.bytes);
    }
  }
  return file;
}

Disk Recorder::cut(std::size_t position, Loss loss, Random& random) const {
  std::map<std::string, std::size_t> last_sync;  // of folders
  for (std::size_t i = 0; i < position; ++i) {
    if (ops_[i].kind == Kind::sync_folder) last_sync[ops_[i].path] = i;
  }
  const std::size_t first_lost = random() % (position + 1);
  std::map<std::string, std::size_t> files;
  std::vector<std::string> folders;
  for (std::size_t i = 0; i < position; ++i) {
    const Op& op = ops_[i];
    if (op.kind != Kind::name && op.kind != Kind::gone && op.kind != Kind::renamed && op.kind != Kind::folder) continue;
    const auto synced = last_sync.find(parent_of(op.path));
    const bool is_sure = synced != last_sync.end() && i < synced->second;
    const bool kept = is_sure || loss == Loss::all_kept || (loss == Loss::first_kept && i < first_lost) ||
                      (loss != Loss::nothing_kept && loss != Loss::first_kept && coin(random));
    if (!kept) continue;
    if (op.kind == Kind::name) files[op.path] = op.inode;
    if (op.kind == Kind::gone) files.erase(op.path);
    if (op.kind == Kind::folder) folders.push_back(op.path);
    if (op.kind == Kind::renamed) {
      files.erase(op.path);
      files[op.to] = op.inode;
    }
  }
  const auto is_there = [&](const std::string& folder) {
    for (std::string at = folder; !at.empty(); at = parent_of(at)) {
      if (std::ranges::find(folders, at) == folders.end()) return false;
    }
    return true;
  };
  Disk disk;
  for (const std::string& folder : folders) {
    if (is_there(folder)) disk.folders.push_back(folder);
  }
  for (const auto& [path, inode] : files) {
    if (is_there(parent_of(path))) disk.files[path] = content(inode, position, loss, random);
  }
  return disk;
}

// ---- writers ------------------------------------------------------------------------------------------------------------------------

namespace {
int readable_for_ever() {
  const int fd = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  PM_CHECK(fd >= 0);
  return fd;
}
}  // namespace

RecordingWriter::RecordingWriter(Recorder& recorder) : recorder_(recorder), ready_(readable_for_ever()) {}
RecordingWriter::~RecordingWriter() { ::close(ready_); }

void RecordingWriter::start(int fd, ByteView bytes, std::uint64_t offset) {
  PM_CHECK(!running_);
  running_ = true;
  fd_ = fd;
  outcome_ = {};
  if (fails_ != Fails::write) return recorder_.write_at(fd, bytes, offset);
  // Some of it went out all the same.
  fails_ = Fails::nothing;
  outcome_.write = EIO;
  recorder_.write_at(fd, bytes.first(bytes.size() * 2 / 3), offset);
}

std::optional<journal::BatchOutcome> RecordingWriter::poll() {
  if (!running_) return std::nullopt;
  running_ = false;
  if (outcome_.write != 0) return outcome_;
  if (fails_ == Fails::sync) {
    fails_ = Fails::nothing;
    outcome_.sync = EIO;
    recorder_.sync_failed(fd_);
    return outcome_;
  }
  (void)recorder_.sync(fd_, Sync::batch);
  return outcome_;
}

PlainWriter::PlainWriter() : ready_(readable_for_ever()) {}
PlainWriter::~PlainWriter() { ::close(ready_); }
void PlainWriter::start(int fd, ByteView bytes, std::uint64_t offset) {
  running_ = true;
  PM_CHECK(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes.size()));
}
std::optional<journal::BatchOutcome> PlainWriter::poll() {
  if (!std::exchange(running_, false)) return std::nullopt;
  return journal::BatchOutcome{};
}

}  // namespace pushmail::power

#include "dataplane/state_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "core/log.h"

namespace pushmail {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool make_durable(const std::filesystem::path& file, const HashKey& secret) {
  // Under its name only when it is whole.
  const std::string fresh = file.string() + ".new";
  {
    const Descriptor made(::open(fresh.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (made.get() < 0 || ::write(made.get(), secret.data(), secret.size()) != static_cast<ssize_t>(secret.size()) || ::fsync(made.get()) != 0) return false;
  }
  if (std::rename(fresh.c_str(), file.c_str()) != 0) return false;
  const Descriptor folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.get() >= 0 && ::fsync(folder.get()) == 0;
}

}  // namespace

Result<void> lock_state(const std::filesystem::path& folder) {
  // Never closed: the lock goes with the process.
  const int fd = ::open((folder / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return fail(state_file);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
  ::close(fd);
  return fail(state_in_use);
}

Result<HashKey> installation_secret(const std::filesystem::path& file) {
  HashKey secret;
  const Descriptor found(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (found.get() >= 0) {
    std::array<std::uint8_t, std::tuple_size_v<HashKey> + 1> bytes;
    if (::read(found.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(secret.size())) {
      std::copy_n(bytes.begin(), secret.size(), secret.begin());
      return secret;
    }
    log_error("secret_replaced").text("file", file.string());
  }
  secret = new_hash_key();
  if (!make_durable(file, secret)) return fail(state_file);
  return secret;
}

}  // namespace pushmail

// Loaded into the programs under test (LD_PRELOAD): fails a call of the C library, once, where tests/faults/run says so, and records from
// where each call comes. The programs know nothing of it.
//
// Came from: the dynamic linker, before libc. Goes to: the real calls. PUSHMAIL_FAULTS names a folder; a program whose page is not in it is
// left alone. Calls that a library makes for us (SQLite, Asio, c-ares) count for the frame of ours that asked for them.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <liburing.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "plan.h"

namespace pushmail::faults {
namespace {

Page* page = nullptr;
std::uintptr_t program_begin = 0, program_end = 0;
thread_local bool inside = false;  // the unwinder's own calls are not looked at

int find_program(dl_phdr_info* info, std::size_t, void*) {
  // The program comes first.
  program_begin = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type == PT_LOAD && info->dlpi_addr + header.p_vaddr + header.p_memsz > program_end)
      program_end = info->dlpi_addr + header.p_vaddr + header.p_memsz;
  }
  return 1;
}

__attribute__((constructor)) void open_page() {
  const char* folder = std::getenv("PUSHMAIL_FAULTS");
  if (folder == nullptr) return;
  const std::string file = std::string(folder) + "/" + program_invocation_short_name;
  // Past our own wrappers.
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, file.c_str(), O_RDWR | O_CLOEXEC));
  if (fd < 0) return;
  void* mapped = reinterpret_cast<void*>(syscall(SYS_mmap, nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  syscall(SYS_close, fd);
  if (mapped == MAP_FAILED) return;
  dl_iterate_phdr(find_program, nullptr);
  if (static_cast<Page*>(mapped)->magic == magic) page = static_cast<Page*>(mapped);
}

struct Stack {
  std::array<std::uint32_t, frames_max> frames;
  std::uint32_t count = 0;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* to) {
  auto& stack = *static_cast<Stack*>(to);
  const std::uintptr_t address = _Unwind_GetIP(context);
  if (address >= program_begin && address < program_end)
    stack.frames[stack.count++] = static_cast<std::uint32_t>(address - 1 - program_begin);
  return stack.count < frames_max ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void record(const char* call, const Stack& stack) {
  while (page->lock.exchange(1, std::memory_order_acquire) != 0) {
  }
  const std::uint32_t count = page->seen_count.load(std::memory_order_relaxed);
  std::uint32_t i = 0;
  for (; i < count; ++i) {
    const Seen& seen = page->seen[i];
    if (seen.frame_count == stack.count && std::strncmp(seen.call.data(), call, call_name_max) == 0 &&
        std::memcmp(seen.frames.data(), stack.frames.data(), stack.count * sizeof stack.frames[0]) == 0)
      break;
  }
  if (i == count && count < seen_max) {
    Seen& seen = page->seen[i];
    std::strncpy(seen.call.data(), call, call_name_max - 1);
    seen.frame_count = stack.count;
    std::memcpy(seen.frames.data(), stack.frames.data(), stack.count * sizeof stack.frames[0]);
    page->seen_count.store(count + 1, std::memory_order_relaxed);
  }
  if (i < seen_max) page->seen[i].phases |= 1U << page->phase;
  page->lock.store(0, std::memory_order_release);
}

bool is_wanted(const Stack& stack) {
  if (page->offset_count == 0) return true;
  for (std::uint32_t i = 0; i < stack.count; ++i)
    for (std::uint32_t wanted = 0; wanted < page->offset_count; ++wanted)
      if (stack.frames[i] == page->offsets[wanted]) return true;
  return false;
}

// 0, or the errno with which this call fails.
int fault(const char* call) {
  if (page == nullptr || inside) return 0;
  const bool aimed_at = page->armed.load(std::memory_order_acquire) > 0 && std::strncmp(page->call.data(), call, call_name_max) == 0;
  if (!aimed_at && page->recording == 0) return 0;
  const int before = errno;
  inside = true;
  Stack stack;
  _Unwind_Backtrace(add_frame, &stack);
  if (page->recording != 0) record(call, stack);
  inside = false;
  errno = before;
  if (!aimed_at || !is_wanted(stack)) return 0;
  if (page->armed.fetch_sub(1, std::memory_order_acq_rel) <= 0) return 0;
  page->hit_process = static_cast<std::uint32_t>(syscall(SYS_getpid));
  page->hits.fetch_add(1, std::memory_order_acq_rel);
  return static_cast<int>(page->error);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace pushmail::faults

using pushmail::faults::fault;
using pushmail::faults::next;

// `call`: the name the list of sites has for it; one call has several symbols.
#define PM_WRAP(call, result, symbol, parameters, arguments, failed)           \
  extern "C" __attribute__((visibility("default"))) result symbol parameters { \
    static auto* const real = next<result parameters>(#symbol);                \
    if (const int error = fault(call); error != 0) {                           \
      errno = error;                                                           \
      return failed;                                                           \
    }                                                                          \
    return real arguments;                                                     \
  }

PM_WRAP("read", ssize_t, read, (int fd, void* to, size_t size), (fd, to, size), -1)
PM_WRAP("read", ssize_t, pread, (int fd, void* to, size_t size, off_t at), (fd, to, size, at), -1)
PM_WRAP("read", ssize_t, pread64, (int fd, void* to, size_t size, off64_t at), (fd, to, size, at), -1)
PM_WRAP("write", ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size), -1)
PM_WRAP("write", ssize_t, pwrite, (int fd, const void* from, size_t size, off_t at), (fd, from, size, at), -1)
PM_WRAP("write", ssize_t, pwrite64, (int fd, const void* from, size_t size, off64_t at), (fd, from, size, at), -1)
PM_WRAP("write", ssize_t, writev, (int fd, const iovec* parts, int count), (fd, parts, count), -1)
PM_WRAP("fsync", int, fsync, (int fd), (fd), -1)
PM_WRAP("fsync", int, fdatasync, (int fd), (fd), -1)
PM_WRAP("ftruncate", int, ftruncate, (int fd, off_t size), (fd, size), -1)
PM_WRAP("ftruncate", int, ftruncate64, (int fd, off64_t size), (fd, size), -1)
PM_WRAP("fallocate", int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), -1)
PM_WRAP("fallocate", int, fallocate64, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size), -1)
PM_WRAP("rename", int, rename, (const char* from, const char* to), (from, to), -1)
PM_WRAP("unlink", int, unlink, (const char* file), (file), -1)
PM_WRAP("mkdir", int, mkdir, (const char* folder, mode_t mode), (folder, mode), -1)
PM_WRAP("chmod", int, chmod, (const char* file, mode_t mode), (file, mode), -1)
PM_WRAP("chown", int, chown, (const char* file, uid_t user, gid_t group), (file, user, group), -1)
PM_WRAP("chown", int, lchown, (const char* file, uid_t user, gid_t group), (file, user, group), -1)
PM_WRAP("flock", int, flock, (int fd, int operation), (fd, operation), -1)
PM_WRAP("fstat", int, fstat, (int fd, struct stat* to), (fd, to), -1)
PM_WRAP("fstat", int, fstat64, (int fd, struct stat64* to), (fd, to), -1)
PM_WRAP("stat", int, stat, (const char* file, struct stat* to), (file, to), -1)
PM_WRAP("stat", int, stat64, (const char* file, struct stat64* to), (file, to), -1)
PM_WRAP("statvfs", int, statvfs, (const char* file, struct statvfs* to), (file, to), -1)
PM_WRAP("statvfs", int, statvfs64, (const char* file, struct statvfs64* to), (file, to), -1)
PM_WRAP("fopen", FILE*, fopen, (const char* file, const char* mode), (file, mode), nullptr)
PM_WRAP("fopen", FILE*, fopen64, (const char* file, const char* mode), (file, mode), nullptr)
PM_WRAP("opendir", DIR*, opendir, (const char* folder), (folder), nullptr)
PM_WRAP("opendir", DIR*, fdopendir, (int fd), (fd), nullptr)
PM_WRAP("readdir", dirent*, readdir, (DIR * folder), (folder), nullptr)
PM_WRAP("readdir", dirent64*, readdir64, (DIR * folder), (folder), nullptr)
PM_WRAP("mmap", void*, mmap, (void* at, size_t size, int protection, int flags, int fd, off_t offset),
        (at, size, protection, flags, fd, offset), MAP_FAILED)
PM_WRAP("socket", int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1)
PM_WRAP("socketpair", int, socketpair, (int domain, int type, int protocol, int* pair), (domain, type, protocol, pair), -1)
PM_WRAP("bind", int, bind, (int fd, const sockaddr* address, socklen_t size), (fd, address, size), -1)
PM_WRAP("listen", int, listen, (int fd, int length), (fd, length), -1)
PM_WRAP("accept", int, accept, (int fd, sockaddr* address, socklen_t* size), (fd, address, size), -1)
PM_WRAP("accept", int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags), (fd, address, size, flags), -1)
PM_WRAP("connect", int, connect, (int fd, const sockaddr* address, socklen_t size), (fd, address, size), -1)
PM_WRAP("recv", ssize_t, recv, (int fd, void* to, size_t size, int flags), (fd, to, size, flags), -1)
PM_WRAP("recv", ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags), -1)
PM_WRAP("send", ssize_t, send, (int fd, const void* from, size_t size, int flags), (fd, from, size, flags), -1)
PM_WRAP("send", ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags), -1)
PM_WRAP("shutdown", int, shutdown, (int fd, int how), (fd, how), -1)
PM_WRAP("getsockopt", int, getsockopt, (int fd, int level, int option, void* value, socklen_t* size), (fd, level, option, value, size), -1)
PM_WRAP("setsockopt", int, setsockopt, (int fd, int level, int option, const void* value, socklen_t size), (fd, level, option, value, size),
        -1)
PM_WRAP("getsockname", int, getsockname, (int fd, sockaddr* address, socklen_t* size), (fd, address, size), -1)
PM_WRAP("epoll_create", int, epoll_create1, (int flags), (flags), -1)
PM_WRAP("epoll_create", int, epoll_create, (int size), (size), -1)
PM_WRAP("epoll_ctl", int, epoll_ctl, (int epoll, int operation, int fd, epoll_event* event), (epoll, operation, fd, event), -1)
PM_WRAP("epoll_wait", int, epoll_wait, (int epoll, epoll_event* events, int most, int timeout), (epoll, events, most, timeout), -1)
PM_WRAP("poll", int, poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout), -1)
PM_WRAP("eventfd", int, eventfd, (unsigned count, int flags), (count, flags), -1)
PM_WRAP("signalfd", int, signalfd, (int fd, const sigset_t* mask, int flags), (fd, mask, flags), -1)
PM_WRAP("timerfd_create", int, timerfd_create, (int clock, int flags), (clock, flags), -1)
PM_WRAP("sigaction", int, sigaction, (int number, const struct sigaction* action, struct sigaction* before), (number, action, before), -1)
PM_WRAP("sigprocmask", int, sigprocmask, (int how, const sigset_t* set, sigset_t* before), (how, set, before), -1)
PM_WRAP("getrlimit", int, getrlimit, (__rlimit_resource_t which, rlimit* to), (which, to), -1)
PM_WRAP("setrlimit", int, setrlimit, (__rlimit_resource_t which, const rlimit* from), (which, from), -1)
PM_WRAP("getrandom", ssize_t, getrandom, (void* to, size_t size, unsigned flags), (to, size, flags), -1)
PM_WRAP("getpwnam", passwd*, getpwnam, (const char* name), (name), nullptr)
PM_WRAP("getgrnam", group*, getgrnam, (const char* name), (name), nullptr)
PM_WRAP("initgroups", int, initgroups, (const char* user, gid_t also), (user, also), -1)
PM_WRAP("setgroups", int, setgroups, (size_t count, const gid_t* groups), (count, groups), -1)
PM_WRAP("setgid", int, setgid, (gid_t id), (id), -1)
PM_WRAP("setuid", int, setuid, (uid_t id), (id), -1)
PM_WRAP("setresgid", int, setresgid, (gid_t real_id, gid_t effective, gid_t saved), (real_id, effective, saved), -1)
PM_WRAP("setresuid", int, setresuid, (uid_t real_id, uid_t effective, uid_t saved), (real_id, effective, saved), -1)
PM_WRAP("fork", pid_t, fork, (), (), -1)
PM_WRAP("execv", int, execv, (const char* file, char* const* arguments), (file, arguments), -1)
PM_WRAP("dup2", int, dup2, (int from, int to), (from, to), -1)
// These say what failed by what they return.
PM_WRAP("pthread_create", int, pthread_create, (pthread_t * id, const pthread_attr_t* attributes, void* (*body)(void*), void* argument),
        (id, attributes, body, argument), error)
PM_WRAP("io_uring_queue_init", int, io_uring_queue_init, (unsigned entries, io_uring* ring, unsigned flags), (entries, ring, flags), -error)
PM_WRAP("io_uring_register_eventfd", int, io_uring_register_eventfd, (io_uring * ring, int fd), (ring, fd), -error)

// With an argument that need not be there.
#define PM_WRAP_OPEN(symbol, parameters, ...)                               \
  extern "C" __attribute__((visibility("default"))) int symbol parameters { \
    static auto* const real = next<int parameters>(#symbol);                \
    if (const int error = fault("open"); error != 0) {                      \
      errno = error;                                                        \
      return -1;                                                            \
    }                                                                       \
    mode_t mode = 0;                                                        \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {                             \
      va_list rest;                                                         \
      va_start(rest, flags);                                                \
      mode = va_arg(rest, mode_t);                                          \
      va_end(rest);                                                         \
    }                                                                       \
    return real(__VA_ARGS__, flags, mode);                                  \
  }
PM_WRAP_OPEN(open, (const char* file, int flags, ...), file)
PM_WRAP_OPEN(open64, (const char* file, int flags, ...), file)
PM_WRAP_OPEN(openat, (int folder, const char* file, int flags, ...), folder, file)
PM_WRAP_OPEN(openat64, (int folder, const char* file, int flags, ...), folder, file)

extern "C" __attribute__((visibility("default"))) int fcntl(int fd, int command, ...) {
  static auto* const real = next<int(int, int, ...)>("fcntl");
  va_list rest;
  va_start(rest, command);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  if (const int error = fault("fcntl"); error != 0) {
    errno = error;
    return -1;
  }
  return real(fd, command, argument);
}

extern "C" __attribute__((visibility("default"))) int prctl(int option, ...) {
  static auto* const real = next<int(int, ...)>("prctl");
  va_list rest;
  va_start(rest, option);
  unsigned long arguments[4];
  for (unsigned long& argument : arguments) argument = va_arg(rest, unsigned long);
  va_end(rest);
  if (const int error = fault("prctl"); error != 0) {
    errno = error;
    return -1;
  }
  return real(option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

// Of what is handed to the ring, the first write or sync is given a descriptor that does not exist: its completion fails.
extern "C" __attribute__((visibility("default"))) int io_uring_submit(io_uring* ring) {
  static auto* const real = next<int(io_uring*)>("io_uring_submit");
  if (const int error = fault("io_uring_submit"); error != 0) return -error;
  for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; ++at) {
    io_uring_sqe& entry = ring->sq.sqes[at & *ring->sq.kring_mask];
    if ((entry.opcode == IORING_OP_WRITE && fault("io_uring write") != 0) ||
        (entry.opcode == IORING_OP_FSYNC && fault("io_uring fsync") != 0))
      entry.fd = -1;
  }
  return real(ring);
}

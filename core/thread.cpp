#include "core/thread.h"

#include <signal.h>

#include <array>
#include <memory>
#include <utility>

#include "core/result.h"

namespace pushmail {

namespace {

void* run(void* given) {
  const std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(given));
  (*body)();
  return nullptr;
}

// What a thread brings upon itself by a wrong instruction; to block one of these is undefined (POSIX sigprocmask).
constexpr std::array own_faults{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

/// While it lives, the calling thread, and so each that it starts, takes no signal that is meant for the process.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t signals;
    ::sigfillset(&signals);
    for (const int fault : own_faults) ::sigdelset(&signals, fault);
    ::pthread_sigmask(SIG_SETMASK, &signals, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Thread::Thread(const char* name, std::function<void()> body) {
  auto given = std::make_unique<std::function<void()>>(std::move(body));
  {
    const SignalsBlocked inherited;
    if (const int error = ::pthread_create(&id_, nullptr, run, given.get()); error != 0) system_failed("a thread", error);
  }
  (void)given.release();  // NOLINT(bugprone-unused-return-value): the thread has it
  running_ = true;
  ::pthread_setname_np(id_, name);
}

Thread::Thread(Thread&& other) noexcept : id_(other.id_), running_(std::exchange(other.running_, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  PM_CHECK(!running_);
  id_ = other.id_;
  running_ = std::exchange(other.running_, false);
  return *this;
}

Thread::~Thread() { PM_CHECK(!running_); }

void Thread::join() {
  PM_CHECK(std::exchange(running_, false));
  PM_CHECK(::pthread_join(id_, nullptr) == 0);
}

}  // namespace pushmail

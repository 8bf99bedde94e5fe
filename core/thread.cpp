#include "core/thread.h"

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

}  // namespace

Thread::Thread(const char* name, std::function<void()> body) {
  auto given = std::make_unique<std::function<void()>>(std::move(body));
  if (const int error = ::pthread_create(&id_, nullptr, run, given.get()); error != 0) system_failed("a thread", error);
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

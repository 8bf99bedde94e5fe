// A thread that is started or ends the process with words: the system's refusal is no exception and no abort. It takes no signal: those
// are the main thread's business, and a driver's may be nobody's (dataplane/nic/eal.cpp).
#pragma once

#include <pthread.h>

#include <functional>

namespace pushmail {

class Thread {
 public:
  Thread() = default;
  /// `name`: at most 15 characters, for people who look at the process. Without a thread the process ends (system_failed).
  Thread(const char* name, std::function<void()> body);
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&& other) noexcept;
  /// It must have been joined.
  ~Thread();

  [[nodiscard]] bool joinable() const { return running_; }
  void join();

 private:
  pthread_t id_{};
  bool running_ = false;
};

}  // namespace pushmail

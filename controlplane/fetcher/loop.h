// One thread's event loop and the coroutines on it: Boost.Asio behind a front that the rest of this folder can read.
//
// A coroutine (Task) runs on a guarded stack of its own, so that libetpan's C code can call the driver, which waits, in the middle
// of a parse. Everything here belongs to the loop's thread. No function throws: an exception must never cross libetpan's frames.
// Nothing is destroyed by force: to end a coroutine, cut its socket, open its gate, and let it return.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/endpoint.h"
#include "core/result.h"

namespace pushmail::mailbox {

class Task;

class Loop {
 public:
  explicit Loop(const Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Starts a coroutine at the loop's next turn.
  void spawn(std::function<void(Task&)> body);
  /// Runs until no coroutine is left, or stop().
  void run();
  /// The same, but no longer than `most`; true when no coroutine is left.
  [[nodiscard]] bool run_for(Duration most);
  void stop();
  /// Calls `told` at each SIGHUP, until stop().
  void on_hang_up(std::function<void()> told);
  /// Coroutines that have not returned.
  [[nodiscard]] std::size_t tasks() const { return tasks_; }

  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] Instant now() const { return clock_.now(); }

  struct State;  // asio's, for loop.cpp
  [[nodiscard]] State& state() { return *state_; }

 private:
  const Clock& clock_;
  std::size_t tasks_ = 0;
  std::unique_ptr<State> state_;
};

/// What a running coroutine is; functions that wait ask for it.
class Task {
 public:
  struct State;
  Task(Loop& loop, State& state) : loop_(loop), state_(state) {}
  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] State& state() const { return state_; }

 private:
  Loop& loop_;
  State& state_;
};

/// A gate for one waiter, with memory: opened while nobody waits, it lets the next one through at once. Passing closes it.
class Gate {
 public:
  explicit Gate(Loop& loop);
  ~Gate();
  void open();
  /// False when `until` came first.
  bool wait(Task& task, Instant until);

 private:
  friend class Socket;
  struct State;
  std::shared_ptr<State> state_;
};

/// A connected socket; at most one reader and one writer at a time.
class Socket {
 public:
  explicit Socket(Loop& loop);
  ~Socket();
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;

  [[nodiscard]] Result<void> connect(Task& task, const Endpoint& to, Instant deadline);
  /// Takes over an open descriptor of a stream socket (the fetcher's descriptor 3).
  [[nodiscard]] Result<void> adopt(int descriptor);
  /// At least one byte; mailbox_closed at the end of the stream.
  [[nodiscard]] Result<std::size_t> read_some(Task& task, MutableBytes into, Instant deadline);
  [[nodiscard]] Result<void> write_all(Task& task, ByteView bytes, Instant deadline);
  /// Waits until there is something to read, the connection is gone, `gate` is opened, or `until`.
  void wait_readable(Task& task, Gate& gate, Instant until);
  /// Ends whatever waits on the socket and closes it. May be called from outside the coroutine that uses it.
  void cut();
  /// Why the last error happened, for people.
  [[nodiscard]] const std::string& reason() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Far in the future: no deadline.
inline constexpr Instant never{INT64_MAX};

}  // namespace pushmail::mailbox

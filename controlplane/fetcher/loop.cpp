#include "controlplane/fetcher/loop.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>

#include "controlplane/fetcher/errors.h"
#include "core/log.h"

namespace pushmail::mailbox {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// E5: libetpan's literal reader alone keeps 64 KiB on the stack. Only touched pages cost memory.
constexpr std::size_t stack_size = 256 * 1024;
// Asio's clock counts nanoseconds from boot; this far ahead nothing overflows.
constexpr Duration longest_wait = seconds(365LL * 86'400);

std::chrono::nanoseconds left_until(const Clock& clock, Instant at) {
  const std::int64_t now = clock.now().ns;
  if (at.ns <= now) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(std::min(at.ns - now, longest_wait.ns));
}

}  // namespace

struct Loop::State {
  asio::io_context context{1};
  std::optional<asio::signal_set> hang_ups;
  std::function<void()> told;

  void wait_for_hang_up() {
    hang_ups->async_wait([this](error_code cancelled, int) {
      if (cancelled) return;
      told();
      wait_for_hang_up();
    });
  }
};

struct Task::State {
  asio::yield_context yield;
};

Loop::Loop(const Clock& clock) : clock_(clock), state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

void Loop::spawn(std::function<void(Task&)> body) {
  ++tasks_;
  asio::spawn(
      state_->context, std::allocator_arg, boost::context::protected_fixedsize_stack(stack_size),
      [this, body = std::move(body)](asio::yield_context yield) {
        Task::State task_state{yield};
        Task task(*this, task_state);
        body(task);
      },
      [this](std::exception_ptr thrown) {
        --tasks_;
        // Only a lack of memory can come here; the process is restarted by the control plane.
        if (thrown) std::rethrow_exception(thrown);
      });
}

void Loop::run() {
  state_->context.restart();
  state_->context.run();
}

bool Loop::run_for(Duration most) {
  state_->context.restart();
  state_->context.run_for(std::chrono::nanoseconds(most.ns));
  return tasks_ == 0;
}

void Loop::stop() {
  // Nothing that only waits may keep run_for from its end.
  if (state_->hang_ups) state_->hang_ups->cancel();
  state_->context.stop();
}

void Loop::on_hang_up(std::function<void()> told) {
  state_->told = std::move(told);
  state_->hang_ups.emplace(state_->context, SIGHUP);
  state_->wait_for_hang_up();
}

struct Gate::State {
  State(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  bool is_open = false;
};

Gate::Gate(Loop& loop) : state_(std::make_shared<State>(loop.state().context)) {}
Gate::~Gate() = default;

void Gate::open() {
  state_->is_open = true;
  state_->timer.cancel();
}

bool Gate::wait(Task& task, Instant until) {
  const std::shared_ptr<State> state = state_;
  if (!state->is_open) {
    error_code error;
    state->timer.expires_after(left_until(task.loop().clock(), until));
    // A cancelled and an expired timer both end here; the flag tells which.
    state->timer.async_wait(task.state().yield[error]);
  }
  return std::exchange(state->is_open, false);
}

struct Socket::State : std::enable_shared_from_this<Socket::State> {
  explicit State(asio::io_context& context) : socket(context), read_timer(context), write_timer(context) {}

  asio::generic::stream_protocol::socket socket;
  asio::steady_timer read_timer;
  asio::steady_timer write_timer;
  // Numbers of waits, so that a timer that fires late cannot end the next one.
  std::uint64_t wait_number = 0;
  bool timed_out = false;
  bool was_cut = false;
  std::string reason;

  // Ends every wait on the socket at `deadline`, unless disarmed first.
  void arm(asio::steady_timer& timer, const Clock& clock, Instant deadline, std::uint64_t& armed) {
    armed = ++wait_number;
    timed_out = false;
    timer.expires_after(left_until(clock, deadline));
    timer.async_wait([self = shared_from_this(), &armed_now = armed, number = armed](error_code error) {
      if (error || armed_now != number) return;
      self->timed_out = true;
      self->socket.cancel(error);
    });
  }
  void disarm(asio::steady_timer& timer, std::uint64_t& armed) {
    armed = 0;
    timer.cancel();
  }
  std::uint64_t armed_read = 0;
  std::uint64_t armed_write = 0;

  Error note(const error_code& error) {
    if (was_cut) {
      reason = mailbox_stopped.text;
      return Error{&mailbox_stopped};
    }
    if (timed_out) {
      reason = mailbox_timeout.text;
      return Error{&mailbox_timeout};
    }
    if (error == asio::error::no_descriptors) {
      reason = std::string(mailbox_no_descriptor.text) + ": " + error.message();
      return Error{.info = &mailbox_no_descriptor, .at = 0, .os = error.value()};
    }
    reason = error.message();
    return Error{error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe
                     ? &mailbox_closed
                     : &mailbox_unreachable};
  }
};

Socket::Socket(Loop& loop) : state_(std::make_shared<State>(loop.state().context)) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() {
  if (state_) cut();
}

const std::string& Socket::reason() const { return state_->reason; }

void Socket::cut() {
  state_->was_cut = true;
  error_code ignored;
  state_->socket.close(ignored);
}

Result<void> Socket::adopt(int descriptor) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  error_code error;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return fail_os(mailbox_unreachable, errno);
  state_->socket.assign(asio::generic::stream_protocol(name.ss_family, 0), descriptor, error);
  if (error) return std::unexpected(state_->note(error));
  return {};
}

Result<void> Socket::connect(Task& task, const Endpoint& to, Instant deadline) {
  const std::shared_ptr<State> state = state_;
  asio::ip::address address;
  if (to.ip.is_v4()) {
    address = asio::ip::address_v4(to.ip.v4());
  } else {
    address = asio::ip::address_v6(to.ip.bytes);
  }
  const asio::ip::tcp::endpoint endpoint(address, to.port);
  error_code error;
  state->arm(state->write_timer, task.loop().clock(), deadline, state->armed_write);
  state->socket.async_connect(asio::generic::stream_protocol::endpoint(endpoint), task.state().yield[error]);
  state->disarm(state->write_timer, state->armed_write);
  if (error || state->was_cut) return std::unexpected(state->note(error));
  // A command is one write and waits for its answer.
  state->socket.set_option(asio::ip::tcp::no_delay(true), error);
  return {};
}

Result<std::size_t> Socket::read_some(Task& task, MutableBytes into, Instant deadline) {
  const std::shared_ptr<State> state = state_;
  if (state->was_cut) return std::unexpected(state->note({}));
  error_code error;
  state->arm(state->read_timer, task.loop().clock(), deadline, state->armed_read);
  const std::size_t size = state->socket.async_read_some(asio::buffer(into.data(), into.size()), task.state().yield[error]);
  state->disarm(state->read_timer, state->armed_read);
  if (error || state->was_cut) return std::unexpected(state->note(error));
  return size;
}

Result<void> Socket::write_all(Task& task, ByteView bytes, Instant deadline) {
  const std::shared_ptr<State> state = state_;
  if (state->was_cut) return std::unexpected(state->note({}));
  error_code error;
  state->arm(state->write_timer, task.loop().clock(), deadline, state->armed_write);
  asio::async_write(state->socket, asio::buffer(bytes.data(), bytes.size()), task.state().yield[error]);
  state->disarm(state->write_timer, state->armed_write);
  if (error || state->was_cut) return std::unexpected(state->note(error));
  return {};
}

void Socket::wait_readable(Task& task, Gate& gate, Instant until) {
  const std::shared_ptr<State> state = state_;
  if (state->was_cut) return;
  state->socket.async_wait(asio::socket_base::wait_read, [opened = gate.state_](error_code error) {
    if (error == asio::error::operation_aborted) return;
    // Whoever waits looks, and finds what is wrong with the socket.
    if (error) log_warning("wait_failed").os_error(error.value());
    opened->is_open = true;
    opened->timer.cancel();
  });
  gate.wait(task, until);
  error_code ignored;
  if (!state->was_cut) state->socket.cancel(ignored);
}

}  // namespace pushmail::mailbox

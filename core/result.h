// Errors as values, for every folder.
//
// An Error is one row of a folder's closed table (its errors.h) and the place in the input where the rule was broken.
// It is trivially copyable and never allocates; what the wrong value was is added by the caller that logs it.
// The row alone says whose fault it is and whether trying again can help; nothing else decides a retry.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <string_view>
#include <utility>

namespace pushmail {

/// Whose fault: what the other side sent, the world around us (disk, network), or our own code.
enum class Fault : std::uint8_t { peer, world, us };

/// Whether the same thing, tried again later, may work.
enum class Lasting : std::uint8_t { temporary, permanent };

/// One row of a folder's error table. `name` is folder.rule and unique; `clause` cites the rule (`RFC 2045 §6.8`),
/// empty where the rule is ours.
struct ErrorInfo {
  std::string_view name;
  std::string_view text;
  std::string_view clause;
  Fault fault = Fault::peer;
  Lasting lasting = Lasting::permanent;
};

/// A broken rule (`info` points into a constexpr table and is never null) and the byte offset `at` in the input; `os` is the errno of the
/// call that failed, 0 where none did.
struct Error {
  const ErrorInfo* info;
  std::uint32_t at = 0;
  std::int32_t os = 0;

  [[nodiscard]] bool is(const ErrorInfo& row) const { return info == &row; }
  [[nodiscard]] bool temporary() const { return info->lasting == Lasting::temporary; }
};

template <class T>
using Result = std::expected<T, Error>;

/// Shorthand for `return fail(mime_too_deep, at)`.
[[nodiscard]] constexpr std::unexpected<Error> fail(const ErrorInfo& row, std::size_t at = 0) {
  return std::unexpected<Error>(Error{&row, static_cast<std::uint32_t>(at)});
}
/// A call of the kernel failed with this errno.
[[nodiscard]] constexpr std::unexpected<Error> fail_os(const ErrorInfo& row, int os) { return std::unexpected<Error>(Error{&row, 0, os}); }

/// The three answers of a parser that reads a stream: a value and how many bytes it took, more bytes needed, or an error.
template <class T>
class Parsed {
 public:
  static Parsed done(T value, std::size_t used) { return Parsed{State::done, std::move(value), used, {}}; }
  static Parsed need_more() { return Parsed{State::need_more, T{}, 0, {}}; }
  static Parsed bad(const ErrorInfo& row, std::size_t at = 0) {
    return Parsed{State::bad, T{}, 0, Error{&row, static_cast<std::uint32_t>(at)}};
  }
  static Parsed bad(Error error) { return Parsed{State::bad, T{}, 0, error}; }

  [[nodiscard]] bool is_done() const { return state_ == State::done; }
  [[nodiscard]] bool needs_more() const { return state_ == State::need_more; }
  [[nodiscard]] bool is_bad() const { return state_ == State::bad; }
  [[nodiscard]] const T& value() const { return value_; }
  [[nodiscard]] T& value() { return value_; }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] Error error() const { return error_; }

 private:
  enum class State : std::uint8_t { done, need_more, bad };
  Parsed(State state, T value, std::size_t used, Error error) : state_(state), used_(used), error_(error), value_(std::move(value)) {}

  State state_;
  std::size_t used_;
  Error error_;
  T value_;
};

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"check_failed\",\"error\":\"%s\",\"at\":\"%s:%d\"}\n", what, file, line);
  std::abort();
}

/// The system refuses what the program cannot do without: not our fault, so the process ends with words and EX_OSERR, and leaves no core.
[[noreturn]] inline void system_failed(const char* what, int os) {
  std::fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"system_failed\",\"what\":\"%s\",\"errno\":\"%s\",\"errno_text\":\"%s\"}\n", what,
               ::strerrorname_np(os), ::strerrordesc_np(os));
  std::_Exit(71);
}

}  // namespace pushmail

/// A rule of our own code that must hold, in every build. A failure is our fault: stop, loudly.
#define PM_CHECK(condition) (static_cast<bool>(condition) ? static_cast<void>(0) : ::pushmail::check_failed(#condition, __FILE__, __LINE__))

/// `PM_TRY(auto value, expression)`: the value, or return the error to the caller.
#define PM_TRY_JOIN2(a, b) a##b
#define PM_TRY_JOIN(a, b) PM_TRY_JOIN2(a, b)
#define PM_TRY(declaration, expression)                             \
  auto PM_TRY_JOIN(pm_try_, __LINE__) = (expression);               \
  if (!PM_TRY_JOIN(pm_try_, __LINE__)) {                            \
    return std::unexpected(PM_TRY_JOIN(pm_try_, __LINE__).error()); \
  }                                                                 \
  declaration = std::move(*PM_TRY_JOIN(pm_try_, __LINE__))
/// `PM_TRY_VOID(expression)`: go on, or return the error to the caller.
#define PM_TRY_VOID(expression)                                                                  \
  do {                                                                                           \
    if (const auto pm_tried = (expression); !pm_tried) return std::unexpected(pm_tried.error()); \
  } while (false)

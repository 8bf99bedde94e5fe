// Loaded into the programs of an upgrade test (LD_PRELOAD): the wall clock stands PUSHMAIL_CLOCK_SHIFT seconds elsewhere, so that codes,
// retries and expiries of a state folder are as old as the test says, whenever it is opened. The programs know nothing of it; times that
// nobody can set (CLOCK_BOOTTIME, CLOCK_MONOTONIC) are left alone.
//
// Came from: the dynamic linker, before libc. Goes to: the real calls.
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

#include <cstdlib>

namespace {

using GetTime = int (*)(clockid_t, timespec*);

GetTime real() {
  static const auto found = reinterpret_cast<GetTime>(dlsym(RTLD_NEXT, "clock_gettime"));
  return found;
}

time_t shift() {
  static const time_t seconds = [] {
    const char* text = std::getenv("PUSHMAIL_CLOCK_SHIFT");
    return text == nullptr ? time_t{} : static_cast<time_t>(std::strtoll(text, nullptr, 10));
  }();
  return seconds;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const int result = real()(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
  return result;
}

int gettimeofday(timeval* now, void*) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  *now = {precise.tv_sec, static_cast<suseconds_t>(precise.tv_nsec / 1000)};
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (out != nullptr) *out = precise.tv_sec;
  return precise.tv_sec;
}

}  // extern "C"

#include "core/last_words.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

namespace pushmail {

namespace {

constexpr int exit_os = 71;

// Without an allocation: there may be no memory.
void say(const char* event, const char* reason) {
  std::fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"%s\",\"reason\":\"%s\"}\n", event, reason);
}

[[noreturn]] void end() {
  try {
    if (const std::exception_ptr current = std::current_exception()) std::rethrow_exception(current);
    say("terminated", "");
  } catch (const std::bad_alloc&) {
    say("out_of_memory", "an allocation failed");
    std::_Exit(exit_os);
  } catch (const std::system_error& error) {
    say("system_failed", error.what());
    std::_Exit(exit_os);
  } catch (const std::exception& error) {
    say("exception", error.what());
  } catch (...) {
    say("exception", "");
  }
  std::abort();
}

}  // namespace

void keep_last_words() { std::set_terminate(end); }

}  // namespace pushmail

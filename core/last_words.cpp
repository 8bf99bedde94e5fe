#include "core/last_words.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

#include "core/start_error.h"

namespace pushmail {

namespace {

IsSystemError is_system_error_of_library = nullptr;

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
    std::_Exit(exit_system);
  } catch (const std::system_error& error) {
    say("system_failed", error.what());
    std::_Exit(exit_system);
  } catch (const std::exception& error) {
    const bool is_system = is_system_error_of_library != nullptr && is_system_error_of_library(error);
    say(is_system ? "system_failed" : "exception", error.what());
    if (is_system) std::_Exit(exit_system);
  } catch (...) {
    say("exception", "");
  }
  std::abort();
}

}  // namespace

void keep_last_words(IsSystemError of_library) {
  is_system_error_of_library = of_library;
  std::set_terminate(end);
}

}  // namespace pushmail

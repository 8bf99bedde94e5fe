// Why a program does not start, and what its service manager is told: content that a person must mend is 78, for ever; what the machine
// lacks just now (a read that fails, no descriptor) is 71, and worth another try.
#pragma once

#include <string>
#include <utility>

namespace pushmail {

inline constexpr int exit_system = 71;         // sysexits.h: EX_OSERR
inline constexpr int exit_configuration = 78;  // EX_CONFIG

/// `os`: the errno of a file that could not be read; 0: its content is wrong. A file that is not there, or not for us, is content.
[[nodiscard]] int start_exit_code(int os);

struct StartError {
  StartError(std::string words) : text(std::move(words)) {}
  StartError(const char* words) : text(words) {}
  StartError(std::string words, int error) : text(std::move(words)), os(error) {}
  [[nodiscard]] int exit_code() const { return start_exit_code(os); }

  std::string text;
  int os = 0;
};

/// `what: cannot be read: ` and what the system says.
[[nodiscard]] StartError cannot_be_read(const std::string& what, int os);

}  // namespace pushmail

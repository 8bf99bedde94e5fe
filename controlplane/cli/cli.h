// pushmailctl: the command line as a function. noun verb, tables for people, --json for machines.
//
// Talks to the control plane's API socket; `worker show`, `journal cat` and `config check` read files and work without it.
// Exit codes: 0 done, 1 negative answer (no such thing, nothing found), 64 usage, 65 refused input, 69 no control plane or it cannot
// answer now, 74 unreadable file, 77 not allowed, 78 bad configuration (sysexits.h).
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace pushmail::cli {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& error;
};

[[nodiscard]] int run(const std::vector<std::string>& arguments, Streams streams);

}  // namespace pushmail::cli

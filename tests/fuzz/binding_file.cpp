// A file of bindings, as an operator gives it to `binding import`: rows come in order, each an object, and what we write is read again.
#include <sstream>

#include "controlplane/cli/binding_file.h"
#include "core/bytes.h"
#include "core/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  using namespace pushmail::cli;
  const std::string text(text_of({data, size}));
  std::istringstream in(text);
  BindingFile file(in);
  std::size_t last_line = 0;
  for (std::size_t rows = 0;; ++rows) {
    PM_CHECK(rows <= size);
    const auto row = file.next();
    PM_CHECK(file.line() >= last_line);
    last_line = file.line();
    if (!row) continue;
    if (!*row) break;
    PM_CHECK((*row)->binding.is_object() && (*row)->line == last_line);
  }
  // One field of anything but line ends of CR, which are no part of a text line.
  if (text.size() > 1000 || text.find('\r') != std::string::npos) return 0;
  std::istringstream written("msisdn,user\n" + csv_of({"+1", text}) + "\n");
  BindingFile again(written);
  const auto row = again.next();
  PM_CHECK(row && *row);
  PM_CHECK((*row)->binding.value("user", "") == text);
  return 0;
}

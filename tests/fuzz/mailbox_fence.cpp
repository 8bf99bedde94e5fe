// The fence between a mail server and libetpan: cut anywhere, the same bytes pass; and what passes keeps every bound, by a count of
// its own that knows nothing of the fence's states.
#include <algorithm>

#include "controlplane/fetcher/fence.h"
#include "core/limits.h"
#include "core/result.h"

using namespace pushmail;
using mailbox::Fence;

namespace {

struct Passed {
  Bytes out;
  const ErrorInfo* error = nullptr;
  std::string status;
};

Passed pass(ByteView in, std::size_t step, std::uint64_t budget, Fence::Grammar grammar, Fence::Lines lines) {
  Fence fence(grammar);
  fence.begin(budget, lines);
  Passed passed;
  while (!in.empty() && passed.error == nullptr) {
    const std::size_t size = std::min(step, in.size());
    if (const auto result = fence.pass(in.first(size), passed.out); !result) passed.error = result.error().info;
    in = in.subspan(size);
  }
  passed.status = fence.last_status();
  return passed;
}

// Walks over lines and literals as libetpan would, and counts what it would have to keep or recurse into.
void check_bounds(std::string_view out) {
  std::size_t parens = 0;
  bool continues = false;
  while (!out.empty()) {
    const std::size_t end = std::min(out.find('\n'), out.size() - 1);
    // Lines are whole, but for a FETCH, or what continues it behind a literal, that waits behind one that is dropped: the input ended
    // inside that.
    std::string_view line = out.substr(0, end + 1);
    PM_CHECK(line.ends_with('\n') || continues || line.find(" FETCH (") != std::string_view::npos);
    out.remove_prefix(end + 1);
    PM_CHECK(line.size() <= limits::imap_line_size_max + 4);
    line.remove_suffix(line.ends_with("\r\n") ? 2 : line.ends_with('\n') ? 1 : 0);
    PM_CHECK(line.find('\0') == std::string_view::npos);
    if (!continues) parens = 0;
    continues = false;
    parens += static_cast<std::size_t>(std::count(line.begin(), line.end(), '('));
    PM_CHECK(parens <= limits::imap_paren_depth_max);
    if (!line.ends_with('}')) continue;
    const std::size_t open = line.rfind('{');
    if (open == std::string_view::npos) continue;
    std::uint64_t size = 0;
    bool digits = open + 2 < line.size();
    for (const char c : line.substr(open + 1, line.size() - open - 2)) {
      digits = digits && c >= '0' && c <= '9';
      if (digits && size <= limits::imap_literal_size_max) size = size * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (!digits || size > limits::imap_literal_size_max || out.size() < size) {
      // Not a literal to the fence: the rest was measured as lines. Or the input ended inside it.
      if (digits && size <= limits::imap_literal_size_max) return;
      continue;
    }
    // Only when the fence took it for one may its bytes be skipped; if it did not, they were counted as lines, and skipping them here
    // asks less than what holds.
    continues = true;
    out.remove_prefix(static_cast<std::size_t>(size));
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto grammar = (data[0] & 1) != 0 ? Fence::Grammar::pop3 : Fence::Grammar::imap;
  const auto lines = (data[0] & 2) != 0 ? Fence::Lines::streamed : Fence::Lines::whole;
  const std::uint64_t budget = (data[0] & 4) != 0 ? 100 : limits::imap_answer_size_max;
  const std::size_t step = static_cast<std::size_t>(data[1]) + 1;
  const ByteView in(data + 2, size - 2);

  const Passed whole = pass(in, in.size() + 1, budget, grammar, lines);
  const Passed cut = pass(in, step, budget, grammar, lines);
  if (whole.error == nullptr) {
    PM_CHECK(cut.error == nullptr && cut.out == whole.out && cut.status == whole.status);
    if (grammar == Fence::Grammar::imap) {
      // A line that is still open at the end of the input is held back.
      check_bounds(text_of(whole.out));
    }
  } else {
    PM_CHECK(cut.error != nullptr);
  }
  return 0;
}

#include "controlplane/fetcher/fence.h"

#include <algorithm>

#include "controlplane/fetcher/errors.h"
#include "core/limits.h"

namespace pushmail::mailbox {

namespace {

constexpr std::size_t argument_size_max = 1000;

}  // namespace

bool may_go_on_wire(std::string_view argument) {
  return may_be_a_secret(argument) && std::ranges::all_of(argument, [](char c) { return c >= 0x20 && c <= 0x7E; });
}

bool may_be_a_secret(std::string_view argument) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return !argument.empty() && argument.size() <= argument_size_max && std::ranges::none_of(argument, is_control);
}

void Fence::forget() {
  line_.clear();
  literal_ = {};
  imap_.forget();
}

Result<void> Fence::pass(ByteView in, Bytes& out) {
  if (broken_ != nullptr) return fail(*broken_);
  const auto refuse = [this](const ErrorInfo& rule) {
    broken_ = &rule;
    return fail(rule);
  };
  if (in.size() > budget_) return refuse(mailbox_answer_too_long);
  budget_ -= in.size();
  if (grammar_ == Grammar::pop3 && lines_ == Lines::streamed) {
    append(out, in);
    return {};
  }
  while (!in.empty()) {
    if (literal_.size > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(literal_.size, in.size()));
      if (literal_.wanted) append(out, in.first(size));
      literal_.size -= size;
      in = in.subspan(size);
      continue;
    }
    const auto* end = static_cast<const std::uint8_t*>(std::memchr(in.data(), '\n', in.size()));
    const std::size_t size = end == nullptr ? in.size() : static_cast<std::size_t>(end - in.data()) + 1;
    if (line_.size() + size > limits::imap_line_size_max) return refuse(mailbox_line_too_long);
    line_.append(text_of(in.first(size)));
    in = in.subspan(size);
    if (end == nullptr) return {};
    if (const auto passed = take_line(out); !passed) return refuse(*passed.error().info);
  }
  return {};
}

// line_ ends with LF here, and is empty afterwards.
Result<void> Fence::take_line(Bytes& out) {
  const std::string line = std::exchange(line_, {});
  if (grammar_ == Grammar::pop3) {
    append(out, line);
    return {};
  }
  std::string_view content = line;
  content.remove_suffix(1);
  if (content.ends_with('\r')) content.remove_suffix(1);
  // RFC 3501 §9: neither can stand in a line, and both have made parsers disagree about where it ends.
  if (content.find('\0') != std::string_view::npos || content.find('\r') != std::string_view::npos) return fail(mailbox_bad_byte);
  PM_TRY(literal_, imap_.take(content, out));
  return {};
}

}  // namespace pushmail::mailbox

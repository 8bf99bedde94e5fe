#include "controlplane/mailbox/fence.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "controlplane/mailbox/errors.h"
#include "core/limits.h"

namespace pushmail::mailbox {

namespace {

constexpr std::size_t status_size_max = 200;
constexpr std::size_t argument_size_max = 1000;
// More digits than any literal that passes.
constexpr std::size_t literal_digit_count_max = 10;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The first word of `text`, taken off with the spaces after it.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
  return word;
}

bool is_status_word(std::string_view word) {
  constexpr std::array<std::string_view, 5> words{"OK", "NO", "BAD", "BYE", "PREAUTH"};
  return std::ranges::any_of(words, [word](std::string_view known) { return ascii_equal_nocase(word, known); });
}

// `* 12 FETCH (`
bool is_fetch(std::string_view line) {
  if (take_word(line) != "*") return false;
  const std::string_view number = take_word(line);
  return !number.empty() && std::ranges::all_of(number, is_digit) && ascii_equal_nocase(take_word(line), "FETCH");
}

// The digits of a `{123}` at the end of the line; empty optional when there is none.
std::optional<std::string_view> literal_at_end(std::string_view line) {
  if (line.empty() || line.back() != '}') return std::nullopt;
  const std::size_t open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  const std::string_view digits = line.substr(open + 1, line.size() - open - 2);
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  return digits;
}

}  // namespace

bool may_go_on_wire(std::string_view argument) {
  return !argument.empty() && argument.size() <= argument_size_max && std::ranges::all_of(argument, [](char c) { return c >= 0x20 && c <= 0x7E; });
}

void Fence::forget() {
  line_.clear();
  literal_left_ = 0;
  parens_ = 0;
  continues_ = false;
  in_fetch_ = false;
  last_status_.clear();
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
    if (literal_left_ > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(literal_left_, in.size()));
      append(out, in.first(size));
      literal_left_ -= size;
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
  std::string_view content = line_;
  content.remove_suffix(1);
  if (content.ends_with('\r')) content.remove_suffix(1);
  if (grammar_ == Grammar::imap) {
    if (const auto passed = take_imap_line(content, out); !passed) return passed;
  } else {
    append(out, line_);
  }
  line_.clear();
  return {};
}

Result<void> Fence::take_imap_line(std::string_view content, Bytes& out) {
  // RFC 3501 §9: neither can stand in a line, and both have made parsers disagree about where it ends.
  if (content.find('\0') != std::string_view::npos || content.find('\r') != std::string_view::npos) return fail(mailbox_bad_byte);
  const bool opens_response = !continues_;
  if (opens_response) {
    parens_ = 0;
    in_fetch_ = is_fetch(content);
  }
  continues_ = false;
  parens_ += static_cast<std::uint32_t>(std::ranges::count(content, '('));
  if (parens_ > limits::imap_paren_depth_max) return fail(mailbox_too_deep);

  if (in_fetch_) {
    if (const auto digits = literal_at_end(content)) {
      if (digits->size() > literal_digit_count_max) return fail(mailbox_literal_too_long);
      std::from_chars(digits->data(), digits->data() + digits->size(), literal_left_);
      if (literal_left_ > limits::imap_literal_size_max) return fail(mailbox_literal_too_long);
      continues_ = true;
    }
    append(out, line_);
    return {};
  }
  if (opens_response) {
    pass_status(content, out);
  } else {
    append(out, line_);
  }
  return {};
}

void Fence::pass_status(std::string_view content, Bytes& out) {
  std::string_view rest = content;
  const std::string_view tag = take_word(rest);
  const std::string_view status = rest;
  const std::string_view word = take_word(rest);
  const bool is_continuation = tag == "+" && status.empty();
  if (!is_continuation && !is_status_word(word)) {
    append(out, line_);
    return;
  }
  if (tag != "*" || ascii_equal_nocase(word, "BYE")) {
    last_status_.clear();
    for (const char c : status.substr(0, status_size_max)) last_status_.push_back(c >= 0x20 && c <= 0x7E ? c : '?');
  }
  // E7: resp-text is at least one character (RFC 3501 §9), also after a response code; servers forget it.
  const bool no_text = rest.empty() || (rest.front() == '[' && ascii_trim(rest).back() == ']');
  if (no_text && is_continuation) {
    append(out, "+ .\r\n");
  } else if (no_text) {
    append(out, tag);
    append(out, " ");
    append(out, ascii_trim(status));
    append(out, " .\r\n");
  } else {
    append(out, line_);
  }
}

}  // namespace pushmail::mailbox

#include "controlplane/fetcher/imap_lines.h"

#include <algorithm>
#include <array>
#include <optional>

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/mail_date.h"
#include "controlplane/fetcher/server_words.h"
#include "core/ascii.h"
#include "core/limits.h"

namespace pushmail::mailbox {

namespace {

constexpr std::size_t status_size_max = 200;
constexpr std::size_t tag_size_max = 20;
constexpr std::size_t capability_size_max = 64;
constexpr std::size_t capability_count_max = 200;

// RFC 3501 §9: a number is 32 bits.
std::optional<std::uint64_t> number32(std::string_view digits) {
  const auto value = parse_number<std::uint64_t>(digits);
  return value && *value <= UINT32_MAX ? value : std::nullopt;
}

bool is_status_word(std::string_view word) {
  constexpr std::array<std::string_view, 5> words{"OK", "NO", "BAD", "BYE", "PREAUTH"};
  return std::ranges::any_of(words, [word](std::string_view known) { return ascii_equal_nocase(word, known); });
}

}  // namespace

// A place in a line.
class ImapLines::Cursor {
 public:
  explicit Cursor(std::string_view line) : rest_(line) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  void skip(std::size_t count) { rest_.remove_prefix(std::min(count, rest_.size())); }
  void skip_spaces() { skip(rest_.find_first_not_of(' ')); }
  /// Everything up to one of `ends` or the end of the line.
  std::string_view until(std::string_view ends) {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(ends));
    skip(word.size());
    return word;
  }
  std::string_view word() {
    const std::string_view found = until(" ");
    skip_spaces();
    return found;
  }
  /// A quoted string without its quotes and backslashes (RFC 3501 §9); empty optional when it does not end.
  std::optional<std::string> quoted() {
    std::string value;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        skip(i + 1);
        return value;
      }
      if (rest_[i] == '\\') ++i;
      if (i < rest_.size()) value.push_back(rest_[i]);
    }
    return std::nullopt;
  }
  /// Passes over one value: a string, an atom, or a list of them, which is walked and not climbed into. `depth` is how many lists are open;
  /// it stops before a literal, with them open.
  Result<void> skip_value(std::uint32_t& depth) {
    do {
      skip_spaces();
      if (at_literal()) return {};
      if (rest_.empty()) return fail(mailbox_protocol);
      if (peek() == '"') {
        if (!quoted()) return fail(mailbox_protocol);
      } else if (peek() == '(') {
        if (++depth > limits::imap_paren_depth_max) return fail(mailbox_too_deep);
        skip(1);
      } else if (peek() == ')') {
        if (depth == 0) return fail(mailbox_protocol);
        --depth;
        skip(1);
      } else {
        until(" ()\"{");
      }
    } while (depth > 0);
    return {};
  }
  [[nodiscard]] bool at_literal() const { return rest_.starts_with('{') || rest_.starts_with("~{"); }
  /// `{n}` or `~{n}` (RFC 3516) at the end of the line.
  Result<std::uint64_t> literal() {
    if (peek() == '~') skip(1);
    if (peek() != '{') return fail(mailbox_protocol);
    skip(1);
    const std::string_view digits = until("}");
    if (rest_ != "}" || !is_digits(digits)) return fail(mailbox_protocol);
    skip(1);
    const auto size = parse_number<std::uint64_t>(digits);
    if (!size || *size > limits::imap_literal_size_max) return fail(mailbox_literal_too_long);
    return *size;
  }

 private:
  std::string_view rest_;
};

void ImapLines::forget() {
  within_ = Within::nothing;
  last_status_.clear();
  last_notice_.clear();
  bye_.clear();
  capabilities_.clear();
}

void ImapLines::begin() {
  last_status_ = bye_;
  last_notice_.clear();
}

bool ImapLines::can(std::string_view capability) const {
  return std::ranges::any_of(capabilities_, [capability](std::string_view known) { return ascii_equal_nocase(known, capability); });
}

Result<Literal> ImapLines::take(std::string_view line, Bytes& out) {
  Cursor at(line);
  const Within within = std::exchange(within_, Within::nothing);
  if (within == Within::fetch) return take_fetch(at, out);
  if (within == Within::passed_over) return pass_over(at);
  const std::string_view tag = at.word();
  if (tag == "*") return take_untagged(at, line, out);
  if (tag == "+") {
    append(out, "+ .\r\n");
    return Literal{};
  }
  const bool is_tag = !tag.empty() && tag.size() <= tag_size_max && std::ranges::all_of(tag, [](char c) { return is_alphanumeric(c); });
  const std::string_view status = at.rest();
  if (!is_tag || !is_status_word(at.word())) return fail(mailbox_protocol);
  take_status(tag, status, out);
  return Literal{};
}

// A response that nobody asked for, up to its end or a literal in it.
Result<Literal> ImapLines::pass_over(Cursor& at) {
  const std::string_view line = at.rest();
  const std::size_t open = line.ends_with('}') ? line.rfind('{') : std::string_view::npos;
  if (open == std::string_view::npos || !is_digits(line.substr(open + 1, line.size() - open - 2))) return Literal{};
  at.skip(open);
  PM_TRY(const std::uint64_t size, at.literal());
  within_ = Within::passed_over;
  return Literal{.size = size, .wanted = false, .follows = true};
}

void ImapLines::take_status(std::string_view tag, std::string_view status, Bytes& out) {
  Cursor at(status);
  const std::string_view word = at.word();
  const auto keep = [status](std::string& text) { text = server_words(status, status_size_max); };
  // A server that ends the session behind its refusal has said why it refused.
  const bool is_refused = ascii_starts_with_nocase(last_status_, "NO") || ascii_starts_with_nocase(last_status_, "BAD");
  if (tag != "*") {
    keep(last_status_);
  } else if (ascii_equal_nocase(word, "BYE")) {
    keep(bye_);
    if (!is_refused) last_status_ = bye_;
    // libetpan would wait for nothing more, and the answer to the command, which says why, may stand behind it.
    if (has_greeted_) return;
  } else if (ascii_equal_nocase(word, "NO") || ascii_equal_nocase(word, "BAD") || ascii_starts_with_nocase(at.rest(), "[ALERT]")) {
    keep(last_notice_);
  }
  append(out, tag);
  append(out, " ");
  append(out, word);
  if (at.peek() == '[') {
    at.skip(1);
    Cursor code(at.until("]"));
    const std::string_view name = code.word();
    const bool is_wanted = ascii_equal_nocase(name, "UIDVALIDITY") || ascii_equal_nocase(name, "UIDNEXT");
    if (const auto value = number32(code.rest()); is_wanted && value && at.peek() == ']') {
      append(out, " [");
      append(out, name);
      append(out, " " + std::to_string(*value) + "]");
    }
  }
  append(out, " .\r\n");
}

Result<Literal> ImapLines::take_untagged(Cursor& at, std::string_view line, Bytes& out) {
  const std::string_view status = line.substr(line.size() - at.rest().size());
  const std::string_view first = at.word();
  if (is_status_word(first)) {
    take_status("*", status, out);
    has_greeted_ = true;
    return Literal{};
  }
  if (ascii_equal_nocase(first, "CAPABILITY")) {
    capabilities_.clear();
    while (!at.at_end() && capabilities_.size() < capability_count_max) {
      if (const std::string_view atom = at.word(); atom.size() <= capability_size_max) capabilities_.emplace_back(atom);
    }
    return Literal{};
  }
  if (ascii_equal_nocase(first, "SEARCH")) {
    std::string kept;
    // RFC 7162 §3.1.5 appends (MODSEQ n), which nobody asked for.
    while (!at.at_end() && at.peek() != '(') {
      const std::string_view word = at.word();
      if (!is_digits(word)) return fail(mailbox_protocol);
      // What is too large for a UID (RFC 3501 §9) is no mail's; the others are.
      if (const auto value = number32(word)) kept.append(" ").append(std::to_string(*value));
    }
    append(out, "* SEARCH" + kept + "\r\n");
    return Literal{};
  }
  const auto count = number32(first);
  if (!count) return pass_over(at);
  const std::string_view what = at.word();
  for (const std::string_view known : {"EXISTS", "RECENT", "EXPUNGE"}) {
    if (ascii_equal_nocase(what, known)) append(out, "* " + std::to_string(*count) + " " + std::string(known) + "\r\n");
  }
  if (!ascii_equal_nocase(what, "FETCH")) return pass_over(at);
  if (at.peek() != '(') return fail(mailbox_protocol);
  at.skip(1);
  depth_ = 0;
  fetch_number_ = std::to_string(*count);
  fetch_written_ = false;
  return take_fetch(at, out);
}

void ImapLines::write_item(std::string_view item, Bytes& out) {
  if (std::exchange(fetch_written_, true)) {
    append(out, " ");
  } else {
    append(out, "* " + fetch_number_ + " FETCH (");
  }
  append(out, item);
}

// Items of msg-att (RFC 3501 §9) up to the closing parenthesis or a literal.
Result<Literal> ImapLines::take_fetch(Cursor& at, Bytes& out) {
  // Passes over an item that nobody asked for, or over the rest of it behind a literal.
  const auto skip_item = [&]() -> Result<Literal> {
    PM_TRY_VOID(at.skip_value(depth_));
    if (!at.at_literal()) return Literal{};
    PM_TRY(const std::uint64_t size, at.literal());
    within_ = Within::fetch;
    return Literal{.size = size, .wanted = false, .follows = true};
  };
  if (depth_ > 0) {
    if (const auto skipped = skip_item(); !skipped || skipped->follows) return skipped;
  }
  while (true) {
    at.skip_spaces();
    if (at.peek() == ')') return end_fetch(at, out);
    const std::string_view name = at.until(" [()\"{");
    if (name.empty()) return fail(mailbox_protocol);
    if (ascii_equal_nocase(name, "BODY") && at.peek() == '[') {
      const auto literal = take_body(at, out);
      if (!literal || literal->follows) return literal;
      continue;
    }
    at.skip_spaces();
    if (ascii_equal_nocase(name, "UID")) {
      const auto value = number32(at.until(" )"));
      if (!value || *value == 0) return fail(mailbox_protocol);
      write_item("UID " + std::to_string(*value), out);
    } else if (ascii_equal_nocase(name, "RFC822.SIZE")) {
      const auto value = parse_number<std::uint64_t>(at.until(" )"));
      if (!value) return fail(mailbox_protocol);
      write_item("RFC822.SIZE " + std::to_string(std::min<std::uint64_t>(*value, UINT32_MAX)), out);
    } else if (ascii_equal_nocase(name, "INTERNALDATE") && at.peek() == '"') {
      const auto value = at.quoted();
      if (!value) return fail(mailbox_protocol);
      // One that is no date is as good as none.
      if (const auto date = parse_internal_date(*value)) write_item("INTERNALDATE \"" + format_internal_date(*date) + "\"", out);
    } else if (const auto skipped = skip_item(); !skipped || skipped->follows) {
      return skipped;
    }
  }
}

// BODY[section]<origin> and its string. Which section it is we know, since we asked.
Result<Literal> ImapLines::take_body(Cursor& at, Bytes& out) {
  at.until("]");
  at.skip(1);
  if (at.peek() == '<') {
    at.until(">");
    at.skip(1);
  }
  if (at.peek() != ' ') return fail(mailbox_protocol);
  at.skip_spaces();
  if (at.peek() == '"') {
    const auto value = at.quoted();
    if (!value) return fail(mailbox_protocol);
    write_item("BODY[] {" + std::to_string(value->size()) + "}\r\n" + *value, out);
    return Literal{};
  }
  if (at.at_literal()) {
    PM_TRY(const std::uint64_t size, at.literal());
    write_item("BODY[] {" + std::to_string(size) + "}\r\n", out);
    within_ = Within::fetch;
    return Literal{.size = size, .wanted = true, .follows = true};
  }
  if (!ascii_equal_nocase(at.until(" )"), "NIL")) return fail(mailbox_protocol);
  write_item("BODY[] NIL", out);
  return Literal{};
}

Result<Literal> ImapLines::end_fetch(Cursor& at, Bytes& out) {
  at.skip(1);
  at.skip_spaces();
  if (!at.at_end()) return fail(mailbox_protocol);
  // Nothing of it was for us: no answer at all.
  if (fetch_written_) append(out, ")\r\n");
  return Literal{};
}

}  // namespace pushmail::mailbox

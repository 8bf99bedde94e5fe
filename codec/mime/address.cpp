// Addresses: header lists read with tolerance (RFC 5322 §3.4, §4.4), single addresses strictly (RFC 5321 §4.1.2).
//
// Came from: From, To, Cc, Reply-To; SMTP commands; first lines of phone messages. Goes to: routes, headers that we write.
#include <algorithm>

#include "codec/mime/errors.h"
#include "codec/mime/fields.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t local_part_size_max = 64;
constexpr std::size_t domain_size_max = 255;
constexpr std::size_t label_size_max = 63;

/// RFC 5322 §3.2.3.
bool is_atext(char c) {
  return is_alphanumeric(c) || (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
}

bool is_dot_atom(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == '.' || is_atext(c); });
}

bool is_quoted_string(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
  for (std::size_t at = 1; at + 1 < text.size(); ++at) {
    if (text[at] == '"' || is_control(text[at])) return false;
    // The quoted character of a pair is no control either (RFC 5321 §4.1.2).
    if (text[at] == '\\' && (++at + 1 >= text.size() || is_control(text[at]))) return false;
  }
  return true;
}

/// What a quoted string stands for. All its forms are one address (RFC 5321 §4.1.2): the one without quotes where there is one.
std::string plain_local_part(std::string_view local) {
  std::string content;
  for (std::size_t at = 1; at + 1 < local.size(); ++at) {
    if (local[at] == '\\') ++at;
    content += local[at];
  }
  return is_dot_atom(content) ? content : std::string(local);
}

/// LDH labels, or an address literal.
bool is_domain(std::string_view domain) {
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    const std::string_view inner = domain.substr(1, domain.size() - 2);
    return std::all_of(inner.begin(), inner.end(), [](char c) { return is_alphanumeric(c) || c == '.' || c == ':'; });
  }
  while (true) {
    const std::size_t dot = domain.find('.');
    const std::string_view label = domain.substr(0, dot);
    if (label.empty() || label.size() > label_size_max || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; })) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

/// Reads a list of mailboxes and groups, front to back, keeping what has been seen of the current one.
class ListReader {
 public:
  ListReader(std::string_view text, Arena& arena, std::string_view raw_charset)
      : arena_(arena), text_(text), raw_charset_(raw_charset), mailboxes_(arena), phrase_(arena), bare_(arena) {}

  std::span<const MailboxView> read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '(') {
        comment();
      } else if (c == '"') {
        quoted();
      } else if (c == '<') {
        angle();
      } else if (c == ',' || c == ';') {
        finish();
        ++at_;
      } else if (c == ':' && bare_at_ == std::string_view::npos) {
        phrase_.shrink(0);  // a group's name: its members stand in the list like others (RFC 5322 §3.4)
        bare_.shrink(0);
        has_quoted_ = false;
        ++at_;
      } else {
        word();
      }
    }
    finish();
    return mailboxes_.take();
  }

 private:
  void comment() {
    const std::size_t start = at_ + 1;
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\')
        ++at_;
      else if (text_[at_] == '(')
        ++depth;
      else if (text_[at_] == ')' && --depth == 0)
        break;
    }
    const std::size_t end = std::min(at_, text_.size());
    comment_ = text_.substr(start, end - start);
    at_ = std::min(at_ + 1, text_.size());
  }

  void quoted() {
    const std::size_t start = at_;
    add_space();
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      phrase_ += text_[at_];
    }
    at_ = std::min(at_ + 1, text_.size());
    // `"joe smith"@example.com`: then the quoted form is the local part.
    set_bare(bare_.empty() ? text_.substr(start, at_ - start) : no_address);
    has_quoted_ = true;
  }

  /// Length of the encoded word here, which some mailers leave commas and blanks in; 0 when it is none.
  [[nodiscard]] std::size_t encoded_word_size() const {
    constexpr std::size_t window = 256;
    const std::string_view here = text_.substr(at_, window);
    if (!here.starts_with("=?")) return 0;
    const std::size_t charset_end = here.find('?', 2);
    if (charset_end == std::string_view::npos || charset_end + 2 >= here.size() || here[charset_end + 2] != '?') return 0;
    const std::size_t end = here.find("?=", charset_end + 3);
    return end == std::string_view::npos ? 0 : end + 2;
  }

  void word() {
    const std::size_t start = at_;
    at_ += encoded_word_size();
    while (at_ < text_.size() && std::string_view("(\"<,;:").find(text_[at_]) == std::string_view::npos && !is_white(text_[at_])) ++at_;
    std::string_view taken = text_.substr(start, at_ - start);
    if (taken.empty()) {
      // A blank, or a colon inside an address.
      if (text_[at_] == ':') bare_ += ':';
      pending_space_ = true;
      ++at_;
      return;
    }
    // Atoms and dots may have blanks around them in old mail: `joe @ example.com`.
    const bool dots = bare_at_ != std::string_view::npos && (taken.front() == '.' || bare_.back() == '.');
    const bool continues = !bare_.empty() && (bare_.back() == '@' || taken.front() == '@' || dots || (has_quoted_ && !pending_space_));
    const std::size_t looked_at = bare_.size();
    add_space();
    phrase_ += taken;
    if (bare_.empty() || continues) {
      bare_ += taken;
    } else if (bare_at_ == std::string_view::npos) {
      set_bare(taken.find('@') == std::string_view::npos ? no_address : taken);
    }
    if (bare_at_ == std::string_view::npos) bare_at_ = bare_.view().find('@', bare_.size() > looked_at ? looked_at : 0);
  }

  /// What several words without an @ are.
  static constexpr std::string_view no_address = " ";

  void set_bare(std::string_view text) {
    bare_.shrink(0);
    bare_ += text;
  }
  void add_space() {
    if (pending_space_ && !phrase_.empty()) phrase_ += ' ';
    pending_space_ = false;
  }

  void angle() {
    const std::size_t start = at_ + 1;
    bool in_quotes = false;
    for (++at_; at_ < text_.size() && (in_quotes || text_[at_] != '>'); ++at_) {
      if (text_[at_] == '"')
        in_quotes = !in_quotes;
      else if (in_quotes && text_[at_] == '\\')
        ++at_;
    }
    at_ = std::min(at_, text_.size());
    std::string_view inside = ascii_trim(text_.substr(start, at_ - start));
    at_ = std::min(at_ + 1, text_.size());
    // A source route names relays of old (RFC 5321 appendix C).
    if (inside.starts_with('@')) {
      if (const std::size_t colon = inside.find(':'); colon != std::string_view::npos) inside.remove_prefix(colon + 1);
    }
    if (ascii_starts_with_nocase(inside, "mailto:")) inside.remove_prefix(7);
    angle_ = inside;
    has_angle_ = true;
  }

  void finish() {
    const std::string_view written = has_angle_ ? angle_ : ascii_trim(bare_.view());
    std::string_view display;
    if (has_angle_) display = decode_header(phrase_.take_view(), arena_, raw_charset_);
    if (display.empty()) display = decode_header(comment_, arena_, raw_charset_);
    add(written, display);
    phrase_.shrink(0);
    bare_.shrink(0);
    bare_at_ = std::string_view::npos;
    comment_ = {};
    angle_ = {};
    has_angle_ = has_quoted_ = pending_space_ = false;
  }

  void add(std::string_view written, std::string_view display) {
    ArenaText cleaned(arena_);
    std::size_t comments = 0;  // `pete(his account)@silly.test` (RFC 5322 appendix A.5)
    for (const char c : written) {
      const bool quoted = written.front() == '"';
      if (!quoted && c == '(')
        ++comments;
      else if (!quoted && c == ')' && comments > 0)
        --comments;
      else if (comments == 0 && !is_control(c) && (c != ' ' || quoted))
        cleaned += c;
    }
    const std::string_view clean = cleaned.take_view();
    const std::size_t at_sign = clean.rfind('@');
    const std::string_view local = clean.substr(0, at_sign);
    if (local.empty()) return;
    if (at_sign == std::string_view::npos) {
      if (!has_angle_ && !is_dot_atom(local)) return;
      mailboxes_.push_back({display, guess_utf8(bytes_of(local), arena_), {}});
      return;
    }
    std::string_view domain = domain_to_ascii(guess_utf8(bytes_of(clean.substr(at_sign + 1)), arena_), arena_);
    if (domain.empty()) return;
    if (domain.ends_with('.')) domain.remove_suffix(1);
    mailboxes_.push_back({display, guess_utf8(bytes_of(local), arena_), domain});
  }

  Arena& arena_;
  std::string_view text_;
  std::string_view raw_charset_;
  std::size_t at_ = 0;
  ArenaList<MailboxView> mailboxes_;
  // Of the mailbox that is being read:
  ArenaText phrase_;  // words before <>
  ArenaText bare_;    // an address without <>
  std::size_t bare_at_ = std::string_view::npos;
  std::string_view comment_;
  std::string_view angle_;
  bool has_angle_ = false;
  bool has_quoted_ = false;
  bool pending_space_ = false;
};

}  // namespace

std::span<const MailboxView> parse_mailboxes(std::string_view value, Arena& arena, std::string_view raw_charset) {
  return ListReader(value, arena, raw_charset).read();
}

std::vector<Mailbox> parse_mailboxes(std::string_view value) {
  Arena arena;
  std::vector<Mailbox> mailboxes;
  for (const MailboxView& view : parse_mailboxes(value, arena)) {
    mailboxes.push_back({std::string(view.display_name), std::string(view.local_part), std::string(view.domain)});
  }
  return mailboxes;
}

Result<Mailbox> parse_address(std::string_view text) {
  // The last @ divides: a quoted local part may hold others.
  const std::size_t at_sign = text.rfind('@');
  if (at_sign == std::string_view::npos) return fail(mime_bad_address, text.size());
  const std::string_view local = text.substr(0, at_sign);
  Arena arena;
  const std::string_view domain = domain_to_ascii(text.substr(at_sign + 1), arena);
  if (local.size() > local_part_size_max) return fail(mime_address_too_long, local_part_size_max);
  if (domain.size() > domain_size_max) return fail(mime_address_too_long, at_sign + 1);
  const auto eight_bit = std::find_if(local.begin(), local.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (eight_bit != local.end()) return fail(mime_address_not_ascii, static_cast<std::size_t>(eight_bit - local.begin()));
  const bool is_quoted = is_quoted_string(local);
  if (!is_quoted && !is_dot_atom(local)) return fail(mime_bad_address, 0);
  if (!is_domain(domain)) return fail(mime_bad_address, at_sign + 1);
  return Mailbox{.display_name = {}, .local_part = is_quoted ? plain_local_part(local) : std::string(local), .domain = std::string(domain)};
}

}  // namespace pushmail::mime

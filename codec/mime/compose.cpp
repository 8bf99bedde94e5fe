// Mail out: header fields, parameters and bodies, strictly (RFC 5322 §2.2.3, RFC 2047, RFC 2231, RFC 2045).
//
// Came from: codec/convert and codec/mm7. Goes to: SMTP DATA or an HTTP body. Invariant: whatever the values are, no control
// character reaches a header, a line has at most 78 columns where it can be folded, and a UTF-8 character is never split.
#include "codec/mime/compose.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "codec/simd/simd.h"
#include "core/ascii.h"
#include "core/base64.h"
#include "core/utf8.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t line_columns_max = 78;       // RFC 5322 §2.1.1
constexpr std::size_t encoded_line_max = 76;       // RFC 2047 §2: of a line that holds an encoded word
constexpr std::size_t encoded_word_size_max = 75;  // RFC 2047 §2
constexpr std::size_t parameter_size_max = 1024;   // so that its pieces stay far below any reader's limit
constexpr std::string_view word_start_b = "=?utf-8?B?";
constexpr std::string_view word_start_q = "=?utf-8?Q?";
constexpr std::string_view word_end = "?=";

/// Valid UTF-8 without controls: CR, LF and tab become blanks, the others go.
std::string clean(std::string_view value) {
  std::string out;
  for (const char c : to_utf8(bytes_of(value), "utf-8")) {
    if (c == '\r' || c == '\n' || c == '\t')
      out += ' ';
    else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)
      out += c;
  }
  return out;
}

/// The value itself when it is clean; else in `storage`.
std::string_view cleaned(std::string_view value, std::string& storage) {
  const bool is_clean =
      std::all_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; }) &&
      simd::active().utf8_valid_prefix(bytes_of(value)) == value.size();
  if (is_clean) return value;
  storage = clean(value);
  return storage;
}

/// RFC 2047 §5 (3): what may stand as itself even inside a phrase.
bool is_q_literal(char c) { return is_alphanumeric(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/'; }

void append_hex(std::string& out, char sign, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += sign;
  out += upper_hex_digits[byte >> 4U];
  out += upper_hex_digits[byte & 15U];
}

std::string q_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_q_literal(c))
      out += c;
    else if (c == ' ')
      out += '_';
    else
      append_hex(out, '=', c);
  }
  return out;
}

/// `text` as encoded words that each fit a line of their own and hold whole characters; the first leaves `used` columns free.
std::vector<std::string> encoded_words(std::string_view text, std::size_t used) {
  const bool q = q_encoded(text).size() <= base64_encoded(text).size();
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t room = std::min(encoded_word_size_max, encoded_line_max - std::min(used + 1, encoded_line_max - 24)) -
                             word_start_b.size() - word_end.size();
    std::size_t size = 0;
    std::size_t encoded_size = 0;
    while (size < text.size()) {
      const std::size_t next = std::min(text.size(), size + character_size(text, size));
      encoded_size = q ? encoded_size + q_encoded(text.substr(size, next - size)).size() : (next + 2) / 3 * 4;
      if (encoded_size > room) break;
      size = next;
    }
    const std::string_view piece = text.substr(0, size);
    std::string word(q ? word_start_q : word_start_b);
    word += q ? q_encoded(piece) : base64_encoded(piece);
    word += word_end;
    words.push_back(std::move(word));
    text.remove_prefix(size);
    used = 0;
  }
  return words;
}

/// Puts words on lines, folding before the one that would make a line too long.
class Folder {
 public:
  Folder(Bytes& out, std::string_view name) : out_(out), column_(name.size() + 1) {
    append(out_, name);
    append(out_, ":");
  }

  void word(std::string_view text) {
    const bool is_encoded = text.starts_with("=?");
    const std::size_t most = is_encoded || holds_encoded_ ? encoded_line_max : line_columns_max;
    if (column_ + 1 + text.size() > most && !first_) {
      append(out_, "\r\n");
      column_ = 0;
      holds_encoded_ = false;
    }
    holds_encoded_ |= is_encoded;
    append(out_, " ");
    append(out_, text);
    column_ += 1 + text.size();
    first_ = false;
  }
  void end() { append(out_, "\r\n"); }
  [[nodiscard]] std::size_t column() const { return column_; }

 private:
  Bytes& out_;
  std::size_t column_;
  bool first_ = true;
  bool holds_encoded_ = false;  // the line does
};

/// ASCII that survives folding at its blanks and does not look encoded.
bool can_stand_plain(std::string_view text, std::size_t word_size_max) {
  if (!is_ascii(text) || text.find("=?") != std::string_view::npos || text.find("  ") != std::string_view::npos) return false;
  if (text.starts_with(' ') || text.ends_with(' ')) return false;
  std::size_t word = 0;
  for (const char c : text) {
    word = c == ' ' ? 0 : word + 1;
    if (word > word_size_max) return false;
  }
  return true;
}

void put_words(Folder& folder, std::string_view text) {
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    folder.word(text.substr(0, blank));
    if (blank == std::string_view::npos) break;
    text.remove_prefix(blank + 1);
  }
}

/// RFC 5322 §3.2.4.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool is_atoms(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == ' ' || is_alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  });
}

/// Columns that the last, unfinished line of `out` has.
std::size_t column_of(const Bytes& out) {
  const auto line = std::find(out.rbegin(), out.rend(), std::uint8_t{'\n'});
  return static_cast<std::size_t>(line - out.rbegin());
}

/// One parameter, or a piece of one: never longer than a line.
class ParameterText {
 public:
  void add(std::string_view text) {
    for (const char c : text) add(c);
  }
  void add(char c) {
    if (size_ < text_.size()) text_[size_++] = c;
  }
  /// RFC 2231 §7: attribute characters as they are, all others as `%XX`.
  void add_extended(char c) {
    if (is_plain(c)) return add(c);
    const auto byte = static_cast<unsigned char>(c);
    add('%');
    add(upper_hex_digits[byte >> 4U]);
    add(upper_hex_digits[byte & 15U]);
  }
  [[nodiscard]] static std::size_t extended_size(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_plain)) * std::size_t{1} +
           static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_plain(c); })) * std::size_t{3};
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  void put(Bytes& out) const {
    append(out, column_of(out) + 2 + size_ > line_columns_max ? ";\r\n " : "; ");
    append(out, std::string_view(text_.data(), size_));
  }

 private:
  static bool is_plain(char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; }

  std::array<char, line_columns_max> text_;
  std::size_t size_ = 0;
};

}  // namespace

void write_text_field(Bytes& out, std::string_view name, std::string_view utf8_value) {
  std::string storage;
  const std::string_view value = cleaned(utf8_value, storage);
  Folder folder(out, name);
  if (value.empty()) append(out, " ");
  if (can_stand_plain(value, line_columns_max - 2 - name.size())) {
    put_words(folder, value);
  } else {
    for (const std::string& word : encoded_words(value, folder.column())) folder.word(word);
  }
  folder.end();
}

void write_mailboxes_field(Bytes& out, std::string_view name, std::span<const Mailbox> mailboxes) {
  Folder folder(out, name);
  for (std::size_t i = 0; i < mailboxes.size(); ++i) {
    const Mailbox& mailbox = mailboxes[i];
    std::string storage;
    const std::string_view display = cleaned(mailbox.display_name, storage);
    // Quoting doubles backslashes, so what counts is the quoted length.
    const std::string in_quotes = is_atoms(display) ? std::string() : quoted(display);
    if (!can_stand_plain(display, 60) || in_quotes.size() > 60) {
      for (const std::string& word : encoded_words(display, folder.column())) folder.word(word);
    } else if (in_quotes.empty()) {
      put_words(folder, display);
    } else {
      folder.word(in_quotes);
    }
    const std::string written = mailbox.address();
    std::string address_storage;
    std::string address(cleaned(written, address_storage));
    if (!address.starts_with('"')) std::erase(address, ' ');
    if (!display.empty()) address = "<" + address + ">";
    if (i + 1 < mailboxes.size()) address += ',';
    folder.word(address);
  }
  folder.end();
}

void write_parameter(Bytes& out, std::string_view name, std::string_view utf8_value) {
  std::string storage;
  std::string_view value = cleaned(utf8_value, storage);
  value = cut_utf8(value, parameter_size_max);
  if (is_ascii(value)) {
    const auto escaped = static_cast<std::size_t>(std::count_if(value.begin(), value.end(), [](char c) { return c == '"' || c == '\\'; }));
    if (name.size() + value.size() + escaped + 5 <= line_columns_max) {
      ParameterText whole;
      whole.add(name);
      whole.add("=\"");
      for (const char c : value) {
        if (c == '"' || c == '\\') whole.add('\\');
        whole.add(c);
      }
      whole.add('"');
      return whole.put(out);
    }
  } else if (name.size() + ParameterText::extended_size(value) + 11 <= line_columns_max) {
    ParameterText whole;
    whole.add(name);
    whole.add("*=utf-8''");
    for (const char c : value) whole.add_extended(c);
    return whole.put(out);
  }
  // RFC 2231 §3, §4.1: numbered pieces; the charset stands in the first.
  std::size_t index = 0;
  for (std::size_t at = 0; at < value.size(); ++index) {
    ParameterText piece;
    piece.add(name);
    piece.add('*');
    std::array<char, 8> digits;
    piece.add(std::string_view(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), index).ptr));
    piece.add(index == 0 ? "*=utf-8''" : "*=");
    while (at < value.size()) {
      const std::string_view next = value.substr(at, character_size(value, at));
      if (piece.size() + ParameterText::extended_size(next) + 2 > line_columns_max) break;
      for (const char c : next) piece.add_extended(c);
      at += next.size();
    }
    piece.put(out);
  }
}

void write_body(Bytes& out, ByteView body, BodyForm form) {
  append(out, "Content-Transfer-Encoding: ");
  switch (form) {
    case BodyForm::base64: {
      append(out, "base64\r\n\r\n");
      const std::size_t start = out.size();
      out.resize(start + simd::base64_encoded_size(body.size()));
      out.resize(start + simd::active().base64_encode(body, MutableBytes(out).subspan(start)));
      break;
    }
    case BodyForm::quoted_printable: {
      append(out, "quoted-printable\r\n\r\n");
      const std::size_t start = out.size();
      out.resize(start + simd::qp_encoded_max(body.size()));
      out.resize(start + simd::active().qp_encode(body, MutableBytes(out).subspan(start), simd::QpMode::text));
      // A soft break ends the last line of a text that has no line end itself.
      if (out.size() > start && out.back() != '\n') append(out, "=\r\n");
      break;
    }
    case BodyForm::binary:
      append(out, "binary\r\n\r\n");
      append(out, body);
      break;
  }
}

std::string make_boundary(std::string_view seed, std::span<const ByteView> bodies, Written written) {
  std::string base = "pm_";
  for (const char c : seed.substr(0, 40)) {
    if (is_alphanumeric(c)) base += c;
  }
  std::string boundary = base;
  const auto occurs = [&](ByteView body) {
    const std::string_view text = text_of(body);
    if (text.size() < 2 + boundary.size()) return false;
    if (written == Written::as_is) {
      // A delimiter stands at the start of a line, behind `--`; a match that starts later in a run of dashes is one too many, and no harm.
      for (std::size_t at = 0; (at = simd::active().find_dash_line(body, at)) != simd::none; ++at) {
        if (text.substr(at + 2).starts_with(boundary)) return true;
      }
      return false;
    }
    // `_` is rare in what is looked through, and `p` is not.
    for (std::size_t at = text.find('_', 2); at != std::string_view::npos; at = text.find('_', at + 1)) {
      if (text.substr(at - 2).starts_with(boundary)) return true;
    }
    return false;
  };
  for (std::size_t round = 1; std::any_of(bodies.begin(), bodies.end(), occurs); ++round) boundary = base + "_" + std::to_string(round);
  return boundary;
}

}  // namespace pushmail::mime

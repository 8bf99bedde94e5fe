// Content-Type and Content-Disposition values: token and parameters (RFC 2045 §5.1), continuations and charsets (RFC 2231).
//
// Came from: parse.cpp. Goes to: Part::type_parameters, boundary, charset, name. Tolerated: no semicolon between parameters, unquoted
// values with blanks, quotes never closed, RFC 2047 words, raw 8-bit, segments that are missing.
#include <algorithm>

#include "codec/mime/fields.h"
#include "core/ascii.h"
#include "core/character_set.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

constexpr CharacterSet blanks(" \t\r\n");
constexpr CharacterSet blanks_and_separators(" \t\r\n;,");
constexpr CharacterSet token_ends("; \t\r\n(\"=");
constexpr CharacterSet name_ends("=; \t\r\n\"");
constexpr CharacterSet value_ends("; \t\r\n");
constexpr CharacterSet line_ends(";\r\n");
constexpr CharacterSet quoted_stops("\"\\\r\n");
constexpr CharacterSet specials("()<>@,;:\\\"/[]?=");  // RFC 2045 §5.1

/// One `name*1*=value` as it stands.
struct Segment {
  std::string_view name;  // lower case, without stars
  std::string_view raw;
  std::uint32_t index = 0;
  std::uint32_t order = 0;    // in which it stands
  bool is_extended = false;   // percent-encoded, with charset in the first
  bool is_continued = false;  // has an index
};

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  void advance() { ++at_; }

  /// Over comments and any of `passed`.
  void skip(const CharacterSet& passed) {
    while (!at_end()) {
      if (peek() == '(')
        skip_comment();
      else if (passed.contains(peek()))
        advance();
      else
        break;
    }
  }

  void skip_blanks() {
    while (!at_end() && blanks.contains(peek())) advance();
  }

  [[nodiscard]] std::string_view until(const CharacterSet& stop) {
    const std::size_t start = at_;
    at_ = stop.find_in(text_, at_);
    return text_.substr(start, at_ - start);
  }

  /// The inside of the quoted string that starts here: as it lies, unless something in it has to go.
  [[nodiscard]] std::string_view quoted(Arena& arena) {
    advance();
    const std::size_t start = at_;
    at_ = quoted_stops.find_in(text_, at_);
    if (at_end() || peek() == '"') {
      const std::string_view inside = text_.substr(start, at_ - start);
      if (!at_end()) advance();
      return inside;
    }
    ArenaText out(arena);
    out += text_.substr(start, at_ - start);
    for (; !at_end() && peek() != '"'; advance()) {
      if (peek() == '\\' && at_ + 1 < text_.size()) advance();  // RFC 5322 §3.2.1, also where a mailer wrote a path of Windows
      if (peek() != '\r' && peek() != '\n') out += peek();
    }
    if (!at_end()) advance();
    return out.take_view();
  }

 private:
  void skip_comment() {
    std::size_t depth = 0;
    for (; !at_end(); advance()) {
      if (peek() == '\\')
        advance();
      else if (peek() == '(')
        ++depth;
      else if (peek() == ')' && --depth == 0)
        break;
      if (at_end()) return;
    }
    if (!at_end()) advance();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// `name*12*` into its pieces.
Segment name_of(std::string_view written, Arena& arena) {
  Segment segment;
  if (written.ends_with('*')) {
    segment.is_extended = true;
    written.remove_suffix(1);
  }
  if (const std::size_t star = written.rfind('*');
      star != std::string_view::npos && star + 1 < written.size() && written.size() - star <= 7) {
    const std::string_view digits = written.substr(star + 1);
    if (const auto index = parse_number<std::uint32_t>(digits)) {
      segment.is_continued = true;
      segment.index = *index;
      written = written.substr(0, star);
    }
  }
  segment.name = lower_case(written, arena);
  return segment;
}

/// Segments of one name, in order of index, as one value. The charset counts for the joined bytes, so a character may be split.
std::string_view joined(std::span<const Segment> segments, Arena& arena, std::string_view raw_charset) {
  if (segments.size() == 1 && !segments.front().is_extended) {
    return segments.front().name == "boundary" ? segments.front().raw : decode_header(segments.front().raw, arena, raw_charset);
  }
  ArenaText bytes(arena);
  std::string_view charset;
  bool has_charset = false;
  for (const Segment& segment : segments) {
    std::string_view raw = segment.raw;
    if (!segment.is_extended) {
      bytes += raw;
      continue;
    }
    if (!has_charset) {
      has_charset = true;
      const std::size_t first = raw.find('\'');
      const std::size_t second = first == std::string_view::npos ? first : raw.find('\'', first + 1);
      if (second != std::string_view::npos) {
        charset = raw.substr(0, first);
        raw = raw.substr(second + 1);
      }
    }
    append_percent_decoded(bytes, raw);
  }
  // A boundary is compared byte by byte and read by nobody.
  const std::string_view value = bytes.take_view();
  if (segments.front().name == "boundary") return value;
  if (!has_charset) return decode_header(value, arena, raw_charset);
  return decode_header(to_utf8(bytes_of(value), charset, arena), arena);
}

bool is_token_byte(char c) { return c > 32 && c < 127 && !specials.contains(c); }

}  // namespace

bool is_media_type(std::string_view token) {
  const std::size_t slash = token.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == token.size()) return false;
  return std::all_of(token.begin(), token.end(), [](char c) { return c == '/' || is_token_byte(c); }) &&
         token.find('/', slash + 1) == std::string_view::npos;
}

std::string_view StructuredValue::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& parameter) { return parameter.name == name; });
  return found == parameters.end() ? std::string_view{} : found->value;
}

std::string_view lower_case(std::string_view text, Arena& arena) {
  if (std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return text;
  const MutableBytes lower = arena.bytes(text.size());
  std::transform(text.begin(), text.end(), lower.begin(), [](char c) { return static_cast<std::uint8_t>(ascii_lower(c)); });
  return text_of(lower);
}

StructuredValue parse_structured(std::string_view value, Arena& arena, std::string_view raw_charset) {
  StructuredValue result;
  Cursor cursor(value);
  cursor.skip(blanks);
  const std::string_view token = cursor.until(token_ends);
  ArenaList<Segment> list(arena);
  // A value that starts with a parameter has no token: `Content-Disposition: filename="x"`.
  if (!cursor.at_end() && cursor.peek() == '=') {
    cursor = Cursor(value);
  } else {
    result.token = lower_case(token, arena);
  }

  while (true) {
    cursor.skip(blanks_and_separators);
    if (cursor.at_end() || list.size() >= limits::mime_parameter_count_max) break;
    Segment segment = name_of(ascii_trim(cursor.until(name_ends)), arena);
    cursor.skip(blanks);
    if (cursor.at_end() || cursor.peek() != '=') {
      if (!cursor.at_end() && cursor.peek() == '"') static_cast<void>(cursor.quoted(arena));
      continue;
    }
    cursor.advance();
    cursor.skip_blanks();  // no comment here: `name=(1).pdf`
    if (cursor.at_end()) break;
    if (cursor.peek() == '"') {
      segment.raw = cursor.quoted(arena);
    } else {
      // A name may hold blanks though unquoted; anything else ends at one.
      const bool is_name = segment.name == "name" || segment.name == "filename";
      segment.raw = ascii_trim(cursor.until(is_name ? line_ends : value_ends));
    }
    segment.order = static_cast<std::uint32_t>(list.size());
    if (!segment.name.empty()) list.push_back(segment);
  }

  // Segments of a name together, in order; the extended form before a plain one of the same name, which is there for old readers.
  const std::span<Segment> segments = list.items();
  std::sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) {
    if (a.name != b.name) return a.name < b.name;
    const auto rank = [](const Segment& s) { return s.is_extended || s.is_continued ? 0 : 1; };
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return a.index != b.index ? a.index < b.index : a.order < b.order;
  });
  ArenaList<Parameter> parameters(arena);
  parameters.reserve(segments.size());
  for (std::size_t at = 0; at < segments.size();) {
    std::size_t end = at + 1;
    // Without an index each stands for itself, and the first counts.
    if (segments[at].is_continued) {
      while (end < segments.size() && segments[end].name == segments[at].name && segments[end].is_continued) ++end;
    }
    const std::string_view name = segments[at].name;
    parameters.push_back({name, joined(segments.subspan(at, end - at), arena, raw_charset)});
    while (end < segments.size() && segments[end].name == name) ++end;
    at = end;
  }
  result.parameters = parameters.take();
  return result;
}

}  // namespace pushmail::mime

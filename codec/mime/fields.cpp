// Header block: lines into fields, whatever the line ends (RFC 5322 §2.2).
//
// Came from: parse.cpp, for the message and for each part. Goes to: Part::fields, as views. Invariant: each byte is looked at a
// fixed number of times, and a line that cannot be a field never makes text disappear: the body starts there.
#include "codec/mime/fields.h"

#include <algorithm>
#include <array>
#include <optional>

#include "codec/mime/tolerances.h"
#include "codec/simd/simd.h"
#include "core/character_set.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

constexpr CharacterSet is_name_byte([](char c) { return c > 32 && c < 127 && c != ':'; });

/// A line without its end, and where the next one starts.
struct Line {
  std::string_view text;
  std::size_t next;
  bool bare_lf;
};

Line line_at(ByteView bytes, std::size_t from, std::size_t end) {
  const std::size_t found = simd::active().find_byte(bytes.first(end), from, '\n');
  if (found == simd::none) return {text_of(bytes.subspan(from, end - from)), end, false};
  const bool crlf = found > from && bytes[found - 1] == '\r';
  return {text_of(bytes.subspan(from, found - from - (crlf ? 1 : 0))), found + 1, !crlf};
}

bool goes_on(std::string_view line) { return !line.empty() && (line.front() == ' ' || line.front() == '\t'); }

/// Length of the field name that the line starts with, or 0. Blanks before the colon are obsolete syntax (RFC 5322 §4.5).
std::size_t name_size(std::string_view line) {
  std::size_t size = 0;
  while (size < line.size() && is_name_byte(line[size])) ++size;
  std::size_t colon = size;
  while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t' || line[colon] == '\r' || line[colon] == '\n')) ++colon;
  return colon < line.size() && line[colon] == ':' ? size : 0;
}

/// The line at `at`; both, when a name stands alone on it and its colon starts the next, which is folded. To pass that over would
/// hide a sender from whoever reads on, and to end the header there would make text of all fields behind it.
Line with_folded_colon(ByteView bytes, std::size_t at, const Line& line, std::size_t end) {
  const std::string_view name = line.text.substr(0, line.text.find_last_not_of(" \t") + 1);
  if (name.empty() || !std::ranges::all_of(name, is_name_byte) || line.next >= end) return line;
  const Line more = line_at(bytes, line.next, end);
  if (!goes_on(more.text) || !ascii_trim(more.text).starts_with(':')) return line;
  return {text_of(bytes.subspan(at, line.next - at + more.text.size())), more.next, more.bare_lf};
}

/// A line of blanks inside a folded value (RFC 5322 §4.2) or a badly typed blank line? The next line tells.
bool header_goes_on(ByteView bytes, std::size_t next, std::size_t end) {
  if (next >= end) return false;
  const std::string_view line = line_at(bytes, next, end).text;
  return name_size(line) > 0 || (goes_on(line) && !ascii_trim(line).empty());
}

/// Fields that mail programs and relays write: behind lines that are none, one of them says that the header has not ended.
bool is_usual_field(std::string_view name, HeaderOf of) {
  if (ascii_starts_with_nocase(name, "Content-") || ascii_equal_nocase(name, "MIME-Version")) return true;
  if (of == HeaderOf::part) return false;
  constexpr auto usual = std::to_array<std::string_view>({"Received", "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To",
                                                          "Sender", "References", "In-Reply-To", "DKIM-Signature", "Return-Path"});
  return std::any_of(usual.begin(), usual.end(), [&](std::string_view field) { return ascii_equal_nocase(name, field); });
}

/// Whether the value of a field may go on over lines that lost the blank they are folded with: what machines write, and lists. What people
/// write (a subject) is short, and the text below would vanish in it.
bool may_have_lost_folding(const Field& field) {
  if (field.value.ends_with(',') || field.value.ends_with(';')) return true;
  constexpr auto written_by_people =
      std::to_array<std::string_view>({"Subject", "From", "To", "Cc", "Date", "Reply-To", "Sender", "Comments", "Keywords"});
  return std::none_of(written_by_people.begin(), written_by_people.end(),
                      [&](std::string_view name) { return ascii_equal_nocase(field.name, name); });
}

/// Where the next usual field starts behind such lines; nothing when the empty line comes first.
std::optional<std::size_t> field_behind(ByteView bytes, std::size_t at, std::size_t end, HeaderOf of) {
  constexpr std::size_t lines_max = 64;
  for (std::size_t count = 0; at < end && count < lines_max; ++count) {
    const Line line = line_at(bytes, at, end);
    if (ascii_trim(line.text).empty()) return std::nullopt;
    if (const std::size_t name = name_size(line.text); name > 0 && is_usual_field(line.text.substr(0, name), of)) return at;
    at = line.next;
  }
  return std::nullopt;
}

}  // namespace

FieldBlock read_fields(ByteView bytes, std::size_t from, std::size_t end, HeaderOf of, Arena& arena, std::vector<Tolerance>& tolerated) {
  ArenaList<Field> fields(arena);
  enum class BlankLine : bool { no, yes };
  const auto block = [&](std::size_t body, BlankLine blank_line) {
    return FieldBlock{.fields = fields.take(), .body = body, .has_blank_line = blank_line == BlankLine::yes};
  };
  std::size_t kept_size = 0;
  std::size_t last_start = 0;                           // of the value of the field that was taken last
  std::size_t last_end = static_cast<std::size_t>(-1);  // behind that field
  // Each rule is noted where it was broken first in this block, so that the notes stay few; bare LF only for the message itself, since
  // it is then nearly always the same everywhere.
  const std::size_t first_note = tolerated.size();
  const auto note = [&](std::string_view rule, std::size_t at) {
    const auto begin = tolerated.begin() + static_cast<std::ptrdiff_t>(first_note);
    if (std::none_of(begin, tolerated.end(), [&](const Tolerance& noted) { return noted.rule == rule; })) {
      tolerated.push_back({rule, static_cast<std::uint32_t>(at)});
    }
  };

  std::size_t at = from;
  while (at < end) {
    Line line = line_at(bytes, at, end);
    if (line.bare_lf && first_note == 0) note(tolerance::bare_lf, at);
    if (line.text.empty()) return block(line.next, BlankLine::yes);
    std::size_t name = name_size(line.text);
    if (name == 0) {
      line = with_folded_colon(bytes, at, line, end);
      name = name_size(line.text);
    }
    if (name == 0) {
      // A line of blanks ends the header too.
      if (ascii_trim(line.text).empty() && !fields.empty()) return block(line.next, BlankLine::yes);
      if (fields.empty() && (line.text.starts_with("From ") || line.text.starts_with(">From "))) {
        note(tolerance::mbox_line, at);
        at = line.next;
        continue;
      }
      // RFC 5322 §2.2 knows no such line. One alone, before a field, the blank line or the end, is a broken field; with more of them the
      // blank line was forgotten and the text starts here. A message that starts so may be nothing but text.
      const std::string_view after = line.next < end ? line_at(bytes, line.next, end).text : std::string_view{};
      const bool blank_follows = ascii_trim(after).empty() && (!fields.empty() || of == HeaderOf::part);
      if (blank_follows || name_size(after) > 0) {
        note(tolerance::no_colon, at);
        at = line.next;
        continue;
      }
      if (last_end == at && may_have_lost_folding(fields.back())) {
        if (const auto behind = field_behind(bytes, line.next, end, of)) {
          note(tolerance::lost_folding, at);
          Field& field = fields[fields.size() - 1];
          field.value = ascii_trim(text_of(bytes.subspan(last_start, *behind - last_start)));
          kept_size += *behind - at;
          at = last_end = *behind;
          continue;
        }
      }
      note(tolerance::no_blank_line, at);
      return block(at, BlankLine::no);
    }

    // The value runs on over lines that start with a blank (RFC 5322 §2.2.3).
    const std::size_t colon = line.text.find(':', name);
    const std::size_t value_start = at + colon + 1;
    std::size_t value_end = at + line.text.size();
    std::size_t next = line.next;
    while (next < end && (bytes[next] == ' ' || bytes[next] == '\t')) {
      const Line more = line_at(bytes, next, end);
      if (ascii_trim(more.text).empty() && !header_goes_on(bytes, more.next, end)) break;
      value_end = next + more.text.size();
      next = more.next;
    }

    if (fields.size() >= limits::mime_field_count_max) {
      note(tolerance::too_many_fields, at);
    } else if (next - at > limits::mime_header_size_max - std::min<std::size_t>(kept_size, limits::mime_header_size_max)) {
      note(tolerance::too_long, at);
    } else {
      if (colon != name) note(tolerance::space_before_colon, at);
      kept_size += next - at;
      const std::string_view value = text_of(bytes.subspan(value_start, value_end - value_start));
      fields.push_back({line.text.substr(0, name), ascii_trim(value)});
      last_start = value_start;
      last_end = next;
    }
    at = next;
  }
  return block(end, BlankLine::no);
}

}  // namespace pushmail::mime

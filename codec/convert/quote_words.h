// What mail programs write around an older message: `On Monday Ann wrote:`, `From: ... Subject: ...`, `-----Original Message-----`, in
// some thirty languages. Not for use outside this folder.
//
// Came from: reply_text.cpp, line by line. Structure is asked first (a date, an address, a colon at the end, dashes at both ends), words
// only where structure alone does not tell. All words stand in the one table of quote_words.cpp, a row a language.
#pragma once

#include <cstdint>
#include <string_view>

namespace pushmail::convert {

/// Which header field of an older message a line names.
enum class HeaderWord : std::uint8_t { none, from, date, to, copy, subject };
/// Of `From: x`, also as `*From:* x`, `From : x` or `From：x`. An indented line is none: a machine cites so.
[[nodiscard]] HeaderWord header_word_of(std::string_view line);
/// What stands behind the colon of such a line.
[[nodiscard]] std::string_view header_value(std::string_view line);

/// What a text has of the line that a mail program writes above an older message.
struct Introduction {
  bool is_open = false;   // ends with a colon, or stands between dashes and says who wrote
  bool has_date = false;  // with a year, or day, month and year in digits
  bool has_time = false;
  bool has_address = false;
  bool has_number = false;
  bool says_wrote = false;
  bool ends_with_wrote = false;  // nothing but the colon follows the word
  /// Nobody writes all of this by hand.
  [[nodiscard]] bool is_complete() const { return is_open && has_date && (has_address || says_wrote); }
  /// Enough where quote marks follow in a mail that answers another.
  [[nodiscard]] bool is_likely() const { return is_open && (ends_with_wrote || (has_number && (says_wrote || has_address))); }
};
[[nodiscard]] Introduction read_introduction(std::string_view text);
/// The words that an introduction may begin with: `On `, `Am `, `Le `.
[[nodiscard]] bool starts_introduction(std::string_view line);

/// One sign, three times or more: a line drawn across the page.
[[nodiscard]] bool is_ruler(std::string_view line);
/// `-----Original Message-----`: words between dashes.
[[nodiscard]] bool is_original_line(std::string_view line);
/// `---------- Forwarded message ---------`, `Begin forwarded message:`.
[[nodiscard]] bool is_forward_line(std::string_view line);
/// Words between dashes, whatever they say.
[[nodiscard]] bool is_dashed_line(std::string_view line);
/// Without the dashes, colons and blanks at both ends.
[[nodiscard]] std::string_view without_dashes(std::string_view line);

/// What the word in front of a subject's colon says: `Re:`, `AW:`, `Fwd:`, `WG:`, also as `Re[2]:` and `[Fwd: x]`.
enum class SubjectWord : std::uint8_t { none, answers, forwards };
[[nodiscard]] SubjectWord subject_word_of(std::string_view subject);

}  // namespace pushmail::convert

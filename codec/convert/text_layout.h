// Lines of text out of a stream of words, breaks, lists, quotes and table rows. Not for use outside this folder.
//
// Came from: html_text.cpp, which knows elements. Goes to: the text of an MM. What it knows is how a reader sees white space: runs of it
// are one blank, blocks start lines, at most one empty line stands between them. Memory and time are linear in what is written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace pushmail::convert {

/// What stands between the cells of a table row that fits into one line.
enum class CellJoin : std::uint8_t { bar, blank };

class TextLayout {
 public:
  /// Text (UTF-8; a character may come in pieces). White space is folded, unless preformatted.
  void write(std::string_view utf8);
  /// The next text starts behind at least this many line ends, unless nothing was written yet.
  void lines(unsigned count);
  /// One line end more, as `br` means it.
  void break_line();
  /// A ruler: written only between two texts, once.
  void rule();

  void enter_list() { ++list_depth_; }
  void leave_list();
  /// The next text is a list item and starts with `marker`; an item without text leaves nothing.
  void item(std::string_view marker);

  void enter_quote() { ++quote_depth_; }
  void leave_quote() { --quote_depth_; }
  void enter_preformatted() { ++preformatted_depth_; }
  void leave_preformatted() { --preformatted_depth_; }

  /// A table row: its cells share a line when each of them is one and all together are short; otherwise each starts a line of its own.
  void enter_row(CellJoin join);
  void cell();
  void leave_row();

  /// What the next text is to start with, right before its first letter; `mark` must outlive that.
  void mark_next(std::string_view mark) { mark_ = mark; }
  /// Whether no text has come since, so that nothing was marked.
  [[nodiscard]] bool drop_mark() { return !std::exchange(mark_, std::string_view()).empty(); }
  /// The next text is a superscript: a number behind a number or a letter gets a `^`, so that 10^6 is not read as 106.
  void raise_next() { is_raised_ = true; }
  void lower() { is_raised_ = false; }

  /// Where the next text will stand, for since().
  [[nodiscard]] std::size_t position() const { return out_.size(); }
  [[nodiscard]] std::string_view since(std::size_t position) const {
    return std::string_view(out_).substr(std::min(position, out_.size()));
  }
  /// Text that belongs to what was written last, even when a line end is already due: ` (https://example.com)`.
  void append_to_last(std::string_view utf8) { append_to_last(utf8, utf8.size()); }
  /// The same with text of which only so many bytes will be shown, and count where the size of a row is asked for.
  void append_to_last(std::string_view utf8, std::size_t shown_size);
  /// Text for this place of which is known only later whether it is wanted; returns its number.
  std::size_t defer(std::string utf8);
  void forget(std::size_t deferred) { deferred_[deferred].text.clear(); }

  /// The text, without white space at its ends. The layout is empty afterwards.
  [[nodiscard]] std::string take();

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  struct Row {
    CellJoin join = CellJoin::bar;
    std::size_t first_text = 0;  // out_ and line ends when its first text came
    std::size_t line_ends = 0;
    std::size_t unseen = 0;           // of unseen_ when its first text came
    std::size_t first_separator = 0;  // in separators_
    std::size_t empty_line = none;    // position of the place holder for the empty line above it
  };
  struct Deferred {
    std::size_t at = 0;
    bool is_own_line = false;
    std::string text;
  };

  void need_lines(unsigned count);
  void raw(std::string_view utf8);
  void start_line();
  [[nodiscard]] bool at_line_start() const { return out_.empty() || out_.back() == '\n'; }

  std::string out_;         // with place holders where cells meet
  std::string_view mark_;   // of the next text
  std::size_t unseen_ = 0;  // bytes written so far that will not be shown
  std::string marker_;      // of the list item that has no text yet
  std::vector<Row> rows_;
  std::vector<std::size_t> separators_;  // positions of place holders between cells; those of an inner row stand behind its outer one's
  std::size_t rows_with_text_ = 0;       // the outer ones
  std::vector<Deferred> deferred_;
  std::size_t line_ends_ = 0;  // written so far
  std::size_t list_depth_ = 0;
  std::size_t quote_depth_ = 0;
  std::size_t preformatted_depth_ = 0;
  unsigned lines_pending_ = 0;
  bool space_pending_ = false;
  bool cell_pending_ = false;
  bool rule_pending_ = false;
  bool is_raised_ = false;
};

}  // namespace pushmail::convert

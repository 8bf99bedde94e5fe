// The layout of text: one pass, everything that is not yet sure (line ends, blanks, rulers, list marks) waits for the next word.
#include "codec/convert/text_layout.h"

#include <span>
#include <utility>

#include "codec/convert/fillers.h"
#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t row_line_size_max = 160;  // longer rows are read better cell by cell
constexpr std::size_t quote_marks_max = 8;
constexpr std::size_t indent_depth_max = 6;

// Place holders between cells: what they become is known when the row ends. Control characters of the input are never written.
constexpr char cell_bar = '\x1F';
constexpr char cell_line = '\x1E';
constexpr char cell_blank = '\x1D';
// An empty line above a row, which is not wanted between rows of one line.
constexpr char row_gap = '\x1C';

bool is_word_character(char c) { return is_alphanumeric(c) || is_above_ascii(c); }

/// Whether raised text is one that counts, right behind what it is raised over: 10^6, m^2, cents of a price; not the `st` of 1st.
bool is_exponent(std::string_view before, std::string_view raised) {
  constexpr std::string_view minus_sign = "\xE2\x88\x92";
  if (before.empty() || (!is_word_character(before.back()) && std::string_view(")]").find(before.back()) == std::string_view::npos))
    return false;
  if (raised == "n" || raised == "x") return true;
  const std::size_t sign = raised.starts_with(minus_sign) ? minus_sign.size() : raised.starts_with('-') || raised.starts_with('+') ? 1 : 0;
  return sign < raised.size() ? is_digit(raised[sign]) : sign > 0;
}

/// The quote marks a line starts with: what breaks the line has to repeat them.
std::string_view quote_marks(std::string_view line) {
  const std::size_t end = line.find_first_not_of('>');
  if (end == 0 || end == std::string_view::npos || line[end] != ' ') return {};
  return line.substr(0, end + 1);
}

}  // namespace

void TextLayout::write(std::string_view utf8) {
  std::size_t from = 0;  // of what is to be written as it is
  const auto flush = [&](std::size_t to) {
    if (to > from) raw(utf8.substr(from, to - from));
  };
  for (std::size_t at = 0; at < utf8.size();) {
    const auto c = static_cast<unsigned char>(utf8[at]);
    std::size_t used = 0;
    bool is_space = false;
    bool is_line_end = false;
    if (c <= 0x20 || c == 0x7F) {
      used = 1;
      is_line_end = c == '\n' && preformatted_depth_ > 0;
      is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    } else if (c == 0xC2 || c == 0xCD || c == 0xE2 || c == 0xEF) {
      const FillerAt filler = filler_at(utf8.substr(at));
      // Persian needs joiners between letters; behind a blank they are filling.
      const bool is_needed = filler.kind == Filler::joiner && !(from == at && (space_pending_ || lines_pending_ > 0 || at_line_start()));
      used = is_needed ? 0 : filler.size;
      is_space = filler.kind == Filler::space;
    }
    if (used == 0) {
      ++at;
      continue;
    }
    flush(at);
    if (is_line_end)
      break_line();
    else if (is_space && preformatted_depth_ > 0 && c != '\r')
      raw(" ");
    else if (is_space)
      space_pending_ = true;
    at += used;
    from = at;
  }
  flush(utf8.size());
}

void TextLayout::lines(unsigned count) {
  // A paragraph inside a list item starts behind the mark, not under it; one inside a cell behind the cell before it.
  if (marker_.empty() && !cell_pending_) need_lines(count);
}

void TextLayout::need_lines(unsigned count) {
  lines_pending_ = std::max(lines_pending_, count);
  space_pending_ = cell_pending_ = false;
}

void TextLayout::break_line() {
  if (cell_pending_) return;
  lines_pending_ = preformatted_depth_ > 0 || lines_pending_ < 2 ? lines_pending_ + 1 : lines_pending_;
  space_pending_ = cell_pending_ = false;
}

void TextLayout::rule() {
  need_lines(1);
  rule_pending_ = true;
}

void TextLayout::leave_list() {
  if (list_depth_ > 0) --list_depth_;
  marker_.clear();
}

void TextLayout::item(std::string_view marker) {
  marker_.clear();
  lines_pending_ = std::min(lines_pending_, 1U);
  need_lines(1);
  const std::size_t depth = std::min(std::max<std::size_t>(list_depth_, 1), indent_depth_max);
  marker_ = std::string(2 * (depth - 1), ' ') + std::string(marker);
}

void TextLayout::enter_row(CellJoin join) {
  marker_.empty() ? need_lines(1) : lines(1);
  rows_.push_back({.join = join, .first_text = 0, .line_ends = 0, .unseen = 0, .first_separator = separators_.size(), .empty_line = none});
}

void TextLayout::cell() {
  if (rows_.empty() || rows_with_text_ < rows_.size()) return;
  // Paragraphs that fill a cell end with it; only line ends between two texts of one cell count.
  lines_pending_ = 0;
  space_pending_ = false;
  cell_pending_ = true;
  marker_.clear();
}

void TextLayout::leave_row() {
  if (rows_.empty()) return;
  const Row row = rows_.back();
  const std::span<const std::size_t> separators = std::span(separators_).subspan(row.first_separator);
  rows_.pop_back();
  if (rows_with_text_ > rows_.size()) {
    rows_with_text_ = rows_.size();
    const std::size_t size = out_.size() - row.first_text - (unseen_ - row.unseen);
    const bool is_one_line = row.line_ends == line_ends_ && size <= row_line_size_max;
    const char join = row.join == CellJoin::bar ? cell_bar : cell_blank;
    for (const std::size_t at : separators) out_[at] = is_one_line ? join : cell_line;
    if (row.empty_line != none && (!is_one_line || separators.empty())) out_[row.empty_line] = '\n';
  }
  separators_.resize(row.first_separator);
  cell_pending_ = false;
  need_lines(1);
}

void TextLayout::append_to_last(std::string_view utf8, std::size_t shown_size) {
  unseen_ += utf8.size() - std::min(shown_size, utf8.size());
  const unsigned lines_after = std::exchange(lines_pending_, 0U);
  const bool rule_after = std::exchange(rule_pending_, false);
  space_pending_ = cell_pending_ = false;
  raw(utf8);
  lines_pending_ = lines_after;
  rule_pending_ = rule_after;
}

std::size_t TextLayout::defer(std::string utf8) {
  deferred_.push_back({.at = out_.size(), .is_own_line = lines_pending_ > 0 || out_.empty(), .text = std::move(utf8)});
  return deferred_.size() - 1;
}

void TextLayout::start_line() {
  if (out_.empty()) {
    lines_pending_ = 0;
    rule_pending_ = false;
    return;
  }
  if (lines_pending_ == 0) return;
  const auto write_ends = [&](unsigned count) {
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    // What waits behind the blanks that went stands at the end of what is left.
    for (auto waiting = deferred_.rbegin(); waiting != deferred_.rend() && waiting->at > out_.size(); ++waiting) waiting->at = out_.size();
    if (count == 2 && rows_with_text_ < rows_.size()) {
      rows_.back().empty_line = out_.size();
      out_ += row_gap;
      --count;
    }
    out_.append(count, '\n');
    line_ends_ += count;
  };
  if (std::exchange(rule_pending_, false)) {
    write_ends(1);
    if (quote_depth_ > 0) out_ += std::string(std::min(quote_depth_, quote_marks_max), '>') + " ";
    out_ += "---";
    lines_pending_ = 1;
  }
  write_ends(std::exchange(lines_pending_, 0U));
}

void TextLayout::raw(std::string_view utf8) {
  start_line();
  if (at_line_start()) {
    if (quote_depth_ > 0) out_ += std::string(std::min(quote_depth_, quote_marks_max), '>') + " ";
    cell_pending_ = space_pending_ = false;
  }
  if (!marker_.empty()) out_ += std::exchange(marker_, std::string());
  for (; rows_with_text_ < rows_.size(); ++rows_with_text_) {
    rows_[rows_with_text_].first_text = out_.size();
    rows_[rows_with_text_].line_ends = line_ends_;
    rows_[rows_with_text_].unseen = unseen_;
  }
  if (cell_pending_) {
    separators_.push_back(out_.size());
    out_ += cell_bar;
  } else if (space_pending_ && out_.back() != ' ') {
    out_ += ' ';
  }
  cell_pending_ = space_pending_ = false;
  if (!mark_.empty())
    out_ += std::exchange(mark_, std::string_view());
  else if (is_raised_ && is_exponent(out_, utf8))
    out_ += '^';
  is_raised_ = false;
  out_ += utf8;
}

std::string TextLayout::take() {
  std::string text;
  text.reserve(out_.size());
  std::size_t line_start = 0;
  const auto break_here = [&] {
    const std::string marks(quote_marks(std::string_view(text).substr(line_start)));
    text += '\n';
    line_start = text.size();
    text += marks;
  };
  std::size_t next = 0;
  const auto put_deferred = [&](std::size_t at) {
    for (; next < deferred_.size() && deferred_[next].at <= at; ++next) {
      const Deferred& wanted = deferred_[next];
      if (wanted.text.empty()) continue;
      if (wanted.is_own_line && !text.empty())
        break_here();
      else if (!text.empty() && text.back() != ' ' && text.back() != '\n')
        text += ' ';
      text += wanted.text;
      if (at < out_.size() && static_cast<unsigned char>(out_[at]) > ' ') text += text.size() == wanted.text.size() ? '\n' : ' ';
    }
  };
  for (std::size_t at = 0; at < out_.size(); ++at) {
    put_deferred(at);
    switch (out_[at]) {
      case cell_bar:
        text += " | ";
        break;
      case cell_blank:
        text += ' ';
        break;
      case cell_line:
        break_here();
        break;
      case row_gap:
        break;
      case '\n':
        text += '\n';
        line_start = text.size();
        break;
      default:
        text += out_[at];
    }
  }
  put_deferred(out_.size());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  *this = TextLayout();
  return text;
}

}  // namespace pushmail::convert

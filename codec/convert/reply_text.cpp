// Quotes, signatures and empty lines. Lines are sorted into kinds once; then quotes and older messages are found with what introduces them;
// then one pass writes the lines, or a line that counts them:
//
//   own      Yes, I come.                        own_end: behind the last line of the writer's own
//   own      On 3 Nov 2025, Ann Example          \ introduction of the quote: part of it
//   own      <ann@example.com> wrote:            /
//   quoted   > Lunch?
#include "codec/convert/reply_text.h"

#include <algorithm>
#include <array>
#include <span>

#include "codec/convert/quote_words.h"
#include "codec/convert/text.h"
#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t kept_quote_lines_max = 2;
constexpr std::size_t kept_quote_size_max = 200;
constexpr std::size_t introduction_lines_max = 5;
constexpr std::size_t introduction_size_max = 480;
constexpr std::size_t header_block_lines_max = 16;   // with folded lists of recipients and empty lines
constexpr std::size_t header_continuations_max = 4;  // in a row
constexpr std::size_t kept_signature_lines = 2;
constexpr std::size_t signature_lines_max = 30;  // more is no signature
constexpr std::size_t label_size_max = 90;
constexpr std::size_t ruler_size_max = 16;  // a longer one breaks on a phone

enum class Kind : std::uint8_t { own, blank, quoted };
struct Line {
  std::string_view text;  // without white space at its end
  Kind kind = Kind::own;
};
constexpr std::size_t none = static_cast<std::size_t>(-1);

std::string_view without_end_space(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

std::span<const Line> lines_of(std::string_view text, Arena& arena) {
  ArenaList<Line> lines(arena);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = without_end_space(text.substr(at, end - at));
    lines.push_back({.text = line, .kind = line.empty() ? Kind::blank : line.front() == '>' ? Kind::quoted : Kind::own});
    at = end + 1;
  }
  return lines.take();
}

/// What stands behind the quote marks.
std::string_view inside_quote(std::string_view line) {
  const std::size_t at = line.find_first_not_of("> \t");
  return at == std::string_view::npos ? std::string_view() : line.substr(at);
}

std::size_t line_before(std::span<const Line> lines, std::size_t i) {
  while (i > 0) {
    if (lines[--i].kind != Kind::blank) return i;
  }
  return none;
}
std::size_t line_from(std::span<const Line> lines, std::size_t i) {
  while (i < lines.size() && lines[i].kind == Kind::blank) ++i;
  return i;
}

bool may_end_introduction(std::string_view line) {
  // Most lines end with something else: asked before anything is joined.
  while (!line.empty() && std::string_view("*_ \xA0\x8E\x8F\xC2\xE2\x80").find(line.back()) != std::string_view::npos)
    line.remove_suffix(1);
  return !line.empty() && std::string_view(":\x9A\x95\xB0-=~\x90\x93\x94").find(line.back()) != std::string_view::npos;
}

/// Lines that introduce an older message: `first` to `last`, which are joined to one.
struct Found {
  std::size_t first = none;
  std::size_t last = none;
  Introduction what;
  [[nodiscard]] bool exists() const { return first != none; }
};

/// A few lines as one, without the heap and without the arena.
class Joined {
 public:
  /// False when there is no room.
  bool put_in_front(std::string_view line) {
    const std::size_t size = line.size() + (size_ > 0 ? 1 : 0);
    if (size + size_ > text_.size()) return false;
    size_ += size;
    char* at = text_.data() + (text_.size() - size_);
    std::copy(line.begin(), line.end(), at);
    if (size > line.size()) at[line.size()] = ' ';
    return true;
  }
  [[nodiscard]] std::string_view view() const { return {text_.data() + (text_.size() - size_), size_}; }

 private:
  std::array<char, introduction_size_max> text_;
  std::size_t size_ = 0;
};

std::string_view joined_lines(std::span<const Line> lines, const Found& found, Arena& arena) {
  Joined joined;
  for (std::size_t i = found.last + 1; i-- > found.first;) static_cast<void>(joined.put_in_front(lines[i].text));
  return arena.copy(joined.view());
}

/// `Ann Example <ann@example.com>` somewhere in it.
bool names_mailbox(std::string_view line) {
  const std::size_t open = line.find('<');
  return open != std::string_view::npos && line.find('@', open) < line.find('>', open);
}
/// Whether a line may be the first of an introduction that runs over several: else prose above would be taken for a part of it.
bool may_start_introduction(std::string_view line) {
  if (line.empty()) return false;
  if (starts_introduction(line) || line.front() == '"' || names_mailbox(line)) return true;
  // A date, with a day of the week in front or without.
  const auto is_digit_at = [&](std::size_t at) { return at < line.size() && is_digit(line[at]); };
  const std::size_t blank = line.find(' ');
  return is_digit_at(0) || (blank != std::string_view::npos && is_digit_at(blank + 1));
}
bool ends_sentence(std::string_view line) {
  return line.ends_with('.') || line.ends_with('!') || line.ends_with('?') || line.ends_with(':');
}

/// The introduction that ends with line `last`, of as few lines as say it all.
Found introduction_ending_at(std::span<const Line> lines, std::size_t last) {
  Found likely;
  if (last == none || lines[last].kind != Kind::own || !may_end_introduction(lines[last].text)) return likely;
  Joined joined;
  for (std::size_t count = 1; count <= introduction_lines_max && count <= last + 1; ++count) {
    const std::size_t first = last + 1 - count;
    if (lines[first].kind != Kind::own || !joined.put_in_front(lines[first].text)) break;
    const Introduction what = read_introduction(joined.view());
    if (!what.is_open) {
      if (count == 1 && !lines[last].text.ends_with('-')) break;
      continue;
    }
    if (what.is_complete() && (count == 1 || may_start_introduction(lines[first].text))) {
      Found found{.first = first, .last = last, .what = what};
      // Its first words may stand one line higher.
      if (first > 0 && lines[first - 1].kind == Kind::own) {
        const std::string_view above = lines[first - 1].text;
        const bool begins_here = !starts_introduction(lines[first].text) && starts_introduction(above) && !ends_sentence(above);
        const bool says_who = !what.has_address && names_mailbox(above) && above.ends_with('>');
        if ((begins_here || says_who) && joined.put_in_front(above)) --found.first;
      }
      return found;
    }
    if (!likely.exists() && what.is_likely()) likely = {.first = first, .last = last, .what = what};
    // `Ann Example` above `<ann@example.com> wrote:`.
    else if (likely.exists() && count == 2 && starts_introduction(lines[first].text))
      likely.first = first;
  }
  return likely;
}

/// Lines of a header and rulers directly above belong to what they stand above of.
std::size_t with_lines_above(std::span<const Line> lines, std::size_t first) {
  for (std::size_t steps = 0; first > 0 && steps < header_block_lines_max; ++steps) {
    const Line& above = lines[first - 1];
    if (above.kind != Kind::own) {
      // One empty line between `--- Original Message ---` and what follows.
      const bool is_gap = above.kind == Kind::blank && first > 1 && is_original_line(lines[first - 2].text);
      if (!is_gap) return first;
      return first - 2;
    }
    if (is_original_line(above.text) || is_ruler(above.text)) return first - 1;
    if (header_word_of(above.text) == HeaderWord::none) return first;
    --first;
  }
  return first;
}

/// Which fields the header of an older message has that starts with line `first`; it starts with one of them.
struct HeaderBlock {
  bool from = false, date = false, to = false, subject = false;
  [[nodiscard]] unsigned count() const {
    return static_cast<unsigned>(from) + static_cast<unsigned>(date) + static_cast<unsigned>(to) + static_cast<unsigned>(subject);
  }
};
HeaderBlock header_block_at(std::span<const Line> lines, std::size_t first) {
  HeaderBlock block;
  std::size_t continued = 0;
  bool after_blank = false;
  const std::size_t end = std::min(first + header_block_lines_max, lines.size());
  for (std::size_t i = first; i < end && lines[i].kind != Kind::quoted; ++i) {
    if (lines[i].kind == Kind::blank) {
      after_blank = true;
      continue;
    }
    switch (header_word_of(lines[i].text)) {
      case HeaderWord::from:
        // Another one begins another header.
        if (block.from) return block;
        block.from = true;
        break;
      case HeaderWord::date:
        block.date = true;
        break;
      case HeaderWord::to:
        block.to = true;
        break;
      case HeaderWord::subject:
        block.subject = true;
        break;
      case HeaderWord::copy:
        break;
      case HeaderWord::none:
        // A list of recipients goes on in the next line; behind an empty line the message has begun.
        if (after_blank || ++continued > header_continuations_max) return block;
        continue;
    }
    continued = 0;
    after_blank = false;
  }
  return block;
}

enum class Signs : std::uint8_t { answers, unsaid };

/// Whether what starts with line `i` is the header of an older message. Contact forms and tickets have its words, too: in a mail that
/// answers nothing it must have them all below a line across the page, or stand below `--- Original Message ---`.
bool is_older_header(std::span<const Line> lines, std::size_t i, Signs signs) {
  if (header_word_of(lines[i].text) == HeaderWord::none) return false;
  const HeaderBlock block = header_block_at(lines, i);
  if (!block.subject || !(block.from || block.date)) return false;
  if (signs == Signs::answers) return block.count() >= 2 && block.from;
  const std::size_t above = line_before(lines, i);
  if (above == none) return false;
  if (is_original_line(lines[above].text)) return block.count() >= 3;
  return block.count() == 4 && is_ruler(lines[above].text);
}

bool is_line_of_hyphens(std::string_view line) { return line.find_first_not_of('-') == std::string_view::npos; }

/// Whether the header that starts with line `i` is one of many in a digest (RFC 1153 §4), whose messages are what the reader wants: a line
/// of 70 hyphens ends what stands above the first, and one of exactly 30 each message. Some lists write more than 70.
bool is_in_digest(std::span<const Line> lines, std::size_t i) {
  constexpr std::size_t preamble_end_size_min = 70;
  constexpr std::size_t message_end_size = 30;
  const auto ends_preamble = [&](const Line& line) { return line.text.size() >= preamble_end_size_min && is_line_of_hyphens(line.text); };
  const auto ends_message = [&](const Line& line) { return line.text.size() == message_end_size && is_line_of_hyphens(line.text); };
  const std::span<const Line> above = lines.first(i);
  const std::span<const Line> below = lines.subspan(i);
  return std::any_of(above.begin(), above.end(), ends_preamble) && std::any_of(below.begin(), below.end(), ends_message);
}

/// An older message that stands below without quote marks, or quoted under one line that says so.
struct Older {
  std::size_t start = none;   // its first line
  std::size_t header = none;  // where its header starts, if it has one
  Found introduction;
};

Older older_message(std::span<const Line> lines, Signs signs) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view text = lines[i].text;
    if (lines[i].kind != Kind::own) continue;
    const bool may_introduce = may_end_introduction(text);
    // A message that is forwarded says so above its header, and is read.
    if (may_introduce && is_forward_line(text)) return {};
    Older older;
    if (is_older_header(lines, i, signs)) {
      if (is_in_digest(lines, i)) return {};
      older = {.start = i, .header = i, .introduction = {}};
    } else if (may_introduce && text.size() < introduction_size_max && signs == Signs::answers && is_original_line(text)) {
      older.start = i;
      const std::size_t next = line_from(lines, i + 1);
      if (next < lines.size() && is_older_header(lines, next, signs)) older.header = next;
    } else if (may_introduce) {
      // Quote marks below are folded as what they are.
      const std::size_t next = line_from(lines, i + 1);
      if (next == lines.size() || lines[next].kind == Kind::quoted) continue;
      const Found found = introduction_ending_at(lines, i);
      if (!found.exists() || !found.what.is_complete()) continue;
      const bool says_all = found.what.has_time && (found.what.has_address || (found.what.says_wrote && signs == Signs::answers));
      if (!says_all && !(signs == Signs::answers && found.what.has_address && found.what.says_wrote)) continue;
      older = {.start = found.first, .header = none, .introduction = found};
    } else {
      continue;
    }
    const std::size_t above = line_before(lines, older.start);
    // In a mail that answers nothing, `see what Bob wrote:` or dashes in an unknown language above show it for its own sake.
    if (signs == Signs::unsaid && above != none && lines[above].kind == Kind::own && !is_original_line(lines[above].text) &&
        (is_dashed_line(lines[above].text) || read_introduction(lines[above].text).is_open)) {
      return {};
    }
    if (above != none && (is_original_line(lines[above].text) || is_ruler(lines[above].text)))
      older.start = above;
    else
      older.start = with_lines_above(lines, older.start);
    return older;
  }
  return {};
}

/// A quote and the lines that introduce it.
struct Quote {
  std::size_t start = 0;       // of the introduction, or of the quote itself
  std::size_t end = 0;         // behind its last line
  std::string_view label;      // the introduction; empty: none
  std::string_view first;      // its first line
  std::size_t count = 0;       // lines with words
  std::size_t size = 0;        // bytes of them
  bool is_introduced = false;  // completely
  bool is_announced = false;   // by words of the writer's own
};

/// Index behind the quote that starts at `i`: quoted lines and the empty ones between them.
std::size_t quote_end(std::span<const Line> lines, std::size_t i, std::size_t end) {
  std::size_t last = i;
  for (; i < end && lines[i].kind != Kind::own; ++i) {
    if (lines[i].kind == Kind::quoted) last = i;
  }
  return last + 1;
}

std::span<Quote> quotes_of(std::span<const Line> lines, std::size_t end, Arena& arena) {
  ArenaList<Quote> quotes(arena);
  for (std::size_t i = 0; i < end;) {
    if (lines[i].kind != Kind::quoted) {
      ++i;
      continue;
    }
    Quote quote{.start = i, .end = quote_end(lines, i, end), .label = {}, .first = {}};
    for (std::size_t j = i; j < quote.end; ++j) {
      const std::string_view words = inside_quote(lines[j].text);
      if (words.empty()) continue;
      if (quote.first.empty()) quote.first = words;
      ++quote.count;
      quote.size += words.size();
    }
    const std::size_t above = line_before(lines, i);
    const Found found = introduction_ending_at(lines, above);
    if (found.exists() && (quotes.empty() || found.first >= quotes.back().end)) {
      quote.label = joined_lines(lines, found, arena);
      quote.is_introduced = found.what.is_complete();
      quote.start = std::max(with_lines_above(lines, found.first), quotes.empty() ? std::size_t{0} : quotes.back().end);
    } else if (above != none && lines[above].kind == Kind::own) {
      quote.is_announced = read_introduction(lines[above].text).is_open;
    }
    // Some programs put it inside.
    if (quote.label.empty()) {
      const Introduction inside = read_introduction(quote.first);
      if (inside.is_likely()) quote.label = quote.first;
      quote.is_introduced = inside.is_complete();
    }
    i = quote.end;
    quotes.push_back(quote);
  }
  return quotes.take();
}

/// The text being written.
class Writer {
 public:
  Writer(std::size_t capacity, Arena& arena) : arena_(arena), out_(arena) { out_.reserve(capacity); }

  void own(std::string_view line) {
    const bool is_long_ruler = line.size() > ruler_size_max && is_ruler(line);
    out_.push_back(is_long_ruler ? line.substr(0, ruler_size_max) : line);
  }
  void blank() {
    if (!out_.empty() && !out_.back().empty()) out_.push_back({});
  }
  void line(const Line& each) { each.kind == Kind::blank ? blank() : own(each.text); }
  void note(std::string_view words) { out_.push_back(words); }

  [[nodiscard]] std::string_view take() {
    while (!out_.empty() && out_.back().empty()) out_.shrink(out_.size() - 1);
    std::size_t size = 0;
    for (const std::string_view line : out_.items()) size += line.size() + 1;
    ArenaText text(arena_);
    text.reserve(size);
    for (std::size_t i = 0; i < out_.size(); ++i) {
      if (i > 0) text += '\n';
      text += out_[i];
    }
    return text.take_view();
  }

 private:
  Arena& arena_;
  ArenaList<std::string_view> out_;
};

std::string_view shortened(std::string_view text, std::size_t size_max, Arena& arena) {
  if (text.size() <= size_max) return text;
  std::string_view piece = cut(text, size_max);
  if (const std::size_t blank = piece.rfind(' '); blank != std::string_view::npos && blank > size_max / 2) piece = piece.substr(0, blank);
  return format_in(arena, "{}...", ascii_trim(piece));
}

std::string_view quote_note(std::size_t lines, std::string_view label, Arena& arena) {
  label = without_dashes(label);
  return format_in(arena, "[{} quoted {}{}{}]", lines, lines == 1 ? "line" : "lines", label.empty() ? "" : ": ",
                   shortened(label, label_size_max, arena));
}

/// Whose message it is, for people.
std::string_view older_label(std::span<const Line> lines, const Older& older, Arena& arena) {
  if (older.introduction.exists()) return joined_lines(lines, older.introduction, arena);
  for (std::size_t i = older.header; i < lines.size() && i < older.header + header_block_lines_max; ++i) {
    if (header_word_of(lines[i].text) == HeaderWord::from)
      return format_in(arena, "from {}", cut(header_value(lines[i].text), 2 * label_size_max));
  }
  return is_original_line(lines[older.start].text) ? lines[older.start].text : std::string_view();
}

/// What is told of a quote when nothing introduces it: its first words.
std::string_view quote_label(const Quote& quote, Arena& arena) {
  return quote.label.empty() ? shortened(quote.first, label_size_max / 2, arena) : quote.label;
}

}  // namespace

ReplyText fold_reply(std::string_view utf8, OlderMessages older_messages, Arena& arena) {
  ReplyText result;
  const std::span<const Line> lines = lines_of(utf8, arena);
  Signs signs = older_messages == OlderMessages::fold ? Signs::answers : Signs::unsaid;
  const Older older = older_messages == OlderMessages::keep ? Older{} : older_message(lines, signs);
  const std::size_t end = older.start == none ? lines.size() : older.start;
  const std::span<Quote> quotes = older_messages == OlderMessages::keep ? std::span<Quote>() : quotes_of(lines, end, arena);
  // One message that is introduced makes an answer of the mail, whatever its header says.
  if (older_messages != OlderMessages::keep &&
      std::any_of(quotes.begin(), quotes.end(), [](const Quote& quote) { return quote.is_introduced; }))
    signs = Signs::answers;

  // The last line of the writer's own; a quote below it is answered by nothing.
  std::size_t own_end = 0;
  for (std::size_t i = 0, q = 0; i < end; ++i) {
    while (q < quotes.size() && quotes[q].end <= i) ++q;
    const bool is_in_quote = q < quotes.size() && i >= quotes[q].start;
    if (lines[i].kind == Kind::own && !is_in_quote) own_end = i + 1;
  }
  const bool folds_quotes = own_end > 0 && signs == Signs::answers;

  // RFC 3676 §4.3: the last `-- `; what was folded of a quote is never part of a signature.
  std::size_t signature = lines.size();
  for (std::size_t i = 1; i < end; ++i) {
    if (lines[i].text == "--") signature = i;
  }

  Writer out(lines.size(), arena);
  std::size_t next_quote = 0;
  for (std::size_t i = 0; i < end;) {
    while (next_quote < quotes.size() && quotes[next_quote].end <= i) ++next_quote;
    if (folds_quotes && next_quote < quotes.size() && i == quotes[next_quote].start) {
      const Quote& quote = quotes[next_quote++];
      const bool is_answered = quote.end < own_end;
      const bool is_short = is_answered && quote.count <= kept_quote_lines_max && quote.size <= kept_quote_size_max;
      if (is_short || quote.is_announced) {
        for (; i < quote.end; ++i) out.line(lines[i]);
        continue;
      }
      i = quote.end;
      if (quote.count == 0) continue;
      out.note(quote_note(quote.count, quote_label(quote, arena), arena));
      result.quoted_lines += quote.count;
      continue;
    }
    if (i == signature) {
      const std::size_t signature_end = next_quote < quotes.size() ? std::min(quotes[next_quote].start, end) : end;
      std::size_t count = 0;
      std::size_t behind = i + 1;
      for (; behind < signature_end && lines[behind].kind != Kind::quoted; ++behind) count += lines[behind].kind == Kind::own ? 1 : 0;
      // One line more is not worth a line that says so.
      if (count > kept_signature_lines + 1 && count <= signature_lines_max) {
        out.own(lines[i].text);
        std::size_t kept = 0;
        for (++i; kept < kept_signature_lines; ++i) {
          if (lines[i].kind != Kind::own) continue;
          out.own(lines[i].text);
          ++kept;
        }
        result.signature_lines = count - kept;
        out.note(format_in(arena, "[{} more lines of signature]", result.signature_lines));
        i = behind;
        if (i < end) out.blank();
        continue;
      }
    }
    out.line(lines[i]);
    ++i;
  }
  if (end < lines.size()) {
    std::size_t count = 0;
    for (std::size_t i = end; i < lines.size(); ++i) count += lines[i].kind == Kind::blank ? 0 : 1;
    if (own_end > 0) {
      out.note(quote_note(count, older_label(lines, older, arena), arena));
      result.quoted_lines += count;
    } else {
      for (std::size_t i = end; i < lines.size(); ++i) out.line(lines[i]);
    }
  }
  result.text = out.take();
  return result;
}

OlderMessages older_messages_of(const mime::Part& header, Arena& arena) {
  const SubjectWord word = subject_word_of(mime::decode_header(header.field("Subject"), arena));
  if (word == SubjectWord::forwards) return OlderMessages::keep;
  // Programs put the mail that is forwarded into References, so that these count only where the subject does not speak (RFC 5322 §3.6.4).
  const bool answers = word == SubjectWord::answers || !header.field("In-Reply-To").empty() || !header.field("References").empty();
  return answers ? OlderMessages::fold : OlderMessages::fold_introduced;
}

bool is_forward_subject(std::string_view subject) { return subject_word_of(subject) == SubjectWord::forwards; }

}  // namespace pushmail::convert

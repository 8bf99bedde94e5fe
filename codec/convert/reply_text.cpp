// Quotes, signatures and empty lines. Lines are sorted into kinds once; then one pass writes them or a line that counts them.
#include "codec/convert/reply_text.h"

#include <algorithm>
#include <array>
#include <span>

#include "codec/convert/text.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t kept_quote_lines_max = 2;
constexpr std::size_t kept_quote_size_max = 200;
constexpr std::size_t attribution_lines_max = 3;
constexpr std::size_t attribution_size_max = 300;
constexpr std::size_t header_block_lines_max = 8;
constexpr std::size_t kept_signature_lines = 2;
constexpr std::size_t signature_lines_max = 30;  // more is no signature
constexpr std::size_t label_size_max = 90;
constexpr std::size_t ruler_size_max = 16;       // a longer one breaks on a phone

using Words = std::string_view;
constexpr auto from_words = std::to_array<Words>({"From", "Von", "De", "Da", "Van", "Från", "Fra", "Od", "От", "发件人", "寄件者", "差出人", "보낸 사람"});
constexpr auto subject_words = std::to_array<Words>({"Subject", "Betreff", "Objet", "Asunto", "Oggetto", "Onderwerp", "Assunto", "Ämne", "Emne", "Temat", "Тема", "主题", "主旨", "件名", "제목"});
constexpr auto wrote_words = std::to_array<Words>({"wrote", "writes", "said", "schrieb", "écrit", "escribió", "scritto", "scrisse", "escreveu", "schreef", "skrev", "napisał", "napisał(a)", "пишет", "写道", "寫道", "のメール"});
constexpr auto forward_words = std::to_array<Words>({"fwd", "fw", "wg", "tr", "rv", "enc", "i", "vs", "doorst", "转发", "轉寄"});
constexpr auto original_words = std::to_array<Words>({"Original Message", "Original message", "Original Appointment", "Ursprüngliche Nachricht", "Message d'origine", "Mensaje original", "Messaggio originale", "Mensagem original", "Oorspronkelijk bericht", "原始邮件"});

enum class Kind : std::uint8_t { own, blank, quoted };
struct Line {
  std::string_view text;             // without white space at its end
  Kind kind = Kind::own;
};

std::string_view without_end_space(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

std::span<const Line> lines_of(std::string_view text, Arena& arena) {
  ArenaList<Line> lines(arena);
  lines.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
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

/// Which bytes begin one of the words: most lines begin with another.
template <std::size_t N>
constexpr std::array<bool, 256> first_bytes_of(const std::array<Words, N>& words) {
  std::array<bool, 256> first{};
  for (const std::string_view word : words) first[static_cast<unsigned char>(word.front())] = true;
  return first;
}

/// `From: x`, also as `*From:* x` or `From : x`.
template <const auto& words>
bool is_header_line(std::string_view line) {
  static constexpr std::array<bool, 256> first_bytes = first_bytes_of(words);
  // An indented one is cited by a machine, not by a mail program.
  while (line.starts_with('*')) line.remove_prefix(1);
  if (line.empty() || !first_bytes[static_cast<unsigned char>(line.front())]) return false;
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    if (!line.starts_with(word)) return false;
    std::string_view rest = line.substr(word.size());
    while (!rest.empty() && (rest.front() == '*' || rest.front() == ' ')) rest.remove_prefix(1);
    return rest.starts_with(":") || rest.starts_with("：");
  });
}

/// `-----Original Message-----`.
bool is_original_line(std::string_view line) {
  if (!line.starts_with("--")) return false;
  return std::any_of(original_words.begin(), original_words.end(), [&](std::string_view word) { return line.find(word) != std::string_view::npos; });
}

/// One character, over and over: a ruler.
bool is_ruler(std::string_view line) {
  return line.size() >= 3 && std::string_view("-_=*~#").find(line.front()) != std::string_view::npos && line.find_first_not_of(line.front()) == std::string_view::npos;
}

/// Where an older message starts that stands below without quote marks: the line above its header, or lines.size().
std::size_t older_message_start(std::span<const Line> lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].kind != Kind::own || !is_header_line<from_words>(lines[i].text)) continue;
    // Of the lines of one block the subject is one; what somebody writes about a sender has none.
    const std::size_t end = std::min(i + header_block_lines_max, lines.size());
    bool has_subject = false;
    for (std::size_t j = i + 1; j < end && lines[j].kind == Kind::own && !has_subject; ++j) has_subject = is_header_line<subject_words>(lines[j].text);
    if (!has_subject) continue;
    std::size_t start = i;
    while (start > 0 && lines[start - 1].kind == Kind::blank) --start;
    if (start > 0 && (is_original_line(lines[start - 1].text) || is_ruler(lines[start - 1].text))) return start - 1;
    // A message that is forwarded says so above its header, and is read.
    if (start > 0 && lines[start - 1].text.starts_with("--")) continue;
    return i;
  }
  return lines.size();
}

/// `On Monday Ann wrote:` in any language: ends with a colon, and has a word for writing, or an address and a number.
bool is_attribution(std::string_view text) {
  if (text.ends_with("：")) text.remove_suffix(3);
  else if (text.ends_with(":")) text.remove_suffix(1);
  else return false;
  text = ascii_trim(text);
  if (std::any_of(wrote_words.begin(), wrote_words.end(), [&](std::string_view word) { return text.ends_with(word); })) return true;
  const bool has_number = text.find_first_of("0123456789") != std::string_view::npos;
  const bool has_word = std::any_of(wrote_words.begin(), wrote_words.end(), [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
  return has_number && (has_word || text.find('@') != std::string_view::npos);
}

/// The first line of one that goes on in the next.
bool starts_attribution(std::string_view line) {
  constexpr auto first_words = std::to_array<Words>({"On ", "Am ", "Le ", "El ", "Il ", "Op ", "Em ", "Den ", "Dnia ", "W dniu ", "At "});
  return std::any_of(first_words.begin(), first_words.end(), [&](std::string_view word) { return line.starts_with(word); });
}

/// The text being written. Lines stay views until the end, so that an attribution can be taken back.
class Folder {
 public:
  Folder(std::size_t capacity, Arena& arena) : arena_(arena), out_(arena) { out_.reserve(capacity); }

  void own(std::string_view line) {
    const bool is_long_ruler = line.size() > ruler_size_max && is_ruler(line);
    out_.push_back({.text = is_long_ruler ? line.substr(0, ruler_size_max) : line, .is_note = false});
  }
  void blank() {
    if (!out_.empty() && !out_.back().is_blank()) out_.push_back({});
  }
  void note(std::string_view line) { out_.push_back({.text = line, .is_note = true}); }

  /// Takes the lines that introduce the quote which comes now out of the text, as one; empty when there are none.
  std::string_view take_attribution() {
    std::size_t end = out_.size();
    while (end > 0 && out_[end - 1].is_blank()) --end;
    std::string_view joined;
    for (std::size_t count = 1; count <= attribution_lines_max && count <= end; ++count) {
      const Written& line = out_[end - count];
      if (!line.is_own() || joined.size() + line.text.size() > attribution_size_max) break;
      joined = join(line.text, joined);
      if (count == 1 && !joined.ends_with(":") && !joined.ends_with("：")) break;
      if (!is_attribution(joined)) continue;
      // Its first words may stand one line higher.
      if (count < attribution_lines_max && count < end && !starts_attribution(joined)) {
        const Written& above = out_[end - count - 1];
        if (above.is_own() && starts_attribution(above.text) && above.text.size() + joined.size() < attribution_size_max) {
          joined = join(above.text, joined);
          ++count;
        }
      }
      out_.shrink(end - count);
      return joined;
    }
    return {};
  }

  [[nodiscard]] std::string_view take() {
    while (!out_.empty() && out_.back().is_blank()) out_.shrink(out_.size() - 1);
    std::size_t size = 0;
    for (const Written& line : out_.items()) size += line.text.size() + 1;
    ArenaText text(arena_);
    text.reserve(size);
    for (std::size_t i = 0; i < out_.size(); ++i) {
      if (i > 0) text += '\n';
      text += out_[i].text;
    }
    return text.take_view();
  }

 private:
  struct Written {
    std::string_view text;
    bool is_note = false;            // ours, never empty
    [[nodiscard]] bool is_blank() const { return text.empty(); }
    [[nodiscard]] bool is_own() const { return !is_note && !text.empty(); }
  };
  [[nodiscard]] std::string_view join(std::string_view above, std::string_view below) {
    return below.empty() ? above : format_in(arena_, "{} {}", above, below);
  }

  Arena& arena_;
  ArenaList<Written> out_;
};

std::string_view shortened(std::string_view text, std::size_t size_max, Arena& arena) {
  if (text.size() <= size_max) return text;
  std::string_view piece = cut(text, size_max);
  if (const std::size_t blank = piece.rfind(' '); blank != std::string_view::npos && blank > size_max / 2) piece = piece.substr(0, blank);
  return format_in(arena, "{}...", ascii_trim(piece));
}

std::string_view quote_note(std::size_t lines, std::string_view label, Arena& arena) {
  while (label.ends_with(":") || label.ends_with(" ")) label.remove_suffix(1);
  if (label.ends_with("：")) label.remove_suffix(3);
  return format_in(arena, "[{} quoted {}{}{}]", lines, lines == 1 ? "line" : "lines", label.empty() ? "" : ": ", shortened(label, label_size_max, arena));
}

/// Index behind the quote that starts at `i`: quoted lines and the empty ones between them.
std::size_t quote_end(std::span<const Line> lines, std::size_t i, std::size_t end) {
  std::size_t last = i;
  for (; i < end && lines[i].kind != Kind::own; ++i) {
    if (lines[i].kind == Kind::quoted) last = i;
  }
  return last + 1;
}

/// The value of the header line of an older message, for people.
std::string_view older_label(std::span<const Line> lines, std::size_t from, Arena& arena) {
  for (std::size_t i = from; i < lines.size() && i < from + header_block_lines_max; ++i) {
    if (!is_header_line<from_words>(lines[i].text)) continue;
    std::string_view value = lines[i].text.substr(lines[i].text.find_first_of(":\xEF") + 1);
    while (!value.empty() && std::string_view("* \t\xBC\x9A").find(value.front()) != std::string_view::npos) value.remove_prefix(1);
    return format_in(arena, "from {}", cut(value, 2 * label_size_max));
  }
  return {};
}

}  // namespace

ReplyText fold_reply(std::string_view utf8, OlderMessages older, Arena& arena) {
  ReplyText result;
  const std::span<const Line> lines = lines_of(utf8, arena);
  const std::size_t end = older == OlderMessages::fold ? older_message_start(lines) : lines.size();

  // The last line of the writer's own; a quote below it is answered by nothing.
  std::size_t own_end = 0;
  for (std::size_t i = 0; i < end; ++i) {
    if (lines[i].kind == Kind::own && !is_attribution(lines[i].text)) own_end = i + 1;
  }
  const bool folds_quotes = own_end > 0 && older == OlderMessages::fold;

  // RFC 3676 §4.3: the last `-- `; what was folded of a quote is never part of a signature.
  std::size_t signature = lines.size();
  for (std::size_t i = 1; i < end; ++i) {
    if (lines[i].text == "--") signature = i;
  }

  Folder out(lines.size(), arena);
  for (std::size_t i = 0; i < end;) {
    const Line& line = lines[i];
    if (line.kind == Kind::blank) {
      out.blank();
      ++i;
      continue;
    }
    if (line.kind == Kind::quoted && folds_quotes) {
      const std::size_t behind = quote_end(lines, i, end);
      std::size_t count = 0;
      std::size_t size = 0;
      std::string_view first;
      for (std::size_t j = i; j < behind; ++j) {
        const std::string_view words = inside_quote(lines[j].text);
        if (words.empty()) continue;
        if (first.empty()) first = words;
        ++count;
        size += words.size();
      }
      const bool is_answered = behind < own_end;
      if (is_answered && count <= kept_quote_lines_max && size <= kept_quote_size_max) {
        for (; i < behind; ++i) lines[i].kind == Kind::blank ? out.blank() : out.own(lines[i].text);
        continue;
      }
      i = behind;
      if (count == 0) continue;
      const std::string_view attribution = out.take_attribution();
      out.note(quote_note(count, !attribution.empty() ? attribution : is_attribution(first) ? first : shortened(first, label_size_max / 2, arena), arena));
      result.quoted_lines += count;
      continue;
    }
    if (i == signature) {
      std::size_t behind = i + 1;
      std::size_t count = 0;
      for (; behind < end && lines[behind].kind != Kind::quoted && !is_attribution(lines[behind].text); ++behind) count += lines[behind].kind == Kind::own ? 1 : 0;
      // One line more is not worth a line that says so.
      if (count > kept_signature_lines + 1 && count <= signature_lines_max) {
        out.own(line.text);
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
    out.own(line.text);
    ++i;
  }
  if (end < lines.size()) {
    std::size_t count = 0;
    for (std::size_t i = end; i < lines.size(); ++i) count += lines[i].kind == Kind::blank ? 0 : 1;
    if (own_end > 0) {
      out.note(quote_note(count, older_label(lines, end, arena), arena));
      result.quoted_lines += count;
    } else {
      for (std::size_t i = end; i < lines.size(); ++i) lines[i].kind == Kind::blank ? out.blank() : out.own(lines[i].text);
    }
  }
  result.text = out.take();
  return result;
}

bool is_forward_subject(std::string_view subject) {
  subject = ascii_trim(subject);
  if (subject.starts_with("[")) subject.remove_prefix(1);
  const std::size_t colon = std::min(subject.find(':'), subject.find("："));
  if (colon == std::string_view::npos) return false;
  const std::string_view word = ascii_trim(subject.substr(0, colon));
  return std::any_of(forward_words.begin(), forward_words.end(), [&](std::string_view forward) { return ascii_equal_nocase(word, forward); });
}

bool is_poor_plain_text(std::string_view utf8) {
  const std::string_view text = ascii_trim(utf8);
  if (text.empty()) return true;
  if (ascii_starts_with_nocase(text, "<!doctype html") || ascii_starts_with_nocase(text, "<html")) return true;
  // A style sheet that was taken for text.
  const std::string_view head = text.substr(0, poor_plain_text_size);
  std::size_t declarations = 0;
  for (std::size_t at = head.find('{'); at != std::string_view::npos && declarations < 3; at = head.find('{', at + 1)) {
    const std::string_view body = head.substr(at, std::min(head.find('}', at), head.size()) - at);
    declarations += body.find(':') != std::string_view::npos && body.find(';') != std::string_view::npos ? 1 : 0;
  }
  if (declarations >= 3) return true;
  // `Your mail program cannot show HTML`.
  return text.size() < 300 && text.find("HTML") != std::string_view::npos && std::count(text.begin(), text.end(), '\n') < 5 &&
         (text.find("view") != std::string_view::npos || text.find("display") != std::string_view::npos || text.find("support") != std::string_view::npos);
}

}  // namespace pushmail::convert

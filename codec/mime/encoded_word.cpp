// Header values for people: RFC 2047 words, folding, raw 8-bit.
//
// Came from: Field::value. Goes to: Subject, display names, and names that mailers wrongly encode this way. Linear: a terminator is
// searched once and remembered, so ten thousand openings without an end cost one pass.
#include <algorithm>

#include "codec/mime/fields.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t charset_label_size_max = 64;

enum class Encoding : std::uint8_t { base64, q };

struct EncodedWord {
  std::string_view charset;
  Encoding encoding;
  std::string_view payload;
  std::size_t end;  // offset behind `?=`
};

void append_decoded(ArenaText& out, const EncodedWord& word) {
  if (word.encoding == Encoding::base64) {
    const ByteView in = bytes_of(word.payload);
    const std::size_t size = out.size();
    const MutableBytes room = out.extend(simd::base64_decoded_max(in.size()));
    out.shrink(size + simd::active().base64_decode(in, room).written);
    return;
  }
  // RFC 2047 §4.2.
  for (std::size_t at = 0; at < word.payload.size(); ++at) {
    const char c = word.payload[at];
    if (const auto byte = c == '=' ? leading_hex_byte(word.payload.substr(at + 1)) : std::nullopt) {
      out += static_cast<char>(*byte);
      at += 2;
    } else if (c != '\r' && c != '\n') {
      out += c == '_' ? ' ' : c;
    }
  }
}

/// Finds the words of one value, front to back.
class WordScanner {
 public:
  explicit WordScanner(std::string_view value) : value_(value) {}

  /// The encoded word that starts at `at`, where `=?` stands; nothing when it is not one.
  std::optional<EncodedWord> word_at(std::size_t at) {
    const std::size_t charset_start = at + 2;
    const std::size_t charset_end =
        value_.substr(0, std::min(value_.size(), charset_start + charset_label_size_max)).find('?', charset_start);
    if (charset_end == std::string_view::npos || charset_end == charset_start || charset_end + 3 > value_.size()) return std::nullopt;
    const char encoding = ascii_lower(value_[charset_end + 1]);
    if ((encoding != 'b' && encoding != 'q') || value_[charset_end + 2] != '?') return std::nullopt;
    const std::string_view charset = value_.substr(charset_start, charset_end - charset_start);
    if (charset.find_first_of(" \t\r\n") != std::string_view::npos) return std::nullopt;
    const std::size_t payload = charset_end + 3;
    const std::size_t end = terminator_from(payload);
    if (end == std::string_view::npos) return std::nullopt;
    // A second opening before the end: this word was never closed. (Padding and terminator, `=?=`, only look like one.)
    if (opening_from(payload) < end - 1) return std::nullopt;
    return EncodedWord{charset, encoding == 'b' ? Encoding::base64 : Encoding::q, value_.substr(payload, end - payload), end + 2};
  }

 private:
  // Remembered answers: asked with rising offsets, each byte is searched once.
  std::size_t terminator_from(std::size_t from) {
    if (terminator_ < from) terminator_ = value_.find("?=", from);
    return terminator_;
  }
  std::size_t opening_from(std::size_t from) {
    if (opening_ < from) opening_ = value_.find("=?", from);
    return opening_;
  }

  std::string_view value_;
  std::size_t terminator_ = 0;
  std::size_t opening_ = 0;
};

/// U+200E, U+200F, U+202A..U+202E, U+2066..U+2069 (UTF-8).
bool is_direction_control(std::string_view three) {
  if (three.size() < 3 || three[0] != '\xE2') return false;
  const auto second = static_cast<unsigned char>(three[1]);
  const auto third = static_cast<unsigned char>(three[2]);
  return (second == 0x80 && (third == 0x8E || third == 0x8F || (third >= 0xAA && third <= 0xAE))) ||
         (second == 0x81 && third >= 0xA6 && third <= 0xA9);
}

/// Takes out the controls that a header can be split with, or that turn the reading direction of what stands behind them. Returns the size
/// that is left: nothing grows.
std::size_t remove_controls(std::span<char> text) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '\t') {
      text[size++] = ' ';
    } else if (c == '\r' || c == '\n') {
      // Folding: the blank that follows stays (RFC 5322 §2.2.3). Any other line end separates words.
      const bool blank_follows =
          at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\t' || text[at + 1] == '\n' || text[at + 1] == '\r');
      if (!blank_follows) text[size++] = ' ';
    } else if (c == 0xC2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0) {
      ++at;  // C1
    } else if (c == 0xE2 && is_direction_control(std::string_view(text.data(), text.size()).substr(at, 3))) {
      at += 2;
    } else if (c >= 0x20 && c != 0x7F) {
      text[size++] = text[at];
    }
  }
  return size;
}

/// Nothing in it to decode, to guess or to take out: most values are this.
bool is_plain(std::string_view value) {
  // Without a way out, so that many are looked at at once; few values have more than some tens.
  std::uint8_t is_odd = 0;
  std::uint8_t has_equals = 0;
  for (const char c : value) {
    is_odd |= static_cast<std::uint8_t>(static_cast<std::uint8_t>(c - 0x20) >= 0x7F - 0x20);
    has_equals |= static_cast<std::uint8_t>(c == '=');
  }
  return is_odd == 0 && (has_equals == 0 || !value.contains("=?"));
}

}  // namespace

std::string_view decode_header(std::string_view value, Arena& arena, std::string_view raw_charset) {
  if (is_plain(value)) return ascii_trim(value);
  // Most values are short, and a mail may have a million of them.
  ArenaText out(arena);
  out.reserve(value.size() + 8);
  ArenaText run(arena);  // decoded bytes of adjacent words with the same charset: a character may be split between them
  run.reserve(value.size());
  std::string_view run_charset;
  const auto flush = [&] {
    if (!run.empty()) out += to_utf8(bytes_of(run.view()), run_charset, arena);
    run.shrink(0);
  };
  const auto literal_text = [&](std::string_view text) {
    if (!text.empty()) out += guess_utf8(bytes_of(text), arena, raw_charset);
  };

  WordScanner scanner(value);
  std::size_t literal = 0;  // start of text not yet written
  bool after_word = false;
  for (std::size_t at = value.find("=?"); at != std::string_view::npos;) {
    const auto word = scanner.word_at(at);
    if (!word) {
      at = value.find("=?", at + 1);
      continue;
    }
    const std::string_view between = value.substr(literal, at - literal);
    // Blanks between two words belong to neither (RFC 2047 §6.2).
    const bool adjacent = after_word && ascii_trim(between).empty();
    if (!adjacent || !ascii_equal_nocase(run_charset, word->charset)) flush();
    if (!adjacent) literal_text(between);
    run_charset = word->charset;
    append_decoded(run, *word);
    after_word = true;
    literal = word->end;
    at = value.find("=?", literal);
  }
  flush();
  literal_text(value.substr(literal));
  const std::span<char> text = out.take();
  return ascii_trim({text.data(), remove_controls(text)});
}

std::string decode_header(std::string_view value) {
  Arena arena;
  return std::string(decode_header(value, arena));
}

}  // namespace pushmail::mime

// One pass over groups, control words and text (RTF 1.9.1). What a group changes ends with it, so its state stands on a stack:
//
//   {\rtf1\ansi\ansicpg1252 {\fonttbl ...} Hello \b Bob\b0\par {\*\htmltag64 <p>} ... }
//                            passed over    text                page, where it was made of one
#include "codec/mime/rtf.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "codec/mime/message.h"
#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t header_size = 16;                // of the compressed form
constexpr std::uint32_t type_compressed = 0x75465A4C;  // `LZFu`
constexpr std::uint32_t type_stored = 0x414C454D;      // `MELA`
constexpr std::size_t dictionary_size = 4096;
constexpr std::size_t group_depth_max = 128;
constexpr std::size_t fonts_max = 256;
constexpr std::size_t word_size_max = 32;

// MS-OXRTFCP §2.1.2.1: what both sides know before the first byte.
constexpr std::string_view dictionary_start =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans "
    "SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    "\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
static_assert(dictionary_start.size() == 207);

ByteView decompress(ByteView in, Arena& arena) {
  std::array<std::uint8_t, dictionary_size> dictionary{};
  std::copy(dictionary_start.begin(), dictionary_start.end(), dictionary.begin());
  std::size_t write = dictionary_start.size();
  ArenaText out(arena);
  out.reserve(in.size() * 2);
  const auto put = [&](std::uint8_t byte) {
    out += static_cast<char>(byte);
    dictionary[write] = byte;
    write = (write + 1) % dictionary_size;
  };
  for (std::size_t at = 0; at < in.size();) {
    const unsigned control = in[at++];
    for (unsigned bit = 0; bit < 8 && at < in.size(); ++bit) {
      if ((control >> bit & 1U) == 0) {
        put(in[at++]);
        continue;
      }
      if (at + 2 > in.size()) return bytes_of(out.take_view());
      const unsigned reference = static_cast<unsigned>(in[at]) << 8U | in[at + 1];
      at += 2;
      std::size_t read = reference >> 4U;
      // A reference to where the next byte goes is the end.
      if (read == write) return bytes_of(out.take_view());
      for (std::size_t left = (reference & 15U) + 2; left > 0; --left, read = (read + 1) % dictionary_size) put(dictionary[read]);
    }
  }
  return bytes_of(out.take_view());
}

/// What a group changes until it ends.
struct Group {
  bool is_skipped = false;
  bool is_font_table = false;
  bool is_tag = false;          // its text is markup
  bool is_for_rtf = false;      // \htmlrtf: what readers of RTF alone see
  unsigned fallback_count = 1;  // \uc: characters behind \u that stand for it
  unsigned font = 0;
};

/// \fcharset and \ansicpg to what mail calls the charset; empty: the document's.
std::string_view charset_of_font(unsigned number) {
  struct Row {
    unsigned number;
    std::string_view charset;
  };
  static constexpr auto rows = std::to_array<Row>({{128, "cp932"},
                                                   {129, "cp949"},
                                                   {134, "cp936"},
                                                   {136, "cp950"},
                                                   {161, "cp1253"},
                                                   {162, "cp1254"},
                                                   {163, "cp1258"},
                                                   {177, "cp1255"},
                                                   {178, "cp1256"},
                                                   {186, "cp1257"},
                                                   {204, "cp1251"},
                                                   {222, "cp874"},
                                                   {238, "cp1250"}});
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.number == number; });
  return row == rows.end() ? std::string_view{} : row->charset;
}

/// Words that put text: themselves, and what is put.
struct Put {
  std::string_view word, text;
};
constexpr auto puts = std::to_array<Put>({{"par", "\n"},
                                          {"line", "\n"},
                                          {"sect", "\n"},
                                          {"page", "\n"},
                                          {"row", "\n"},
                                          {"tab", "\t"},
                                          {"cell", "\t"},
                                          {"emdash", "—"},
                                          {"endash", "–"},
                                          {"bullet", "•"},
                                          {"lquote", "‘"},
                                          {"rquote", "’"},
                                          {"ldblquote", "“"},
                                          {"rdblquote", "”"},
                                          {"emspace", " "},
                                          {"enspace", " "},
                                          {"qmspace", " "}});
/// Destinations whose text nobody reads.
constexpr auto skipped = std::to_array<std::string_view>(
    {"colortbl",          "stylesheet", "info",    "pict",    "object",    "header",    "headerl",   "headerr",
     "headerf",           "footer",     "footerl", "footerr", "footerf",   "footnote",  "fldinst",   "listtable",
     "listoverridetable", "filetbl",    "revtbl",  "rsidtbl", "themedata", "datastore", "generator", "xmlnstbl"});

class Reader {
 public:
  Reader(ByteView rtf, Arena& arena) : rtf_(rtf), arena_(arena), raw_(arena), out_(arena) { out_.reserve(rtf.size()); }

  RtfText read() {
    while (at_ < rtf_.size()) {
      const std::uint8_t c = rtf_[at_++];
      switch (c) {
        case '{':
          open();
          break;
        case '}':
          close();
          break;
        case '\\':
          control();
          break;
        case '\r':
        case '\n':
          break;
        default:
          text_byte(c);
      }
    }
    flush();
    return {.text = out_.take_view(), .is_html = is_html_};
  }

 private:
  [[nodiscard]] Group& group() { return groups_[std::min(depth_, group_depth_max - 1)]; }
  [[nodiscard]] bool is_shown() { return !group().is_skipped && !group().is_for_rtf && depth_ < group_depth_max; }

  void open() {
    flush();
    // What nests deeper is no text of a mail.
    if (depth_ + 1 < group_depth_max) groups_[depth_ + 1] = group();
    ++depth_;
    is_ignorable_ = false;
    fallbacks_left_ = 0;
  }
  void close() {
    flush();
    if (depth_ > 0) --depth_;
    fallbacks_left_ = 0;
  }

  void control() {
    if (at_ >= rtf_.size()) return;
    const std::uint8_t c = rtf_[at_];
    if (is_letter(c)) return word();
    ++at_;
    switch (c) {
      case '\'':
        if (at_ + 2 <= rtf_.size() && hex_value(rtf_[at_]) >= 0 && hex_value(rtf_[at_ + 1]) >= 0) {
          const auto byte = static_cast<std::uint8_t>(hex_value(rtf_[at_]) * 16 + hex_value(rtf_[at_ + 1]));
          at_ += 2;
          coded_byte(byte);
        }
        break;
      case '*':
        is_ignorable_ = true;
        break;
      case '~':
        put("\xC2\xA0");
        break;
      case '_':
        put("-");
        break;
      case '\r':
      case '\n':
        put("\n");
        break;
      case '\\':
      case '{':
      case '}':
        text_byte(c);
        break;
      default:
        break;
    }
  }

  void word() {
    std::array<char, word_size_max> name;
    std::size_t size = 0;
    for (; at_ < rtf_.size() && is_letter(rtf_[at_]); ++at_) {
      if (size < name.size()) name[size++] = static_cast<char>(rtf_[at_]);
    }
    const bool is_negative = at_ + 1 < rtf_.size() && rtf_[at_] == '-' && is_digit(rtf_[at_ + 1]);
    if (is_negative) ++at_;
    bool has_number = false;
    std::uint32_t number = 0;
    for (; at_ < rtf_.size() && is_digit(rtf_[at_]); ++at_) {
      has_number = true;
      number = std::min<std::uint32_t>(number, 10'000'000) * 10 + (rtf_[at_] - '0');
    }
    if (at_ < rtf_.size() && rtf_[at_] == ' ') ++at_;
    const std::string_view word(name.data(), size);
    // Binary data stands in the open.
    if (word == "bin" && !is_negative)
      at_ += std::min<std::size_t>(number, rtf_.size() - at_);
    else
      act(word, has_number, is_negative ? 0U - number : number);
  }

  void act(std::string_view word, bool has_number, std::uint32_t number) {
    const bool is_ignorable = is_ignorable_;
    is_ignorable_ = false;
    Group& now = group();
    if (depth_ >= group_depth_max) return;
    if (word == "fromhtml")
      is_html_ = true;
    else if (word == "ansicpg")
      codepage_ = number;
    else if (word == "uc")
      now.fallback_count = std::min<std::uint32_t>(number, 16);
    else if (word == "f")
      font(number);
    else if (word == "fcharset" && now.is_font_table && current_font_ < fonts_max)
      font_charsets_[current_font_] = static_cast<std::uint8_t>(std::min<std::uint32_t>(number, 255));
    else if (word == "u")
      unicode(number);
    else if (word == "fonttbl")
      now.is_font_table = now.is_skipped = true;
    else if (word == "htmlrtf")
      set_for_rtf(!has_number || number != 0);
    else if (word == "htmltag" && is_ignorable)
      set_tag();
    else if (is_ignorable || std::find(skipped.begin(), skipped.end(), word) != skipped.end())
      skip_group();
    else if (const auto row = std::find_if(puts.begin(), puts.end(), [&](const Put& p) { return p.word == word; }); row != puts.end())
      put(row->text);
  }

  void skip_group() {
    flush();
    group().is_skipped = true;
  }
  void set_for_rtf(bool is_for_rtf) {
    flush();
    group().is_for_rtf = is_for_rtf;
  }
  void set_tag() {
    flush();
    group().is_tag = true;
    group().is_skipped = !is_html_;
    group().is_for_rtf = false;
  }
  void font(std::uint32_t number) {
    flush();
    group().font = number;
    if (group().is_font_table) current_font_ = number;
  }

  void unicode(std::uint32_t number) {
    fallbacks_left_ = group().fallback_count;
    if (!is_shown()) return;
    flush();
    const std::uint32_t unit = number & 0xFFFFU;
    if (unit >= 0xD800 && unit < 0xDC00) {
      high_surrogate_ = unit;
      return;
    }
    std::uint32_t code = unit;
    if (unit >= 0xDC00 && unit < 0xE000) {
      if (high_surrogate_ == 0) return;
      code = 0x10000 + ((high_surrogate_ - 0xD800) << 10U) + (unit - 0xDC00);
    }
    high_surrogate_ = 0;
    if (code < 0x80)
      write(static_cast<char>(code));
    else
      out_ += utf8_of(code).view();
  }

  /// A byte of the text, or of what stands for a \u.
  void text_byte(std::uint8_t c) { coded_byte(c); }
  void coded_byte(std::uint8_t c) {
    if (fallbacks_left_ > 0) {
      --fallbacks_left_;
      return;
    }
    if (is_shown()) raw_ += static_cast<char>(c);
  }
  void put(std::string_view text) {
    fallbacks_left_ = 0;
    if (!is_shown()) return;
    flush();
    out_ += text;
  }

  /// One character of text, escaped where it would be markup.
  void write(char c) {
    const bool is_text_of_page = is_html_ && !group().is_tag;
    if (is_text_of_page && c == '<')
      out_ += "&lt;";
    else if (is_text_of_page && c == '&')
      out_ += "&amp;";
    else if (c != '\0')
      out_ += c;
  }

  /// What was collected, in the charset of its font.
  void flush() {
    if (raw_.empty()) return;
    for (const char c : to_utf8(bytes_of(raw_.view()), charset(), arena_)) write(c);
    raw_.shrink(0);
  }
  [[nodiscard]] std::string_view charset() {
    const Group& now = group();
    if (now.font < fonts_max) {
      if (const std::string_view own = charset_of_font(font_charsets_[now.font]); !own.empty() && !now.is_tag) return own;
    }
    if (codepage_ == 65001) return "utf-8";
    codepage_name_ = {'c', 'p'};
    std::size_t size = 2;
    std::uint32_t scale = 10'000;
    for (bool begun = false; scale > 0; scale /= 10) {
      const std::uint32_t digit = codepage_ / scale % 10;
      begun = begun || digit > 0;
      if (begun) codepage_name_[size++] = static_cast<char>('0' + digit);
    }
    return {codepage_name_.data(), size};
  }

  ByteView rtf_;
  Arena& arena_;
  std::size_t at_ = 0;
  std::array<Group, group_depth_max> groups_{};
  std::size_t depth_ = 0;
  bool is_html_ = false;
  bool is_ignorable_ = false;  // \* was seen: the next word opens a destination that may be passed over
  unsigned fallbacks_left_ = 0;
  std::uint32_t high_surrogate_ = 0;
  std::uint32_t codepage_ = 1252;
  std::array<char, 8> codepage_name_{};
  std::array<std::uint8_t, fonts_max> font_charsets_{};
  std::uint32_t current_font_ = 0;
  ArenaText raw_;  // in the charset of the font
  ArenaText out_;
};

}  // namespace

std::optional<ByteView> decompress_rtf(ByteView compressed, Arena& arena) {
  if (compressed.size() < header_size) return std::nullopt;
  const auto number = [&](std::size_t at) { return load<std::uint32_t>(compressed.data() + at, std::endian::little); };
  // The first number counts what stands behind it; what is cut off is read as far as it goes.
  const std::size_t end = std::min<std::size_t>(compressed.size(), std::size_t{number(0)} + 4);
  const ByteView in = compressed.subspan(header_size, std::max(end, header_size) - header_size);
  if (number(8) == type_stored) return in.first(std::min<std::size_t>(in.size(), number(4)));
  if (number(8) != type_compressed) return std::nullopt;
  const ByteView out = decompress(in, arena);
  return out.first(std::min<std::size_t>(out.size(), number(4)));
}

RtfText read_rtf(ByteView rtf, Arena& arena) {
  if (!ascii_trim(text_of(rtf)).starts_with("{\\rtf")) return {.text = to_utf8(rtf, {}, arena), .is_html = false};
  RtfText read = Reader(rtf, arena).read();
  while (read.text.starts_with('\n')) read.text.remove_prefix(1);
  return read;
}

}  // namespace pushmail::mime

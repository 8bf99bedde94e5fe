// Charsets: whatever label mail writes, the result is valid UTF-8.
//
// Came from: body.cpp, encoded_word.cpp, parameters.cpp. Goes to: text for people. Labels are a closed table, so nothing from a mail
// reaches iconv_open; bytes that the charset does not have become U+FFFD.
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "codec/mime/fields.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::mime {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Senders label text by the subset that they know; the name on the right is the superset that they mean.
struct Label {
  std::string_view label;
  const char* iconv_name;  // nullptr: converted here
};
constexpr auto labels = std::to_array<Label>({
    {"utf-8", nullptr},
    {"utf8", nullptr},
    {"utf8mb4", nullptr},
    {"us-ascii", nullptr},
    {"ascii", nullptr},
    {"ansi_x3.4-1968", nullptr},
    {"646", nullptr},
    {"windows-1252", nullptr},
    {"cp1252", nullptr},
    {"x-cp1252", nullptr},
    {"x-ansi", nullptr},
    {"iso-8859-1", nullptr},
    {"iso8859-1", nullptr},
    {"iso_8859-1", nullptr},
    {"iso88591", nullptr},
    {"latin1", nullptr},
    {"l1", nullptr},
    {"iso-8859-1-windows-1252", nullptr},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso8859-2", "ISO-8859-2"},
    {"latin2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"iso-8859-9", "CP1254"},
    {"iso8859-9", "CP1254"},
    {"latin5", "CP1254"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-11", "CP874"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso8859-15", "ISO-8859-15"},
    {"latin9", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"windows-1250", "CP1250"},
    {"cp1250", "CP1250"},
    {"windows-1251", "CP1251"},
    {"cp1251", "CP1251"},
    {"windows-1253", "CP1253"},
    {"cp1253", "CP1253"},
    {"windows-1254", "CP1254"},
    {"cp1254", "CP1254"},
    {"windows-1255", "CP1255"},
    {"cp1255", "CP1255"},
    {"windows-1256", "CP1256"},
    {"cp1256", "CP1256"},
    {"windows-1257", "CP1257"},
    {"cp1257", "CP1257"},
    {"windows-1258", "CP1258"},
    {"cp1258", "CP1258"},
    {"windows-874", "CP874"},
    {"cp874", "CP874"},
    {"tis-620", "CP874"},
    {"cp437", "CP437"},
    {"ibm437", "CP437"},
    {"cp850", "CP850"},
    {"ibm850", "CP850"},
    {"cp866", "CP866"},
    {"ibm866", "CP866"},
    {"macintosh", "MACINTOSH"},
    {"x-mac-roman", "MACINTOSH"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"koi8-ru", "KOI8-U"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb18030", "GB18030"},
    {"cp936", "GB18030"},
    {"x-gbk", "GB18030"},
    {"euc-cn", "GB18030"},
    {"gb_2312-80", "GB18030"},
    {"csgb2312", "GB18030"},
    {"big5", "BIG5-HKSCS"},
    {"big5-hkscs", "BIG5-HKSCS"},
    {"cp950", "BIG5-HKSCS"},
    {"x-x-big5", "BIG5-HKSCS"},
    {"csbig5", "BIG5-HKSCS"},
    {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},
    {"sjis", "CP932"},
    {"x-sjis", "CP932"},
    {"cp932", "CP932"},
    {"windows-31j", "CP932"},
    {"ms_kanji", "CP932"},
    {"euc-jp", "EUC-JP-MS"},
    {"x-euc-jp", "EUC-JP-MS"},
    {"iso-2022-jp", "ISO-2022-JP-3"},
    {"iso-2022-jp-1", "ISO-2022-JP-3"},
    {"iso-2022-jp-2", "ISO-2022-JP-2"},
    {"iso-2022-jp-ms", "ISO-2022-JP-3"},
    {"cp50220", "ISO-2022-JP-3"},
    {"cp50221", "ISO-2022-JP-3"},
    {"csiso2022jp", "ISO-2022-JP-3"},
    {"ks_c_5601-1987", "UHC"},
    {"ks_c_5601", "UHC"},
    {"ksc5601", "UHC"},
    {"euc-kr", "UHC"},
    {"cp949", "UHC"},
    {"uhc", "UHC"},
    {"windows-949", "UHC"},
    {"korean", "UHC"},
    {"iso-2022-kr", "ISO-2022-KR"},
    {"iso-2022-cn", "ISO-2022-CN"},
    {"johab", "JOHAB"},
    {"cp1361", "JOHAB"},
    {"hz-gb-2312", "GB18030"},
    {"viscii", "VISCII"},
    {"tcvn", "TCVN"},
    {"armscii-8", "ARMSCII-8"},
    {"utf-7", "UTF-7"},
    {"unicode-1-1-utf-7", "UTF-7"},
    {"utf-16", "UTF-16"},
    {"utf16", "UTF-16"},
    {"ucs-2", "UTF-16"},
    {"iso-10646-ucs-2", "UTF-16"},
    {"unicode", "UTF-16"},
    {"utf-16le", "UTF-16LE"},
    {"utf-16be", "UTF-16BE"},
    {"utf-32", "UTF-32"},
    {"utf-32le", "UTF-32LE"},
    {"utf-32be", "UTF-32BE"},
});

/// A label as it may be spelled otherwise: `cp-850`, `win1251`, `ISO_8859-1:1987`, `ibm-866`, `x-cp1250` are cp850, windows1251, iso88591,
/// cp866, cp1250. In lower case, letters and digits alone.
std::string_view spelling_of(std::string_view label, std::array<char, 64>& storage) {
  std::size_t size = 0;
  for (const char c : label.substr(0, std::min(label.find(':'), storage.size()))) {
    if (is_digit(c) || (c >= 'a' && c <= 'z')) storage[size++] = c;
  }
  std::string_view spelled(storage.data(), size);
  const auto rename = [&](std::string_view from, std::string_view to) {
    // Only in front of a number: `ibm850`, not a name that begins so.
    if (!spelled.starts_with(from) || spelled.size() == from.size() || !is_digit(spelled[from.size()])) return;
    const std::size_t digits = spelled.size() - from.size();
    if (to.size() + digits > storage.size()) return;
    std::memmove(storage.data() + to.size(), spelled.data() + from.size(), digits);
    std::copy(to.begin(), to.end(), storage.begin());
    spelled = {storage.data(), to.size() + digits};
  };
  for (const std::string_view prefix : {"win", "xwin", "xwindows", "mswin", "microsoftcp"}) rename(prefix, "windows");
  for (const std::string_view prefix : {"ibm", "xcp", "xibm", "dos", "codepage", "oem", "csibm", "cswindows"}) rename(prefix, "cp");
  for (const std::string_view prefix : {"8859", "xiso8859", "isoir8859"}) rename(prefix, "iso8859");
  rename("unicode11utf", "utf");
  return spelled;
}

/// The row of a label, which is looked up in lower case, without quotes, blanks and RFC 2231 language.
const Label* find_label(std::string_view label) {
  if (ascii_starts_with_nocase(label, "charset=")) label.remove_prefix(8);
  std::array<char, 64> kept;
  std::size_t size = 0;
  for (const char c : label.substr(0, kept.size())) {
    if (c == '*') break;
    if (c > ' ' && c < 127 && c != '"' && c != '\'') kept[size++] = ascii_lower(c);
  }
  const std::string_view clean(kept.data(), size);
  const auto found = std::find_if(labels.begin(), labels.end(), [&](const Label& row) { return row.label == clean; });
  if (found != labels.end()) return &*found;
  std::array<char, 64> storage;
  const std::string_view spelled = spelling_of(clean, storage);
  if (spelled.size() < 3) return nullptr;
  const auto same = std::find_if(labels.begin(), labels.end(), [&](const Label& row) {
    std::array<char, 64> row_storage;
    return spelling_of(row.label, row_storage) == spelled;
  });
  return same == labels.end() ? nullptr : &*same;
}

/// A piece of the arena that a kernel fills; what it does not fill goes back.
template <typename Fill>
std::string_view filled(Arena& arena, std::size_t size_max, Fill fill) {
  const MutableBytes out = arena.bytes(size_max);
  const std::size_t size = fill(out);
  arena.resize(out.data(), out.size(), size);
  return text_of(out.first(size));
}

std::string_view from_single_byte(ByteView bytes, const simd::SingleByteCharset& charset, Arena& arena) {
  return filled(arena, simd::charset_utf8_max(bytes.size()),
                [&](MutableBytes out) { return simd::active().single_byte_to_utf8(bytes, out, charset); });
}

std::string_view from_windows_1252(ByteView bytes, Arena& arena) {
  return from_single_byte(bytes, *simd::single_byte_charset("CP1252"), arena);
}

/// UTF-8 with U+FFFD for each longest broken piece (Unicode §3.9, "maximal subparts" shortened to one byte and its loose tails).
std::string_view repaired_utf8(ByteView bytes, Arena& arena) {
  ArenaText out(arena);
  out.reserve(bytes.size() + 16);
  while (!bytes.empty()) {
    const std::size_t valid = simd::active().utf8_valid_prefix(bytes);
    out += text_of(bytes.first(valid));
    bytes = bytes.subspan(valid);
    if (bytes.empty()) break;
    out += replacement;
    bytes = bytes.subspan(1);
    while (!bytes.empty() && is_continuation(static_cast<char>(bytes.front()))) bytes = bytes.subspan(1);
  }
  return out.take_view();
}

bool is_utf8(ByteView bytes) { return simd::active().utf8_valid_prefix(bytes) == bytes.size(); }

/// UTF-16 and UTF-32 without a byte order mark: big-endian by RFC 2781 §4.3, unless the zero bytes of plain text say otherwise.
const char* endian_name(ByteView bytes, std::string_view name) {
  if (name == "UTF-16") {
    if (bytes.size() >= 2 && bytes[0] == 0xFF && bytes[1] == 0xFE) return "UTF-16LE";
    if (bytes.size() >= 2 && bytes[0] == 0xFE && bytes[1] == 0xFF) return "UTF-16BE";
    std::size_t zero_even = 0;
    std::size_t zero_odd = 0;
    for (std::size_t i = 0; i + 1 < std::min<std::size_t>(bytes.size(), 256); i += 2) {
      zero_even += bytes[i] == 0 ? 1U : 0U;
      zero_odd += bytes[i + 1] == 0 ? 1U : 0U;
    }
    return zero_odd > zero_even ? "UTF-16LE" : "UTF-16BE";
  }
  if (bytes.size() >= 4 && bytes[0] == 0xFF && bytes[1] == 0xFE && bytes[2] == 0 && bytes[3] == 0) return "UTF-32LE";
  return bytes.size() >= 4 && bytes[0] != 0 && bytes[3] == 0 ? "UTF-32LE" : "UTF-32BE";
}

/// Closes what iconv_open gave.
class Converter {
 public:
  explicit Converter(const char* from) : handle_(iconv_open("UTF-8", from)) {}
  ~Converter() {
    if (is_open()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  // iconv_open's failure is this value by definition.
  [[nodiscard]] bool is_open() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

  void convert(ByteView bytes, ArenaText& out) {
    out.reserve(out.size() + bytes.size() + bytes.size() / 2);
    // iconv wants pointers to non-const, and does not write through them.
    char* in = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    std::size_t in_left = bytes.size();
    std::array<char, 4096> piece{};
    while (in_left > 0) {
      char* to = piece.data();
      std::size_t to_left = piece.size();
      const std::size_t answer = iconv(handle_, &in, &in_left, &to, &to_left);
      const int error = errno;
      out += std::string_view(piece.data(), piece.size() - to_left);
      if (answer != static_cast<std::size_t>(-1) || error == E2BIG) continue;
      out += replacement;
      if (error != EILSEQ) return;  // EINVAL: the input ends inside a character
      ++in;
      --in_left;
    }
    char* to = piece.data();
    std::size_t to_left = piece.size();
    iconv(handle_, nullptr, nullptr, &to, &to_left);
    out += std::string_view(piece.data(), piece.size() - to_left);
  }

 private:
  iconv_t handle_;
};

}  // namespace

bool is_known_charset(std::string_view label) { return find_label(label) != nullptr; }

bool is_telling_charset(std::string_view label) {
  const Label* row = find_label(label);
  // UTF-16 and its kin are never raw in a header.
  return row != nullptr && row->iconv_name != nullptr && !std::string_view(row->iconv_name).starts_with("UTF-");
}

std::string_view guess_utf8(ByteView bytes, Arena& arena, std::string_view otherwise) {
  if (!is_utf8(bytes)) return otherwise.empty() ? from_windows_1252(bytes, arena) : to_utf8(bytes, otherwise, arena);
  // ISO-2022-JP is ASCII to a UTF-8 check; its escapes occur in nothing else.
  const std::string_view text = text_of(bytes);
  if (text.find('\x1B') == std::string_view::npos) return text;
  if (text.find("\x1B$B") == std::string_view::npos && text.find("\x1B$@") == std::string_view::npos) return text;
  return to_utf8(bytes, "iso-2022-jp", arena);
}

std::string_view to_utf8(ByteView bytes, std::string_view charset, Arena& arena) {
  const Label* row = find_label(charset);
  if (row == nullptr) return guess_utf8(bytes, arena);
  // What is UTF-8 already, or ASCII under any label that keeps it, is shown as it lies.
  if (row->label.starts_with("utf") && row->iconv_name == nullptr) return is_utf8(bytes) ? text_of(bytes) : repaired_utf8(bytes, arena);
  if (row->iconv_name == nullptr) {
    // A label of ASCII says nothing about bytes above 127.
    const bool ascii = row->label.find("ascii") != std::string_view::npos || row->label == "646" || row->label.starts_with("ansi_");
    if (ascii) return guess_utf8(bytes, arena);
    const bool is_plain = std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) { return c < 0x80; });
    return is_plain ? text_of(bytes) : from_windows_1252(bytes, arena);
  }
  const std::string_view name = row->iconv_name;
  if (const simd::SingleByteCharset* single = simd::single_byte_charset(name); single != nullptr)
    return from_single_byte(bytes, *single, arena);
  // The kernels stop at what is not plainly Japanese; from there on iconv judges.
  std::string_view begun;
  if (const auto kernel = name == "CP932"           ? simd::active().shift_jis_to_utf8
                          : name == "ISO-2022-JP-3" ? simd::active().iso2022jp_to_utf8
                                                    : nullptr;
      kernel != nullptr) {
    simd::Converted done;
    begun = filled(arena, simd::charset_utf8_max(bytes.size()), [&](MutableBytes out) { return (done = kernel(bytes, out)).written; });
    if (done.used == bytes.size()) return begun;
    bytes = bytes.subspan(done.used);
  }
  ArenaText out(arena);
  out.reserve(begun.size() + bytes.size() + bytes.size() / 2);
  out += begun;
  Converter converter(name == "UTF-16" || name == "UTF-32" ? endian_name(bytes, name) : row->iconv_name);
  if (converter.is_open())
    converter.convert(bytes, out);
  else
    out += guess_utf8(bytes, arena);
  std::string_view text = out.take_view();
  if (converter.is_open() && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark is no text
  // glibc writes surrogates and the like for some broken input; what leaves here is always valid.
  return is_utf8(bytes_of(text)) ? text : repaired_utf8(bytes_of(text), arena);
}

std::string guess_utf8(ByteView bytes) {
  Arena arena;
  return std::string(guess_utf8(bytes, arena));
}

std::string to_utf8(ByteView bytes, std::string_view charset) {
  Arena arena;
  return std::string(to_utf8(bytes, charset, arena));
}

}  // namespace pushmail::mime

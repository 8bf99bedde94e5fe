// Writes the charset tables as C++ to its standard output; runs while the project is built. They are what iconv of this system gives, so
// that kernels and iconv agree on every character. charset_tables.h describes them.
#include <iconv.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

// Charsets of one byte a character in which no byte changes the meaning of another. CP1255, CP1258 and TCVN compose: they stay with iconv.
constexpr std::array single_byte_names{
    "CP1252",      "CP1250",      "CP1251",      "CP1253",      "CP1254",     "CP1256",     "CP1257",     "CP874",      "KOI8-R",
    "KOI8-U",      "ISO-8859-2",  "ISO-8859-3",  "ISO-8859-4",  "ISO-8859-5", "ISO-8859-6", "ISO-8859-7", "ISO-8859-8", "ISO-8859-10",
    "ISO-8859-13", "ISO-8859-14", "ISO-8859-15", "ISO-8859-16", "CP437",      "CP850",      "CP866",      "MACINTOSH"};

/// The bytes as UTF-8, or nothing when `from` does not have them.
std::string converted(const char* from, std::string bytes) {
  const iconv_t handle = iconv_open("UTF-8", from);
  if (handle == reinterpret_cast<iconv_t>(-1)) {
    std::fprintf(stderr, "iconv does not know %s\n", from);
    return {};
  }
  std::array<char, 64> out{};
  char* in = bytes.data();
  char* to = out.data();
  std::size_t in_left = bytes.size();
  std::size_t to_left = out.size();
  const bool good = iconv(handle, &in, &in_left, &to, &to_left) != static_cast<std::size_t>(-1) && in_left == 0;
  iconv_close(handle);
  return good ? std::string(out.data(), to) : std::string();
}

/// One character of up to three bytes, lowest byte first, its length above; 0 for anything else.
std::uint32_t packed(const std::string& utf8) {
  std::size_t characters = 0;
  for (const char c : utf8) characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1U : 0U;
  if (characters != 1 || utf8.size() > 3) return 0;
  std::uint32_t value = static_cast<std::uint32_t>(utf8.size()) << 24U;
  for (std::size_t i = 0; i < utf8.size(); ++i) value |= static_cast<std::uint32_t>(static_cast<unsigned char>(utf8[i])) << (8 * i);
  return value;
}

std::string text(std::string_view escape, unsigned first) { return std::string(escape) + static_cast<char>(first); }

void print_single_bytes() {
  constexpr std::uint32_t replacement = 0x03BDBFEF;
  std::printf("const std::array<SingleByteRow, %zu> single_byte_rows{{\n", single_byte_names.size());
  for (const char* name : single_byte_names) {
    std::printf("{\"%s\", {{", name);
    unsigned same_from = 256;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const std::uint32_t value = packed(converted(name, text("", byte)));
      std::printf("%#x,", value == 0 ? replacement : value);
      const std::uint32_t same = 0x02000000 | (0x80U | (byte & 0x3FU)) << 8U | 0xC0U | byte >> 6U;
      if (value != same)
        same_from = 256;
      else if (same_from == 256)
        same_from = byte;
    }
    std::printf("}, %u}},\n", same_from);
  }
  std::printf("}};\n");
}

void print_ascii_like(const char* array, const char* charset, std::string_view escape, unsigned count) {
  std::printf("const std::array<std::uint32_t, %u> %s{{", count, array);
  for (unsigned byte = 0; byte < count; ++byte) std::printf("%#x,", packed(converted(charset, text(escape, byte))));
  std::printf("}};\n");
}

}  // namespace

int main() {
  std::printf("#include \"codec/simd/charset_tables.h\"\nnamespace pushmail::simd {\n");
  print_single_bytes();
  print_ascii_like("cp932_single", "CP932", "", 256);
  print_ascii_like("jis_roman", "ISO-2022-JP-3", "\x1B(J", 128);
  print_ascii_like("jis_kana", "ISO-2022-JP-3", "\x1B(I", 128);
  std::printf("const std::array<std::uint32_t, 94 * 94> jis_x_0208{{");
  for (unsigned first = 0x21; first <= 0x7E; ++first) {
    for (unsigned second = 0x21; second <= 0x7E; ++second) {
      std::printf("%#x,", packed(converted("ISO-2022-JP-3", text(text("\x1B$B", first), second))));
    }
  }
  std::printf("}};\nconst std::array<std::uint32_t, 60 * 189> cp932_double{{");
  for (unsigned first = 0x81; first <= 0xFC; ++first) {
    if (first >= 0xA0 && first < 0xE0) continue;
    for (unsigned second = 0x40; second <= 0xFC; ++second) std::printf("%#x,", packed(converted("CP932", text(text("", first), second))));
  }
  std::printf("}};\n}\n");
  return 0;
}

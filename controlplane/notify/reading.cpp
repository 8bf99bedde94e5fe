#include "controlplane/notify/reading.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace pushmail::notify {

namespace {

// Letters of other scripts that look like Latin ones. Not every look-alike of Unicode, but those that a keyboard has.
struct LookAlike {
  char32_t seen;
  char read;
};
constexpr auto look_alikes = std::to_array<LookAlike>({
    {0x0430, 'a'}, {0x0410, 'a'}, {0x0412, 'b'}, {0x0441, 'c'}, {0x0421, 'c'}, {0x0501, 'd'}, {0x0435, 'e'}, {0x0415, 'e'}, {0x041D, 'h'},
    {0x04BB, 'h'}, {0x0456, 'i'}, {0x0406, 'i'}, {0x0458, 'j'}, {0x0408, 'j'}, {0x041A, 'k'}, {0x043A, 'k'}, {0x041C, 'm'}, {0x043E, 'o'},
    {0x041E, 'o'}, {0x0440, 'p'}, {0x0420, 'p'}, {0x0455, 's'}, {0x0405, 's'}, {0x0422, 't'}, {0x0442, 't'}, {0x0445, 'x'}, {0x0425, 'x'},
    {0x0443, 'y'}, {0x04AE, 'y'}, {0x0391, 'a'}, {0x03B1, 'a'}, {0x0392, 'b'}, {0x0395, 'e'}, {0x0397, 'h'}, {0x0399, 'i'}, {0x03B9, 'i'},
    {0x039A, 'k'}, {0x03BA, 'k'}, {0x039C, 'm'}, {0x039D, 'n'}, {0x039F, 'o'}, {0x03BF, 'o'}, {0x03A1, 'p'}, {0x03C1, 'p'}, {0x03A4, 't'},
    {0x03C4, 't'}, {0x03A5, 'y'}, {0x03C5, 'u'}, {0x03A7, 'x'}, {0x03BD, 'v'}, {0x0131, 'i'},
});

// Zeros of the decimal digits, ten in a row each (Unicode 15, category Nd; of the mathematical and the segmented ones every set).
constexpr auto zeros = std::to_array<char32_t>({
    '0',     0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,  0x0BE6,  0x0C66,  0x0CE6,  0x0D66,  0x0DE6,
    0x0E50,  0x0ED0,  0x0F20,  0x1040,  0x1090,  0x17E0,  0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,
    0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136,
    0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60,
    0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0,
});

// Other characters that are numbers: `first` is `number`, the next one is one more.
struct Numerals {
  char32_t first;
  char32_t last;
  int number;
};
constexpr auto numerals = std::to_array<Numerals>({
    {0x00B2, 0x00B3, 2},   {0x00B9, 0x00B9, 1},   {0x2070, 0x2070, 0},   {0x2074, 0x2079, 4},    {0x2080, 0x2089, 0},   // raised, lowered
    {0x2160, 0x216B, 1},   {0x2170, 0x217B, 1},                                                                         // Roman
    {0x2460, 0x2473, 1},   {0x2474, 0x2487, 1},   {0x2488, 0x249B, 1},   {0x24EA, 0x24EA, 0},    {0x24EB, 0x24F4, 11},  // circled, brackets
    {0x24F5, 0x24FE, 1},   {0x24FF, 0x24FF, 0},   {0x2776, 0x277F, 1},   {0x2780, 0x2789, 1},    {0x278A, 0x2793, 1},
    {0x3220, 0x3229, 1},   {0x3251, 0x325F, 21},  {0x3280, 0x3289, 1},   {0x32B1, 0x32BF, 36},   {0x1F100, 0x1F100, 0},
    {0x1F101, 0x1F10A, 0}, {0x1F10B, 0x1F10B, 0}, {0x1F10C, 0x1F10C, 0}, {0x1F51F, 0x1F51F, 10},
});

constexpr std::u32string_view ideographic_numerals = U"〇零一二三四五六七八九十百壹贰貳叁參肆伍陆陸柒捌玖拾廿";

// U+00C0 to U+017F without their accents, in lower case; `*`: as it is.
constexpr std::string_view latin_base =
    "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(latin_base.size() == 0x180 - 0xC0);

struct Fold {
  char32_t first;
  char32_t last;
  char32_t to;  // all of them; 0: nothing
};
constexpr auto folds = std::to_array<Fold>({
    {0x01A0, 0x01A1, 'o'},    {0x01AF, 0x01B0, 'u'},    {0x0218, 0x0219, 's'},    {0x021A, 0x021B, 't'},
    {0x0300, 0x036F, 0},                                                                                     // combining marks
    {0x0386, 0x0386, 0x03B1}, {0x03AC, 0x03AC, 0x03B1}, {0x0388, 0x0388, 0x03B5}, {0x03AD, 0x03AD, 0x03B5},  // Greek with tonos
    {0x0389, 0x0389, 0x03B7}, {0x03AE, 0x03AE, 0x03B7}, {0x038A, 0x038A, 0x03B9}, {0x03AF, 0x03AF, 0x03B9},
    {0x038C, 0x038C, 0x03BF}, {0x03CC, 0x03CC, 0x03BF}, {0x038E, 0x038E, 0x03C5}, {0x03CD, 0x03CD, 0x03C5},
    {0x038F, 0x038F, 0x03C9}, {0x03CE, 0x03CE, 0x03C9}, {0x03C2, 0x03C2, 0x03C3}, {0x0401, 0x0401, 0x0435},
    {0x0451, 0x0451, 0x0435},                                                 // yo
    {0x0591, 0x05C7, 0},      {0x0640, 0x0640, 0},      {0x064B, 0x0652, 0},  // points, tatweel
    {0x0622, 0x0623, 0x0627}, {0x0625, 0x0625, 0x0627}, {0x0649, 0x0649, 0x064A}, {0x06CC, 0x06CC, 0x064A},
    {0x06A9, 0x06A9, 0x0643}, {0x1EA0, 0x1EB7, 'a'},    {0x1EB8, 0x1EC7, 'e'},    {0x1EC8, 0x1ECB, 'i'},
    {0x1ECC, 0x1EE3, 'o'},    {0x1EE4, 0x1EF1, 'u'},    {0x1EF2, 0x1EF9, 'y'},    {0xFE00, 0xFE0F, 0},
    {0x20D0, 0x20F0, 0},
});

}  // namespace

char latin_of(char32_t c) {
  if (c >= 0xFF21 && c <= 0xFF5A) c = c - 0xFF21 + 'A';
  // Mathematical letters come as 26 capitals and 26 small ones, again and again; circled ones once.
  if (c >= 0x1D400 && c <= 0x1D6A3) c = 'a' + (c - 0x1D400) % 26;
  if (c >= 0x24B6 && c <= 0x24E9) c = 'a' + (c - 0x24B6) % 26;
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  if (c >= 'a' && c <= 'z') return static_cast<char>(c);
  const auto* const found = std::ranges::find(look_alikes, c, &LookAlike::seen);
  return found == look_alikes.end() ? '\0' : found->read;
}

std::string numeral_of(char32_t c) {
  for (const char32_t zero : zeros) {
    if (c >= zero && c <= zero + 9) return std::to_string(c - zero);
  }
  for (const Numerals& row : numerals) {
    if (c >= row.first && c <= row.last) return std::to_string(row.number + static_cast<int>(c - row.first));
  }
  return {};
}

bool is_ideographic_numeral(char32_t c) { return ideographic_numerals.find(c) != std::u32string_view::npos; }

char32_t folded(char32_t c) {
  if (const char latin = c < 0x0250 || c >= 0xFF00 ? latin_of(c) : '\0'; latin != '\0') return static_cast<char32_t>(latin);
  for (const Fold& row : folds) {
    if (c >= row.first && c <= row.last) return row.to;
  }
  if (c >= 0xC0 && c - 0xC0 < latin_base.size() && latin_base[c - 0xC0] != '*') return static_cast<char32_t>(latin_base[c - 0xC0]);
  if ((c >= 0x0391 && c <= 0x03A9) || (c >= 0x0410 && c <= 0x042F)) return c + 0x20;
  if (c >= 0x0400 && c <= 0x040F) return c + 0x50;
  return c;
}

}  // namespace pushmail::notify

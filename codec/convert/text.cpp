// Small pieces of text handling for both directions.
#include "codec/convert/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/convert/text_split.h"
#include "codec/mime/message.h"

namespace pushmail::convert {

std::string readable(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const auto byte = [&](std::size_t i) -> unsigned { return at + i < utf8.size() ? static_cast<unsigned char>(utf8[at + i]) : 0U; };
    const unsigned c = byte(0);
    if (c == 0xC2 && byte(1) >= 0x80 && byte(1) < 0xA0) {
      ++at;  // C1
    } else if (c == 0xE2 && ((byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE) || (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9))) {
      at += 2;  // U+202A..U+202E, U+2066..U+2069
    } else if ((c >= 0x20 && c != 0x7F) || c == '\n' || c == '\t') {
      out += utf8[at];
    }
  }
  return out;
}

std::string_view cut(std::string_view utf8, std::size_t size_max) { return utf8.substr(0, grapheme_floor(utf8, size_max)); }

std::string size_words(std::size_t bytes) {
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{} KB", (bytes + 512) / 1024);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

std::string part_text(const MultimediaPart& part) {
  std::string text = mime::to_utf8(part.data, part.charset);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  std::erase(text, '\0');
  return text;
}

std::size_t first_text_part(const MultimediaMessage& mm) {
  const auto found = std::find_if(mm.parts.begin(), mm.parts.end(), [](const MultimediaPart& part) { return part.media_type == "text/plain"; });
  return static_cast<std::size_t>(found - mm.parts.begin());
}

std::size_t second_line(std::string_view text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos) return text.size();
  return text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n' ? end + 2 : end + 1;
}

}  // namespace pushmail::convert

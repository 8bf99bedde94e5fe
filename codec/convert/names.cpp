// Names of parts, made safe and unique.
#include "codec/convert/names.h"

#include <algorithm>
#include <array>

#include "codec/convert/text.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t display_size_max = 255;
constexpr std::size_t stem_size_max = 40;
constexpr std::size_t extension_size_max = 8;

struct Extension {
  std::string_view extension;
  std::string_view media_type;
};
// The first row of a media type gives the extension of a part without name.
constexpr auto extensions = std::to_array<Extension>({
    {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"}, {"png", "image/png"}, {"wbmp", "image/vnd.wap.wbmp"},
    {"svg", "image/svg+xml"}, {"webp", "image/webp"}, {"bmp", "image/bmp"}, {"heic", "image/heic"}, {"tif", "image/tiff"},
    {"amr", "audio/amr"}, {"awb", "audio/amr-wb"}, {"mp3", "audio/mpeg"}, {"m4a", "audio/mp4"}, {"mid", "audio/midi"}, {"wav", "audio/wav"},
    {"3gp", "video/3gpp"}, {"mp4", "video/mp4"}, {"txt", "text/plain"}, {"html", "text/html"}, {"vcf", "text/x-vcard"},
    {"vcf", "text/vcard"}, {"vcs", "text/x-vcalendar"}, {"ics", "text/calendar"}, {"csv", "text/csv"}, {"pdf", "application/pdf"},
    {"zip", "application/zip"}, {"smil", "application/smil"}, {"eml", "message/rfc822"}, {"doc", "application/msword"},
});

bool is_safe(char c) {
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_' || c == '.';
}

std::string safe(std::string_view text, std::size_t size_max) {
  std::string out;
  for (const char c : text) {
    if (is_safe(c)) out += c;
    else if (!out.empty() && out.back() != '_') out += '_';
    if (out.size() == size_max) break;
  }
  const std::size_t start = out.find_first_not_of("._-");
  return start == std::string::npos ? std::string() : out.substr(start);
}

std::string_view extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || name.size() - dot > extension_size_max ? std::string_view{} : name.substr(dot + 1);
}

}  // namespace

std::string display_name(std::string_view name) {
  // Folders of the sender's machine are nobody's business, and `..` is worse.
  if (const std::size_t slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string out = readable(name);
  std::replace(out.begin(), out.end(), '\n', ' ');
  std::replace(out.begin(), out.end(), '\t', ' ');
  std::string_view trimmed = ascii_trim(out);
  if (trimmed == "." || trimmed == "..") return {};
  if (trimmed.size() <= display_size_max) return std::string(trimmed);
  const std::string_view extension = extension_of(trimmed);
  const std::string tail = extension.empty() ? std::string() : "." + std::string(extension);
  return std::string(cut(trimmed, display_size_max - tail.size())) + tail;
}

std::string SafeNames::make(std::string_view name, std::string_view stem, std::string_view media_type) {
  std::string extension = safe(extension_of(name), extension_size_max);
  std::string base = safe(extension_of(name).empty() ? name : name.substr(0, name.rfind('.')), stem_size_max);
  if (base.empty()) base = stem;
  if (extension.empty()) {
    const auto row = std::find_if(extensions.begin(), extensions.end(), [&](const Extension& e) { return e.media_type == media_type; });
    extension = row == extensions.end() ? "bin" : std::string(row->extension);
  }
  std::string made = base + "." + extension;
  for (std::size_t n = taken_.size() + 1; taken_.contains(made); ++n) made = base + "-" + std::to_string(n) + "." + extension;
  taken_.insert(made);
  return made;
}

std::string usual_media_type(std::string_view media_type, std::string_view name) {
  if (media_type == "image/jpg" || media_type == "image/pjpeg") return "image/jpeg";
  if (media_type == "image/x-png") return "image/png";
  if (media_type == "audio/x-amr") return "audio/amr";
  if (media_type != "application/octet-stream") return std::string(media_type);
  const std::string_view extension = extension_of(name);
  const auto row = std::find_if(extensions.begin(), extensions.end(), [&](const Extension& e) { return ascii_equal_nocase(e.extension, extension); });
  // Only what a phone shows itself; anything else stays what the sender called it.
  const bool shown = row != extensions.end() && (row->media_type.starts_with("image/") || row->media_type.starts_with("audio/") ||
                                                 row->media_type.starts_with("video/") || row->media_type.starts_with("text/x-v"));
  return shown ? std::string(row->media_type) : std::string(media_type);
}

}  // namespace pushmail::convert

// Came from: mail_to_mm.cpp, names.cpp. Formats: TS 26.140 §4, OMA-MMS-CONF 1.2 §7; the other names are those that mailers use.
#include "codec/convert/media_types.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t extension_size_max = 8;

// The first row of an extension names the media type of a file that comes as application/octet-stream.
constexpr auto rows = std::to_array<MediaType>({
    {"image/jpeg", "jpg", Carriage::carried},
    {"image/jpeg", "jpeg", Carriage::carried},
    {"image/gif", "gif", Carriage::carried},
    {"image/png", "png", Carriage::carried},
    {"image/vnd.wap.wbmp", "wbmp", Carriage::carried},
    {"image/svg+xml", "svg", Carriage::carried},
    {"image/webp", "webp", Carriage::carried},
    {"image/bmp", "bmp", Carriage::carried},
    {"audio/amr", "amr", Carriage::carried},
    {"audio/amr-wb", "awb", Carriage::carried},
    {"audio/3gpp", "3ga", Carriage::carried},
    {"audio/mp4", "m4a", Carriage::carried},
    {"audio/aac", "aac", Carriage::carried},
    {"audio/mpeg", "mp3", Carriage::carried},
    {"audio/midi", "mid", Carriage::carried},
    {"audio/sp-midi", "mid", Carriage::carried},
    {"audio/qcelp", "qcp", Carriage::carried},
    {"audio/wav", "wav", Carriage::carried},
    {"video/3gpp", "3gp", Carriage::carried},
    {"video/3gpp2", "3g2", Carriage::carried},
    {"video/mp4", "mp4", Carriage::carried},
    {"text/plain", "txt", Carriage::carried},
    {"text/x-vcard", "vcf", Carriage::carried},
    {"text/vcard", "vcf", Carriage::carried},
    {"text/x-vcalendar", "vcs", Carriage::carried},
    {"application/smil", "smil", Carriage::carried},
    {"application/vnd.oma.drm.message", "dm", Carriage::carried},
    {"application/vnd.oma.drm.content", "dcf", Carriage::carried},

    {"image/heic", "heic", Carriage::listed},
    {"image/heif", "heif", Carriage::listed},
    {"image/avif", "avif", Carriage::listed},
    {"image/tiff", "tif", Carriage::listed},
    {"image/tiff", "tiff", Carriage::listed},
    {"image/vnd.adobe.photoshop", "psd", Carriage::listed},
    {"video/quicktime", "mov", Carriage::listed},
    {"video/x-msvideo", "avi", Carriage::listed},
    {"video/x-ms-wmv", "wmv", Carriage::listed},
    {"video/x-matroska", "mkv", Carriage::listed},
    {"text/calendar", "ics", Carriage::listed},
    {"application/ics", "ics", Carriage::listed},
    {"text/html", "html", Carriage::listed},
    {"text/html", "htm", Carriage::listed},
    {"text/csv", "csv", Carriage::listed},
    {"text/rtf", "rtf", Carriage::listed},
    {"application/rtf", "rtf", Carriage::listed},
    {"application/pdf", "pdf", Carriage::listed},
    {"application/postscript", "ps", Carriage::listed},
    {"application/msword", "doc", Carriage::listed},
    {"application/vnd.ms-excel", "xls", Carriage::listed},
    {"application/vnd.ms-powerpoint", "ppt", Carriage::listed},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", Carriage::listed},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", Carriage::listed},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", Carriage::listed},
    {"application/vnd.oasis.opendocument.text", "odt", Carriage::listed},
    {"application/vnd.oasis.opendocument.spreadsheet", "ods", Carriage::listed},
    {"application/vnd.oasis.opendocument.presentation", "odp", Carriage::listed},
    {"application/vnd.ms-", "", Carriage::listed},
    {"application/vnd.openxmlformats-", "", Carriage::listed},
    {"application/vnd.oasis.opendocument.", "", Carriage::listed},
    {"application/epub+zip", "epub", Carriage::listed},
    {"application/zip", "zip", Carriage::listed},
    {"application/x-zip-compressed", "zip", Carriage::listed},
    {"application/gzip", "gz", Carriage::listed},
    {"application/x-tar", "tar", Carriage::listed},
    {"application/x-7z-compressed", "7z", Carriage::listed},
    {"application/vnd.rar", "rar", Carriage::listed},
    {"application/x-rar-compressed", "rar", Carriage::listed},
    {"application/x-msdownload", "exe", Carriage::listed},
    {"application/ms-tnef", "dat", Carriage::listed},
    {"application/vnd.android.package-archive", "apk", Carriage::listed},
    {"message/rfc822", "eml", Carriage::listed},
    {"message/partial", "eml", Carriage::listed},
    {"message/external-body", "txt", Carriage::listed},
});

}  // namespace

const MediaType* media_type_row(std::string_view media_type) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const MediaType& row) {
    const bool is_family = row.media_type.ends_with('-') || row.media_type.ends_with('.');
    return is_family ? media_type.starts_with(row.media_type) : media_type == row.media_type;
  });
  return found == rows.end() ? nullptr : &*found;
}

Carriage carriage_of(std::string_view media_type) {
  const MediaType* row = media_type_row(media_type);
  return row == nullptr ? Carriage::carried : row->carriage;
}

std::string_view extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || name.size() - dot > extension_size_max) return {};
  const std::string_view extension = name.substr(dot + 1);
  // `Dr. Smith` and `1. Offer` have none.
  const bool is_one_word = std::ranges::all_of(extension, is_alphanumeric<char>);
  return is_one_word ? extension : std::string_view{};
}

std::string_view media_type_of_content(ByteView head) {
  struct Signature {
    std::size_t at;
    std::string_view bytes;
    std::string_view media_type;
  };
  using namespace std::string_view_literals;
  static constexpr auto signs = std::to_array<Signature>({
      {0, "\xFF\xD8\xFF"sv, "image/jpeg"},
      {0, "\x89PNG\r\n\x1A\n"sv, "image/png"},
      {0, "GIF8"sv, "image/gif"},
      {8, "WEBP"sv, "image/webp"},
      {0, "BM"sv, "image/bmp"},
      {0, "%PDF-"sv, "application/pdf"},
      {0, "PK\x03\x04"sv, "application/zip"},
      {0, "\xD0\xCF\x11\xE0"sv, "application/msword"},
      {0, "{\\rtf"sv, "text/rtf"},
      {0, "\x1F\x8B"sv, "application/gzip"},
      {0, "7z\xBC\xAF"sv, "application/x-7z-compressed"},
      {0, "Rar!"sv, "application/vnd.rar"},
      {0, "MZ"sv, "application/x-msdownload"},
      {4, "ftyp3g2"sv, "video/3gpp2"},
      {4, "ftyp3g"sv, "video/3gpp"},
      {4, "ftypheic"sv, "image/heic"},
      {4, "ftypqt"sv, "video/quicktime"},
      {4, "ftypM4A"sv, "audio/mp4"},
      {4, "ftyp"sv, "video/mp4"},
      {0, "#!AMR"sv, "audio/amr"},
      {0, "ID3"sv, "audio/mpeg"},
      {0, "MThd"sv, "audio/midi"},
      {8, "WAVE"sv, "audio/wav"},
      {0, "BEGIN:VCARD"sv, "text/vcard"},
      {0, "BEGIN:VCALENDAR"sv, "text/calendar"},
  });
  static_assert(
      std::all_of(signs.begin(), signs.end(), [](const Signature& sign) { return sign.at + sign.bytes.size() <= content_head_size; }));
  const std::string_view text = text_of(head);
  const auto sign = std::find_if(signs.begin(), signs.end(), [&](const Signature& s) {
    return text.size() >= s.at + s.bytes.size() && text.substr(s.at, s.bytes.size()) == s.bytes;
  });
  return sign == signs.end() ? std::string_view{} : sign->media_type;
}

bool is_readable_text(std::string_view media_type) {
  if (!media_type.starts_with("text/")) return false;
  if (media_type == "text/plain" || media_type == "text/html" || media_type == "text/rtf") return true;
  // What a program reads, and not a person: source of other forms, headers, keys.
  constexpr auto for_programs = std::to_array<std::string_view>(
      {"text/css", "text/javascript", "text/ecmascript", "text/xml", "text/xsl", "text/x-amp-html", "text/watch-html", "text/x-watch-html",
       "text/rfc822-headers", "text/x-moz-deleted", "text/directory", "text/cache-manifest"});
  if (std::find(for_programs.begin(), for_programs.end(), media_type) != for_programs.end()) return false;
  return media_type_row(media_type) == nullptr;
}

std::string_view usual_media_type(std::string_view media_type, std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> others[] = {{"image/jpg", "image/jpeg"},
                                                                             {"image/pjpeg", "image/jpeg"},
                                                                             {"image/x-png", "image/png"},
                                                                             {"image/x-ms-bmp", "image/bmp"},
                                                                             {"audio/x-amr", "audio/amr"},
                                                                             {"audio/mp3", "audio/mpeg"},
                                                                             {"audio/x-wav", "audio/wav"},
                                                                             {"audio/x-midi", "audio/midi"},
                                                                             {"audio/mid", "audio/midi"},
                                                                             {"audio/x-m4a", "audio/mp4"},
                                                                             {"text/directory", "text/vcard"},
                                                                             {"application/x-pdf", "application/pdf"},
                                                                             {"application/smil+xml", "application/smil"}};
  for (const auto& [other, registered] : others) {
    if (media_type == other) return registered;
  }
  if (media_type != "application/octet-stream") return media_type;
  const std::string_view extension = extension_of(name);
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const MediaType& r) { return !extension.empty() && ascii_equal_nocase(r.extension, extension); });
  // Text and slides stay what the sender called them: bytes, of which nobody said that they are text; `.dat` and the like say nothing.
  const bool is_telling = row != rows.end() && row->media_type != "text/plain" && row->media_type != "application/smil" &&
                          row->media_type != "application/ms-tnef" && !row->media_type.starts_with("message/");
  return is_telling ? row->media_type : media_type;
}

}  // namespace pushmail::convert

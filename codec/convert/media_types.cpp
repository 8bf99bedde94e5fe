// Came from: mail_to_mm.cpp, names.cpp. Formats: TS 26.140 §4, OMA-MMS-CONF 1.2 §7; the other names are those that mailers use.
#include "codec/convert/media_types.h"

#include <algorithm>
#include <array>
#include <utility>

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
  return dot == std::string_view::npos || name.size() - dot > extension_size_max ? std::string_view{} : name.substr(dot + 1);
}

std::string_view usual_media_type(std::string_view media_type, std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> others[] = {
      {"image/jpg", "image/jpeg"},       {"image/pjpeg", "image/jpeg"},    {"image/x-png", "image/png"},     {"image/x-ms-bmp", "image/bmp"},
      {"audio/x-amr", "audio/amr"},      {"audio/mp3", "audio/mpeg"},      {"audio/x-wav", "audio/wav"},     {"audio/x-midi", "audio/midi"},
      {"audio/mid", "audio/midi"},       {"audio/x-m4a", "audio/mp4"},     {"text/directory", "text/vcard"}, {"application/x-pdf", "application/pdf"},
      {"application/smil+xml", "application/smil"}};
  for (const auto& [other, registered] : others) {
    if (media_type == other) return registered;
  }
  if (media_type != "application/octet-stream") return media_type;
  const std::string_view extension = extension_of(name);
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const MediaType& r) { return !extension.empty() && ascii_equal_nocase(r.extension, extension); });
  // Text and slides stay what the sender called them: bytes, of which nobody said that they are text; `.dat` and the like say nothing.
  const bool is_telling = row != rows.end() && row->media_type != "text/plain" && row->media_type != "application/smil" && row->media_type != "application/ms-tnef" &&
                          !row->media_type.starts_with("message/");
  return is_telling ? row->media_type : media_type;
}

}  // namespace pushmail::convert

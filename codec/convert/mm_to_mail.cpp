// Multimedia message -> mail (RFC 4356 §2, tables 1 and 5).
//
// Came from: codec/mm7 DeliverReq, with the addresses that the route gave. Goes to: the SMTP client's DATA. The text of the first
// text part is the mail's text; every other part is an attachment with its bytes untouched; SMIL stays behind.
#include <algorithm>

#include "codec/convert/convert.h"
#include "codec/convert/errors.h"
#include "codec/convert/names.h"
#include "codec/convert/text.h"
#include "codec/mime/compose.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t line_columns_max = 78;

/// A message id as it may stand in <>: printable ASCII without blanks and brackets. One that has other letters (RFC 6532) would make
/// the whole mail need SMTPUTF8, and half of it would name nothing: then it is empty.
std::string clean_id(std::string_view id) {
  std::string out;
  for (const char c : id) {
    if (static_cast<unsigned char>(c) >= 0x80) return {};
    if (c > 0x20 && c != 0x7F && c != '<' && c != '>') out += c;
  }
  return out;
}

/// `name: <a> <b>`, folded between ids.
void write_ids(Bytes& out, std::string_view name, std::span<const std::string> ids) {
  std::size_t column = name.size() + 1;
  bool first = true;
  for (const std::string& id : ids) {
    const std::string word = "<" + clean_id(id) + ">";
    if (word.size() == 2) continue;
    if (first) {
      append(out, name);
      append(out, ":");
    } else if (column + 1 + word.size() > line_columns_max) {
      append(out, "\r\n");
      column = 0;
    }
    append(out, " ");
    append(out, word);
    column += 1 + word.size();
    first = false;
  }
  if (!first) append(out, "\r\n");
}

bool is_smil(const MultimediaPart& part) { return part.media_type == "application/smil" || part.media_type == "application/smil+xml"; }

/// LF and CR become CRLF: the canonical form of text (RFC 2045 §6.6). Lines are copied whole.
std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' && text[at] != '\n') continue;
    out += text.substr(line, at - line);
    out += "\r\n";
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    line = at + 1;
  }
  out += text.substr(line);
  return out;
}

void write_text_body(Bytes& out, std::string_view text) {
  append(out, "Content-Type: text/plain; charset=utf-8\r\n");
  const std::string canonical = with_crlf(text);
  const auto wide = static_cast<std::size_t>(std::count_if(canonical.begin(), canonical.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }));
  // base64 is shorter when more than about a sixth of the bytes would be `=XX`.
  mime::write_body(out, bytes_of(canonical), wide * 6 > canonical.size() ? mime::BodyForm::base64 : mime::BodyForm::quoted_printable);
}

/// A media type as it may stand in a header; what is none is called application/octet-stream.
std::string_view clean_media_type(std::string_view type) {
  const bool good = std::count(type.begin(), type.end(), '/') == 1 && !type.starts_with('/') && !type.ends_with('/') &&
                    std::all_of(type.begin(), type.end(), [](char c) { return c > 32 && c < 127 && std::string_view("()<>@,;:\\\"[]?=").find(c) == std::string_view::npos; });
  return good && !type.starts_with("multipart/") && !type.starts_with("message/") ? type : "application/octet-stream";
}

void write_attachment(Bytes& out, const MultimediaPart& part, SafeNames& names) {
  const std::string_view media_type = clean_media_type(part.media_type);
  std::string name = display_name(part.name.empty() ? part.content_location : part.name);
  if (name.empty()) name = names.make({}, "part", media_type);
  append(out, "Content-Type: ");
  append(out, media_type);
  // RFC 4356 §2.1.3: UTF-16 has no place in mail. Any other text keeps its bytes.
  const bool is_wide = media_type.starts_with("text/") && (part.charset.starts_with("utf-16") || part.charset == "iso-10646-ucs-2");
  const std::string narrow = is_wide ? part_text(part) : std::string();
  if (!part.charset.empty() && media_type.starts_with("text/")) mime::write_parameter(out, "charset", is_wide ? "utf-8" : part.charset);
  mime::write_parameter(out, "name", name);
  append(out, "\r\nContent-Disposition: ");
  const bool is_shown = media_type.starts_with("image/") || media_type.starts_with("text/");
  append(out, is_shown ? "inline" : "attachment");
  mime::write_parameter(out, "filename", name);
  append(out, "\r\n");
  if (const std::string id = clean_id(part.content_id); !id.empty()) append(out, "Content-ID: <" + id + ">\r\n");
  mime::write_body(out, is_wide ? bytes_of(narrow) : part.data, mime::BodyForm::base64);
}

void write_header(Bytes& out, const mm7::DeliverReq& request, const MmToMailOptions& options) {
  // RFC 4356 §2.2: a trace field of the gateway.
  const std::string date = format_rfc5322(options.date);
  mime::write_text_field(out, "Received", "from mms by " + options.our_domain + " with MMS id " + clean_id(options.trace) + "; " + date);
  append(out, "Date: " + date + "\r\n");
  mime::write_mailboxes_field(out, "From", std::span(&options.from, 1));
  if (!options.to.empty()) mime::write_mailboxes_field(out, "To", options.to);
  if (!options.cc.empty()) mime::write_mailboxes_field(out, "Cc", options.cc);
  if (options.to.empty() && options.cc.empty()) append(out, "To: undisclosed-recipients:;\r\n");
  const std::string& subject = !options.subject.empty() ? options.subject : !request.subject.empty() ? request.subject : request.content.subject;
  if (!subject.empty()) mime::write_text_field(out, "Subject", subject);
  write_ids(out, "Message-ID", std::span(&options.message_id, 1));
  write_ids(out, "In-Reply-To", std::span(&options.in_reply_to, 1));
  write_ids(out, "References", options.references);
  // RFC 4356 table 1: Normal is not written.
  if (ascii_equal_nocase(request.priority, "high")) append(out, "Importance: High\r\n");
  if (ascii_equal_nocase(request.priority, "low")) append(out, "Importance: Low\r\n");
  if (!options.trace.empty()) mime::write_text_field(out, "Pushmail-Trace", options.trace);
  append(out, "MIME-Version: 1.0\r\n");
}

}  // namespace

Result<Bytes> mm_to_mail(const mm7::DeliverReq& request, const MmToMailOptions& options) {
  if (options.from.local_part.empty()) return fail(convert_no_sender);
  const MultimediaMessage& mm = request.content;
  const std::size_t text_part = first_text_part(mm);
  std::string text;
  if (text_part < mm.parts.size()) {
    text = part_text(mm.parts[text_part]);
    if (options.drop_first_line) text.erase(0, second_line(text));
  }
  std::vector<const MultimediaPart*> attachments;
  std::size_t total = text.size();
  for (std::size_t i = 0; i < mm.parts.size(); ++i) {
    if (i == text_part || i == mm.presentation || is_smil(mm.parts[i])) continue;
    attachments.push_back(&mm.parts[i]);
    total += mm.parts[i].data.size();
  }

  Bytes out;
  out.reserve(4096 + total + total / 2);
  write_header(out, request, options);
  if (attachments.empty()) {
    write_text_body(out, text);
    if (!text_of(out).ends_with("\r\n")) append(out, "\r\n");
    return out;
  }

  // A boundary can occur only where bytes are not encoded, and nothing here goes out like that; the text is asked all the same.
  const ByteView bodies[] = {bytes_of(text)};
  const std::string boundary = mime::make_boundary(options.message_id, bodies);
  append(out, "Content-Type: multipart/mixed");
  mime::write_parameter(out, "boundary", boundary);
  append(out, "\r\n\r\n");
  const auto delimiter = [&](std::string_view end) {
    // A delimiter starts a line, and the line end before it belongs to it.
    append(out, "\r\n--" + boundary);
    append(out, end);
  };
  if (!text.empty()) {
    delimiter("\r\n");
    write_text_body(out, text);
  }
  SafeNames names;
  for (const MultimediaPart* part : attachments) {
    delimiter("\r\n");
    write_attachment(out, *part, names);
  }
  delimiter("--\r\n");
  return out;
}

std::string first_text_line(const MultimediaMessage& mm) {
  const std::size_t index = first_text_part(mm);
  if (index == mm.parts.size()) return {};
  const std::string text = part_text(mm.parts[index]);
  const std::string line = readable(std::string_view(text).substr(0, second_line(text)));
  return std::string(ascii_trim(line));
}

std::optional<NewMailLine> parse_new_mail_line(std::string_view line) {
  line = ascii_trim(line);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  std::string_view word = line.substr(0, end);
  if (ascii_starts_with_nocase(word, "mailto:")) word.remove_prefix(7);
  // People put a comma or colon behind an address, and some phones brackets around it.
  while (word.ends_with(',') || word.ends_with(':') || word.ends_with(';')) word.remove_suffix(1);
  if (word.starts_with('<') && word.ends_with('>')) word = word.substr(1, word.size() - 2);
  auto address = mime::parse_address(word);
  // `hello@home` is no address that anybody outside could have.
  if (!address || address->domain.find('.') == std::string::npos || address->domain.starts_with('[')) return std::nullopt;
  return NewMailLine{.to = std::move(*address), .subject = std::string(ascii_trim(line.substr(end)))};
}

}  // namespace pushmail::convert

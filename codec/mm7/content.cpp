#include "codec/mm7/content.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "codec/mm7/errors.h"
#include "codec/mms/pdu.h"
#include "core/ascii.h"
#include "core/limits.h"

namespace pushmail::mm7 {

namespace {

bool is_xml(std::string_view media_type) {
  return media_type == "text/xml" || media_type == "application/xml" || media_type == "application/soap+xml";
}
bool is_smil(std::string_view media_type) { return media_type == "application/smil" || media_type == "application/smil+xml"; }

std::string_view without_brackets(std::string_view id) {
  id = ascii_trim(id);
  if (id.starts_with('<')) id.remove_prefix(1);
  if (id.ends_with('>')) id.remove_suffix(1);
  return id;
}

/// `cid:` names an id with URL escapes (RFC 2392 §2); without the scheme, or in brackets, it is read the same.
std::string id_of_href(std::string_view href) {
  href = ascii_trim(href);
  if (ascii_starts_with_nocase(href, "cid:")) href.remove_prefix(4);
  return std::string(without_brackets(percent_decoded(href)));
}

/// Indices of the parts directly below `parent`.
std::vector<std::size_t> children(const mime::Message& message, std::size_t parent) {
  std::vector<std::size_t> found;
  found.reserve(message.parts.size());
  for (std::size_t i = parent + 1; i < message.parts.size(); ++i) {
    if (message.parts[i].parent == parent) found.push_back(i);
  }
  return found;
}

/// The parts below `top` that hold data: multiparts are opened, messages are not.
std::vector<std::size_t> leaves(const mime::Message& message, std::size_t top) {
  if (!message.parts[top].is_multipart()) return {top};
  std::vector<std::size_t> found;
  found.reserve(message.parts.size());
  std::vector<bool> open(message.parts.size(), false);
  open[top] = true;
  for (std::size_t i = top + 1; i < message.parts.size(); ++i) {
    const mime::Part& part = message.parts[i];
    if (part.parent == mime::Part::none || !open[part.parent]) continue;
    if (part.is_multipart()) {
      open[i] = true;
    } else {
      found.push_back(i);
    }
  }
  return found;
}

// Rounds of repair: the parts of a multipart are only seen once its own header is whole.
constexpr std::size_t repairs_max = 4;

/// Lines of header fields of a part and the blank line behind them; 0 when the text starts otherwise.
std::size_t header_lines_size(std::string_view text, const mime::Part& part) {
  constexpr auto names = std::to_array<std::string_view>(
      {"Content-Type", "Content-ID", "Content-Location", "Content-Transfer-Encoding", "Content-Disposition", "Content-Length"});
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.size() == text.size() - at) return 0;
    at += line.size() + 1;
    if (ascii_trim(line).empty()) return at > line.size() + 1 ? at : 0;
    const bool folded = line.starts_with(' ') || line.starts_with('\t');
    const auto is_named = [&](std::string_view name) {
      return ascii_starts_with_nocase(line, name) && line.substr(name.size()).starts_with(':') && part.field(name).empty();
    };
    if (!folded && std::ranges::none_of(names, is_named)) return 0;
  }
  return 0;
}

/// The blank lines that some MMSCs write in front of or among a part's header fields: the fields behind them would be text otherwise.
/// Views into the message's bytes, in order.
std::vector<ByteView> blank_in_headers(const mime::Message& message) {
  std::vector<ByteView> found;
  for (std::size_t i = 1; i < message.parts.size(); ++i) {
    const mime::Part& part = message.parts[i];
    if (part.is_multipart()) continue;
    const std::string_view text = text_of(part.body);
    const std::size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    if (header_lines_size(text.substr(first), part) == 0) continue;
    // The line that ended the header goes, with those behind it.
    const std::uint8_t* begin = part.body.data();
    const std::size_t line_end = begin[-2] == '\r' ? 2 : 1;
    found.emplace_back(begin - line_end, line_end + first);
  }
  return found;
}

/// The pieces may overlap: a message inside a digest begins where its part does, and both have the same blank lines.
Bytes without(ByteView whole, const std::vector<ByteView>& pieces) {
  Bytes left;
  left.reserve(whole.size());
  const std::uint8_t* at = whole.data();
  for (const ByteView piece : pieces) {
    if (piece.data() > at) append(left, ByteView(at, static_cast<std::size_t>(piece.data() - at)));
    at = std::max(at, piece.data() + piece.size());
  }
  append(left, ByteView(at, static_cast<std::size_t>(whole.data() + whole.size() - at)));
  return left;
}

MultimediaPart read_part(const mime::Part& part, MultimediaMessage& message, bool lasting) {
  // What the MIME message decoded into its own arena does not live as long as the content does.
  Arena& arena = message.arena;
  return {.media_type = arena.copy(part.media_type),
          .charset = part.media_type.starts_with("text/") || is_smil(part.media_type) ? arena.copy(part.charset) : std::string_view{},
          .name = arena.copy(part.name),
          .content_id = arena.copy(without_brackets(part.content_id)),
          .content_location = arena.copy(part.content_location),
          .data = lasting ? mime::decode_body(part, arena) : bytes_of(arena.copy(text_of(mime::decode_body(part, arena))))};
}

/// The phone's own multipart, passed on as it came (WAP-230 §8.5): its parts take its place. What cannot be read stays an attachment.
void open_multipart(MultimediaMessage& message) {
  const ByteView body = message.parts.back().data;
  if (!message.parts.back().media_type.starts_with("application/vnd.wap.multipart.") || message.parts.size() >= limits::mime_part_count_max)
    return;
  const std::size_t before = message.parts.size();
  if (!mms::read_multipart(body, message) || message.parts.size() == before) {
    message.parts.resize(before);
    return;
  }
  message.parts.erase(message.parts.begin() + static_cast<std::ptrdiff_t>(before) - 1);
}

}  // namespace

Result<HttpParts> split_body(std::string_view content_type, ByteView body) {
  HttpParts found;
  if (!ascii_starts_with_nocase(ascii_trim(content_type), "multipart/")) {
    found.envelope = body;
    return found;
  }
  PM_TRY(found.mime, mime::parse_entity(content_type, body));
  for (std::size_t repairs = 0; repairs < repairs_max; ++repairs) {
    const auto blank = blank_in_headers(found.mime);
    if (blank.empty()) break;
    found.repaired = without(found.repaired.empty() ? body : ByteView(found.repaired), blank);
    PM_TRY(found.mime, mime::parse_entity(content_type, found.repaired));
  }
  if (found.mime.parts.empty()) return fail(mm7_no_soap_part);
  const std::vector<std::size_t> below = children(found.mime, 0);
  if (below.empty()) return fail(mm7_no_soap_part);

  const std::string_view start = without_brackets(found.mime.parts[0].type_parameter("start"));
  auto chosen = std::ranges::find_if(
      below, [&](std::size_t i) { return !start.empty() && without_brackets(found.mime.parts[i].content_id) == start; });
  if (chosen == below.end()) chosen = std::ranges::find_if(below, [&](std::size_t i) { return is_xml(found.mime.parts[i].media_type); });
  if (chosen == below.end()) chosen = below.begin();

  found.soap_part = *chosen;
  const mime::Part& part = found.mime.parts[*chosen];
  found.envelope = part.body;
  if (part.coding != mime::TransferCoding::identity) {
    found.decoded = mime::decode_body(part);
    found.envelope = found.decoded;
  }
  return found;
}

bool has_content(const HttpParts& parts) { return parts.soap_part != HttpParts::none && children(parts.mime, 0).size() > 1; }

Result<MultimediaMessage> read_content(const HttpParts& parts, std::string_view href) {
  if (!has_content(parts)) return fail(mm7_no_content);
  const auto& all = parts.mime.parts;
  std::vector<std::size_t> others = children(parts.mime, 0);
  std::erase(others, parts.soap_part);

  const std::string id = id_of_href(href);
  const std::string_view raw = without_brackets(href);
  auto chosen = std::ranges::find_if(others, [&](std::size_t i) {
    const std::string_view candidate = without_brackets(all[i].content_id);
    return !candidate.empty() && (candidate == id || candidate == raw);
  });
  if (chosen == others.end())
    chosen = std::ranges::find_if(others, [&](std::size_t i) { return !id.empty() && all[i].content_location == id; });
  if (chosen == others.end()) chosen = std::ranges::find_if(others, [&](std::size_t i) { return !is_xml(all[i].media_type); });
  if (chosen == others.end()) chosen = others.begin();

  // The content is one part, as a rule a multipart. Clients that attach every part beside the envelope are read too.
  std::vector<std::size_t> indices;
  if (all[*chosen].is_multipart()) {
    indices = leaves(parts.mime, *chosen);
  } else {
    for (const std::size_t i : others) {
      for (const std::size_t leaf : leaves(parts.mime, i)) indices.push_back(leaf);
    }
  }

  MultimediaMessage message;
  message.parts.reserve(indices.size());
  for (const std::size_t i : indices) {
    message.parts.push_back(read_part(all[i], message, parts.repaired.empty()));
    open_multipart(message);
  }

  const std::string_view start = without_brackets(all[*chosen].type_parameter("start"));
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    if (!is_smil(message.parts[i].media_type)) continue;
    const bool is_start = !start.empty() && message.parts[i].content_id == start;
    if (message.presentation == MultimediaMessage::no_presentation || is_start) message.presentation = i;
    if (is_start) break;
  }
  return message;
}

}  // namespace pushmail::mm7

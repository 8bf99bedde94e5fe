#include "controlplane/cli/mm_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "codec/mime/message.h"
#include "codec/mm7/content.h"
#include "codec/mm7/message.h"
#include "codec/mm7/xml.h"
#include "codec/mms/pdu.h"
#include "controlplane/cli/error_words.h"

namespace pushmail::cli {
namespace {

using Failure = std::unexpected<std::string>;

constexpr std::uint8_t pdu_start = 0x8C;  // X-Mms-Message-Type (OMA-MMS-ENC 1.2 §7.1)
constexpr std::string_view wanted = "wanted: an MMS PDU, or an MM7 DeliverReq or SubmitReq, with or without its HTTP header";

/// An HTTP entity as it lies in a file.
struct Entity {
  std::string content_type;
  ByteView body;
  bool has_header = false;
};

bool is_start_line(std::string_view line) { return line.starts_with("POST ") || line.starts_with("HTTP/"); }

/// Header fields up to the empty line, if there are any; without them the body says itself what it is.
Entity entity_of(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  std::size_t at = 0;
  if (is_start_line(text)) at = std::min(text.find('\n'), text.size() - 1) + 1;
  const auto header = mime::parse(bytes.subspan(at));
  if (header && !header->parts.front().field("Content-Type").empty() && !text.starts_with("--")) {
    // Where the body begins, as the header's reader found it.
    const std::size_t crlf = text.find("\r\n\r\n", at);
    const std::size_t lf = text.find("\n\n", at);
    const std::size_t end = std::min(crlf == std::string_view::npos ? crlf : crlf + 4, lf == std::string_view::npos ? lf : lf + 2);
    std::string type(header->parts.front().field("Content-Type"));
    for (char& c : type) c = c == '\r' || c == '\n' || c == '\t' ? ' ' : c;
    return {.content_type = std::move(type), .body = end == std::string_view::npos ? ByteView() : bytes.subspan(end), .has_header = true};
  }
  if (text.starts_with("--")) {
    const std::string_view line = ascii_trim(text.substr(2, text.find('\n') - 2));
    return {.content_type = fmt::format("multipart/related; boundary=\"{}\"", line), .body = bytes};
  }
  return {.content_type = "text/xml", .body = bytes};
}

std::expected<MmFile, std::string> read_pdu(ByteView bytes) {
  auto pdu = mms::decode(bytes);
  if (!pdu) return Failure(words_of(pdu.error()));
  if (!pdu->has_content) return Failure(fmt::format("an MMS PDU of type {}, which carries no message", mms::name_of(pdu->type)));
  MmFile out{.header = convert::header_of(*pdu), .mm = {}};
  out.mm = std::move(pdu->content);
  return out;
}

/// What we send, and therefore never read elsewhere: its content, subject and time. Who gets it is a phone, and no mail address.
std::expected<MmFile, std::string> read_submit(const Entity& entity) {
  const auto parts = mm7::split_body(entity.content_type, entity.body);
  if (!parts) return Failure(words_of(parts.error()));
  const auto tree = mm7::parse_xml(parts->envelope);
  if (!tree) return Failure(words_of(tree.error()));
  const std::size_t submit = tree->descendant(0, "SubmitReq");
  if (submit == mm7::XmlTree::none) return Failure("the envelope names a SubmitReq and has none");
  const std::size_t content = tree->child(submit, "Content");
  if (content == mm7::XmlTree::none) return Failure("a SubmitReq without content");
  auto mm = mm7::read_content(*parts, tree->attribute(content, "href"));
  if (!mm) return Failure(words_of(mm.error()));
  MmFile out;
  out.header.subject = std::string(tree->text(submit, "Subject"));
  out.header.priority = std::string(tree->text(submit, "Priority"));
  if (const auto at = parse_rfc3339(tree->text(submit, "TimeStamp"))) out.header.date = *at;
  out.mm = std::move(*mm);
  // What its parts show lies in the arena of the parsed body.
  for (MultimediaPart& part : out.mm.parts) {
    for (std::string_view MultimediaPart::* text : {&MultimediaPart::media_type, &MultimediaPart::charset, &MultimediaPart::name,
                                                    &MultimediaPart::content_id, &MultimediaPart::content_location}) {
      part.*text = out.mm.arena.copy(part.*text);
    }
  }
  return out;
}

}  // namespace

std::expected<MmFile, std::string> read_mm_file(ByteView bytes) {
  if (ascii_trim(text_of(bytes)).empty()) return Failure(fmt::format("the file is empty; {}", wanted));
  if (bytes[0] == pdu_start) return read_pdu(bytes);
  const Entity entity = entity_of(bytes);
  // A PDU as an MMSC gets it over HTTP.
  if (entity.has_header && !entity.body.empty() && entity.body[0] == pdu_start) return read_pdu(entity.body);
  auto request = mm7::parse_request(entity.content_type, entity.body);
  if (!request) {
    const bool is_mail =
        entity.has_header && !is_start_line(text_of(bytes)) && text_of(entity.body).find("Envelope") == std::string_view::npos;
    return Failure(is_mail ? fmt::format("no MM7 message, and it looks like a mail: pushmailctl convert mail; {}", wanted)
                           : fmt::format("{}; {}", words_of(request.error()), wanted));
  }
  if (auto* deliver = std::get_if<mm7::DeliverReq>(&*request)) {
    MmFile out{.header = convert::header_of(*deliver), .mm = {}};
    out.mm = std::move(deliver->content);
    return out;
  }
  if (const auto* other = std::get_if<mm7::UnsupportedReq>(&*request)) {
    if (ascii_equal_nocase(other->name, "SubmitReq")) return read_submit(entity);
    return Failure(fmt::format("an MM7 {}, which carries no message; {}", other->name, wanted));
  }
  return Failure(fmt::format("an MM7 report about a message, and not the message; {}", wanted));
}

}  // namespace pushmail::cli

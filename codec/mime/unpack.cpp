// The parts are walked once, in order. What a part holds is a batch of its own, walked before the walk goes on behind that part:
//
//   batch of the mail:  text, winmail.dat, picture        on the stack while winmail.dat is open:  [mail at 2] [winmail.dat at 0]
//                             └ batch: text, file, file    written: text, winmail.dat, text, file, file, picture
#include "codec/mime/unpack.h"

#include <algorithm>
#include <utility>

#include "codec/mime/cms.h"
#include "codec/mime/tnef.h"
#include "codec/mime/uuencode.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t embedded_head_size = 16;  // of a message in a winmail.dat: which interface it has (MS-OXTNEF §2.1.3.3.15)
// All that is opened together: what is wrapped in itself again and again is not decoded again and again.
constexpr std::size_t opened_size_max = 2 * limits::mail_size_max;
constexpr std::string_view tnef_signature = "\x78\x9F\x3E\x22";

constexpr std::size_t block_size = 64;

/// Whether a line that begins with `be` starts behind one of the bytes of a block; two more bytes are read. No branches, so that the compiler
/// makes vectors of it.
bool has_be_line(const char* block) {
  unsigned found = 0;
  for (std::size_t i = 0; i < block_size; ++i) {
    found |= static_cast<unsigned>(block[i] == '\n') & static_cast<unsigned>(block[i + 1] == 'b') & static_cast<unsigned>(block[i + 2] == 'e');
  }
  return found != 0;
}

/// A line that starts a uuencoded file. Looked for before anything is decoded, since nearly no mail has one.
bool may_hold_uuencode(const Part& part) {
  constexpr std::string_view begin = "begin ";
  if (part.media_type != "text/plain" || part.coding == TransferCoding::base64 || part.coding == TransferCoding::uuencode) return false;
  const std::string_view body = text_of(part.body);
  if (body.starts_with(begin)) return true;
  for (std::size_t at = 0; at < body.size(); at += block_size) {
    if (at + block_size + 2 <= body.size() && !has_be_line(body.data() + at)) continue;
    const std::size_t end = std::min(at + block_size, body.size());
    for (std::size_t line = body.find('\n', at); line < end; line = body.find('\n', line + 1)) {
      if (body.substr(line + 1, begin.size()) == begin) return true;
    }
  }
  return false;
}

bool is_smime(const Part& part) {
  const std::string_view type = part.media_type;
  if (type == "application/pkcs7-mime" || type == "application/x-pkcs7-mime") return true;
  constexpr std::string_view ending = ".p7m";
  return type == "application/octet-stream" && part.name.size() >= ending.size() && ascii_equal_nocase(part.name.substr(part.name.size() - ending.size()), ending);
}

bool may_hold_parts(const Part& part) { return is_tnef(part) || is_smime(part) || may_hold_uuencode(part); }

/// Text that a person would see.
bool is_shown_text(const Part& part) {
  return !part.is_attachment && (part.media_type == "text/plain" || part.media_type == "text/html") && !ascii_trim(text_of(part.body)).empty();
}

Part made_part(std::string_view media_type, ByteView body) {
  Part part;
  part.media_type = part.declared_type = media_type;
  part.body = body;
  return part;
}
Part text_part(std::string_view media_type, std::string_view utf8) {
  Part part = made_part(media_type, bytes_of(utf8));
  part.charset = "utf-8";
  return part;
}

class Unpacker {
 public:
  explicit Unpacker(Message& message) : message_(message) {}

  std::vector<Unpacked> unpack() {
    has_text_ = std::any_of(message_.parts.begin(), message_.parts.end(), is_shown_text);
    waiting_ = message_.parts.size();
    std::vector<Batch> open;
    open.push_back({.parts = std::move(message_.parts)});
    while (!open.empty()) {
      Batch& batch = open.back();
      if (batch.next == batch.parts.size()) {
        open.pop_back();
        continue;
      }
      if (std::vector<Part> inside = place(batch); !inside.empty()) {
        waiting_ += inside.size();
        const std::size_t holder = parts_.size() - 1;
        open.push_back({.parts = std::move(inside), .holder = holder, .depth = parts_[holder].depth + 1});
      }
    }
    message_.parts = std::move(parts_);
    return std::move(unpacked_);
  }

 private:
  struct Batch {
    std::vector<Part> parts = {};            // parents count within it
    std::vector<std::size_t> places = {};    // of those that are placed
    std::size_t next = 0;
    std::size_t holder = Part::none;         // place of the part that holds them
    std::uint32_t depth = 0;                 // of the outermost ones
  };

  /// Places the next part of a batch; the parts inside it, when there are some and there is room.
  std::vector<Part> place(Batch& batch) {
    Part part = batch.parts[batch.next++];
    part.parent = part.parent == Part::none ? batch.holder : batch.places[part.parent];
    part.depth += batch.depth;
    batch.places.push_back(parts_.size());
    --waiting_;
    std::vector<Part> inside;
    if (part.depth < limits::mime_depth_max && may_hold_parts(part) && part.body.size() <= opened_size_max - opened_size_) {
      opened_size_ += part.body.size();
      Package package = Package::winmail;
      if (is_tnef(part)) inside = open_winmail(part, package);
      else if (is_smime(part)) inside = open_signature(part, package);
      else inside = open_uuencode(part, package);
      const bool is_too_deep = std::any_of(inside.begin(), inside.end(), [&](const Part& inner) { return part.depth + 1 + inner.depth > limits::mime_depth_max; });
      if (is_too_deep || parts_.size() + 1 + waiting_ + inside.size() > limits::mime_part_count_max) inside.clear();
      if (!inside.empty()) {
        unpacked_.push_back({.part = parts_.size(), .package = package, .name = part.name});
        part.media_type = package == Package::signature ? "multipart/signed" : "multipart/mixed";
        part.coding = TransferCoding::identity;
        part.is_attachment = false;
      }
    }
    parts_.push_back(part);
    return inside;
  }

  std::vector<Part> open_winmail(const Part& part, Package& package) {
    std::vector<Part> inside;
    const auto tnef = read_tnef(decode_body(part, message_.arena), message_.arena, &message_.tolerated);
    if (!tnef) return inside;
    // Servers that convert it leave the text inside as well; then it is the same.
    if (!has_text_ && !ascii_trim(tnef->body).empty()) inside.push_back(text_part("text/plain", tnef->body));
    else if (!has_text_ && !tnef->html.empty()) inside.push_back(text_part("text/html", tnef->html));
    else if (!has_text_ && tnef->has_rtf) package = Package::winmail_rtf;
    has_text_ = has_text_ || !inside.empty();
    for (const TnefAttachment& file : tnef->attachments) {
      const bool is_message = text_of(file.data.subspan(std::min(file.data.size(), embedded_head_size))).starts_with(tnef_signature);
      Part& made = inside.emplace_back(made_part(file.media_type.empty() ? "application/octet-stream" : file.media_type, file.data));
      if (is_message) {
        made.media_type = made.declared_type = "application/ms-tnef";
        made.body = file.data.subspan(embedded_head_size);
        // A message of its own has a text of its own.
        has_text_ = false;
      }
      made.name = file.name;
      made.content_id = file.content_id;
      made.is_attachment = file.content_id.empty();
    }
    return inside;
  }

  std::vector<Part> open_signature(const Part& part, Package& package) {
    const ByteView cms = decode_body(part, message_.arena);
    if (cms_content_type(cms) != cms_signed_data) return {};
    const auto content = signed_content(cms, message_.arena);
    if (!content) return {};
    auto inner = parse(*content);
    if (!inner) return {};
    package = Package::signature;
    message_.arena.adopt(std::move(inner->arena));
    return std::move(inner->parts);
  }

  std::vector<Part> open_uuencode(const Part& part, Package& package) {
    std::vector<Part> inside;
    const std::string_view text = decode_text(part, message_.arena, &message_.tolerated);
    package = Package::uuencode;
    std::size_t at = 0;
    const auto add_text = [&](std::size_t end) {
      const std::string_view piece = text.substr(at, end - at);
      if (ascii_trim(piece).empty()) return;
      inside.push_back(text_part("text/plain", piece));
      inside.back().type_parameters = part.type_parameters;  // format=flowed
    };
    for (const InlineFile& file : read_uuencoded(text, message_.arena)) {
      add_text(file.begin);
      at = file.end;
      inside.push_back(made_part("application/octet-stream", file.data));
      inside.back().name = file.name;
      inside.back().is_attachment = true;
    }
    if (!inside.empty()) add_text(text.size());
    return inside;
  }

  Message& message_;
  std::vector<Part> parts_;                  // placed
  std::vector<Unpacked> unpacked_;
  std::size_t opened_size_ = 0;              // bytes of parts that were opened
  std::size_t waiting_ = 0;                  // parts of all batches that are not placed yet
  bool has_text_ = false;                    // the mail has text beside what winmail.dat says
};

}  // namespace

std::vector<Unpacked> unpack(Message& message) {
  if (std::none_of(message.parts.begin(), message.parts.end(), may_hold_parts)) return {};
  return Unpacker(message).unpack();
}

}  // namespace pushmail::mime

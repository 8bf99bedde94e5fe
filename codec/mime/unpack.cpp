// The parts are walked once, in order. What a part holds is a batch of its own, walked before the walk goes on behind that part:
//
//   batch of the mail:  text, winmail.dat, picture        on the stack while winmail.dat is open:  [mail at 2] [winmail.dat at 0]
//                             └ batch: text, file, file    written: text, winmail.dat, text, file, file, picture
#include "codec/mime/unpack.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/mime/cms.h"
#include "codec/mime/fields.h"
#include "codec/mime/rtf.h"
#include "codec/mime/tnef.h"
#include "codec/mime/uuencode.h"
#include "core/free_blocks.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t embedded_head_size = 16;  // of a message in a winmail.dat: which interface it has (MS-OXTNEF §2.1.3.3.15)
// All that is opened together: what is wrapped in itself again and again is not decoded again and again.
constexpr std::size_t opened_size_max = 2 * limits::mail_size_max;
constexpr std::size_t opened_memory_max = 256 * limits::MiB;
constexpr std::size_t cms_head_size = 128;  // as it is encoded; which kind it is stands in it
constexpr std::string_view smime_ending = ".p7m";
constexpr std::string_view mail_ending = ".eml";
constexpr std::string_view tnef_signature = "\x78\x9F\x3E\x22";

constexpr std::size_t block_size = 64;

/// The end of a line behind which `be` stands.
constexpr auto is_be_line = [](auto at) { return (at(0) == '\n') & (at(1) == 'b') & (at(2) == 'e'); };

/// A line that starts a uuencoded file. Looked for before anything is decoded, since nearly no mail has one.
bool may_hold_uuencode(const Part& part) {
  constexpr std::string_view begin = "begin ";
  // A file of its own stays one.
  if (part.parent != Part::none && (part.is_attachment || !part.name.empty())) return false;
  if (part.media_type != "text/plain" || part.coding == TransferCoding::base64 || part.coding == TransferCoding::uuencode) return false;
  const std::string_view body = text_of(part.body);
  if (body.starts_with(begin)) return true;
  for (std::size_t at = 0; at < body.size(); at += block_size) {
    if (at + block_size + 2 <= body.size() && is_free_block<block_size>(body.data() + at, is_be_line)) continue;
    const std::size_t end = std::min(at + block_size, body.size());
    for (std::size_t line = body.find('\n', at); line < end; line = body.find('\n', line + 1)) {
      if (body.substr(line + 1, begin.size()) == begin) return true;
    }
  }
  return false;
}

bool has_ending(std::string_view name, std::string_view ending) {
  return name.size() > ending.size() && ascii_equal_nocase(name.substr(name.size() - ending.size()), ending);
}

bool is_smime(const Part& part) {
  const std::string_view type = part.media_type;
  if (type == "application/pkcs7-mime" || type == "application/x-pkcs7-mime") return true;
  return type == "application/octet-stream" && has_ending(part.name, smime_ending);
}

/// A mail that the parser has not opened: RFC 2046 §5.2.1 forbids a coding on it, and programs use one; others attach it as a file.
bool is_closed_message(const Part& part) {
  if (part.media_type == "message/rfc822" || part.media_type == "message/global") return part.coding != TransferCoding::identity;
  return (part.media_type == "application/octet-stream" || part.media_type == "text/plain") && has_ending(part.name, mail_ending);
}
/// Whether a header is that of a mail, and not text that happens to have a colon.
bool is_mail_header(const Part& header) {
  constexpr auto usual =
      std::to_array<std::string_view>({"From", "To", "Date", "Subject", "Message-ID", "Received", "MIME-Version", "Content-Type"});
  return std::count_if(usual.begin(), usual.end(), [&](std::string_view name) { return !header.field(name).empty(); }) >= 2;
}

bool may_hold_parts(const Part& part) {
  if (is_closed_message(part)) return true;
  // What was parsed into parts already holds no other ones.
  if (part.is_multipart() || part.media_type.starts_with("message/")) return false;
  return is_tnef(part) || is_smime(part) || may_hold_uuencode(part);
}

/// Text that a person would see.
bool is_shown_text(const Part& part) {
  return !part.is_attachment && (part.media_type == "text/plain" || part.media_type == "text/html") &&
         !ascii_trim(text_of(part.body)).empty();
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
    waiting_ = message_.parts.size();
    std::vector<Batch> open;
    open.push_back(batch_of(std::move(message_.parts)));
    while (!open.empty()) {
      Batch& batch = open.back();
      if (batch.next == batch.parts.size()) {
        open.pop_back();
        continue;
      }
      if (std::vector<Part> inside = place(batch); !inside.empty()) {
        waiting_ += inside.size();
        const std::size_t holder = parts_.size() - 1;
        Batch next = batch_of(std::move(inside));
        next.holder = holder;
        next.depth = parts_[holder].depth + 1;
        next.is_winmail = is_winmail(unpacked_.back().package);
        open.push_back(std::move(next));
      }
    }
    message_.parts = std::move(parts_);
    return std::move(unpacked_);
  }

 private:
  struct Batch {
    std::vector<Part> parts = {};            // parents count within it
    std::vector<std::size_t> places = {};    // of those that are placed
    std::vector<std::size_t> messages = {};  // of those: the message/rfc822 around it, plus 1; 0 for the outermost
    std::vector<bool> has_text = {};         // of each such message: it has shown a text so far
    std::size_t next = 0;
    std::size_t holder = Part::none;  // place of the part that holds them
    std::uint32_t depth = 0;          // of the outermost ones
    bool is_winmail = false;          // they come from one: a winmail.dat in it is a message of its own
  };

  static Batch batch_of(std::vector<Part> parts) {
    Batch batch;
    batch.has_text.resize(parts.size() + 1);
    batch.parts = std::move(parts);
    return batch;
  }
  static bool is_winmail(Package package) { return package == Package::winmail || package == Package::winmail_rtf; }

  /// Opened or not, a part's place, and what it says of the message around it. Returns that message.
  static std::size_t message_around(Batch& batch, const Part& part) {
    const std::size_t parent = part.parent;
    const std::size_t message = parent == Part::none                                     ? 0
                                : batch.parts[parent].media_type.starts_with("message/") ? parent + 1
                                                                                         : batch.messages[parent];
    batch.messages.push_back(message);
    if (is_shown_text(part)) batch.has_text[message] = true;
    return message;
  }

  /// Places the next part of a batch; the parts inside it, when there are some and there is room.
  std::vector<Part> place(Batch& batch) {
    Part part = batch.parts[batch.next++];
    const std::size_t message = message_around(batch, part);
    part.parent = part.parent == Part::none ? batch.holder : batch.places[part.parent];
    part.depth += batch.depth;
    batch.places.push_back(parts_.size());
    --waiting_;
    std::vector<Part> inside;
    const bool has_room = part.body.size() <= opened_size_max - opened_size_ && message_.arena.held() <= opened_memory_max;
    if (part.depth < limits::mime_depth_max && has_room && may_hold_parts(part)) {
      Package package = Package::winmail;
      if (is_closed_message(part))
        inside = open_message(part, package);
      else if (is_tnef(part))
        inside = open_winmail(part, !batch.is_winmail && batch.has_text[message], package);
      else if (is_smime(part))
        inside = open_signature(part, package);
      else
        inside = open_uuencode(part, package);
      const bool is_too_deep = std::any_of(inside.begin(), inside.end(),
                                           [&](const Part& inner) { return part.depth + 1 + inner.depth > limits::mime_depth_max; });
      if (is_too_deep || parts_.size() + 1 + waiting_ + inside.size() > limits::mime_part_count_max) inside.clear();
      if (!inside.empty()) {
        unpacked_.push_back({.part = parts_.size(), .package = package, .name = part.name});
        part.media_type = package == Package::signature ? "multipart/signed"
                          : package == Package::message ? "message/rfc822"
                                                        : "multipart/mixed";
        part.coding = TransferCoding::identity;
        part.is_attachment = false;
      }
    }
    parts_.push_back(part);
    return inside;
  }

  /// A text before it in the same message is the one that servers left when they converted it; a list's footer stands behind.
  std::vector<Part> open_winmail(const Part& part, bool has_text, Package& package) {
    std::vector<Part> inside;
    opened_size_ += part.body.size();
    const auto tnef = read_tnef(decode_body(part, message_.arena), message_.arena, &message_.tolerated);
    if (!tnef) return inside;
    if (!has_text && !ascii_trim(tnef->body).empty())
      inside.push_back(text_part("text/plain", tnef->body));
    else if (!has_text && !tnef->html.empty())
      inside.push_back(text_part("text/html", tnef->html));
    else if (!has_text && !tnef->rtf.empty())
      add_rtf(inside, tnef->rtf, package);
    for (const TnefAttachment& file : tnef->attachments) add_winmail_file(inside, file);
    return inside;
  }

  void add_rtf(std::vector<Part>& inside, ByteView compressed, Package& package) {
    const auto rtf = decompress_rtf(compressed, message_.arena);
    if (!rtf) return;
    const RtfText read = read_rtf(*rtf, message_.arena);
    if (ascii_trim(read.text).empty()) return;
    package = Package::winmail_rtf;
    inside.push_back(text_part(read.is_html ? "text/html" : "text/plain", read.text));
  }

  void add_winmail_file(std::vector<Part>& inside, const TnefAttachment& file) {
    // Items that are MIME themselves (a signed one, an attached mail) carry their header with them.
    if (file.media_type.starts_with("multipart/") || file.media_type.starts_with("message/")) {
      if (std::vector<Part> entity = parts_of(file.data); !entity.empty()) {
        const std::size_t base = inside.size();
        for (Part& part : entity) {
          if (part.parent != Part::none) part.parent += base;
          inside.push_back(part);
        }
        return;
      }
    }
    const bool is_message = text_of(file.data.subspan(std::min(file.data.size(), embedded_head_size))).starts_with(tnef_signature);
    const bool is_type =
        is_media_type(file.media_type) && !file.media_type.starts_with("multipart/") && !file.media_type.starts_with("message/");
    Part& made = inside.emplace_back(made_part(is_type ? file.media_type : "application/octet-stream", file.data));
    if (is_message) {
      made.media_type = made.declared_type = "application/ms-tnef";
      made.body = file.data.subspan(embedded_head_size);
    }
    made.name = file.name;
    made.content_id = file.content_id;
    made.is_attachment = file.content_id.empty();
  }

  /// The parts of bytes that are a MIME entity, and say so; none when they do not, or when their parts take too much.
  std::vector<Part> parts_of(ByteView bytes) {
    auto inner = parse(bytes);
    if (!inner || inner->parts.front().field("Content-Type").empty() || message_.arena.held() + inner->arena.held() > opened_memory_max)
      return {};
    message_.arena.adopt(std::move(inner->arena));
    return std::move(inner->parts);
  }

  std::vector<Part> open_message(const Part& part, Package& package) {
    opened_size_ += part.body.size();
    package = Package::message;
    auto inner = parse(decode_body(part, message_.arena));
    if (!inner || !is_mail_header(inner->parts.front()) || message_.arena.held() + inner->arena.held() > opened_memory_max) return {};
    message_.arena.adopt(std::move(inner->arena));
    return std::move(inner->parts);
  }

  std::vector<Part> open_signature(const Part& part, Package& package) {
    // What is encrypted says so at once.
    Part head = part;
    head.body = part.body.first(std::min(part.body.size(), cms_head_size));
    if (cms_content_type(decode_body(head, message_.arena)) != cms_signed_data) return {};
    opened_size_ += part.body.size();
    const auto content = signed_content(decode_body(part, message_.arena), message_.arena);
    if (!content) return {};
    package = Package::signature;
    std::vector<Part> inside = parts_of(*content);
    // A file that was signed (CAdES), and no message.
    if (inside.empty()) {
      Part& file = inside.emplace_back(made_part("application/octet-stream", *content));
      file.name = part.name;
      if (has_ending(file.name, smime_ending)) file.name.remove_suffix(smime_ending.size());
      file.is_attachment = true;
    }
    return inside;
  }

  std::vector<Part> open_uuencode(const Part& part, Package& package) {
    std::vector<Part> inside;
    opened_size_ += part.body.size();
    // A word at the start of a line is no file: then nothing of this stays.
    Arena arena;
    std::vector<Tolerance> tolerated;
    const std::string_view text = decode_text(part, arena, &tolerated);
    const std::span<const InlineFile> files = read_uuencoded(text, arena);
    if (files.empty()) return inside;
    package = Package::uuencode;
    message_.tolerated.insert(message_.tolerated.end(), tolerated.begin(), tolerated.end());
    std::size_t at = 0;
    const auto add_text = [&](std::size_t end) {
      const std::string_view piece = text.substr(at, end - at);
      if (ascii_trim(piece).empty()) return;
      inside.push_back(text_part("text/plain", piece));
      inside.back().type_parameters = part.type_parameters;  // format=flowed
    };
    for (const InlineFile& file : files) {
      add_text(file.begin);
      at = file.end;
      inside.push_back(made_part("application/octet-stream", file.data));
      inside.back().name = file.name;
      inside.back().is_attachment = true;
    }
    add_text(text.size());
    message_.arena.adopt(std::move(arena));
    return inside;
  }

  Message& message_;
  std::vector<Part> parts_;  // placed
  std::vector<Unpacked> unpacked_;
  std::size_t opened_size_ = 0;  // bytes of parts that were opened
  std::size_t waiting_ = 0;      // parts of all batches that are not placed yet
};

}  // namespace

std::vector<Unpacked> unpack(Message& message) {
  if (std::none_of(message.parts.begin(), message.parts.end(), may_hold_parts)) return {};
  return Unpacker(message).unpack();
}

}  // namespace pushmail::mime

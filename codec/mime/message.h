// Mail in: RFC 5322 and MIME structure as views over the caller's bytes.
//
// Came from: the fetcher or the SMTP server (whole message). Goes to: codec/convert (mail -> MM), and codec/mm7 (the multipart of an
// HTTP body is a MIME entity too). parse() finds structure only; bodies are decoded when asked for. Tolerant by a written list
// (codec/mime/README.md); limits are in core/limits.h and what exceeds them becomes one opaque part with a note, in linear time.
// Nothing is allocated for a header, a part or a line: results are views into the caller's bytes, and into the message's arena where
// something had to be decoded. The functions that take an Arena return such views; the same without one return what the caller owns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mime {

enum class TransferCoding : std::uint8_t { identity, base64, quoted_printable, uuencode };  // 7bit, 8bit and binary are identity
/// Whether the message may go on without this part (RFC 3459 §4).
enum class Handling : std::uint8_t { unsaid, optional, required };

/// A header field over the message's bytes. `value` is still folded and encoded.
struct Field {
  std::string_view name;
  std::string_view value;
};

struct Parameter {
  std::string_view name;   // lower case
  std::string_view value;  // UTF-8, after RFC 2231 and (tolerated) RFC 2047 decoding
};

struct Part {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::size_t parent = none;  // index of the multipart or message/rfc822 that holds it
  std::uint32_t depth = 0;
  std::span<const Field> fields;
  std::string_view media_type;     // as it is to be read: lower case, never empty, text/plain by default
  std::string_view declared_type;  // as the header says; differs where a multipart has no parts or a limit was reached
  std::span<const Parameter> type_parameters;
  std::string_view charset;     // lower case, empty when not given
  std::string_view name;        // file name as UTF-8: Content-Disposition filename, else Content-Type name
  std::string_view content_id;  // without <>
  std::string_view content_location;
  bool is_attachment = false;  // Content-Disposition: attachment
  Handling handling = Handling::unsaid;
  TransferCoding coding = TransferCoding::identity;
  ByteView body;  // still transfer-coded

  [[nodiscard]] bool is_multipart() const { return media_type.starts_with("multipart/"); }
  /// The folded value of the first field of this name, compared without case; empty when absent.
  [[nodiscard]] std::string_view field(std::string_view field_name) const;
  [[nodiscard]] std::string_view type_parameter(std::string_view parameter_name) const;
};

/// Something that was broken and how it was read; for the decision log, never a reason to refuse.
struct Tolerance {
  std::string_view rule;  // from the written list
  std::uint32_t at;
};

/// A parsed message. Parts may be copied; what they show lives as long as the bytes and the arena, and stays where it is while the message
/// is moved.
struct Message {
  std::vector<Part> parts;  // document order; [0] is the message itself
  std::vector<Tolerance> tolerated;
  /// Of the first text part that names one other than UTF-8 and ASCII: in it raw 8-bit header text is read that is no UTF-8. May be empty.
  std::string_view raw_charset;
  Arena arena;  // what the parts show and the bytes do not have; callers may decode into it too
};

/// Parses a whole message. Views point into `bytes`. Fails only above limits that leave nothing readable. The memory of `reused`, a
/// message that is no longer needed, is used again.
[[nodiscard]] Result<Message> parse(ByteView bytes, Message reused = {});
/// Parses one MIME entity whose Content-Type stands outside it (an HTTP body): `content_type` is that header's value, and is copied.
[[nodiscard]] Result<Message> parse_entity(std::string_view content_type, ByteView body, Message reused = {});

/// The part's bytes after transfer decoding. What cannot be decoded is passed over and noted in `*tolerated` when given. A body that
/// has no transfer coding is returned as it lies.
[[nodiscard]] ByteView decode_body(const Part& part, Arena& arena, std::vector<Tolerance>* tolerated = nullptr);
[[nodiscard]] Bytes decode_body(const Part& part, std::vector<Tolerance>* tolerated = nullptr);
/// How many bytes that gives, without decoding; of a broken body about as many.
[[nodiscard]] std::size_t decoded_size(const Part& part);
/// A text part as UTF-8 that is always valid, with LF line ends, without NUL.
[[nodiscard]] std::string_view decode_text(const Part& part, Arena& arena, std::vector<Tolerance>* tolerated = nullptr);
[[nodiscard]] std::string decode_text(const Part& part, std::vector<Tolerance>* tolerated = nullptr);
/// `bytes` in `charset` (labels as mail writes them: gb2312 is read as gb18030, iso-8859-1 as windows-1252 ...) as valid UTF-8.
[[nodiscard]] std::string_view to_utf8(ByteView bytes, std::string_view charset, Arena& arena);
[[nodiscard]] std::string to_utf8(ByteView bytes, std::string_view charset);

/// A field value unfolded, with RFC 2047 words decoded, raw 8-bit guessed, control characters removed: valid UTF-8 for people. Raw bytes
/// that are no UTF-8 are read in `raw_charset` (Message::raw_charset); without one in windows-1252.
[[nodiscard]] std::string_view decode_header(std::string_view value, Arena& arena, std::string_view raw_charset = {});
[[nodiscard]] std::string decode_header(std::string_view value);

/// One address of a header (RFC 5322 §3.4). `domain` is empty for a bare word.
struct Mailbox {
  std::string display_name;  // UTF-8, may be empty
  std::string local_part;
  std::string domain;  // lower case A-labels
  [[nodiscard]] std::string address() const { return domain.empty() ? local_part : local_part + "@" + domain; }
};
/// The same as views.
struct MailboxView {
  std::string_view display_name;
  std::string_view local_part;
  std::string_view domain;
};
/// Mailboxes of From, To, Cc, Reply-To; groups are flattened, comments dropped, nonsense skipped.
[[nodiscard]] std::span<const MailboxView> parse_mailboxes(std::string_view value, Arena& arena, std::string_view raw_charset = {});
[[nodiscard]] std::vector<Mailbox> parse_mailboxes(std::string_view value);
/// A single addr-spec as SMTP and users type it; strict: no display name, no comments, no control bytes. A local part that needs no quotes
/// is without them.
[[nodiscard]] Result<Mailbox> parse_address(std::string_view text);

}  // namespace pushmail::mime

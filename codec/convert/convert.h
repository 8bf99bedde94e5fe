// Mail <-> multimedia message, by RFC 4356 and the recipient's profile. Pure: bytes in, bytes out.
//
// mail_to_mm came from: dataplane/relay (the fetched or forwarded mail). Goes to: codec/mm7 encode(SubmitReq).
// mm_to_mail came from: codec/mm7 DeliverReq. Goes to: the SMTP client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"
#include "codec/mm7/message.h"
#include "codec/mms/multimedia.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail::convert {

/// What was dropped, reduced or replaced, and why: `pushmailctl item explain` prints these.
struct Decision {
  std::string what;                  // part name or media type
  std::string rule;                  // why
};

struct MmProfile {
  std::uint64_t size_max = 300 * 1024;  // bytes of all parts together
  bool smil = true;
  /// A longer text is shown on several slides, cut at paragraphs, sentences or words; one that needs more slides gets longer ones.
  std::uint32_t slide_text_size_max = 2000;  // bytes
  std::uint32_t slide_count_max = 20;   // slides of text
  /// What one picture may have at most; 0: anything. A larger one is left out and named.
  std::uint64_t image_size_max = 0;     // bytes
  std::uint32_t image_width_max = 0;    // pixels
  std::uint32_t image_height_max = 0;   // pixels
};

struct MailToMmOptions {
  MmProfile profile;
  /// The phone sees a short code as sender, so name and address of the real one stand in the first text line (design 2a).
  bool sender_in_text = true;
  std::string content_id_domain;     // our domain: Content-ID is <n.item-id@our-domain>
  std::string item_id;
};
struct MailToMm {
  MultimediaMessage mm;
  std::size_t text_parts = 0;        // parts that are the mail's text, one a slide, right behind the presentation
  std::string priority;              // High, Low or empty (Importance, else X-Priority)
  bool automatic = false;            // null MAIL FROM or Auto-Submitted: MessageClass Auto
  std::string from_display;          // `Joe <joe@example.com>`
  std::string message_id;            // of the mail, without <>; empty when it has none
  std::vector<Decision> decisions;
};
/// A malformed mail is converted as far as it can be read; only a mail of which nothing can be read fails.
[[nodiscard]] Result<MailToMm> mail_to_mm(ByteView mail, const MailToMmOptions& options);

struct MmToMailOptions {
  mime::Mailbox from;                // the address the route gives to this phone
  std::vector<mime::Mailbox> to, cc;
  std::string subject;               // empty: the MM's own
  std::string message_id;            // without <>
  std::string in_reply_to;           // without <>, empty when it answers nothing
  std::vector<std::string> references;
  Timestamp date;
  std::string trace;                 // Pushmail-Trace
  std::string our_domain;
  /// The first text line was the address of a new mail (design 2a): it and its line end are not part of the text.
  bool drop_first_line = false;
};
/// A complete RFC 5322 message, CRLF, ready for DATA (not dot-stuffed). SMIL is not carried; parts keep order, names and bytes.
[[nodiscard]] Result<Bytes> mm_to_mail(const mm7::DeliverReq& request, const MmToMailOptions& options);

/// First line of the first text part as UTF-8, for the route question (design 2a); empty when there is no text.
[[nodiscard]] std::string first_text_line(const MultimediaMessage& mm);
/// `joe@example.com Subject` as a phone writes a new mail: the address and the rest of the line, or nothing.
struct NewMailLine {
  mime::Mailbox to;
  std::string subject;
};
[[nodiscard]] std::optional<NewMailLine> parse_new_mail_line(std::string_view line);

}  // namespace pushmail::convert

// Mail <-> multimedia message, by RFC 4356 and the recipient's profile. Pure: bytes in, bytes out.
//
// mail_to_mm came from: dataplane/relay (the fetched or forwarded mail). Goes to: submission_of, then codec/mm7 encode(SubmitReq).
// mm_to_mail came from: codec/mm7 DeliverReq or codec/mms Pdu. Goes to: the SMTP client.
// Reports about either are reports.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/convert/envelope.h"
#include "codec/mime/message.h"
#include "codec/mm7/message.h"
#include "codec/mms/multimedia.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail::mms {
struct Pdu;
}

namespace pushmail::convert {

/// What was dropped, reduced or replaced, and why: `pushmailctl item explain` prints these.
struct Decision {
  std::string_view what;  // part name or media type
  std::string_view rule;  // why
};

struct MmProfile {
  std::uint64_t size_max = 300 * 1024;  // bytes of all parts together
  /// Bytes of the encoded message: of the MM1 PDU, and of the SubmitReq with its envelope. 0: no limit.
  std::uint64_t encoded_size_max = 300 * 1024;
  bool base64_parts = true;  // in the SubmitReq; else as they are
  /// Of the whole text. Nobody reads more on a phone; the rest is named, with its size.
  std::uint64_t text_size_max = 20 * 1024;  // bytes; 0: as much as fits
  /// Of the subject: phones must show 40 (OMA-MMS-CONF 1.2 §7). A longer one is cut, and stands whole in the text.
  std::uint32_t subject_length_max = 40;  // characters; 0: no limit
  bool smil = true;
  /// A longer text is shown on several slides, cut at paragraphs, sentences or words; one that needs more slides gets longer ones.
  std::uint32_t slide_text_size_max = 2000;  // bytes
  std::uint32_t slide_count_max = 20;        // slides of text
  /// What one picture may have at most; 0: anything. A larger one is left out and named, see ReducedPicture.
  std::uint64_t image_size_max = 0;    // bytes
  std::uint32_t image_width_max = 0;   // pixels
  std::uint32_t image_height_max = 0;  // pixels
};

/// The seam for making pictures smaller. Decoding a stranger's picture is no work for this library: mail_to_mm names in
/// `MailToMm::large_pictures` what it left out for its size alone; whoever can make one smaller converts the mail once more with the
/// result.
struct LargePicture {
  std::size_t part = 0;  // index into the parts of the mail, parsed and unpacked (codec/mime/unpack.h)
  std::string_view media_type;
  std::uint32_t width = 0;  // pixels; 0: not known
  std::uint32_t height = 0;
  std::size_t size = 0;  // bytes
};
struct ReducedPicture {
  std::size_t part = 0;         // LargePicture::part
  std::string_view media_type;  // of `data`, which may be another
  ByteView data;                // stays the caller's; must outlive the MM
};

struct MailToMmOptions {
  MmProfile profile;
  /// The phone sees a short code as sender, so name and address of the real one stand in the first text line (docs/design.md).
  bool sender_in_text = true;
  std::string content_id_domain;  // our domain: Content-ID is <n.item-id@our-domain>
  std::string item_id;
  /// The subscriber's own mail addresses: not told to him among the other recipients.
  std::span<const std::string_view> own_addresses = {};
  /// The other recipients travel in SubmitReq with displayOnly, and not as text.
  bool display_only_recipients = false;
  /// Ends the line that names what was left out: how the person gets it.
  std::string_view left_out_hint = "in your mailbox";
  std::span<const ReducedPicture> reduced_pictures = {};
  /// Policy for mail of strangers: a mail that goes in circles, one that calls itself sensitive, and one with a part that it must not go
  /// without are refused. What lies in a subscriber's own mailbox is delivered as far as it goes, whatever it says about itself.
  bool refuses = false;
};

/// One sending before the last: entry n of Previously-Sent-By and Previously-Sent-Date.
struct PreviousSending {
  mime::MailboxView sender;
  std::optional<Timestamp> date;
};

/// Texts are views into the mail and into `mm.arena`: both must outlive what is read from here.
struct MailToMm {
  MultimediaMessage mm;
  std::size_t text_parts = 0;                         // parts that are the mail's text, one a slide, right behind the presentation
  std::string_view priority;                          // High, Low or empty (Importance, else X-Priority)
  bool automatic = false;                             // null return path or Auto-Submitted: MessageClass Auto
  std::string_view from_display;                      // `Joe <joe@example.com>`: who wrote it
  mime::MailboxView sender;                           // who sent it last: the topmost Resent-From, else From
  std::span<const mime::MailboxView> to, cc;          // as the last sender wrote them
  std::optional<Timestamp> date;                      // of the last sending
  std::string_view message_id;                        // without <>; the topmost Resent-Message-ID, else Message-ID; empty when it has none
  std::string_view answers;                           // without <>; the mail that this one answers
  std::string_view sensitivity;                       // empty: normal
  std::span<const mime::MailboxView> read_report_to;  // Disposition-Notification-To
  std::span<const PreviousSending> previous;          // [0] is the first sending; as many as X-Mms-Forward-Counter
  std::span<const Decision> decisions;
  std::span<const LargePicture> large_pictures;
  std::vector<mime::Part> mail_parts;  // as parsed and unpacked, kept for their memory
};
/// A malformed mail is converted as far as it can be read; only a mail of which nothing can be read fails, and what options.refuses names.
/// The memory of `reused` is used again.
[[nodiscard]] Result<MailToMm> mail_to_mm(ByteView mail, const MailToMmOptions& options, MailToMm reused = {});

/// A phone that is to get the mail, and what SMTP said about its mail address.
struct PhoneRecipient {
  mm7::Address phone;
  std::string address;  // RCPT TO; empty when the mail came out of a mailbox
  std::optional<Notify> notify;
};
struct SubmissionOptions {
  std::string transaction_id;
  mm7::Address sender;                     // what the phone sees
  std::vector<PhoneRecipient> recipients;  // only these: addresses that stand in the header alone are nobody's order to send
  std::string subject;                     // empty: the mail's own
  std::uint32_t subject_length_max = MmProfile{}.subject_length_max;
  std::string linked_id;           // of the DeliverReq that the mail answers; empty: none known
  Timestamp accepted;              // by us
  std::optional<Duration> expiry;  // the operator's, when the sender asked for none
  bool null_sender = false;        // MAIL FROM:<>
  std::optional<DeliverBy> deliver_by;
  bool read_reports = false;  // policy: a sender's wish for a read report is passed on to the reader
  bool display_only_recipients = false;
};
struct Submission {
  mm7::SubmitReq request;       // its content is that of the MailToMm
  bool report_success = false;  // the sender asked for a DSN when the phone has it
  bool report_failure = true;
  bool report_relayed = false;  // the sender gets a DSN `relayed` now: his time limit ends here (RFC 2852 §4)
};
[[nodiscard]] Submission submission_of(const MailToMm& made, const SubmissionOptions& options);

/// What an MM says about itself besides its content, whatever it came in.
struct MmHeader {
  mm7::Address sender;
  std::vector<mm7::Recipient> recipients;
  std::optional<Timestamp> date;
  std::string subject;
  std::string message_id;     // the MMSC's, without <>
  std::string message_class;  // empty: Personal
  std::string priority;
  std::optional<mm7::TimePoint> expiry;
  std::optional<bool> delivery_report;
  bool read_report = false;
  bool hide_sender = false;
  bool reply_charging = false;  // it uses a reply that somebody else paid for
  std::vector<mm7::PreviousSender> previous_senders;
  std::vector<mm7::PreviousDate> previous_dates;
};
[[nodiscard]] MmHeader header_of(const mm7::DeliverReq& request);
[[nodiscard]] MmHeader header_of(const mms::Pdu& pdu);

struct MmToMailOptions {
  mime::Mailbox from;                 // the address the route gives to this phone; empty: made from the MM's sender
  std::vector<mime::Mailbox> to, cc;  // both empty: made from the MM's recipients
  std::string subject;                // empty: the MM's own
  std::string message_id;             // without <>
  std::string in_reply_to;            // without <>, empty when it answers nothing
  std::vector<std::string> references;
  Timestamp date;     // when we accepted it; the mail's Date when the MM has none, or one that is later
  std::string trace;  // Pushmail-Trace
  std::string our_domain;
  /// The first text line was the address of a new mail: it and its line end are not part of the text.
  bool drop_first_line = false;
  /// Of that line only the address: what stands behind it is text, for the MM has a Subject of its own.
  bool drop_address_only = false;
};
/// A complete RFC 5322 message, CRLF, ready for DATA (not dot-stuffed). SMIL is not carried; parts keep order, names and bytes.
[[nodiscard]] Result<Bytes> mm_to_mail(const MmHeader& header, const MultimediaMessage& mm, const MmToMailOptions& options);
[[nodiscard]] Result<Bytes> mm_to_mail(const mm7::DeliverReq& request, const MmToMailOptions& options);
/// MAIL FROM and RCPT TO with their parameters. `options.date` is now: an expiry is what is left of it.
[[nodiscard]] Result<SmtpEnvelope> envelope_of(const MmHeader& header, const MmToMailOptions& options);

/// First line of the text as UTF-8, for the route question: of the first slide that has one, whatever the order of the parts.
/// Empty when there is no text.
[[nodiscard]] std::string first_text_line(const MultimediaMessage& mm);
/// `joe@example.com Subject` as a phone writes a new mail: the address and the rest of the line, or nothing.
struct NewMailLine {
  mime::Mailbox to;
  std::string subject;
};
[[nodiscard]] std::optional<NewMailLine> parse_new_mail_line(std::string_view text);

}  // namespace pushmail::convert

// Reports about messages, both ways: what a phone did with an MM as a DSN or MDN for the mail's sender, and a DSN or MDN about a phone's
// mail as the report that an MMSC knows (RFC 4356, report tables; RFC 3464, RFC 3798). Pure.
//
// Came from: codec/mm7 DeliveryReportReq and ReadReplyReq, codec/mms M-Delivery.ind and M-Read-Orig.ind; or a mail. Goes to: the SMTP
// client, always with MAIL FROM:<>; or an MMSC, where we are its peer on MM3.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"
#include "codec/mime/report.h"
#include "core/arena.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail::convert {

/// What became of an MM: the words of MM7 (TS 23.140 §6.8) and X-Mms-Status of MM1.
enum class MmStatus : std::uint8_t {
  expired,
  retrieved,
  rejected,
  deferred,
  unrecognised,
  indeterminate,
  forwarded,
  unreachable,
  delivery_condition_not_met
};

/// One row of the table that maps both ways.
struct MmStatusRow {
  MmStatus status;
  std::string_view word;  // as MM7 writes it
  std::uint8_t octet;     // X-Mms-Status; 0: MM1 does not have it
  mime::DeliveryAction action;
  std::string_view code;  // RFC 3463
  std::string_view text;  // for people
};
[[nodiscard]] std::span<const MmStatusRow> mm_status_rows();
/// By word without case, or by octet; what neither knows is indeterminate.
[[nodiscard]] MmStatus mm_status_of(std::string_view word);
[[nodiscard]] MmStatus mm_status_of(std::uint8_t octet);

enum class MmReadStatus : std::uint8_t { read, deleted };

/// What both kinds of report mail are made from.
struct ReportSource {
  mime::Mailbox phone;  // whom it is about: the MM's recipient, with a domain
  mime::Mailbox to;     // DSN: return path of the mail; MDN: its Disposition-Notification-To
  Timestamp date;
  std::string message_id;           // of the report, without <>
  std::string our_host;             // of the gateway
  std::string reporting_system;     // the MMSC, as a domain; empty: us
  std::string envelope_id;          // ENVID of the mail; empty: none
  std::string original_recipient;   // ORCPT, or `rfc822;address`; empty: not known
  std::string original_message_id;  // of the mail, without <>
  std::string original_subject;
  std::string status_text;  // the MMSC's words; may be empty
};
struct DsnPolicy {
  bool rejected_is_failure = true;  // RFC 4356 lets a gateway tell a refusal as a delivery, for the reader's privacy
  bool reports_deferred = false;    // `delayed` for an MM that waits to be fetched
};
/// A whole mail, or nothing where the policy or the table has no report for the status. The envelope's sender is empty, always.
struct ReportMail {
  std::string mail_from;  // stays empty: nobody answers a report (RFC 3464 §2)
  std::string recipient;
  Bytes mail;
};
[[nodiscard]] std::optional<ReportMail> delivery_report_to_dsn(MmStatus status, const ReportSource& source, const DsnPolicy& policy = {});
[[nodiscard]] ReportMail read_report_to_mdn(MmReadStatus status, const ReportSource& source);

/// One delivery report of an MM; views as below.
struct MmDeliveryReport {
  std::string_view from;  // the recipient it is about
  MmStatus status = MmStatus::indeterminate;
  std::string_view status_text;
};
struct MmReadReport {
  std::string_view from;
  MmReadStatus status = MmReadStatus::read;
};
/// What a report mail says, as reports of MMS. Views live as long as the mail's bytes and its arena.
struct ReceivedReport {
  std::string_view message_id;   // of the message it is about, without <>
  std::string_view envelope_id;  // as we gave it with ENVID
  std::string_view to;           // whom it came to: the sender of that message
  std::optional<Timestamp> date;
  std::span<const MmDeliveryReport> deliveries;  // one for each recipient that has news; not those that are only late
  std::optional<MmReadReport> read;
};
/// Nothing when the mail is no report (RFC 3462). The lists are in the mail's arena.
[[nodiscard]] std::optional<ReceivedReport> read_report(mime::Message& mail);

}  // namespace pushmail::convert

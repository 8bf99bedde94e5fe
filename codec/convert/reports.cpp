// Reports both ways, from one table of statuses. Nothing of a peer reaches a header or a report field unescaped: addresses are those of
// codec/mime, and texts go through clean_value().
#include "codec/convert/reports.h"

#include <algorithm>
#include <array>

#include "codec/convert/text.h"
#include "codec/mime/compose.h"
#include "codec/mime/date.h"

namespace pushmail::convert {
namespace {

using mime::DeliveryAction;
using mime::DispositionType;

constexpr std::size_t value_size_max = 200;

// RFC 4356 table 4. It leaves the codes of Expired and Unreachable to the gateway: 4.4.7 is RFC 3463's "delivery time expired", 5.4.4 its
// "unable to route". Forwarded and DeliveryConditionNotMet are not in the table: the first has left our sight, the second is a policy.
constexpr auto rows = std::to_array<MmStatusRow>({
    {MmStatus::expired, "Expired", 0x80, DeliveryAction::failed, "4.4.7", "was not fetched in time"},
    {MmStatus::retrieved, "Retrieved", 0x81, DeliveryAction::delivered, "2.0.0", "has arrived on the phone"},
    {MmStatus::rejected, "Rejected", 0x82, DeliveryAction::failed, "5.7.1", "was refused"},
    {MmStatus::deferred, "Deferred", 0x83, DeliveryAction::delayed, "4.0.0", "waits to be fetched by the phone"},
    {MmStatus::unrecognised, "Unrecognised", 0x84, DeliveryAction::failed, "5.6.1", "could not be read by the phone"},
    {MmStatus::indeterminate, "Indeterminate", 0x85, DeliveryAction::relayed, "2.0.0", "was passed on; what became of it is not known"},
    {MmStatus::forwarded, "Forwarded", 0x86, DeliveryAction::relayed, "2.0.0", "was forwarded without being fetched"},
    {MmStatus::unreachable, "Unreachable", 0x87, DeliveryAction::failed, "5.4.4", "could not reach the phone"},
    {MmStatus::delivery_condition_not_met, "DeliveryConditionNotMet", 0, DeliveryAction::failed, "5.7.1",
     "was not delivered under the conditions of the sender"},
});

const MmStatusRow& row_of(MmStatus status) {
  return *std::find_if(rows.begin(), rows.end(), [&](const MmStatusRow& row) { return row.status == status; });
}

std::string_view word_of(DeliveryAction action) {
  switch (action) {
    case DeliveryAction::failed:
      return "failed";
    case DeliveryAction::delayed:
      return "delayed";
    case DeliveryAction::delivered:
      return "delivered";
    case DeliveryAction::expanded:
      return "expanded";
    case DeliveryAction::relayed:
    case DeliveryAction::unknown:
      break;
  }
  return "relayed";
}

/// What may stand in a report field: printable ASCII on one line.
std::string clean_value(std::string_view text) {
  std::string out;
  for (const char c : cut(text, value_size_max)) {
    if (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F)
      out += c;
    else if (out.empty() || out.back() != ' ')
      out += ' ';
  }
  return std::string(ascii_trim(out));
}
std::string clean_id(std::string_view text) {
  std::string out = clean_value(text);
  std::erase_if(out, [](char c) { return c == ' ' || c == '<' || c == '>'; });
  return out;
}

void write_field(Bytes& out, std::string_view name, std::string_view value) {
  const std::string clean = clean_value(value);
  if (clean.empty()) return;
  append(out, name);
  append(out, ": ");
  append(out, std::string_view(clean));
  append(out, "\r\n");
}

/// The mail around the three parts of a report (RFC 3462 §1): words, the fields of `machine`, and the header of the original.
Bytes report_mail(const ReportSource& source, std::string_view subject, std::string_view report_type, std::string_view machine_type,
                  std::string_view words, ByteView machine) {
  Bytes original;
  if (const std::string id = clean_id(source.original_message_id); !id.empty()) append(original, "Message-ID: <" + id + ">\r\n");
  if (!source.original_subject.empty()) mime::write_text_field(original, "Subject", source.original_subject);

  Bytes out;
  out.reserve(2048 + words.size() + machine.size() + original.size());
  append(out, "Date: " + format_rfc5322(source.date) + "\r\n");
  mime::write_mailboxes_field(out, "From", std::span(&source.phone, 1));
  mime::write_mailboxes_field(out, "To", std::span(&source.to, 1));
  mime::write_text_field(out, "Subject", subject);
  if (const std::string id = clean_id(source.message_id); !id.empty()) append(out, "Message-ID: <" + id + ">\r\n");
  if (const std::string id = clean_id(source.original_message_id); !id.empty()) append(out, "In-Reply-To: <" + id + ">\r\n");
  append(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");  // RFC 3834 §5
  const ByteView bodies[] = {bytes_of(words), machine, original};
  const std::string boundary = mime::make_boundary(source.message_id, bodies, mime::Written::encoded);
  append(out, "Content-Type: multipart/report");
  mime::write_parameter(out, "report-type", report_type);
  mime::write_parameter(out, "boundary", boundary);
  append(out, "\r\n\r\n--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\n");
  mime::write_body(out, bytes_of(words), mime::BodyForm::quoted_printable);
  append(out, "\r\n--" + boundary + "\r\nContent-Type: ");
  append(out, machine_type);
  append(out, "\r\n\r\n");
  append(out, machine);
  append(out, "\r\n--" + boundary + "\r\nContent-Type: text/rfc822-headers\r\n\r\n");
  append(out, ByteView(original));
  append(out, "\r\n--" + boundary + "--\r\n");
  return out;
}

std::string rfc822(const mime::Mailbox& mailbox) { return "rfc822;" + mailbox.address(); }

const mime::Part* part_of_type(const mime::Message& mail, std::string_view media_type) {
  const auto found =
      std::find_if(mail.parts.begin(), mail.parts.end(), [&](const mime::Part& part) { return part.media_type == media_type; });
  return found == mail.parts.end() ? nullptr : &*found;
}

std::string_view without_brackets(std::string_view value, Arena& arena) {
  value = ascii_trim(mime::decode_header(value, arena));
  if (value.starts_with('<')) value.remove_prefix(1);
  return value.substr(0, value.find('>'));
}

/// The id of the message that a report is about: of the whole message in it, or of its header alone.
std::string_view original_message_id(mime::Message& mail) {
  for (std::size_t i = 1; i < mail.parts.size(); ++i) {
    const mime::Part& part = mail.parts[i];
    if (mail.parts[part.parent].media_type == "message/rfc822") {
      if (const std::string_view id = part.field("Message-ID"); !id.empty()) return without_brackets(id, mail.arena);
    }
    if (part.media_type == "text/rfc822-headers") {
      const auto header = mime::parse(mime::decode_body(part, mail.arena));
      if (header && !header->parts.front().field("Message-ID").empty())
        return mail.arena.copy(without_brackets(header->parts.front().field("Message-ID"), mail.arena));
    }
  }
  return {};
}

/// RFC 4356, DSN -> delivery report. `delayed` is no news that a phone could use, and must not become Deferred.
std::optional<MmStatus> status_of(DeliveryAction action) {
  switch (action) {
    case DeliveryAction::delivered:
      return MmStatus::retrieved;
    case DeliveryAction::failed:
      return MmStatus::unreachable;
    case DeliveryAction::relayed:
    case DeliveryAction::expanded:
      return MmStatus::forwarded;
    case DeliveryAction::delayed:
    case DeliveryAction::unknown:
      break;
  }
  return std::nullopt;
}

/// RFC 4356, MDN -> read report.
std::optional<MmReadStatus> read_status_of(DispositionType type) {
  switch (type) {
    case DispositionType::displayed:
      return MmReadStatus::read;
    case DispositionType::deleted:
    case DispositionType::denied:
    case DispositionType::failed:
      return MmReadStatus::deleted;
    case DispositionType::dispatched:
    case DispositionType::processed:
    case DispositionType::unknown:
      break;
  }
  return std::nullopt;
}

std::string_view recipient_of(std::string_view original, std::string_view final_recipient) {
  return original.empty() ? final_recipient : original;
}

}  // namespace

std::span<const MmStatusRow> mm_status_rows() { return rows; }

MmStatus mm_status_of(std::string_view word) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const MmStatusRow& r) { return ascii_equal_nocase(r.word, word); });
  return row == rows.end() ? MmStatus::indeterminate : row->status;
}

MmStatus mm_status_of(std::uint8_t octet) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const MmStatusRow& r) { return octet != 0 && r.octet == octet; });
  return row == rows.end() ? MmStatus::indeterminate : row->status;
}

std::optional<ReportMail> delivery_report_to_dsn(MmStatus status, const ReportSource& source, const DsnPolicy& policy) {
  if (status == MmStatus::deferred && !policy.reports_deferred) return std::nullopt;
  MmStatusRow row = row_of(status);
  if (status == MmStatus::rejected && !policy.rejected_is_failure) {
    row.action = DeliveryAction::delivered;
    row.code = "2.0.0";
    row.text = row_of(MmStatus::retrieved).text;
  }
  const std::string address = source.phone.address();
  std::string words = "Your message to " + address + " " + std::string(row.text) + ".\r\n";
  if (!source.original_subject.empty()) words += "\r\nSubject: " + readable(source.original_subject) + "\r\n";
  if (!source.status_text.empty()) words += "\r\nThe network says: " + readable(cut(source.status_text, value_size_max)) + "\r\n";

  Bytes machine;
  // RFC 3464 §2.2: the system that reports, the gateway that translated it (mandatory here), and the mail's envelope id.
  write_field(machine, "Original-Envelope-Id", source.envelope_id);
  write_field(machine, "Reporting-MTA", source.reporting_system.empty() ? "dns;" + source.our_host : "x-mms;" + source.reporting_system);
  write_field(machine, "DSN-Gateway", "dns;" + source.our_host);
  append(machine, std::string_view("\r\n"));
  write_field(machine, "Original-Recipient", source.original_recipient);
  write_field(machine, "Final-Recipient", rfc822(source.phone));
  write_field(machine, "Action", word_of(row.action));
  write_field(machine, "Status", row.code);
  if (row.action == DeliveryAction::failed)
    write_field(machine, "Diagnostic-Code",
                "x-mms;" + std::string(row.word) + (source.status_text.empty() ? "" : " " + source.status_text));
  write_field(machine, "Last-Attempt-Date", format_rfc5322(source.date));
  const std::string_view subject = row.action == DeliveryAction::failed      ? "Undelivered: "
                                   : row.action == DeliveryAction::delivered ? "Delivered: "
                                                                             : "Delivery status: ";
  return ReportMail{.mail_from = {},
                    .recipient = source.to.address(),
                    .mail = report_mail(source, std::string(subject) + source.original_subject, "delivery-status",
                                        "message/delivery-status", words, machine)};
}

ReportMail read_report_to_mdn(MmReadStatus status, const ReportSource& source) {
  const bool is_read = status == MmReadStatus::read;
  const std::string words = "Your message to " + source.phone.address() +
                            (is_read ? " was displayed.\r\n" : " was deleted without being displayed.\r\n") +
                            (source.original_subject.empty() ? "" : "\r\nSubject: " + readable(source.original_subject) + "\r\n");
  Bytes machine;
  write_field(machine, "Reporting-UA", source.our_host + "; pushmail");
  write_field(machine, "MDN-Gateway", "dns;" + source.our_host);  // RFC 3798 §3.2.2
  write_field(machine, "Original-Recipient", source.original_recipient);
  write_field(machine, "Final-Recipient", rfc822(source.phone));
  if (const std::string id = clean_id(source.original_message_id); !id.empty()) write_field(machine, "Original-Message-ID", "<" + id + ">");
  // The phone's user did it and allowed that it is told (RFC 3798 §3.2.6).
  write_field(machine, "Disposition", std::string("manual-action/MDN-sent-manually; ") + (is_read ? "displayed" : "deleted"));
  return {.mail_from = {},
          .recipient = source.to.address(),
          .mail = report_mail(source, std::string(is_read ? "Read: " : "Deleted: ") + source.original_subject, "disposition-notification",
                              "message/disposition-notification", words, machine)};
}

std::optional<ReceivedReport> read_report(mime::Message& mail) {
  const mime::Part* delivery = part_of_type(mail, "message/delivery-status");
  const mime::Part* disposition = part_of_type(mail, "message/disposition-notification");
  if (delivery == nullptr && disposition == nullptr) return std::nullopt;
  Arena& arena = mail.arena;
  ReceivedReport report;
  const mime::Part& header = mail.parts.front();
  report.date = mime::parse_date(header.field("Date"));
  if (const auto to = mime::parse_mailboxes(header.field("To"), arena); !to.empty())
    report.to = format_in(arena, "{}@{}", to.front().local_part, to.front().domain);
  report.message_id = original_message_id(mail);
  if (delivery != nullptr) {
    const mime::DeliveryStatus status = mime::read_delivery_status(mime::decode_body(*delivery, arena), arena);
    report.envelope_id = status.original_envelope_id;
    ArenaList<MmDeliveryReport> deliveries(arena);
    for (const mime::RecipientStatus& recipient : status.recipients) {
      const auto mm_status = status_of(recipient.action);
      if (!mm_status) continue;
      deliveries.push_back({.from = recipient_of(recipient.original_recipient, recipient.final_recipient),
                            .status = *mm_status,
                            .status_text = recipient.diagnostic.empty() ? recipient.status : recipient.diagnostic});
    }
    report.deliveries = deliveries.take();
    return report;
  }
  const mime::DispositionNotification notification = mime::read_disposition_notification(mime::decode_body(*disposition, arena), arena);
  if (!notification.original_message_id.empty()) report.message_id = notification.original_message_id;
  if (const auto status = read_status_of(notification.type)) {
    report.read = MmReadReport{.from = recipient_of(notification.original_recipient, notification.final_recipient), .status = *status};
  }
  return report;
}

}  // namespace pushmail::convert

// Came from: mail_to_mm.cpp, with a report that sort_parts.cpp found without words. One sentence for each action of RFC 3464 §2.3.3 and
// each disposition of RFC 3798 §3.2.6.2.
#include "codec/convert/report_text.h"

#include <algorithm>
#include <array>

#include "codec/convert/text.h"
#include "codec/mime/report.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t recipients_max = 5;  // told one by one
constexpr std::size_t reason_size_max = 300;
constexpr std::size_t address_size_max = 254;  // RFC 5321 §4.5.3.1.3

using mime::DeliveryAction;
using mime::DispositionType;

struct ActionWords {
  DeliveryAction action;
  std::string_view words;
};
constexpr auto actions = std::to_array<ActionWords>({{DeliveryAction::failed, "Not delivered to "},
                                                     {DeliveryAction::delayed, "Not delivered yet to "},
                                                     {DeliveryAction::delivered, "Delivered to "},
                                                     {DeliveryAction::relayed, "Passed on, and no more is known of it, to "},
                                                     {DeliveryAction::expanded, "Passed on to the members of "},
                                                     {DeliveryAction::unknown, "Report about the mail to "}});
struct DispositionWords {
  DispositionType type;
  std::string_view words;
};
constexpr auto dispositions = std::to_array<DispositionWords>({{DispositionType::displayed, "Opened by "},
                                                               {DispositionType::deleted, "Deleted without being opened by "},
                                                               {DispositionType::dispatched, "Passed on by "},
                                                               {DispositionType::processed, "Processed for "},
                                                               {DispositionType::denied, "No word about its reading from "},
                                                               {DispositionType::failed, "Could not be opened by "},
                                                               {DispositionType::unknown, "Report about the mail from "}});

std::string_view person(std::string_view original, std::string_view final_recipient, Arena& arena) {
  const std::string_view address = final_recipient.empty() ? original : final_recipient;
  return address.empty() ? std::string_view("an unnamed recipient") : readable(cut(address, address_size_max), arena);
}

/// The header of the mail that a report holds, or that of its header alone, is the place of its subject.
std::string_view original_subject(const mime::Message& mail, std::size_t report, Arena& arena) {
  for (std::size_t i = report + 1; i < mail.parts.size(); ++i) {
    const mime::Part& part = mail.parts[i];
    if (part.parent != mail.parts[report].parent) continue;
    const bool is_message = part.media_type == "message/rfc822" || part.media_type == "message/global";
    if (is_message && i + 1 < mail.parts.size() && mail.parts[i + 1].parent == i)
      return mime::decode_header(mail.parts[i + 1].field("Subject"), arena, mail.raw_charset);
    if (!part.media_type.ends_with("/rfc822-headers")) continue;
    const auto header = mime::parse(mime::decode_body(part, arena));
    if (header) return arena.copy(mime::decode_header(header->parts.front().field("Subject"), arena));
  }
  return {};
}

void add_delivery(ArenaText& out, const mime::RecipientStatus& recipient, Arena& arena) {
  const auto row = std::find_if(actions.begin(), actions.end(), [&](const ActionWords& r) { return r.action == recipient.action; });
  out += row->words;
  out += person(recipient.original_recipient, recipient.final_recipient, arena);
  const bool is_news = recipient.action != DeliveryAction::delivered;
  const std::string_view reason = recipient.diagnostic.empty() ? recipient.status : recipient.diagnostic;
  if (is_news && !reason.empty()) {
    out += ": ";
    out += readable(cut(reason, reason_size_max), arena);
  }
  if (recipient.action == DeliveryAction::delayed && !recipient.will_retry_until.empty()) {
    out += "\nIt is tried until ";
    out += readable(cut(recipient.will_retry_until, 64), arena);
  }
  out += '\n';
}

}  // namespace

bool is_report_for_machines(const mime::Part& part) {
  return part.media_type == "message/delivery-status" || part.media_type == "message/disposition-notification" ||
         part.media_type == "message/global-delivery-status" || part.media_type == "message/global-disposition-notification";
}

std::string_view report_text(const mime::Message& mail, std::size_t part, Arena& arena) {
  ArenaText out(arena);
  const ByteView body = mime::decode_body(mail.parts[part], arena);
  if (mail.parts[part].media_type.ends_with("delivery-status")) {
    const mime::DeliveryStatus status = mime::read_delivery_status(body, arena);
    if (status.recipients.empty()) return {};
    const std::size_t told = std::min(status.recipients.size(), recipients_max);
    for (const mime::RecipientStatus& recipient : status.recipients.first(told)) add_delivery(out, recipient, arena);
    if (told < status.recipients.size()) {
      out += "and to ";
      append_number(out, status.recipients.size() - told);
      out += " more\n";
    }
  } else {
    const mime::DispositionNotification notification = mime::read_disposition_notification(body, arena);
    if (notification.type == DispositionType::unknown && notification.final_recipient.empty()) return {};
    const auto row =
        std::find_if(dispositions.begin(), dispositions.end(), [&](const DispositionWords& r) { return r.type == notification.type; });
    out += row->words;
    out += person(notification.original_recipient, notification.final_recipient, arena);
    out += '\n';
  }
  if (const std::string_view subject = original_subject(mail, part, arena); !subject.empty()) {
    out += "Subject: ";
    out += readable(subject, arena);
  }
  return out.take_view();
}

}  // namespace pushmail::convert

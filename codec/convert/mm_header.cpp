// An MM's header fields, from MM7 and MM1, and the SMTP envelope that they ask for (RFC 4356 §2.1.1, column SMTP).
//
// Came from: codec/mm7 DeliverReq, codec/mms Pdu. Goes to: mm_to_mail.cpp, and the SMTP client.
#include "codec/convert/mm_header.h"

#include <algorithm>

#include "codec/convert/errors.h"
#include "codec/mime/errors.h"
#include "codec/mms/pdu.h"
#include "codec/wap/address.h"
#include "codec/wap/numbering.h"
#include "core/ascii.h"

namespace pushmail::convert {
namespace {

/// `+15550100002/TYPE=PLMN`, `joe@example.com` or `Joe <joe@example.com>` as MM1 writes them (OMA-MMS-ENC 1.2 §8).
mm7::Address address_of(std::string_view text) {
  const std::string_view bare = wap::strip_type(text);
  if (bare.find('@') != std::string_view::npos) return {.kind = mm7::AddressKind::rfc2822, .value = std::string(bare)};
  const std::string_view digits = bare.starts_with('+') ? bare.substr(1) : bare;
  return {.kind = is_digits(digits) ? mm7::AddressKind::number : mm7::AddressKind::short_code, .value = std::string(bare)};
}

template <class List>
void add_recipients(std::vector<mm7::Recipient>& out, mm7::RecipientField field, const List& addresses) {
  for (const auto& address : addresses) out.push_back({.field = field, .address = address_of(std::string_view(address))});
}

/// Seconds since 1970 of a stranger, at most the year 9999.
Timestamp timestamp_of(std::uint64_t at) { return {static_cast<std::int64_t>(std::min<std::uint64_t>(at, 253'402'300'799)) * 1'000'000}; }

bool is_class(const MmHeader& header, std::string_view name) { return ascii_equal_nocase(header.message_class, name); }

}  // namespace

MmHeader header_of(const mm7::DeliverReq& request) {
  MmHeader header;
  header.sender = request.sender;
  header.recipients = request.recipients;
  header.date = request.time_stamp;
  header.subject = !request.subject.empty() ? request.subject : request.content.subject;
  header.priority = request.priority;
  // A ReplyChargingID of MM7 names a message that we sent ourselves: it is the thread that is answered, and no reason to refuse.
  header.previous_senders = request.previous_senders;
  header.previous_dates = request.previous_dates;
  return header;
}

MmHeader header_of(const mms::Pdu& pdu) {
  MmHeader header;
  if (pdu.from && pdu.from->kind == mms::From::Kind::address) header.sender = address_of(pdu.from->address);
  add_recipients(header.recipients, mm7::RecipientField::to, pdu.to);
  add_recipients(header.recipients, mm7::RecipientField::cc, pdu.cc);
  add_recipients(header.recipients, mm7::RecipientField::bcc, pdu.bcc);
  if (pdu.date) header.date = timestamp_of(*pdu.date);
  header.subject = pdu.subject;
  header.message_id = pdu.message_id;
  header.message_class = pdu.message_class;
  if (pdu.priority == static_cast<std::uint8_t>(mms::Priority::high)) header.priority = "High";
  if (pdu.priority == static_cast<std::uint8_t>(mms::Priority::low)) header.priority = "Low";
  if (pdu.expiry) {
    // A hundred years from now are as good as no limit, and more is no Duration.
    if (pdu.expiry->kind == mms::TimeValue::Kind::absolute)
      header.expiry = timestamp_of(pdu.expiry->seconds);
    else
      header.expiry = seconds(static_cast<std::int64_t>(std::min<std::uint64_t>(pdu.expiry->seconds, 3'155'760'000)));
  }
  for (const mms::PreviousSender& sender : pdu.previously_sent_by) {
    header.previous_senders.push_back({.address = address_of(sender.address),
                                       .sequence = static_cast<std::uint32_t>(std::min<std::uint64_t>(sender.number, UINT32_MAX))});
  }
  for (const mms::PreviousDate& date : pdu.previously_sent_date) {
    header.previous_dates.push_back(
        {.at = timestamp_of(date.seconds), .sequence = static_cast<std::uint32_t>(std::min<std::uint64_t>(date.number, UINT32_MAX))});
  }
  header.delivery_report = pdu.delivery_report;
  header.read_report = pdu.read_report.value_or(false);
  constexpr std::uint8_t hide = 0x80;  // OMA-MMS-ENC 1.2 §7.2.28
  header.hide_sender = pdu.sender_visibility == hide;
  constexpr std::uint8_t accepted = 0x82;  // and 0x83, for text only: this message is the reply that was paid for
  header.reply_charging = pdu.reply_charging.value_or(0) >= accepted && !pdu.reply_charging_id.empty();
  return header;
}

mime::Mailbox mailbox_of(const mm7::Address& address, std::string_view our_domain) {
  if (address.kind == mm7::AddressKind::rfc2822) {
    auto read = mime::parse_address(address.value);
    if (read) return std::move(*read);
    // With a name in front, as in a header.
    for (mime::Mailbox& mailbox : mime::parse_mailboxes(address.value)) {
      if (auto bare = mime::parse_address(mailbox.address())) {
        bare->display_name = std::move(mailbox.display_name);
        return std::move(*bare);
      }
    }
    return {};
  }
  // RFC 4356 §2.1.1: never a bare number.
  std::string number(wap::strip_type(address.value));
  std::erase_if(number, [](char c) { return !(is_alphanumeric(c) || c == '+' || c == '-' || c == '.'); });
  if (number.empty()) return {};
  // Short codes and national numbers stay what they are.
  const bool is_international =
      address.kind == mm7::AddressKind::number && !number.starts_with('+') && wap::Numbering().read(number).has_value();
  return {.display_name = {}, .local_part = (is_international ? "+" : "") + number, .domain = std::string(our_domain)};
}

bool is_automatic(const MmHeader& header) { return is_class(header, "Auto"); }
bool is_bulk(const MmHeader& header) { return is_class(header, "Auto") || is_class(header, "Advertisement"); }

Result<void> check_can_be_mail(const MmHeader& header) {
  if (header.hide_sender) return fail(convert_hidden_sender);
  if (header.reply_charging) return fail(convert_reply_charging);
  return {};
}

Result<SmtpEnvelope> envelope_of(const MmHeader& header, const MmToMailOptions& options) {
  if (const auto possible = check_can_be_mail(header); !possible) return std::unexpected(possible.error());
  SmtpEnvelope envelope;
  if (!is_automatic(header)) {
    const mime::Mailbox from = options.from.local_part.empty() ? mailbox_of(header.sender, options.our_domain) : options.from;
    if (from.local_part.empty()) return fail(convert_no_sender);
    envelope.mail_from = from.address();
  }
  const auto add = [&](const mime::Mailbox& mailbox) {
    SmtpRecipient recipient{.address = mailbox.address(), .notify = {}, .original = {}};
    if (header.delivery_report) {
      recipient.notify = *header.delivery_report ? Notify{.success = true, .failure = true} : Notify{.never = true};
      recipient.original = "rfc822;" + recipient.address;
    }
    envelope.recipients.push_back(std::move(recipient));
  };
  if (!options.to.empty() || !options.cc.empty()) {
    for (const mime::Mailbox& mailbox : options.to) add(mailbox);
    for (const mime::Mailbox& mailbox : options.cc) add(mailbox);
  } else {
    for (const mm7::Recipient& recipient : header.recipients) {
      if (recipient.address.display_only) continue;
      if (recipient.address.kind == mm7::AddressKind::rfc2822) {
        PM_TRY(const mime::Mailbox mailbox, mime::parse_address(recipient.address.value));
        add(mailbox);
        continue;
      }
      const mime::Mailbox mailbox = mailbox_of(recipient.address, options.our_domain);
      if (mailbox.local_part.empty()) return fail(mime::mime_bad_address);
      add(mailbox);
    }
  }
  if (header.delivery_report == true) envelope.envelope_id = options.message_id;
  if (header.expiry) {
    // RFC 2852 §4: by-time is what is left, in seconds; 0 and less would mean that it is too late already.
    const auto* at = std::get_if<Timestamp>(&*header.expiry);
    const std::int64_t left = at != nullptr ? (at->us - options.date.us) / 1'000'000 : std::get<Duration>(*header.expiry).ms() / 1000;
    constexpr std::int64_t by_time_max = 999'999'999;  // nine digits
    envelope.deliver_by = DeliverBy{.seconds = std::clamp<std::int64_t>(left, 1, by_time_max), .mode = DeliverBy::Mode::return_it};
  }
  return envelope;
}

}  // namespace pushmail::convert

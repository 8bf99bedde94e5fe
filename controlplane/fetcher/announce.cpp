#include "controlplane/fetcher/announce.h"

#include <algorithm>

#include "codec/mime/authentication.h"
#include "codec/mime/message.h"
#include "controlplane/fetcher/mail_date.h"
#include "core/utf8.h"

namespace pushmail::mailbox {

namespace {

constexpr std::size_t subject_size_max = 1000;
constexpr std::size_t message_id_size_max = 500;
// RFC 5322 §3.6.4 lets threads grow without end; the first and the nearest are what a client joins by.
constexpr std::size_t reference_count_max = 20;

// The text between each `<` and `>`: msg-id of RFC 5322 §3.6.4.
std::vector<std::string> message_ids(std::string_view value) {
  std::vector<std::string> ids;
  for (std::size_t open; (open = value.find('<')) != std::string_view::npos;) {
    value.remove_prefix(open + 1);
    const std::size_t close = value.find('>');
    if (close == std::string_view::npos) break;
    const std::string_view id = ascii_trim(value.substr(0, close));
    const bool is_plain = std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7F && c != '<'; });
    if (!id.empty() && id.size() <= message_id_size_max && is_plain) ids.emplace_back(id);
    value.remove_prefix(close + 1);
  }
  return ids;
}

std::string shown(const mime::Mailbox& mailbox) {
  return mailbox.display_name.empty() ? mailbox.address() : mailbox.display_name + " <" + mailbox.address() + ">";
}

}  // namespace

Announcement announce(const Arrival& arrival) {
  Announcement result;
  // An empty line after the fields makes them a whole message.
  const std::string whole = arrival.header + "\r\n\r\n";
  const auto message = mime::parse(bytes_of(whole));
  if (!message || message->parts.empty()) return result;
  const mime::Part& mail = message->parts.front();

  result.subject = cut_utf8(mime::decode_header(mail.field("Subject")), subject_size_max);
  const auto from = mime::parse_mailboxes(mail.field("From"));
  if (!from.empty()) result.sender = cut_utf8(shown(from.front()), subject_size_max);
  const auto reply_to = mime::parse_mailboxes(mail.field("Reply-To"));
  if (!reply_to.empty()) result.reply_to = cut_utf8(reply_to.front().address(), subject_size_max);
  result.authentication = mime::to_string(mime::authentication_of(mail));
  if (const auto ids = message_ids(mail.field("Message-ID")); !ids.empty()) result.message_id = ids.front();

  result.references = message_ids(mail.field("References"));
  if (result.references.empty()) result.references = message_ids(mail.field("In-Reply-To"));
  if (result.references.size() > reference_count_max) {
    result.references.erase(result.references.begin() + 1, result.references.end() - static_cast<std::ptrdiff_t>(reference_count_max) + 1);
  }
  result.date = parse_mail_date(mail.field("Date")).value_or(Timestamp{});
  return result;
}

Newest newest_of(const Arrival& arrival, Timestamp now, Timestamp before) {
  const Announcement said = announce(arrival);
  const Timestamp date = arrival.received.us != 0 ? arrival.received : std::max(std::min(said.date, now), before);
  return {.message_id = said.message_id, .received = date};
}

}  // namespace pushmail::mailbox

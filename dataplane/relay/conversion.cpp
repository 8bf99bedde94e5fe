#include "dataplane/relay/conversion.h"

#include <algorithm>
#include <utility>

#include "codec/convert/convert.h"
#include "codec/mime/authentication.h"
#include "codec/mime/message.h"
#include "codec/mime/unpack.h"
#include "codec/scan/mail.h"
#include "dataplane/relay/errors.h"
#include "dataplane/relay/sender.h"

namespace pushmail::relay {

namespace {

std::string_view trim_angles(std::string_view id) {
  id = ascii_trim(id);
  if (id.starts_with('<')) id.remove_prefix(1);
  if (id.ends_with('>')) id.remove_suffix(1);
  return id;
}

// Message ids of a References or In-Reply-To field, in order.
void add_message_ids(std::vector<std::string>& ids, std::string_view field) {
  while (true) {
    const std::size_t open = field.find('<');
    const std::size_t close = field.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return;
    ids.emplace_back(field.substr(open + 1, close - open - 1));
    field.remove_prefix(close + 1);
  }
}

// A first line may be the whole message: what decides a route stands at the beginning, and a handoff record has its bound.
void clip_texts(Peeked& peeked) {
  for (std::string* text : {&peeked.linked_id, &peeked.subject, &peeked.first_line, &peeked.header_from, &peeked.message_id}) {
    text->resize(clip_utf8(*text).size());
  }
  for (std::string& reference : peeked.references) reference.resize(clip_utf8(reference).size());
}

Result<Peeked> peek_mm7(const Conversion& conversion) {
  PM_TRY(const mm7::Request request, mm7::parse_request(conversion.content_type, conversion.body));
  const auto* deliver = std::get_if<mm7::DeliverReq>(&request);
  if (deliver == nullptr) return fail(relay_not_deliver);
  const auto phone = phone_of_sender(deliver->sender, conversion.sender_forms, conversion.numbering);
  Peeked peeked{.transaction_id = deliver->transaction_id,
                .linked_id = deliver->linked_id,
                .sender = phone ? phone_form(*phone) : std::string(),
                .recipients = {},
                .subject = deliver->subject.empty() ? deliver->content.subject : deliver->subject,
                .first_line = convert::first_text_line(deliver->content),
                .header_from = {},
                .authentication = {},
                .message_id = {},
                .references = {}};
  clip_texts(peeked);
  for (const mm7::Recipient& recipient : deliver->recipients) {
    if (!recipient.address.display_only) peeked.recipients.push_back(address_form(recipient.address));
  }
  return peeked;
}

Result<Peeked> peek_mail(const Conversion& conversion) {
  PM_TRY(const mime::Message message, mime::parse(conversion.body));
  Peeked peeked;
  if (message.parts.empty()) return peeked;
  const mime::Part& head = message.parts.front();
  peeked.subject = mime::decode_header(head.field("Subject"));
  peeked.header_from = mime::decode_header(head.field("From"));
  const auto from = mime::parse_mailboxes(head.field("From"));
  if (!from.empty()) peeked.sender = "mail:" + from.front().address();
  peeked.authentication = mime::to_string(mime::authentication_of(head));
  peeked.message_id = trim_angles(head.field("Message-ID"));
  add_message_ids(peeked.references, head.field("References"));
  add_message_ids(peeked.references, head.field("In-Reply-To"));
  clip_texts(peeked);
  return peeked;
}

std::vector<mime::Mailbox> mailboxes_of(const std::vector<std::string>& values) {
  std::vector<mime::Mailbox> mailboxes;
  for (const std::string& value : values) {
    for (mime::Mailbox& mailbox : mime::parse_mailboxes(value)) mailboxes.push_back(std::move(mailbox));
  }
  return mailboxes;
}

Result<Bytes> make_mail(const Conversion& conversion) {
  PM_TRY(const mm7::Request request, mm7::parse_request(conversion.content_type, conversion.body));
  const auto* deliver = std::get_if<mm7::DeliverReq>(&request);
  if (deliver == nullptr) return fail(relay_not_deliver);
  const MailRoute& route = conversion.mail_route;
  auto from = mime::parse_mailboxes(route.header_from);
  if (from.empty()) return fail(relay_bad_route);
  convert::MmToMailOptions options{.from = std::move(from.front()),
                                   .to = mailboxes_of(route.header_to),
                                   .cc = {},
                                   .subject = route.new_subject,
                                   .message_id = to_string(conversion.item) + "@" + conversion.our_domain,
                                   .in_reply_to = route.in_reply_to,
                                   .references = route.references,
                                   .date = conversion.accepted,
                                   .trace = "00-" + to_string(conversion.trace) + "-" + to_string(conversion.trace).substr(0, 16) + "-01",
                                   .our_domain = conversion.our_domain,
                                   .drop_first_line = route.drop_first_line,
                                   .drop_address_only = route.drop_address_only};
  return convert::mm_to_mail(*deliver, options);
}

Result<mm7::HttpEntity> make_submit(const Conversion& conversion, std::vector<std::string>& decisions) {
  const MmRoute& route = conversion.mm_route;
  const mm7::Address sender = address_of(route.sender_address);
  const std::vector<std::string_view> own_addresses(route.own_addresses.begin(), route.own_addresses.end());
  const convert::MailToMmOptions options{.profile = {.size_max = route.mm_size_max,
                                                     .encoded_size_max = route.mm_size_max,
                                                     .base64_parts = route.dialect.parts_base64,
                                                     .smil = true},
                                         .sender_in_text = sender.kind != mm7::AddressKind::rfc2822,
                                         .content_id_domain = conversion.our_domain,
                                         .item_id = to_string(conversion.item),
                                         .own_addresses = own_addresses};
  PM_TRY(const convert::MailToMm made, convert::mail_to_mm(conversion.body, options));
  for (const convert::Decision& decision : made.decisions)
    decisions.push_back(std::string(decision.what) + ": " + std::string(decision.rule));
  convert::SubmissionOptions how;
  how.transaction_id = transaction_id_of(conversion.item);
  how.sender = sender;
  how.recipients.push_back({.phone = {.kind = mm7::AddressKind::number, .value = "+" + route.msisdn}, .address = {}, .notify = {}});
  // Each phone gets a SubmitReq of its own, so that one number that is refused is nobody else's trouble.
  PM_CHECK(route.dialect.recipients_max == 0 || how.recipients.size() <= route.dialect.recipients_max);
  how.subject = route.subject;
  how.accepted = conversion.accepted;
  how.expiry = route.expiry;
  const convert::Submission submission = convert::submission_of(made, how);
  return mm7::encode(submission.request, route.dialect);
}

std::vector<RuleMatch> matches_of(ByteView mail, const Conversion& conversion, const ContentRules& rules) {
  std::vector<RuleMatch> matches;
  if (!conversion.under_rules || rules.set == nullptr || rules.set->rules().empty()) return matches;
  auto message = mime::parse(mail);
  // What cannot be read at all is said by the conversion.
  if (!message) return matches;
  // Whoever wraps it must not get past the rules.
  mime::unpack(*message);
  const scan::MailPieces pieces = scan::pieces_of(*message);
  const scan::Outcome outcome = rules.set->scan(pieces.pieces, *rules.scratch);
  for (const scan::Match& match : outcome.matches) {
    const scan::Rule& rule = rules.set->rules()[match.rule];
    matches.push_back({.id = rule.id, .action = rule.action, .tag = rule.tag});
  }
  return matches;
}

}  // namespace

const RuleMatch* stopping_rule(const Converted& converted) {
  // What came out of a mailbox lies there; a mail that was handed in, and what a phone wrote, lie nowhere else.
  const bool lies_elsewhere = converted.work == Work::mm;
  const auto stops = [&](const RuleMatch& rule) {
    return lies_elsewhere ? rule.action != scan::Action::tag : rule.action == scan::Action::reject;
  };
  const auto found = std::find_if(converted.rules.begin(), converted.rules.end(), stops);
  return found == converted.rules.end() ? nullptr : &*found;
}

Converted convert(Conversion conversion, const ContentRules& rules) {
  Converted converted;
  converted.item = conversion.item;
  converted.work = conversion.work;
  const auto note = [&](const auto& result) {
    if (!result) converted.error = result.error();
    return result.has_value();
  };
  // What a phone wrote is looked at as the mail that it becomes: rules know header fields and texts of mails.
  const bool becomes_mail = conversion.content == Content::mm7;
  if (!becomes_mail) converted.rules = matches_of(conversion.body, conversion, rules);
  if (stopping_rule(converted) != nullptr) {
    converted.body = std::move(conversion.body);
    return converted;
  }
  switch (conversion.work) {
    case Work::peek: {
      auto peeked = conversion.content == Content::mm7 ? peek_mm7(conversion) : peek_mail(conversion);
      if (note(peeked)) converted.peeked = std::move(*peeked);
      break;
    }
    case Work::mail: {
      auto mail = make_mail(conversion);
      if (!note(mail)) break;
      if (becomes_mail) converted.rules = matches_of(*mail, conversion, rules);
      if (stopping_rule(converted) == nullptr) converted.output = std::move(*mail);
      break;
    }
    case Work::mm: {
      auto entity = make_submit(conversion, converted.decisions);
      if (note(entity)) {
        converted.content_type = std::move(entity->content_type);
        converted.output = std::move(entity->body);
      }
      break;
    }
  }
  converted.body = std::move(conversion.body);
  return converted;
}

std::string address_form(const mm7::Address& address) {
  switch (address.kind) {
    case mm7::AddressKind::number:
      return "number:" + address.value;
    case mm7::AddressKind::short_code:
      return "short:" + address.value;
    case mm7::AddressKind::rfc2822:
      break;
  }
  return "mail:" + address.value;
}

mm7::Address address_of(std::string_view form) {
  constexpr std::pair<std::string_view, mm7::AddressKind> prefixes[] = {
      {"number:", mm7::AddressKind::number}, {"short:", mm7::AddressKind::short_code}, {"mail:", mm7::AddressKind::rfc2822}};
  for (const auto& [prefix, kind] : prefixes) {
    if (form.starts_with(prefix)) return {.kind = kind, .value = std::string(form.substr(prefix.size()))};
  }
  return {.kind = mm7::AddressKind::rfc2822, .value = std::string(form)};
}

}  // namespace pushmail::relay

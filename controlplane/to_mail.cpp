#include "controlplane/to_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "codec/convert/convert.h"
#include "codec/sms/automatic.h"
#include "controlplane/destination.h"
#include "controlplane/notify/texts.h"
#include "controlplane/store/ledger.h"
#include "controlplane/strangers.h"
#include "core/contract/handoff/peer.h"
#include "core/log.h"
#include "core/record_fields.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;
namespace verdict = handoff::verdict;

constexpr std::uint64_t lifetime_yes_s = 30;  // how long the data plane may keep an answer: a removed binding ends soon,
constexpr std::uint64_t lifetime_busy_s = 2;  // a budget has room again soon,
constexpr std::uint64_t lifetime_no_s = 0;    // and a new or resumed binding begins at once
constexpr std::int64_t day_us = 86'400LL * 1'000'000;

// `Name <address>`, quoted where RFC 5322 asks for it; encoding is the codec's work.
std::string header_form(const mime::Mailbox& mailbox) {
  if (mailbox.display_name.empty()) return mailbox.address();
  std::string quoted;
  for (const char c : mailbox.display_name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("\"{}\" <{}>", quoted, mailbox.address());
}

bool is_reply_subject(std::string_view subject) { return ascii_starts_with_nocase(subject, "re:"); }

// A phone may name one friend by two of his numbers' forms, or an address twice: he gets one mail. The first keeps its place and its name.
void drop_repeated(std::vector<mime::Mailbox>& mailboxes) {
  std::set<std::pair<std::string, std::string>> known;
  std::erase_if(mailboxes, [&](const mime::Mailbox& one) {
    std::string domain = one.domain;
    std::ranges::transform(domain, domain.begin(), ascii_lower);
    return !known.emplace(one.local_part, std::move(domain)).second;
  });
}

}  // namespace

// ---- who may send ----------------------------------------------------------------------------------------------------------------

Result<bool> ToMail::explain_inactive(const Msisdn& phone, const std::vector<Binding>& bound) {
  // One explaining SMS a day (docs/design.md, Addresses the phone can answer).
  const Timestamp now = ports_.clock.wall();
  return queue_limited_sms(ports_.store,
                           {.msisdn = phone, .text = notify::inactive_text(bound), .kind = SmsKind::subscribe, .created = now}, 1,
                           {now.us - day_us});
}

Result<ToMail::Admission> ToMail::admit_sender(std::string_view form) {
  const auto phone = sender_of_form(ports_.settings.numbering, form);
  if (!phone) return Admission{.verdicts = {verdict::bad_address}};
  PM_TRY(const auto bound, ports_.store.bindings_of(*phone));
  if (std::ranges::any_of(bound, &Binding::is_active)) return Admission{.verdicts = {verdict::accepted}};
  PM_TRY(const bool told, explain_inactive(*phone, bound));
  return Admission{.verdicts = {bound.empty() ? verdict::not_bound : verdict::suspended}, .sms_queued = told};
}

Result<ToMail::Admission> ToMail::admit(const RecordView& record) {
  const std::string sender_form = text_or_empty(record, Tag::sender);
  const std::string peer = text_or_empty(record, Tag::peer);
  const bool from_phone = text_or_empty(record, Tag::source) == "mm7";
  const Stranger stranger{.source_address = text_or_empty(record, Tag::source_address),
                          .sender_domain = domain_of_sender(text_or_empty(record, Tag::mail_from))};
  Admission admission;
  if (!sender_form.empty()) {
    PM_TRY(admission, admit_sender(sender_form));
  }
  const auto sender = from_phone ? sender_of_form(ports_.settings.numbering, sender_form) : std::nullopt;
  for (const std::string& form : all_texts(record, Tag::recipient)) {
    PM_TRY(const Destination to, find_destination(ports_.store, ports_.settings, form, sender, peer));
    // Without a sender the suffix cannot be looked up; the route will tell.
    admission.verdicts.push_back(to.verdict);
    admission.grants.push_back(0);
    if (from_phone || to.verdict != verdict::accepted) continue;
    const auto phone = msisdn_of_form(ports_.settings.numbering, form);
    if (!phone) continue;
    PM_TRY(const Grant grant, grant_stranger(ports_.store, ports_.settings.strangers, *phone, stranger, ports_.clock.wall()));
    admission.verdicts.back() = grant.verdict;
    admission.grants.back() = grant.mails_max;
  }
  return admission;
}

Effects ToMail::on_admission_query(const RecordView& record) {
  const auto admission = in_one_write(ports_.store, [&] { return admit(record); });
  if (!admission) {
    log_error("admission_failed").error(admission.error());
    return {};  // without an answer the data plane says 451, or journals and asks later
  }
  const auto& verdicts = admission->verdicts;
  const bool all_good = std::ranges::all_of(verdicts, [](std::string_view v) { return v == verdict::accepted; });
  const bool unbound = std::ranges::any_of(verdicts, [](std::string_view v) { return v == verdict::not_bound || v == verdict::suspended; });
  const std::uint64_t lifetime_s = all_good ? lifetime_yes_s : unbound ? lifetime_no_s : lifetime_busy_s;
  RecordWriter answer = handoff::make(handoff::Kind::admission_answer, record.header().item);
  answer.u64(tag(Tag::query), number_or_zero(record, Tag::query)).u64(tag(Tag::lifetime_s), lifetime_s);
  for (const std::string_view word : verdicts) answer.text(tag(Tag::verdict), word);
  if (text_or_empty(record, Tag::source) != "mm7") {
    for (const std::uint64_t grant : admission->grants) answer.u64(tag(Tag::mails_max), grant);
  }
  ports_.data_plane.send(handoff::Kind::admission_answer, record.header().item, std::move(answer));
  return {.sms_queued = admission->sms_queued};
}

// ---- routes -----------------------------------------------------------------------------------------------------------------------

Effects ToMail::on_route_query(const RecordView& record) {
  return send_route(ports_.data_plane, record.header().item, in_one_write(ports_.store, [&] { return route(record); }));
}

Result<Routed> ToMail::refuse(Item& item, Refusal refusal) {
  const Timestamp now = ports_.clock.wall();
  PM_TRY(const bool moved, move_item(ports_.store, item, {.event = ItemEvent::refused, .reason = refusal.reason, .time = now}));
  const bool told = moved && !refusal.sms.empty() && !item.msisdn.empty();
  if (told) {
    PM_TRY_VOID(ports_.store.queue_sms({.msisdn = item.msisdn, .text = std::move(refusal.sms), .kind = SmsKind::failure, .created = now}));
  }
  return Routed{.answer = route_answer(item.id, handoff::decision::refuse, refusal.reason), .sms_queued = told};
}

// Recipients is optional in DeliverReq (TS 23.140 §8.7.1): without it a message is for the VASP that it came to. A LinkedID says which of
// our messages it answers.
Result<std::vector<std::string>> ToMail::recipients_of(const RecordView& record, const Msisdn& phone, std::string_view peer_name) const {
  auto named = all_texts(record, Tag::recipient);
  const PeerProfile* peer = ports_.settings.peer(peer_name);
  if (!named.empty() || peer == nullptr) return named;
  PM_TRY(const auto linked, ports_.store.items_of_message(peer_name, text_or_empty(record, Tag::linked_id)));
  const auto answered = std::ranges::find_if(linked, [&](const Item& one) { return one.msisdn == phone && !one.suffix.empty(); });
  return std::vector<std::string>{"short:" + peer->text("service_number") + (answered == linked.end() ? std::string() : answered->suffix)};
}

Result<ToMail::Addressees> ToMail::addressees_of(const RecordView& record, const Msisdn& phone) const {
  const std::string peer_name = text_or_empty(record, Tag::peer);
  // As the message has it: of one that is asked about again, after a restart, the item has the subject that was made the first time.
  const std::string own_subject = text_or_empty(record, Tag::subject);
  Addressees found;
  PM_TRY(const std::vector<std::string> recipients, recipients_of(record, phone, peer_name));
  for (const std::string& form : recipients) {
    PM_TRY(Destination destination, find_destination(ports_.store, ports_.settings, form, phone, peer_name));
    switch (destination.kind) {
      case Destination::Kind::unreachable:
        found.unreachable.emplace_back(split_form(form).second);
        break;
      case Destination::Kind::bound:
      case Destination::Kind::internet:
        found.to.push_back(std::move(destination.mailbox));
        break;
      case Destination::Kind::thread:
        found.to.push_back(std::move(destination.mailbox));
        if (!found.thread) found.thread = std::move(destination.suffix);
        break;
      case Destination::Kind::service: {
        // A new mail: its address stands in the first line, or in the subject.
        if (auto line = convert::parse_new_mail_line(text_or_empty(record, Tag::first_line))) {
          found.to.push_back(std::move(line->to));
          // What stands behind the address is the subject, unless the MM has one: then it is text.
          const bool is_text = !own_subject.empty() && !line->subject.empty();
          found.dropped = is_text ? handoff::drop_address : handoff::drop_line;
          if (!is_text && !line->subject.empty()) found.new_subject = std::move(line->subject);
        } else if (auto subject_line = convert::parse_new_mail_line(own_subject)) {
          found.to.push_back(std::move(subject_line->to));
          found.new_subject = std::move(subject_line->subject);
        }
        break;
      }
    }
  }
  drop_repeated(found.to);
  return found;
}

Result<Routed> ToMail::route(const RecordView& record) {
  const Timestamp now = ports_.clock.wall();
  const ItemId id = record.header().item;
  const std::string sender_form = text_or_empty(record, Tag::sender);
  const std::string peer_name = text_or_empty(record, Tag::peer);
  const auto phone = sender_of_form(ports_.settings.numbering, sender_form);

  PM_TRY(auto known, ports_.store.item(id));
  Item item = known.value_or(Item{.id = id,
                                  .trace = record.trace(tag(Tag::trace)).value_or(TraceId()),
                                  .way = Way::to_mail,
                                  .source = Source::mm7,
                                  .msisdn = phone.value_or(Msisdn()),
                                  .state = ItemState::accepted,
                                  .peer = peer_name,
                                  .subject = text_or_empty(record, Tag::subject),
                                  .created = now,
                                  .updated = now});
  if (!known) {
    PM_TRY([[maybe_unused]] const bool added, ports_.store.add_item(item));
  }
  if (is_final(item.state)) return Routed{.answer = route_answer(id, handoff::decision::refuse, item.reason)};
  if (!phone) return refuse(item, {.reason = "the sender is no phone number"});
  // What a machine sent is never answered, whatever becomes of it.
  const bool answered = !sms::is_automatic(item.subject, text_or_empty(record, Tag::first_line));
  if (ports_.settings.smart_host.empty()) {
    item.reason = "smtp.smart_host is not configured; the message waits in the data plane";
    PM_TRY_VOID(ports_.store.update_item(item));
    return Routed{.answer = route_answer(id, handoff::decision::wait, item.reason)};
  }

  PM_TRY(const auto bindings, ports_.store.bindings_of(*phone));
  if (std::ranges::none_of(bindings, &Binding::is_active)) {
    bool told = false;
    if (answered) {
      PM_TRY(told, explain_inactive(*phone, bindings));
    }
    PM_TRY(Routed refused, refuse(item, {.reason = "the sender is not bound, or suspended"}));
    refused.sms_queued = told;
    return refused;
  }
  PM_TRY(Addressees addressees, addressees_of(record, *phone));
  const std::vector<std::string>& unreachable = addressees.unreachable;
  if (addressees.to.empty()) {
    const PeerProfile* peer = ports_.settings.peer(peer_name);
    const std::string service = peer != nullptr ? peer->text("service_number") : std::string("the service number");
    std::string reason = unreachable.empty() ? std::string("the message names no recipient")
                                             : fmt::format("nobody is bound to {}", fmt::join(unreachable, ", "));
    std::string words =
        unreachable.empty() ? notify::no_recipient_text(service) : notify::no_such_number_text(unreachable.front(), item.subject);
    return refuse(item, {.reason = std::move(reason), .sms = answered ? std::move(words) : std::string()});
  }
  const bool told = !unreachable.empty() && answered;
  if (told) {
    PM_TRY_VOID(ports_.store.queue_sms({.msisdn = *phone,
                                        .text = notify::no_such_number_text(unreachable.front(), item.subject),
                                        .kind = SmsKind::failure,
                                        .created = now}));
  }
  PM_TRY(RecordWriter answer, send_mail(item, bindings, text_or_empty(record, Tag::subject), std::move(addressees)));
  return Routed{.answer = std::move(answer), .sms_queued = told};
}

Result<RecordWriter> ToMail::send_mail(Item& item, const std::vector<Binding>& bindings, std::string_view own_subject,
                                       Addressees addressees) {
  const Timestamp now = ports_.clock.wall();
  Binding binding = *std::ranges::find_if(bindings, &Binding::is_active);
  auto& [to, unreachable, thread, new_subject, dropped] = addressees;
  RecordWriter answer = route_answer(item.id, handoff::decision::mail);
  answer.text(tag(Tag::next_hop), ports_.settings.smart_host);
  Details details{{"next_hop", ports_.settings.smart_host}};
  if (thread) {
    // The mailbox that the thread came into is the one that answers.
    const auto own =
        std::find_if(bindings.begin(), bindings.end(), [&](const Binding& b) { return b.id == thread->binding && b.is_active(); });
    if (own != bindings.end()) binding = *own;
    item.suffix = thread->digits;
    details.emplace_back("suffix", thread->digits);
    if (!thread->message_id.empty()) {
      answer.text(tag(Tag::in_reply_to), thread->message_id);
      details.emplace_back("in_reply_to", thread->message_id);
    }
    for (const std::string& reference : thread->references) answer.text(tag(Tag::reference), reference);
    if (own_subject.empty() && !thread->subject.empty()) {
      new_subject = is_reply_subject(thread->subject) ? thread->subject : "Re: " + thread->subject;
    }
    thread->last_used = now;
    PM_TRY_VOID(ports_.store.put_suffix(*thread));
  }
  const mime::Mailbox from = mailbox_of(binding.mail_address, binding.display_name);
  answer.text(tag(Tag::mail_from), from.address()).text(tag(Tag::header_from), header_form(from));
  for (const mime::Mailbox& mailbox : to) {
    answer.text(tag(Tag::mail_recipient), mailbox.address()).text(tag(Tag::header_to), header_form(mailbox));
    details.emplace_back("recipient", mailbox.address());
  }
  if (!new_subject.empty()) answer.text(tag(Tag::new_subject), new_subject);
  if (dropped != 0) answer.u64(tag(Tag::drop_first_line), dropped);

  item.binding = binding.id;
  item.correspondent = to.front().address();
  item.correspondent_name = to.front().display_name;
  if (!new_subject.empty()) item.subject = new_subject;
  details.emplace_back("mail_from", from.address());
  log_info("routed").trace(item.trace).item(item.id).binding(binding.id);
  PM_TRY([[maybe_unused]] const bool moved, move_item(ports_.store, item,
                                                      {.event = ItemEvent::routed,
                                                       .reason = "on its way to " + ports_.settings.smart_host,
                                                       .time = now,
                                                       .details = std::move(details)}));
  return answer;
}

}  // namespace pushmail

#include "controlplane/to_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "codec/convert/convert.h"
#include "codec/mime/authentication.h"
#include "codec/sms/automatic.h"
#include "controlplane/destination.h"
#include "controlplane/news.h"
#include "controlplane/strangers.h"
#include "controlplane/to_phone.h"
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

Result<std::string_view> ToMail::admit_sender(std::string_view form, bool& queued) {
  const auto phone = sender_of_form(ports_.settings.numbering, form);
  if (!phone) return verdict::bad_address;
  PM_TRY(const auto bound, ports_.store.bindings_of(*phone));
  if (std::any_of(bound.begin(), bound.end(), [](const Binding& b) { return b.is_active(); })) return verdict::accepted;
  // One explaining SMS a day (docs/design.md, Addresses the phone can answer).
  const Timestamp now = ports_.clock.wall();
  const std::string words = notify::inactive_text(bound);
  PM_TRY(const bool said, queue_limited_sms(ports_.store, {.msisdn = *phone, .text = words, .kind = SmsKind::subscribe, .created = now}, 1,
                                            {now.us - day_us}));
  queued = queued || said;
  return bound.empty() ? verdict::not_bound : verdict::suspended;
}

void ToMail::on_admission_query(const RecordView& record) {
  const std::string sender_form = text_or_empty(record, Tag::sender);
  const std::string peer = text_or_empty(record, Tag::peer);
  const bool from_phone = text_or_empty(record, Tag::source) == "mm7";
  std::vector<std::string_view> verdicts;
  std::vector<std::uint64_t> grants;  // for how many mails each may be kept
  const Stranger stranger{.source_address = text_or_empty(record, Tag::source_address),
                          .sender_domain = domain_of_sender(text_or_empty(record, Tag::mail_from))};
  bool queued = false;
  const auto done = ports_.store.write([&]() -> Result<void> {
    std::optional<Msisdn> sender;
    if (!sender_form.empty()) {
      PM_TRY(const std::string_view admitted, admit_sender(sender_form, queued));
      verdicts.push_back(admitted);
    }
    if (from_phone) sender = sender_of_form(ports_.settings.numbering, sender_form);
    for (const std::string& form : all_texts(record, Tag::recipient)) {
      PM_TRY(const Destination to, find_destination(ports_.store, ports_.settings, form, sender, peer));
      // Without a sender the suffix cannot be looked up; the route will tell.
      verdicts.push_back(to.verdict);
      grants.push_back(0);
      if (from_phone || to.verdict != verdict::accepted) continue;
      const auto phone = msisdn_of_form(ports_.settings.numbering, form);
      if (!phone) continue;
      PM_TRY(const Grant grant, grant_stranger(ports_.store, ports_.settings.strangers, *phone, stranger, ports_.clock.wall()));
      verdicts.back() = grant.verdict;
      grants.back() = grant.mails_max;
    }
    return {};
  });
  if (!done) {
    log_error("admission_failed").error(done.error());
    return;  // without an answer the data plane says 451, or journals and asks later
  }
  const bool all_good = std::all_of(verdicts.begin(), verdicts.end(), [](std::string_view v) { return v == verdict::accepted; });
  const bool unbound =
      std::any_of(verdicts.begin(), verdicts.end(), [](std::string_view v) { return v == verdict::not_bound || v == verdict::suspended; });
  const std::uint64_t lifetime_s = all_good ? lifetime_yes_s : unbound ? lifetime_no_s : lifetime_busy_s;
  RecordWriter answer = handoff::make(handoff::Kind::admission_answer, record.header().item);
  answer.u64(tag(Tag::query), record.u64(tag(Tag::query)).value_or(0)).u64(tag(Tag::lifetime_s), lifetime_s);
  for (const std::string_view word : verdicts) answer.text(tag(Tag::verdict), word);
  if (!from_phone) {
    for (const std::uint64_t grant : grants) answer.u64(tag(Tag::mails_max), grant);
  }
  ports_.data_plane.send(handoff::Kind::admission_answer, record.header().item, std::move(answer));
  if (queued) ports_.sms_queued();
}

// ---- routes -----------------------------------------------------------------------------------------------------------------------

void ToMail::on_route_query(const RecordView& record) {
  bool queued = false;
  std::optional<RecordWriter> answer;
  const bool from_phone = text_or_empty(record, Tag::source) == "mm7";
  const auto done = ports_.store.write([&]() -> Result<void> {
    auto routed = from_phone ? route_message(record, queued) : route_forwarded(record, queued);
    if (!routed) return std::unexpected(routed.error());
    answer = std::move(*routed);
    return {};
  });
  if (!done) {
    // No answer: the data plane keeps the message and asks again.
    log_error("route_failed").item(record.header().item).error(done.error());
    return;
  }
  ports_.data_plane.send(handoff::Kind::route_answer, record.header().item, std::move(*answer));
  if (queued) ports_.sms_queued();
}

Result<RecordWriter> ToMail::refuse(Item& item, Refusal refusal, bool& queued) {
  const Timestamp now = ports_.clock.wall();
  PM_TRY(const bool moved, move_item(ports_.store, item, {.event = ItemEvent::refused, .reason = refusal.reason, .time = now}));
  if (moved && !refusal.sms.empty() && !item.msisdn.empty()) {
    if (const auto said =
            ports_.store.queue_sms({.msisdn = item.msisdn, .text = std::move(refusal.sms), .kind = SmsKind::failure, .created = now});
        !said) {
      return std::unexpected(said.error());
    }
    queued = true;
  }
  RecordWriter answer = handoff::make(handoff::Kind::route_answer, item.id);
  answer.text(tag(Tag::decision), handoff::decision::refuse).text(tag(Tag::reason), refusal.reason);
  return answer;
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

Result<RecordWriter> ToMail::route_message(const RecordView& record, bool& queued) {
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
  if (is_final(item.state)) {
    RecordWriter answer = handoff::make(handoff::Kind::route_answer, id);
    answer.text(tag(Tag::decision), handoff::decision::refuse).text(tag(Tag::reason), item.reason);
    return answer;
  }
  if (!phone) return refuse(item, {.reason = "the sender is no phone number"}, queued);
  // What a machine sent is never answered, whatever becomes of it.
  const bool answered = !sms::is_automatic(item.subject, text_or_empty(record, Tag::first_line));
  if (ports_.settings.smart_host.empty()) {
    item.reason = "smtp.smart_host is not configured; the message waits in the data plane";
    if (const auto written = ports_.store.update_item(item); !written) return std::unexpected(written.error());
    RecordWriter answer = handoff::make(handoff::Kind::route_answer, id);
    answer.text(tag(Tag::decision), handoff::decision::wait).text(tag(Tag::reason), item.reason);
    return answer;
  }

  PM_TRY(const auto bindings, ports_.store.bindings_of(*phone));
  const auto first_active = std::find_if(bindings.begin(), bindings.end(), [](const Binding& b) { return b.is_active(); });
  if (first_active == bindings.end()) {
    const std::string words = notify::inactive_text(bindings);
    if (answered) {
      PM_TRY(const bool said, queue_limited_sms(ports_.store, {.msisdn = *phone, .text = words, .kind = SmsKind::subscribe, .created = now},
                                                1, {now.us - day_us}));
      queued = queued || said;
    }
    return refuse(item, {.reason = "the sender is not bound, or suspended"}, queued);
  }
  Binding binding = *first_active;

  std::vector<mime::Mailbox> to;
  std::vector<std::string> unreachable;
  std::optional<Suffix> thread;
  // As the message has it: of one that is asked about again, after a restart, the item has the subject that was made the first time.
  const std::string own_subject = text_or_empty(record, Tag::subject);
  std::string new_subject;
  std::uint64_t dropped = 0;  // Tag::drop_first_line
  PM_TRY(const std::vector<std::string> recipients, recipients_of(record, *phone, peer_name));
  for (const std::string& form : recipients) {
    PM_TRY(Destination destination, find_destination(ports_.store, ports_.settings, form, phone, peer_name));
    switch (destination.kind) {
      case Destination::Kind::unreachable:
        unreachable.emplace_back(split_form(form).second);
        break;
      case Destination::Kind::bound:
      case Destination::Kind::internet:
        to.push_back(std::move(destination.mailbox));
        break;
      case Destination::Kind::thread: {
        to.push_back(std::move(destination.mailbox));
        if (!thread) thread = std::move(destination.suffix);
        break;
      }
      case Destination::Kind::service: {
        // A new mail: its address stands in the first line, or in the subject.
        if (auto line = convert::parse_new_mail_line(text_or_empty(record, Tag::first_line))) {
          to.push_back(std::move(line->to));
          // What stands behind the address is the subject, unless the MM has one: then it is text.
          const bool is_text = !own_subject.empty() && !line->subject.empty();
          dropped = is_text ? handoff::drop_address : handoff::drop_line;
          if (!is_text && !line->subject.empty()) new_subject = std::move(line->subject);
        } else if (auto subject_line = convert::parse_new_mail_line(own_subject)) {
          to.push_back(std::move(subject_line->to));
          new_subject = std::move(subject_line->subject);
        }
        break;
      }
    }
  }
  drop_repeated(to);
  if (to.empty()) {
    const PeerProfile* peer = ports_.settings.peer(peer_name);
    const std::string service = peer != nullptr ? peer->text("service_number") : std::string("the service number");
    std::string reason = unreachable.empty() ? std::string("the message names no recipient")
                                             : fmt::format("nobody is bound to {}", fmt::join(unreachable, ", "));
    std::string words =
        unreachable.empty() ? notify::no_recipient_text(service) : notify::no_such_number_text(unreachable.front(), item.subject);
    return refuse(item, {.reason = std::move(reason), .sms = answered ? std::move(words) : std::string()}, queued);
  }
  if (!unreachable.empty() && answered) {
    queued = true;
    const auto said = ports_.store.queue_sms({.msisdn = *phone,
                                              .text = notify::no_such_number_text(unreachable.front(), item.subject),
                                              .kind = SmsKind::failure,
                                              .created = now});
    if (!said) return std::unexpected(said.error());
  }

  RecordWriter answer = handoff::make(handoff::Kind::route_answer, id);
  answer.text(tag(Tag::decision), handoff::decision::mail).text(tag(Tag::next_hop), ports_.settings.smart_host);
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
    if (const auto used = ports_.store.put_suffix(*thread); !used) return std::unexpected(used.error());
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
  log_info("routed").trace(item.trace).item(id).binding(binding.id);
  PM_TRY([[maybe_unused]] const bool moved, move_item(ports_.store, item,
                                                      {.event = ItemEvent::routed,
                                                       .reason = "on its way to " + ports_.settings.smart_host,
                                                       .time = now,
                                                       .details = std::move(details)}));
  return answer;
}

// ---- forwarded mail ---------------------------------------------------------------------------------------------------------------

Result<RecordWriter> ToMail::answer_forwarded(Item& item) {
  RecordWriter answer = handoff::make(handoff::Kind::route_answer, item.id);
  if (is_final(item.state) || item.state == ItemState::submitted || item.state == ItemState::reported) {
    answer.text(tag(Tag::decision), handoff::decision::refuse)
        .text(tag(Tag::reason), item.reason.empty() ? std::string("settled before") : item.reason);
    return answer;
  }
  if (item.state == ItemState::accepted || item.state == ItemState::notified || item.is_unknown()) {
    answer.text(tag(Tag::decision), handoff::decision::wait).text(tag(Tag::reason), item.reason);
    return answer;
  }
  answer.text(tag(Tag::decision), handoff::decision::submit);
  if (const auto described = ports_.to_phone.describe_submission(item, answer); !described) return std::unexpected(described.error());
  return answer;
}

Result<RecordWriter> ToMail::route_forwarded(const RecordView& record, bool& queued) {
  const ItemId id = record.header().item;
  PM_TRY(auto known, ports_.store.item(id));
  if (known) return answer_forwarded(*known);

  const Timestamp now = ports_.clock.wall();
  Item item{.id = id,
            .trace = record.trace(tag(Tag::trace)).value_or(TraceId()),
            .way = Way::to_phone,
            .source = Source::smtp,
            .created = now,
            .updated = now};
  item.source_address = text_or_empty(record, Tag::source_address);
  item.sender_domain = domain_of_sender(text_or_empty(record, Tag::mail_from));
  item.subject = text_or_empty(record, Tag::subject);
  item.mail_message_id = text_or_empty(record, Tag::message_id);
  item.mail_references = all_texts(record, Tag::reference);
  item.size = record.u64(tag(Tag::mail_size)).value_or(0);
  const auto from = mime::parse_mailboxes(text_or_empty(record, Tag::header_from));
  if (!from.empty()) {
    item.correspondent = from.front().address();
    item.correspondent_name = from.front().display_name;
  } else {
    item.correspondent = text_or_empty(record, Tag::mail_from);
  }
  if (const auto check = mime::trusted_check(text_or_empty(record, Tag::authentication), ports_.settings.trusted_authserv);
      check != mime::SenderCheck::unknown) {
    item.authentication = mime::to_string(check);
  }
  const auto recipients = all_texts(record, Tag::recipient);
  const auto phone = recipients.empty() ? std::nullopt : msisdn_of_form(ports_.settings.numbering, recipients.front());
  item.msisdn = phone.value_or(Msisdn());

  std::optional<Binding> binding;
  if (phone) {
    PM_TRY(const auto bound, ports_.store.bindings_of(*phone));
    for (const Binding& one : bound) {
      if (!binding && one.is_active()) binding = one;
    }
  }
  if (binding) {
    item.binding = binding->id;
    item.peer = binding->peer;
  }
  const bool ask = binding && binding->policy == Policy::ask;
  PM_TRY([[maybe_unused]] const bool added, ports_.store.add_item(item));
  if (!binding) return refuse(item, {.reason = "nobody is bound to the recipient's number"}, queued);

  log_info("mail_seen").trace(item.trace).item(item.id).binding(item.binding);
  PM_TRY(
      [[maybe_unused]] const bool seen,
      move_item(
          ports_.store, item,
          {.event = ItemEvent::mail_seen,
           .reason = item.reason,
           .time = now,
           .details = {
               {"binding", binding->id}, {"from", item.correspondent}, {"subject", item.subject}, {"size", fmt::to_string(item.size)}}}));
  if (ask) {
    PM_TRY(const bool announced, ports_.announcer.take(item));
    queued = queued || announced;
  } else {
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item, {.event = ItemEvent::pushed, .reason = "the binding pushes at once", .time = now}));
  }
  return answer_forwarded(item);
}

}  // namespace pushmail

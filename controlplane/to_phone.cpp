#include "controlplane/to_phone.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/mime/authentication.h"
#include "codec/mime/message.h"
#include "controlplane/news.h"
#include "controlplane/store/errors.h"
#include "controlplane/watermark.h"
#include "core/contract/worker.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;
using mailbox::Kind;

constexpr std::size_t transfers_max = 16;
constexpr std::size_t waiting_max = 200;  // looked at in one turn
constexpr std::size_t all_of_them = 1'000'000;
constexpr std::uint32_t ready_attempts_max = 3;  // a mailbox that keeps failing does not start anew whenever it answers
constexpr std::uint32_t mark_attempts_max = 10;

std::string explain_submission(const Error& error, const Item& item) {
  if (error.is(store_not_found)) return fmt::format("[peer.{}] is not in the configuration; tried again", item.peer);
  return std::string(error.info->text);
}

// What a fetcher's reason word means for the reader of `item show`.
std::string explain(std::string_view word, const Binding& binding) {
  if (word == "auth_failed") {
    return fmt::format("the mail server {} refuses user {}'s password; `pushmailctl binding password {}` gives a new one", binding.host,
                       binding.user, binding.id);
  }
  if (word == "unreachable") return fmt::format("the mail server {} cannot be reached; tried again", binding.host);
  if (word == "protocol") return fmt::format("the mail server {} breaks off or answers against the protocol; tried again", binding.host);
  if (word == "gone") return "the mail is no longer in the mailbox";
  if (word == "too_large") return "the mail is larger than mailbox.mail_size_max";
  if (word == "unreadable") return "the mail cannot be read from the mail server; it stays in the mailbox";
  return std::string(word);
}

}  // namespace

// ---- 401: a mail is there ---------------------------------------------------------------------------------------------------------

void ToPhone::on_new_mail(const RecordView& record) {
  bool queued = false;
  std::optional<Item> requested;
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(const auto binding, ports_.store.binding(text_or_empty(record, mailbox::Tag::binding)));
    if (!binding || binding->state == BindingState::removed) return {};
    return take_new_mail(record, *binding, queued, requested);
  });
  if (!done) {
    // Nothing was written: the mail is news again as soon as the fetcher hears where the store stands.
    ports_.watch_again(text_or_empty(record, mailbox::Tag::binding));
    log_error("new_mail_not_stored").binding(text_or_empty(record, mailbox::Tag::binding)).error(done.error());
    return;
  }
  if (queued) ports_.sms_queued();
  if (requested) on_requested(*requested);
}

Result<void> ToPhone::take_new_mail(const RecordView& record, const Binding& binding, bool& queued, std::optional<Item>& requested) {
  const Timestamp now = ports_.clock.wall();
  Item item;
  item.id = new_item_id(now, node_and_worker(ports_.settings.node, {}));
  item.trace = record.trace(tag(mailbox::Tag::trace)).value_or(new_trace_id());
  item.source = Source::mailbox;
  item.binding = binding.id;
  item.msisdn = binding.msisdn;
  item.peer = binding.peer;
  item.uid_validity = record.u64(tag(mailbox::Tag::uid_validity)).value_or(0);
  item.uid = text_or_empty(record, mailbox::Tag::uid);
  item.subject = text_or_empty(record, mailbox::Tag::subject);
  item.size = record.u64(tag(mailbox::Tag::size)).value_or(0);
  item.mail_message_id = text_or_empty(record, mailbox::Tag::message_id);
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(mailbox::Tag::reference)) item.mail_references.emplace_back(text_of(value));
  });
  const auto senders = mime::parse_mailboxes(text_or_empty(record, mailbox::Tag::sender));
  if (!senders.empty()) {
    item.correspondent = senders.front().address();
    item.correspondent_name = senders.front().display_name;
  }
  // Where an answer goes (RFC 5322 §3.6.2).
  if (const auto reply_to = mime::parse_mailboxes(text_or_empty(record, mailbox::Tag::reply_to));
      !reply_to.empty() && !reply_to.front().domain.empty()) {
    // The phone is shown who wrote it, whoever gets its answer.
    if (item.correspondent != reply_to.front().address()) item.author = std::exchange(item.correspondent, reply_to.front().address());
  }
  if (const auto check = mime::trusted_check(text_or_empty(record, mailbox::Tag::authentication), ports_.settings.trusted_authserv);
      check != mime::SenderCheck::unknown) {
    item.authentication = mime::to_string(check);
  }
  item.created = item.updated = now;
  if (item.uid.empty()) return {};
  // It came before the fetcher heard of the suspension. The watermark stays below it, so that it is news when the binding is resumed.
  if (!binding.is_active()) return {};

  PM_TRY(MailboxState state, ports_.store.mailbox(binding.id));
  if (state.uid_validity != item.uid_validity && state.uid_validity != 0 && binding.protocol == mailbox::Protocol::imap) {
    log_warning("uid_validity_changed").binding(binding.id);
  }
  take_watermark(record, state);
  if (const auto written = ports_.store.set_mailbox(binding.id, state); !written) return written;
  if (binding.protocol == mailbox::Protocol::pop3) {
    if (const auto written = ports_.store.add_known_uid(binding.id, item.uid); !written) return written;
  }

  const bool too_large = item.size > ports_.settings.mail_size_max;
  const bool ask = binding.policy == Policy::ask && !too_large;
  item.reason = "the mail was seen";
  PM_TRY(const bool is_new, ports_.store.add_item(item));
  if (!is_new) return {};  // the fetcher told us twice
  log_info("mail_seen").trace(item.trace).item(item.id).binding(item.binding);
  const Timestamp seen{record.i64(tag(mailbox::Tag::time)).value_or(now.us)};
  Details details{{"binding", binding.id},
                  {"uid", item.uid},
                  {"uid_validity", fmt::to_string(item.uid_validity)},
                  {"size", fmt::to_string(item.size)},
                  {"from", item.correspondent},
                  {"subject", item.subject}};
  // The mail server did not hand out its header: it is announced with what is known.
  if (const std::string trouble = text_or_empty(record, mailbox::Tag::reason); !trouble.empty())
    details.emplace_back("without_header", trouble);
  PM_TRY([[maybe_unused]] const bool accepted,
         move_item(
             ports_.store, item,
             {.event = ItemEvent::mail_seen, .reason = item.reason, .time = seen, .by = Program::fetcher, .details = std::move(details)}));
  if (too_large) {
    PM_TRY([[maybe_unused]] const bool ended,
           move_item(ports_.store, item, {.event = ItemEvent::too_large, .reason = explain("too_large", binding), .time = now}));
    queued = true;
    return ports_.store.queue_sms(
        {.msisdn = item.msisdn, .text = notify::too_large_text(news_of(item, ports_.settings)), .kind = SmsKind::failure, .created = now});
  }
  if (!ask) {
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item, {.event = ItemEvent::pushed, .reason = "the binding pushes at once", .time = now}));
    requested = item;
    return {};
  }
  PM_TRY(queued, ports_.announcer.take(item));
  return {};
}

// ---- 404: fetch and hand over -----------------------------------------------------------------------------------------------------

void ToPhone::on_requested(const Item& item) {
  if (item.source != Source::smtp) return pump();
  answer_route(item);
}

// The data plane holds this mail and waits for the word; if it is away, it asks again when it is back.
void ToPhone::answer_route(const Item& item) {
  Item current = item;
  current.retry_at = {};
  RecordWriter answer = handoff::make(handoff::Kind::route_answer, item.id);
  answer.text(tag(Tag::decision), handoff::decision::submit);
  const auto done = ports_.store.write([&] { return describe_submission(current, answer); });
  if (!done) {
    log_error("route_not_answered").item(item.id).error(done.error());
    return break_off(item.id, explain_submission(done.error(), item), Retry::backing_off);
  }
  if (!ports_.data_plane.is_ready()) return;
  if (ports_.data_plane.send(handoff::Kind::route_answer, item.id, std::move(answer)) == DataPlanePort::Sent::no) {
    break_off(item.id, "the data plane takes no more at the moment", Retry::backing_off);
  }
}

void ToPhone::refuse_route(const Item& item) {
  // Without a data plane it asks again when it is back, and hears the same.
  if (item.source != Source::smtp || !ports_.data_plane.is_ready()) return;
  RecordWriter answer = handoff::make(handoff::Kind::route_answer, item.id);
  answer.text(tag(Tag::decision), handoff::decision::refuse).text(tag(Tag::reason), item.reason);
  ports_.data_plane.send(handoff::Kind::route_answer, item.id, std::move(answer));
}

Result<void> ToPhone::describe_submission(Item& item, RecordWriter& record) {
  const Timestamp now = ports_.clock.wall();
  const PeerProfile* peer = ports_.settings.peer(item.peer);
  if (peer == nullptr) return fail(store_not_found);
  std::string thread = item.mail_references.empty() ? item.mail_message_id : item.mail_references.front();
  if (thread.empty()) thread = to_string(item.id);
  std::vector<std::string> references = item.mail_references;
  if (!item.mail_message_id.empty()) references.push_back(item.mail_message_id);
  PM_TRY(const Suffix suffix, take_suffix(ports_.store,
                                          {.msisdn = item.msisdn,
                                           .binding = item.binding,
                                           .correspondent = item.correspondent,
                                           .correspondent_name = item.correspondent_name,
                                           .thread = std::move(thread),
                                           .subject = item.subject,
                                           .message_id = item.mail_message_id,
                                           .references = std::move(references)},
                                          static_cast<std::uint32_t>(peer->number("suffix_digits")), now));
  item.suffix = suffix.digits;
  if (const auto written = ports_.store.update_item(item); !written) return written;

  std::string sender = fmt::format("short:{}{}", peer->text("service_number"), suffix.digits);
  if (peer->is({"sender", "alias"})) sender = fmt::format("mail:r-{}@reply.{}", suffix.digits, ports_.settings.domain);
  if (peer->is({"sender", "original"})) sender = "mail:" + item.correspondent;
  record.trace(tag(Tag::trace), item.trace).text(tag(Tag::peer), peer->name()).text(tag(Tag::msisdn), item.msisdn.digits());
  record.text(tag(Tag::sender_address), sender).u64(tag(Tag::mm_size_max), peer->size("mm_size_max"));
  record.u64(tag(Tag::expiry_s), static_cast<std::uint64_t>(peer->duration("expiry").ms() / 1000));
  PM_TRY(const auto binding, ports_.store.binding(item.binding));
  if (binding && !binding->mail_address.empty()) record.text(tag(Tag::own_address), binding->mail_address);
  if (item.doubts > 0) record.u64(tag(Tag::duplicate_possible), 1);
  return {};
}

void ToPhone::pump() {
  if (pumping_ || !ports_.data_plane.is_ready() || ports_.clock.now() < resume_at_) return;
  if (transfers_.size() >= transfers_max) return;
  const auto waiting = ports_.store.items({.states = {ItemState::requested},
                                           .way = Way::to_phone,
                                           .due = ports_.clock.wall(),
                                           .order = ItemOrder::oldest_first,
                                           .count_max = waiting_max});
  if (!waiting) {
    log_error("items_not_read").error(waiting.error());
    return;
  }
  pumping_ = true;
  // Who waits longest goes first.
  for (const Item& item : *waiting) {
    if (transfers_.size() >= transfers_max) break;
    if (item.source == Source::smtp && item.retry_at.us != 0) offer_again(item);
    if (item.source == Source::mailbox && !transfers_.contains(item.id) && ports_.fetchers.is_up(item.binding)) start(item);
  }
  pumping_ = false;
}

void ToPhone::start(Item item) {
  const auto binding = ports_.store.binding(item.binding);
  if (!binding) return;
  if (!*binding || (*binding)->state == BindingState::removed)
    return failed_for_good(std::move(item), ItemEvent::withdrawn, "the binding was removed");
  if (!(*binding)->is_active()) return put_off(std::move(item));
  RecordWriter submission = handoff::make(handoff::Kind::submission, item.id);
  const auto done = ports_.store.write([&]() -> Result<void> {
    if (const auto described = describe_submission(item, submission); !described) return described;
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::fetching,
                      .reason = "the mail is being fetched from the mailbox",
                      .time = ports_.clock.wall(),
                      .details = {{"uid", item.uid}, {"size", fmt::to_string(item.size)}, {"suffix", item.suffix}}}));
    return {};
  });
  if (!done) {
    log_error("fetch_not_stored").item(item.id).error(done.error());
    return break_off(item.id, explain_submission(done.error(), item), done.error().is(store_no_suffix) ? Retry::late : Retry::backing_off);
  }
  // A server that announces nothing must not have an empty mail submitted: what it really sends decides.
  const std::uint64_t size = std::max<std::uint64_t>(item.size, 1);
  submission.u64(tag(Tag::mail_size), size);
  if (ports_.data_plane.send(handoff::Kind::submission, item.id, std::move(submission)) == DataPlanePort::Sent::no) {
    return break_off(item.id, "the data plane takes no more at the moment", Retry::backing_off);
  }
  transfers_[item.id] = {.binding = item.binding, .size = size, .progress = ports_.clock.now()};
  log_info("fetching").trace(item.trace).item(item.id).binding(item.binding);
  RecordWriter fetch = make(Kind::fetch, item.id);
  fetch.text(tag(mailbox::Tag::binding), item.binding)
      .u64(tag(mailbox::Tag::uid_validity), item.uid_validity)
      .text(tag(mailbox::Tag::uid), item.uid);
  ports_.fetchers.send(item.binding, Kind::fetch, item.id, std::move(fetch));
}

void ToPhone::on_credit(const RecordView& record) {
  const ItemId id = record.header().item;
  const auto transfer = transfers_.find(id);
  if (transfer == transfers_.end()) return;
  transfer->second.progress = ports_.clock.now();
  RecordWriter credit = make(Kind::credit, id);
  credit.text(tag(mailbox::Tag::binding), transfer->second.binding)
      .u64(tag(mailbox::Tag::credit), record.u64(tag(Tag::credit)).value_or(0));
  ports_.fetchers.send(transfer->second.binding, Kind::credit, id, std::move(credit));
}

bool ToPhone::pass(const ItemId& id, Transfer& transfer, std::uint64_t offset, ByteView data) {
  // A record has room for limits::handoff_chunk_size_max; a fetcher's chunks are smaller.
  RecordWriter chunk = handoff::make(handoff::Kind::submission_chunk, id);
  chunk.u64(tag(Tag::offset), offset).bytes(tag(Tag::data), data);
  if (ports_.data_plane.send(handoff::Kind::submission_chunk, id, std::move(chunk)) == DataPlanePort::Sent::no) return false;
  transfer.passed += data.size();
  transfer.progress = ports_.clock.now();
  return true;
}

void ToPhone::on_chunk(const RecordView& record) {
  const ItemId id = record.header().item;
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  Transfer& transfer = found->second;
  const std::uint64_t offset = record.u64(tag(mailbox::Tag::offset)).value_or(0);
  const ByteView data = record.bytes(tag(mailbox::Tag::data)).value_or(ByteView());
  if (offset != transfer.passed + transfer.last.size())
    return break_off(id, "the fetcher's chunks do not fit together", Retry::backing_off);
  if (data.empty()) return;
  if (!transfer.last.empty() || offset + data.size() > transfer.size) {
    // The server announced fewer bytes than it sends. `fetched` will say how many there are.
    transfer.last.assign(data.begin(), data.end());
    transfer.passed = offset;
    transfer.size = 0;
  } else if (offset + data.size() == transfer.size) {
    // The data plane converts when the size is complete, so the last chunk waits until the fetcher says that it was the last.
    transfer.last.assign(data.begin(), data.end());
    transfer.last_offset = offset;
  } else {
    if (!pass(id, transfer, offset, data)) return break_off(id, "the data plane takes no more at the moment", Retry::backing_off);
    return;
  }
  transfer.progress = ports_.clock.now();
  RecordWriter credit = make(Kind::credit, id);
  credit.text(tag(mailbox::Tag::binding), transfer.binding).u64(tag(mailbox::Tag::credit), 1);
  ports_.fetchers.send(transfer.binding, Kind::credit, id, std::move(credit));
}

void ToPhone::on_fetched(const RecordView& record) {
  const ItemId id = record.header().item;
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  Transfer& transfer = found->second;
  const std::uint64_t real_size = record.u64(tag(mailbox::Tag::size)).value_or(transfer.passed + transfer.last.size());
  if (real_size == 0) {
    transfers_.erase(found);
    const auto item = ports_.store.item(id);
    if (item && *item) failed_for_good(**item, ItemEvent::fetch_failed, "the mail is empty");
    return;
  }
  if (real_size != transfer.size) {
    // RFC 3501 §2.3.4 lets nobody announce a wrong RFC822.SIZE, and servers do. Once more, with what it really was.
    const auto done = ports_.store.write([&]() -> Result<void> {
      PM_TRY(auto item, ports_.store.item(id));
      if (!item) return {};
      item->size = real_size;
      return ports_.store.update_item(*item);
    });
    if (!done) log_error("size_not_stored").item(id).error(done.error());
    return break_off(id, fmt::format("the mail server announced another size than the {} bytes it sent; fetched again", real_size),
                     Retry::backing_off);
  }
  if (!transfer.last.empty() && !pass(id, transfer, transfer.last_offset, Bytes(transfer.last))) {
    return break_off(id, "the data plane takes no more at the moment", Retry::backing_off);
  }
  transfers_.erase(found);
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(auto item, ports_.store.item(id));
    if (!item) return {};
    log_info("fetched").trace(item->trace).item(id).binding(item->binding).number("size", static_cast<std::int64_t>(real_size));
    if (item->state != ItemState::fetching)
      return note(ports_.store, *item, "fetched", ports_.clock.wall(), Program::fetcher, {{"size", fmt::to_string(real_size)}});
    PM_TRY([[maybe_unused]] const bool moved, move_item(ports_.store, *item,
                                                        {.event = ItemEvent::fetched,
                                                         .reason = "the data plane has the whole mail",
                                                         .time = ports_.clock.wall(),
                                                         .by = Program::fetcher,
                                                         .details = {{"size", fmt::to_string(real_size)}}}));
    return {};
  });
  // The state is behind; the outcome brings it up to date.
  if (!done) log_error("fetched_not_stored").item(id).error(done.error());
  pump();
}

void ToPhone::on_fetch_failed(const RecordView& record) {
  const ItemId id = record.header().item;
  if (transfers_.erase(id) == 0) return;
  const std::string word = text_or_empty(record, mailbox::Tag::reason);
  const auto item = ports_.store.item(id);
  if (!item || !*item) return;
  const auto binding = ports_.store.binding((*item)->binding);
  if (!binding || !*binding) return;
  const std::string reason = explain(word, **binding);
  if (word == "gone") return failed_for_good(**item, ItemEvent::fetch_gone, reason);
  if (word == "too_large" || word == "unreadable") return failed_for_good(**item, ItemEvent::fetch_refused, reason);
  break_off(id, reason, Retry::backing_off);
}

void ToPhone::cancel_fetch(const ItemId& id, const Transfer& transfer) {
  RecordWriter cancel = make(Kind::cancel, id);
  cancel.text(tag(mailbox::Tag::binding), transfer.binding);
  ports_.fetchers.send(transfer.binding, Kind::cancel, id, std::move(cancel));
}

// The data plane is told too: it may wait for the rest of the mail with memory for all of it.
void ToPhone::end_transfer(const ItemId& id) {
  const auto node = transfers_.extract(id);
  if (node.empty()) return;
  cancel_fetch(id, node.mapped());
  if (ports_.data_plane.is_ready()) ports_.data_plane.send(handoff::Kind::withdraw, id, handoff::make(handoff::Kind::withdraw, id));
}

// Back to `requested`, to be tried again after a while.
void ToPhone::break_off(const ItemId& id, std::string reason, Retry retry) {
  end_transfer(id);
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(auto item, ports_.store.item(id));
    if (!item || is_final(item->state) || item->state >= ItemState::submitted) return {};
    item->retry_at = {};
    if (retry != Retry::at_once) {
      item->retry_at = {ports_.clock.wall().us +
                        (retry == Retry::late ? timers::fetch_retry.most : doubled(timers::fetch_retry, item->attempts)).us()};
      ++item->attempts;
    }
    // The reason may name the mailbox's user.
    log_warning("fetch_broken_off").trace(item->trace).item(id).person("reason", reason);
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, *item, {.event = ItemEvent::retry, .reason = std::move(reason), .time = ports_.clock.wall()}));
    return {};
  });
  if (!done) log_error("break_off_not_stored").item(id).error(done.error());
}

void ToPhone::failed_for_good(Item item, ItemEvent event, const std::string& reason) {
  withdraw(item);
  bool queued = false;
  const Timestamp now = ports_.clock.wall();
  // An earlier try may have arrived: then this is no failure that anybody could be sure of.
  const bool in_doubt = item.doubts > 0;
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(const bool moved,
           move_item(ports_.store, item, {.event = in_doubt ? ItemEvent::unconfirmed : event, .reason = reason, .time = now}));
    queued = moved;
    if (!moved) return {};
    if (const auto withdrawn = ports_.store.withdraw_sms(item.id); !withdrawn) return withdrawn;
    const notify::MailNews news = news_of(item, ports_.settings);
    std::string text = in_doubt ? notify::unconfirmed_text({}, news) : notify::not_delivered_text(news, item.state);
    return ports_.store.queue_sms({.msisdn = item.msisdn, .text = std::move(text), .kind = SmsKind::failure, .created = now});
  });
  if (!done) log_error("failure_not_stored").item(item.id).error(done.error());
  if (queued) ports_.sms_queued();
}

// ---- what breaks and comes back ---------------------------------------------------------------------------------------------------

void ToPhone::resume() {
  transfers_.clear();
  ask_again();
}

// Items that somebody else was working on, and of whom nothing is known any more.
void ToPhone::ask_again() {
  const auto under_way = ports_.store.items(
      {.states = {ItemState::fetching, ItemState::converting, ItemState::submitting}, .way = Way::to_phone, .count_max = all_of_them});
  if (!under_way) {
    log_error("items_not_read").error(under_way.error());
    return;
  }
  for (const Item& item : *under_way) {
    // A forwarded mail lies in the data plane's journal: it asks for its route again by itself. What is in doubt is nobody's work now.
    if (item.source == Source::mailbox && !item.is_unknown() && !transfers_.contains(item.id))
      break_off(item.id, "a program was restarted in the middle; fetched again", Retry::at_once);
  }
}

void ToPhone::on_data_plane_ready(handoff::Other other) {
  // What the other side kept only in memory is gone with it. What it had submitted, it says now; so wait a moment.
  resume_at_ = ports_.clock.now() + timers::after_hello;
  if (other == handoff::Other::restarted) ask_again();
}

void ToPhone::on_data_plane_lost() {
  std::vector<ItemId> broken;
  for (const auto& [id, transfer] : transfers_) broken.push_back(id);
  for (const ItemId& id : broken) break_off(id, "the data plane went away; fetched again when it is back", Retry::at_once);
}

void ToPhone::on_fetcher_lost(const std::function<bool(std::string_view)>& was_there) {
  std::vector<ItemId> broken;
  for (const auto& [id, transfer] : transfers_) {
    if (was_there(transfer.binding)) broken.push_back(id);
  }
  for (const ItemId& id : broken) break_off(id, "the fetcher went away; fetched again when it is back", Retry::at_once);
}

void ToPhone::on_mailbox_ready(std::string_view binding) {
  const auto waiting = ports_.store.items({.binding = std::string(binding), .states = {ItemState::requested}, .way = Way::to_phone});
  if (!waiting) return;
  for (Item item : *waiting) {
    if (item.retry_at.us == 0 || item.attempts > ready_attempts_max) continue;
    item.retry_at = {};
    if (const auto done = ports_.store.write([&] { return ports_.store.update_item(item); }); !done)
      log_error("retry_not_stored").error(done.error());
  }
  pump();
}

void ToPhone::forget(const ItemId& item) {
  const auto node = transfers_.extract(item);
  if (!node.empty()) cancel_fetch(item, node.mapped());
}

// Nobody wants it any more: the data plane gives its memory back, unless it is being sent.
void ToPhone::withdraw(const Item& item) {
  forget(item.id);
  if (item.source == Source::smtp) return refuse_route(item);
  ports_.data_plane.send(handoff::Kind::withdraw, item.id, handoff::make(handoff::Kind::withdraw, item.id));
}

// ---- after the report -------------------------------------------------------------------------------------------------------------

void ToPhone::on_marked(const RecordView& record) {
  const ItemId id = record.header().item;
  const std::string reason = text_or_empty(record, mailbox::Tag::reason);
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(auto item, ports_.store.item(id));
    if (!item || item->mark != MarkProgress::pending) return {};
    if (!reason.empty()) {
      if (item->attempts >= mark_attempts_max) {
        item->mark = MarkProgress::failed;
        if (const auto written = ports_.store.update_item(*item); !written) return written;
      }
      return note(ports_.store, *item, "mark_failed", ports_.clock.wall(), Program::fetcher, {{"reason", reason}});
    }
    item->mark = MarkProgress::done;
    if (const auto written = ports_.store.update_item(*item); !written) return written;
    return note(ports_.store, *item, "marked", ports_.clock.wall(), Program::fetcher,
                {{"mark", text_or_empty(record, mailbox::Tag::mark)}, {"uid", item->uid}});
  });
  if (!done) log_error("mark_not_stored").item(id).error(done.error());
}

void ToPhone::pump_marks() {
  const Timestamp now = ports_.clock.wall();
  const auto pending = ports_.store.items({.mark = MarkProgress::pending, .due = now, .order = ItemOrder::oldest_first, .count_max = 100});
  if (!pending) return;
  for (Item item : *pending) {
    const auto binding = ports_.store.binding(item.binding);
    if (!binding) continue;
    const bool over = !*binding || (*binding)->state == BindingState::removed || (*binding)->mark == MarkPolicy::none ||
                      item.attempts >= mark_attempts_max;
    const bool asked = !over && (*binding)->is_active() && ports_.fetchers.is_up(item.binding);
    // Counted before it is asked: a fetcher that never answers counts too. What cannot be asked now makes room for others.
    item.retry_at = {now.us + doubled(timers::mark_retry, item.attempts).us()};
    if (asked) ++item.attempts;
    if (over) item.mark = MarkProgress::failed;
    const auto done = ports_.store.write([&]() -> Result<void> {
      if (const auto written = ports_.store.update_item(item); !written || !over) return written;
      return note(ports_.store, item, "mark_given_up", now, Program::control);
    });
    if (!done) log_error("mark_not_stored").item(item.id).error(done.error());
    if (!done || !asked) continue;
    RecordWriter mark = make(Kind::mark, item.id);
    mark.text(tag(mailbox::Tag::binding), item.binding).u64(tag(mailbox::Tag::uid_validity), item.uid_validity);
    mark.text(tag(mailbox::Tag::uid), item.uid).text(tag(mailbox::Tag::mark), to_string((*binding)->mark));
    ports_.fetchers.send(item.binding, Kind::mark, item.id, std::move(mark));
  }
}

void ToPhone::expire() {
  const Timestamp now = ports_.clock.wall();
  const auto asked = ports_.store.items(
      {.states = {ItemState::accepted, ItemState::notified}, .way = Way::to_phone, .code_due = now, .order = ItemOrder::oldest_first});
  if (!asked) return;
  for (Item item : *asked) {
    const auto done = ports_.store.write([&]() -> Result<void> {
      if (const auto withdrawn = ports_.store.withdraw_sms(item.id); !withdrawn) return withdrawn;
      PM_TRY([[maybe_unused]] const bool moved,
             move_item(
                 ports_.store, item,
                 {.event = ItemEvent::expired, .reason = "the phone did not answer in time; the mail stays in the mailbox", .time = now}));
      return {};
    });
    if (!done) log_error("expiry_not_stored").item(item.id).error(done.error());
    if (done) refuse_route(item);
  }

  const auto submitted = ports_.store.items({.states = {ItemState::submitted, ItemState::reported},
                                             .way = Way::to_phone,
                                             .expired_by = Timestamp{now.us - timers::no_report.us()},
                                             .order = ItemOrder::oldest_first});
  if (!submitted) return;
  for (Item item : *submitted) {
    const auto done = ports_.store.write([&]() -> Result<void> {
      PM_TRY([[maybe_unused]] const bool moved,
             move_item(ports_.store, item,
                       {.event = ItemEvent::unconfirmed,
                        .reason = "the MMSC took the message, but no report came within a day after its expiry",
                        .time = now}));
      return {};
    });
    if (!done) log_error("unconfirmed_not_stored").item(item.id).error(done.error());
  }
}

void ToPhone::tick() {
  const Instant now = ports_.clock.now();
  std::vector<ItemId> stalled;
  for (const auto& [id, transfer] : transfers_) {
    if (now - transfer.progress > timers::transfer_stall) stalled.push_back(id);
  }
  for (const ItemId& id : stalled) break_off(id, "nothing came for three minutes; fetched again", Retry::backing_off);
  pump();
  if (now >= marks_at_) {
    marks_at_ = now + timers::marks;
    expire();
  }
  pump_marks();
  if (now < announce_at_) return;
  announce_at_ = now + timers::announcements;
  if (ports_.announcer.tick()) ports_.sms_queued();
}

}  // namespace pushmail

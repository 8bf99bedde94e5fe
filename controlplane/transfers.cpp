#include "controlplane/transfers.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlplane/store/ledger.h"
#include "core/contract/handoff/peer.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;
using mailbox::Kind;

constexpr std::size_t transfers_max = 16;
constexpr std::string_view data_plane_is_full = "the data plane takes no more at the moment";

}  // namespace

std::string explain_fetch(std::string_view word, const Binding& binding) {
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

bool Transfers::has_room() const { return transfers_.size() < transfers_max; }

// ---- on the way -------------------------------------------------------------------------------------------------------------------

void Transfers::begin(const Item& item, RecordWriter submission) {
  // A server that announces nothing must not have an empty mail submitted: what it really sends decides.
  const std::uint64_t size = std::max<std::uint64_t>(item.size, 1);
  submission.u64(tag(Tag::mail_size), size);
  if (ports_.data_plane.send(handoff::Kind::submission, item.id, std::move(submission)) == DataPlanePort::Sent::no) {
    return break_off(item.id, std::string(data_plane_is_full), Retry::backing_off);
  }
  transfers_[item.id] = {.binding = item.binding, .size = size, .progress = ports_.clock.now()};
  log_info("fetching").trace(item.trace).item(item.id).binding(item.binding);
  RecordWriter fetch = make(Kind::fetch, item.id);
  fetch.text(tag(mailbox::Tag::binding), item.binding)
      .u64(tag(mailbox::Tag::uid_validity), item.uid_validity)
      .text(tag(mailbox::Tag::uid), item.uid);
  ports_.fetchers.send(item.binding, Kind::fetch, item.id, std::move(fetch));
}

void Transfers::grant(const ItemId& id, Transfer& transfer, std::uint64_t chunks) {
  transfer.progress = ports_.clock.now();
  RecordWriter credit = make(Kind::credit, id);
  credit.text(tag(mailbox::Tag::binding), transfer.binding).u64(tag(mailbox::Tag::credit), chunks);
  ports_.fetchers.send(transfer.binding, Kind::credit, id, std::move(credit));
}

void Transfers::on_credit(const RecordView& record) {
  const ItemId id = record.header().item;
  const auto transfer = transfers_.find(id);
  if (transfer != transfers_.end()) grant(id, transfer->second, number_or_zero(record, Tag::credit));
}

bool Transfers::pass(const ItemId& id, Transfer& transfer, RecordWriter chunk, std::uint64_t size) {
  if (ports_.data_plane.send(handoff::Kind::submission_chunk, id, std::move(chunk)) == DataPlanePort::Sent::no) return false;
  transfer.passed += size;
  transfer.progress = ports_.clock.now();
  return true;
}

void Transfers::on_chunk(const RecordView& record) {
  const ItemId id = record.header().item;
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  Transfer& transfer = found->second;
  const std::uint64_t offset = number_or_zero(record, mailbox::Tag::offset);
  const ByteView data = record.bytes(tag(mailbox::Tag::data)).value_or(ByteView());
  if (offset != transfer.passed + transfer.held) return break_off(id, "the fetcher's chunks do not fit together", Retry::backing_off);
  if (data.empty()) return;
  // Copied here once more, and never again on the way to the other socket. A record has room for limits::handoff_chunk_size_max; a
  // fetcher's chunks are smaller.
  const auto handed_on = [&] {
    RecordWriter chunk = handoff::make(handoff::Kind::submission_chunk, id);
    chunk.u64(tag(Tag::offset), offset).bytes(tag(Tag::data), data);
    return chunk;
  };
  if (transfer.held != 0 || offset + data.size() > transfer.size) {
    // The server announced fewer bytes than it sends. `fetched` will say how many there are.
    transfer.last.reset();
    transfer.held = data.size();
    transfer.passed = offset;
    transfer.size = 0;
  } else if (offset + data.size() == transfer.size) {
    // The data plane converts when the size is complete, so the last chunk waits until the fetcher says that it was the last.
    transfer.last = handed_on();
    transfer.held = data.size();
  } else {
    if (!pass(id, transfer, handed_on(), data.size())) break_off(id, std::string(data_plane_is_full), Retry::backing_off);
    return;
  }
  // The data plane, which did not get it, grants nothing for it.
  grant(id, transfer, 1);
}

Effects Transfers::on_fetched(const RecordView& record) {
  const ItemId id = record.header().item;
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return {};
  Transfer& transfer = found->second;
  const std::uint64_t real_size = record.u64(tag(mailbox::Tag::size)).value_or(transfer.passed + transfer.held);
  if (real_size == 0) {
    transfers_.erase(found);
    Effects effects;
    const auto item = ports_.store.item(id);
    if (item && *item) effects.not_fetched.push_back({**item, ItemEvent::fetch_failed, "the mail is empty"});
    return effects;
  }
  if (real_size != transfer.size) {
    size_was_wrong(id, real_size);
    return {};
  }
  if (transfer.last && !pass(id, transfer, std::move(*transfer.last), transfer.held)) {
    break_off(id, std::string(data_plane_is_full), Retry::backing_off);
    return {};
  }
  transfers_.erase(found);
  // Otherwise the state is behind; the outcome brings it up to date.
  if (const auto done = ports_.store.write([&] { return write_fetched(id, real_size); }); !done)
    log_error("fetched_not_stored").item(id).error(done.error());
  return {.fetch = true};
}

// RFC 3501 §2.3.4 lets nobody announce a wrong RFC822.SIZE, and servers do. Once more, with what it really was.
void Transfers::size_was_wrong(const ItemId& id, std::uint64_t real_size) {
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(auto item, ports_.store.item(id));
    if (!item) return {};
    item->size = real_size;
    return ports_.store.update_item(*item);
  });
  if (!done) log_error("size_not_stored").item(id).error(done.error());
  break_off(id, fmt::format("the mail server announced another size than the {} bytes it sent; fetched again", real_size),
            Retry::backing_off);
}

Result<void> Transfers::write_fetched(const ItemId& id, std::uint64_t size) {
  PM_TRY(auto item, ports_.store.item(id));
  if (!item) return {};
  log_info("fetched").trace(item->trace).item(id).binding(item->binding).number("size", static_cast<std::int64_t>(size));
  const Timestamp now = ports_.clock.wall();
  Details details{{"size", fmt::to_string(size)}};
  if (item->state != ItemState::fetching) return note(ports_.store, *item, "fetched", now, Program::fetcher, std::move(details));
  PM_TRY([[maybe_unused]] const bool moved, move_item(ports_.store, *item,
                                                      {.event = ItemEvent::fetched,
                                                       .reason = "the data plane has the whole mail",
                                                       .time = now,
                                                       .by = Program::fetcher,
                                                       .details = std::move(details)}));
  return {};
}

// ---- what breaks off --------------------------------------------------------------------------------------------------------------

Effects Transfers::on_fetch_failed(const RecordView& record) {
  const ItemId id = record.header().item;
  if (transfers_.erase(id) == 0) return {};
  const std::string word = text_or_empty(record, mailbox::Tag::reason);
  const auto item = ports_.store.item(id);
  if (!item || !*item) return {};
  const auto binding = ports_.store.binding((*item)->binding);
  if (!binding || !*binding) return {};
  std::string reason = explain_fetch(word, **binding);
  Effects effects;
  if (word == "gone") {
    effects.not_fetched.push_back({**item, ItemEvent::fetch_gone, std::move(reason)});
  } else if (word == "too_large" || word == "unreadable") {
    effects.not_fetched.push_back({**item, ItemEvent::fetch_refused, std::move(reason)});
  } else {
    break_off(id, std::move(reason), Retry::backing_off);
  }
  return effects;
}

void Transfers::break_off(const ItemId& id, std::string reason, Retry retry) {
  if (transfers_.contains(id)) {
    forget(id);
    // It may wait for the rest of the mail with memory for all of it.
    if (ports_.data_plane.is_ready()) send_withdrawn(id);
  }
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

void Transfers::tick() {
  const Instant now = ports_.clock.now();
  break_off_each([&](const Transfer& transfer) { return now - transfer.progress > timers::transfer_stall; },
                 "nothing came for three minutes; fetched again", Retry::backing_off);
}

void Transfers::forget(const ItemId& id) {
  const auto node = transfers_.extract(id);
  if (node.empty()) return;
  const std::string& binding = node.mapped().binding;
  RecordWriter cancel = make(Kind::cancel, id);
  cancel.text(tag(mailbox::Tag::binding), binding);
  ports_.fetchers.send(binding, Kind::cancel, id, std::move(cancel));
}

void Transfers::withdraw(const ItemId& id) {
  forget(id);
  send_withdrawn(id);
}

void Transfers::send_withdrawn(const ItemId& id) {
  ports_.data_plane.send(handoff::Kind::withdraw, id, handoff::make(handoff::Kind::withdraw, id));
}

void Transfers::take_back(const ItemId& id) {
  RecordWriter record = handoff::make(handoff::Kind::withdraw, id);
  record.text(tag(Tag::state), to_string(ItemState::withdrawn));
  ports_.data_plane.send(handoff::Kind::withdraw, id, std::move(record));
}

}  // namespace pushmail

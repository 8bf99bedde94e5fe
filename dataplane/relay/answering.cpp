#include "dataplane/relay/answering.h"

#include <string>
#include <utility>

#include "core/contract/journal/schema.h"
#include "core/log.h"

namespace pushmail::relay {

namespace jn = journal;

mm7::Status status_of(int code, std::string details) {
  return {.code = code, .text = std::string(mm7::status_text(code)), .details = std::move(details)};
}

void Answering::answer_again(const Repeats::Entry& entry, const DigestKey& key, Ticket ticket) {
  if (entry.durable) return context_.ports.answers.answer_mm7(ticket, entry.status);
  waiting_[key].push_back(ticket);
}

void Answering::begin(const DigestKey& key, const ItemId& id) {
  repeats_.put(key, {.item = id, .durable = false, .status = {}, .at = context_.clock.wall()});
}

void Answering::accepted(const DigestKey& key, Ticket ticket, const mm7::Status& status) {
  repeats_.make_durable(key, status);
  context_.ports.answers.answer_mm7(ticket, status);
  answer_waiting(key, &status);
}

void Answering::refused(const DigestKey& key, Ticket ticket, const mm7::Status& status) {
  repeats_.forget(key);
  context_.ports.answers.answer_mm7(ticket, status);
  answer_waiting(key, &status);
}

void Answering::delayed(const DigestKey& key, Ticket ticket, std::string_view reason) {
  repeats_.forget(key);
  delay(ticket, reason);
  answer_waiting(key, nullptr);
}

void Answering::delay(Ticket ticket, std::string_view reason) {
  context_.counters.add(Counter::deliver_delayed);
  log_warning("deliver_delayed").text("reason", reason);
  context_.ports.answers.refuse_mm7(ticket);
}

void Answering::answer_waiting(const DigestKey& key, const mm7::Status* status) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  const std::vector<Ticket> tickets = std::move(found->second);
  waiting_.erase(found);
  for (const Ticket ticket : tickets) {
    if (status != nullptr) {
      context_.ports.answers.answer_mm7(ticket, *status);
    } else {
      context_.ports.answers.refuse_mm7(ticket);
    }
  }
}

void Answering::remember(const RecordView& record) {
  const auto key = key_from(record.bytes(jn::tag(jn::Tag::digest)).value_or(ByteView{}));
  if (!key) return;
  mm7::Status status = status_of(1000);
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field != jn::tag(jn::Tag::recipient_bad)) return;
    const std::string_view form = text_of(value);
    if (status.code == 1100) status.details += ", ";
    status.code = 1100;
    status.details += std::string(form.substr(form.find(':') + 1));
  });
  if (status.code == 1100) status.text = mm7::status_text(1100);
  repeats_.put(*key, {.item = record.header().item,
                      .durable = true,
                      .status = std::move(status),
                      .at = Timestamp{record.i64(jn::tag(jn::Tag::time)).value_or(0)}});
}

}  // namespace pushmail::relay

#include "controlplane/store/item_columns.h"

#include <fmt/format.h>

#include "controlplane/store/row_reading.h"

namespace pushmail::store_rows {

const std::string& item_columns() {
  static const std::string all = fmt::format("{}, {}, {}", item_columns_fixed, item_columns_of_route, item_columns_of_life);
  return all;
}

Item read_item(Run& run) {
  Item i;
  i.id = id_of<ItemId>(run.bytes());
  i.trace = id_of<TraceId>(run.bytes());
  i.way = take_word(run, Way::to_phone);
  i.source = take_word(run, Source::mailbox);
  i.msisdn = msisdn_of(run.text());
  i.uid_validity = static_cast<std::uint64_t>(run.number());
  i.uid = run.text();
  i.mail_message_id = run.text();
  i.mail_references = split(run.text());
  i.created = {run.number()};
  i.author = run.text();
  i.authentication = run.text();
  i.source_address = run.text();
  i.sender_domain = run.text();

  i.binding = run.text();
  i.correspondent = run.text();
  i.correspondent_name = run.text();
  i.subject = run.text();

  i.state = take_word(run, ItemState::failed);
  i.reason = run.text();
  i.peer = run.text();
  i.message_id = run.text();
  i.size = static_cast<std::uint64_t>(run.number());
  i.suffix = run.text();
  i.reply_code = run.text();
  i.code_expires = {run.number()};
  i.updated = {run.number()};
  i.expires = {run.number()};
  i.retry_at = {run.number()};
  i.attempts = static_cast<std::uint32_t>(run.number());
  i.duplicate_possible = run.number() != 0;
  i.mark = take_word(run, MarkProgress::none);
  i.announced = {run.number()};
  i.doubts = static_cast<std::uint32_t>(run.number());
  i.doubt_began = {run.number()};
  i.unknown_until = {run.number()};
  i.asked_in_doubt = run.number() != 0;
  i.mark_at = {run.number()};
  i.mark_attempts = static_cast<std::uint32_t>(run.number());
  return i;
}

void put_item_fixed(Run& run, const Item& i) {
  run.put(ByteView(i.id.bytes)).put(ByteView(i.trace.bytes)).put(to_string(i.way)).put(to_string(i.source)).put(i.msisdn.digits());
  run.put(static_cast<std::int64_t>(i.uid_validity)).put(i.uid).put(i.mail_message_id).put(joined(i.mail_references)).put(i.created.us);
  run.put(i.author).put(i.authentication).put(i.source_address).put(i.sender_domain);
}

void put_item_route(Run& run, const Item& i) { run.put(i.binding).put(i.correspondent).put(i.correspondent_name).put(i.subject); }

void put_item_life(Run& run, const Item& i) {
  run.put(to_string(i.state)).put(i.reason).put(i.peer).put(i.message_id).put(static_cast<std::int64_t>(i.size));
  run.put(i.suffix).put(i.reply_code).put(i.code_expires.us).put(i.updated.us).put(i.expires.us).put(i.retry_at.us);
  run.put(std::int64_t{i.attempts}).put(std::int64_t{i.duplicate_possible ? 1 : 0}).put(to_string(i.mark)).put(i.announced.us);
  run.put(std::int64_t{i.doubts}).put(i.doubt_began.us).put(i.unknown_until.us).put(std::int64_t{i.asked_in_doubt ? 1 : 0});
  run.put(i.mark_at.us).put(std::int64_t{i.mark_attempts});
}

}  // namespace pushmail::store_rows

// What is announced to a phone, and what waits for it (announcements.h).
#include <fmt/format.h>

#include "controlplane/store/announcements_sql.h"
#include "controlplane/store/item_columns.h"
#include "controlplane/store/row_reading.h"
#include "controlplane/store/store.h"

namespace pushmail {

using namespace store_rows;

namespace {

std::string_view source_of(Origin origin) { return origin == Origin::stranger ? "smtp" : "mailbox"; }

}  // namespace

Result<std::vector<CodeHolder>> Store::code_holders(const Msisdn& phone) {
  Run run = db_.prepare(announcements_sql::code_holders);
  run.put(phone.digits());
  return all<CodeHolder>(run, [](Run& row) {
    CodeHolder holder;
    holder.code = row.text();
    holder.item = id_of<ItemId>(row.bytes());
    holder.origin = row.text() == to_string(Source::smtp) ? Origin::stranger : Origin::own;
    holder.state = take_word(row, ItemState::failed);
    holder.announced = {row.number()};
    holder.updated = {row.number()};
    return holder;
  });
}

Result<std::optional<Item>> Store::item_of_code(const Msisdn& phone, std::string_view code) {
  static const std::string sql =
      fmt::format("SELECT {} FROM item WHERE msisdn = ? AND reply_code = ? AND reply_code <> ''", item_columns());
  Run run = db_.prepare(sql);
  run.put(phone.digits()).put(code);
  return first(run, read_item);
}

Result<std::optional<Item>> Store::newest_waiting(const Msisdn& phone, Origin origin, Waiting waiting) {
  ItemId id;
  {
    Run run = db_.prepare(announcements_sql::newest_waiting);
    run.put(phone.digits())
        .put(source_of(origin))
        .put(to_string(waiting == Waiting::never_announced ? ItemState::accepted : ItemState::notified));
    PM_TRY(const bool row, run.step());
    if (!row) return std::optional<Item>();
    id = id_of<ItemId>(run.bytes());
  }
  return item(id);
}

Result<std::uint64_t> Store::count_waiting(const Msisdn& phone, Origin origin) {
  Run run = db_.prepare(announcements_sql::count_waiting);
  run.put(phone.digits()).put(source_of(origin));
  return counted(run);
}

Result<std::vector<Msisdn>> Store::phones_waiting(const Msisdn& after, std::size_t count_max) {
  Run run = db_.prepare(announcements_sql::phones_waiting);
  run.put(after.digits()).put(static_cast<std::int64_t>(count_max));
  return all<Msisdn>(run, [](Run& row) { return msisdn_of(row.text()); });
}

Result<Unanswered> Store::unanswered(const Msisdn& phone, Origin origin, Timestamp since) {
  Run run = db_.prepare(announcements_sql::unanswered);
  run.put(phone.digits()).put(source_of(origin)).put(since.us);
  PM_TRY(const bool row, run.step());
  PM_CHECK(row);
  Unanswered found{.count = static_cast<std::uint64_t>(run.number())};
  found.last = {run.number()};
  return found;
}

Result<HandedIn> Store::handed_in(const Msisdn& phone, const Stranger& stranger, Timestamp since, std::size_t count_max) {
  Run run = db_.prepare(announcements_sql::handed_in);
  run.put(stranger.source_address).put(stranger.sender_domain).put(phone.digits()).put(since.us).put(static_cast<std::int64_t>(count_max));
  PM_TRY(const bool row, run.step());
  PM_CHECK(row);
  HandedIn found{.mails = static_cast<std::uint64_t>(run.number())};
  found.of_source = static_cast<std::uint64_t>(run.number());
  found.of_sender = static_cast<std::uint64_t>(run.number());
  return found;
}

Result<std::uint64_t> Store::count_open_of_strangers(const Msisdn& phone) {
  Run run = db_.prepare(announcements_sql::count_open_of_strangers);
  run.put(phone.digits());
  return counted(run);
}

}  // namespace pushmail

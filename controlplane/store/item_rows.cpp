// Items and their history, and the waits of a clock that was set.
#include <fmt/format.h>

#include <algorithm>

#include "controlplane/store/item_columns.h"
#include "controlplane/store/row_reading.h"
#include "controlplane/store/store.h"
#include "core/peer_id.h"

namespace pushmail {

using namespace store_rows;

namespace {

// `'accepted', 'notified'`: each once and in one order, since every text is a prepared statement that is kept.
std::string list_of(std::vector<ItemState> states) {
  std::ranges::sort(states);
  const auto repeated = std::ranges::unique(states);
  states.erase(repeated.begin(), repeated.end());
  std::string list;
  for (const ItemState word : states) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", to_string(word));
  return list;
}

// What is asked for every few seconds is found by the time at which it is due, however much waits. Without statistics SQLite would take the
// index of states instead.
std::string_view hint_for(const ItemFilter& filter) {
  const auto are = [&](std::initializer_list<ItemState> states) { return std::ranges::equal(filter.states, states); };
  if (filter.unknown_by) return " INDEXED BY item_unknown";
  if (filter.mark_due) return " INDEXED BY item_mark_due";
  if (filter.due && are({ItemState::requested})) return " INDEXED BY item_due";
  if (filter.code_due && are({ItemState::accepted, ItemState::notified})) return " INDEXED BY item_code_due";
  if (filter.expired_by && are({ItemState::submitted, ItemState::reported})) return " INDEXED BY item_unreported";
  return {};
}

HistoryRow read_history(Run& run) {
  HistoryRow h;
  h.item = id_of<ItemId>(run.bytes());
  h.trace = id_of<TraceId>(run.bytes());
  h.time = {run.number()};
  h.program = take_word(run, Program::control);
  h.event = run.text();
  h.state = parse_word<ItemState>(run.text());
  for (const std::string& line : split(run.text())) {
    const std::size_t equals = line.find('=');
    h.details.emplace_back(line.substr(0, equals), equals == std::string::npos ? "" : line.substr(equals + 1));
  }
  h.arrival = run.number();
  return h;
}

}  // namespace

Result<bool> Store::add_item(const Item& item) {
  static const std::string sql = fmt::format("INSERT INTO item ({}) VALUES ({})", item_columns(), question_marks(item_columns()));
  Run run = db_.prepare(sql);
  put_item_fixed(run, item);
  put_item_route(run, item);
  put_item_life(run, item);
  return stored(run.run());
}

Result<void> Store::update_item(const Item& item) {
  static const std::string life =
      fmt::format("UPDATE item SET ({}) = ({}) WHERE id = ?", item_columns_of_life, question_marks(item_columns_of_life));
  static const std::string route =
      fmt::format("UPDATE item SET ({}) = ({}) WHERE id = ?", item_columns_of_route, question_marks(item_columns_of_route));
  if (item.way == Way::to_mail) {
    Run run = db_.prepare(route);
    put_item_route(run, item);
    run.put(ByteView(item.id.bytes));
    if (const auto done = run.run(); !done) return done;
  }
  Run run = db_.prepare(life);
  put_item_life(run, item);
  run.put(ByteView(item.id.bytes));
  return run.run();
}

Result<std::optional<Item>> Store::item(const ItemId& id) {
  static const std::string sql = fmt::format("SELECT {} FROM item WHERE id = ?", item_columns());
  Run run = db_.prepare(sql);
  run.put(ByteView(id.bytes));
  return first(run, read_item);
}

Result<std::vector<Item>> Store::items(const ItemFilter& filter) {
  // The shape of the question is in the text, and so are its words, which partial indexes are about; its values are parameters.
  std::string sql = fmt::format("SELECT {} FROM item{} WHERE 1", item_columns(), hint_for(filter));
  // By its phone, of which there is an index.
  if (!filter.binding.empty()) sql += " AND binding = ? AND msisdn = (SELECT msisdn FROM binding WHERE id = ?)";
  if (filter.states.size() == 1) sql += fmt::format(" AND state = {}", list_of(filter.states));
  if (filter.states.size() > 1) sql += fmt::format(" AND state IN ({})", list_of(filter.states));
  if (filter.way) sql += " AND way = ?";
  if (filter.trace) sql += " AND trace = ?";
  if (filter.mark_due) sql += " AND mark = 'pending' AND mark_at <= ?";
  if (filter.due) sql += " AND retry_at <= ?";
  if (filter.code_due) sql += " AND code_expires <> 0 AND code_expires <= ?";
  if (filter.expired_by) sql += " AND expires <> 0 AND expires <= ?";
  if (filter.unknown_by) sql += " AND unknown_until <> 0 AND unknown_until <= ?";
  if (filter.msisdn) sql += " AND msisdn = ?";
  if (!filter.peer.empty()) sql += " AND peer = ?";
  if (filter.nameless) sql += " AND message_id = '' AND (state = 'submitted' OR doubts > 0)";
  if (!filter.before.empty()) sql += " AND id < ?";
  sql += filter.order == ItemOrder::newest_first ? " ORDER BY id DESC LIMIT ?" : " ORDER BY id LIMIT ?";

  Run run = db_.prepare(sql);
  if (!filter.binding.empty()) run.put(filter.binding).put(filter.binding);
  if (filter.way) run.put(to_string(*filter.way));
  if (filter.trace) run.put(ByteView(filter.trace->bytes));
  if (filter.mark_due) run.put(filter.mark_due->us);
  if (filter.due) run.put(filter.due->us);
  if (filter.code_due) run.put(filter.code_due->us);
  if (filter.expired_by) run.put(filter.expired_by->us);
  if (filter.unknown_by) run.put(filter.unknown_by->us);
  if (filter.msisdn) run.put(filter.msisdn->digits());
  if (!filter.peer.empty()) run.put(filter.peer);
  if (!filter.before.empty()) run.put(ByteView(parse_item_id(filter.before).value_or(ItemId()).bytes));
  run.put(static_cast<std::int64_t>(filter.count_max));
  return all(run, read_item);
}

Result<std::vector<Item>> Store::items_of_message(std::string_view peer, std::string_view message_id) {
  if (message_id.empty()) return std::vector<Item>();
  static const std::string sql = fmt::format("SELECT {} FROM item WHERE peer = ? AND {} = ? AND message_id <> '' ORDER BY message_id <> ?",
                                             item_columns(), message_key);
  Run run = db_.prepare(sql);
  run.put(peer).put(peer_id_key(message_id)).put(message_id);
  return all(run, read_item);
}

Result<void> Store::add_history(const HistoryRow& row) {
  std::vector<std::string> details;
  for (const auto& [key, value] : row.details) details.push_back(key + "=" + value);
  Run run = db_.prepare("INSERT INTO history (item, trace, time, program, event, state, details) VALUES (?, ?, ?, ?, ?, ?, ?)");
  run.put(ByteView(row.item.bytes))
      .put(ByteView(row.trace.bytes))
      .put(row.time.us)
      .put(to_string(row.program))
      .put(row.event)
      .put(row.state ? to_string(*row.state) : std::string_view());
  run.put(joined(details));
  return run.run();
}

Result<std::vector<HistoryRow>> Store::history(const ItemId& item) {
  // Programs tell of what happened at slightly different times; people read it in the order of the events.
  Run run = db_.prepare("SELECT item, trace, time, program, event, state, details, row FROM history WHERE item = ? ORDER BY time, row");
  run.put(ByteView(item.bytes));
  return all(run, read_history);
}

Result<std::vector<HistoryRow>> Store::history_of_trace(const TraceId& trace) {
  Run run = db_.prepare("SELECT item, trace, time, program, event, state, details, row FROM history WHERE trace = ? ORDER BY time, row");
  run.put(ByteView(trace.bytes));
  return all(run, read_history);
}

Result<void> Store::shift_waits(Timestamp from, Duration by) {
  for (const char* sql : {"UPDATE item SET retry_at = retry_at + ?1 WHERE retry_at > ?2",
                          "UPDATE item SET mark_at = mark_at + ?1 WHERE mark = 'pending' AND mark_at > ?2",
                          "UPDATE item SET code_expires = code_expires + ?1 WHERE code_expires > ?2",
                          "UPDATE item SET expires = expires + ?1 WHERE expires > ?2",
                          "UPDATE item SET unknown_until = unknown_until + ?1 WHERE unknown_until > ?2",
                          "UPDATE sms SET retry_at = retry_at + ?1 WHERE retry_at > ?2"}) {
    Run run = db_.prepare(sql);
    run.put(by.us()).put(from.us);
    if (const auto done = run.run(); !done) return done;
  }
  // An SMS that waits for a day is given up: the day is one of waiting.
  Run run = db_.prepare("UPDATE sms SET created = created + ? WHERE state IN ('pending', 'submitting')");
  run.put(by.us());
  return run.run();
}

Result<void> Store::clamp_waits(const WaitsMax& most) {
  const std::int64_t retry = most.now.us + most.retry.us();
  const std::int64_t code = most.now.us + most.code.us();
  for (const auto& [sql, latest] : {std::pair("UPDATE item SET retry_at = ?1 WHERE retry_at > ?1", retry),
                                    std::pair("UPDATE item SET mark_at = ?1 WHERE mark = 'pending' AND mark_at > ?1", retry),
                                    std::pair("UPDATE item SET code_expires = ?1 WHERE code_expires > ?1", code),
                                    std::pair("UPDATE item SET announced = ?1 WHERE announced > ?1", most.now.us),
                                    std::pair("UPDATE item SET created = ?1 WHERE created > ?1", most.now.us),
                                    std::pair("UPDATE item SET unknown_until = ?1 WHERE unknown_until > ?1", most.now.us + most.doubt.us()),
                                    std::pair("UPDATE sms SET retry_at = ?1 WHERE retry_at > ?1", retry),
                                    std::pair("UPDATE sms SET created = ?1 WHERE created > ?1", most.now.us)}) {
    Run run = db_.prepare(sql);
    run.put(latest);
    if (const auto done = run.run(); !done) return done;
  }
  return {};
}

}  // namespace pushmail

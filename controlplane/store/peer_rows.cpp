// What is counted of items: by peer and by state.
#include <fmt/format.h>

#include "controlplane/store/row_reading.h"
#include "controlplane/store/store.h"

namespace pushmail {

using namespace store_rows;

Result<std::vector<Duration>> Store::report_times(std::string_view peer, std::size_t count_max) {
  Run run = db_.prepare("SELECT ms FROM report_time WHERE peer = ? ORDER BY row DESC LIMIT ?");
  run.put(peer).put(static_cast<std::int64_t>(count_max));
  return all<Duration>(run, [](Run& row) { return milliseconds(row.number()); });
}

Result<void> Store::add_report_time(std::string_view peer, Duration took, std::size_t count_max) {
  {
    Run run = db_.prepare("INSERT INTO report_time (peer, ms) VALUES (?, ?)");
    run.put(peer).put(took.ms());
    if (const auto added = run.run(); !added) return added;
  }
  Run run = db_.prepare(
      "DELETE FROM report_time WHERE peer = ? AND row <= (SELECT row FROM report_time WHERE peer = ? ORDER BY row DESC LIMIT 1 OFFSET "
      "?)");
  run.put(peer).put(peer).put(static_cast<std::int64_t>(count_max));
  return run.run();
}

Result<PeerTraffic> Store::peer_traffic(std::string_view peer, Timestamp since, Timestamp taken_by, std::uint64_t looked_at_max) {
  PeerTraffic traffic;
  const auto count = [&](std::uint64_t& into, std::string_view sql, std::optional<Timestamp> by = std::nullopt) -> Result<void> {
    Run run = db_.prepare(sql);
    run.put(peer).put(since.us).put(static_cast<std::int64_t>(looked_at_max));
    if (by) run.put(by->us);
    PM_TRY(into, counted(run));
    return {};
  };
  constexpr std::string_view silent =
      "SELECT count(*) FROM (SELECT updated FROM item WHERE peer = ? AND way = 'to_phone' AND state = 'submitted' AND created >= ? "
      "LIMIT ?) WHERE updated <= ?";
  constexpr std::string_view reported =
      "SELECT count(*) FROM (SELECT 1 FROM item WHERE peer = ? AND way = 'to_phone' AND state IN ('reported', 'delivered') AND "
      "created >= ? LIMIT ?)";
  // All states are named for the index, in which the time stands behind them.
  static const std::string from_phones = fmt::format(
      "SELECT count(*) FROM (SELECT suffix FROM item WHERE peer = ? AND way = 'to_mail' AND state IN ('{}') AND created >= ? LIMIT ?) "
      "WHERE ",
      fmt::join(words<ItemState>, "', '"));
  static const std::string answers = from_phones + "suffix <> ''", new_mails = from_phones + "suffix = ''";
  if (const auto done = count(traffic.silent, silent, taken_by); !done) return std::unexpected(done.error());
  if (const auto done = count(traffic.reported, reported); !done) return std::unexpected(done.error());
  if (const auto done = count(traffic.answers, answers); !done) return std::unexpected(done.error());
  if (const auto done = count(traffic.new_mails, new_mails); !done) return std::unexpected(done.error());
  return traffic;
}

Result<std::uint64_t> Store::count_unknown(std::string_view peer) {
  Run run = db_.prepare("SELECT count(*) FROM item INDEXED BY item_unknown WHERE unknown_until <> 0 AND peer = ?");
  run.put(peer);
  PM_TRY(const bool row, run.step());
  PM_CHECK(row);
  return static_cast<std::uint64_t>(run.number());
}

Result<std::vector<Backlog>> Store::backlog(std::uint64_t count_most) {
  std::vector<Backlog> found;
  for (std::size_t i = 0; i < words<ItemState>.size(); ++i) {
    const auto state = static_cast<ItemState>(i);
    if (is_final(state)) continue;
    Backlog one{.state = state};
    {
      // Both by item_of_state alone, in which rows of one state stand in the order they came in.
      Run run = db_.prepare("SELECT count(*) FROM (SELECT 1 FROM item WHERE state = ? LIMIT ?)");
      run.put(to_string(state)).put(static_cast<std::int64_t>(count_most));
      PM_TRY(one.count, counted(run));
    }
    if (one.count == 0) continue;
    Run run =
        db_.prepare("SELECT min(created), min(updated) FROM (SELECT created, updated FROM item WHERE state = ? ORDER BY rowid LIMIT 1000)");
    run.put(to_string(state));
    PM_TRY(const bool row, run.step());
    PM_CHECK(row);
    one.oldest = {run.number()};
    one.still_since = {run.number()};
    found.push_back(one);
  }
  return found;
}

}  // namespace pushmail

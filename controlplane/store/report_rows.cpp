// Reports of MMSCs, with and without the item that they are about.
#include <fmt/format.h>

#include "controlplane/store/row_reading.h"
#include "controlplane/store/store.h"
#include "core/peer_id.h"

namespace pushmail {

using namespace store_rows;

namespace {

constexpr std::string_view report_columns = "id, trace, peer, message_id, recipient, sender, mm_status, status_text, time, item";

Report read_report(Run& run) {
  Report r;
  r.id = id_of<ItemId>(run.bytes());
  r.trace = id_of<TraceId>(run.bytes());
  r.peer = run.text();
  r.message_id = run.text();
  r.recipient = run.text();
  r.sender = run.text();
  r.mm_status = run.text();
  r.status_text = run.text();
  r.time = {run.number()};
  r.item = id_of<ItemId>(run.bytes());
  return r;
}

}  // namespace

Result<bool> Store::add_report(const Report& r) {
  // Peer + MessageID + phone + MMStatus + date name a report; another status is news.
  {
    // IS, since of what is `=` something SQLite puts that into the expression too, and then finds no index for it.
    static const std::string sql = fmt::format(
        "SELECT 1 FROM report INDEXED BY report_of_message WHERE peer = ? AND {} = ? AND time = ? AND message_id IS ? AND recipient = ? "
        "AND sender = ? AND mm_status = ?",
        message_key);
    Run same = db_.prepare(sql);
    same.put(r.peer).put(peer_id_key(r.message_id)).put(r.time.us).put(r.message_id).put(r.recipient).put(r.sender).put(r.mm_status);
    PM_TRY(const bool known, same.step());
    if (known) return false;
  }
  static const std::string sql = fmt::format("INSERT INTO report ({}) VALUES ({})", report_columns, question_marks(report_columns));
  Run run = db_.prepare(sql);
  run.put(ByteView(r.id.bytes)).put(ByteView(r.trace.bytes)).put(r.peer).put(r.message_id).put(r.recipient).put(r.sender);
  run.put(r.mm_status).put(r.status_text).put(r.time.us).put(r.item.empty() ? ByteView() : ByteView(r.item.bytes));
  return stored(run.run());
}

Result<void> Store::match_report(const ItemId& report, const ItemId& item) {
  Run run = db_.prepare("UPDATE report SET item = ? WHERE id = ?");
  run.put(ByteView(item.bytes)).put(ByteView(report.bytes));
  return run.run();
}

Result<std::vector<Report>> Store::orphan_reports(std::string_view peer, std::string_view message_id) {
  constexpr std::string_view latest =
      "SELECT {} FROM (SELECT * FROM report INDEXED BY {} WHERE peer = ? AND item = x''{} ORDER BY rowid DESC LIMIT 1000) ORDER BY "
      "time, id";
  static const std::string any = fmt::format(latest, report_columns, "report_waiting", "");
  static const std::string named = fmt::format(latest, report_columns, "report_of_message", fmt::format(" AND {} = ?", message_key));
  Run run = db_.prepare(message_id.empty() ? any : named);
  run.put(peer);
  if (!message_id.empty()) run.put(peer_id_key(message_id));
  return all(run, read_report);
}

Result<void> Store::trim_orphan_reports(std::string_view peer, std::uint64_t most) {
  Run run = db_.prepare(
      "DELETE FROM report WHERE rowid IN (SELECT rowid FROM report INDEXED BY report_waiting WHERE peer = ? AND item = x'' ORDER BY "
      "rowid "
      "DESC LIMIT -1 OFFSET ?)");
  run.put(peer).put(static_cast<std::int64_t>(most));
  return run.run();
}

}  // namespace pushmail

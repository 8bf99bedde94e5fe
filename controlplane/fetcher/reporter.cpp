#include "controlplane/fetcher/reporter.h"

#include <algorithm>

#include "controlplane/fetcher/commands.h"
#include "core/contract/fetcher/schema.h"
#include "core/log.h"
#include "core/versions.h"

namespace pushmail::mailbox {

namespace {

constexpr std::size_t queued_size_max = 4 * limits::MiB;

constexpr std::uint16_t number_of(Tag tag) { return static_cast<std::uint16_t>(tag); }

RecordWriter record_of(Kind kind, std::string_view binding, const ItemId& item = {}) {
  RecordWriter record(static_cast<std::uint16_t>(kind), versions::mailbox_schema, item);
  record.text(number_of(Tag::binding), binding);
  return record;
}

void add(RecordWriter& record, const Cursor& cursor) {
  record.text(number_of(Tag::cursor), cursor.form())
      .u64(number_of(Tag::uid_validity), cursor.numbering())
      .text(number_of(Tag::last_uid), std::to_string(cursor.position()));
}

void add_names(RecordWriter& record, const Cursor& cursor) {
  for (const std::string& name : cursor.names()) record.text(number_of(Tag::known_uid), name);
}

}  // namespace

Reporter::Reporter(Loop& loop, Socket& socket) : loop_(loop), socket_(socket), gate_(loop) {}

void Reporter::send(RecordWriter& record) {
  if (closed_) return;
  queue_.push_back(record.finish(++sequence_));
  queued_size_ += queue_.back().size();
  gate_.open();
}

void Reporter::session(std::string_view binding, std::string_view state, std::string_view reason,
                       const std::optional<Backoff::Kept>& kept) {
  auto record = record_of(Kind::session, binding);
  record.text(number_of(Tag::state), state).i64(number_of(Tag::time), loop_.clock().wall().us);
  if (!reason.empty()) record.text(number_of(Tag::reason), reason);
  if (kept) write_kept(*kept, record);
  send(record);
  LogEvent(reason.empty() ? LogLevel::debug : LogLevel::warning, "session").binding(binding).text("state", state).text("reason", reason);
}

void Reporter::probed(std::string_view binding, std::string_view state, std::string_view reason, Duration wait) {
  auto record = record_of(Kind::probed, binding);
  record.text(number_of(Tag::state), state);
  if (!reason.empty()) record.text(number_of(Tag::reason), reason);
  if (wait.ns > 0) record.u64(number_of(Tag::pause), static_cast<std::uint64_t>(wait.ms()));
  send(record);
  log_info("account_tried").text("state", state).text("reason", reason);
}

void Reporter::baseline(std::string_view binding, const Cursor& cursor) {
  auto record = record_of(Kind::baseline, binding);
  add(record, cursor);
  add_names(record, cursor);
  send(record);
  log_info("baseline")
      .binding(binding)
      .number("uid_validity", static_cast<std::int64_t>(cursor.numbering()))
      .number("last_uid", static_cast<std::int64_t>(cursor.position()));
}

void Reporter::new_mail(std::string_view binding, const Cursor& cursor, const Arrival& arrival) {
  const Announcement said = announce(arrival);
  const TraceId trace = new_trace_id();
  auto record = record_of(Kind::new_mail, binding);
  add(record, cursor);
  record.text(number_of(Tag::uid), arrival.uid)
      .u64(number_of(Tag::size), arrival.size)
      .text(number_of(Tag::subject), said.subject)
      .text(number_of(Tag::sender), said.sender)
      .i64(number_of(Tag::date), said.date.us)
      .i64(number_of(Tag::time), loop_.clock().wall().us)
      .trace(number_of(Tag::trace), trace);
  if (!said.message_id.empty()) record.text(number_of(Tag::message_id), said.message_id);
  if (!said.authentication.empty()) record.text(number_of(Tag::authentication), said.authentication);
  if (!said.reply_to.empty()) record.text(number_of(Tag::reply_to), said.reply_to);
  if (cursor.names().contains(arrival.uid)) record.text(number_of(Tag::known_uid), arrival.uid);
  for (const std::string& reference : said.references) record.text(number_of(Tag::reference), reference);
  if (!arrival.trouble.empty()) record.text(number_of(Tag::reason), arrival.trouble);
  send(record);
  log_info("mail_seen").binding(binding).trace(trace).text("uid", arrival.uid).number("size", static_cast<std::int64_t>(arrival.size));
  if (!arrival.trouble.empty()) skipped(binding, arrival.uid, 1, "announced without its header: " + arrival.trouble);
}

void Reporter::trying(std::string_view binding, std::span<const std::string> uids) {
  auto record = record_of(Kind::trying, binding);
  for (const std::string& uid : uids) record.text(number_of(Tag::uid), uid);
  send(record);
}

void Reporter::skipped(std::string_view binding, std::string_view uid, std::uint64_t count, std::string_view reason) {
  auto record = record_of(Kind::skipped, binding);
  record.text(number_of(Tag::uid), uid).u64(number_of(Tag::count), count).text(number_of(Tag::reason), reason);
  send(record);
  log_warning("mail_skipped").binding(binding).text("uid", uid).number("count", static_cast<std::int64_t>(count)).text("reason", reason);
}

void Reporter::polled(std::string_view binding, const Cursor& cursor, Known known) {
  auto record = record_of(Kind::polled, binding);
  add(record, cursor);
  if (known == Known::listed) add_names(record, cursor);
  send(record);
}

void Reporter::chunk(std::string_view binding, const ItemId& item, std::uint64_t offset, ByteView data) {
  auto record = record_of(Kind::chunk, binding, item);
  record.u64(number_of(Tag::offset), offset).bytes(number_of(Tag::data), data);
  send(record);
}

void Reporter::fetched(std::string_view binding, const ItemId& item, std::string_view uid, std::uint64_t size) {
  auto record = record_of(Kind::fetched, binding, item);
  record.text(number_of(Tag::uid), uid).u64(number_of(Tag::size), size);
  send(record);
  log_info("mail_fetched").binding(binding).item(item).number("size", static_cast<std::int64_t>(size));
}

void Reporter::fetch_failed(std::string_view binding, const ItemId& item, std::string_view uid, std::string_view word) {
  auto record = record_of(Kind::fetch_failed, binding, item);
  record.text(number_of(Tag::uid), uid).text(number_of(Tag::reason), word);
  send(record);
  log_warning("mail_not_fetched").binding(binding).item(item).text("reason", word);
}

void Reporter::marked(std::string_view binding, const ItemId& item, std::string_view uid, Mark mark, std::string_view reason) {
  auto record = record_of(Kind::marked, binding, item);
  record.text(number_of(Tag::uid), uid).text(number_of(Tag::mark), mark == Mark::seen ? "seen" : "delete");
  if (!reason.empty()) record.text(number_of(Tag::reason), reason);
  send(record);
  log_info("mail_marked").binding(binding).item(item).text("reason", reason);
}

void Reporter::reloaded(std::uint64_t query, std::string_view reason) {
  auto record = record_of(Kind::reloaded, {});
  record.u64(number_of(Tag::query), query);
  if (!reason.empty()) record.text(number_of(Tag::reason), reason);
  send(record);
}

void Reporter::wait_for_room(Task& task) {
  while (!closed_ && queued_size_ > queued_size_max) {
    Gate room(loop_);
    waiting_for_room_.push_back(&room);
    room.wait(task, never);
    std::erase(waiting_for_room_, &room);
  }
}

Result<void> Reporter::write_queued(Task& task) {
  while (true) {
    while (!queue_.empty()) {
      const Bytes record = std::move(queue_.front());
      queue_.pop_front();
      if (const auto written = socket_.write_all(task, record, never); !written) {
        close();
        return written;
      }
      queued_size_ -= record.size();
      if (queued_size_ <= queued_size_max / 2) {
        for (Gate* room : waiting_for_room_) room->open();
      }
    }
    if (closed_) return {};
    gate_.wait(task, never);
  }
}

void Reporter::close() {
  closed_ = true;
  for (Gate* room : waiting_for_room_) room->open();
  gate_.open();
}

}  // namespace pushmail::mailbox

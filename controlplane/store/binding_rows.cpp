// Bindings, and how far their mailboxes are read.
#include <fmt/format.h>

#include "controlplane/store/binding_fields.h"
#include "controlplane/store/row_reading.h"
#include "controlplane/store/store.h"

namespace pushmail {

using namespace store_rows;

namespace {

const std::string binding_columns = [] {
  std::string columns;
  for (const BindingField& field : binding_fields) columns += fmt::format("{}{}", columns.empty() ? "" : ", ", field.name);
  return columns;
}();

BindingCell cell_of(Run& run, CellKind kind) {
  switch (kind) {
    case CellKind::number:
      return run.number();
    case CellKind::bytes:
      return run.bytes();
    case CellKind::text:
      break;
  }
  return run.text();
}

Binding read_binding(Run& run) {
  Binding b;
  for (const BindingField& field : binding_fields) field.take(b, cell_of(run, field.kind));
  return b;
}

void put_binding(Run& run, const Binding& b) {
  for (const BindingField& field : binding_fields) std::visit([&](const auto& value) { run.put(value); }, field.cell(b));
}

}  // namespace

Result<void> Store::add_binding(const Binding& binding) {
  static const std::string sql = fmt::format("INSERT INTO binding ({}) VALUES ({})", binding_columns, question_marks(binding_columns));
  Run run = db_.prepare(sql);
  put_binding(run, binding);
  return run.run();
}

Result<void> Store::update_binding(const Binding& binding) {
  static const std::string sql = fmt::format("UPDATE binding SET ({}) = ({}) WHERE id = ?{}", binding_columns,
                                             question_marks(binding_columns), find_binding_field("id") - binding_fields.data() + 1);
  Run run = db_.prepare(sql);
  put_binding(run, binding);
  return run.run();
}

Result<std::optional<Binding>> Store::binding(std::string_view id) {
  static const std::string sql = fmt::format("SELECT {} FROM binding WHERE id = ?", binding_columns);
  Run run = db_.prepare(sql);
  run.put(id);
  return first(run, read_binding);
}

Result<std::vector<Binding>> Store::bindings(std::string_view after, std::size_t count_max) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM binding INDEXED BY binding_of_time WHERE state <> 'removed' AND "
      "(created, id) > (coalesce((SELECT created FROM binding WHERE id = ?1), 0), ?1) ORDER BY created, id LIMIT ?2",
      binding_columns);
  Run run = db_.prepare(sql);
  run.put(after).put(static_cast<std::int64_t>(count_max));
  return all(run, read_binding);
}

Result<std::vector<Binding>> Store::bindings_of_account(std::string_view host, std::string_view user) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM binding INDEXED BY binding_of_account WHERE state <> 'removed' AND lower(host) = lower(?) AND lower(user) = "
      "lower(?) ORDER BY created, id",
      binding_columns);
  Run run = db_.prepare(sql);
  run.put(host).put(user);
  return all(run, read_binding);
}

Result<std::vector<Binding>> Store::bindings_of(const Msisdn& phone) {
  static const std::string sql =
      fmt::format("SELECT {} FROM binding WHERE msisdn = ? AND state <> 'removed' ORDER BY created, id", binding_columns);
  Run run = db_.prepare(sql);
  run.put(phone.digits());
  return all(run, read_binding);
}

Result<MailboxState> Store::mailbox(std::string_view binding) {
  Run run = db_.prepare(
      "SELECT cursor, uid_validity, last_uid, session, reason, session_at, polled_at, skipped, skip_reason, restored FROM mailbox WHERE "
      "binding = ?");
  run.put(binding);
  PM_TRY(const bool row, run.step());
  MailboxState state;
  if (!row) return state;
  state.cursor = run.text();
  state.uid_validity = static_cast<std::uint64_t>(run.number());
  state.last_uid = run.text();
  state.session = run.text();
  state.reason = run.text();
  state.session_at = {run.number()};
  state.polled_at = {run.number()};
  state.skipped = static_cast<std::uint64_t>(run.number());
  state.skip_reason = run.text();
  state.restored = {run.number()};
  return state;
}

Result<void> Store::set_mailbox(std::string_view binding, const MailboxState& state) {
  Run run = db_.prepare(
      "INSERT OR REPLACE INTO mailbox (binding, cursor, uid_validity, last_uid, session, reason, session_at, polled_at, skipped, "
      "skip_reason, restored) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  run.put(binding).put(state.cursor).put(static_cast<std::int64_t>(state.uid_validity)).put(state.last_uid).put(state.session);
  run.put(state.reason).put(state.session_at.us).put(state.polled_at.us).put(static_cast<std::int64_t>(state.skipped));
  run.put(state.skip_reason).put(state.restored.us);
  return run.run();
}

Result<std::vector<std::string>> Store::known_uids(std::string_view binding) {
  Run run = db_.prepare("SELECT uid FROM known_uid WHERE binding = ?");
  run.put(binding);
  return all<std::string>(run, [](Run& row) { return row.text(); });
}

Result<void> Store::add_known_uid(std::string_view binding, std::string_view uid) {
  Run run = db_.prepare("INSERT OR IGNORE INTO known_uid (binding, uid) VALUES (?, ?)");
  run.put(binding).put(uid);
  return run.run();
}

Result<void> Store::forget_known_uids(std::string_view binding) {
  Run run = db_.prepare("DELETE FROM known_uid WHERE binding = ?");
  run.put(binding);
  return run.run();
}

}  // namespace pushmail

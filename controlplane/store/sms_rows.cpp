// SMS to phones, and what the SMSC calls their parts.
#include <fmt/format.h>

#include "controlplane/store/row_reading.h"
#include "controlplane/store/store.h"
#include "core/peer_id.h"

namespace pushmail {

using namespace store_rows;

namespace {

constexpr std::string_view sms_columns =
    "id, msisdn, text, kind, item, state, smsc_id, created, retry_at, attempts, submits, doubts, submitted_at, reason, bearer";

Sms read_sms(Run& run) {
  Sms s;
  s.id = run.number();
  s.msisdn = msisdn_of(run.text());
  s.text = run.text();
  s.kind = take_word(run, SmsKind::other);
  s.item = id_of<ItemId>(run.bytes());
  s.state = take_word(run, SmsState::failed);
  s.smsc_id = run.text();
  s.created = {run.number()};
  s.retry_at = {run.number()};
  s.attempts = static_cast<std::uint32_t>(run.number());
  s.submits = static_cast<std::uint32_t>(run.number());
  s.doubts = static_cast<std::uint32_t>(run.number());
  s.submitted_at = {run.number()};
  s.reason = run.text();
  s.bearer = run.text();
  return s;
}

}  // namespace

Result<void> Store::queue_sms(const Sms& s) {
  Run run = db_.prepare(
      "INSERT INTO sms (msisdn, text, kind, item, state, smsc_id, created, retry_at, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  run.put(s.msisdn.digits())
      .put(s.text)
      .put(to_string(s.kind))
      .put(ByteView(s.item.bytes))
      .put(to_string(s.state))
      .put(s.smsc_id)
      .put(s.created.us);
  run.put(s.retry_at.us).put(std::int64_t{s.attempts});
  return run.run();
}

Result<void> Store::update_sms(const Sms& s) {
  Run run = db_.prepare(
      "UPDATE sms SET state = ?, smsc_id = ?, retry_at = ?, attempts = ?, submits = ?, doubts = ?, submitted_at = ?, reason = ?, "
      "bearer = ? WHERE id = ?");
  run.put(to_string(s.state)).put(s.smsc_id).put(s.retry_at.us).put(std::int64_t{s.attempts}).put(std::int64_t{s.submits});
  run.put(std::int64_t{s.doubts}).put(s.submitted_at.us).put(s.reason).put(s.bearer).put(s.id);
  return run.run();
}

Result<std::vector<Sms>> Store::pending_sms(Timestamp due, std::size_t count_max) {
  static const std::string sql =
      fmt::format("SELECT {} FROM sms WHERE state = 'pending' AND doubts = 0 AND retry_at <= ? ORDER BY retry_at, id LIMIT ?", sms_columns);
  Run run = db_.prepare(sql);
  run.put(due.us).put(static_cast<std::int64_t>(count_max));
  return all(run, read_sms);
}

Result<std::optional<Sms>> Store::doubtful_sms(Timestamp due) {
  static const std::string sql =
      fmt::format("SELECT {} FROM sms WHERE state = 'pending' AND doubts > 0 AND retry_at <= ? ORDER BY retry_at, id LIMIT 1", sms_columns);
  Run run = db_.prepare(sql);
  run.put(due.us);
  return first(run, read_sms);
}

Result<std::vector<Sms>> Store::submitting_sms() {
  static const std::string sql = fmt::format("SELECT {} FROM sms WHERE state = 'submitting' ORDER BY id", sms_columns);
  Run run = db_.prepare(sql);
  return all(run, read_sms);
}

Result<std::optional<Sms>> Store::sms(std::int64_t id) {
  static const std::string sql = fmt::format("SELECT {} FROM sms WHERE id = ?", sms_columns);
  Run run = db_.prepare(sql);
  run.put(id);
  return first(run, read_sms);
}

Result<std::uint64_t> Store::count_sms(const Msisdn& phone, SmsKind kind, Timestamp since) {
  Run run = db_.prepare("SELECT count(*) FROM sms WHERE msisdn = ? AND kind = ? AND created >= ?");
  run.put(phone.digits()).put(to_string(kind)).put(since.us);
  PM_TRY(const bool row, run.step());
  PM_CHECK(row);
  return static_cast<std::uint64_t>(run.number());
}

Result<Store::Submits> Store::sms_submits(const Msisdn& phone, SmsKind kind, Timestamp since, Timestamp until) {
  Run run = db_.prepare(
      "SELECT coalesce(sum(submits), 0), coalesce(min(submitted_at), 0) FROM sms "
      "WHERE msisdn = ? AND kind = ? AND submitted_at BETWEEN ? AND ? AND submits > 0");
  run.put(phone.digits()).put(to_string(kind)).put(since.us).put(until.us);
  PM_TRY(const bool row, run.step());
  PM_CHECK(row);
  Submits found{.count = static_cast<std::uint64_t>(run.number())};
  found.oldest = {run.number()};
  return found;
}

Result<std::optional<std::string>> Store::our_text_in(const Msisdn& phone, std::string_view text, Timestamp since) {
  // Shorter ones may be anybody's words.
  // All kinds are named for the index, in which the time stands behind them.
  static const std::string sql = fmt::format(
      "SELECT text FROM sms WHERE msisdn = ?1 AND kind IN ('{}') AND created >= ?2 AND (text = ?3 OR (length(text) >= 20 AND "
      "instr(?3, text) > 0)) ORDER BY length(text) DESC LIMIT 1",
      fmt::join(words<SmsKind>, "', '"));
  Run run = db_.prepare(sql);
  run.put(phone.digits()).put(since.us).put(text);
  return first(run, +[](Run& row) { return row.text(); });
}

Result<void> Store::add_sms_part(std::int64_t sms, std::string_view smsc_id, Timestamp now) {
  {
    Run old = db_.prepare("DELETE FROM sms_part WHERE time < ?");
    old.put(now.us - sms_part_days * 86'400 * 1'000'000);
    if (const auto forgotten = old.run(); !forgotten) return forgotten;
  }
  Run run = db_.prepare("INSERT OR IGNORE INTO sms_part (key, sms, time) VALUES (?, ?, ?)");
  run.put(peer_id_key(smsc_id)).put(sms).put(now.us);
  return run.run();
}

Result<std::vector<Sms>> Store::sms_of_part(std::string_view key) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM sms WHERE id IN (SELECT sms FROM sms_part WHERE key = ? ORDER BY sms DESC LIMIT 20) ORDER BY id DESC", sms_columns);
  Run run = db_.prepare(sql);
  run.put(key);
  return all(run, read_sms);
}

Result<std::optional<Sms>> Store::last_notification(const Msisdn& phone) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM sms WHERE msisdn = ? AND kind = 'notify' AND state = 'sent' ORDER BY created DESC, id DESC LIMIT 1", sms_columns);
  Run run = db_.prepare(sql);
  run.put(phone.digits());
  return first(run, read_sms);
}

Result<void> Store::withdraw_sms(const ItemId& item) {
  Run run = db_.prepare("UPDATE sms SET state = 'failed', reason = 'no longer needed' WHERE item = ? AND state = 'pending'");
  run.put(ByteView(item.bytes));
  return run.run();
}

}  // namespace pushmail

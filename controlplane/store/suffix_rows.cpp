// Addresses that a phone may answer to.
#include <fmt/format.h>

#include "controlplane/store/row_reading.h"
#include "controlplane/store/store.h"

namespace pushmail {

using namespace store_rows;

namespace {

constexpr std::string_view suffix_columns =
    "msisdn, digits, binding, correspondent, correspondent_name, thread, subject, message_id, refs, last_used";

Suffix read_suffix(Run& run) {
  Suffix s;
  s.msisdn = msisdn_of(run.text());
  s.digits = run.text();
  s.binding = run.text();
  s.correspondent = run.text();
  s.correspondent_name = run.text();
  s.thread = run.text();
  s.subject = run.text();
  s.message_id = run.text();
  s.references = split(run.text());
  s.last_used = {run.number()};
  return s;
}

}  // namespace

Result<std::optional<Suffix>> Store::suffix(const Msisdn& phone, std::string_view digits) {
  static const std::string sql = fmt::format("SELECT {} FROM suffix WHERE msisdn = ? AND digits = ?", suffix_columns);
  Run run = db_.prepare(sql);
  run.put(phone.digits()).put(digits);
  return first(run, read_suffix);
}

Result<std::vector<Suffix>> Store::suffixes(const Msisdn& phone) {
  static const std::string sql = fmt::format("SELECT {} FROM suffix WHERE msisdn = ? ORDER BY last_used", suffix_columns);
  Run run = db_.prepare(sql);
  run.put(phone.digits());
  return all(run, read_suffix);
}

Result<void> Store::put_suffix(const Suffix& s) {
  static const std::string sql =
      fmt::format("INSERT OR REPLACE INTO suffix ({}) VALUES ({})", suffix_columns, question_marks(suffix_columns));
  Run run = db_.prepare(sql);
  run.put(s.msisdn.digits()).put(s.digits).put(s.binding).put(s.correspondent).put(s.correspondent_name).put(s.thread).put(s.subject);
  run.put(s.message_id).put(joined(s.references)).put(s.last_used.us);
  return run.run();
}

}  // namespace pushmail

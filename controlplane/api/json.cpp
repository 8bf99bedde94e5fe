#include "controlplane/api/json.h"

#include "controlplane/store/binding_fields.h"

namespace pushmail::api {

namespace {

void put(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}
void put(Json& json, const std::string& key, Timestamp value) {
  if (value.us != 0) json[key] = format_rfc3339(value);
}

}  // namespace

Json to_json(const Binding& b, const MailboxState* mailbox) {
  Json json;
  for (const BindingField& field : binding_fields) {
    if (field.shown == Shown::never) continue;
    const std::string name(field.name);
    const BindingCell cell = field.cell(b);
    if (field.shown == Shown::as_time) {
      put(json, name, Timestamp{std::get<std::int64_t>(cell)});
    } else if (field.kind == CellKind::number) {
      json[name] = std::get<std::int64_t>(cell);
    } else if (const std::string& text = std::get<std::string>(cell); field.shown == Shown::always || !text.empty()) {
      json[name] = text;
    }
  }
  if (mailbox == nullptr) return json;
  Json& session = json["mailbox"];
  session["session"] = mailbox->session.empty() ? "never" : mailbox->session;
  put(session, "reason", mailbox->reason);
  put(session, "since", mailbox->session_at);
  put(session, "polled", mailbox->polled_at);
  if (mailbox->uid_validity != 0) session["uid_validity"] = mailbox->uid_validity;
  put(session, "last_uid", mailbox->last_uid);
  if (mailbox->skipped != 0) session["skipped"] = mailbox->skipped;
  put(session, "skip_reason", mailbox->skip_reason);
  return json;
}

Json to_json(const Item& i) {
  Json json;
  json["item"] = to_string(i.id);
  json["trace"] = to_string(i.trace);
  json["way"] = to_string(i.way);
  json["source"] = to_string(i.source);
  json["state"] = to_string(i.state);
  json["final"] = is_final(i.state);
  put(json, "reason", i.reason);
  put(json, "binding", i.binding);
  put(json, "msisdn", i.msisdn.digits());
  put(json, "peer", i.peer);
  put(json, "message_id", i.message_id);
  put(json, "correspondent", i.correspondent);
  put(json, "correspondent_name", i.correspondent_name);
  put(json, "author", i.author);
  put(json, "authentication", i.authentication);
  put(json, "source_address", i.source_address);
  put(json, "subject", i.subject);
  put(json, "mail_message_id", i.mail_message_id);
  if (!i.mail_references.empty()) json["mail_references"] = i.mail_references;
  if (i.size != 0) json["size"] = i.size;
  put(json, "suffix", i.suffix);
  put(json, "reply_code", i.reply_code);
  put(json, "code_expires", i.code_expires);
  put(json, "created", i.created);
  put(json, "updated", i.updated);
  put(json, "expires", i.expires);
  put(json, "retry_at", i.retry_at);
  if (i.attempts != 0) json["attempts"] = i.attempts;
  if (i.mark_attempts != 0) json["mark_attempts"] = i.mark_attempts;
  if (i.duplicate_possible) json["duplicate_possible"] = true;
  if (i.doubts != 0) json["doubts"] = i.doubts;
  put(json, "unknown_until", i.unknown_until);
  if (i.asked_in_doubt) json["asked_in_doubt"] = true;
  put(json, "mark", std::string(to_string(i.mark)));
  if (i.uid_validity != 0) json["uid_validity"] = i.uid_validity;
  put(json, "uid", i.uid);
  return json;
}

Json to_json(const PeerStanding& p) {
  Json json;
  json["peer"] = p.name;
  json["url"] = p.url;
  json["deduplicates"] = p.deduplicates;
  json["reports"] = p.reports;
  json["report_time_p95_s"] = p.report_time_p95.ms() / 1000;
  json["doubt_lasts_s"] = p.doubt_lasts.ms() / 1000;
  json["unknown"] = p.unknown;
  put(json, "paused_until", p.paused_until);
  put(json, "reason", p.reason);
  put(json, "last_error", p.error);
  put(json, "last_error_at", p.error_at);
  json["silent"] = p.silent;
  json["answers"] = p.answers;
  if (!p.advice.empty()) json["advice"] = p.advice;
  return json;
}

Json to_json(const HistoryRow& row) {
  Json json;
  json["ts"] = format_rfc3339(row.time);
  json["program"] = to_string(row.program);
  json["event"] = row.event;
  json["state"] = row.state ? to_string(*row.state) : std::string_view();
  json["trace"] = to_string(row.trace);
  json["item"] = row.item.empty() ? std::string() : to_string(row.item);
  for (const auto& [key, value] : row.details) {
    // A detail never hides one of the members above; the same key twice makes a list of both.
    const bool fixed = key == "ts" || key == "program" || key == "event" || key == "state" || key == "trace" || key == "item";
    const std::string name = fixed ? "detail_" + key : key;
    if (!json.contains(name)) {
      json[name] = value;
    } else {
      if (!json[name].is_array()) json[name] = Json::array({json[name]});
      json[name].push_back(value);
    }
  }
  return json;
}

std::string text_of_json(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace pushmail::api

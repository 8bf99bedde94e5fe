// The schema as steps: step N brings a store of version N to N + 1, so their number is the newest version. A step that was released is
// never changed again.
#pragma once

#include <array>
#include <string_view>

namespace pushmail {

inline constexpr auto store_migrations = std::to_array<std::string_view>({
    // 0 -> 1. Times are microseconds UTC, ids are 16 bytes, lists are text with one entry a line.
    R"sql(
CREATE TABLE binding (
  id TEXT PRIMARY KEY, msisdn TEXT NOT NULL, state TEXT NOT NULL, mail_address TEXT NOT NULL, display_name TEXT NOT NULL,
  protocol TEXT NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL, tls TEXT NOT NULL, user TEXT NOT NULL,
  sealed_password BLOB NOT NULL, folder TEXT NOT NULL, mode TEXT NOT NULL, times TEXT NOT NULL, zone TEXT NOT NULL,
  policy TEXT NOT NULL, mark TEXT NOT NULL, peer TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX binding_once ON binding (msisdn, mail_address) WHERE state <> 'removed';
CREATE TABLE mailbox (
  binding TEXT PRIMARY KEY, uid_validity INTEGER NOT NULL, last_uid TEXT NOT NULL, session TEXT NOT NULL, reason TEXT NOT NULL,
  session_at INTEGER NOT NULL, polled_at INTEGER NOT NULL) STRICT;
CREATE TABLE known_uid (binding TEXT NOT NULL, uid TEXT NOT NULL, PRIMARY KEY (binding, uid)) STRICT, WITHOUT ROWID;
CREATE TABLE item (
  id BLOB PRIMARY KEY, trace BLOB NOT NULL, way TEXT NOT NULL, source TEXT NOT NULL, binding TEXT NOT NULL, msisdn TEXT NOT NULL,
  uid_validity INTEGER NOT NULL, uid TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, peer TEXT NOT NULL,
  message_id TEXT NOT NULL, correspondent TEXT NOT NULL, correspondent_name TEXT NOT NULL, subject TEXT NOT NULL,
  mail_message_id TEXT NOT NULL, mail_references TEXT NOT NULL, size INTEGER NOT NULL, suffix TEXT NOT NULL,
  reply_code TEXT NOT NULL, code_expires INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  expires INTEGER NOT NULL, retry_at INTEGER NOT NULL, attempts INTEGER NOT NULL, duplicate_possible INTEGER NOT NULL,
  mark TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX item_of_uid ON item (binding, uid_validity, uid) WHERE uid <> '';
CREATE INDEX item_of_message ON item (peer, message_id) WHERE message_id <> '';
CREATE INDEX item_of_code ON item (msisdn, reply_code) WHERE reply_code <> '';
CREATE INDEX item_of_state ON item (state);
CREATE INDEX item_of_mark ON item (mark) WHERE mark = 'pending';
CREATE INDEX item_of_trace ON item (trace);
CREATE TABLE history (
  row INTEGER PRIMARY KEY, item BLOB NOT NULL, trace BLOB NOT NULL, time INTEGER NOT NULL, program TEXT NOT NULL,
  event TEXT NOT NULL, state TEXT NOT NULL, details TEXT NOT NULL) STRICT;
CREATE INDEX history_of_item ON history (item);
CREATE INDEX history_of_trace ON history (trace);
CREATE TABLE suffix (
  msisdn TEXT NOT NULL, digits TEXT NOT NULL, binding TEXT NOT NULL, correspondent TEXT NOT NULL, correspondent_name TEXT NOT NULL,
  thread TEXT NOT NULL, subject TEXT NOT NULL, message_id TEXT NOT NULL, refs TEXT NOT NULL, last_used INTEGER NOT NULL,
  PRIMARY KEY (msisdn, digits)) STRICT, WITHOUT ROWID;
CREATE TABLE sms (
  id INTEGER PRIMARY KEY, msisdn TEXT NOT NULL, text TEXT NOT NULL, kind TEXT NOT NULL, item BLOB NOT NULL, state TEXT NOT NULL,
  smsc_id TEXT NOT NULL, created INTEGER NOT NULL, retry_at INTEGER NOT NULL, attempts INTEGER NOT NULL) STRICT;
CREATE INDEX sms_pending ON sms (state, id) WHERE state = 'pending';
CREATE INDEX sms_of_phone ON sms (msisdn, kind, created);
CREATE TABLE report (
  id BLOB PRIMARY KEY, trace BLOB NOT NULL, peer TEXT NOT NULL, message_id TEXT NOT NULL, recipient TEXT NOT NULL,
  sender TEXT NOT NULL, mm_status TEXT NOT NULL, status_text TEXT NOT NULL, time INTEGER NOT NULL, item BLOB NOT NULL) STRICT;
CREATE INDEX report_of_message ON report (peer, message_id);
)sql",
    // What bridges a new UIDVALIDITY, and what was skipped.
    R"sql(
ALTER TABLE mailbox ADD COLUMN newest_id TEXT NOT NULL DEFAULT '';
ALTER TABLE mailbox ADD COLUMN newest_date INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN skip_reason TEXT NOT NULL DEFAULT '';
)sql",
    // An SMS without an answer may have reached its phone: how often, and when it was last handed over.
    R"sql(
ALTER TABLE sms ADD COLUMN submits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms ADD COLUMN submitted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms ADD COLUMN reason TEXT NOT NULL DEFAULT '';
DROP INDEX sms_pending;
CREATE INDEX sms_fresh ON sms (retry_at, id) WHERE state = 'pending' AND doubts = 0;
CREATE INDEX sms_doubtful ON sms (retry_at, id) WHERE state = 'pending' AND doubts > 0;
CREATE INDEX sms_submitting ON sms (id) WHERE state = 'submitting';
CREATE INDEX sms_submitted ON sms (msisdn, kind, submitted_at) WHERE submits > 0;
CREATE INDEX sms_of_item ON sms (item) WHERE state = 'pending';
)sql",
    // A reply code has one holder, and what waits for one is found by index. Of mails that shared a code the newest keeps it.
    R"sql(
ALTER TABLE item ADD COLUMN announced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN source_address TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN sender_domain TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN authentication TEXT NOT NULL DEFAULT '';
UPDATE item SET reply_code = '' WHERE reply_code <> '' AND EXISTS (
  SELECT 1 FROM item AS newer WHERE newer.msisdn = item.msisdn AND newer.reply_code = item.reply_code AND (newer.created, newer.id) > (item.created, item.id));
UPDATE item SET announced = created WHERE reply_code <> '';
UPDATE item SET code_expires = created + 604800000000, retry_at = 0
  WHERE way = 'to_phone' AND state = 'accepted' AND reply_code = '' AND code_expires = 0;
DROP INDEX item_of_code;
CREATE UNIQUE INDEX item_of_code ON item (msisdn, reply_code) WHERE reply_code <> '';
CREATE INDEX item_waiting ON item (msisdn, source, state, id) WHERE way = 'to_phone' AND reply_code = '' AND state IN ('accepted', 'notified');
CREATE INDEX item_announced ON item (msisdn, source, announced) WHERE announced > 0 AND state IN ('accepted', 'notified');
CREATE INDEX item_handed_in ON item (msisdn, created) WHERE source = 'smtp' AND way = 'to_phone';
CREATE INDEX item_open ON item (msisdn, source) WHERE way = 'to_phone' AND
  state IN ('accepted', 'notified', 'requested', 'fetching', 'converting', 'submitting');
)sql",
    // Submissions in doubt, and how long each peer's reports take.
    R"sql(
ALTER TABLE item ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN doubt_began INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN unknown_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN asked_in_doubt INTEGER NOT NULL DEFAULT 0;
CREATE INDEX item_unknown ON item (unknown_until) WHERE unknown_until <> 0;
CREATE INDEX item_of_phone ON item (msisdn, state);
CREATE TABLE report_time (row INTEGER PRIMARY KEY, peer TEXT NOT NULL, ms INTEGER NOT NULL) STRICT;
CREATE INDEX report_time_of_peer ON report_time (peer, row);
)sql",
    // Ids of peers by the form in which they are compared (core/peer_id.h): of each part of an SMS, of MM7 messages and of reports.
    R"sql(
CREATE TABLE sms_part (key TEXT NOT NULL, sms INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, sms)) STRICT, WITHOUT ROWID;
CREATE INDEX sms_part_of_time ON sms_part (time);
INSERT INTO sms_part SELECT ltrim(lower(trim(smsc_id, ' <>"')), '0'), id, submitted_at FROM sms WHERE smsc_id <> '' AND submitted_at > 0;
DROP INDEX item_of_message;
CREATE INDEX item_of_message ON item (peer, ltrim(lower(trim(message_id, ' <>"')), '0')) WHERE message_id <> '';
CREATE INDEX item_of_peer ON item (peer, way, state, created);
DROP INDEX report_of_message;
CREATE INDEX report_of_message ON report (peer, ltrim(lower(trim(message_id, ' <>"')), '0'));
)sql",
    // What is looked for again and again, by the time at which it is due: items wait for days, and nobody reads those that are not.
    R"sql(
CREATE INDEX binding_of_time ON binding (created, id) WHERE state <> 'removed';
CREATE INDEX binding_of_account ON binding (lower(host), lower(user)) WHERE state <> 'removed';
DROP INDEX report_of_message;
CREATE INDEX report_of_message ON report (peer, ltrim(lower(trim(message_id, ' <>"')), '0'), time);
CREATE INDEX report_waiting ON report (peer) WHERE item = x'';
DROP INDEX item_of_mark;
CREATE INDEX item_mark_due ON item (retry_at) WHERE mark = 'pending';
CREATE INDEX item_due ON item (retry_at) WHERE state = 'requested';
CREATE INDEX item_code_due ON item (code_expires) WHERE code_expires <> 0 AND state IN ('accepted', 'notified');
CREATE INDEX item_unreported ON item (expires) WHERE expires <> 0 AND state IN ('submitted', 'reported');
)sql",
    // For a list of more than two words SQLite makes a table, and each step of an item's life asked for it twice.
    R"sql(
DROP INDEX item_open;
CREATE INDEX item_open ON item (msisdn, source) WHERE way = 'to_phone' AND (state = 'accepted' OR state = 'notified' OR
  state = 'requested' OR state = 'fetching' OR state = 'converting' OR state = 'submitting');
)sql",
    // How far a mailbox was read is its session's own (controlplane/fetcher/cursor.h). Names that are known stay in known_uid.
    R"sql(
ALTER TABLE mailbox ADD COLUMN cursor TEXT NOT NULL DEFAULT '';
UPDATE mailbox SET cursor = '1 ' || uid_validity || ' ' || iif(last_uid = '', '0', last_uid) || ' ' || newest_date || ' ' || newest_id
  WHERE uid_validity <> 0;
ALTER TABLE mailbox DROP COLUMN newest_id;
ALTER TABLE mailbox DROP COLUMN newest_date;
)sql",
    // Which of several bearers had an SMS: two SMSCs may give the same id. Tries to mark a mail are counted apart from the item's own.
    R"sql(
ALTER TABLE sms ADD COLUMN bearer TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN mark_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN mark_attempts INTEGER NOT NULL DEFAULT 0;
DROP INDEX item_mark_due;
UPDATE item SET mark_at = retry_at, mark_attempts = attempts WHERE mark = 'pending';
CREATE INDEX item_mark_due ON item (mark_at) WHERE mark = 'pending';
)sql",
    // A store out of a backup has not seen what was sent since.
    R"sql(
ALTER TABLE mailbox ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
)sql",
});

}  // namespace pushmail

// The statements of AnnouncementStore. Their conditions repeat those of the partial indexes of schema_sql.h word for word: only then
// SQLite uses them; a test asks its query planner.
#pragma once

#include <string_view>

namespace pushmail::announcements_sql {

/// Parameters: phone. Columns: code, item, source, state, announced, updated.
inline constexpr std::string_view code_holders =
    "SELECT reply_code, id, source, state, announced, updated FROM item INDEXED BY item_of_code WHERE msisdn = ? AND reply_code <> ''";

/// Parameters: phone, source, state. Column: item.
inline constexpr std::string_view newest_waiting =
    "SELECT id FROM item WHERE msisdn = ? AND source = ? AND state = ? AND way = 'to_phone' AND reply_code = '' AND "
    "state IN ('accepted', 'notified') AND EXISTS (SELECT 1 FROM binding WHERE binding.id = item.binding AND binding.state = 'active') "
    "ORDER BY id DESC LIMIT 1";

/// Parameters: phone, source.
inline constexpr std::string_view count_waiting =
    "SELECT count(*) FROM (SELECT 1 FROM item WHERE msisdn = ? AND source = ? AND state = 'accepted' AND way = 'to_phone' AND "
    "reply_code = '' AND state IN ('accepted', 'notified') LIMIT 1000)";

/// Parameters: phone, how many.
inline constexpr std::string_view phones_waiting =
    "SELECT DISTINCT msisdn FROM item INDEXED BY item_waiting WHERE msisdn > ? AND state = 'accepted' AND way = 'to_phone' AND reply_code "
    "= '' AND "
    "state IN ('accepted', 'notified') ORDER BY msisdn LIMIT ?";

/// Parameters: phone, source, since.
inline constexpr std::string_view unanswered =
    "SELECT count(*), coalesce(max(announced), 0) FROM item WHERE msisdn = ? AND source = ? AND announced >= ? AND announced > 0 AND "
    "state IN ('accepted', 'notified')";

/// Parameters: source address, sender's domain, phone, since, how many.
inline constexpr std::string_view handed_in =
    "SELECT count(*), coalesce(sum(source_address = ?), 0), coalesce(sum(sender_domain = ?), 0) FROM (SELECT source_address, sender_domain "
    "FROM item "
    "WHERE msisdn = ? AND created >= ? AND source = 'smtp' AND way = 'to_phone' ORDER BY created DESC LIMIT ?)";

/// Parameters: phone.
inline constexpr std::string_view count_open_of_strangers =
    "SELECT count(*) FROM (SELECT 1 FROM item WHERE msisdn = ? AND source = 'smtp' AND way = 'to_phone' AND "
    "(state = 'accepted' OR state = 'notified' OR state = 'requested' OR state = 'fetching' OR state = 'converting' OR "
    "state = 'submitting') LIMIT 100000)";

}  // namespace pushmail::announcements_sql

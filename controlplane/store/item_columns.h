// The columns of an item, in the order in which they are read and written.
//
// Used by: item_rows.cpp, announcement_rows.cpp.
#pragma once

#include <string>
#include <string_view>

#include "controlplane/store/rows.h"
#include "controlplane/store/sqlite.h"

namespace pushmail::store_rows {

// By when they are written: once; on the way to mail also when the mail is routed; at every step of the item's life. Each index of a column
// that an update names is written again, whether or not the value is another.
inline constexpr std::string_view item_columns_fixed =
    "id, trace, way, source, msisdn, uid_validity, uid, mail_message_id, mail_references, created, author, authentication, "
    "source_address, sender_domain";
inline constexpr std::string_view item_columns_of_route = "binding, correspondent, correspondent_name, subject";
inline constexpr std::string_view item_columns_of_life =
    "state, reason, peer, message_id, size, suffix, reply_code, code_expires, updated, expires, retry_at, attempts, duplicate_possible, "
    "mark, announced, doubts, doubt_began, unknown_until, asked_in_doubt, mark_at, mark_attempts";

/// All of them, as read_item() reads them.
[[nodiscard]] const std::string& item_columns();
[[nodiscard]] Item read_item(sqlite::Run& run);
void put_item_fixed(sqlite::Run& run, const Item& i);
void put_item_route(sqlite::Run& run, const Item& i);
void put_item_life(sqlite::Run& run, const Item& i);

}  // namespace pushmail::store_rows

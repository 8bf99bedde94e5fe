// Rows of the store as JSON: the documented shape of the API and of `pushmailctl --json`. Times are RFC 3339, empty members are left out.
#pragma once

#include <nlohmann/json.hpp>

#include "controlplane/api/peer_standing.h"
#include "controlplane/store/rows.h"

namespace pushmail::api {

/// Keeps the order in which members were written.
using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const Binding& binding, const MailboxState* mailbox);
[[nodiscard]] Json to_json(const Item& item);
[[nodiscard]] Json to_json(const PeerStanding& peer);
/// {"ts", "program", "event", "state", "trace", "item", details...}
[[nodiscard]] Json to_json(const HistoryRow& row);
/// One line; bytes that are not UTF-8 are replaced, never an exception.
[[nodiscard]] std::string text_of_json(const Json& json);

}  // namespace pushmail::api

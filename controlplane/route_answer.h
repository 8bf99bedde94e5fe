// Answers to the data plane's question where a message goes: phone to mail, and forwarded mail.
#pragma once

#include <string_view>
#include <utility>

#include "controlplane/effects.h"
#include "controlplane/ports.h"
#include "controlplane/store/store.h"

namespace pushmail {

/// What a message gets as its route, and what else follows.
struct Routed {
  RecordWriter answer;
  bool sms_queued = false;
};

/// `decision` is one of handoff::decision; the reason goes with those that say none.
[[nodiscard]] RecordWriter route_answer(const ItemId& item, std::string_view decision);
[[nodiscard]] RecordWriter route_answer(const ItemId& item, std::string_view decision, std::string_view reason);

/// Sends what `route`, a Result<Routed>, came to. Without an answer the data plane keeps the message and asks again.
[[nodiscard]] Effects send_route(DataPlanePort& data_plane, const ItemId& item, Result<Routed> route);

}  // namespace pushmail

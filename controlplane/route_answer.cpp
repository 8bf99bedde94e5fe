#include "controlplane/route_answer.h"

#include "core/contract/handoff/peer.h"
#include "core/log.h"

namespace pushmail {

RecordWriter route_answer(const ItemId& item, std::string_view decision) {
  RecordWriter answer = handoff::make(handoff::Kind::route_answer, item);
  answer.text(handoff::tag(handoff::Tag::decision), decision);
  return answer;
}

RecordWriter route_answer(const ItemId& item, std::string_view decision, std::string_view reason) {
  RecordWriter answer = route_answer(item, decision);
  answer.text(handoff::tag(handoff::Tag::reason), reason);
  return answer;
}

Effects send_route(DataPlanePort& data_plane, const ItemId& item, Result<Routed> route) {
  if (!route) {
    log_error("route_failed").item(item).error(route.error());
    return {};
  }
  data_plane.send(handoff::Kind::route_answer, item, std::move(route->answer));
  return {.sms_queued = route->sms_queued};
}

}  // namespace pushmail

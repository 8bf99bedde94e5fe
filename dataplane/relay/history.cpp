#include "dataplane/relay/history.h"

#include <string>

#include "core/contract/handoff/peer.h"
#include "core/log.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::size_t kept_max = 10'000;

}  // namespace

void History::event(const ItemId& id, const TraceId& trace, std::string_view name, Details details) {
  RecordWriter record = handoff::make(handoff::Kind::event, id);
  record.trace(tag(Tag::trace), trace).text(tag(Tag::name), name).i64(tag(Tag::time), context_.clock.wall().us);
  LogEvent line(LogLevel::info, name);
  line.trace(trace).item(id);
  for (const auto& [key, value] : details) {
    if (value.empty()) continue;
    record.text(tag(Tag::detail), std::string(key) + "=" + std::string(clip_utf8(value)));
    if (key == "peer" || key == "status" || key == "next_hop" || key == "try" || key == "rule" || key == "action" || key == "tag")
      line.text(key, value);
  }
  if (context_.ports.handoff.is_ready()) return context_.ports.handoff.send(handoff::Kind::event, id, std::move(record));
  if (kept_.size() >= kept_max) {
    kept_.pop_front();
    context_.counters.add(Counter::events_dropped);
  }
  kept_.emplace_back(id, std::move(record));
}

void History::flush() {
  for (auto& [id, record] : kept_) context_.ports.handoff.send(handoff::Kind::event, id, std::move(record));
  kept_.clear();
}

}  // namespace pushmail::relay

#include "dataplane/relay/attempt.h"

#include <algorithm>

#include "core/contract/journal/schema.h"
#include "core/result.h"

namespace pushmail::relay {

namespace jn = journal;

void Attempt::apply(AttemptEvent event) {
  const auto next = next_phase(phase, event);
  PM_CHECK(next.has_value());
  phase = *next;
  if (event == AttemptEvent::begin) ++number;
  if (phase == AttemptPhase::unknown) ++doubts;
}

RecordWriter to_record(const Attempt& attempt, const ItemId& item, const TraceId& trace) {
  RecordWriter record = jn::make(jn::Kind::attempt, item);
  record.trace(jn::tag(jn::Tag::trace), trace)
      .i64(jn::tag(jn::Tag::time), attempt.began.us)
      .text(jn::tag(jn::Tag::peer), attempt.peer)
      .u64(jn::tag(jn::Tag::attempt), attempt.number)
      .text(jn::tag(jn::Tag::phase), to_string(attempt.phase));
  if (attempt.doubts != 0) record.u64(jn::tag(jn::Tag::doubts), attempt.doubts);
  for (const std::string& recipient : attempt.done) record.text(jn::tag(jn::Tag::recipient), recipient);
  for (const std::string& reply : attempt.rejected) record.text(jn::tag(jn::Tag::reason), reply);
  return record;
}

Attempt attempt_of(const RecordView& record) {
  Attempt attempt;
  const std::string_view phase = record.text(jn::tag(jn::Tag::phase)).value_or("");
  attempt.phase = AttemptPhase::begun;
  for (const AttemptPhase known : {AttemptPhase::answered, AttemptPhase::refused}) {
    if (phase == to_string(known)) attempt.phase = known;
  }
  attempt.number = static_cast<std::uint32_t>(record.u64(jn::tag(jn::Tag::attempt)).value_or(1));
  attempt.doubts = static_cast<std::uint32_t>(record.u64(jn::tag(jn::Tag::doubts)).value_or(0));
  attempt.began = {record.i64(jn::tag(jn::Tag::time)).value_or(0)};
  attempt.peer = record.text(jn::tag(jn::Tag::peer)).value_or("");
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == jn::tag(jn::Tag::recipient)) attempt.done.emplace_back(text_of(value));
    if (field == jn::tag(jn::Tag::reason)) attempt.rejected.emplace_back(text_of(value));
  });
  return attempt;
}

}  // namespace pushmail::relay

#include "core/contract/journal/read_segment.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "core/contract/journal/schema.h"
#include "core/contract/journal/segment.h"
#include "core/storage.h"

namespace pushmail::journal {

Result<ReplaySummary> read_segment(const std::filesystem::path& segment, const std::function<void(const RecordView&)>& visit) {
  // Whoever names a link means what it points to.
  std::error_code none;
  const auto file = std::filesystem::canonical(segment, none);
  PM_TRY(const Bytes bytes, read_file(system_storage(), none ? segment : file));
  std::set<std::pair<Kind, ItemId>> unsettled;
  const SegmentScan scan = scan_segment(bytes, [&](const RecordView& record) {
    const auto kind = static_cast<Kind>(record.header().kind);
    if (kind == Kind::settled) {
      unsettled.erase({static_cast<Kind>(record.u64(tag(Tag::settles)).value_or(0)), record.header().item});
    } else if (!is_frame(kind)) {
      unsettled.insert({kind, record.header().item});
    }
    visit(record);
  });
  // The other segments are not looked at: what is broken behind the last proof is taken for a torn batch.
  const auto torn = static_cast<std::uint64_t>(
      std::ranges::count_if(scan.broken, [&](const Broken& each) { return scan.records > 0 && each.offset >= scan.proven; }));
  return ReplaySummary{.records = scan.records,
                       .unsettled = unsettled.size(),
                       .tail_size = scan.tail_size,
                       .torn = torn,
                       .damaged = scan.broken.size() - torn};
}

}  // namespace pushmail::journal

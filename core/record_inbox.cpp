#include "core/record_inbox.h"

#include <algorithm>

namespace pushmail {

namespace {

// So many reads fit before what is left of the last one is moved to the front.
constexpr std::size_t reads_per_room = 4;

}  // namespace

MutableBytes RecordInbox::room(std::size_t size) {
  if (begin_ == end_) clear();
  if (room_.size() - end_ < size) {
    std::copy(room_.begin() + static_cast<std::ptrdiff_t>(begin_), room_.begin() + static_cast<std::ptrdiff_t>(end_), room_.begin());
    end_ -= begin_;
    begin_ = 0;
    // Twice as much, for the record that had no room, and others of its size.
    if (room_.size() - end_ < size) room_.resize(std::max(reads_per_room * size, 2 * (end_ + size)));
  }
  return MutableBytes(room_).subspan(end_);
}

void RecordInbox::filled(std::size_t size) {
  PM_CHECK(size <= room_.size() - end_);
  end_ += size;
}

void RecordInbox::feed(ByteView bytes) {
  std::ranges::copy(bytes, room(bytes.size()).begin());
  filled(bytes.size());
}

Parsed<RecordView> RecordInbox::next() {
  const auto record = parse_record(unread());
  if (record.is_done()) begin_ += record.used();
  return record;
}

}  // namespace pushmail

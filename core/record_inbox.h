// Records out of a stream: its bytes are read into the room here, and the records lie where they were read.
//
// Came from: a socket between two of our programs. Goes to: whoever takes records (record.h). Only the part of a record that came last in
// a full room is moved, to the front. Invariant: begin_ <= end_ <= room_.size(); what lies between them was read and not taken.
#pragma once

#include "core/bytes.h"
#include "core/record.h"
#include "core/result.h"

namespace pushmail {

class RecordInbox {
 public:
  /// Where the next bytes go, at least `size` of them; valid until the next call of any function but filled().
  [[nodiscard]] MutableBytes room(std::size_t size);
  /// The first `size` bytes of that room were written.
  void filled(std::size_t size);
  /// Bytes that lie elsewhere: copied.
  void feed(ByteView bytes);
  /// The next record, lent until room() or feed(); need_more: none is whole.
  [[nodiscard]] Parsed<RecordView> next();

  /// What next() has not given out.
  [[nodiscard]] ByteView unread() const { return ByteView(room_).subspan(begin_, end_ - begin_); }
  /// Forgets it. A room that is being written stays valid.
  void clear() { begin_ = end_ = 0; }

 private:
  Bytes room_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace pushmail

// What came in and cannot be given to the application yet: bytes behind a hole, and bytes in order while reading is paused. Data that
// arrive in order for a reading application never pass through here; they are lent straight from the frame.
//
// Came from: input.cpp, trimmed to the announced window. Goes to: StreamEvents::on_data, through take_ready().
// Invariant: blocks are sorted, do not touch or overlap, and start after the next expected byte. Copied, so that no frame of the
// device is held back by a peer that leaves holes.
#pragma once

#include <utility>
#include <vector>

#include "core/bytes.h"
#include "dataplane/tcp/seq.h"

namespace pushmail::tcp {

class ReceiveQueue {
 public:
  /// Separate blocks kept behind holes; a segment that would need more is dropped and comes again.
  static constexpr std::size_t block_count_max = 256;

  /// Bytes in order that wait for the application.
  [[nodiscard]] std::size_t ready_size() const { return ready_.size(); }
  [[nodiscard]] bool has_holes() const { return !blocks_.empty(); }
  [[nodiscard]] std::size_t block_count() const { return blocks_.size(); }
  [[nodiscard]] std::size_t held_size() const;

  /// In order, while the application does not read.
  void hold(ByteView bytes) { append(ready_, bytes); }
  /// Out of order: [seq, seq + bytes.size()) lies after `next`. False when there is no room for another block.
  [[nodiscard]] bool insert(Seq seq, ByteView bytes);
  /// The bytes that continue at `next`, taken out; empty when there is a hole. Blocks that lie before `next` are dropped.
  [[nodiscard]] Bytes take_from(Seq next);
  [[nodiscard]] Bytes take_ready() { return std::exchange(ready_, {}); }
  /// The peer's stream has ended: whatever it sent beyond its end is void.
  void drop_blocks() { blocks_ = {}; }
  void clear();
  void check(Seq next) const;

 private:
  struct Block {
    Seq begin;
    Bytes bytes;
    [[nodiscard]] Seq end() const { return begin + static_cast<std::uint32_t>(bytes.size()); }
  };
  std::vector<Block> blocks_;
  Bytes ready_;
};

}  // namespace pushmail::tcp

#include "dataplane/tcp/recvq.h"

#include <algorithm>
#include <utility>

#include "core/result.h"
#include "dataplane/tcp/planted.h"

namespace pushmail::tcp {

std::size_t ReceiveQueue::held_size() const {
  std::size_t size = ready_.size();
  for (const Block& block : blocks_) size += block.bytes.size();
  return size;
}

bool ReceiveQueue::insert(Seq seq, ByteView bytes) {
  if (bytes.empty()) return true;
  const Seq end = seq + static_cast<std::uint32_t>(bytes.size());
  // The blocks [first, last) touch or overlap the new bytes and become one block with them.
  const auto first = std::partition_point(blocks_.begin(), blocks_.end(), [&](const Block& b) { return b.end() < seq; });
  const auto last = std::partition_point(first, blocks_.end(), [&](const Block& b) { return b.begin <= end; });
  if (first == last) {
    if (blocks_.size() >= block_count_max) return false;
    blocks_.insert(first, Block{seq, Bytes(bytes.begin(), bytes.end())});
    return true;
  }
  // The usual case: the next segment after a hole continues the block behind it.
  if (last - first == 1 && first->begin <= seq) {
    if (first->end() < end) append(first->bytes, bytes.subspan(distance(seq, first->end())));
    return true;
  }
  Block merged{earlier(seq, first->begin), {}};
  const Seq merged_end = later(end, (last - 1)->end());
  merged.bytes.resize(distance(merged.begin, merged_end));
  const auto place = [&](Seq at, ByteView what) { std::copy(what.begin(), what.end(), merged.bytes.begin() + distance(merged.begin, at)); };
  place(seq, bytes);
  // What was there first stays: a peer cannot rewrite bytes that it has sent.
  for (auto block = first; block != last; ++block) place(block->begin, block->bytes);
  if (planted(Planted::out_of_order_misplaced)) std::rotate(merged.bytes.begin(), merged.bytes.begin() + 1, merged.bytes.end());
  *first = std::move(merged);
  blocks_.erase(first + 1, last);
  return true;
}

Bytes ReceiveQueue::take_from(Seq next) {
  auto block = blocks_.begin();
  while (block != blocks_.end() && block->end() <= next) ++block;
  Bytes bytes;
  if (block != blocks_.end() && block->begin <= next) {
    bytes = std::move(block->bytes);
    bytes.erase(bytes.begin(), bytes.begin() + distance(block->begin, next));
    ++block;
  }
  blocks_.erase(blocks_.begin(), block);
  return bytes;
}

void ReceiveQueue::clear() {
  blocks_ = {};
  ready_ = {};
}

void ReceiveQueue::check(Seq next) const {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    PM_CHECK(!blocks_[i].bytes.empty());
    PM_CHECK(i == 0 ? blocks_[i].begin > next : blocks_[i].begin > blocks_[i - 1].end());
  }
}

}  // namespace pushmail::tcp

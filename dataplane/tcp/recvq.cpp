#include "dataplane/tcp/recvq.h"

#include <algorithm>
#include <utility>

#include "core/result.h"
#include "dataplane/tcp/planted.h"

namespace pushmail::tcp {

namespace {
// Pieces smaller than this are worth a copy, so that many small ones do not stay many.
constexpr std::size_t small_size = 1024;

std::uint64_t cost_of(const Bytes& bytes) { return bytes.capacity() + ReceiveQueue::piece_overhead_size; }
bool has_room(const Bytes& piece, std::size_t size) { return piece.size() + size <= ReceiveQueue::piece_size_max; }
// A connection that holds nothing takes nothing: the vector's own memory goes too.
template <class T>
void give_back(std::vector<T>& list) {
  std::vector<T>().swap(list);
}
}  // namespace

void ReceiveBudget::release(std::uint64_t size) {
  PM_CHECK(size <= used_);
  used_ -= size;
}

void ReceiveQueue::hold(ByteView bytes) {
  if (bytes.empty()) return;
  ready_size_ += bytes.size();
  if (!ready_.empty() && has_room(ready_.back(), bytes.size())) return extend(Part::ready, ready_.back(), bytes);
  ready_.emplace_back(bytes.begin(), bytes.end());
  charge(Part::ready, cost_of(ready_.back()));
}

void ReceiveQueue::hold(Bytes&& bytes) {
  if (bytes.size() < small_size) return hold(ByteView(bytes));
  ready_size_ += bytes.size();
  ready_.push_back(std::move(bytes));
  charge(Part::ready, cost_of(ready_.back()));
}

bool ReceiveQueue::insert(Seq seq, ByteView bytes) {
  Seq end = seq + static_cast<std::uint32_t>(bytes.size());
  // What was there first stays: a peer cannot rewrite bytes that it has sent. So the piece that covers the front, and the one that
  // covers the end, cut the new bytes; those that lie inside, [inside, after), are copied into them, which costs no more than their size.
  auto inside = std::partition_point(pieces_.begin(), pieces_.end(), [&](const Piece& p) { return p.begin < seq; });
  const bool follows = inside != pieces_.begin() && (inside - 1)->end() >= seq;
  if (follows) {
    const std::uint32_t known = distance(seq, (inside - 1)->end());
    if (known >= bytes.size()) return true;
    bytes = bytes.subspan(known);
    seq = seq + known;
  }
  const auto after = std::partition_point(inside, pieces_.end(), [&](const Piece& p) { return p.end() <= end; });
  if (after != pieces_.end() && after->begin < end) {
    if (after->begin <= seq) return true;
    bytes = bytes.first(distance(seq, after->begin));
    end = after->begin;
  }
  if (bytes.empty()) return true;
  if (inside == after) {
    // The usual case: the next segment after a hole continues the piece behind it.
    if (follows && has_room((inside - 1)->bytes, bytes.size())) {
      extend(Part::behind_hole, (inside - 1)->bytes, bytes);
      return true;
    }
    if (pieces_.size() >= piece_count_max) return false;
    const auto made = pieces_.insert(inside, Piece{seq, Bytes(bytes.begin(), bytes.end())});
    charge(Part::behind_hole, cost_of(made->bytes));
    return true;
  }
  Piece merged{seq, Bytes(bytes.begin(), bytes.end())};
  for (auto piece = inside; piece != after; ++piece) {
    std::copy(piece->bytes.begin(), piece->bytes.end(), merged.bytes.begin() + distance(seq, piece->begin));
    release(Part::behind_hole, cost_of(piece->bytes));
  }
  charge(Part::behind_hole, cost_of(merged.bytes));
  *inside = std::move(merged);
  pieces_.erase(inside + 1, after);
  return true;
}

std::optional<Bytes> ReceiveQueue::take_from(Seq next) {
  while (!pieces_.empty() && pieces_.front().begin <= next) {
    Piece piece = std::move(pieces_.front());
    pieces_.erase(pieces_.begin());
    if (pieces_.empty()) give_back(pieces_);
    release(Part::behind_hole, cost_of(piece.bytes));
    if (piece.end() <= next) continue;
    piece.bytes.erase(piece.bytes.begin(), piece.bytes.begin() + distance(piece.begin, next));
    if (planted(Planted::out_of_order_misplaced)) std::rotate(piece.bytes.begin(), piece.bytes.begin() + 1, piece.bytes.end());
    return std::move(piece.bytes);
  }
  return std::nullopt;
}

std::optional<Bytes> ReceiveQueue::take_ready() {
  if (ready_.empty()) return std::nullopt;
  Bytes bytes = std::move(ready_.front());
  ready_.erase(ready_.begin());
  if (ready_.empty()) give_back(ready_);
  ready_size_ -= bytes.size();
  release(Part::ready, cost_of(bytes));
  return bytes;
}

void ReceiveQueue::drop_pieces() {
  give_back(pieces_);
  release(Part::behind_hole, discardable_size_);
}

void ReceiveQueue::clear() {
  drop_pieces();
  give_back(ready_);
  ready_size_ = 0;
  release(Part::ready, memory_size_);
}

void ReceiveQueue::charge(Part part, std::uint64_t size) {
  budget_->charge(size);
  memory_size_ += size;
  if (part == Part::behind_hole) discardable_size_ += size;
}

void ReceiveQueue::release(Part part, std::uint64_t size) {
  budget_->release(size);
  memory_size_ -= size;
  if (part == Part::behind_hole) discardable_size_ -= size;
}

void ReceiveQueue::extend(Part part, Bytes& piece, ByteView bytes) {
  const std::uint64_t before = cost_of(piece);
  // Doubling, but not beyond what a piece may hold.
  if (piece.capacity() < piece.size() + bytes.size()) {
    piece.reserve(std::min(piece_size_max, std::max(piece.capacity() * 2, piece.size() + bytes.size())));
  }
  append(piece, bytes);
  charge(part, cost_of(piece) - before);
}

void ReceiveQueue::check(Seq next) const {
  std::uint64_t behind_holes = 0, ready = 0;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    PM_CHECK(!pieces_[i].bytes.empty());
    PM_CHECK(i == 0 ? pieces_[i].begin > next : pieces_[i].begin >= pieces_[i - 1].end());
    behind_holes += cost_of(pieces_[i].bytes);
  }
  for (const Bytes& bytes : ready_) ready += cost_of(bytes);
  PM_CHECK(behind_holes == discardable_size_);
  PM_CHECK(behind_holes + ready == memory_size_);
}

}  // namespace pushmail::tcp

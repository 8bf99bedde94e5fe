// What came in and cannot be given to the application yet: bytes behind a hole, and bytes in order while reading is paused. Data that
// arrive in order for a reading application never pass through here; they are lent straight from the frame.
//
//        next                 hole                     hole
//   ready |  . . . . . . . . [ piece ][ piece ] . . . . [ piece ]
//
// Came from: input.cpp, trimmed to the announced window. Goes to: StreamEvents::on_data.
// Invariant: pieces are sorted and do not overlap (they may touch), and start after the next expected byte. Copied, so that no frame of
// the device is held back by a peer that leaves holes. An insertion copies no more than the new bytes twice, whatever is held already;
// all memory is charged to the worker's ReceiveBudget.
#pragma once

#include <optional>
#include <vector>

#include "core/bytes.h"
#include "dataplane/tcp/seq.h"

namespace pushmail::tcp {

/// What the receive queues of one worker's connections may hold together, in bytes.
class ReceiveBudget {
 public:
  explicit ReceiveBudget(std::uint64_t size_max) : size_max_(size_max) {}
  [[nodiscard]] std::uint64_t used() const { return used_; }
  [[nodiscard]] std::uint64_t left() const { return used_ < size_max_ ? size_max_ - used_ : 0; }
  void charge(std::uint64_t size) { used_ += size; }
  void release(std::uint64_t size);

 private:
  std::uint64_t size_max_;
  std::uint64_t used_ = 0;
};

class ReceiveQueue {
 public:
  /// Separate pieces kept behind holes; a segment that would need more is dropped and comes again.
  static constexpr std::size_t piece_count_max = 256;
  /// A piece that would grow beyond this is followed by another one, so that growing never copies much.
  static constexpr std::size_t piece_size_max = 16 * 1024;
  /// Charged for a piece beside its bytes.
  static constexpr std::size_t piece_overhead_size = 64;

  explicit ReceiveQueue(ReceiveBudget& budget) : budget_(&budget) {}
  ReceiveQueue(const ReceiveQueue&) = delete;
  ReceiveQueue& operator=(const ReceiveQueue&) = delete;
  ~ReceiveQueue() { clear(); }

  /// Bytes in order that wait for the application.
  [[nodiscard]] std::size_t ready_size() const { return ready_size_; }
  [[nodiscard]] bool has_holes() const { return !pieces_.empty(); }
  [[nodiscard]] std::size_t piece_count() const { return pieces_.size(); }
  /// What is charged to the budget: all of it, and the part behind holes.
  [[nodiscard]] std::uint64_t memory_size() const { return memory_size_; }
  [[nodiscard]] std::uint64_t discardable_size() const { return discardable_size_; }

  /// In order, while the application does not read.
  void hold(ByteView bytes);
  void hold(Bytes&& bytes);
  /// Out of order: [seq, seq + bytes.size()) lies after `next`. False when there is no room for another piece.
  [[nodiscard]] bool insert(Seq seq, ByteView bytes);
  /// The next piece of the bytes that continue at `next`, taken out; nothing when there is a hole. Pieces before `next` are dropped.
  [[nodiscard]] std::optional<Bytes> take_from(Seq next);
  /// The first of the bytes that wait for the application; nothing when none wait.
  [[nodiscard]] std::optional<Bytes> take_ready();
  /// Everything behind holes goes: none of it was acknowledged.
  void drop_pieces();
  void clear();
  void check(Seq next) const;

 private:
  struct Piece {
    Seq begin;
    Bytes bytes;
    [[nodiscard]] Seq end() const { return begin + static_cast<std::uint32_t>(bytes.size()); }
  };
  enum class Part : std::uint8_t { ready, behind_hole };
  void charge(Part part, std::uint64_t size);
  void release(Part part, std::uint64_t size);
  void extend(Part part, Bytes& piece, ByteView bytes);

  ReceiveBudget* budget_;
  std::vector<Piece> pieces_;
  std::vector<Bytes> ready_;
  std::size_t ready_size_ = 0;
  std::uint64_t memory_size_ = 0;
  std::uint64_t discardable_size_ = 0;
};

}  // namespace pushmail::tcp

// What the application gave us to send and the peer has not acknowledged: copied bytes and lent ones, addressed by their offset in
// the stream (64 bits, never wraps). Retransmissions read it again, so nothing leaves before its acknowledgement.
//
// Came from: Stream::send and send_lent. Goes to: frames, by read(); lent memory back to its owner, by acknowledge() or clear().
// Invariant: pieces are contiguous and cover [begin, end); every lent piece is released exactly once.
#pragma once

#include <vector>

#include "dataplane/tcp/stream.h"

namespace pushmail::tcp {

class SendQueue {
 public:
  SendQueue() = default;
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;
  ~SendQueue() { clear(); }

  /// Offset of the first byte that is not acknowledged, and of the one after the last.
  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }

  void copy(ByteView bytes);
  void lend(const LentBytes& lent);
  /// Copies the bytes [offset, offset + to.size()) into `to`; they exist.
  void read(std::uint64_t offset, MutableBytes to) const;
  /// Everything before `offset` is the peer's now.
  void acknowledge(std::uint64_t offset);
  /// The stream died: gives everything back.
  void clear();
  void check() const;

 private:
  struct Piece {
    std::uint64_t begin = 0;
    ByteView view;  // of `own` or of lent memory
    Bytes own;      // empty when lent
    void (*release)(void* context) = nullptr;
    void* context = nullptr;
    [[nodiscard]] std::uint64_t end() const { return begin + view.size(); }
  };
  static void give_back(const Piece& piece);

  // A vector with a moving front: an idle connection holds no memory here.
  std::vector<Piece> pieces_;
  std::size_t front_ = 0;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace pushmail::tcp

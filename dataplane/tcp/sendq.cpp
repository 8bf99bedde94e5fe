#include "dataplane/tcp/sendq.h"

#include <algorithm>

#include "dataplane/tcp/planted.h"

namespace pushmail::tcp {

namespace {
// Small writes are gathered into pieces of this size, so that a line-by-line sender costs one allocation and not hundreds.
constexpr std::size_t copy_piece_size = 4096;
}  // namespace

void SendQueue::copy(ByteView bytes) {
  while (!bytes.empty()) {
    // A piece that a view already points into grows only within its reserve, so the view stays true.
    const bool room = front_ < pieces_.size() && !pieces_.back().own.empty() && pieces_.back().own.size() < pieces_.back().own.capacity();
    if (!room) {
      Piece piece;
      piece.begin = end_;
      piece.own.reserve(std::max(copy_piece_size, bytes.size()));
      pieces_.push_back(std::move(piece));
    }
    Piece& piece = pieces_.back();
    const std::size_t size = std::min(bytes.size(), piece.own.capacity() - piece.own.size());
    append(piece.own, bytes.first(size));
    piece.view = piece.own;
    end_ += size;
    bytes = bytes.subspan(size);
  }
}

void SendQueue::lend(const LentBytes& lent) {
  Piece piece;
  piece.begin = end_;
  piece.view = lent.bytes;
  piece.release = lent.release;
  piece.context = lent.context;
  if (lent.bytes.empty()) {
    give_back(piece);
    return;
  }
  end_ += lent.bytes.size();
  pieces_.push_back(std::move(piece));
}

void SendQueue::read(std::uint64_t offset, MutableBytes to) const {
  PM_CHECK(offset >= begin_ && offset + to.size() <= end_);
  auto piece = std::partition_point(pieces_.begin() + static_cast<std::ptrdiff_t>(front_), pieces_.end(),
                                    [&](const Piece& p) { return p.end() <= offset; });
  while (!to.empty()) {
    const std::size_t skip = static_cast<std::size_t>(offset - piece->begin);
    const std::size_t size = std::min(to.size(), piece->view.size() - skip);
    std::memcpy(to.data(), piece->view.data() + skip, size);
    offset += size;
    to = to.subspan(size);
    ++piece;
  }
}

void SendQueue::acknowledge(std::uint64_t offset) {
  PM_CHECK(offset >= begin_ && offset <= end_);
  begin_ = offset;
  while (front_ < pieces_.size() && pieces_[front_].end() <= offset) {
    give_back(pieces_[front_]);
    pieces_[front_++] = Piece{};
  }
  if (front_ == pieces_.size()) {
    pieces_ = {};
    front_ = 0;
  } else if (front_ >= 32 && front_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(front_));
    front_ = 0;
  }
}

void SendQueue::clear() {
  for (; front_ < pieces_.size(); ++front_) give_back(pieces_[front_]);
  pieces_ = {};
  front_ = 0;
  begin_ = end_;
}

void SendQueue::check() const {
  PM_CHECK(begin_ <= end_);
  PM_CHECK((front_ == pieces_.size()) == (begin_ == end_));
  if (front_ == pieces_.size()) return;
  PM_CHECK(pieces_[front_].begin <= begin_ && begin_ < pieces_[front_].end());
  PM_CHECK(pieces_.back().end() == end_);
  for (std::size_t i = front_ + 1; i < pieces_.size(); ++i) PM_CHECK(pieces_[i - 1].end() == pieces_[i].begin);
}

void SendQueue::give_back(const Piece& piece) {
  if (planted(Planted::lent_bytes_not_released) && piece.begin % 5 == 0) return;
  if (piece.release != nullptr) piece.release(piece.context);
}

}  // namespace pushmail::tcp

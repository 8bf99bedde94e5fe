#include "core/arena.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/limits.h"
#include "core/result.h"

namespace pushmail {
namespace {

constexpr std::size_t first_chunk_size = 4 * limits::KiB;
constexpr std::size_t chunk_size_max = 16 * limits::MiB;

}  // namespace

Arena::~Arena() { free_chunks(last_); }

Arena::Arena(Arena&& other) noexcept
    : last_(std::exchange(other.last_, nullptr)),
      at_(std::exchange(other.at_, nullptr)),
      end_(std::exchange(other.end_, nullptr)),
      used_(std::exchange(other.used_, 0)),
      held_(std::exchange(other.held_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this == &other) return *this;
  free_chunks(last_);
  last_ = std::exchange(other.last_, nullptr);
  at_ = std::exchange(other.at_, nullptr);
  end_ = std::exchange(other.end_, nullptr);
  used_ = std::exchange(other.used_, 0);
  held_ = std::exchange(other.held_, 0);
  return *this;
}

void* Arena::allocate(std::size_t size, std::size_t alignment) {
  const std::size_t padding = (alignment - reinterpret_cast<std::uintptr_t>(at_) % alignment) % alignment;
  const auto room = static_cast<std::size_t>(end_ - at_);
  if (size > room || padding > room - size) {
    add_chunk(size);  // a chunk starts aligned for everything
  } else {
    at_ += padding;
  }
  std::uint8_t* piece = at_;
  at_ += size;
  used_ += size;
  return piece;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  const MutableBytes piece = bytes(text.size());
  std::memcpy(piece.data(), text.data(), text.size());
  return text_of(piece);
}

bool Arena::resize(void* piece, std::size_t size, std::size_t new_size) {
  auto* start = static_cast<std::uint8_t*>(piece);
  if (start + size != at_ || new_size > static_cast<std::size_t>(end_ - start)) return false;
  at_ = start + new_size;
  used_ += new_size - size;
  return true;
}

void Arena::adopt(Arena&& other) {
  if (other.last_ == nullptr) return;
  if (last_ == nullptr) {
    *this = std::move(other);
    return;
  }
  PM_CHECK(held_ + other.held_ <= limits::arena_size_max);
  // Behind the chunk in use, which stays in use.
  Chunk* oldest = other.last_;
  while (oldest->previous != nullptr) oldest = oldest->previous;
  oldest->previous = std::exchange(last_->previous, other.last_);
  used_ += other.used_;
  held_ += other.held_;
  other.last_ = nullptr;
  other = Arena();
}

void Arena::reset() {
  used_ = 0;
  if (last_ == nullptr) return;
  // The last chunk is the largest, or one of those that are large enough.
  free_chunks(std::exchange(last_->previous, nullptr));
  at_ = reinterpret_cast<std::uint8_t*>(last_ + 1);
  end_ = at_ + last_->size;
  held_ = sizeof(Chunk) + last_->size;
}

void Arena::add_chunk(std::size_t size_min) {
  const std::size_t doubled = last_ == nullptr ? first_chunk_size - sizeof(Chunk) : last_->size * 2 + sizeof(Chunk);
  // A large piece has a chunk of its size: what would stay free behind it is never used by the next large one.
  const std::size_t size = size_min > chunk_size_max / 2 ? size_min : std::max(std::min(doubled, chunk_size_max), size_min);
  PM_CHECK(size_min <= limits::arena_size_max && held_ + size_min <= limits::arena_size_max);
  auto* chunk = static_cast<Chunk*>(::operator new(sizeof(Chunk) + size));
  static_assert(sizeof(Chunk) % alignof(std::max_align_t) == 0);
  *chunk = {.previous = last_, .size = size};
  last_ = chunk;
  at_ = reinterpret_cast<std::uint8_t*>(chunk + 1);
  end_ = at_ + size;
  held_ += sizeof(Chunk) + size;
}

void Arena::free_chunks(Chunk* from) {
  while (from != nullptr) ::operator delete(std::exchange(from, from->previous));
}

}  // namespace pushmail

// Memory that is given out piece by piece and taken back as a whole: for the many small things that live as long as one message.
//
// Used by: parsers, whose results are views into the input and into such an arena. Pieces are never freed one by one; chunks grow by
// doubling up to a bound, so many small pieces cost few heap allocations, and a large one has a chunk of its own. An arena that is reset
// keeps the chunk in use for the next message.
// Invariant: a piece keeps its address until reset(), also while the arena itself is moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "core/bytes.h"

namespace pushmail {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// `size` bytes, not initialised, aligned for `alignment` (a power of two, at most that of max_align_t). What parsers ask for is bounded
  /// by their input; more than limits::arena_size_max in all is our own fault and ends the program.
  [[nodiscard]] void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t));
  [[nodiscard]] MutableBytes bytes(std::size_t size) { return {static_cast<std::uint8_t*>(allocate(size, 1)), size}; }
  [[nodiscard]] std::string_view copy(std::string_view text);

  /// Changes the size of a piece where it lies: smaller always when it is the last one given out, larger when there is room behind it.
  /// False, and nothing changed, otherwise.
  bool resize(void* piece, std::size_t size, std::size_t new_size);

  /// Takes over the pieces of another arena, which is empty then; they live as long as this one's.
  void adopt(Arena&& other);

  /// Takes everything back. The chunk in use stays.
  void reset();

  /// Bytes given out since the last reset, and heap memory held.
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  struct Chunk {
    Chunk* previous;
    std::size_t size;  // bytes behind this header
  };

  void add_chunk(std::size_t size_min);
  void free_chunks(Chunk* from);

  Chunk* last_ = nullptr;
  std::uint8_t* at_ = nullptr;  // free from here
  std::uint8_t* end_ = nullptr;
  std::size_t used_ = 0;
  std::size_t held_ = 0;
};

/// An array in an arena that grows at its end. It grows in place while nothing else is taken from the arena, else it is copied to twice its
/// size. Copies of it share the elements; the arena must outlive them.
template <class T>
class ArenaList {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit ArenaList(Arena& arena) : arena_(&arena) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] T& operator[](std::size_t i) { return data_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data_[i]; }
  [[nodiscard]] const T& back() const { return data_[size_ - 1]; }
  [[nodiscard]] std::span<T> items() { return {data_, size_}; }

  void push_back(const T& item) {
    if (size_ == capacity_) grow(size_ + 1);
    data_[size_++] = item;
  }
  void append(std::span<const T> items) {
    if (items.empty()) return;
    std::memcpy(extend_items(items.size()).data(), items.data(), items.size_bytes());
  }
  /// `count` more items, to be written.
  [[nodiscard]] std::span<T> extend_items(std::size_t count) {
    if (count > capacity_ - size_) grow(size_ + count);
    size_ += count;
    return {data_ + (size_ - count), count};
  }
  /// Room for exactly so many, when there is less.
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) set_capacity(capacity);
  }
  /// Only to fewer items.
  void shrink(std::size_t size) { size_ = size; }

  /// The items for good: what was reserved behind them goes back to the arena where that can be. The list is empty then.
  [[nodiscard]] std::span<T> take() {
    if (data_ != nullptr && arena_->resize(data_, capacity_ * sizeof(T), size_ * sizeof(T))) capacity_ = size_;
    const std::span<T> taken = items();
    data_ = nullptr;
    size_ = capacity_ = 0;
    return taken;
  }

 private:
  void grow(std::size_t size_min) {
    constexpr std::size_t first = sizeof(T) >= 16 ? 8 : 128 / sizeof(T);
    std::size_t capacity = capacity_ == 0 ? first : capacity_ * 2;
    set_capacity(capacity < size_min ? size_min : capacity);
  }
  void set_capacity(std::size_t capacity) {
    if (data_ != nullptr && arena_->resize(data_, capacity_ * sizeof(T), capacity * sizeof(T))) {
      capacity_ = capacity;
      return;
    }
    T* moved = static_cast<T*>(arena_->allocate(capacity * sizeof(T), alignof(T)));
    if (size_ > 0) std::memcpy(moved, data_, size_ * sizeof(T));
    data_ = moved;
    capacity_ = capacity;
  }

  Arena* arena_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Text that is put together in an arena.
class ArenaText : public ArenaList<char> {
 public:
  using ArenaList<char>::ArenaList;

  ArenaText& operator+=(char c) {
    push_back(c);
    return *this;
  }
  ArenaText& operator+=(std::string_view text) {
    append(std::span(text.data(), text.size()));
    return *this;
  }
  /// `size` more bytes at the end, to be written.
  [[nodiscard]] MutableBytes extend(std::size_t size) { return {reinterpret_cast<std::uint8_t*>(extend_items(size).data()), size}; }
  [[nodiscard]] std::string_view view() const { return size() == 0 ? std::string_view{} : std::string_view(&(*this)[0], size()); }
  [[nodiscard]] std::string_view take_view() {
    const std::span<char> taken = take();
    return {taken.data(), taken.size()};
  }
};

}  // namespace pushmail

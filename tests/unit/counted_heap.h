// Counts the heap allocations of the program that includes this, by replacing operator new: include it in one source of a program of its
// own.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace pushmail {

inline std::size_t allocations = 0;

}  // namespace pushmail

// Not inlined: GCC would take free() here for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++pushmail::allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void* operator new[](std::size_t size) { return operator new(size); }
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return operator new(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

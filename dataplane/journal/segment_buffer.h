// Memory that segments are read into at start, one after the other.
//
// A page that a process touches for the first time costs more than the bytes that are read into it, so it is the same memory for all of
// them, in huge pages where the kernel has some.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>

#include "core/bytes.h"
#include "core/result.h"
#include "core/storage.h"

namespace pushmail::journal {

class SegmentBuffer {
 public:
  /// All bytes of a plain file, valid until the next call. Errors are those of read_file (core/storage.h); ENOMEM where there is no memory.
  [[nodiscard]] Result<ByteView> read(Storage& storage, const std::filesystem::path& file);

 private:
  [[nodiscard]] std::span<std::uint8_t> make_room(std::size_t size);

  struct Free {
    void operator()(std::uint8_t* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::uint8_t, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace pushmail::journal

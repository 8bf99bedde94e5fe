#include "dataplane/journal/segment_buffer.h"

#include <sys/mman.h>

#include <bit>

namespace pushmail::journal {

namespace {
constexpr std::size_t page_size = 4096;
constexpr std::size_t huge_page_size = std::size_t{2} << 20;
}  // namespace

Result<ByteView> SegmentBuffer::read(Storage& storage, const std::filesystem::path& file) {
  PM_TRY(const auto bytes, read_file(storage, file, [this](std::size_t size) { return make_room(size); }));
  return ByteView(bytes);
}

std::span<std::uint8_t> SegmentBuffer::make_room(std::size_t size) {
  if (size <= size_) return {memory_.get(), size};
  // Segments that were closed are a little shorter than journal.segment_size, each by another bit.
  const std::size_t wanted = std::bit_ceil(std::max(size, page_size));
  const bool is_huge = wanted >= huge_page_size;
  memory_.reset();
  memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(is_huge ? huge_page_size : page_size, wanted)));
  size_ = memory_ ? wanted : 0;
  // A kernel that refuses gives small pages.
  if (memory_ && is_huge) (void)::madvise(memory_.get(), size_, MADV_HUGEPAGE);
  return {memory_.get(), std::min(size, size_)};
}

}  // namespace pushmail::journal

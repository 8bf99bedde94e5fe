// What the heap is asked for: nothing for an element of an envelope, and a body once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "codec/mm7/message.h"
#include "codec/mm7/xml_readers.h"
#include "tests/unit/codec/mm7/samples.h"

namespace {

std::size_t allocations = 0;
std::size_t large_allocations = 0;
constexpr std::size_t large = 100'000;

}  // namespace

// The program's own, so that every allocation is counted. Not inlined: GCC would take free() here for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (size >= large) ++large_allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void* operator new[](std::size_t size) { return operator new(size); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
// The one of std::stable_sort, whose memory comes back to the delete below.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return operator new(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace pushmail::mm7 {
namespace {

std::size_t allocations_of_scan(std::string_view document) {
  const std::size_t before = allocations;
  EXPECT_TRUE(scan_xml(document).has_value());
  return allocations - before;
}

TEST(Mm7Allocation, EnvelopeIsReadIntoTwoVectorsAndAnArena) {
  // Elements, attributes; the subject's ampersand needs the arena and the list that holds it.
  EXPECT_EQ(allocations_of_scan(samples::envelope(samples::report())), 2U);
  EXPECT_EQ(allocations_of_scan(samples::envelope(samples::deliver())), 4U);
}

TEST(Mm7Allocation, MoreElementsAskForNoMore) {
  const auto document = [](std::size_t recipients) {
    std::string xml = "<DeliverReq><To>";
    for (std::size_t i = 0; i < recipients; ++i) xml += "<mm7:Number displayOnly=\"false\">+15550100002 &amp; a few</mm7:Number>\n";
    return xml + "</To></DeliverReq>";
  };
  EXPECT_EQ(allocations_of_scan(document(4)), 4U);
  // The vector of attributes doubles, four elements or four thousand.
  EXPECT_LE(allocations_of_scan(document(2000)), 20U);
}

TEST(Mm7Allocation, BodyIsAllocatedOnce) {
  const Bytes picture(large, 7);
  const std::string name(500, 'n');
  const std::string id(200, 'i');
  MultimediaMessage mm;
  for (int i = 0; i < 5; ++i) {
    mm.parts.push_back(
        {.media_type = "image/jpeg", .charset = {}, .name = name, .content_id = id, .content_location = {}, .data = picture});
  }
  SubmitReq request;
  request.content = &mm;
  for (const std::string_view parts : {"base64", "binary", "8bit"}) {
    Mm7Dialect dialect;
    ASSERT_TRUE(set_knob(dialect, "parts", parts).has_value());
    const std::size_t before = large_allocations;
    const HttpEntity entity = encode(request, dialect);
    EXPECT_EQ(large_allocations - before, 1U) << parts;
    EXPECT_GT(entity.body.size(), 5 * large);
  }
}

}  // namespace
}  // namespace pushmail::mm7

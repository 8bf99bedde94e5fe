// What stands inside parts: a mail is parsed and unpacked, and the same bytes are read as a CMS structure. Never crashes; parts stay a
// tree in order within the limits, and text is valid UTF-8.
#include "codec/mime/cms.h"
#include "codec/mime/unpack.h"
#include "codec/simd/simd.h"
#include "core/limits.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto check_text = [](std::string_view text) { PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size()); };
  const ByteView bytes(data, size);
  Arena arena;
  if (const auto content = mime::signed_content(bytes, arena)) PM_CHECK(content->size() < size);

  auto message = mime::parse(bytes);
  if (!message) return 0;
  const std::size_t before = message->parts.size();
  const auto opened = mime::unpack(*message);
  PM_CHECK(opened.empty() == (message->parts.size() == before));
  PM_CHECK(message->parts.size() <= limits::mime_part_count_max);
  for (std::size_t i = 0; i < message->parts.size(); ++i) {
    const mime::Part& part = message->parts[i];
    PM_CHECK(part.depth <= limits::mime_depth_max);
    PM_CHECK(i == 0 ? part.parent == mime::Part::none : part.parent < i && part.depth == message->parts[part.parent].depth + 1);
    PM_CHECK(!part.media_type.empty());
    check_text(part.name);
    check_text(part.content_id);
    check_text(mime::decode_text(part));
  }
  for (const mime::Unpacked& package : opened) {
    PM_CHECK(package.part + 1 < message->parts.size() && message->parts[package.part + 1].parent == package.part);
    check_text(package.name);
  }
  return 0;
}

// winmail.dat through its reader: never crashes, data stays inside, text is valid UTF-8.
#include "codec/mime/tnef.h"
#include "codec/simd/simd.h"
#include "core/limits.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto check_text = [](std::string_view text) { PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size()); };
  Arena arena;
  std::vector<mime::Tolerance> notes;
  const auto tnef = mime::read_tnef(bytes, arena, &notes);
  if (!tnef) return 0;
  check_text(tnef->subject);
  check_text(tnef->body);
  check_text(tnef->html);
  PM_CHECK(tnef->attachments.size() <= limits::mime_part_count_max);
  for (const mime::TnefAttachment& attachment : tnef->attachments) {
    check_text(attachment.name);
    check_text(attachment.media_type);
    check_text(attachment.content_id);
    PM_CHECK(attachment.data.empty() || (attachment.data.data() >= data && attachment.data.data() + attachment.data.size() <= data + size));
  }
  return 0;
}

// Whole mails through parse, decode_body, decode_text and decode_header: never crashes, views stay inside, text is valid UTF-8, limits
// hold.
#include "codec/mime/message.h"
#include "codec/simd/simd.h"
#include "core/limits.h"

using namespace pushmail;

namespace {

void check_text(std::string_view text) { PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size()); }

void check_message(const mime::Message& message, ByteView bytes) {
  // Without any LF the parts show a copy.
  const bool is_copy = text_of(bytes).find('\n') == std::string_view::npos;
  PM_CHECK(!message.parts.empty() && message.parts.size() <= limits::mime_part_count_max);
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    const mime::Part& part = message.parts[i];
    PM_CHECK(part.depth <= limits::mime_depth_max);
    PM_CHECK(i == 0 ? part.parent == mime::Part::none : part.parent < i);
    PM_CHECK(!part.media_type.empty());
    PM_CHECK(part.fields.size() <= limits::mime_field_count_max);
    PM_CHECK(is_copy || part.body.empty() ||
             (part.body.data() >= bytes.data() && part.body.data() + part.body.size() <= bytes.data() + bytes.size()));
    check_text(part.name);
    check_text(part.content_id);
    for (const mime::Field& field : part.fields) check_text(mime::decode_header(field.value));
    PM_CHECK(mime::decode_body(part).size() <= part.body.size() + 3);
    const std::string text = mime::decode_text(part);
    check_text(text);
    PM_CHECK(text.find_first_of(std::string_view("\r\0", 2)) == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (const auto message = mime::parse(bytes)) check_message(*message, bytes);
  if (const auto entity = mime::parse_entity("multipart/related; boundary=b; type=\"text/xml\"", bytes)) check_message(*entity, bytes);
  return 0;
}

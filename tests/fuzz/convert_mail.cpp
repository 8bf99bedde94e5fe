// Any mail becomes an MM that keeps its promises: sizes, unique safe names, valid UTF-8, parts that belong to it. HTML alone too.
#include <set>

#include "codec/convert/convert.h"
#include "codec/convert/text.h"
#include "codec/simd/simd.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto check_text = [](std::string_view text) { PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size()); };
  const ByteView mail(data, size);
  for (const std::uint64_t size_max : {std::uint64_t{3000}, std::uint64_t{300 * 1024}}) {
    const convert::MailToMmOptions options{.profile = {.size_max = size_max}, .sender_in_text = true, .content_id_domain = "mms.example.net", .item_id = "X"};
    const auto result = convert::mail_to_mm(mail, options);
    if (!result) continue;
    const MultimediaMessage& mm = result->mm;
    check_text(mm.subject);
    check_text(result->from_display);
    PM_CHECK(mm.presentation == 0 && mm.parts.size() >= 2);
    std::size_t total = 0;
    std::set<std::string_view> locations;
    for (const MultimediaPart& part : mm.parts) {
      total += part.data.size();
      check_text(part.name);
      PM_CHECK(locations.insert(part.content_location).second);
      if (part.media_type.starts_with("text/")) check_text(text_of(part.data));
    }
    // The slides alone may be longer than the smallest profile only when very many empty parts came.
    PM_CHECK(total <= size_max || mm.parts.size() > 20);
    for (const convert::Decision& decision : result->decisions) check_text(decision.what);
  }
  check_text(convert::html_to_text(mime::to_utf8(mail, "utf-8")));
  return 0;
}

// Any mail becomes an MM that keeps its promises: sizes, unique safe names, valid UTF-8, parts that belong to it, and a SubmitReq; again
// when somebody made its pictures smaller, and again where strangers may be refused. HTML alone too.
#include <set>

#include "codec/convert/convert.h"
#include "codec/convert/text.h"
#include "codec/simd/simd.h"

using namespace pushmail;

namespace {

/// Each picture that was too large is in the MM when a smaller one is given, byte by byte.
void check_reduced(ByteView mail, convert::MailToMmOptions options, const convert::MailToMm& first) {
  if (first.large_pictures.empty()) return;
  const Bytes small{0xFF, 0xD8, 0xFF};
  std::vector<convert::ReducedPicture> reduced;
  for (const convert::LargePicture& picture : first.large_pictures) {
    if (reduced.size() < 5) reduced.push_back({.part = picture.part, .media_type = "image/jpeg", .data = small});
  }
  options.reduced_pictures = reduced;
  options.display_only_recipients = true;
  // Only the pictures' own limit is asked here: with no room at all even small ones go.
  options.profile.size_max = 25 * 1024 * 1024;
  const auto second = convert::mail_to_mm(mail, options);
  PM_CHECK(second.has_value());
  std::size_t found = 0;
  for (const MultimediaPart& part : second->mm.parts) found += part.data.data() == small.data() ? 1 : 0;
  PM_CHECK(found == reduced.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto check_text = [](std::string_view text) { PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size()); };
  const ByteView mail(data, size);
  for (const std::uint64_t size_max : {std::uint64_t{3000}, std::uint64_t{300 * 1024}}) {
    const convert::MailToMmOptions options{
        .profile = {.size_max = size_max}, .sender_in_text = true, .content_id_domain = "mms.example.net", .item_id = "X"};
    convert::MailToMmOptions strict = options;
    strict.refuses = true;
    strict.profile.image_width_max = 640;
    const auto refused = convert::mail_to_mm(mail, strict);
    const auto result = convert::mail_to_mm(mail, options);
    PM_CHECK(result || !refused);
    if (!result) continue;
    if (refused) check_reduced(mail, strict, *refused);
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
    for (const convert::Decision& decision : result->decisions) {
      check_text(decision.what);
      check_text(decision.rule);
    }
    convert::SubmissionOptions how;
    how.recipients.push_back(
        {.phone = {.kind = mm7::AddressKind::number, .value = "+15550100001"}, .address = "me@example.net", .notify = {}});
    how.read_reports = how.display_only_recipients = size_max == 3000;
    const convert::Submission submission = convert::submission_of(*result, how);
    PM_CHECK(submission.request.content == &mm);
    check_text(submission.request.subject);
    check_reduced(mail, options, *result);
  }
  check_text(convert::html_to_text(mime::to_utf8(mail, "utf-8")));
  return 0;
}

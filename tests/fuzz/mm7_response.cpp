// MM7 responses: the first line is the Content-Type, the rest the body.
#include <algorithm>

#include "codec/mm7/message.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  const ByteView all(data, size);
  const auto line = static_cast<std::size_t>(std::ranges::find(all, std::uint8_t{'\n'}) - all.begin());
  const auto response = mm7::parse_response(ascii_trim(text_of(all.first(line))), all.subspan(std::min(line + 1, size)));
  if (!response) {
    PM_CHECK(mm7::status_of(response.error()).code >= 2000);
    return 0;
  }
  if (const auto* fault = std::get_if<mm7::FaultRsp>(&*response)) PM_CHECK(!fault->status.text.empty());
  if (const auto* submitted = std::get_if<mm7::SubmitRsp>(&*response)) PM_CHECK(!submitted->status.text.empty());
  if (const auto* cancelled = std::get_if<mm7::CancelRsp>(&*response)) PM_CHECK(!cancelled->status.text.empty());
  if (const auto* replaced = std::get_if<mm7::ReplaceRsp>(&*response)) PM_CHECK(!replaced->status.text.empty());
  return 0;
}

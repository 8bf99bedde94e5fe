// MM7 requests: the first line is the Content-Type, the rest the body. Whatever comes, the answer is a request or a status.
#include <algorithm>

#include "codec/mm7/message.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  const ByteView all(data, size);
  const auto line = static_cast<std::size_t>(std::ranges::find(all, std::uint8_t{'\n'}) - all.begin());
  const std::string content_type(ascii_trim(text_of(all.first(line))));
  const ByteView body = all.subspan(std::min(line + 1, size));
  const auto request = mm7::parse_request(content_type, body);
  if (!request) {
    const mm7::Status status = mm7::status_of(request.error());
    PM_CHECK(status.code >= 2000 && status.code < 5000 && !status.text.empty());
    const auto fault = mm7::encode_fault(mm7::context_of(content_type, body), request.error());
    PM_CHECK(mm7::parse_response(fault.content_type, fault.body).has_value());
    return 0;
  }
  if (const auto* deliver = std::get_if<mm7::DeliverReq>(&*request)) {
    PM_CHECK(!deliver->sender.value.empty());
    PM_CHECK(deliver->content.presentation == MultimediaMessage::no_presentation ||
             deliver->content.presentation < deliver->content.parts.size());
    std::size_t total = 0;
    for (const auto& part : deliver->content.parts) total += part.data.size();
    PM_CHECK(total <= size);
    // What we send on must be readable again.
    mm7::SubmitReq submit;
    submit.transaction_id = deliver->transaction_id;
    submit.sender = deliver->sender;
    submit.recipients = deliver->recipients;
    submit.subject = deliver->subject;
    submit.content = &deliver->content;
    mm7::Mm7Dialect dialect;
    dialect.parts_base64 = deliver->priority.empty();
    // One word of each knob that has words, chosen by the body's size.
    std::size_t choice = size;
    for (const mm7::Knob& knob : mm7::knobs()) {
      if (knob.values.empty() || knob.name == "parts") continue;
      std::string_view words = knob.values;
      for (std::size_t skip = choice % 3; skip > 0 && words.contains('|'); --skip) words.remove_prefix(words.find('|') + 1);
      PM_CHECK(mm7::set_knob(dialect, knob.name, words.substr(0, words.find('|'))).has_value());
      choice /= 3;
    }
    if (size % 2 == 1) dialect.element_prefix = "mm7";
    const auto entity = mm7::encode(submit, dialect);
    const auto again = mm7::parse_request(entity.content_type, entity.body);
    PM_CHECK(again.has_value());
    PM_CHECK(std::get<mm7::UnsupportedReq>(*again).name == "SubmitReq");
    mm7::ReplaceReq replace;
    replace.transaction_id = deliver->linked_id;
    replace.message_id = deliver->subject;
    replace.content = &deliver->content;
    replace.extended = size % 2 == 0;
    const auto replaced = mm7::encode(replace, dialect);
    PM_CHECK(mm7::parse_request(replaced.content_type, replaced.body).has_value());
    const auto answer = mm7::encode_deliver_rsp({deliver->transaction_id, deliver->mm7_version, deliver->namespace_uri}, {}, {});
    PM_CHECK(mm7::parse_response(answer.content_type, answer.body).has_value());
  }
  if (const auto* report = std::get_if<mm7::DeliveryReportReq>(&*request)) {
    PM_CHECK(!report->message_id.empty() && !report->mm_status.empty());
  }
  if (const auto* reply = std::get_if<mm7::ReadReplyReq>(&*request)) {
    PM_CHECK(reply->mm_status == "Read" || reply->mm_status == "Deleted" || reply->mm_status == "Indeterminate");
    const auto cancel = mm7::encode(mm7::CancelReq{.transaction_id = reply->transaction_id,
                                                   .sender = reply->recipient,
                                                   .message_id = reply->message_id,
                                                   .application = reply->application,
                                                   .extended = size % 2 == 0},
                                    {});
    PM_CHECK(mm7::parse_request(cancel.content_type, cancel.body).has_value());
  }
  return 0;
}

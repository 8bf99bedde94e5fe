// The road mail -> SubmitReq, everything included: parse, decode, convert, the MM7 body. GMime parses the same mail and decodes its parts,
// and is then done; that is the least that a road with that library would do.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <gmime/gmime.h>

#include <string>

#include "codec/convert/convert.h"
#include "codec/mm7/message.h"
#include "perf/codec/mails.h"

namespace pushmail {
namespace {

void mail_to_submitreq(benchmark::State& state, std::size_t size) {
  const std::string mail = perf::letter_with_picture(size);
  convert::MailToMmOptions options;
  options.content_id_domain = "mms.example.net";
  options.item_id = "01J0000000000000000000001";
  convert::SubmissionOptions how;
  how.transaction_id = "pm01J0000000000000000000001";
  how.sender = {.kind = mm7::AddressKind::short_code, .value = "50001742"};
  how.recipients.push_back({.phone = {.kind = mm7::AddressKind::number, .value = "+15550100002"}, .address = {}, .notify = {}});
  how.expiry = seconds(3 * 86'400);
  const mm7::Mm7Dialect dialect;
  convert::MailToMm made;
  std::size_t body_size = 0;
  for (auto _ : state) {
    auto converted = convert::mail_to_mm(bytes_of(mail), options, std::move(made));
    PM_CHECK(converted.has_value());
    made = std::move(*converted);
    const convert::Submission submission = convert::submission_of(made, how);
    mm7::HttpEntity entity = mm7::encode(submission.request, dialect);
    body_size = entity.body.size();
    benchmark::DoNotOptimize(entity.body.data());
  }
  // The picture is in it.
  PM_CHECK(made.decisions.empty() && body_size > size * 9 / 10);
  state.SetItemsProcessed(state.iterations());
}

void gmime(benchmark::State& state, std::size_t size) {
  const std::string mail = perf::letter_with_picture(size);
  for (auto _ : state) perf::gmime_parse_and_decode(mail);
  state.SetItemsProcessed(state.iterations());
}

// A figure's name ends with its peer, so sizes are bound here and not by Arg().
const bool registered = [] {
  g_mime_init();
  for (const std::size_t size : {10'000U, 100'000U, 300'000U}) {
    const std::string name = fmt::format("convert.mail_to_submitreq.{}k", size / 1000);
    benchmark::RegisterBenchmark((name + "/pushmail").c_str(), mail_to_submitreq, size);
    benchmark::RegisterBenchmark((name + "/gmime").c_str(), gmime, size);
  }
  return true;
}();

}  // namespace
}  // namespace pushmail

// Whole mails: structure and every body decoded, against GMime doing the same. `.structure` figures are ours without decoding.
#include <benchmark/benchmark.h>
#include <gmime/gmime.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "codec/mime/message.h"
#include "perf/codec/mails.h"

namespace {

using namespace pushmail;

using Mails = std::vector<std::string>;

/// The mails of PUSHMAIL_CORPUS when that is set, else our own samples.
Mails real_mails() {
  const char* named = std::getenv("PUSHMAIL_CORPUS");
  Mails mails;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(named != nullptr ? named : "tests/fuzz/seeds/mime_parse", error)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::string mail{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!mail.empty()) mails.push_back(std::move(mail));
  }
  return mails;
}

enum class Decode : bool { no, yes };

void ours(benchmark::State& state, const Mails& mails, Decode decode) {
  mime::Message message;
  for (auto _ : state) {
    for (const std::string& mail : mails) {
      auto parsed = mime::parse(bytes_of(mail), std::move(message));
      message = parsed ? std::move(*parsed) : mime::Message{};
      if (decode == Decode::no) continue;
      for (const mime::Part& part : message.parts) {
        if (part.is_multipart()) continue;
        if (part.media_type.starts_with("text/"))
          benchmark::DoNotOptimize(mime::decode_text(part, message.arena).data());
        else
          benchmark::DoNotOptimize(mime::decode_body(part, message.arena).data());
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mails.size()));
}

void gmime(benchmark::State& state, const Mails& mails) {
  for (auto _ : state) {
    for (const std::string& mail : mails) perf::gmime_parse_and_decode(mail);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mails.size()));
}

const bool registered = [] {
  g_mime_init();
  static const struct {
    std::string name;
    Mails mails;
  } sets[] = {{"mime.parse.real", real_mails()},
              {"mime.parse.100k", {perf::letter_with_picture(100'000)}},
              {"mime.parse.300k", {perf::letter_with_picture(300'000)}}};
  for (const auto& set : sets) {
    benchmark::RegisterBenchmark((set.name + "/pushmail").c_str(),
                                 [&set](benchmark::State& state) { ours(state, set.mails, Decode::yes); });
    benchmark::RegisterBenchmark((set.name + "/gmime").c_str(), [&set](benchmark::State& state) { gmime(state, set.mails); });
    benchmark::RegisterBenchmark((set.name + ".structure/pushmail").c_str(),
                                 [&set](benchmark::State& state) { ours(state, set.mails, Decode::no); });
  }
  return true;
}();

}  // namespace

// The HTTP client, fed with a server's bytes. Each request must end in exactly one result, each body come back once, and nothing be left.
#include "dataplane/session/http_client.h"
#include "dataplane/session/http_grammar.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace {

using namespace pushmail;

class Results final : public HttpClientEvents {
 public:
  void on_http_result(std::uint64_t request, HttpResult result) override {
    PM_CHECK(request >= 1 && request <= told.size() && !told[request - 1]);
    told[request - 1] = true;
    if (const auto* answer = std::get_if<HttpAnswer>(&result))
      PM_CHECK(answer->status >= 200 && answer->status < 600 && answer->body.size() <= 4096);
  }
  std::array<bool, 3> told{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20'000) return 0;
  const ByteView bytes{data, size};
  test::ManualClock clock;
  test::FakeNetwork network;
  network.chunk_size = 1 + data[size - 1] % 64;
  test::FakePeers mmsc;
  const Endpoint there = *parse_endpoint("198.51.100.7:80");
  PM_CHECK(network.listen(there, mmsc).has_value());
  Results results;
  int released = 0;
  {
    HttpClient client(
        network,
        {.endpoint = there, .host = "h", .credentials = {.user = "u", .password = "p"}, .connections_max = 1, .answer_size_max = 4096},
        results, clock);
    const Bytes body{'b', 'o', 'd', 'y'};
    const auto settle = [&] { test::settle(network, clock.now(), [&] { client.tick(clock.now()); }); };
    for (int i = 0; i < 3; ++i) {
      PM_CHECK(client
                   .post({.content_type = "text/xml",
                          .body = {.bytes = body, .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released}})
                   .has_value());
    }
    settle();
    if (!mmsc.all.empty()) {
      mmsc.last().say(text_of(bytes));
      settle();
      if (size % 2 == 0 && mmsc.last().stream != nullptr) mmsc.last().stream->finish();
    }
    settle();
    client.close_all();
    settle();
    PM_CHECK(client.connection_count() == 0);
  }
  for (const bool told : results.told) PM_CHECK(told);
  PM_CHECK(released == 3);
  return 0;
}

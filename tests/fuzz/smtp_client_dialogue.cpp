// The SMTP client, fed with a host's bytes; 0xff lets a few turns pass. Each mail must end in exactly one result and come back once, and
// `delivered` only after the whole mail was out.
#include "dataplane/session/smtp_client.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace {

using namespace pushmail;

class Results final : public SmtpClientEvents {
 public:
  void on_smtp_result(std::uint64_t mail, SmtpResult result) override {
    PM_CHECK(mail >= 1 && mail <= told.size() && !told[mail - 1]);
    told[mail - 1] = true;
    if (result.outcome == SmtpOutcome::delivered) {
      ++delivered;
      PM_CHECK(result.recipients.size() == 2 && result.answer.code / 100 == 2);
    }
    if (result.outcome == SmtpOutcome::not_sent || result.outcome == SmtpOutcome::unknown) PM_CHECK(result.error.has_value());
  }
  std::array<bool, 3> told{};
  std::size_t delivered = 0;
};

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++count;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20'000) return 0;
  test::ManualClock clock;
  test::FakeNetwork network;
  network.chunk_size = 1 + data[size - 1] % 64;
  test::FakePeers hosts;
  const Endpoint host = *parse_endpoint("198.51.100.25:25");
  PM_CHECK(network.listen(host, hosts).has_value());
  Results results;
  int released = 0;
  {
    SmtpClientSettings settings{.domain = "mms.example", .connections_per_host_max = 1};
    // Half of them log in.
    if (size % 2 == 0)
      settings.login =
          SmtpLogin{.host = host, .user = "u", .secret = [] { return std::optional<std::string>("p"); }, .is_allowed_in_clear = true};
    SmtpClient client(network, settings, results, clock);
    const Bytes mail{'.', 'x', '\n', '.', '\r', '\n'};
    const auto settle = [&] { test::settle(network, clock.now(), [&] { client.tick(clock.now()); }); };
    for (int i = 0; i < 3; ++i) {
      PM_CHECK(client
                   .send({.host = host,
                          .mail_from = "a@b",
                          .recipients = {"c@d", "e@f"},
                          .mail = {.bytes = mail, .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released}})
                   .has_value());
    }
    settle();
    std::string_view rest = text_of({data, size});
    for (int part = 0; part < 20 && !rest.empty(); ++part) {
      const std::size_t end = std::min(rest.find('\xff'), rest.size());
      hosts.last().say(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      settle();
    }
    if (size % 2 == 0 && hosts.last().stream != nullptr) hosts.last().stream->finish();
    settle();
    client.close_all();
    settle();
    PM_CHECK(client.connection_count() == 0);
  }
  for (const bool told : results.told) PM_CHECK(told);
  PM_CHECK(released == 3);
  // The dot itself may still have been under way when a hasty host answered it.
  std::size_t bodies = 0;
  for (const auto& each : hosts.all) bodies += count_of(each->heard, "..x\r\n..\r\n");
  PM_CHECK(results.delivered <= bodies);
  return 0;
}

// Digest at our server: an MMSC that answers our challenges, one that repeats itself, and whoever guesses.
#include "tests/unit/dataplane/session/http_server_fixture.h"

namespace pushmail {
namespace {

using test::deliver;
using test::FakePeer;
using test::Mm7ServerSettings;

class HttpDigestTest : public test::HttpServerTest {
 protected:
  void SetUp() override { start(digest_settings()); }
  static Mm7ServerSettings digest_settings() {
    Mm7ServerSettings settings = HttpServerTest::settings();
    settings.peers[0].scheme = HttpScheme::digest;
    return settings;
  }
  static std::string request(std::string_view authorization, std::string_view target = "/mm7") {
    const std::string body = deliver("rs-1");
    return fmt::format("POST {} HTTP/1.1\r\nHost: us\r\n{}{}{}Content-Type: text/xml\r\nContent-Length: {}\r\n\r\n{}", target,
                       authorization.empty() ? "" : "Authorization: ", authorization, authorization.empty() ? "" : "\r\n", body.size(),
                       body);
  }
  /// The challenge that the server's answer holds; SHA-256 where both are there.
  static std::optional<digest::Challenge> challenge_in(std::string_view answer) {
    const auto end = http::find_head_end(bytes_of(answer), 0, http::Dialect::answer);
    EXPECT_TRUE(end.is_done()) << answer;
    const auto head = http::parse_response_head(bytes_of(answer).first(end.used()));
    return head ? digest::best_challenge(head->fields) : std::nullopt;
  }
  digest::Challenge challenge() {
    const auto found = challenge_in(ask(request("")));
    EXPECT_TRUE(found.has_value());
    return found.value_or(digest::Challenge{});
  }
  static std::string answer_to(const digest::Challenge& challenge, std::uint32_t count, std::string_view password = "secret") {
    return *digest::authorization(challenge, {.user = "mmsc", .password = std::string(password)}, "POST", "/mm7", count, "0123");
  }
};

TEST_F(HttpDigestTest, AnAnsweredChallengeIsServedByEitherHash) {
  const std::string challenged = ask(request(""));
  EXPECT_EQ(status(challenged), 401);
  EXPECT_LT(challenged.find("algorithm=SHA-256"), challenged.find("algorithm=MD5"));
  EXPECT_FALSE(has(challenged, "Basic"));
  digest::Challenge found = *challenge_in(challenged);
  EXPECT_FALSE(found.is_stale);
  (void)ask(request(answer_to(found, 1)));
  EXPECT_EQ(sink_.inbounds.size(), 1u);
  found.hash = MessageDigest::md5;
  (void)ask(request(answer_to(found, 2)));
  EXPECT_EQ(sink_.inbounds.size(), 2u);
  // On several connections counts overtake one another.
  (void)ask(request(answer_to(found, 4)));
  (void)ask(request(answer_to(found, 3)));
  EXPECT_EQ(sink_.inbounds.size(), 4u);
  EXPECT_EQ(server_->service().wrong_passwords(), 0u);
}

TEST_F(HttpDigestTest, ARepeatIsStaleAndNotServed) {
  const digest::Challenge found = challenge();
  const std::string once = request(answer_to(found, 1));
  (void)ask(once);
  const std::string again = ask(once);
  EXPECT_EQ(status(again), 401);
  EXPECT_TRUE(has(again, "stale=true"));
  EXPECT_EQ(sink_.inbounds.size(), 1u);
  EXPECT_EQ(server_->service().wrong_passwords(), 0u) << "the password was right";
  (void)ask(request(answer_to(*challenge_in(again), 1)));
  EXPECT_EQ(sink_.inbounds.size(), 2u) << "the new nonce is good";
}

TEST_F(HttpDigestTest, AnOldNonceAndAnotherWorkersAreStale) {
  const digest::Challenge old = challenge();
  pass(seconds(301));
  EXPECT_TRUE(challenge_in(ask(request(answer_to(old, 1))))->is_stale);
  digest::Challenge foreign = challenge();
  foreign.nonce = DigestNonces{}.make(clock_.now());
  EXPECT_TRUE(challenge_in(ask(request(answer_to(foreign, 1))))->is_stale);
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpDigestTest, WhatIsWrongIsRefused) {
  digest::Challenge found = challenge();
  const std::string wrong = ask(request(answer_to(found, 1, "guess")));
  EXPECT_EQ(status(wrong), 401);
  EXPECT_FALSE(challenge_in(wrong)->is_stale);
  EXPECT_EQ(server_->service().wrong_passwords(), 1u);
  EXPECT_EQ(status(ask(request(answer_to(found, 1), "/other"))), 400) << "made for another request";
  EXPECT_EQ(status(ask(post(deliver("t")))), 401) << "Basic is not what this peer sends, however right";
  EXPECT_EQ(server_->service().wrong_passwords(), 2u);
  const std::string stranger = *digest::authorization(found, {.user = "other", .password = "secret"}, "POST", "/mm7", 1, "0");
  EXPECT_EQ(status(ask(request(stranger))), 401);
  found.realm = "elsewhere";
  EXPECT_EQ(status(ask(request(answer_to(found, 1)))), 401);
  EXPECT_EQ(status(ask(request("Digest username=\"mmsc\""))), 401) << "no credentials at all";
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpDigestTest, GuessesSpendTheSameBudget) {
  Mm7ServerSettings settings = digest_settings();
  settings.peers[0].allow.clear();
  settings.wrong_passwords = {.burst = {.count = 3, .window = seconds(60)}, .lasting = {.count = 10, .window = seconds(3600)}};
  start(settings);
  const digest::Challenge found = challenge();
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(status(ask(request(answer_to(found, i, "guess")))), 401);
  EXPECT_EQ(status(ask(request(answer_to(found, 4)))), 429) << "nobody compares it";
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpDigestTest, EachSchemeThatAPeerFromThereMayUseIsOffered) {
  Mm7ServerSettings both = digest_settings();
  both.peers.push_back(
      {.name = "old", .allow = both.peers[0].allow, .credentials = {.user = "old", .password = "secret"}, .service_code = {}});
  both.peers.push_back(
      {.name = "far", .allow = {*parse_network("203.0.113.0/24")}, .credentials = {.user = "far", .password = "x"}, .service_code = {}});
  start(both);
  const std::string near = ask(request(""));
  EXPECT_TRUE(has(near, "Digest realm=") && has(near, "Basic realm="));
  EXPECT_LT(near.find("Digest"), near.find("Basic"));
  (void)ask(request("Basic b2xkOnNlY3JldA=="));
  (void)ask(request(answer_to(*challenge_in(near), 1)));
  ASSERT_EQ(sink_.inbounds.size(), 2u);
  EXPECT_EQ(sink_.inbounds[0].peer, "old");
  EXPECT_EQ(sink_.inbounds[1].peer, "mmsc1");
  network_->client_address = *parse_endpoint("203.0.113.5:1000");
  EXPECT_FALSE(has(ask(request("")), "Digest"));
}

}  // namespace
}  // namespace pushmail

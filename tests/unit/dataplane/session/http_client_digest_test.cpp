// Digest as client: an MMSC that challenges, one that forgets its nonces, and one that refuses our password.
#include "tests/unit/dataplane/session/http_client_fixture.h"

namespace pushmail {
namespace {

class HttpClientDigestTest : public HttpClientTest {
 protected:
  static std::string challenge(std::string_view nonce, std::string_view more = "") {
    return fmt::format(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"mms\", qop=\"auth\", algorithm=SHA-256, nonce=\"{}\"{}\r\n"
        "Content-Length: 2\r\n\r\nno",
        nonce, more);
  }
  void say(FakePeer& peer, std::string_view text) {
    peer.say(text);
    turns();
  }
  /// What the request that was heard last says in Authorization.
  static std::string authorization_in(const std::string& heard) {
    const std::size_t at = heard.rfind("\r\nAuthorization: ");
    if (at == std::string::npos) return "none";
    return heard.substr(at + 17, heard.find("\r\n", at + 2) - at - 17);
  }
  /// The count of a right answer to this nonce; 0: it is none.
  static std::uint32_t count_in(const std::string& heard, std::string_view nonce) {
    const auto sent = digest::parse_authorization(authorization_in(heard));
    const bool is_right =
        sent && sent->nonce == nonce && sent->uri == "/mm7" && sent->user == "pushmail" && digest::is_right(*sent, "secret", "POST");
    return is_right ? sent->count : 0;
  }
};

TEST_F(HttpClientDigestTest, AChallengeIsAnsweredOnTheSameConnectionAndThenAtOnce) {
  const std::uint64_t id = post("<one/>");
  turns();
  EXPECT_TRUE(authorization_in(mmsc().take()).starts_with("Basic "));
  say(mmsc(), challenge("n1"));
  EXPECT_TRUE(results_.all.empty()) << "the relay does not see it";
  EXPECT_EQ(network_.connects, 1);
  const std::string again = mmsc().take();
  EXPECT_EQ(count_in(again, "n1"), 1u) << again;
  EXPECT_TRUE(again.ends_with("<one/>"));
  say_200(mmsc());
  EXPECT_EQ(results_.answer(id).status, 200);
  EXPECT_FALSE(results_.answer(id).duplicate_possible) << "a 401 has done nothing";
  for (const std::uint32_t count : {2u, 3u}) {
    post();
    turns();
    EXPECT_EQ(count_in(mmsc().take(), "n1"), count);
    say_200(mmsc());
  }
  EXPECT_EQ(network_.connects, 1);
}

TEST_F(HttpClientDigestTest, WhoWantsDigestNeverSeesThePassword) {
  scheme_ = HttpScheme::digest;
  restart();
  post();
  turns();
  EXPECT_EQ(authorization_in(mmsc().take()), "none");
  say(mmsc(), challenge("n1"));
  EXPECT_EQ(count_in(mmsc().take(), "n1"), 1u);
  say_200(mmsc());
  const std::uint64_t id = post();
  turns();
  say(mmsc(), "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"mms\"\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(results_.answer(id).status, 401) << "a peer that asks for Basic does not get it";
}

TEST_F(HttpClientDigestTest, AStaleNonceIsReplaced) {
  post();
  turns();
  say(mmsc(), challenge("n1"));
  say_200(mmsc());
  const std::uint64_t id = post();
  turns();
  (void)mmsc().take();
  say(mmsc(), challenge("n2", ", stale=true"));
  EXPECT_EQ(count_in(mmsc().take(), "n2"), 1u);
  say_200(mmsc());
  EXPECT_EQ(results_.answer(id).status, 200);
  // Some forget to say that it is stale.
  const std::uint64_t next = post();
  turns();
  say(mmsc(), challenge("n3"));
  say_200(mmsc());
  EXPECT_EQ(results_.answer(next).status, 200);
}

TEST_F(HttpClientDigestTest, ARefusedPasswordIsToldAndNotRepeated) {
  const std::uint64_t id = post();
  turns();
  say(mmsc(), challenge("n1"));
  say(mmsc(), challenge("n2"));
  EXPECT_EQ(results_.answer(id).status, 401);
  (void)mmsc().take();
  const std::uint64_t next = post();
  turns();
  EXPECT_EQ(count_in(mmsc().take(), "n2"), 1u);
  say(mmsc(), challenge("n3"));
  EXPECT_EQ(results_.answer(next).status, 401);
  EXPECT_EQ(mmsc().take(), "") << "one request each, not two";
  // Also a peer that calls every nonce stale gets one more try and no storm.
  const std::uint64_t last = post();
  turns();
  say(mmsc(), challenge("n4", ", stale=true"));
  say(mmsc(), challenge("n5", ", stale=true"));
  EXPECT_EQ(results_.answer(last).status, 401);
}

TEST_F(HttpClientDigestTest, WhoClosesBehindHisChallengeIsAnsweredOnANewConnection) {
  const std::uint64_t id = post();
  turns();
  say(mmsc(),
      "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"mms\", qop=\"auth\", nonce=\"n1\"\r\nConnection: close\r\n"
      "Content-Length: 0\r\n\r\n");
  ASSERT_EQ(mmsc_.all.size(), 2u);
  EXPECT_EQ(count_in(mmsc(1).take(), "n1"), 1u) << "without an algorithm it is MD5";
  say_200(mmsc(1));
  EXPECT_EQ(results_.answer(id).status, 200);
}

TEST_F(HttpClientDigestTest, AnEarlyChallengeCutsTheRequestAndIsAnswered) {
  network_.held = true;
  const std::uint64_t id = post(std::string(1'000, 'x'));
  turns();
  network_.held = false;
  say(mmsc(), challenge("n1"));
  ASSERT_EQ(mmsc_.all.size(), 2u) << "what was not out whole cannot go on";
  EXPECT_EQ(count_in(mmsc(1).take(), "n1"), 1u);
  say_200(mmsc(1));
  EXPECT_EQ(results_.answer(id).status, 200);
}

TEST_F(HttpClientDigestTest, AChallengeWhileItCloses) {
  const std::uint64_t id = post();
  turns();
  client_->drain();
  say(mmsc(), challenge("n1"));
  EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::not_sent);
  EXPECT_TRUE(results_.failure(id).error.is(http_closing));
}

TEST_F(HttpClientDigestTest, WhatCannotBeAnsweredIsTold) {
  for (const std::string_view fields :
       {"", "WWW-Authenticate: Basic realm=\"x\"\r\n", "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\"\r\n",
        "WWW-Authenticate: Digest realm=\"x\", qop=\"auth-int\", nonce=\"n\"\r\n", "WWW-Authenticate: Digest realm=\"x\r\n"}) {
    const std::uint64_t id = post();
    turns();
    say(mmsc(), fmt::format("HTTP/1.1 401 Unauthorized\r\n{}Content-Length: 0\r\n\r\n", fields));
    EXPECT_EQ(results_.answer(id).status, 401) << fields;
  }
}

}  // namespace
}  // namespace pushmail

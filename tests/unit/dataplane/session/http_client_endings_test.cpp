// Connections that end without an answer, connections that peers close, and how many run: what the MM7 client makes of them.
#include "tests/unit/dataplane/session/http_client_fixture.h"

namespace pushmail {
namespace {

// ---- connections that end without an answer: endings.h

TEST_F(HttpClientTest, FinThatCrossedTheRequestIsSentAgainUnmarked) {
  for (const bool reused : {true, false}) {
    SCOPED_TRACE(reused);
    restart();
    network_.held = !reused;
    if (reused) {
      keep_one();
      mmsc().theirs().held = true;
    }
    const std::uint64_t id = post("<mm/>");
    turns(3);
    ASSERT_EQ(mmsc_.all.size(), 1u);
    network_.held = false;
    mmsc().stream->finish();
    turns();
    ASSERT_EQ(mmsc_.all.size(), 2u);
    EXPECT_EQ(mmsc().take(), "");
    EXPECT_TRUE(mmsc(1).take().ends_with("<mm/>"));
    say_200(mmsc(1));
    EXPECT_FALSE(results_.answer(id).duplicate_possible);
    EXPECT_EQ(client_->totals().sent_again, 1u);
    EXPECT_EQ(client_->totals().sent_again_marked, 0u);
  }
}

TEST_F(HttpClientTest, PeerThatNeverReadsGetsAFewTriesAndThenItIsNotSent) {
  network_.held = true;
  const std::uint64_t id = post();
  for (std::size_t tries = 1; tries <= 1 + submit_req_again_max; ++tries) {
    EXPECT_FALSE(results_.all.contains(id));
    turns();
    ASSERT_EQ(mmsc_.all.size(), tries);
    mmsc_.last().stream->finish();
    turns();
  }
  EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::not_sent);
  EXPECT_FALSE(results_.failure(id).duplicate_possible);
}

// What the peer's kernel, or a balancer, has acknowledged may have been read.
TEST_F(HttpClientTest, AcknowledgedOnAKeptConnectionIsSentAgainOnceAndMarked) {
  for (const bool by_reset : {true, false}) {
    SCOPED_TRACE(by_reset);
    restart();
    keep_one();
    const std::uint64_t id = post("<mm/>");
    turns();
    const std::string first = mmsc().take();
    if (by_reset)
      mmsc().stream->abort();
    else
      mmsc().stream->finish();
    turns();
    ASSERT_EQ(mmsc_.all.size(), 2u);
    EXPECT_EQ(mmsc(1).take(), first) << "the same bytes, so the same TransactionID";
    EXPECT_EQ(client_->totals().sent_again_marked, 1u);
    say_200(mmsc(1));
    EXPECT_TRUE(results_.answer(id).duplicate_possible);
  }
}

TEST_F(HttpClientTest, TheSecondTimeNobodyKnows) {
  deduplicates_ = true;
  restart();
  keep_one();
  const std::uint64_t id = post();
  for (std::size_t tries = 1; tries <= 2; ++tries) {
    turns();
    ASSERT_EQ(mmsc_.all.size(), tries);
    mmsc_.last().stream->abort();
  }
  turns();
  EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::unknown);
  EXPECT_TRUE(results_.failure(id).duplicate_possible) << "there were two tries";
  EXPECT_EQ(mmsc_.all.size(), 2u);
}

TEST_F(HttpClientTest, AcknowledgedOnANewConnectionIsSentAgainOnlyToAPeerThatDeduplicates) {
  for (const bool deduplicates : {false, true}) {
    SCOPED_TRACE(deduplicates);
    deduplicates_ = deduplicates;
    restart();
    const std::uint64_t id = post();
    turns();
    mmsc().stream->abort();
    turns();
    EXPECT_EQ(mmsc_.all.size(), deduplicates ? 2u : 1u);
    if (deduplicates) {
      say_200(mmsc(1));
      EXPECT_TRUE(results_.answer(id).duplicate_possible);
    } else {
      EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::unknown);
      EXPECT_FALSE(results_.failure(id).duplicate_possible) << "it went out once";
    }
  }
}

TEST_F(HttpClientTest, ResetProvesWhatItAcknowledges) {
  for (const bool names_what_came : {true, false}) {
    SCOPED_TRACE(names_what_came);
    restart();
    keep_one();
    mmsc().theirs().held = true;
    const std::uint64_t id = post();
    turns(3);
    static_cast<test::FakeStream*>(mmsc().stream)->reset_acknowledges = names_what_came;
    mmsc().stream->abort();
    turns();
    ASSERT_EQ(mmsc_.all.size(), 2u);
    say_200(mmsc(1));
    EXPECT_EQ(results_.answer(id).duplicate_possible, !names_what_came);
  }
}

TEST_F(HttpClientTest, AnswerThatBeganAndWasCutIsUnknownOnAKeptConnectionToo) {
  keep_one();
  const std::uint64_t id = post();
  turns();
  mmsc().say("H");
  turns();
  mmsc().stream->finish();
  turns();
  EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::unknown);
  EXPECT_EQ(mmsc_.all.size(), 1u);
}

TEST_F(HttpClientTest, SilenceOnAKeptConnectionIsTriedOnANewOne) {
  keep_one();
  mmsc().theirs().lost = true;
  const std::uint64_t id = post();
  // The kept one must be used within its time.
  turns(3);
  EXPECT_EQ(mmsc_.all.size(), 1u);
  pass(seconds(61));
  ASSERT_EQ(mmsc_.all.size(), 2u);
  say_200(mmsc(1));
  EXPECT_TRUE(results_.answer(id).duplicate_possible);
}

TEST_F(HttpClientTest, MarkedAndNoConnectionForTheNextTryIsUnknown) {
  keep_one();
  const std::uint64_t id = post();
  turns();
  network_.refuse = CloseReason::refused;
  mmsc().stream->abort();
  turns();
  EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::unknown);
  EXPECT_FALSE(results_.failure(id).duplicate_possible) << "the second try never left";
}

// ---- kept connections that the peer closes

TEST_F(HttpClientTest, ConnectionThatHasJustAnsweredGetsOnePollForItsFin) {
  post();
  turns();
  (void)mmsc().take();
  mmsc().say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  post("second");
  network_.poll(clock_.now());
  EXPECT_TRUE(results_.all.contains(1));
  client_->tick(clock_.now());
  EXPECT_TRUE(client_->has_work()) << "the worker must not sleep: the connection is free after the next poll";
  mmsc().stream->finish();
  network_.poll(clock_.now());
  turns();
  EXPECT_EQ(mmsc().take(), "");
  ASSERT_EQ(mmsc_.all.size(), 2u);
  EXPECT_TRUE(mmsc(1).take().ends_with("second"));
}

TEST_F(HttpClientTest, PeerThatClosesUnannouncedIsLearntAndForgotten) {
  for (int i = 0; i < 2; ++i) keep_one();
  mmsc().stream->finish();
  turns();
  EXPECT_EQ(client_->learnt_requests_per_connection(), 2u);
  EXPECT_EQ(client_->totals().closed_unannounced, 1u);
  for (int i = 0; i < 2; ++i) keep_one();
  ASSERT_EQ(mmsc_.all.size(), 2u);
  EXPECT_TRUE(mmsc(1).ended) << "ours now, before the peer's";
  pass(Duration{RequestLimit::hold_least.ns + 1});
  EXPECT_EQ(client_->learnt_requests_per_connection(), 0u);
  for (int i = 0; i < 3; ++i) keep_one();
  EXPECT_EQ(mmsc_.all.size(), 3u);
  EXPECT_FALSE(mmsc(2).ended);
}

TEST_F(HttpClientTest, PeerThatClosesWhatWasIdleForLongTeachesNothing) {
  keep_one();
  pass(seconds(5));
  mmsc().stream->finish();
  turns();
  EXPECT_EQ(client_->learnt_requests_per_connection(), 0u);
}

TEST_F(HttpClientTest, ConfiguredRequestsPerConnection) {
  requests_per_connection_ = 2;
  restart();
  for (int i = 0; i < 3; ++i) keep_one();
  ASSERT_EQ(mmsc_.all.size(), 2u);
  EXPECT_TRUE(mmsc(0).ended);
  EXPECT_FALSE(mmsc(1).ended);
}

TEST_F(HttpClientTest, RefusedFurtherConnectionLeavesTheOthersAtWork) {
  keep_one();
  for (int i = 0; i < 4; ++i) post();
  network_.refuse = CloseReason::refused;
  turns();
  EXPECT_TRUE(results_.all.empty());
  EXPECT_EQ(client_->concurrency(), 1u);
  for (int i = 0; i < 4; ++i) say_200(mmsc());
  EXPECT_EQ(results_.all.size(), 4u);
}

TEST_F(HttpClientTest, AnswerBeforeTheRequestIsOutIsToldWhenTheBodyIsBack) {
  network_.chunk_size = 100;
  const std::uint64_t id = post(std::string(5'000, 'x'));
  turns(4);
  mmsc().say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  results_.when_told = [this] { EXPECT_EQ(client_->connection_count(), 0u) << "the stream that reads the body is gone"; };
  turns();
  results_.when_told = nullptr;
  EXPECT_EQ(results_.answer(id).status, 413);
}

TEST_F(HttpClientTest, DrainLetsWhatIsOutGetItsAnswer) {
  for (int i = 0; i < 3; ++i) post();
  turns();
  client_->drain();
  EXPECT_EQ(results_.failure(3).outcome, HttpOutcome::not_sent);
  say_200(mmsc(0));
  mmsc(1).stream->abort();
  turns();
  EXPECT_EQ(results_.answer(1).status, 200);
  EXPECT_EQ(results_.failure(2).outcome, HttpOutcome::unknown) << "no new connections are made";
  EXPECT_TRUE(mmsc(0).ended);
}

// An MMSC that answers each request after 100 ms, and the settings as they are: 0.9 of what the contract's connections allow.
TEST_F(HttpClientTest, SlowMmscIsUsedAsFarAsTheContractAllows) {
  const HttpClientSettings defaults{.endpoint = there_, .host = "h", .credentials = {}};
  client_ = std::make_unique<HttpClient>(network_, defaults, results_, clock_);
  constexpr int seconds_run = 10;
  const std::size_t possible = std::size_t{10} * seconds_run * defaults.connections_max;
  for (std::size_t i = 0; i < possible; ++i) post();
  std::map<FakePeer*, Instant> due;
  const Instant end = clock_.now() + seconds(seconds_run);
  while (clock_.now() < end) {
    network_.poll(clock_.now());
    client_->tick(clock_.now());
    for (const auto& peer : mmsc_.all) {
      if (!peer->take().empty()) due.try_emplace(peer.get(), clock_.now() + milliseconds(100));
      if (const auto found = due.find(peer.get()); found != due.end() && found->second <= clock_.now()) {
        due.erase(found);
        peer->say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      }
    }
    clock_.advance(milliseconds(1));
  }
  EXPECT_EQ(client_->connection_count(), defaults.connections_max);
  EXPECT_GE(results_.all.size(), possible * 9 / 10);
}

}  // namespace
}  // namespace pushmail

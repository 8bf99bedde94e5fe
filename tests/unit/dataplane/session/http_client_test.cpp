// The MM7 client over an in-memory stream: what the relay is told in each way an exchange can end.
#include "tests/unit/dataplane/session/http_client_fixture.h"

namespace pushmail {
namespace {

TEST_F(HttpClientTest, WritesTheRequestAndReadsTheAnswer) {
  const std::uint64_t id = post("<hello/>");
  EXPECT_TRUE(results_.all.empty());
  turns();
  EXPECT_EQ(mmsc().take(),
            "POST /mm7 HTTP/1.1\r\nHost: mmsc.example:8090\r\nAuthorization: Basic cHVzaG1haWw6c2VjcmV0\r\nSOAPAction: \"\"\r\n"
            "Accept-Encoding: gzip\r\nContent-Type: text/xml\r\nContent-Length: 8\r\n\r\n<hello/>");
  mmsc().say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<r/>");
  turns();
  EXPECT_EQ(results_.answer(id).status, 200);
  EXPECT_EQ(results_.answer(id).content_type, "text/xml");
  EXPECT_EQ(text_of(results_.answer(id).body), "<r/>");
}

TEST_F(HttpClientTest, KeepsTheConnectionForTheNext) {
  post();
  turns();
  mmsc().say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  turns();
  EXPECT_EQ(text_of(results_.answer(1).body), "abc");
  (void)mmsc().take();
  post();
  turns();
  EXPECT_EQ(network_.connects, 1);
  EXPECT_TRUE(mmsc().take().starts_with("POST /mm7"));
  mmsc().say("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
  turns();
  EXPECT_EQ(results_.answer(2).status, 500);
  EXPECT_TRUE(mmsc().ended) << "the peer said close";
}

TEST_F(HttpClientTest, SoapActionAsThePeerWantsIt) {
  post();
  turns();
  EXPECT_NE(mmsc().take().find("\r\nSOAPAction: \"\"\r\n"), std::string::npos);
  client_->close_all();
  turns();
  soap_action_ = "urn:mm7:submit";
  start({});
  results_.all.clear();
  post();
  turns();
  EXPECT_NE(mmsc(1).take().find("\r\nSOAPAction: \"urn:mm7:submit\"\r\n"), std::string::npos);
}

TEST_F(HttpClientTest, AnswerIsReadWhereverItIsCut) {
  network_.chunk_size = 1;
  for (const std::string_view text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nhe\r\n3 ;a=b\r\nllo\r\n0 \r\n\r\n",
                                      "HTTP/1.1 200 OK\nContent-Type: a/b;\n c=d\nContent-Length : 5\n\nhello",
                                      "HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                                      "HTTP/1.1 200 OK\nTransfer-Encoding: chunked,\n\n5\nhello\n0\n\n"}) {
    const std::uint64_t id = post("b");
    turns(400);
    mmsc().say(text);
    turns(400);
    EXPECT_EQ(text_of(results_.answer(id).body), "hello");
  }
}

// As Python's gzip writes `hello`; a broken one says nothing.
TEST_F(HttpClientTest, ACompressedAnswerIsReadAsWhatItHolds) {
  constexpr std::string_view hello("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00",
                                   25);
  for (const bool is_whole : {true, false}) {
    const std::uint64_t id = post();
    turns();
    mmsc().say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" +
               std::string(hello).replace(is_whole ? 25 : 20, std::string::npos, is_whole ? 0 : 5, 'x'));
    turns();
    EXPECT_EQ(text_of(results_.answer(id).body), is_whole ? "hello" : "");
  }
}

TEST_F(HttpClientTest, ARequestIsCompressedWhereThatHelps) {
  coding_ = http::RequestCoding::gzip;
  restart();
  const std::string text(5'000, 'x');
  const std::uint64_t id = post(text);
  turns();
  const std::string heard = mmsc().take();
  const std::size_t head = heard.find("\r\n\r\n") + 4;
  EXPECT_NE(heard.find("\r\nContent-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(heard.find(fmt::format("\r\nContent-Length: {}\r\n", heard.size() - head)), std::string::npos);
  EXPECT_LT(heard.size() - head, 200u);
  EXPECT_EQ(released_, 1) << "the lender has his back: ours is what is sent";
  const Bytes body(heard.begin() + static_cast<std::ptrdiff_t>(head), heard.end());
  const auto plain = http::decode_content(body, "gzip", 10'000);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(text_of(*plain), text);
  say_200(mmsc());
  EXPECT_EQ(results_.answer(id).status, 200);
  post("<hello/>");
  turns();
  const std::string small = mmsc().take();
  EXPECT_EQ(small.find("Content-Encoding"), std::string::npos);
  EXPECT_TRUE(small.ends_with("\r\n\r\n<hello/>"));
}

TEST_F(HttpClientTest, ACompressedRequestThatNobodySawGoesAgainAsItWas) {
  coding_ = http::RequestCoding::gzip;
  restart();
  keep_one();
  mmsc().theirs().held = true;
  post(std::string(5'000, 'x'));
  turns();
  static_cast<test::FakeStream*>(mmsc().stream)->reset_acknowledges = true;
  mmsc().stream->abort();
  turns();
  ASSERT_EQ(mmsc_.all.size(), 2u);
  const std::string again = mmsc(1).take();
  const std::size_t head = again.find("\r\n\r\n") + 4;
  const auto plain = http::decode_content(Bytes(again.begin() + static_cast<std::ptrdiff_t>(head), again.end()), "gzip", 10'000);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->size(), 5'000u) << "compressed once, not twice";
}

TEST_F(HttpClientTest, NothingIsReadBehindAnAnswerOfDoubtfulFraming) {
  const std::uint64_t id = post();
  turns();
  mmsc().say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  turns();
  EXPECT_EQ(text_of(results_.answer(id).body), "hello");
  EXPECT_TRUE(mmsc().ended);
}

TEST_F(HttpClientTest, AnswerUntilClose) {
  post();
  turns();
  mmsc().say("HTTP/1.0 200 OK\r\n\r\nall of this");
  turns();
  EXPECT_TRUE(results_.all.empty());
  mmsc().stream->finish();
  turns();
  EXPECT_EQ(text_of(results_.answer(1).body), "all of this");
}

TEST_F(HttpClientTest, OneRequestAtATimeOnAFewConnections) {
  for (int i = 0; i < 4; ++i) post(fmt::format("body-{}", i));
  turns();
  EXPECT_EQ(network_.connects, 2);
  EXPECT_NE(mmsc(0).take().find("body-0"), std::string::npos);
  EXPECT_NE(mmsc(1).take().find("body-1"), std::string::npos);
  mmsc(1).say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  turns();
  EXPECT_NE(mmsc(1).take().find("body-2"), std::string::npos);
  EXPECT_EQ(mmsc(0).take(), "");
}

TEST_F(HttpClientTest, RefusedIsNotSent) {
  network_.refuse = CloseReason::refused;
  post();
  post();
  turns();
  for (const std::uint64_t id : {1u, 2u}) {
    EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::not_sent);
    EXPECT_TRUE(results_.failure(id).error.is(http_no_connection));
    EXPECT_TRUE(results_.failure(id).error.temporary());
  }
}

TEST_F(HttpClientTest, SilenceOnConnectIsNotSent) {
  network_.silent = true;
  post();
  turns();
  pass(seconds(11));
  EXPECT_EQ(results_.failure(1).outcome, HttpOutcome::not_sent);
  EXPECT_TRUE(results_.failure(1).error.is(http_connect_late));
}

TEST_F(HttpClientTest, CutAfterTheRequestIsUnknown) {
  for (const std::string_view said : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200"}) {
    const std::uint64_t id = post();
    turns();
    mmsc_.last().say(said);
    turns();
    mmsc_.last().stream->abort();
    turns();
    EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::unknown) << said;
    EXPECT_TRUE(results_.failure(id).error.is(http_answer_cut));
  }
  const std::uint64_t id = post();
  turns();
  mmsc_.last().stream->finish();
  turns();
  EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::unknown);
}

TEST_F(HttpClientTest, SlowAnswerIsUnknown) {
  post();
  turns();
  mmsc().say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  pass(seconds(30));
  mmsc().say("1");
  pass(seconds(31));
  EXPECT_EQ(results_.failure(1).outcome, HttpOutcome::unknown);
  EXPECT_TRUE(results_.failure(1).error.is(http_answer_late));
  EXPECT_TRUE(mmsc().closed.has_value());
}

TEST_F(HttpClientTest, BrokenAnswersAreUnknown) {
  for (const std::string_view said :
       {"garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    const std::uint64_t id = post();
    turns();
    mmsc_.last().say(said);
    turns();
    EXPECT_EQ(results_.failure(id).outcome, HttpOutcome::unknown) << said;
  }
}

TEST_F(HttpClientTest, AnswersAreCapped) {
  const std::uint64_t good = post();
  turns();
  mmsc_.last().say("HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n");
  turns();
  EXPECT_EQ(results_.failure(good).outcome, HttpOutcome::unknown);
  EXPECT_TRUE(results_.failure(good).error.is(http_body_too_large));
  const std::uint64_t refused = post();
  turns();
  mmsc_.last().say("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\n\r\n" + std::string(2000, 'x'));
  turns();
  EXPECT_EQ(results_.answer(refused).status, 503);
  EXPECT_EQ(results_.answer(refused).retry_after, seconds(120));
  EXPECT_TRUE(results_.answer(refused).body.empty());
}

TEST_F(HttpClientTest, BytesThatNobodyAskedForEndTheConnection) {
  post();
  turns();
  mmsc().say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  turns();
  EXPECT_EQ(results_.answer(1).status, 200);
  post();
  turns();
  EXPECT_EQ(network_.connects, 2) << "the second answer must not be taken for the next request's";
  EXPECT_FALSE(results_.all.contains(2));
}

TEST_F(HttpClientTest, IdleConnectionsAreClosedBeforeThePeerDoes) {
  post();
  turns();
  mmsc().say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  turns();
  pass(seconds(16));
  EXPECT_TRUE(mmsc().ended);
  post();
  turns();
  EXPECT_EQ(network_.connects, 2);
}

TEST_F(HttpClientTest, WhatWaitsWaitsInOrderHoweverMuchAndHoweverLongItIs) {
  for (int i = 0; i < 10'000; ++i) post(fmt::format("body-{}.", i));
  turns();
  EXPECT_EQ(client_->queued_count(), 9'998u);
  for (int i = 2; i < 50; ++i) {
    clock_.advance(seconds(5));
    say_200(mmsc(static_cast<std::size_t>(i) % 2));
    EXPECT_TRUE(mmsc(static_cast<std::size_t>(i) % 2).take().ends_with(fmt::format("body-{}.", i))) << i;
  }
  EXPECT_EQ(results_.all.size(), 48u);
  for (const auto& [id, result] : results_.all) EXPECT_TRUE(std::holds_alternative<HttpAnswer>(result)) << id;
  client_->close_all();
  turns();
  const auto refused = client_->post({.content_type = "text/xml", .body = lend("x")});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is(http_closing));
}

TEST_F(HttpClientTest, MessagesThatThePeerLeavesKeepNoOthersWaiting) {
  connections_max_ = 8;
  restart();
  for (int i = 0; i < 6; ++i) post(fmt::format("left-{}.", i));
  turns();
  EXPECT_EQ(mmsc_.all.size(), 4u) << "as many as run at first";
  pass(seconds(8));
  const std::uint64_t other = post("other.");
  turns();
  EXPECT_EQ(client_->queued_count(), 3u);
  pass(seconds(3));
  EXPECT_EQ(client_->queued_count(), 0u) << "four were left for long: they hold no place";
  say_200(mmsc(6));
  EXPECT_EQ(results_.answer(other).status, 200);
  post("more.");
  post("and more.");
  turns();
  EXPECT_EQ(client_->queued_count(), 0u) << "seven of eight run";
  post("too many.");
  pass(seconds(20));
  EXPECT_EQ(client_->queued_count(), 1u) << "the contract holds";
}

TEST_F(HttpClientTest, EmptyBodyAndWaitingTooLong) {
  post("");
  turns();
  EXPECT_TRUE(mmsc().take().ends_with("Content-Length: 0\r\n\r\n"));
  post("b");
  turns();
  for (int i = 0; i < 2; ++i) post("waits");
  turns();
  pass(seconds(61));
  EXPECT_EQ(results_.failure(1).outcome, HttpOutcome::unknown);
  EXPECT_EQ(results_.failure(2).outcome, HttpOutcome::unknown);
  EXPECT_EQ(results_.failure(3).outcome, HttpOutcome::not_sent);
  EXPECT_EQ(results_.failure(4).outcome, HttpOutcome::not_sent);
}

struct Reached {
  std::string_view step;
  FakePeers* mmsc;
  std::string heard;
};

TEST_F(HttpClientTest, FaultPointIsReachedWithHalfTheBodyOut) {
  client_->close_all();
  turns();
  Reached reached{.step = {}, .mmsc = &mmsc_, .heard = {}};
  start({.reach =
             [](void* context, std::string_view step) {
               auto* each = static_cast<Reached*>(context);
               each->step = step;
               each->heard = each->mmsc->last().heard;
             },
         .context = &reached});
  post("0123456789");
  turns();
  EXPECT_EQ(reached.step, "submit_req.half");
  EXPECT_TRUE(reached.heard.ends_with("\r\n\r\n01234"));
  EXPECT_TRUE(mmsc().take().ends_with("\r\n\r\n0123456789"));
  mmsc().say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  turns();
  EXPECT_EQ(results_.answer(1).status, 200);
}

TEST(LentHalves, OneReleaseForBoth) {
  int released = 0;
  const Bytes bytes{1, 2, 3};
  const auto [first, second] =
      split_lent({.bytes = bytes, .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released});
  EXPECT_EQ(first.bytes.size(), 1u);
  EXPECT_EQ(second.bytes.size(), 2u);
  release_lent(second);
  EXPECT_EQ(released, 0);
  release_lent(first);
  EXPECT_EQ(released, 1);
}

}  // namespace
}  // namespace pushmail

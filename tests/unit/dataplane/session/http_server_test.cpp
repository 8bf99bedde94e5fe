// The MM7 server over an in-memory stream: access, framing, order of answers, limits and deadlines.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <charconv>

#include "tests/unit/dataplane/session/http_server_fixture.h"

namespace pushmail {
namespace {

using test::deliver;
using test::envelope;
using test::FakePeer;
using test::HttpServerTest;
using test::Mm7Server;
using test::Mm7ServerSettings;
using test::report;

TEST_F(HttpServerTest, RequestGoesToTheSinkAndTheAnswerComesBack) {
  FakePeer peer;
  connect(peer);
  peer.say(post(deliver("rs-1")));
  turns();
  ASSERT_EQ(sink_.inbounds.size(), 1u);
  EXPECT_EQ(sink_.inbounds[0].peer, "mmsc1");
  EXPECT_EQ(sink_.inbounds[0].content_type, "text/xml");
  EXPECT_EQ(text_of(*sink_.inbounds[0].body), deliver("rs-1"));
  EXPECT_EQ(std::get<mm7::DeliverReq>(sink_.inbounds[0].request).transaction_id, "rs-1");
  EXPECT_EQ(peer.take(), "") << "no answer before the relay's";
  server_->answer(sink_.tickets[0], {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  const std::string heard = peer.take();
  EXPECT_EQ(status(heard), 200);
  EXPECT_TRUE(has(heard, "DeliverRsp")) << heard;
  EXPECT_TRUE(has(heard, "rs-1"));
  EXPECT_TRUE(has(heard, "PM01"));
  EXPECT_TRUE(has(heard, "Date: "));
  EXPECT_TRUE(has(heard, "GMT\r\n"));
  EXPECT_FALSE(has(heard, "Connection: close"));
  peer.say(post(report("rs-2")));
  turns();
  ASSERT_EQ(sink_.tickets.size(), 2u);
  server_->answer(sink_.tickets[1], {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  EXPECT_TRUE(has(peer.take(), "DeliveryReportRsp"));
  EXPECT_FALSE(peer.closed.has_value());
}

TEST_F(HttpServerTest, AccessRows) {
  EXPECT_EQ(status(ask("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\n\r\n")), 405);
  const std::string challenged = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(status(challenged), 401);
  EXPECT_TRUE(has(challenged, "WWW-Authenticate: Basic realm="));
  EXPECT_EQ(status(ask("POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bW1zYzp3cm9uZzE=\r\nContent-Length: 0\r\n\r\n")), 401);
  const std::string coded = ask(post("x", "Content-Encoding: deflate\r\n"));
  EXPECT_EQ(status(coded), 415);
  EXPECT_TRUE(has(coded, "\r\nAccept-Encoding: gzip\r\n"));
  for (const char* others : {"br", "gzip, gzip", "gzip, identity", "compress"})
    EXPECT_EQ(status(ask(post("x", fmt::format("Content-Encoding: {}\r\n", others)))), 415) << others;
  EXPECT_EQ(status(ask(post("x", "Content-Encoding: gzip\r\nContent-Encoding: identity\r\n"))), 400) << "two readers, two bodies";
  EXPECT_EQ(status(ask(post("x", "Expect: tea\r\n"))), 417);
  network_->client_address = *parse_endpoint("203.0.113.5:1000");
  EXPECT_EQ(status(ask(post(report("t")))), 403);
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpServerTest, FoldedContentTypeIsServed) {
  const std::string body = report("t");
  (void)ask(
      fmt::format("POST /mm7 HTTP/1.1\r\nHost: us\r\nContent-Type: text/xml;\r\n\tcharset=\"utf-8\"\r\nSOAPAction: \"\"\r\n"
                  "Authorization: Basic bW1zYzpzZWNyZXQ=\r\nContent-Length: {}\r\n\r\n{}",
                  body.size(), body));
  ASSERT_EQ(sink_.inbounds.size(), 1u);
  EXPECT_EQ(sink_.inbounds[0].content_type, "text/xml; charset=\"utf-8\"");
}

TEST_F(HttpServerTest, TwoCredentialsAreARequestThatTwoReadersReadDifferently) {
  const std::string right = "Authorization: Basic bW1zYzpzZWNyZXQ=\r\n";
  const std::string wrong = "Authorization: Basic bW1zYzp3cm9uZzE=\r\n";
  for (const std::string& fields : {right + wrong, wrong + right, right + right}) {
    EXPECT_EQ(status(ask("POST / HTTP/1.1\r\nHost: h\r\n" + fields + "Content-Length: 0\r\n\r\n")), 400) << fields;
  }
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpServerTest, RefusedBodyIsReadPastAndTheNextRequestServed) {
  FakePeer peer;
  connect(peer);
  peer.say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nPOST \r\n0\r\n\r\n" + post(report("t")));
  turns();
  EXPECT_EQ(status(peer.take()), 401);
  EXPECT_EQ(sink_.inbounds.size(), 1u);
}

TEST_F(HttpServerTest, RefusedBodyWithABrokenChunkEndsTheConnectionWithoutASecondAnswer) {
  FakePeer peer;
  connect(peer);
  peer.say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  turns();
  peer.say("zz\r\n" + post(report("t")));
  turns();
  const std::string heard = peer.take();
  EXPECT_EQ(status(heard), 401);
  EXPECT_EQ(heard.find("HTTP/1.1", 1), std::string::npos);
  EXPECT_TRUE(peer.ended);
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpServerTest, PeerByAddressOnlyNeedsNoPassword) {
  Mm7ServerSettings open = settings();
  open.peers.push_back({.name = "mmsc2", .allow = {*parse_network("203.0.113.5")}, .credentials = {}, .service_code = {}});
  start(std::move(open));
  network_->client_address = *parse_endpoint("203.0.113.5:1000");
  const std::string body = report("t");
  (void)ask(fmt::format("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  ASSERT_EQ(sink_.inbounds.size(), 1u);
  EXPECT_EQ(sink_.inbounds[0].peer, "mmsc2");
}

TEST_F(HttpServerTest, SmuggledRequestsAreNeverServed) {
  const std::string inner = post(report("inner"));
  const auto head = [](std::string_view fields) {
    return fmt::format("POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\n{}\r\n", fields);
  };
  for (const std::string& outer :
       {head("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), head("Content-Length: 0\r\nContent-Length: 400\r\n"),
        head("Transfer-Encoding: xchunked\r\n"), head("Transfer-Encoding : chunked\r\n"), head("Content-Length: +0\r\n"),
        head("X: a\r\n Content-Length: 0\r\n"), head("Content-Type: text/xml;\r\n Content-Length: 0\r\n"),
        head("X: a\nContent-Length: 0\r\n"), head("Content-Length: 0\r\nContent-Length: 0\r\n"), head("Transfer-Encoding: chunked,\r\n"),
        head("Transfer-Encoding: chunked\r\n") + "0x0\r\n\r\n", head("Transfer-Encoding: chunked\r\n") + "FFFFFFFFFFFFFFFF\r\n",
        head("Transfer-Encoding: chunked\r\n") + "3\r\nabcd\r\n0\r\n\r\n"}) {
    FakePeer peer;
    connect(peer);
    peer.say(outer + inner + inner);
    turns();
    const std::string heard = peer.take();
    EXPECT_EQ(status(heard), 400) << outer;
    EXPECT_TRUE(has(heard, "Connection: close"));
    EXPECT_EQ(heard.find("HTTP/1.1", 1), std::string::npos) << "one answer only: " << heard;
    EXPECT_TRUE(peer.ended);
    if (peer.stream != nullptr) peer.stream->finish();
    turns(4);
    EXPECT_EQ(peer.closed, CloseReason::finished);
  }
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpServerTest, WhatIsNotMm7GetsAFault) {
  const std::string garbage = ask(post("<not xml"));
  EXPECT_EQ(status(garbage), 500);
  EXPECT_TRUE(has(garbage, "Fault")) << garbage;
  EXPECT_TRUE(has(garbage, "4004")) << garbage;
  // Messages that a VASP does not serve.
  for (const std::string_view message : {"<CancelReq xmlns=\"http://ns\"><MM7Version>6.8.0</MM7Version></CancelReq>",
                                         "<QueryStatusReq xmlns=\"http://ns\"><MM7Version>6.8.0</MM7Version></QueryStatusReq>"}) {
    const std::string unsupported = ask(post(envelope("t-9", message)));
    EXPECT_EQ(status(unsupported), 500);
    EXPECT_TRUE(has(unsupported, "4003")) << unsupported;
    EXPECT_TRUE(has(unsupported, "t-9"));
  }
  // What is refused is answered in the words of its request all the same.
  const std::string malformed =
      ask(post(envelope("t-10", "<ReadReplyReq xmlns=\"http://ns\"><MM7Version>6.8.0</MM7Version></ReadReplyReq>")));
  EXPECT_EQ(status(malformed), 500);
  EXPECT_TRUE(has(malformed, "4004")) << malformed;
  EXPECT_TRUE(has(malformed, "t-10")) << malformed;
  EXPECT_EQ(status(ask(post(""))), 500);
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpServerTest, AReadReplyIsAnsweredAsOne) {
  const std::string_view reply =
      "<ReadReplyReq xmlns=\"http://ns\"><MM7Version>6.8.0</MM7Version><MessageID>m</MessageID>"
      "<Recipient><Number>+15550100002</Number></Recipient><MMStatus>Read</MMStatus></ReadReplyReq>";
  FakePeer peer;
  connect(peer);
  peer.say(post(envelope("t-9", reply)));
  turns();
  ASSERT_EQ(sink_.inbounds.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<mm7::ReadReplyReq>(sink_.inbounds[0].request));
  server_->answer(sink_.tickets[0], {.code = 1000, .text = "Success", .details = {}});
  turns();
  const std::string heard = peer.take();
  EXPECT_TRUE(has(heard, "ReadReplyRsp")) << heard;
  EXPECT_TRUE(has(heard, "t-9")) << heard;
}

TEST_F(HttpServerTest, AFaultHasTheStatusThatItsPeerWants) {
  Mm7ServerSettings wanted = settings();
  wanted.peers.front().fault_http_status = 200;
  start(std::move(wanted));
  const std::string garbage = ask(post("<not xml"));
  EXPECT_TRUE(garbage.starts_with("HTTP/1.1 200 OK\r\n")) << garbage;
  EXPECT_TRUE(has(garbage, "Fault")) << garbage;
  EXPECT_EQ(status(ask(post(envelope("t-9", "<CancelReq xmlns=\"http://ns\"><MM7Version>6.8.0</MM7Version></CancelReq>")))), 200);
}

TEST_F(HttpServerTest, ThousandPipelinedRequestsAnsweredInOrder) {
  sink_.at_once = server_.get();
  FakePeer peer;
  connect(peer);
  std::string all;
  for (int i = 0; i < 1000; ++i) all += post(report(fmt::format("tx-{:04}", i)));
  peer.say(all);
  turns(1500);
  EXPECT_EQ(sink_.inbounds.size(), 1000u);
  const std::string heard = peer.take();
  std::size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at = heard.find(fmt::format("tx-{:04}", i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(HttpServerTest, UnansweredPipelineIsBoundedAndGoesOnWhenAnswered) {
  FakePeer peer;
  connect(peer);
  std::string all;
  for (int i = 0; i < 40; ++i) all += post(report(fmt::format("tx-{:02}", i)));
  peer.say(all);
  turns();
  EXPECT_EQ(sink_.tickets.size(), 16u);
  // Answered in reverse: they leave in order of the requests.
  for (int i = 15; i >= 1; --i)
    server_->answer(sink_.tickets[static_cast<std::size_t>(i)], {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  EXPECT_EQ(peer.take(), "");
  server_->answer(sink_.tickets[0], {.code = 1000, .text = "Success", .details = {}});
  EXPECT_TRUE(server_->http().has_work());
  turns();
  const std::string heard = peer.take();
  EXPECT_LT(heard.find("tx-00"), heard.find("tx-15"));
  EXPECT_EQ(sink_.tickets.size(), 32u);
}

TEST_F(HttpServerTest, ContinueIsSaidWhenAllAnswersBeforeItAreOut) {
  FakePeer peer;
  connect(peer);
  const std::string body = report("second");
  peer.say(post(report("first")) +
           fmt::format(
               "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\nContent-Type: text/xml\r\nExpect: 100-Continue\r\n"
               "Content-Length: {}\r\n\r\n",
               body.size()));
  turns();
  EXPECT_EQ(peer.take(), "");
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  const std::string heard = peer.take();
  EXPECT_EQ(status(heard), 200);
  EXPECT_TRUE(heard.ends_with("HTTP/1.1 100 Continue\r\n\r\n")) << heard;
  peer.say(body);
  turns();
  ASSERT_EQ(sink_.tickets.size(), 2u);
}

TEST_F(HttpServerTest, ExpectIsRefusedWithTheFinalStatus) {
  FakePeer peer;
  connect(peer);
  peer.say("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  turns();
  const std::string heard = peer.take();
  EXPECT_EQ(status(heard), 401);
  EXPECT_TRUE(peer.ended) << "whether the body comes is not known: closed";
}

TEST_F(HttpServerTest, BodyLimits) {
  Mm7ServerSettings small = settings();
  small.body_size_max = 1000;
  start(std::move(small));
  EXPECT_EQ(status(ask(post(std::string(1001, 'x')))), 413);
  EXPECT_EQ(status(ask("POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                       std::string(1001, 'x') + "\r\n0\r\n\r\n")),
            413);
  EXPECT_EQ(status(ask(post(std::string(1000, 'x')))), 500);
  Mm7ServerSettings poor = settings();
  poor.body_memory_max = 100;
  start(std::move(poor));
  const std::string heard = ask(post(std::string(101, 'x')));
  EXPECT_EQ(status(heard), 503);
  EXPECT_TRUE(has(heard, "Retry-After: 10"));
}

TEST_F(HttpServerTest, RefusedTemporarilyByTheRelay) {
  FakePeer peer;
  connect(peer);
  peer.say(post(deliver("t")));
  turns();
  server_->http().refuse_temporarily(sink_.tickets.at(0));
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  const std::string heard = peer.take();
  EXPECT_EQ(status(heard), 503);
  EXPECT_TRUE(has(heard, "Retry-After:"));
  EXPECT_EQ(heard.find("HTTP/1.1", 1), std::string::npos);
  EXPECT_EQ(server_->http().counts().late_answers, 1u);
}

TEST_F(HttpServerTest, AnswerAfterTheConnectionHasGoneIsHarmless) {
  FakePeer peer;
  connect(peer);
  peer.say(post(deliver("t")));
  turns();
  peer.stream->abort();
  turns();
  EXPECT_EQ(server_->http().connection_count(), 0u);
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  server_->http().refuse_temporarily(sink_.tickets.at(0));
  // The slot is used again: the old ticket must not answer for the new one.
  FakePeer next;
  connect(next);
  next.say(post(deliver("u")));
  turns();
  EXPECT_EQ(sink_.tickets.at(1).slot, sink_.tickets.at(0).slot);
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  EXPECT_EQ(next.take(), "");
}

TEST_F(HttpServerTest, HalfClosedClientStillGetsItsAnswer) {
  FakePeer peer;
  connect(peer);
  peer.say(post(deliver("t")));
  peer.stream->finish();
  turns();
  EXPECT_FALSE(peer.ended);
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  turns();
  const std::string heard = peer.take();
  EXPECT_EQ(status(heard), 200);
  EXPECT_TRUE(has(heard, "Connection: close"));
  EXPECT_EQ(peer.closed, CloseReason::finished);
}

TEST_F(HttpServerTest, CutRequestIsNoRequest) {
  FakePeer peer;
  connect(peer);
  const std::string whole = post(deliver("t"));
  peer.say(whole.substr(0, whole.size() - 1));
  peer.stream->finish();
  turns();
  EXPECT_TRUE(sink_.inbounds.empty());
  EXPECT_EQ(status(peer.take()), 400);
  EXPECT_EQ(peer.closed, CloseReason::finished);
  EXPECT_EQ(server_->http().connection_count(), 0u);
}

TEST_F(HttpServerTest, EveryCutOfARequestIsReadTheSame) {
  for (const std::size_t chunk : {1u, 2u, 3u, 7u, 100u}) {
    network_->chunk_size = chunk;
    FakePeer peer;
    connect(peer);
    peer.say(post(deliver("a")));
    peer.say("\r\n");
    peer.say(
        "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\nContent-Type: text/xml\r\nTransfer-Encoding: "
        "chunked\r\n\r\n" +
        fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", report("b").size(), report("b")));
    const std::size_t before = sink_.inbounds.size();
    turns(3000);
    ASSERT_EQ(sink_.inbounds.size(), before + 2) << chunk;
    EXPECT_EQ(text_of(*sink_.inbounds.back().body), report("b"));
  }
}

TEST_F(HttpServerTest, OldVersionsAndOddRequests) {
  EXPECT_EQ(status(ask("GET /\r\n\r\n")), 400);
  EXPECT_EQ(status(ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), 505);
  EXPECT_EQ(status(ask("CONNECT h:25 HTTP/1.1\r\nHost: h\r\n\r\n")), 405);
  EXPECT_EQ(status(ask("POST / HTTP/1.1\r\n\r\n")), 400);
  EXPECT_EQ(status(ask("POST / HTTP/1.1\r\nHost: h\r\nX: " + std::string(33'000, 'x'))), 431);
  FakePeer peer;
  connect(peer);
  const std::string body = report("t");
  peer.say(fmt::format("POST http://us/mm7 HTTP/1.0\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\nContent-Length: {}\r\n\r\n{}", body.size(),
                       body));
  turns();
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  EXPECT_TRUE(has(peer.take(), "Connection: close"));
}

TEST_F(HttpServerTest, Deadlines) {
  FakePeer idle;
  FakePeer slow_head;
  FakePeer slow_body;
  connect(idle);
  connect(slow_head);
  connect(slow_body);
  slow_head.say("POST / HT");
  slow_body.say(post(std::string(500, 'x')).substr(0, 300));
  turns(3);
  for (int i = 0; i < 7; ++i) {
    pass(seconds(10));
    slow_head.say("x");
    slow_body.say("x");
  }
  turns();
  EXPECT_EQ(status(slow_head.take()), 408);
  EXPECT_TRUE(slow_head.ended);
  EXPECT_EQ(slow_body.take(), "");
  for (int i = 0; i < 54; ++i) {
    pass(seconds(10));
    slow_body.say("x");
  }
  turns();
  EXPECT_EQ(status(slow_body.take()), 408);
  EXPECT_TRUE(idle.ended);
  EXPECT_EQ(idle.take(), "");
  pass(seconds(6));
  turns(3);
  EXPECT_EQ(server_->http().connection_count(), 0u) << "who does not close after our FIN is reset";
}

TEST_F(HttpServerTest, WaitingForTheRelayIsNotIdle) {
  FakePeer peer;
  connect(peer);
  peer.say(post(deliver("t")));
  turns();
  pass(seconds(500));
  EXPECT_FALSE(peer.ended);
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  turns(3);
  EXPECT_EQ(status(peer.take()), 200);
}

TEST_F(HttpServerTest, PeerThatNeverReadsIsReset) {
  FakePeer peer;
  connect(peer);
  peer.stream->pause_reading();
  peer.say(post(deliver("t")));
  turns();
  server_->answer(sink_.tickets.at(0), {.code = 1000, .text = "Success", .details = {}});
  turns();
  pass(seconds(301));
  EXPECT_EQ(peer.closed, CloseReason::reset_by_peer);
  EXPECT_EQ(server_->http().connection_count(), 0u);
}

TEST_F(HttpServerTest, TooManyConnectionsAreTold) {
  Mm7ServerSettings few = settings();
  few.peers[0].allow.clear();
  few.connections = {.all = 10, .per_source = 2};
  start(std::move(few));
  std::array<FakePeer, 3> peers;
  for (FakePeer& peer : peers) connect(peer);
  turns();
  EXPECT_EQ(status(peers[2].take()), 503);
  EXPECT_TRUE(peers[2].ended);
  peers[0].stream->abort();
  turns();
  FakePeer next;
  connect(next);
  turns();
  EXPECT_FALSE(next.ended);
  EXPECT_EQ(server_->http().counts().turned_away, 1u);
}

// Slow strangers hold every connection there is; the peer still gets one, and so does whoever says something.
TEST_F(HttpServerTest, ConnectionsThatSayNothingMakeRoom) {
  Mm7ServerSettings few = settings();
  few.peers.push_back({.name = "anywhere", .allow = {}, .credentials = {.user = "a", .password = "b"}, .service_code = {}});
  few.connections = {.all = 6, .per_source = 100, .reserved = 2};
  start(std::move(few));
  network_->client_address = *parse_endpoint("203.0.113.5:1000");
  std::array<FakePeer, 10> slow;
  for (FakePeer& peer : slow) {
    connect(peer);
    peer.say("P");
    turns(3);
  }
  EXPECT_EQ(server_->http().evicted(), 6U);
  EXPECT_EQ(slow[5].closed, CloseReason::reset_by_peer);
  EXPECT_FALSE(slow[9].closed);
  network_->client_address = *parse_endpoint("192.0.2.9:1000");
  std::array<FakePeer, 3> peers;
  for (FakePeer& peer : peers) {
    connect(peer);
    peer.say(post(deliver("t")));
    turns();
  }
  EXPECT_EQ(sink_.inbounds.size(), 3U);
  EXPECT_EQ(server_->http().evicted(), 7U) << "two places were reserved";
}

TEST_F(HttpServerTest, TheAllowListIsAskedAtAccept) {
  network_->client_address = *parse_endpoint("203.0.113.5:1000");
  FakePeer stranger;
  connect(stranger);
  turns(3);
  EXPECT_EQ(status(stranger.take()), 403) << "before it says anything";
  EXPECT_TRUE(stranger.ended);
  // A data plane that knows no peer yet does not know that they are strangers.
  server_->set_peers({});
  FakePeer early;
  connect(early);
  turns(3);
  EXPECT_EQ(status(early.take()), 503);
}

TEST_F(HttpServerTest, GuessingAPasswordEnds) {
  Mm7ServerSettings settings = HttpServerTest::settings();
  settings.peers[0].allow.clear();
  settings.wrong_passwords = {.burst = {.count = 3, .window = seconds(60)}, .lasting = {.count = 10, .window = seconds(3600)}};
  start(std::move(settings));
  const std::string wrong = "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic bW1zYzp3cm9uZzE=\r\nContent-Length: 0\r\n\r\n";
  network_->client_address = *parse_endpoint("203.0.113.5:1000");
  FakePeer guesser;
  connect(guesser);
  for (int i = 0; i < 100; ++i) guesser.say(wrong);
  turns(200);
  const std::string heard = guesser.take();
  EXPECT_EQ(server_->service().wrong_passwords(), 3U) << "the others were not compared";
  EXPECT_TRUE(has(heard, "Connection: close"));
  EXPECT_TRUE(guesser.ended);
  EXPECT_EQ(status(ask(wrong)), 429) << "turned away at accept";
  EXPECT_EQ(status(ask(post(deliver("t")))), 429) << "also with the right one: nobody compares it";
  // From where the peer is, its password still counts, and then nobody's guesses keep it out.
  network_->client_address = *parse_endpoint("192.0.2.9:1000");
  FakePeer peer;
  connect(peer);
  peer.say(post(deliver("t")));
  turns();
  EXPECT_EQ(sink_.inbounds.size(), 1U);
  pass(seconds(21));
  network_->client_address = *parse_endpoint("203.0.113.5:1000");
  EXPECT_EQ(status(ask(wrong)), 401) << "one guess is back";
}

// ---- the drain --------------------------------------------------------------------------------------------------------------------

TEST_F(HttpServerTest, DrainEndsIdleConnectionsAndTurnsNewOnesAway) {
  FakePeer idle;
  connect(idle);
  FakePeer late;
  late.stream = *network_->connect(here_, late);
  server_->http().drain();
  turns();
  EXPECT_EQ(idle.take(), "");
  EXPECT_TRUE(idle.ended);
  EXPECT_FALSE(idle.closed.has_value()) << "our FIN, no reset";
  const std::string heard = late.take();
  EXPECT_EQ(status(heard), 503);
  EXPECT_TRUE(has(heard, "Connection: close"));
  EXPECT_TRUE(has(heard, "Retry-After"));
  for (FakePeer* peer : {&idle, &late}) peer->stream->finish();
  turns();
  EXPECT_EQ(idle.closed, CloseReason::finished);
  EXPECT_EQ(late.closed, CloseReason::finished);
  EXPECT_EQ(server_->http().connection_count(), 0u);
}

// What is asked, what is half here, and what is only a piece of a head: each has its answer, and the answer says that it is the last.
TEST_F(HttpServerTest, DrainAnswersWhatIsUnderWayAndCloses) {
  const std::string request = post(deliver("t-1"));
  for (const std::size_t sent : {request.size(), request.size() - 100, std::size_t{20}}) {
    SetUp();
    sink_.tickets.clear();
    FakePeer peer;
    connect(peer);
    peer.say(request.substr(0, sent));
    turns();
    server_->http().drain();
    turns();
    EXPECT_EQ(peer.take(), "") << sent;
    peer.say(request.substr(sent));
    turns();
    ASSERT_EQ(sink_.tickets.size(), 1u) << sent;
    server_->answer(sink_.tickets[0], {.code = 1000, .text = "Success", .details = {}});
    turns();
    const std::string heard = peer.take();
    EXPECT_EQ(status(heard), 200) << sent;
    EXPECT_TRUE(has(heard, "Connection: close")) << sent;
    EXPECT_TRUE(peer.ended) << sent;
    peer.say(post(deliver("t-2")));
    peer.stream->finish();
    turns();
    EXPECT_EQ(peer.closed, CloseReason::finished) << sent;
    EXPECT_EQ(sink_.tickets.size(), 1u) << "what came behind the last answer is nobody's";
  }
}

TEST_F(HttpServerTest, DrainAnswersAPipelineAndSaysCloseInItsLastAnswer) {
  FakePeer peer;
  connect(peer);
  peer.say(post(deliver("t-1")) + post(deliver("t-2")));
  turns();
  ASSERT_EQ(sink_.tickets.size(), 2u);
  server_->http().drain();
  for (const Ticket ticket : {sink_.tickets[1], sink_.tickets[0]})
    server_->answer(ticket, {.code = 1000, .text = "Success", .details = {}});
  turns();
  const std::string heard = peer.take();
  const std::size_t close = heard.find("Connection: close");
  EXPECT_GT(close, heard.find("t-1"));
  EXPECT_EQ(heard.find("Connection: close", close + 1), std::string::npos);
  EXPECT_TRUE(has(heard.substr(close), "t-2"));
  EXPECT_TRUE(peer.ended);
}

TEST_F(HttpServerTest, DrainReadsPastARefusedBodyBeforeItCloses) {
  FakePeer peer;
  connect(peer);
  peer.say("GET / HTTP/1.1\r\nHost: us\r\nContent-Length: 10\r\n\r\n12345");
  turns();
  EXPECT_EQ(status(peer.take()), 405);
  server_->http().drain();
  turns();
  EXPECT_FALSE(peer.ended);
  peer.say("67890");
  turns();
  EXPECT_TRUE(peer.ended);
  EXPECT_FALSE(peer.closed.has_value());
}

}  // namespace
}  // namespace pushmail

// The MM7 server over an in-memory stream, an MMSC that speaks by hand, and a sink that keeps what came.
#pragma once

#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/dataplane/session/fake_stream.h"
#include "tests/unit/dataplane/session/mm7_server.h"

namespace pushmail::test {

inline std::string envelope(std::string_view transaction, std::string_view message) {
  return fmt::format(
      R"(<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header>)"
      R"(<TransactionID xmlns="http://ns" env:mustUnderstand="1">{}</TransactionID></env:Header><env:Body>{}</env:Body></env:Envelope>)",
      transaction, message);
}
inline std::string report(std::string_view transaction) {
  return envelope(
      transaction,
      "<DeliveryReportReq xmlns=\"http://ns\"><MM7Version>6.8.0</MM7Version><MMSRelayServerID>m</MMSRelayServerID>"
      "<MessageID>m-1</MessageID><Recipient><Number>+15550100002</Number></Recipient><Sender><ShortCode>5000</ShortCode></Sender>"
      "<Date>2026-06-30T12:31:07Z</Date><MMStatus>Retrieved</MMStatus></DeliveryReportReq>");
}
inline std::string deliver(std::string_view transaction) {
  return envelope(transaction,
                  "<DeliverReq xmlns=\"http://ns\"><MM7Version>6.8.0</MM7Version><Sender><Number>+15550100002</Number></Sender>"
                  "<Recipients><To><Number>5000</Number></To></Recipients><Subject>Hi</Subject></DeliverReq>");
}

struct RecordingMm7Sink final : Mm7Sink {
  void on_mm7(Ticket ticket, Mm7Inbound inbound) override {
    tickets.push_back(ticket);
    inbounds.push_back(std::move(inbound));
    if (at_once) at_once->answer(ticket, {.code = 1000, .text = "Success", .details = {}});
  }
  std::vector<Ticket> tickets;
  std::vector<Mm7Inbound> inbounds;
  Mm7Server* at_once = nullptr;
};

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override { start(settings()); }
  static Mm7ServerSettings settings() {
    Mm7ServerSettings settings;
    settings.peers.push_back({.name = "mmsc1",
                              .allow = {*parse_network("192.0.2.0/24")},
                              .credentials = {.user = "mmsc", .password = "secret"},
                              .service_code = "PM01"});
    return settings;
  }
  void start(Mm7ServerSettings settings) {
    network_ = std::make_unique<FakeNetwork>();
    server_ = std::make_unique<Mm7Server>(settings, sink_, clock_);
    EXPECT_TRUE(network_->listen(here_, server_->http()).has_value());
  }
  void connect(FakePeer& peer) {
    peer.stream = *network_->connect(here_, peer);
    turns(2);
  }
  void turns(int count = 60) {
    for (int i = 0; i < count; ++i) {
      network_->poll(clock_.now());
      server_->http().tick(clock_.now());
    }
  }
  /// Many turns, each with time passing.
  void pass(Duration time) {
    clock_.advance(time);
    turns(5);
  }
  static std::string post(std::string_view body, std::string_view more = "") {
    return fmt::format(
        "POST /mm7 HTTP/1.1\r\nHost: us\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\nContent-Type: text/xml\r\n{}Content-Length: "
        "{}\r\n\r\n{}",
        more, body.size(), body);
  }
  std::string ask(std::string_view text) {
    FakePeer peer;
    connect(peer);
    peer.say(text);
    turns();
    const std::string heard = peer.take();
    if (peer.stream != nullptr) peer.stream->abort();
    turns(3);
    return heard;
  }
  /// The status of a whole status line, 0 for anything else.
  static int status(std::string_view answer) {
    int code = 0;
    if (answer.size() <= 12 || std::from_chars(answer.data() + 9, answer.data() + 12, code).ptr != answer.data() + 12) return 0;
    return code;
  }
  static bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

  ManualClock clock_;
  RecordingMm7Sink sink_;
  Endpoint here_ = *parse_endpoint("198.51.100.1:8080");
  std::unique_ptr<FakeNetwork> network_;
  std::unique_ptr<Mm7Server> server_;
};

}  // namespace pushmail::test

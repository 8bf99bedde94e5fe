// The MM7 client over an in-memory stream, for the tests of what it is told and of how connections end.
#pragma once

#include "dataplane/session/http_client.h"

#include <functional>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/session/errors.h"
#include "dataplane/session/lent.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace pushmail {

using test::FakeNetwork;
using test::FakePeer;
using test::FakePeers;
using test::ManualClock;

struct Results final : HttpClientEvents {
  void on_http_result(std::uint64_t request, HttpResult result) override {
    EXPECT_FALSE(all.contains(request)) << "told twice";
    all.emplace(request, std::move(result));
    if (when_told) when_told();
  }
  std::function<void()> when_told;
  [[nodiscard]] const HttpAnswer& answer(std::uint64_t id) const { return std::get<HttpAnswer>(all.at(id)); }
  [[nodiscard]] const HttpFailure& failure(std::uint64_t id) const { return std::get<HttpFailure>(all.at(id)); }
  std::map<std::uint64_t, HttpResult> all;
};

class HttpClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(network_.listen(there_, mmsc_).has_value());
    start({});
  }
  void restart() {
    client_->close_all();
    turns();
    start({});
    results_.all.clear();
    mmsc_.all.clear();
  }
  void start(FaultPoints faults) {
    client_ = std::make_unique<HttpClient>(network_,
                                           HttpClientSettings{.endpoint = there_,
                                                              .host = "mmsc.example:8090",
                                                              .path = "/mm7",
                                                              .credentials = {.user = "pushmail", .password = "secret"},
                                                              .soap_action = soap_action_,
                                                              .scheme = scheme_,
                                                              .coding = coding_,
                                                              .connections_max = connections_max_,
                                                              .requests_per_connection = requests_per_connection_,
                                                              .deduplicates = deduplicates_,
                                                              .answer_size_max = 1000},
                                           results_, clock_, faults);
  }
  void TearDown() override {
    client_->close_all();
    turns();
    EXPECT_EQ(client_->connection_count(), 0u);
    EXPECT_EQ(released_, lent_) << "each body comes back once";
  }
  LentBytes lend(std::string_view text) {
    ++lent_;
    kept_.push_back(std::make_unique<std::string>(text));
    return {.bytes = bytes_of(*kept_.back()), .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released_};
  }
  std::uint64_t post(std::string_view body = "<body/>") {
    const auto id = client_->post({.content_type = "text/xml", .body = lend(body)});
    EXPECT_TRUE(id.has_value());
    return *id;
  }
  void turns(int count = 30) {
    for (int i = 0; i < count; ++i) {
      client_->tick(clock_.now());
      network_.poll(clock_.now());
    }
  }
  void pass(Duration time) {
    clock_.advance(time);
    turns();
  }
  FakePeer& mmsc(std::size_t index = 0) { return *mmsc_.all.at(index); }
  void say_200(FakePeer& peer) {
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    turns();
  }
  /// A connection that has carried one exchange and is kept.
  void keep_one() {
    post();
    turns();
    say_200(mmsc_.last());
    (void)mmsc_.last().take();
    results_.all.clear();
  }

  ManualClock clock_;
  Endpoint there_ = *parse_endpoint("198.51.100.7:8090");
  FakeNetwork network_;
  FakePeers mmsc_;
  std::string soap_action_;
  HttpScheme scheme_ = HttpScheme::basic;
  http::RequestCoding coding_ = http::RequestCoding::none;
  bool deduplicates_ = false;
  std::uint32_t requests_per_connection_ = 0;
  std::uint32_t connections_max_ = 2;
  Results results_;
  int lent_ = 0;
  int released_ = 0;
  std::vector<std::unique_ptr<std::string>> kept_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace pushmail

// The SMTP client over an in-memory stream, a host that speaks by hand, and what the relay is told.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/session/smtp_client.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace pushmail::test {

struct MailResults final : SmtpClientEvents {
  void on_smtp_result(std::uint64_t mail, SmtpResult result) override {
    EXPECT_FALSE(all.contains(mail)) << "told twice";
    all.emplace(mail, std::move(result));
  }
  std::map<std::uint64_t, SmtpResult> all;
};

inline constexpr std::string_view full_ehlo = "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";

class SmtpClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(network_.listen(host_, hosts_).has_value());
    hosts_.greeting = "220 mx.example\r\n";
    start({});
  }
  void start(FaultPoints faults, StreamCover* starttls = nullptr) {
    client_ = std::make_unique<SmtpClient>(network_,
                                           SmtpClientSettings{.domain = "mms.example", .connections_per_host_max = 2, .starttls = starttls},
                                           results_, clock_, faults);
  }
  void TearDown() override {
    client_->close_all();
    turns();
    EXPECT_EQ(client_->connection_count(), 0u);
    EXPECT_EQ(released_, lent_) << "each mail comes back once";
  }
  LentBytes lend(std::string_view text) {
    ++lent_;
    kept_.push_back(std::make_unique<std::string>(text));
    return {.bytes = bytes_of(*kept_.back()), .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released_};
  }
  std::uint64_t send(std::string_view mail = "Subject: x\r\n\r\nhello\r\n", std::vector<std::string> recipients = {"joe@example.com"},
                     std::string from = "1555@mms.example") {
    const auto id = client_->send({.host = host_, .mail_from = std::move(from), .recipients = std::move(recipients), .mail = lend(mail)});
    EXPECT_TRUE(id.has_value());
    return id.value_or(0);
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
  FakePeer& host() { return hosts_.last(); }
  /// Says it and gives what the client says then.
  std::string answer(std::string_view text) {
    (void)host().take();
    host().say(text);
    turns();
    return host().take();
  }
  const SmtpResult& result(std::uint64_t id) { return results_.all.at(id); }

  ManualClock clock_;
  Endpoint host_ = *parse_endpoint("198.51.100.25:25");
  FakeNetwork network_;
  FakePeers hosts_;
  MailResults results_;
  int lent_ = 0;
  int released_ = 0;
  std::vector<std::unique_ptr<std::string>> kept_;
  std::unique_ptr<SmtpClient> client_;
};

}  // namespace pushmail::test

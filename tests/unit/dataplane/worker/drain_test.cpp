// The end of the data plane as a process, with traffic under way in both directions over kernel sockets: nothing is reset, lost, or sent
// twice.
#include <gmock/gmock.h>

#include "tests/unit/dataplane/worker/program.h"

namespace pushmail {
namespace {

using handoff::Kind;
using handoff::Tag;
using ::testing::HasSubstr;

constexpr std::string_view mail_out = "From: Joe <joe@example.com>\r\nSubject: Lunch\r\n\r\nat noon?\r\n";

class Drain : public testing::Test {
 protected:
  void start() {
    program_.start();
    ASSERT_TRUE(program_.wait_for("\"event\":\"started\""));
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(mmsc_.port()) + "/mm7"; }
  /// A mail of the mailbox whose SubmitReq is at the MMSC, and has no answer.
  [[nodiscard]] Socket submit(ControlPlane& control) {
    control.offer(item_, mail_out);
    Socket connection = mmsc_.accept();
    EXPECT_THAT(connection.read_http().second, HasSubstr(transaction_id_of(item_)));
    return connection;
  }
  static void say(Socket& client, std::string_view command, std::string_view answer) {
    client.write(command);
    EXPECT_THAT(client.read_until("\r\n"), ::testing::StartsWith(std::string(answer)));
  }

  Program program_;
  Socket mmsc_ = Socket::listen_any();
  ItemId item_ = new_item_id(Timestamp{1'700'000'000'000'000}, 1);
};

TEST_F(Drain, finishes_what_is_under_way_and_resets_nothing) {
  program_.configure();
  start();
  {
    ControlPlane control(program_);
    control.give_peers(url());
    ASSERT_TRUE(program_.wait_for("\"event\":\"peers\""));

    Socket idle_http = Socket::connect(program_.http_port);
    idle_http.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(idle_http.read_http().first, HasSubstr("405"));
    Socket idle_smtp = Socket::connect(program_.smtp_port);
    say(idle_smtp, "", "220");
    const std::string request = deliver_req("t1", "hello from the phone");
    Socket half = Socket::connect(program_.http_port);
    half.write(request.substr(0, request.size() / 2));
    Socket mail = Socket::connect(program_.smtp_port);
    say(mail, "", "220");
    say(mail, "HELO mx.example.com\r\n", "250");
    say(mail, "MAIL FROM:<joe@example.com>\r\n", "250");
    mail.write("RCPT TO:<15550100002@mms.example.net>\r\n");
    control.answer_admission(control.wait_for(Kind::admission_query), {"accepted"});
    say(mail, "", "250");
    say(mail, "DATA\r\n", "354");
    mail.write("Subject: Hello\r\n\r\nthe first half");
    Socket out = submit(control);

    program_.signal(SIGTERM);
    ASSERT_TRUE(program_.wait_for("\"event\":\"drain\""));
    EXPECT_TRUE(idle_http.ends());
    EXPECT_THAT(idle_smtp.read_until("\r\n"), HasSubstr("421 4.3.2"));
    EXPECT_TRUE(idle_smtp.ends());
    EXPECT_TRUE(Socket::is_refused(program_.http_port));
    EXPECT_TRUE(Socket::is_refused(program_.smtp_port));

    half.write(request.substr(request.size() / 2));
    control.answer_admission(control.wait_for(Kind::admission_query, 2), {"accepted", "accepted"});
    const auto [head, body] = half.read_http();
    EXPECT_THAT(head, HasSubstr("Connection: close"));
    EXPECT_THAT(body, HasSubstr("<StatusCode>1000</StatusCode>"));
    EXPECT_TRUE(half.ends());
    say(mail, " and the second\r\n.\r\n", "250");
    say(mail, "", "421 4.3.2");
    EXPECT_TRUE(mail.ends());
    out.write(submit_rsp(item_, "m-1"));
    EXPECT_EQ(control.wait_for(Kind::outcome).text(Tag::state), "submitted");
    EXPECT_TRUE(out.ends());
    for (Socket* socket : {&idle_http, &idle_smtp, &half, &mail, &out}) *socket = Socket();
    EXPECT_TRUE(program_.wait_for("\"event\":\"stopped\""));
    EXPECT_THAT(program_.log_text(), ::testing::Not(HasSubstr("drain_cut")));
    EXPECT_EQ(program_.end(0), 0);
  }
  // What was accepted while it ended is the next process's; what was submitted is not submitted again.
  program_.forget_log();
  start();
  ControlPlane control(program_, 6);
  control.wait_for(Kind::route_query, 2);
  control.offer(item_, mail_out);
  EXPECT_EQ(control.wait_for(Kind::outcome).text(Tag::message_id), "m-1");
  EXPECT_FALSE(mmsc_.readable(100));
  EXPECT_EQ(program_.end(SIGTERM), 0);
}

TEST_F(Drain, a_second_signal_ends_it_at_once_and_what_was_out_is_in_doubt) {
  program_.configure();
  start();
  {
    ControlPlane control(program_);
    control.give_peers(url());
    ASSERT_TRUE(program_.wait_for("\"event\":\"peers\""));
    const Socket out = submit(control);
    const SystemClock clock;
    const Instant began = clock.now();
    EXPECT_EQ(program_.end_at_once(), 0);
    EXPECT_LT((clock.now() - began).ms(), 10'000) << "its answer was not waited for";
  }
  program_.forget_log();
  start();
  ControlPlane control(program_, 6);
  EXPECT_EQ(control.wait_for(Kind::attempt).item, item_);
  EXPECT_EQ(program_.end(SIGTERM), 0);
}

}  // namespace
}  // namespace pushmail

// The client's log-in at the smart host: what it says, when it says nothing, and what a refusal costs.
#include "dataplane/session/errors.h"
#include "tests/unit/dataplane/session/smtp_client_fixture.h"

namespace pushmail {
namespace {

constexpr std::string_view with_auth = "250-mx.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n";
constexpr std::string_view plain_command = "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n";  // joe, secret

class SmtpClientLoginTest : public test::SmtpClientTest {
 protected:
  void SetUp() override {
    SmtpClientTest::SetUp();
    login_ = {.host = host_, .user = "joe", .secret = [this] { return secret_; }, .is_allowed_in_clear = true};
    start_with_login();
  }
  void start_with_login(StreamCover* starttls = nullptr) {
    client_ = std::make_unique<SmtpClient>(
        network_, SmtpClientSettings{.domain = "mms.example", .connections_per_host_max = 1, .starttls = starttls, .login = login_},
        results_, clock_);
  }
  /// Up to the reply to AUTH.
  void say_hello() {
    turns();
    EXPECT_EQ(answer(with_auth), plain_command);
  }
  void expect_refused(std::uint64_t id, int code, std::string_view text) {
    ASSERT_TRUE(results_.all.contains(id));
    EXPECT_EQ(result(id).outcome, SmtpOutcome::refused_temporary);
    EXPECT_EQ(result(id).answer.code, code);
    EXPECT_EQ(result(id).answer.text, text);
  }
  void expect_not_sent(std::uint64_t id, const ErrorInfo& why) {
    ASSERT_TRUE(results_.all.contains(id));
    EXPECT_EQ(result(id).outcome, SmtpOutcome::not_sent);
    EXPECT_TRUE(result(id).error && result(id).error->is(why)) << result(id).answer.text;
  }

  std::optional<std::string> secret_ = "secret";
  SmtpLogin login_;
};

TEST_F(SmtpClientLoginTest, AMailGoesBehindTheLogIn) {
  const std::uint64_t id = send();
  say_hello();
  EXPECT_TRUE(answer("235 2.7.0 welcome\r\n").starts_with("MAIL FROM:"));
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  (void)answer("250 ok\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
  (void)send();
  turns();
  EXPECT_TRUE(host().take().starts_with("MAIL FROM:")) << "once a connection";
}

TEST_F(SmtpClientLoginTest, LoginAndATokenAreAskedFor) {
  login_.scheme = SmtpScheme::login;
  start_with_login();
  (void)send();
  turns();
  EXPECT_EQ(answer(with_auth), "AUTH LOGIN\r\n");
  EXPECT_EQ(answer("334 VXNlcm5hbWU6\r\n"), "am9l\r\n");
  EXPECT_EQ(answer("334 UGFzc3dvcmQ6\r\n"), "c2VjcmV0\r\n");
  EXPECT_TRUE(answer("235 ok\r\n").starts_with("MAIL FROM:"));
  client_->close_all();
  turns();
  login_.scheme = SmtpScheme::xoauth2;
  secret_ = "first";
  start_with_login();
  results_.all.clear();
  const std::uint64_t id = send();
  turns();
  EXPECT_EQ(answer(with_auth), "AUTH XOAUTH2 dXNlcj1qb2UBYXV0aD1CZWFyZXIgZmlyc3QBAQ==\r\n");
  EXPECT_EQ(answer("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n"), "\r\n") << "the refusal's reason is answered by an empty line";
  (void)answer("535 5.7.8 token expired\r\n");
  expect_refused(id, 535, "log-in refused: token expired");
  // The next log-in reads the token anew.
  secret_ = "second";
  pass(seconds(61));
  results_.all.clear();
  (void)send();
  turns();
  EXPECT_EQ(answer(with_auth), "AUTH XOAUTH2 dXNlcj1qb2UBYXV0aD1CZWFyZXIgc2Vjb25kAQE=\r\n");
}

TEST_F(SmtpClientLoginTest, NothingIsSaidInClear) {
  login_.is_allowed_in_clear = false;
  start_with_login();
  const std::uint64_t id = send();
  turns();
  EXPECT_EQ(answer(with_auth), "");
  expect_not_sent(id, smtp_login_in_clear);
  // Behind STARTTLS it is said.
  test::FakeCover cover;
  start_with_login(&cover);
  results_.all.clear();
  (void)send();
  turns();
  EXPECT_EQ(answer("250-mx.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"), "STARTTLS\r\n");
  (void)answer("220 go\r\n");
  ASSERT_EQ(cover.covered.size(), 1u);
  StreamEvents& heard = *cover.covered.back()->events;
  heard.on_open();
  EXPECT_EQ(cover.take(), "EHLO mms.example\r\n");
  heard.on_data(bytes_of(with_auth));
  EXPECT_EQ(cover.take(), plain_command);
  heard.on_close(CloseReason::aborted);
}

TEST_F(SmtpClientLoginTest, OnlyItsOwnHostHearsOfIt) {
  login_.host = *parse_endpoint("198.51.100.26:25");
  start_with_login();
  (void)send();
  turns();
  EXPECT_TRUE(answer(with_auth).starts_with("MAIL FROM:"));
}

TEST_F(SmtpClientLoginTest, ARefusalIsToldToAllThatWaitsAndNobodyKnocksForAWhile) {
  struct Row {
    std::string_view reply;
    int code;
    std::string_view text;
  };
  for (const Row& row : {Row{"535 5.7.8 bad credentials\r\n", 535, "log-in refused: bad credentials"},
                         Row{"534-5.7.9 go to\r\n534 5.7.9 https://example.com\r\n", 534, "log-in refused: go to https://example.com"},
                         Row{"454 4.7.0 try later\r\n", 454, "log-in refused: try later"},
                         Row{"504 5.5.4 no such mechanism\r\n", 504, "log-in refused: no such mechanism"}}) {
    SCOPED_TRACE(row.reply);
    start_with_login();
    results_.all.clear();
    const int connected = network_.connects;
    const std::uint64_t first = send();
    turns();
    EXPECT_EQ(answer(with_auth), plain_command);
    EXPECT_EQ(answer(row.reply), "QUIT\r\n");
    expect_refused(first, row.code, row.text);
    // A thousand mails that are tried again knock no more.
    for (int i = 0; i < 1'000; ++i) {
      const std::uint64_t next = send();
      if (i % 100 == 0) turns(3);
      if (i == 500) {
        turns(3);
        expect_refused(next, row.code, row.text);
      }
    }
    turns();
    EXPECT_EQ(results_.all.size(), 1'001u);
    EXPECT_EQ(network_.connects, connected + 1);
    client_->close_all();
    turns();
  }
}

TEST_F(SmtpClientLoginTest, TheWaitGrowsAndALogInEndsIt) {
  const auto is_tried_after = [&](Duration time) {
    const int connected = network_.connects;
    pass(time);
    (void)send();
    turns();
    return network_.connects > connected;
  };
  const auto refuse = [&] {
    (void)answer(with_auth);
    (void)answer("535 5.7.8 bad credentials\r\n");
    (void)answer("221 bye\r\n");
    if (host().stream != nullptr) host().stream->finish();
    turns();
  };
  (void)send();
  turns();
  refuse();
  EXPECT_FALSE(is_tried_after(seconds(59)));
  EXPECT_TRUE(is_tried_after(seconds(2)));
  refuse();
  EXPECT_FALSE(is_tried_after(seconds(119)));
  EXPECT_TRUE(is_tried_after(seconds(2)));
  EXPECT_EQ(answer(with_auth), plain_command);
  EXPECT_TRUE(answer("235 ok\r\n").starts_with("MAIL FROM:"));
  (void)answer("421 4.3.2 going down\r\n");
  EXPECT_TRUE(is_tried_after(seconds(1))) << "a 421 is no refusal of the log-in";
}

TEST_F(SmtpClientLoginTest, AHostThatCannotOrWillNot) {
  struct Row {
    const char* what;
    std::string_view ehlo;
    std::vector<std::string_view> replies;
    const ErrorInfo& why;
  };
  for (const Row& row :
       {Row{"no AUTH", test::full_ehlo, {}, smtp_no_login},
        Row{"a mechanism that we have not", "250-mx\r\n250 AUTH GSSAPI\r\n", {}, smtp_no_login},
        Row{"HELO", "502 no\r\n", {"250 mx\r\n"}, smtp_no_login}, Row{"asks without end", with_auth, {"334 \r\n"}, smtp_bad_login}}) {
    SCOPED_TRACE(row.what);
    start_with_login();
    results_.all.clear();
    const std::uint64_t id = send(), behind = send();
    turns();
    std::string said = answer(row.ehlo);
    for (const std::string_view reply : row.replies) said += answer(reply);
    EXPECT_EQ(said.find("MAIL"), std::string::npos);
    expect_not_sent(id, row.why);
    EXPECT_TRUE(results_.all.contains(behind));
    client_->close_all();
    turns();
  }
  secret_.reset();
  start_with_login();
  results_.all.clear();
  const std::uint64_t id = send();
  turns();
  EXPECT_EQ(answer(with_auth), "");
  expect_not_sent(id, smtp_no_secret);
}

TEST_F(SmtpClientLoginTest, AConnectionThatEndsInTheLogInHasSentNothing) {
  const std::uint64_t id = send();
  say_hello();
  host().stream->abort();
  turns();
  EXPECT_EQ(result(id).outcome, SmtpOutcome::not_sent);
  const std::uint64_t late = send();
  say_hello();
  pass(seconds(301));
  expect_not_sent(late, smtp_reply_late);
}

// A host that wants a log-in where none is configured says so to MAIL: that is no fault of the mail.
TEST_F(SmtpClientLoginTest, WhoIsAskedToLogInWithoutOneWaits) {
  start({});
  const std::uint64_t id = send();
  turns();
  (void)answer("250-mx.example\r\n250 AUTH PLAIN\r\n");
  (void)answer("530 5.7.0 authentication required\r\n");
  expect_refused(id, 530, "authentication required");
}

}  // namespace
}  // namespace pushmail

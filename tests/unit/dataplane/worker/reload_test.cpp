// The configuration and its files are read again while the data plane runs: whole or not at all, and nothing under way is lost.
#include <gmock/gmock.h>

#include <optional>

#include "core/config.h"
#include "core/contract/counters/counters.h"
#include "tests/unit/dataplane/worker/tls_program.h"

namespace pushmail {
namespace {

using handoff::Kind;
using handoff::Tag;
using ::testing::HasSubstr;

class ReloadProgram : public TlsProgram {
 protected:
  void start_with(const std::string& more = {}, std::string_view peer_url = "http://127.0.0.1:1/mm7") {
    configure(more, peer_url);
    start();
    control_.emplace(program_);
    control_->give_peers(peer_url);
    ASSERT_TRUE(program_.wait_for("\"event\":\"peers\""));
  }
  /// As pushmailctl does; the answer.
  const ControlPlane::Heard& ask() {
    RecordWriter record = handoff::make(Kind::reload, {});
    record.u64(handoff::tag(Tag::query), ++query_);
    control_->send(Kind::reload, {}, std::move(record));
    return control_->wait_for(Kind::reloaded, ++answers_);
  }
  /// As an operator does.
  const ControlPlane::Heard& hang_up() {
    program_.signal(SIGHUP);
    return control_->wait_for(Kind::reloaded, ++answers_);
  }
  static void copy(const test::CertificateFiles& from, const test::CertificateFiles& to) {
    std::filesystem::copy_file(from.certificate, to.certificate, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(from.key, to.key, std::filesystem::copy_options::overwrite_existing);
  }
  [[nodiscard]] std::uint64_t on_disk() const { return Config::load(program_.root())->generation(); }
  [[nodiscard]] std::uint64_t in_force() const { return read_counters(program_.root() / "run/pushmail/counters")->owner.configuration; }

  std::optional<ControlPlane> control_;
  std::uint64_t query_ = 0;
  std::size_t answers_ = 0;
};

/// Whether a client that trusts `trust` and a server agree.
bool agrees(std::uint16_t port, const tls::ClientSettings& trust) {
  Socket socket = Socket::connect(port);
  auto session = tls::Session::open(trust, "127.0.0.1");
  while (true) {
    const auto step = session->handshake();
    socket.write(text_of(session->take_wire()));
    if (!step) return false;
    if (*step == tls::Handshake::done) return true;
    const std::string wire = socket.read_some();
    if (wire.empty()) return false;
    session->receive(bytes_of(wire));
  }
}

TEST_F(ReloadProgram, new_handshakes_have_the_new_certificate_and_sessions_go_on) {
  start_with();
  TlsSocket before = connect(smtps_port_);
  EXPECT_THAT(before.read_until("\r\n"), HasSubstr("220 "));
  test::TestAuthority others("Another authority");
  const tls::ClientSettings other_trust = *tls::ClientSettings::load("", others.authority_file());
  EXPECT_FALSE(agrees(https_port_, other_trust));

  copy(others.make("IP:127.0.0.1"), files_);
  const auto& answer = ask();
  EXPECT_EQ(answer.view().u64(handoff::tag(Tag::query)), query_);
  EXPECT_EQ(answer.text(Tag::reason), "");
  EXPECT_TRUE(agrees(https_port_, other_trust));
  EXPECT_TRUE(agrees(smtps_port_, other_trust));
  EXPECT_FALSE(agrees(https_port_, trust_));
  before.write("EHLO x.example\r\n");
  EXPECT_THAT(before.read_until("250 ENHANCEDSTATUSCODES\r\n"), HasSubstr("250-SIZE"));
  EXPECT_EQ(program_.end(SIGTERM), 0);
}

TEST_F(ReloadProgram, a_file_that_is_wrong_changes_nothing_and_the_answer_and_the_log_say_why) {
  start_with("log.level = \"info\"\nsmtp.size_max = \"20MiB\"\n");
  const std::uint64_t first = on_disk();
  EXPECT_EQ(in_force(), first);
  // The certificate is broken, and with it the new size is not taken.
  std::ofstream(files_.key) << "no key";
  configure("log.level = \"info\"\nsmtp.size_max = \"10MiB\"\n");
  const auto& refused = hang_up();
  EXPECT_THAT(refused.text(Tag::reason), HasSubstr("tls.toml:1: tls.certificate: certificates or keys for TLS cannot be used"));
  EXPECT_EQ(refused.view().u64(handoff::tag(Tag::configuration)), first);
  EXPECT_TRUE(program_.wait_for("\"event\":\"reload_refused\""));
  EXPECT_TRUE(agrees(https_port_, trust_));
  const auto size_offered = [&] {
    Socket client = Socket::connect(program_.smtp_port);
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr("220 "));
    client.write("EHLO x.example\r\n");
    return client.read_until("250 ENHANCEDSTATUSCODES\r\n");
  };
  EXPECT_THAT(size_offered(), HasSubstr("250-SIZE 20971520"));
  EXPECT_EQ(in_force(), first);
  // A control plane that comes later is told too.
  control_->connect(program_);
  EXPECT_THAT(control_->wait_for(Kind::reloaded, ++answers_).text(Tag::reason), HasSubstr("tls.certificate"));

  files_ = authority_.make("IP:127.0.0.1");
  configure("log.level = \"info\"\nsmtp.size_max = \"10MiB\"\nsmtp.smart_host = \"127.0.0.1:2525\"\n");
  const auto& taken = ask();
  EXPECT_EQ(taken.text(Tag::reason), "");
  EXPECT_EQ(taken.text(Tag::restart_key), "smtp.smart_host");
  EXPECT_THAT(size_offered(), HasSubstr("250-SIZE 10485760"));
  EXPECT_EQ(in_force(), on_disk());
  EXPECT_NE(in_force(), first);
}

TEST_F(ReloadProgram, whom_a_peer_is_trusted_by_changes_without_a_restart) {
  const Socket listener = Socket::listen_any();
  const std::string url = fmt::format("https://127.0.0.1:{}/mm7", listener.port());
  test::TestAuthority others("Another authority");
  const test::CertificateFiles theirs = others.make("IP:127.0.0.1");
  const tls::ServerSettings mmsc_settings = *tls::ServerSettings::load({.certificate = theirs.certificate, .key = theirs.key});
  start_with(fmt::format("peer.mmsc1.tls_ca = \"{}\"\n", authority_.authority_file()), url);
  control_->offer(new_item_id(Timestamp{1'700'000'000'000'000}, 1), "From: joe@example.com\r\nSubject: hello\r\n\r\nhello\r\n");
  // Connections of tries until then may still wait to be accepted.
  const auto accept = [&]() -> std::optional<TlsSocket> {
    Socket socket = listener.accept();
    auto session = tls::Session::open(mmsc_settings);
    for (std::string wire = socket.read_some(); !wire.empty(); wire = socket.read_some()) {
      session->receive(bytes_of(wire));
      const auto step = session->handshake();
      socket.write(text_of(session->take_wire()));
      if (!step) return std::nullopt;
      if (*step == tls::Handshake::done) return TlsSocket(std::move(socket), std::move(session));
    }
    return std::nullopt;
  };
  EXPECT_FALSE(accept().has_value());
  EXPECT_THAT(control_->wait_for(Kind::peer_state).text(Tag::reason), HasSubstr("authority"));
  configure(fmt::format("peer.mmsc1.tls_ca = \"{}\"\n", others.authority_file()), url);
  EXPECT_EQ(ask().text(Tag::reason), "");
  std::optional<TlsSocket> mmsc;
  for (int tries = 0; tries < 20 && !mmsc; ++tries) mmsc = accept();
  ASSERT_TRUE(mmsc.has_value());
  EXPECT_THAT(mmsc->read_until("\r\n\r\n"), HasSubstr("POST /mm7 HTTP/1.1"));
}

TEST_F(ReloadProgram, certificates_in_use_are_named_with_their_ends) {
  start_with();
  const auto& first = control_->wait_for(Kind::certificates);
  EXPECT_EQ(first.text(Tag::name), "tls.certificate");
  EXPECT_EQ(first.text(Tag::detail), files_.certificate);
  const std::int64_t ends = *first.view().i64(handoff::tag(Tag::ends_at));
  EXPECT_EQ(ends, server_.own().ends.us);
  copy(authority_.make("IP:127.0.0.1", test::Validity::past), files_);
  ask();
  EXPECT_LT(*control_->wait_for(Kind::certificates, 2).view().i64(handoff::tag(Tag::ends_at)), ends);
}

/// A mail server that takes one mail after the other, over as many connections as it is given.
class Sink {
 public:
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  std::string take() {
    while (true) {
      if (!connection_) {
        connection_.emplace(listener_.accept());
        connection_->write("220 sink\r\n");
      }
      const std::string line = connection_->read_until("\r\n");
      if (line.empty() || line.starts_with("QUIT")) {
        connection_.reset();
      } else if (line.starts_with("DATA")) {
        connection_->write("354 go\r\n");
        const std::string mail = connection_->read_until("\r\n.\r\n");
        connection_->write("250 2.0.0 queued\r\n");
        return mail;
      } else {
        connection_->write(line.starts_with("EHLO") ? "250 sink\r\n" : "250 ok\r\n");
      }
    }
  }

 private:
  Socket listener_ = Socket::listen_any();
  std::optional<Socket> connection_;
};

// One in ten readings is broken, each time in another way. A session that was open before the first one carries a message through each of
// them, and every message that was accepted is delivered.
TEST_F(ReloadProgram, two_hundred_reloads_under_traffic_lose_nothing) {
  constexpr int reloads = 200;
  const std::string rules = (program_.root() / "rules").string();
  const auto settings = [&](int n) {
    return fmt::format("rules.file = \"{}\"\nhttp.connections_max = {}\nsmtp.unknown_recipients_per_minute = {}\n", rules, 9'000 + n,
                       10 + n);
  };
  const test::CertificateFiles first = authority_.make("IP:127.0.0.1"), second = authority_.make("IP:127.0.0.1");
  std::ofstream(rules) << "a reject text word casino\n";
  start_with(settings(0));
  control_->admits = true;
  Sink sink;
  TlsSocket mmsc = connect(https_port_);
  int refused = 0;
  for (int n = 1; n <= reloads; ++n) {
    const bool broken = n % 10 == 0;
    copy(n % 2 == 0 ? first : second, files_);
    std::ofstream(rules) << fmt::format("a reject text word casino{}\n", n);
    std::string more = settings(n);
    if (broken) {
      switch (n / 10 % 4) {
        case 0:
          more += "log.level = \"loud\"\n";
          break;
        case 1:
          std::ofstream(files_.certificate) << "no certificate";
          break;
        case 2:
          std::ofstream(rules) << "a destroy text word x\n";
          break;
        default:
          // Halves of two pairs.
          std::filesystem::copy_file(authority_.make("IP:127.0.0.1").key, files_.key, std::filesystem::copy_options::overwrite_existing);
      }
    }
    configure(more);
    // The reading and the message are under way together.
    if (n % 2 == 0) {
      program_.signal(SIGHUP);
    } else {
      RecordWriter record = handoff::make(Kind::reload, {});
      record.u64(handoff::tag(Tag::query), static_cast<std::uint64_t>(n));
      control_->send(Kind::reload, {}, std::move(record));
    }
    const std::string text = fmt::format("message {} of the traffic", n);
    mmsc.write(deliver_req(fmt::format("t{}", n), text));
    const auto& query = control_->wait_for(Kind::route_query, static_cast<std::size_t>(n));
    EXPECT_THAT(mmsc.read_until(":Envelope>"), HasSubstr("<StatusCode>1000</StatusCode>")) << n;
    control_->answer_route(query.item, sink.port());
    EXPECT_THAT(sink.take(), HasSubstr(text));
    EXPECT_EQ(control_->wait_for(Kind::outcome, static_cast<std::size_t>(n)).text(Tag::state), "delivered");
    const std::string reason = control_->wait_for(Kind::reloaded, static_cast<std::size_t>(n)).text(Tag::reason);
    EXPECT_EQ(!reason.empty(), broken) << n << ": " << reason;
    if (!reason.empty()) ++refused;
    // Also so that nobody's log stands still.
    ASSERT_TRUE(program_.wait_for(broken ? "\"event\":\"reload_refused\"" : "\"event\":\"reloaded\"")) << n;
    program_.forget_log();
    if (n % 20 == 1) {
      EXPECT_TRUE(agrees(https_port_, trust_)) << n;
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(refused, reloads / 10);
  // Accepted, attempt and outcome of each, and a settle record of each of these: the last follows an acknowledgement, which nobody is told
  // of.
  const auto journaled = [&] { return read_counters(program_.root() / "run/pushmail/counters")->value(Counter::journal_records); };
  for (int looks = 0; looks < 1000 && journaled() < 6U * reloads; ++looks) ::poll(nullptr, 0, 10);
  EXPECT_EQ(journaled(), 6U * reloads);
  EXPECT_EQ(program_.end(SIGTERM), 0);
  program_.forget_log();
  copy(first, files_);
  std::ofstream(rules) << "a reject text word casino\n";
  configure(settings(0));
  program_.start();
  ASSERT_TRUE(program_.wait_for("\"event\":\"started\"")) << program_.log_text();
  EXPECT_THAT(program_.log_text(), HasSubstr("\"unsettled\":0"));
}

}  // namespace
}  // namespace pushmail

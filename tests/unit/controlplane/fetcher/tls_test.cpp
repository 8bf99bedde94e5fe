// core/tls against OpenSSL's own server: who is trusted, by which name, and what happens to plaintext that came first.
#include "core/tls.h"

#include "core/errors.h"
#include "session_fixture.h"

namespace pushmail::test {
namespace {

using mailbox::Encryption;
using mailbox::MailboxSession;
using mailbox::Protocol;

class TlsTest : public SessionTest {
 protected:
  // A server with this certificate; what becomes of a connection with tls_name `name`: "" when it worked, else the reason.
  std::string outcome(const CertificateFiles& files, const std::string& name) {
    ScriptedServer server([&](Peer& peer) {
      if (!peer.start_tls(files.certificate, files.key)) return;
      peer.send("* OK ready\r\n");
      while (peer.expect(" ")) peer.answer("NO not today");
    });
    auto who = account(server, Protocol::imap, Encryption::implicit);
    who.tls_name = name;
    std::string reason;
    run(who, [&](Task& task, MailboxSession& session) {
      const auto opened = session.open(task);
      ASSERT_FALSE(opened);
      // The connection came about when the server's refusal got through.
      if (opened.error().error.is(mailbox::mailbox_tls)) reason = opened.error().text;
    });
    return reason;
  }
};

TEST_F(TlsTest, RightNameOfATrustedAuthority) { EXPECT_EQ(outcome(test_authority().make("DNS:mail.example.net"), "mail.example.net"), ""); }
TEST_F(TlsTest, WildcardStandsForOneLabel) {
  const auto files = test_authority().make("DNS:*.example.net");
  EXPECT_EQ(outcome(files, "mail.example.net"), "");
  EXPECT_EQ(outcome(files, "a.mail.example.net"), "hostname mismatch");
  EXPECT_EQ(outcome(files, "example.net"), "hostname mismatch");
}
TEST_F(TlsTest, AddressAsName) {
  const auto files = test_authority().make("IP:192.0.2.1");
  EXPECT_EQ(outcome(files, "192.0.2.1"), "");
  EXPECT_EQ(outcome(files, "192.0.2.2"), "IP address mismatch");
}
TEST_F(TlsTest, WrongName) { EXPECT_EQ(outcome(test_authority().make("DNS:mail.example.net"), "mail.example.org"), "hostname mismatch"); }
TEST_F(TlsTest, ExpiredIsRefused) {
  EXPECT_EQ(outcome(test_authority().make("DNS:mail.example.net", Validity::past), "mail.example.net"), "certificate has expired");
}
TEST_F(TlsTest, SelfSignedIsRefused) {
  EXPECT_EQ(outcome(test_authority().make("DNS:mail.example.net", Validity::now, Signer::itself), "mail.example.net"),
            "self-signed certificate");
}
TEST_F(TlsTest, AnotherAuthorityIsRefused) {
  TestAuthority other("Somebody else");
  EXPECT_EQ(outcome(other.make("DNS:mail.example.net"), "mail.example.net"), "unable to get local issuer certificate");
}
TEST_F(TlsTest, NoNameNoConnection) {
  EXPECT_NE(outcome(test_authority().make("DNS:mail.example.net"), ""), "");
  EXPECT_TRUE(tls::Session::open(trust_, "").error().is(core_tls_name));
}

TEST_F(TlsTest, MissingTrustStoreIsAnErrorUnlessThereIsAnother) {
  EXPECT_TRUE(tls::ClientSettings::load("/no/such/file", "").error().is(core_tls_setup));
  EXPECT_TRUE(tls::ClientSettings::load("/no/such/file", "/no/such/file").error().is(core_tls_setup));
  EXPECT_TRUE(tls::ClientSettings::load("/no/such/file", test_authority().authority_file()));
}

TEST_F(TlsTest, GarbageInsteadOfAHandshake) {
  ScriptedServer server([](Peer& peer) { peer.send("* OK no TLS here\r\n"); });
  run(account(server, Protocol::imap, Encryption::implicit),
      [&](Task& task, MailboxSession& session) { EXPECT_TRUE(session.open(task).error().error.is(mailbox::mailbox_tls)); });
  EXPECT_FALSE(server.heard_anything_like("LOGIN"));
}

// CVE-2020-15953: what a man in the middle adds after the STARTTLS answer must not count as the server's word after TLS. libetpan sees
// it where it lies in its own buffer, and the session is refused; what lies in ours is thrown away.
TEST_F(TlsTest, PlaintextInjectedAfterStartTlsIsRefused) {
  const auto files = test_authority().make("DNS:mail.example.net");
  for (const Protocol protocol : {Protocol::imap, Protocol::pop3}) {
    ScriptedServer server([&](Peer& peer) {
      const bool is_imap = protocol == Protocol::imap;
      peer.send(is_imap ? "* OK ready\r\n" : "+OK ready\r\n");
      if (!peer.expect(is_imap ? "STARTTLS" : "STLS")) return;
      peer.send(is_imap ? "1 OK go ahead\r\n* CAPABILITY IMAP4rev1\r\n2 OK injected\r\n3 OK injected\r\n* BYE inj"
                        : "+OK go ahead\r\n+OK injected\r\n+OK injected\r\n");
      if (!peer.start_tls(files.certificate, files.key)) return;
      while (!peer.line().empty()) peer.answer("OK");
    });
    run(account(server, protocol, Encryption::starttls), [&](Task& task, MailboxSession& session) {
      const auto opened = session.open(task);
      ASSERT_FALSE(opened);
      EXPECT_TRUE(opened.error().error.is(mailbox::mailbox_tls)) << opened.error().text;
      EXPECT_EQ(opened.error().text.find("inj"), std::string::npos) << opened.error().text;
    });
    EXPECT_FALSE(server.heard_anything_like("secret"));
  }
}

TEST_F(TlsTest, LeftoverPlaintextIsDiscarded) {
  const auto files = test_authority().make("DNS:mail.example.net");
  ScriptedServer server([&](Peer& peer) {
    peer.send("+OK go\r\n+OK injected\r\n+OK inj");
    if (peer.start_tls(files.certificate, files.key)) peer.send("+OK the real server\r\n");
    peer.line();
  });
  mailbox::Loop loop(clock_);
  loop.spawn([&](Task& task) {
    mailbox::MailStream stream(loop, mailbox::Fence::Grammar::pop3);
    ASSERT_TRUE(stream.connect(task, server.endpoint(), seconds(10)));
    std::array<std::uint8_t, 100> buffer;
    stream.begin(task, {.bytes = 1000, .time = seconds(10)});
    ASSERT_EQ(stream.read_some(MutableBytes(buffer).first(8)), 8u);
    ASSERT_TRUE(stream.start_tls(task, trust_, "mail.example.net", seconds(10)));
    stream.begin(task, {.bytes = 1000, .time = seconds(10)});
    const auto got = stream.read_some(buffer);
    ASSERT_TRUE(got);
    EXPECT_EQ(text_of(ByteView(buffer).first(*got)), "+OK the real server\r\n");
  });
  ASSERT_TRUE(loop.run_for(seconds(60)));
}

TEST_F(TlsTest, RefusedOrStrippedStartTlsNeverSendsThePassword) {
  for (const std::string answer : {"NO no", "BAD what", "BYE", ""}) {
    ScriptedServer server([&](Peer& peer) {
      peer.send("* OK [CAPABILITY IMAP4rev1] ready\r\n");
      if (!peer.expect("STARTTLS") || answer.empty()) return;
      peer.answer(answer);
      while (!peer.line().empty()) peer.answer("OK");
    });
    run(account(server, Protocol::imap, Encryption::starttls),
        [&](Task& task, MailboxSession& session) { EXPECT_FALSE(session.open(task)); });
    EXPECT_FALSE(server.heard_anything_like("secret")) << answer;
  }
}

TEST_F(TlsTest, PreauthBeforeStartTlsIsRefused) {
  ScriptedServer server([&](Peer& peer) {
    peer.send("* PREAUTH you are in\r\n");
    while (!peer.line().empty()) peer.answer("OK");
  });
  run(account(server, Protocol::imap, Encryption::starttls),
      [&](Task& task, MailboxSession& session) { EXPECT_FALSE(session.open(task)); });
  EXPECT_FALSE(server.heard_anything_like("secret"));
}

}  // namespace
}  // namespace pushmail::test

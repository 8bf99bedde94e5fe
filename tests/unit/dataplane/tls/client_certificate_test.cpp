// Certificates: whom a client's proves, what both sides' say of themselves, and who spends no budget of handshakes.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/tls/tls_fixture.h"

namespace pushmail {
namespace {

/// A server's side, with whatever its stream says of the client.
class Served final : public FakePeer {
 public:
  void on_open() override {
    FakePeer::on_open();
    if (stream->proof() != nullptr) proof = *stream->proof();
  }
  std::optional<PeerProof> proof;
};

class ClientCertificateTest : public TlsTest, public Acceptor {
 protected:
  void SetUp() override { ASSERT_TRUE(network_.listen(here_, port_).has_value()); }
  void on_accept(Stream& stream) override {
    served_.push_back(std::make_unique<Served>());
    served_.back()->stream = &stream;
    stream.set_events(*served_.back());
  }
  static tls::ServerSettings asking() { return *tls::ServerSettings::load(files(good_files()), tls::AskClients::yes); }
  static tls::ClientSettings showing(const test::CertificateFiles& own) {
    return *tls::ClientSettings::load("", authority().authority_file(), files(own));
  }
  /// What a client that shows this proves.
  PeerProof proof_of(const tls::ClientSettings& client) {
    TlsPeer peer(network_, client, std::string(good_name));
    FakePeer end;
    end.stream = *peer.connect(here_, end);
    turns();
    EXPECT_TRUE(end.open);
    const PeerProof proof = served_.back()->proof.value_or(PeerProof{.peers = {"nobody was asked"}});
    end.stream->abort();
    turns();
    return proof;
  }

  std::vector<std::unique_ptr<Served>> served_;
  TlsListener port_{network_, good_, this};
};

TEST_F(ClientCertificateTest, ProvesWhoseItIsAndSaysWhyItProvesNobody) {
  test::TestAuthority stranger("Another authority");
  const test::CertificateFiles right = authority().make("DNS:a.example");
  const std::string fingerprint = showing(right).own()->fingerprint;
  ASSERT_EQ(fingerprint.size(), 64U);
  std::string with_colons = fingerprint.substr(0, 2);
  for (std::size_t i = 2; i < fingerprint.size(); i += 2) with_colons += ":" + fingerprint.substr(i, 2);
  port_.use(asking(), {{"a", {.wanted = "A.example", .trust = trust_}},
                       {"pinned", {.wanted = "sha256:" + with_colons}},
                       {"foreign", {.wanted = "a.example", .trust = trusting(stranger.authority_file())}}});
  EXPECT_EQ(proof_of(showing(right)).peers, (std::vector<std::string>{"a", "pinned"}));
  EXPECT_EQ(proof_of(showing(right)).refusal, nullptr);
  struct Row {
    const char* what;
    tls::ClientSettings client;
    const ErrorInfo* why;
  };
  port_.use(asking(), {{"a", {.wanted = "a.example", .trust = trust_}}, {"b", {.wanted = "b.example", .trust = trust_}}});
  for (const Row& row : {Row{"none", trust_, &core_tls_no_certificate},
                         Row{"another name", showing(authority().make("DNS:c.example")), &core_tls_wrong_name},
                         Row{"expired", showing(authority().make("DNS:a.example", test::Validity::past)), &core_tls_expired},
                         Row{"of a stranger", showing(stranger.make("DNS:a.example")), &core_tls_unknown_authority},
                         Row{"signed by itself", showing(authority().make("DNS:b.example", test::Validity::now, test::Signer::itself)),
                             &core_tls_unknown_authority}}) {
    const PeerProof proof = proof_of(row.client);
    EXPECT_TRUE(proof.peers.empty()) << row.what;
    EXPECT_EQ(proof.refusal, row.why) << row.what << ": " << (proof.refusal != nullptr ? proof.refusal->text : "nothing");
  }
  const test::CertificateFiles past = authority().make("DNS:a.example", test::Validity::past);
  port_.use(asking(), {{"pinned", {.wanted = "sha256:" + showing(past).own()->fingerprint}}});
  EXPECT_EQ(proof_of(showing(past)).refusal, &core_tls_expired) << "also one that is named by its fingerprint ends";
}

TEST_F(ClientCertificateTest, NobodyIsAskedWhereNobodyNeedsOne) {
  EXPECT_EQ(proof_of(showing(authority().make("DNS:a.example"))).peers, std::vector<std::string>{"nobody was asked"});
}

TEST_F(ClientCertificateTest, BothSidesCertificatesSayWhenTheyEnd) {
  const std::int64_t now_us = SystemClock().wall().us;
  constexpr std::int64_t day_us = 86'400'000'000;
  EXPECT_NEAR(static_cast<double>(good_.own().ends.us - now_us), static_cast<double>(day_us), 120e6) << "they are made for a day";
  EXPECT_EQ(good_.own().names, std::vector<std::string>{"mmsc.example.net"});
  EXPECT_EQ(good_.own().subject, "CN=mail server of this test");
  EXPECT_FALSE(trust_.own().has_value());
  EXPECT_LT(server(authority().make("DNS:x.example", test::Validity::past)).own().ends.us, now_us);

  std::vector<std::pair<std::string, tls::Certificate>> shown;
  network_.on_certificate([&](std::string_view label, const tls::Certificate& certificate) { shown.emplace_back(label, certificate); });
  const test::CertificateFiles client = authority().make("DNS:a.example");
  port_.use(asking(), {{"a", {.wanted = "a.example", .trust = trust_}}});
  TlsPeer peer(network_, showing(client), std::string(good_name), "peer b");
  FakePeer end;
  end.stream = *peer.connect(here_, end);
  turns();
  ASSERT_EQ(shown.size(), 2U);
  for (const auto& [label, certificate] : shown) {
    EXPECT_TRUE(label == "peer b" || label == "client a") << label;
    EXPECT_EQ(certificate.fingerprint, label == "peer b" ? good_.own().fingerprint : showing(client).own()->fingerprint);
  }
  end.stream->abort();
  turns();
}

TEST_F(ClientCertificateTest, FingerprintsAreHexInPairs) {
  const std::string digits(64, 'a');
  EXPECT_EQ(tls::fingerprint_of(std::string(64, 'A')), digits);
  EXPECT_EQ(tls::fingerprint_of(digits.substr(1)), "");
  EXPECT_EQ(tls::fingerprint_of(":" + digits), "");
  EXPECT_EQ(tls::fingerprint_of(digits + ":"), "");
  EXPECT_EQ(tls::fingerprint_of("a:" + digits.substr(1)), "");
  EXPECT_EQ(tls::fingerprint_of(std::string(64, 'g')), "");
}

TEST_F(ClientCertificateTest, NewSettingsAreForHandshakesThatBeginFromThenOn) {
  TlsPeer peer(network_, trust_, std::string(good_name));
  FakePeer before;
  before.stream = *peer.connect(here_, before);
  turns();
  ASSERT_TRUE(before.open);
  test::TestAuthority others("Another authority");
  port_.use(server(others.make("DNS:mmsc.example.net")));
  FakePeer refused;
  refused.stream = *peer.connect(here_, refused);
  turns();
  EXPECT_FALSE(refused.open);
  peer.use(trusting(others.authority_file()));
  FakePeer after;
  after.stream = *peer.connect(here_, after);
  turns();
  EXPECT_TRUE(after.open);
  before.say("still here");
  turns();
  EXPECT_EQ(served_.front()->take(), "still here");
  before.stream->abort();
  after.stream->abort();
  turns();
  pass(seconds(6));
}

// A whole MMSC behind one address may begin as often as it likes.
TEST_F(ClientCertificateTest, WhomTheOperatorNamedSpendsNoBudget) {
  std::vector<std::unique_ptr<FakePeer>> plain;
  const auto begin = [&](int count) {
    for (int i = 0; i < count; ++i) {
      plain.push_back(std::make_unique<FakePeer>());
      plain.back()->stream = *below_.connect(here_, *plain.back());
    }
    turns(5);
  };
  begin(1);
  const IpAddress source = served_.back()->stream->peer().ip;
  network_.exempt({*parse_network(to_string(source))});
  begin(100);
  EXPECT_EQ(network_.counts().refused, 0U);
  EXPECT_FALSE(plain.back()->closed);
  network_.exempt({});
  begin(61);
  EXPECT_EQ(network_.counts().refused, 2U) << "the first one was of this budget too";
  for (const auto& each : plain) {
    if (each->stream != nullptr && !each->closed) each->stream->abort();
  }
  turns();
}

}  // namespace
}  // namespace pushmail

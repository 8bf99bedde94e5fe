// TLS as a stream over a stream: what passes, what is refused and why, and what it costs who asks too much.
#include "dataplane/tls/tls_network.h"

#include <openssl/ssl.h>

#include "tests/unit/dataplane/tls/tls_fixture.h"

namespace pushmail {
namespace {

/// A FakePeer that also keeps what its stream found wrong.
class TlsEnd final : public FakePeer {
 public:
  void on_close(CloseReason reason) override {
    wrong = stream == nullptr ? nullptr : stream->failure();
    FakePeer::on_close(reason);
  }
  void on_data(ByteView bytes) override {
    EXPECT_TRUE(open || !heard.empty() || is_server) << "nothing is heard before both sides agree";
    FakePeer::on_data(bytes);
  }
  void on_sent() override { ++sent; }
  bool is_server = false;
  int sent = 0;
  const ErrorInfo* wrong = nullptr;
};

class TlsEnds final : public Acceptor {
 public:
  void on_accept(Stream& stream) override {
    all.push_back(std::make_unique<TlsEnd>());
    all.back()->is_server = true;
    all.back()->stream = &stream;
    stream.set_events(*all.back());
  }
  std::vector<std::unique_ptr<TlsEnd>> all;
};

class TlsNetworkTest : public TlsTest {
 protected:
  void SetUp() override { ASSERT_TRUE(network_.listen(here_, port_).has_value()); }
  void connect(TlsEnd& end, TlsPeer& peer) {
    const auto stream = peer.connect(here_, end);
    ASSERT_TRUE(stream.has_value());
    end.stream = *stream;
    turns();
  }
  TlsEnd& served() { return *servers_.all.back(); }

  TlsEnds servers_;
  TlsListener port_{network_, good_, &servers_};
  TlsPeer peer_{network_, trust_, std::string(good_name)};
};

TEST_F(TlsNetworkTest, CarriesBothWaysAndEndsInOrder) {
  TlsEnd end;
  connect(end, peer_);
  EXPECT_TRUE(end.open);
  EXPECT_EQ(network_.counts().handshakes, 2u) << "ours and theirs";
  const std::string large(100'000, 'x');
  end.say("hello ");
  end.say(large);
  turns();
  EXPECT_EQ(served().take(), "hello " + large);
  served().say("yes");
  turns();
  EXPECT_EQ(end.take(), "yes");
  EXPECT_GT(end.sent, 0);
  end.stream->finish();
  turns();
  EXPECT_TRUE(served().ended);
  EXPECT_EQ(served().stream->failure(), nullptr) << "a whole end";
  served().say("more");
  served().stream->finish();
  turns();
  EXPECT_EQ(end.take(), "more") << "our direction alone had ended";
  EXPECT_EQ(end.closed, CloseReason::finished);
  EXPECT_EQ(served().closed, CloseReason::finished);
  EXPECT_EQ(network_.stream_count(), 0u);
}

TEST_F(TlsNetworkTest, BytesInAnyCutAreTheSame) {
  below_.chunk_size = 1;
  TlsEnd end;
  connect(end, peer_);
  turns(5000);
  ASSERT_TRUE(end.open);
  end.say("one");
  served().say("two");
  turns(500);
  EXPECT_EQ(served().take(), "one");
  EXPECT_EQ(end.take(), "two");
}

TEST_F(TlsNetworkTest, NothingIsInClearBeneath) {
  TlsEnd end;
  connect(end, peer_);
  served().say("a word that nobody may read");
  test::FakePeers plain;
  const Endpoint there = *parse_endpoint("198.51.100.7:444");
  ASSERT_TRUE(below_.listen(there, plain).has_value());
  TlsEnd early;
  const auto stream = peer_.connect(there, early);
  ASSERT_TRUE(stream.has_value());
  early.stream = *stream;
  early.say("a word before anybody agreed");
  turns();
  EXPECT_EQ(end.take(), "a word that nobody may read");
  EXPECT_NE(plain.last().heard, "");
  EXPECT_EQ(plain.last().heard.find("word"), std::string::npos);
  EXPECT_FALSE(early.open);
}

TEST_F(TlsNetworkTest, LentBytesComeBackOnce) {
  TlsEnd end;
  connect(end, peer_);
  int released = 0;
  const std::string text(40'000, 'y');
  const auto lend = [&] {
    end.stream->send_lent({.bytes = bytes_of(text), .release = [](void* count) { ++*static_cast<int*>(count); }, .context = &released});
  };
  lend();
  EXPECT_EQ(released, 0) << "never from inside the call";
  turns();
  EXPECT_EQ(released, 1);
  EXPECT_EQ(served().take(), text);
  lend();
  end.stream->abort();
  turns();
  EXPECT_EQ(released, 2);
}

TEST_F(TlsNetworkTest, OnlyWholeRecordsCountAsAcknowledged) {
  TlsEnd end;
  connect(end, peer_);
  below_.chunk_size = 10'000;
  end.say(std::string(20'000, 'z'));
  const std::uint64_t before = end.stream->acknowledged().size;
  EXPECT_EQ(before, 0u);
  network_.poll(clock_.now());
  EXPECT_EQ(end.stream->acknowledged().size, 0u) << "10,000 of 16,406 bytes cannot be read";
  network_.poll(clock_.now());
  EXPECT_EQ(end.stream->acknowledged().size, 16'384u);
  turns();
  EXPECT_EQ(end.stream->acknowledged().size, 20'000u);
  EXPECT_FALSE(end.stream->acknowledged().is_last);
}

TEST_F(TlsNetworkTest, AnEndWithoutGoodbyeIsToldAsACut) {
  TlsEnd end;
  connect(end, peer_);
  // The server's end beneath: its FIN without close_notify.
  served().say("half an answer");
  turns();
  ASSERT_EQ(below_.streams().size(), 2u);
  below_.streams()[1]->finish();
  turns();
  EXPECT_EQ(end.take(), "half an answer");
  EXPECT_TRUE(end.ended);
  EXPECT_EQ(end.stream->failure(), &core_tls_cut);
}

TEST_F(TlsNetworkTest, ClientSaysWhyItRefusesAServer) {
  test::TestAuthority stranger("Somebody else");
  struct Row {
    const char* what;
    test::CertificateFiles files;
    std::string name;
    const ErrorInfo& why;
  };
  const std::string name(good_name);
  for (const Row& row : {Row{"another name", authority().make("DNS:other.example.net"), name, core_tls_wrong_name},
                         Row{"the address is not in it", good_files(), "198.51.100.7", core_tls_wrong_name},
                         Row{"expired", authority().make("DNS:mmsc.example.net", test::Validity::past), name, core_tls_expired},
                         Row{"of a stranger", stranger.make("DNS:mmsc.example.net"), name, core_tls_unknown_authority},
                         Row{"signed by itself", authority().make("DNS:mmsc.example.net", test::Validity::now, test::Signer::itself), name,
                             core_tls_unknown_authority}}) {
    const tls::ServerSettings settings = server(row.files);
    TlsListener port(network_, settings, &servers_);
    ASSERT_TRUE(network_.listen(here_, port).has_value());
    TlsPeer peer(network_, trust_, row.name);
    TlsEnd end;
    connect(end, peer);
    EXPECT_FALSE(end.open) << row.what;
    EXPECT_EQ(end.closed, CloseReason::aborted) << row.what;
    EXPECT_EQ(end.wrong, &row.why) << row.what << ": " << (end.wrong != nullptr ? end.wrong->text : "nothing");
    EXPECT_EQ(served().wrong, &core_tls_ours_refused) << row.what << ": the server is told";
    pass(seconds(6));
    EXPECT_EQ(network_.stream_count(), 0u) << row.what;
  }
}

TEST_F(TlsNetworkTest, AnAddressInTheCertificateIsAName) {
  const tls::ServerSettings settings = server(authority().make("IP:198.51.100.7"));
  TlsListener port(network_, settings, &servers_);
  ASSERT_TRUE(network_.listen(here_, port).has_value());
  TlsPeer peer(network_, trust_, "198.51.100.7");
  TlsEnd end;
  connect(end, peer);
  EXPECT_TRUE(end.open);
}

TEST_F(TlsNetworkTest, ClientSaysWhatAServerIsThatIsNoTls) {
  struct Row {
    const char* what;
    std::string answer;
    const ErrorInfo& why;
  };
  using namespace std::string_literals;
  for (const Row& row : {Row{"plain HTTP", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", core_tls_not_tls},
                         Row{"plain SMTP", "220 mx.example ESMTP hello\r\n", core_tls_not_tls},
                         Row{"an old server's alert", "\x15\x03\x01\x00\x02\x02\x46"s, core_tls_version}}) {
    FakePeers plain;
    plain.greeting = row.answer;
    ASSERT_TRUE(below_.listen(here_, plain).has_value());
    TlsEnd end;
    connect(end, peer_);
    EXPECT_FALSE(end.open) << row.what;
    EXPECT_EQ(end.wrong, &row.why) << row.what << ": " << (end.wrong != nullptr ? end.wrong->text : "nothing");
    pass(seconds(6));
  }
}

std::string hello_of_tls_1_1() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION), 1);
  EXPECT_EQ(SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION), 1);
  EXPECT_EQ(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"), 1);
  SSL* ssl = SSL_new(context);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(ssl);
  (void)SSL_do_handshake(ssl);
  std::string hello(BIO_ctrl_pending(out), '\0');
  (void)BIO_read(out, hello.data(), static_cast<int>(hello.size()));
  SSL_free(ssl);
  SSL_CTX_free(context);
  EXPECT_FALSE(hello.empty());
  return hello;
}

TEST_F(TlsNetworkTest, ServerSaysWhyItRefusesAClient) {
  struct Row {
    const char* what;
    std::string said;
    const ErrorInfo& why;
  };
  std::string garbage;
  for (int i = 0; i < 400; ++i) garbage += static_cast<char>((i * 73 + 29) & 0xff);
  for (const Row& row : {Row{"plain HTTP", "POST /mm7 HTTP/1.1\r\nHost: x\r\n\r\n", core_tls_not_tls},
                         Row{"plain SMTP", "EHLO x.example\r\n", core_tls_not_tls}, Row{"garbage", garbage, core_tls_not_tls},
                         Row{"TLS 1.1", hello_of_tls_1_1(), core_tls_version}}) {
    FakePeer plain;
    plain.stream = *below_.connect(here_, plain);
    turns(3);
    plain.say(row.said);
    turns();
    EXPECT_EQ(served().wrong, &row.why) << row.what << ": " << (served().wrong != nullptr ? served().wrong->text : "nothing");
    EXPECT_EQ(served().heard, "") << row.what;
    EXPECT_TRUE(plain.ended) << row.what;
    pass(seconds(6));
    EXPECT_EQ(network_.stream_count(), 0u) << row.what;
  }
}

TEST_F(TlsNetworkTest, AHandshakeEndsInTime) {
  FakePeer plain;
  plain.stream = *below_.connect(here_, plain);
  turns(3);
  plain.say("\x16\x03");
  pass(seconds(9));
  EXPECT_FALSE(served().closed);
  pass(seconds(2));
  EXPECT_EQ(served().closed, CloseReason::aborted);
  EXPECT_EQ(served().wrong, &core_tls_late);
  pass(seconds(6));
  EXPECT_EQ(plain.closed, CloseReason::reset_by_peer);
  EXPECT_EQ(network_.stream_count(), 0u);
}

TEST_F(TlsNetworkTest, ATurnMakesSoManyHandshakesAndNoMore) {
  std::vector<std::unique_ptr<TlsEnd>> ends;
  for (int i = 0; i < 20; ++i) {
    ends.push_back(std::make_unique<TlsEnd>());
    ends.back()->stream = *peer_.connect(here_, *ends.back());
  }
  std::uint64_t before = 0;
  for (int i = 0; i < 60; ++i) {
    network_.poll(clock_.now());
    EXPECT_LE(network_.counts().handshakes - before, 4u);
    before = network_.counts().handshakes;
  }
  EXPECT_EQ(before, 40u);
  for (const auto& end : ends) EXPECT_TRUE(end->open);
}

TEST_F(TlsNetworkTest, ASourceThatOnlyBeginsIsRefusedAndOneThatAgreesIsNot) {
  for (int i = 0; i < 100; ++i) {
    TlsEnd end;
    connect(end, peer_);
    ASSERT_TRUE(end.open) << i;
    end.stream->abort();
    turns(3);
  }
  EXPECT_EQ(network_.counts().refused, 0u);
  std::vector<std::unique_ptr<FakePeer>> plain;
  for (int i = 0; i < 61; ++i) {
    plain.push_back(std::make_unique<FakePeer>());
    plain.back()->stream = *below_.connect(here_, *plain.back());
  }
  turns(5);
  EXPECT_EQ(network_.counts().refused, 1u);
  EXPECT_EQ(plain.back()->closed, CloseReason::reset_by_peer);
  EXPECT_FALSE(plain.front()->closed);
  for (const auto& each : plain) {
    if (each->stream != nullptr) each->stream->abort();
  }
  turns();
  EXPECT_EQ(network_.stream_count(), 0u);
}

// An alert and five seconds for a few; the connections of many sources are not held for their mistakes.
TEST_F(TlsNetworkTest, FailedHandshakesLingerInNumber) {
  TlsNetwork narrow(below_, {.lingering_max = 2});
  TlsListener port(narrow, good_, &servers_);
  const Endpoint at = *parse_endpoint("198.51.100.1:8444");
  ASSERT_TRUE(narrow.listen(at, port).has_value());
  std::vector<std::unique_ptr<FakePeer>> plain;
  for (int i = 0; i < 4; ++i) {
    plain.push_back(std::make_unique<FakePeer>());
    plain.back()->stream = *below_.connect(at, *plain.back());
    plain.back()->say("GET / HTTP/1.1\r\n\r\n");
    for (int turn = 0; turn < 4; ++turn) narrow.poll(clock_.now());
  }
  EXPECT_EQ(narrow.counts().failed, 4U);
  EXPECT_FALSE(plain[1]->closed) << "its alert is on the way";
  EXPECT_EQ(plain[2]->closed, CloseReason::reset_by_peer);
  EXPECT_EQ(plain[3]->closed, CloseReason::reset_by_peer);
  for (const auto& each : plain) {
    if (each->stream != nullptr) each->stream->abort();
  }
  for (int turn = 0; turn < 4; ++turn) narrow.poll(clock_.now());
  EXPECT_EQ(narrow.stream_count(), 0U);
}

TEST_F(TlsNetworkTest, WhatWaitsForTheHandshakeFollowsIt) {
  TlsEnd end;
  end.stream = *peer_.connect(here_, end);
  network_.poll(clock_.now());
  ASSERT_EQ(servers_.all.size(), 1u);
  // A server that turns somebody away has said it, and ended, before anybody agreed on anything.
  served().say("too many");
  served().stream->finish();
  turns();
  EXPECT_EQ(end.take(), "too many");
  EXPECT_TRUE(end.ended);
}

TEST_F(TlsNetworkTest, SettingsAreRefusedWhereKeyAndCertificateDoNotBelongTogether) {
  const test::CertificateFiles one = authority().make("DNS:a.example"), other = authority().make("DNS:b.example");
  EXPECT_TRUE(tls::ServerSettings::load({.certificate = one.certificate, .key = other.key}).error().is(core_tls_setup));
  EXPECT_TRUE(tls::ServerSettings::load({.certificate = "/no/such/file", .key = one.key}).error().is(core_tls_setup));
  EXPECT_TRUE(tls::ClientSettings::load("", authority().authority_file(), {.certificate = one.certificate, .key = other.key})
                  .error()
                  .is(core_tls_setup));
  EXPECT_TRUE(tls::ClientSettings::load("", authority().authority_file(), {.certificate = one.certificate, .key = one.key}).has_value());
}

}  // namespace
}  // namespace pushmail

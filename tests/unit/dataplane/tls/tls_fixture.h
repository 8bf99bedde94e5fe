// Two ends on one network in memory: TLS where a test says so, certificates of an authority made for the run.
#pragma once

#include <gtest/gtest.h>

#include "core/errors.h"
#include "dataplane/tls/tls_network.h"
#include "tests/unit/controlplane/fetcher/certificates.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace pushmail {

using test::FakeNetwork;
using test::FakePeer;
using test::FakePeers;
using test::ManualClock;

constexpr std::string_view good_name = "mmsc.example.net";

class TlsTest : public testing::Test {
 protected:
  static test::TestAuthority& authority() {
    static test::TestAuthority one;
    return one;
  }
  static tls::CertificateFiles files(const test::CertificateFiles& made) { return {.certificate = made.certificate, .key = made.key}; }
  static tls::ServerSettings server(const test::CertificateFiles& made) {
    return *tls::ServerSettings::load({.certificate = made.certificate, .key = made.key});
  }
  static const test::CertificateFiles& good_files() {
    static const test::CertificateFiles one = authority().make("DNS:mmsc.example.net");
    return one;
  }
  static tls::ClientSettings trusting(const std::string& authorities) { return *tls::ClientSettings::load("", authorities); }

  void turns(int count = 30) {
    for (int i = 0; i < count; ++i) {
      network_.poll(clock_.now());
      turn();
    }
  }
  void pass(Duration time) {
    clock_.advance(time);
    turns();
  }
  /// The sessions of the test have their tick.
  virtual void turn() {}

  ManualClock clock_;
  FakeNetwork below_;
  TlsNetwork network_{below_};
  const Endpoint here_ = *parse_endpoint("198.51.100.7:443");
  const tls::ServerSettings good_ = server(good_files());
  const tls::ClientSettings trust_ = trusting(authority().authority_file());
};

}  // namespace pushmail

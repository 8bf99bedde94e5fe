// Who is which peer: by password, by address, by certificate.
#include "dataplane/session/mm7_service.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/base64.h"
#include "core/errors.h"

namespace pushmail {
namespace {

class Mm7ServiceTest : public testing::Test, public Mm7Sink {
 protected:
  void on_mm7(Ticket, Mm7Inbound) override { ADD_FAILURE() << "no body was given"; }
  HttpAdmission admit(const PeerProof* proof, std::string_view credentials = {}) {
    std::string head = "POST /mm7 HTTP/1.1\r\nHost: x\r\n";
    if (!credentials.empty()) head += fmt::format("Authorization: Basic {}\r\n", base64_encoded(credentials));
    head += "\r\n";
    const auto parsed = http::parse_request_head(bytes_of(head));
    EXPECT_TRUE(parsed.has_value());
    return service_.admit(*parsed, {.source = *parse_ip("192.0.2.9"), .proof = proof}, Instant{1'000'000'000});
  }
  Mm7Service service_{*this};
};

TEST_F(Mm7ServiceTest, APeerWithACertificateIsWhoShowsIt) {
  service_.set_peers({{.name = "a", .allow = {}, .credentials = {}, .service_code = {}, .wants_certificate = true},
                      {.name = "b", .allow = {}, .credentials = {}, .service_code = {}, .wants_certificate = true}});
  const PeerProof of_b{.peers = {"b"}}, of_both{.peers = {"a", "b"}},
      expired{.peers = {}, .asked = {"a", "b"}, .refusal = &core_tls_expired};
  EXPECT_EQ(admit(&of_b).refusal, 0);
  EXPECT_EQ(admit(&of_b).memo, "b");
  EXPECT_TRUE(admit(&of_b).is_proven);
  EXPECT_EQ(admit(&of_both).memo, "a");
  EXPECT_EQ(service_.wrong_certificates(), 0U);
  // Over http.listen nobody is asked, and checks of before a reload may not ask for this peer's; over http.tls_listen it was wrong.
  const PeerProof of_others{.peers = {}, .asked = {"c"}, .refusal = &core_tls_wrong_name};
  for (const auto& [wrong, status] : {std::pair<const PeerProof*, int>(nullptr, 503), {&of_others, 503}, {&expired, 403}}) {
    const HttpAdmission refused = admit(wrong);
    EXPECT_EQ(refused.refusal, status);
    EXPECT_TRUE(refused.is_last);
  }
  EXPECT_EQ(service_.wrong_certificates(), 3U);
}

TEST_F(Mm7ServiceTest, ACertificateDoesNotReplaceThePasswordNorThePasswordTheCertificate) {
  service_.set_peers(
      {{.name = "a", .allow = {}, .credentials = {.user = "u", .password = "p"}, .service_code = {}, .wants_certificate = true}});
  const PeerProof of_a{.peers = {"a"}};
  EXPECT_EQ(admit(&of_a, "u:p").refusal, 0);
  EXPECT_EQ(admit(&of_a).refusal, 401);
  EXPECT_EQ(admit(&of_a, "u:wrong").refusal, 401);
  EXPECT_EQ(service_.wrong_passwords(), 1U);
  EXPECT_EQ(admit(nullptr, "u:p").refusal, 503);
  EXPECT_EQ(service_.wrong_passwords(), 1U) << "the password was right";
}

// Another peer's log-in goes on, and guesses of it are counted, beside one that is known by its certificate alone.
TEST_F(Mm7ServiceTest, ACertificateOfOneHidesNoPasswordOfAnother) {
  service_.set_peers({{.name = "a", .allow = {}, .credentials = {}, .service_code = {}, .wants_certificate = true},
                      {.name = "b", .allow = {}, .credentials = {.user = "u", .password = "p"}, .service_code = {}}});
  const HttpAdmission asked = admit(nullptr);
  EXPECT_EQ(asked.refusal, 401);
  EXPECT_NE(asked.fields.find("WWW-Authenticate: Basic"), std::string::npos);
  EXPECT_EQ(admit(nullptr, "u:wrong").refusal, 401);
  EXPECT_EQ(service_.wrong_passwords(), 1U);
  EXPECT_EQ(admit(nullptr, "u:p").memo, "b");
  const PeerProof of_a{.peers = {"a"}, .asked = {"a"}};
  EXPECT_EQ(admit(&of_a).memo, "a");
}

TEST_F(Mm7ServiceTest, WhoNeedsNoneIsNotAskedForOne) {
  service_.set_peers({{.name = "a", .allow = {}, .credentials = {}, .service_code = {}, .wants_certificate = true},
                      {.name = "b", .allow = {*parse_network("192.0.2.0/24")}, .credentials = {}, .service_code = {}}});
  EXPECT_EQ(admit(nullptr).memo, "b");
  const PeerProof nobody{.peers = {}, .refusal = &core_tls_unknown_authority};
  EXPECT_EQ(admit(&nobody).memo, "b");
  EXPECT_EQ(service_.wrong_certificates(), 0U);
}

}  // namespace
}  // namespace pushmail

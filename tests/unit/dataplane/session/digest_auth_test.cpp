// Digest fields of both roles: the examples of RFC 7616, and what is not quite a field.
#include "dataplane/session/digest_auth.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace pushmail {
namespace {

// RFC 7616 §3.9.1.
constexpr std::string_view nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
constexpr std::string_view client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
constexpr std::string_view opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS";
constexpr std::string_view md5_response = "8ca523f5e9506fed4657c9700eebdbec";
constexpr std::string_view sha256_response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";

std::string authorization(std::string_view algorithm, std::string_view response) {
  return fmt::format(
      "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm={}, nonce=\"{}\", nc=00000001, "
      "cnonce=\"{}\", qop=auth, response=\"{}\", opaque=\"{}\"",
      algorithm, nonce, client_nonce, response, opaque);
}

TEST(DigestAuth, TheExamplesOfTheStandard) {
  for (const auto& [algorithm, response] : {std::pair{"MD5", md5_response}, std::pair{"SHA-256", sha256_response}}) {
    const std::string text = authorization(algorithm, response);
    const auto sent = digest::parse_authorization(text);
    ASSERT_TRUE(sent.has_value()) << algorithm;
    EXPECT_EQ(sent->user, "Mufasa");
    EXPECT_EQ(sent->count, 1u);
    EXPECT_TRUE(digest::is_right(*sent, "Circle of Life", "GET"));
    EXPECT_FALSE(digest::is_right(*sent, "Circle of life", "GET"));
    EXPECT_FALSE(digest::is_right(*sent, "Circle of Life", "POST"));
    const digest::Challenge challenge{
        .realm = "http-auth@example.org", .nonce = std::string(nonce), .opaque = std::string(opaque), .hash = sent->hash};
    EXPECT_EQ(
        digest::authorization(challenge, {.user = "Mufasa", .password = "Circle of Life"}, "GET", "/dir/index.html", 1, client_nonce),
        fmt::format("Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm={}, nonce=\"{}\", "
                    "nc=00000001, cnonce=\"{}\", qop=auth, response=\"{}\", opaque=\"{}\"",
                    algorithm, nonce, client_nonce, response, opaque));
  }
}

TEST(DigestAuth, CredentialsThatAreNone) {
  const std::string good = authorization("MD5", md5_response);
  const auto without = [&](std::string_view part) {
    std::string text = good;
    const std::size_t at = text.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    return text.erase(at, part.size());
  };
  const auto with = [&](std::string_view part, std::string_view other) {
    std::string text = good;
    return text.replace(text.find(part), part.size(), other);
  };
  EXPECT_TRUE(digest::parse_authorization(without("algorithm=MD5, ")).has_value()) << "then it is MD5";
  EXPECT_TRUE(digest::parse_authorization(with("qop=auth", "qop=\"auth\"")).has_value()) << "as some write it";
  EXPECT_EQ(digest::parse_authorization(with("\"Mufasa\"", "\"a\\\"b\\\\c, d=e\""))->user, "a\"b\\c, d=e");
  for (const std::string& bad : {std::string(),
                                 std::string("Digest"),
                                 std::string("Basic bW1zYzpzZWNyZXQ="),
                                 "Basic x, " + good,
                                 good + ", Digest a=b",
                                 good + ",nc=00000002",
                                 good + " x",
                                 good + ", =x",
                                 good + ", y=",
                                 good + ", z=\"open",
                                 good + ", q=\"\\",
                                 without("username=\"Mufasa\", "),
                                 without("nc=00000001, "),
                                 without("qop=auth, "),
                                 with("qop=auth", "qop=auth-int"),
                                 with("00000001", "1"),
                                 with("00000001", "0000000g"),
                                 with("00000001", "-0000001"),
                                 with("=MD5", "=MD5-sess"),
                                 with("=MD5", "=SHA-512-256"),
                                 good + ", userhash=true",
                                 good + std::string(5'000, ' ') + ", x=y",
                                 "realm=x, " + good}) {
    EXPECT_FALSE(digest::parse_authorization(bad).has_value()) << bad;
  }
  std::string many = good;
  for (int i = 0; i < 40; ++i) many += fmt::format(", p{}=x", i);
  EXPECT_FALSE(digest::parse_authorization(many).has_value());
}

TEST(DigestAuth, TheBestOfSeveralChallenges) {
  const auto best = [](std::vector<std::string_view> values) {
    std::vector<http::Field> fields{{.name = "Content-Type", .value = "Digest realm=\"no\", nonce=\"no\", qop=\"auth\""}};
    for (const std::string_view value : values) fields.push_back({.name = "WWW-Authenticate", .value = value});
    return digest::best_challenge(fields);
  };
  const auto found = best({"Digest realm=\"a\", qop=\"auth, auth-int\", algorithm=MD5, nonce=\"one\"",
                           "Basic realm=\"b\", digest Realm = \"c\" , qop=\"auth-int,auth\",algorithm=sha-256,nonce=\"two\", stale=TRUE"});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->realm, "c");
  EXPECT_EQ(found->nonce, "two");
  EXPECT_EQ(found->hash, MessageDigest::sha256);
  EXPECT_TRUE(found->is_stale);
  EXPECT_FALSE(found->opaque.has_value());
  EXPECT_EQ(best({"Negotiate abc==", "Digest realm=\"a\", qop=auth, nonce=\"n\", opaque=\"\""})->opaque, "")
      << "what we cannot read is passed over";
  for (const std::string_view bad :
       {"", "Basic realm=\"a\"", "Digest realm=\"a\", nonce=\"n\"", "Digest realm=\"a\", qop=\"auth-int\", nonce=\"n\"",
        "Digest qop=\"auth\", nonce=\"n\"", "Digest realm=\"a\", qop=\"auth\"",
        "Digest realm=\"a\", qop=\"auth\", nonce=\"n\", algorithm=SHA-1", "Digest realm=\"a\", qop=\"auth\", nonce=\"n\", nonce=\"m\"",
        "Digest realm=\"a, qop=\"auth\", nonce=\"n\"", "nonce=\"n\", Digest"})
    EXPECT_FALSE(best({bad}).has_value()) << bad;
}

TEST(DigestAuth, AnAnswerIsCountedAndAWrongPasswordIsNotTriedForEver) {
  digest::Challenged challenged;
  const BasicCredentials who{.user = "a\"b", .password = "p"};
  EXPECT_FALSE(challenged.next_authorization(who, "POST", "/").has_value());
  EXPECT_TRUE(challenged.take({.realm = "r", .nonce = "one", .opaque = {}}, "")) << "nothing was answered";
  for (const std::uint32_t count : {1u, 2u}) {
    const auto value = challenged.next_authorization(who, "POST", "/");
    ASSERT_TRUE(value.has_value());
    const auto sent = digest::parse_authorization(*value);
    ASSERT_TRUE(sent.has_value()) << *value;
    EXPECT_EQ(sent->count, count);
    EXPECT_EQ(sent->user, who.user);
    EXPECT_TRUE(digest::is_right(*sent, "p", "POST"));
  }
  EXPECT_FALSE(challenged.take({.realm = "r", .nonce = "two", .opaque = {}}, "one")) << "its first answer was refused";
  EXPECT_EQ(challenged.nonce(), "two");
  EXPECT_TRUE(challenged.take({.realm = "r", .nonce = "three", .opaque = {}, .is_stale = true}, "two")) << "the peer says why";
  challenged.on_welcome("two");
  EXPECT_FALSE(challenged.take({.realm = "r", .nonce = "four", .opaque = {}}, "three")) << "another one had worked";
  challenged.on_welcome("four");
  EXPECT_TRUE(challenged.take({.realm = "r", .nonce = "five", .opaque = {}}, "four")) << "it had worked: it has grown old";
  EXPECT_EQ(digest::parse_authorization(*challenged.next_authorization(who, "POST", "/"))->count, 1u) << "counted anew";
}

}  // namespace
}  // namespace pushmail

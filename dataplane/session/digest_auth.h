// HTTP Digest authentication (RFC 7616), qop auth, by MD5 and SHA-256: the fields of both roles, and the hashes that they carry. Pure.
//
// Challenges of servers come from WWW-Authenticate (http_client), credentials from Authorization (mm7_service). What lacks a part, has one
// twice or wants what we have not (qop auth-int alone, userhash, a -sess algorithm, none of qop) is nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/message_digest.h"
#include "dataplane/session/basic_auth.h"
#include "dataplane/session/http_grammar.h"

namespace pushmail {

/// How a peer proves who it is. basic: its password at once; we also answer a challenge. digest: never its password.
enum class HttpScheme : std::uint8_t { basic, digest };

namespace digest {

/// As `algorithm` names them; the better one first (RFC 7616 §3.7).
struct Algorithm {
  std::string_view name;
  MessageDigest hash;
};
inline constexpr std::array<Algorithm, 2> algorithms{{{"SHA-256", MessageDigest::sha256}, {"MD5", MessageDigest::md5}}};

struct Challenge {
  std::string realm;
  std::string nonce;
  std::optional<std::string> opaque;
  MessageDigest hash = MessageDigest::md5;
  bool is_stale = false;  // the password was right, the nonce too old
};
/// The best one among all WWW-Authenticate fields, each of which may hold several (RFC 9110 §11.6.1).
[[nodiscard]] std::optional<Challenge> best_challenge(std::span<const http::Field> fields);

struct Credentials {
  std::string user;
  std::string realm;
  std::string nonce;
  std::string uri;
  std::string client_nonce;
  std::string count_text;
  std::uint32_t count = 0;  // nc: of the requests with this nonce, from 1
  std::string response;
  MessageDigest hash = MessageDigest::md5;
};
/// The value of Authorization.
[[nodiscard]] std::optional<Credentials> parse_authorization(std::string_view value);

/// Whether `sent` was made with this password for this method (RFC 7616 §3.4.1). Three hashes, whatever was sent.
[[nodiscard]] bool is_right(const Credentials& sent, std::string_view password, std::string_view method);

/// The value of an Authorization field that answers it. Nothing where the hash is not to be had.
[[nodiscard]] std::optional<std::string> authorization(const Challenge& challenge, const BasicCredentials& who, std::string_view method,
                                                       std::string_view uri, std::uint32_t count, std::string_view client_nonce);

/// What a client knows of its peer's last challenge: it answers it in every request from then on, and counts them.
class Challenged {
 public:
  [[nodiscard]] bool is_known() const { return challenge_.has_value(); }
  [[nodiscard]] std::string_view nonce() const { return challenge_ ? std::string_view(challenge_->nonce) : std::string_view(); }
  /// A 401 to a request that answered `sent_nonce`, or to one that answered none. Whether the request is worth sending again with an answer
  /// to this one: not where the password itself was refused.
  [[nodiscard]] bool take(Challenge challenge, std::string_view sent_nonce);
  /// An answer other than 401 to a request that answered `sent_nonce`.
  void on_welcome(std::string_view sent_nonce);
  /// The value of the next request's Authorization.
  [[nodiscard]] std::optional<std::string> next_authorization(const BasicCredentials& who, std::string_view method, std::string_view uri);

 private:
  std::optional<Challenge> challenge_;
  std::uint32_t count_ = 0;
  bool has_worked_ = false;
};

}  // namespace digest
}  // namespace pushmail

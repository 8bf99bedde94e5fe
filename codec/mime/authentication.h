// Authentication-Results (RFC 8601): what the mail server that took a mail found out about its sender's domain.
//
// Anybody can write such a field; a server that is trusted writes its own above whatever came in. So only the topmost ones count: the first
// Authentication-Results of the header and those of the same server directly below it. Whether that server is trusted is the caller's to
// know. Pure, linear, bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"

namespace pushmail::mime {

inline constexpr std::size_t authentication_methods_max = 16;  // of one field; further ones are passed over
inline constexpr std::size_t authentication_fields_max = 8;    // of one mail
inline constexpr std::size_t authserv_id_size_max = 255;

/// One `dmarc=fail header.from=bank.example`: views into the value.
struct AuthenticationMethod {
  std::string_view method;  // as written: dmarc, spf, dkim ...
  std::string_view result;  // as written: pass, fail, softfail, none ...
  std::string_view domain;  // of header.from, header.d, or smtp.mailfrom without its local part; may be empty
};
struct AuthenticationResults {
  std::string_view server;  // authserv-id
  std::vector<AuthenticationMethod> methods;
};
/// One field's value; nothing when it does not follow RFC 8601 §2.2.
[[nodiscard]] std::optional<AuthenticationResults> parse_authentication_results(std::string_view value);

enum class SenderCheck : std::uint8_t { unknown, pass, fail };
[[nodiscard]] constexpr std::string_view to_string(SenderCheck check) {
  return check == SenderCheck::pass ? "pass" : check == SenderCheck::fail ? "fail" : "unknown";
}

/// What the topmost server says of the domain in From.
struct SenderAuthentication {
  std::string server{};  // authserv-id in lower case; empty: no field, or one that cannot be read
  SenderCheck check = SenderCheck::unknown;
};
[[nodiscard]] SenderAuthentication authentication_of(const Part& mail);
/// `mx.example.net fail`; empty when no server says anything. How it is passed on to whoever knows which servers are trusted.
[[nodiscard]] std::string to_string(const SenderAuthentication& found);
/// Of such a text the check, when its server is one of `trusted` (compared without case), else unknown.
[[nodiscard]] SenderCheck trusted_check(std::string_view text, std::span<const std::string> trusted);

}  // namespace pushmail::mime

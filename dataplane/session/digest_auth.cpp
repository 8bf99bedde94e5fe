#include "dataplane/session/digest_auth.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/ascii.h"
#include "core/bytes.h"
#include "core/ids.h"

namespace pushmail::digest {

namespace {

constexpr std::size_t field_size_max = 4096;
constexpr std::size_t parameter_count_max = 32;

struct Parameter {
  std::string_view name;
  std::string value;
};
/// `Digest realm="a", nonce="b"`: a scheme and what belongs to it.
struct Scheme {
  std::string_view name;
  std::vector<Parameter> parameters;

  [[nodiscard]] const std::string* find(std::string_view name_of) const {
    for (const Parameter& parameter : parameters) {
      if (ascii_equal_nocase(parameter.name, name_of)) return &parameter.value;
    }
    return nullptr;
  }
};

bool is_token(char c) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return is_alphanumeric(c) || marks.find(c) != std::string_view::npos;
}
std::string_view take_token(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_token);
  const std::string_view token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(token.size());
  return token;
}
void skip_blanks(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size())); }

/// A token or a quoted string (RFC 9110 §5.6.4), without its quotes.
std::optional<std::string> take_value(std::string_view& text) {
  if (!text.starts_with('"')) {
    const std::string_view token = take_token(text);
    return token.empty() ? std::nullopt : std::optional(std::string(token));
  }
  std::string value;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return value;
    }
    if (text[at] == '\\' && ++at == text.size()) break;
    value += text[at];
  }
  return std::nullopt;
}

/// RFC 9110 §11.6.1: schemes and parameters, all divided by commas. A name without `=` behind it is a scheme.
std::optional<std::vector<Scheme>> parse_schemes(std::string_view text) {
  if (text.size() > field_size_max) return std::nullopt;
  std::vector<Scheme> schemes;
  std::size_t count = 0;
  while (true) {
    while (text.starts_with(',') || text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    if (text.empty()) return schemes;
    const std::string_view name = take_token(text);
    skip_blanks(text);
    if (name.empty() || ++count > parameter_count_max) return std::nullopt;
    if (!text.starts_with('=')) {
      schemes.push_back({.name = name, .parameters = {}});
      continue;
    }
    text.remove_prefix(1);
    skip_blanks(text);
    auto value = take_value(text);
    // RFC 9110 §11.2: a name stands once.
    if (!value || schemes.empty() || schemes.back().find(name) != nullptr) return std::nullopt;
    schemes.back().parameters.push_back({.name = name, .value = std::move(*value)});
    skip_blanks(text);
    if (!text.empty() && !text.starts_with(',')) return std::nullopt;
  }
}

std::optional<MessageDigest> hash_of(const Scheme& scheme) {
  const std::string* const name = scheme.find("algorithm");
  // RFC 7616 §3.3: without it, MD5.
  if (name == nullptr) return MessageDigest::md5;
  for (const Algorithm& each : algorithms) {
    if (ascii_equal_nocase(*name, each.name)) return each.hash;
  }
  return std::nullopt;
}
std::string_view name_of(MessageDigest hash) { return std::ranges::find(algorithms, hash, &Algorithm::hash)->name; }

/// Whether `auth` is one of the words, divided by commas.
bool offers_auth(std::string_view words) {
  while (true) {
    const std::string_view word = words.substr(0, words.find(','));
    if (ascii_equal_nocase(ascii_trim(word), "auth")) return true;
    if (word.size() == words.size()) return false;
    words.remove_prefix(word.size() + 1);
  }
}

std::optional<Challenge> challenge_of(const Scheme& scheme) {
  if (!ascii_equal_nocase(scheme.name, "Digest")) return std::nullopt;
  const auto hash = hash_of(scheme);
  const std::string *const realm = scheme.find("realm"), *const nonce = scheme.find("nonce"), *const qop = scheme.find("qop");
  if (!hash || realm == nullptr || nonce == nullptr || qop == nullptr || !offers_auth(*qop)) return std::nullopt;
  Challenge challenge{.realm = *realm, .nonce = *nonce, .opaque = std::nullopt, .hash = *hash};
  if (const std::string* const opaque = scheme.find("opaque")) challenge.opaque = *opaque;
  const std::string* const stale = scheme.find("stale");
  challenge.is_stale = stale != nullptr && ascii_equal_nocase(*stale, "true");
  return challenge;
}

/// RFC 7616 §3.4.1, §3.4.2, §3.4.3.
struct Response {
  std::string_view user, realm, password, nonce, count, client_nonce, method, uri;
};
std::optional<std::string> hash_response(MessageDigest hash, const Response& parts) {
  const auto who = hex_digest(hash, fmt::format("{}:{}:{}", parts.user, parts.realm, parts.password));
  const auto what = hex_digest(hash, fmt::format("{}:{}", parts.method, parts.uri));
  if (!who || !what) return std::nullopt;
  return hex_digest(hash, fmt::format("{}:{}:{}:{}:auth:{}", *who, parts.nonce, parts.count, parts.client_nonce, *what));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    // In no field may stand what ends it.
    if (!is_control(c)) out += c;
  }
  return out + '"';
}

}  // namespace

std::optional<Challenge> best_challenge(std::span<const http::Field> fields) {
  std::optional<Challenge> best;
  for (const http::Field& field : fields) {
    if (!ascii_equal_nocase(field.name, "www-authenticate")) continue;
    const auto schemes = parse_schemes(field.value);
    if (!schemes) continue;
    for (const Scheme& scheme : *schemes) {
      auto challenge = challenge_of(scheme);
      const bool is_better = challenge && (!best || (best->hash == MessageDigest::md5 && challenge->hash == MessageDigest::sha256));
      if (is_better) best = std::move(challenge);
    }
  }
  return best;
}

std::optional<Credentials> parse_authorization(std::string_view value) {
  const auto schemes = parse_schemes(value);
  if (!schemes || schemes->size() != 1 || !ascii_equal_nocase(schemes->front().name, "Digest")) return std::nullopt;
  const Scheme& scheme = schemes->front();
  Credentials sent;
  const std::pair<std::string_view, std::string Credentials::*> parts[] = {
      {"username", &Credentials::user},    {"realm", &Credentials::realm},         {"nonce", &Credentials::nonce},
      {"uri", &Credentials::uri},          {"cnonce", &Credentials::client_nonce}, {"nc", &Credentials::count_text},
      {"response", &Credentials::response}};
  for (const auto& [name, part] : parts) {
    const std::string* const found = scheme.find(name);
    if (found == nullptr) return std::nullopt;
    sent.*part = *found;
  }
  const auto hash = hash_of(scheme);
  const std::string *const qop = scheme.find("qop"), *const userhash = scheme.find("userhash");
  if (!hash || qop == nullptr || !ascii_equal_nocase(*qop, "auth")) return std::nullopt;
  if (userhash != nullptr && !ascii_equal_nocase(*userhash, "false")) return std::nullopt;
  // RFC 7616 §3.4: eight hexadecimal digits.
  const auto count = sent.count_text.size() == 8 ? parse_number<std::uint32_t>(sent.count_text, 16) : std::nullopt;
  if (!count) return std::nullopt;
  sent.hash = *hash;
  sent.count = *count;
  return sent;
}

bool is_right(const Credentials& sent, std::string_view password, std::string_view method) {
  const auto wanted = hash_response(sent.hash, {.user = sent.user,
                                                .realm = sent.realm,
                                                .password = password,
                                                .nonce = sent.nonce,
                                                .count = sent.count_text,
                                                .client_nonce = sent.client_nonce,
                                                .method = method,
                                                .uri = sent.uri});
  return wanted && equal_in_constant_time(sent.response, *wanted);
}

std::optional<std::string> authorization(const Challenge& challenge, const BasicCredentials& who, std::string_view method,
                                         std::string_view uri, std::uint32_t count, std::string_view client_nonce) {
  const std::string count_text = fmt::format("{:08x}", count);
  const auto response = hash_response(challenge.hash, {.user = who.user,
                                                       .realm = challenge.realm,
                                                       .password = who.password,
                                                       .nonce = challenge.nonce,
                                                       .count = count_text,
                                                       .client_nonce = client_nonce,
                                                       .method = method,
                                                       .uri = uri});
  if (!response) return std::nullopt;
  std::string value = fmt::format(
      "Digest username={}, realm={}, uri={}, algorithm={}, nonce={}, nc={}, cnonce={}, qop=auth, response=\"{}\"", quoted(who.user),
      quoted(challenge.realm), quoted(uri), name_of(challenge.hash), quoted(challenge.nonce), count_text, quoted(client_nonce), *response);
  if (challenge.opaque) value += ", opaque=" + quoted(*challenge.opaque);
  return value;
}

bool Challenged::take(Challenge challenge, std::string_view sent_nonce) {
  // An answer to this very nonce that never worked was refused for its password, unless the peer says otherwise.
  const bool was_refused = !sent_nonce.empty() && sent_nonce == nonce() && !has_worked_ && !challenge.is_stale;
  if (challenge.nonce != nonce()) {
    count_ = 0;
    has_worked_ = false;
  }
  challenge_ = std::move(challenge);
  return !was_refused;
}

void Challenged::on_welcome(std::string_view sent_nonce) { has_worked_ = has_worked_ || (!sent_nonce.empty() && sent_nonce == nonce()); }

std::optional<std::string> Challenged::next_authorization(const BasicCredentials& who, std::string_view method, std::string_view uri) {
  if (!challenge_) return std::nullopt;
  std::array<std::uint8_t, 16> client_nonce{};
  fill_random(client_nonce);
  return authorization(*challenge_, who, method, uri, ++count_, to_hex(client_nonce));
}

}  // namespace pushmail::digest

#include "codec/mime/authentication.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::mime {

namespace {

constexpr int comment_depth_max = 16;

// Tokens of RFC 8601 §2.2 with CFWS between them. Once something is no token, `bad` stays true.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() {
    skip_cfws();
    return rest_.empty();
  }
  [[nodiscard]] bool bad() const { return bad_; }
  [[nodiscard]] bool take(char c) {
    skip_cfws();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// A quoted-string's inside (escapes stay), or a run of characters that are none of `ends`, white space, `(`, `;` or `"`. Empty: neither.
  [[nodiscard]] std::string_view word(std::string_view ends) {
    skip_cfws();
    if (!rest_.empty() && rest_.front() == '"') return quoted();
    std::size_t size = 0;
    while (size < rest_.size() && !is_white(rest_[size]) && rest_[size] != '(' && rest_[size] != ';' && rest_[size] != '"' &&
           ends.find(rest_[size]) == std::string_view::npos) {
      ++size;
    }
    const std::string_view found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return found;
  }

 private:
  std::string_view quoted() {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\')
        ++i;
      else if (rest_[i] == '"') {
        const std::string_view inside = rest_.substr(1, i - 1);
        rest_.remove_prefix(i + 1);
        return inside;
      }
    }
    give_up();
    return {};
  }
  void skip_cfws() {
    int depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '(') {
        if (++depth > comment_depth_max) return give_up();
      } else if (c == ')' && depth > 0) {
        --depth;
      } else if (c == '\\' && depth > 0 && rest_.size() > 1) {
        rest_.remove_prefix(1);
      } else if (depth == 0 && !is_white(c)) {
        return;
      }
      rest_.remove_prefix(1);
    }
    if (depth > 0) give_up();
  }
  void give_up() {
    bad_ = true;
    rest_ = {};
  }

  std::string_view rest_;
  bool bad_ = false;
};

// Properties whose value is the domain that a method speaks for (RFC 8601 §2.7, RFC 7489 §11.2).
constexpr auto domain_properties = std::to_array<std::string_view>({"header.from", "header.d", "header.i", "smtp.mailfrom"});

// RFC 7489 §3.1 without a list of public suffixes: the same domain, or one inside the other.
bool is_aligned(std::string_view one, std::string_view other) {
  if (one.empty() || other.empty()) return false;
  if (one.size() < other.size()) std::swap(one, other);
  // A top-level domain aligns with nothing.
  if (other.find('.') == std::string_view::npos) return false;
  const std::string_view end = one.substr(one.size() - other.size());
  return ascii_equal_nocase(end, other) && (one.size() == other.size() || one[one.size() - other.size() - 1] == '.');
}

// What one method's result says of the domain in From. DMARC decides alone where it has a result; without it an aligned pass of DKIM or SPF
// counts, else a failure of SPF. A broken or missing DKIM signature says nothing (RFC 6376 §6.1).
struct Ruling {
  std::string_view method;
  std::string_view result;
  bool needs_alignment;
  SenderCheck check;
};
constexpr auto rulings = std::to_array<Ruling>({
    {"dmarc", "pass", false, SenderCheck::pass},
    {"dmarc", "fail", false, SenderCheck::fail},
    {"dkim", "pass", true, SenderCheck::pass},
    {"spf", "pass", true, SenderCheck::pass},
    {"spf", "fail", false, SenderCheck::fail},
    {"spf", "softfail", false, SenderCheck::fail},
});

}  // namespace

std::optional<AuthenticationResults> parse_authentication_results(std::string_view value) {
  Reader reader(value);
  AuthenticationResults results;
  results.server = reader.word("=");
  if (results.server.empty() || results.server.size() > authserv_id_size_max) return std::nullopt;
  // authres-version; every version so far reads the same.
  if (!reader.at_end() && !reader.take(';')) {
    if (!is_digits(reader.word("=")) || (!reader.at_end() && !reader.take(';'))) return std::nullopt;
  }
  while (!reader.at_end()) {
    AuthenticationMethod method;
    method.method = reader.word("=/");
    if (ascii_equal_nocase(method.method, "none") && reader.at_end()) break;
    if (reader.take('/') && !is_digits(reader.word("="))) return std::nullopt;
    if (method.method.empty() || !reader.take('=')) return std::nullopt;
    method.result = reader.word("=");
    if (method.result.empty()) return std::nullopt;
    // reason="..." and ptype.property=value; what is neither ends the field.
    while (!reader.at_end() && !reader.take(';')) {
      const std::string_view property = reader.word("=");
      if (property.empty() || !reader.take('=')) return std::nullopt;
      std::string_view found = reader.word("");
      const bool is_domain =
          std::ranges::any_of(domain_properties, [&](std::string_view one) { return ascii_equal_nocase(one, property); });
      if (!is_domain) continue;
      if (const std::size_t at = found.rfind('@'); at != std::string_view::npos) found.remove_prefix(at + 1);
      // The first is the one that the method is about: DKIM writes d before i.
      if (method.domain.empty()) method.domain = found;
    }
    if (results.methods.size() < authentication_methods_max) results.methods.push_back(method);
  }
  if (reader.bad()) return std::nullopt;
  return results;
}

SenderAuthentication authentication_of(const Part& mail) {
  SenderAuthentication found;
  std::vector<AuthenticationMethod> methods;
  std::size_t fields = 0;
  for (const Field& field : mail.fields) {
    if (!ascii_equal_nocase(field.name, "Authentication-Results")) {
      if (fields > 0) break;
      continue;
    }
    const auto results = parse_authentication_results(field.value);
    if (!results || ++fields > authentication_fields_max) break;
    if (fields > 1 && !ascii_equal_nocase(results->server, found.server)) break;
    found.server = results->server;
    methods.insert(methods.end(), results->methods.begin(), results->methods.end());
  }
  for (char& c : found.server) c = ascii_lower(c);
  const auto from = parse_mailboxes(mail.field("From"));
  // RFC 7489 §6.6.1: several authors have no domain that could be asked.
  if (from.size() > 1 || methods.empty()) return found;
  const std::string_view domain = from.empty() ? std::string_view() : std::string_view(from.front().domain);
  for (const Ruling& ruling : rulings) {
    const bool rules = std::ranges::any_of(methods, [&](const AuthenticationMethod& one) {
      return ascii_equal_nocase(one.method, ruling.method) && ascii_equal_nocase(one.result, ruling.result) &&
             (!ruling.needs_alignment || is_aligned(one.domain, domain));
    });
    if (!rules) continue;
    found.check = ruling.check;
    return found;
  }
  return found;
}

std::string to_string(const SenderAuthentication& found) {
  return found.server.empty() ? std::string() : found.server + ' ' + std::string(to_string(found.check));
}

SenderCheck trusted_check(std::string_view text, std::span<const std::string> trusted) {
  const std::size_t space = text.rfind(' ');
  if (space == std::string_view::npos) return SenderCheck::unknown;
  if (std::ranges::none_of(trusted, [&](const std::string& one) { return ascii_equal_nocase(one, text.substr(0, space)); }))
    return SenderCheck::unknown;
  const std::string_view word = text.substr(space + 1);
  return word == "pass" ? SenderCheck::pass : word == "fail" ? SenderCheck::fail : SenderCheck::unknown;
}

}  // namespace pushmail::mime

#include "core/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

#include "core/ascii.h"
#include "core/endpoint.h"
#include "core/errors.h"

namespace pushmail::tls {

namespace {

struct FreeContext {
  void operator()(SSL_CTX* owned) const { SSL_CTX_free(owned); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

}  // namespace

struct ClientSettings::State {
  Context context;
  std::optional<Certificate> own{};
};

struct ServerSettings::State {
  Context context;
  Certificate own{};
};

struct Session::State {
  struct Free {
    void operator()(SSL* owned) const { SSL_free(owned); }
  };
  std::unique_ptr<SSL, Free> ssl;
  BIO* in = nullptr;   // owned by ssl
  BIO* out = nullptr;  // owned by ssl

  void use_memory() {
    in = BIO_new(BIO_s_mem());
    out = BIO_new(BIO_s_mem());
    PM_CHECK(in != nullptr && out != nullptr);
    // An empty memory BIO means "later", not "end".
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl.get(), in, out);
  }
};

namespace {

int size_for_openssl(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

// What OpenSSL finds, as a row of ours: certificates by the result of the verification, the rest by the reason in its error queue.
struct Finding {
  int code;
  const ErrorInfo& row;
};
constexpr auto verdicts = std::to_array<Finding>({
    {X509_V_ERR_CERT_HAS_EXPIRED, core_tls_expired},
    {X509_V_ERR_CERT_NOT_YET_VALID, core_tls_expired},
    {X509_V_ERR_HOSTNAME_MISMATCH, core_tls_wrong_name},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, core_tls_wrong_name},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, core_tls_unknown_authority},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, core_tls_unknown_authority},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, core_tls_unknown_authority},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, core_tls_unknown_authority},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, core_tls_unknown_authority},
});
constexpr auto reasons = std::to_array<Finding>({
    {SSL_R_HTTP_REQUEST, core_tls_not_tls},
    {SSL_R_HTTPS_PROXY_REQUEST, core_tls_not_tls},
    {SSL_R_WRONG_VERSION_NUMBER, core_tls_not_tls},
    {SSL_R_BAD_RECORD_TYPE, core_tls_not_tls},
    {SSL_R_PACKET_LENGTH_TOO_LONG, core_tls_not_tls},
    {SSL_R_RECORD_LENGTH_MISMATCH, core_tls_not_tls},
    {SSL_R_UNSUPPORTED_PROTOCOL, core_tls_version},
    {SSL_R_VERSION_TOO_LOW, core_tls_version},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, core_tls_version},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, core_tls_ours_refused},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, core_tls_ours_refused},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, core_tls_ours_refused},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, core_tls_ours_refused},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, core_tls_ours_refused},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, core_tls_ours_refused},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, core_tls_ours_refused},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, core_tls_ours_refused},
});

template <class Table>
const ErrorInfo& row_of(const Table& table, int code, const ErrorInfo& otherwise) {
  for (const Finding& finding : table) {
    if (finding.code == code) return finding.row;
  }
  return otherwise;
}

/// Null: OpenSSL could not.
Context make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  Context made(SSL_CTX_new(method));
  SSL_CTX* context = made.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return {};
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A mailbox that waits in IDLE for hours keeps no record buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return made;
}

struct FreeBio {
  void operator()(BIO* owned) const { BIO_free(owned); }
};
struct FreeStoreContext {
  void operator()(X509_STORE_CTX* owned) const { X509_STORE_CTX_free(owned); }
};
struct FreeCertificate {
  void operator()(X509* owned) const { X509_free(owned); }
};

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, FreeBio> text(BIO_new(BIO_s_mem()));
  if (text == nullptr) return {};
  // A stranger's words: control bytes and what is no UTF-8 are escaped.
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  std::string subject(BIO_ctrl_pending(text.get()), ' ');
  if (!subject.empty()) BIO_read(text.get(), subject.data(), size_for_openssl(subject.size()));
  return subject;
}

Timestamp end_of(const X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return {};
  return {static_cast<std::int64_t>(::timegm(&parts)) * 1'000'000};
}

std::string fingerprint_of(const X509* certificate) {
  std::array<std::uint8_t, 32> digest{};
  unsigned size = 0;
  return X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1 ? to_hex(digest) : std::string();
}

std::string text_of_name(const ASN1_STRING* name) {
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(name));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)), size};
}

struct FreeNames {
  void operator()(GENERAL_NAMES* owned) const { GENERAL_NAMES_free(owned); }
};

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_DNS) names.push_back(text_of_name(name->d.dNSName));
  }
  if (!names.empty()) return names;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) names.push_back(text_of_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return names;
}

Certificate facts_of(const X509* certificate) {
  Certificate facts{.subject = subject_of(certificate),
                    .ends = end_of(certificate),
                    .fingerprint = fingerprint_of(certificate),
                    .names = names_of(certificate)};
  ERR_clear_error();
  return facts;
}

bool use_certificate(SSL_CTX* context, const CertificateFiles& own) {
  const bool used = SSL_CTX_use_certificate_chain_file(context, own.certificate.c_str()) == 1 &&
                    SSL_CTX_use_PrivateKey_file(context, own.key.c_str(), SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(context) == 1;
  ERR_clear_error();
  return used;
}

}  // namespace

std::string fingerprint_of(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_between = text[i] == ':' && !digits.empty() && digits.size() % 2 == 0 && i + 1 < text.size();
    if (!is_between) digits += ascii_lower(text[i]);
  }
  return digits.size() == 64 && from_hex(digits).size() == 32 ? digits : std::string();
}

Result<ServerSettings> ServerSettings::load(const CertificateFiles& own, AskClients asks) {
  auto state = std::make_shared<State>();
  state->context = make_context(TLS_server_method());
  SSL_CTX* context = state->context.get();
  if (context == nullptr || !use_certificate(context, own)) return fail(core_tls_setup);
  state->own = facts_of(SSL_CTX_get0_certificate(context));
  // Tickets alone resume a session: nothing is kept for a client that has gone.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (asks == AskClients::yes) {
    // Judged by refusal_of, for each that it may be: a wrong one costs nobody his connection who need not show any.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    // A resumed session has no chain, and would go on with what was trusted when it began.
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }
  return ServerSettings(std::move(state));
}

Result<ClientSettings> ClientSettings::load(const std::filesystem::path& authorities, const std::filesystem::path& extra_authorities,
                                            const CertificateFiles& own) {
  PM_TRY(auto settings, load(authorities, extra_authorities));
  SSL_CTX* context = settings.state_->context.get();
  if (!use_certificate(context, own)) return fail(core_tls_setup);
  settings.state_->own = facts_of(SSL_CTX_get0_certificate(context));
  return settings;
}

const std::optional<Certificate>& ClientSettings::own() const { return state_->own; }
const Certificate& ServerSettings::own() const { return state_->own; }

Result<ClientSettings> ClientSettings::load(const std::filesystem::path& authorities, const std::filesystem::path& extra_authorities) {
  auto state = std::make_shared<State>();
  state->context = make_context(TLS_client_method());
  SSL_CTX* context = state->context.get();
  if (context == nullptr) return fail(core_tls_setup);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);

  const bool has_extra = !extra_authorities.empty();
  if (SSL_CTX_load_verify_file(context, authorities.c_str()) != 1 && !has_extra) return fail(core_tls_setup);
  if (has_extra && SSL_CTX_load_verify_file(context, extra_authorities.c_str()) != 1) return fail(core_tls_setup);
  ERR_clear_error();
  return ClientSettings(std::move(state));
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::open(const ClientSettings& settings, std::string_view name) {
  if (name.empty()) return fail(core_tls_name);
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->ssl.reset(SSL_new(settings.state_->context.get()));
  SSL* ssl = state->ssl.get();
  if (ssl == nullptr) return fail(core_tls_setup);

  const std::string host(name);
  X509_VERIFY_PARAM* checks = SSL_get0_param(ssl);
  if (parse_ip(name)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) != 1) return fail(core_tls_name);
  } else {
    // RFC 6125 §6.4.3: a wildcard stands for one whole label.
    X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(checks, host.data(), host.size()) != 1) return fail(core_tls_name);
    if (SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) return fail(core_tls_name);
  }

  state->use_memory();
  SSL_set_connect_state(ssl);
  return Session(std::move(state));
}

Result<Session> Session::open(const ServerSettings& settings) {
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->ssl.reset(SSL_new(settings.state_->context.get()));
  if (state->ssl == nullptr) return fail(core_tls_setup);
  state->use_memory();
  SSL_set_accept_state(state->ssl.get());
  return Session(std::move(state));
}

void Session::receive(ByteView wire) {
  while (!wire.empty()) {
    const int taken = BIO_write(state_->in, wire.data(), size_for_openssl(wire.size()));
    PM_CHECK(taken > 0);
    wire = wire.subspan(static_cast<std::size_t>(taken));
  }
}

Bytes Session::take_wire() {
  Bytes wire(BIO_ctrl_pending(state_->out));
  if (!wire.empty()) {
    const int taken = BIO_read(state_->out, wire.data(), size_for_openssl(wire.size()));
    wire.resize(taken > 0 ? static_cast<std::size_t>(taken) : 0);
  }
  return wire;
}

// The reason stands in the thread's error queue or in the verification result, and must be taken before anything else runs.
Error Session::note(const ErrorInfo& fallback) {
  const long verdict = SSL_get_verify_result(state_->ssl.get());
  // A client's certificate ends no handshake of ours.
  if (verdict != X509_V_OK && SSL_is_server(state_->ssl.get()) == 0) {
    reason_ = X509_verify_cert_error_string(verdict);
    failure_ = &row_of(verdicts, static_cast<int>(verdict), core_tls_certificate);
    ERR_clear_error();
    return Error{&core_tls_certificate};
  }
  failure_ = &row_of(reasons, ERR_GET_REASON(ERR_peek_error()), fallback);
  const char* text = ERR_reason_error_string(ERR_peek_error());
  reason_ = text != nullptr ? text : fallback.text;
  ERR_clear_error();
  return Error{&fallback};
}

Result<Handshake> Session::handshake() {
  ERR_clear_error();
  const int answer = SSL_do_handshake(state_->ssl.get());
  if (answer == 1) return Handshake::done;
  if (SSL_get_error(state_->ssl.get(), answer) == SSL_ERROR_WANT_READ) return Handshake::needs_wire;
  return std::unexpected(note(core_tls_handshake));
}

std::optional<Certificate> Session::peer_certificate() const {
  const std::unique_ptr<X509, FreeCertificate> shown(SSL_get1_peer_certificate(state_->ssl.get()));
  return shown == nullptr ? std::nullopt : std::optional(facts_of(shown.get()));
}

const ErrorInfo* Session::refusal_of(const ClientCheck& check) const {
  const std::unique_ptr<X509, FreeCertificate> shown(SSL_get1_peer_certificate(state_->ssl.get()));
  if (shown == nullptr) return &core_tls_no_certificate;
  const Certificate facts = facts_of(shown.get());
  if (check.wanted.starts_with(fingerprint_prefix)) {
    if (facts.fingerprint != fingerprint_of(std::string_view(check.wanted).substr(fingerprint_prefix.size()))) return &core_tls_wrong_name;
    const bool is_valid =
        X509_cmp_current_time(X509_get0_notBefore(shown.get())) < 0 && X509_cmp_current_time(X509_get0_notAfter(shown.get())) > 0;
    return is_valid ? nullptr : &core_tls_expired;
  }
  const bool has_name = std::ranges::any_of(facts.names, [&](const std::string& name) { return ascii_equal_nocase(name, check.wanted); });
  if (!has_name || !check.trust) return &core_tls_wrong_name;
  const std::unique_ptr<X509_STORE_CTX, FreeStoreContext> judge(X509_STORE_CTX_new());
  X509_STORE* trusted = SSL_CTX_get_cert_store(check.trust->state_->context.get());
  if (judge == nullptr || X509_STORE_CTX_init(judge.get(), trusted, shown.get(), SSL_get_peer_cert_chain(state_->ssl.get())) != 1 ||
      X509_STORE_CTX_set_default(judge.get(), "ssl_client") != 1)
    return &core_tls_setup;
  const bool is_trusted = X509_verify_cert(judge.get()) == 1;
  const int verdict = X509_STORE_CTX_get_error(judge.get());
  ERR_clear_error();
  return is_trusted ? nullptr : &row_of(verdicts, verdict, core_tls_certificate);
}

Result<std::size_t> Session::read(MutableBytes into) {
  if (into.empty()) return std::size_t{0};
  ERR_clear_error();
  const int answer = SSL_read(state_->ssl.get(), into.data(), size_for_openssl(into.size()));
  if (answer > 0) return static_cast<std::size_t>(answer);
  switch (SSL_get_error(state_->ssl.get(), answer)) {
    case SSL_ERROR_WANT_READ:
      return std::size_t{0};
    case SSL_ERROR_ZERO_RETURN:
      reason_ = core_tls_closed.text;
      failure_ = &core_tls_closed;
      return fail(core_tls_closed);
    default:
      return std::unexpected(note(core_tls_broken));
  }
}

bool Session::has_unread() const { return SSL_pending(state_->ssl.get()) > 0 || BIO_ctrl_pending(state_->in) > 0; }

Result<void> Session::write(ByteView plain) {
  while (!plain.empty()) {
    ERR_clear_error();
    const int answer = SSL_write(state_->ssl.get(), plain.data(), size_for_openssl(plain.size()));
    // The outgoing memory BIO takes everything, and renegotiation is off: a write never waits.
    if (answer <= 0) return std::unexpected(note(core_tls_broken));
    plain = plain.subspan(static_cast<std::size_t>(answer));
  }
  return {};
}

void Session::close() {
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

}  // namespace pushmail::tls

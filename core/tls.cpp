#include "core/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <limits>

#include "core/endpoint.h"
#include "core/errors.h"

namespace pushmail::tls {

struct ClientSettings::State {
  struct Free {
    void operator()(SSL_CTX* owned) const { SSL_CTX_free(owned); }
  };
  std::unique_ptr<SSL_CTX, Free> context;
};

struct Client::State {
  struct Free {
    void operator()(SSL* owned) const { SSL_free(owned); }
  };
  std::unique_ptr<SSL, Free> ssl;
  BIO* in = nullptr;   // owned by ssl
  BIO* out = nullptr;  // owned by ssl
};

namespace {

int size_for_openssl(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

}  // namespace

Result<ClientSettings> ClientSettings::load(const std::filesystem::path& authorities, const std::filesystem::path& extra_authorities) {
  ERR_clear_error();
  auto state = std::make_shared<State>();
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = state->context.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return fail(core_tls_setup);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A mailbox that waits in IDLE for hours keeps no record buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);

  const bool has_extra = !extra_authorities.empty();
  if (SSL_CTX_load_verify_file(context, authorities.c_str()) != 1 && !has_extra) return fail(core_tls_setup);
  if (has_extra && SSL_CTX_load_verify_file(context, extra_authorities.c_str()) != 1) return fail(core_tls_setup);
  ERR_clear_error();
  return ClientSettings(std::move(state));
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(const ClientSettings& settings, std::string_view name) {
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

  state->in = BIO_new(BIO_s_mem());
  state->out = BIO_new(BIO_s_mem());
  PM_CHECK(state->in != nullptr && state->out != nullptr);
  // An empty memory BIO means "later", not "end".
  BIO_set_mem_eof_return(state->in, -1);
  BIO_set_mem_eof_return(state->out, -1);
  SSL_set_bio(ssl, state->in, state->out);
  SSL_set_connect_state(ssl);
  return Client(std::move(state));
}

void Client::receive(ByteView wire) {
  while (!wire.empty()) {
    const int taken = BIO_write(state_->in, wire.data(), size_for_openssl(wire.size()));
    PM_CHECK(taken > 0);
    wire = wire.subspan(static_cast<std::size_t>(taken));
  }
}

Bytes Client::take_wire() {
  Bytes wire(BIO_ctrl_pending(state_->out));
  if (!wire.empty()) {
    const int taken = BIO_read(state_->out, wire.data(), size_for_openssl(wire.size()));
    wire.resize(taken > 0 ? static_cast<std::size_t>(taken) : 0);
  }
  return wire;
}

// The reason stands in the thread's error queue or in the verification result, and must be taken before anything else runs.
Error Client::note(const ErrorInfo& fallback) {
  const long verdict = SSL_get_verify_result(state_->ssl.get());
  if (verdict != X509_V_OK) {
    reason_ = X509_verify_cert_error_string(verdict);
    ERR_clear_error();
    return Error{&core_tls_certificate};
  }
  const char* text = ERR_reason_error_string(ERR_peek_error());
  reason_ = text != nullptr ? text : fallback.text;
  ERR_clear_error();
  return Error{&fallback};
}

Result<Handshake> Client::handshake() {
  ERR_clear_error();
  const int answer = SSL_do_handshake(state_->ssl.get());
  if (answer == 1) return Handshake::done;
  if (SSL_get_error(state_->ssl.get(), answer) == SSL_ERROR_WANT_READ) return Handshake::needs_wire;
  return std::unexpected(note(core_tls_handshake));
}

Result<std::size_t> Client::read(MutableBytes into) {
  if (into.empty()) return std::size_t{0};
  ERR_clear_error();
  const int answer = SSL_read(state_->ssl.get(), into.data(), size_for_openssl(into.size()));
  if (answer > 0) return static_cast<std::size_t>(answer);
  switch (SSL_get_error(state_->ssl.get(), answer)) {
    case SSL_ERROR_WANT_READ:
      return std::size_t{0};
    case SSL_ERROR_ZERO_RETURN:
      reason_ = core_tls_closed.text;
      return fail(core_tls_closed);
    default:
      return std::unexpected(note(core_tls_broken));
  }
}

bool Client::has_unread() const { return SSL_pending(state_->ssl.get()) > 0 || BIO_ctrl_pending(state_->in) > 0; }

Result<void> Client::write(ByteView plain) {
  while (!plain.empty()) {
    ERR_clear_error();
    const int answer = SSL_write(state_->ssl.get(), plain.data(), size_for_openssl(plain.size()));
    // The outgoing memory BIO takes everything, and renegotiation is off: a write never waits.
    if (answer <= 0) return std::unexpected(note(core_tls_broken));
    plain = plain.subspan(static_cast<std::size_t>(answer));
  }
  return {};
}

void Client::close() {
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

}  // namespace pushmail::tls

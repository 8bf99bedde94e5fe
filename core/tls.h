// TLS as bytes in, bytes out: OpenSSL over memory BIOs, so that sockets, our own TCP and tests use the same code.
//
// Came from: whoever owns the connection hands over what the network gave (`receive`) and sends what `take_wire` returns. Goes to:
// controlplane/fetcher and dataplane/tls. A client checks chain and name always; there is no switch for that. TLS 1.2 is the least (RFC
// 8996).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail::tls {

/// Debian's bundle of certification authorities (package ca-certificates).
inline constexpr std::string_view system_authorities = "/etc/ssl/certs/ca-certificates.crt";

/// PEM files: a certificate, with those between it and its authority behind it, and its key. Read once, by load().
struct CertificateFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

/// What a certificate says of itself.
struct Certificate {
  std::string subject{};             // CN=mmsc.example.net,O=Example
  Timestamp ends{};                  // notAfter
  std::string fingerprint{};         // SHA-256 of the whole certificate, 64 hex digits
  std::vector<std::string> names{};  // DNS names that it is for; where it has none, its common name
};

/// What a client trusts and how it speaks; made once at start, shared by all its connections.
class ClientSettings {
 public:
  /// Trusts the PEM file `authorities` and, when not empty, `extra_authorities` beside it. A missing `authorities` is an error only
  /// when there is no extra file.
  [[nodiscard]] static Result<ClientSettings> load(const std::filesystem::path& authorities,
                                                   const std::filesystem::path& extra_authorities);
  /// The same, and shows `own` to servers that ask who we are.
  [[nodiscard]] static Result<ClientSettings> load(const std::filesystem::path& authorities, const std::filesystem::path& extra_authorities,
                                                   const CertificateFiles& own);
  /// The one that we show; nothing: none.
  [[nodiscard]] const std::optional<Certificate>& own() const;

 private:
  friend class Session;
  struct State;
  explicit ClientSettings(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// The certificate that a client has to show to be somebody.
struct ClientCheck {
  std::string wanted{};                   // one of its DNS names, or `sha256:` and its fingerprint
  std::optional<ClientSettings> trust{};  // whose authorities it must come from; a fingerprint needs none
};
inline constexpr std::string_view fingerprint_prefix = "sha256:";
/// 64 hex digits in lower case, of digits that may stand in pairs with colons between; empty: it is none.
[[nodiscard]] std::string fingerprint_of(std::string_view text);

/// Whether a server asks its clients for a certificate. Which of them need one is another's matter: whoever has none, or a wrong one, is
/// let in, and proves nothing.
enum class AskClients : std::uint8_t { no, yes };

/// Whom a server is; shared by all its connections.
class ServerSettings {
 public:
  /// core_tls_setup: a file cannot be read, or the key is not the certificate's.
  [[nodiscard]] static Result<ServerSettings> load(const CertificateFiles& own, AskClients asks = AskClients::no);
  /// The one that we show.
  [[nodiscard]] const Certificate& own() const;

 private:
  friend class Session;
  struct State;
  explicit ServerSettings(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

enum class Handshake : std::uint8_t { needs_wire, done };

/// One side of one connection. After any error only take_wire() (the alert) is of use.
class Session {
 public:
  /// The client's side. `name`: the host name, or IP address, that the certificate must carry; sent as SNI when it is a name.
  [[nodiscard]] static Result<Session> open(const ClientSettings& settings, std::string_view name);
  /// The server's side.
  [[nodiscard]] static Result<Session> open(const ServerSettings& settings);

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Bytes that came from the network.
  void receive(ByteView wire);
  /// Bytes that must go to the network now; call after each of the functions below.
  [[nodiscard]] Bytes take_wire();

  [[nodiscard]] Result<Handshake> handshake();
  /// What the other side has shown, once the handshake is done; nothing: no certificate.
  [[nodiscard]] std::optional<Certificate> peer_certificate() const;
  /// Null: the client has shown the certificate that is wanted. Else why not. Once the handshake is done, on the server's side.
  [[nodiscard]] const ErrorInfo* refusal_of(const ClientCheck& check) const;
  /// Plaintext; 0: more wire bytes are needed first. core_tls_closed: the peer said goodbye.
  [[nodiscard]] Result<std::size_t> read(MutableBytes into);
  /// Bytes were received that read() has not looked at yet.
  [[nodiscard]] bool has_unread() const;
  [[nodiscard]] Result<void> write(ByteView plain);
  /// Says goodbye (close_notify).
  void close();

  /// Why the last error happened, for people; no secrets.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// The row of core/errors.h that says it best; null: there was no error.
  [[nodiscard]] const ErrorInfo* failure() const { return failure_; }

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  [[nodiscard]] Error note(const ErrorInfo& fallback);
  std::unique_ptr<State> state_;
  std::string reason_;
  const ErrorInfo* failure_ = nullptr;
};

}  // namespace pushmail::tls

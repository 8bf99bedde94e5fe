#include "scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/result.h"

// libetpan forgets the 42 bytes of a greeting that is BYE, which one of the tests sends.
// NOLINTNEXTLINE(readability-identifier-naming,bugprone-reserved-identifier): LeakSanitizer's name.
extern "C" const char* __lsan_default_suppressions() { return "leak:mailimap_greeting_new\nleak:mailimap_resp_\n"; }

namespace pushmail::test {

struct Peer::Tls {
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  ~Tls() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
};

Peer::Peer(int descriptor) : descriptor_(descriptor) {
  // A client that hangs must not hang the test program.
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  // Scripts send an answer in several pieces.
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Peer::~Peer() {
  if (tls_) SSL_shutdown(tls_->ssl);
  tls_.reset();
  close(descriptor_);
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent;
    if (tls_) {
      sent = SSL_write(tls_->ssl, bytes.data(), static_cast<int>(bytes.size()));
    } else {
      sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string Peer::line() {
  while (true) {
    const std::size_t end = buffer_.find("\r\n");
    if (end != std::string::npos) {
      std::string found = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      lines_.push_back(found);
      return found;
    }
    char piece[4096];
    const ssize_t got = tls_ ? SSL_read(tls_->ssl, piece, sizeof piece) : recv(descriptor_, piece, sizeof piece, 0);
    if (got <= 0) return {};
    buffer_.append(piece, static_cast<std::size_t>(got));
  }
}

bool Peer::expect(std::string_view part) {
  const std::string got = line();
  tag_ = got.substr(0, got.find(' '));
  return !got.empty() && got.find(part) != std::string::npos;
}

bool Peer::start_tls(const std::string& certificate_file, const std::string& key_file) {
  auto tls = std::make_unique<Tls>();
  tls->context = SSL_CTX_new(TLS_server_method());
  PM_CHECK(SSL_CTX_use_certificate_chain_file(tls->context, certificate_file.c_str()) == 1);
  PM_CHECK(SSL_CTX_use_PrivateKey_file(tls->context, key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  tls->ssl = SSL_new(tls->context);
  SSL_set_fd(tls->ssl, descriptor_);
  if (SSL_accept(tls->ssl) != 1) return false;
  tls_ = std::move(tls);
  return true;
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  PM_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  PM_CHECK(listen(listener_, 16) == 0);
  socklen_t size = sizeof address;
  PM_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void ScriptedServer::serve() {
  while (true) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    Peer peer(descriptor);
    {
      const std::lock_guard lock(mutex_);
      ++connections_;
    }
    script_(peer);
    const std::lock_guard lock(mutex_);
    heard_.insert(heard_.end(), peer.lines().begin(), peer.lines().end());
    ++finished_;
    changed_.notify_all();
  }
}

Endpoint ScriptedServer::endpoint() const { return {.ip = IpAddress::v4(INADDR_LOOPBACK), .port = port_}; }

int ScriptedServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::vector<std::string> ScriptedServer::heard() const {
  std::unique_lock lock(mutex_);
  // The client may be done before its last conversation has been written down.
  changed_.wait_for(lock, std::chrono::seconds(30), [this] { return finished_ == connections_; });
  return heard_;
}

bool ScriptedServer::heard_anything_like(std::string_view part) const {
  for (const std::string& line : heard()) {
    if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace pushmail::test

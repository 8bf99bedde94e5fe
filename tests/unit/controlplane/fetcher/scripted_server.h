// A mail server made of a script: one listening socket on loopback, one thread, one function per connection. Blocking, so that a
// script reads like the transcript that it is.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/endpoint.h"

namespace pushmail::test {

/// One client as the script sees it.
class Peer {
 public:
  explicit Peer(int descriptor);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// False when the client has gone.
  bool send(std::string_view bytes);
  /// The next line without CRLF; empty at the end of the stream.
  std::string line();
  /// Reads a line that must contain `part`, remembers its first word as the tag; false (and the script should return) when not.
  bool expect(std::string_view part);
  /// `<tag of the last expect> <text>\r\n`
  bool answer(std::string_view text) { return send(tag_ + " " + std::string(text) + "\r\n"); }
  /// The server's side of TLS, from here on. False when the client did not want it.
  bool start_tls(const std::string& certificate_file, const std::string& key_file);
  /// Every line that came, the client's half of the transcript.
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  struct Tls;
  int descriptor_;
  std::unique_ptr<Tls> tls_;
  std::string buffer_;
  std::string tag_;
  std::vector<std::string> lines_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;
  /// Runs `script` for each connection in turn, until destroyed.
  explicit ScriptedServer(Script script);
  ~ScriptedServer();

  [[nodiscard]] Endpoint endpoint() const;
  [[nodiscard]] int connections() const;
  /// What the clients said, line by line, connections joined. Call when the client is done.
  [[nodiscard]] std::vector<std::string> heard() const;
  [[nodiscard]] bool heard_anything_like(std::string_view part) const;

 private:
  void serve();
  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int connections_ = 0;
  int finished_ = 0;
  std::vector<std::string> heard_;
  std::thread thread_;
};

}  // namespace pushmail::test

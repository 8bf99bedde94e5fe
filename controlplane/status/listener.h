// HTTP/1.1 for monitoring: /metrics, /livez, /readyz on a listener of its own (key metrics.listen).
//
// Came from: Prometheus, a load balancer. Goes to: the page function of the plane. GET and HEAD alone, no body, one request a connection;
// 16 connections, heads of 4 KiB, 10 s. A port that cannot be had is tried again every 5 s, and error() says why: monitoring that fails
// stops no message. Threads: one, the io_context's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.h"

namespace boost::asio {
class io_context;
}

namespace pushmail::status {

struct Page {
  int status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body{};
};

class Listener {
 public:
  /// Nothing: there is no such page.
  using Pages = std::function<std::optional<Page>(std::string_view path)>;
  [[nodiscard]] static std::shared_ptr<Listener> make(boost::asio::io_context& context, const Endpoint& at, Pages pages);
  virtual ~Listener() = default;
  virtual void start() = 0;
  /// Ends it with every connection; pages are asked for no more.
  virtual void stop() = 0;
  /// Empty while it listens.
  [[nodiscard]] virtual const std::string& error() const = 0;
  /// 0 while it does not listen.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace pushmail::status

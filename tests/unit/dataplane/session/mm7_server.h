// The MM7 service behind its HTTP server, as a worker has them: answers go by both.
#pragma once

#include <vector>

#include "dataplane/session/http_server.h"
#include "dataplane/session/mm7_service.h"

namespace pushmail::test {

struct Mm7ServerSettings : HttpServerSettings {
  std::vector<HttpPeer> peers;
  BudgetLimits wrong_passwords = Mm7Service::wrong_passwords_usual;
};

class Mm7Server {
 public:
  Mm7Server(const Mm7ServerSettings& settings, Mm7Sink& sink, const Clock& clock)
      : service_(sink, settings.wrong_passwords), server_(settings, service_, clock) {
    set_peers(settings.peers);
  }

  void set_peers(std::vector<HttpPeer> peers) {
    service_.set_peers(std::move(peers));
    server_.set_groups(service_.groups());
  }
  void answer(Ticket ticket, const mm7::Status& status) { server_.answer(ticket, service_.reply_of(ticket, status)); }

  [[nodiscard]] HttpServer& http() { return server_; }
  [[nodiscard]] Mm7Service& service() { return service_; }

 private:
  Mm7Service service_;
  HttpServer server_;
};

}  // namespace pushmail::test

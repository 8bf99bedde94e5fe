// The control plane put together: every part, and which record of which socket goes to which part. Read this first.
//
//   fetchers   --records--> WatchedMailboxes  |
//                       --> Switchboard       +--> Store <-- Notifier <--> bearers ----SMS----> Switchboard
//   data plane --records--> Switchboard       |
//   pushmailctl --HTTP----> Api               |
//
// What follows from what inside the flows of items, and where it leaves them: switchboard.h.
//
// Came from: fetcher_processes (what happens in mailboxes), handoff_client (what the data plane does), the SMSC, the API. Goes to: the part
// of the picture that the kind of record belongs to.
// Threads: one; the store is synced by another, and what leaves by a socket waits for it (store/durability.h).
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "controlplane/binding/seal.h"
#include "controlplane/settings.h"
#include "controlplane/store/durability.h"
#include "controlplane/store/store.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/start_error.h"

namespace boost::asio {
class io_context;
}

namespace pushmail {

class Plane {
 public:
  struct Options {
    std::filesystem::path fetcher_program{};
    std::filesystem::path fetcher_socket{};  // of a service manager that starts them; empty: we do
    Config config{};                         // that the settings come from
  };
  /// Opens what must be there at start (DNS configuration, API socket); the text says what is missing.
  [[nodiscard]] static std::expected<std::unique_ptr<Plane>, StartError> open(boost::asio::io_context& context, const Clock& clock,
                                                                              Settings settings, Store& store, Durability& durability,
                                                                              Sealer& sealer, Options options);
  virtual ~Plane() = default;
  virtual void start() = 0;
  /// Takes the configuration anew, and the other programs with it (reloading.h); what came of it is in the log.
  virtual void reload() = 0;
  /// Requests of the API that are under way are answered first, within timers::api_drain; then sessions end in good order, and the context
  /// runs dry when nothing is left to wait for.
  virtual void stop() = 0;
};

}  // namespace pushmail

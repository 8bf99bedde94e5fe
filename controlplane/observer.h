// Sees how every part does, and says it as one Status: for `pushmailctl status`, /readyz and /metrics.
//
// Came from: the records that pass through the plane, and the parts themselves, which tick() asks once a second. Goes to: the API and the
// listener. A peer or smart host fails when a try with it failed, and works when one was answered, by whatever StatusCode: between two
// tries nobody knows more. Threads: one.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/fetcher_processes.h"
#include "controlplane/handoff_client.h"
#include "controlplane/notify/notifier.h"
#include "controlplane/settings.h"
#include "controlplane/status/health.h"
#include "controlplane/status/status.h"
#include "controlplane/store/store.h"
#include "core/clock.h"
#include "core/record.h"

namespace pushmail {

class Observer {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    const FetcherProcesses& fetchers;
    const HandoffClient& data_plane;
    const notify::Notifier& notifier;
    std::function<std::size_t()> transfers{};
    /// Empty while the listener listens, else why not.
    std::function<std::string()> listener_error{};
    /// Why the configuration on disk was not taken when it was read last; empty: it was.
    std::function<std::string()> reload_refusal{};
    /// Keys whose values on disk wait for the next start.
    std::function<std::vector<std::string>()> at_restart{};
  };
  explicit Observer(Ports ports);

  void tick();
  /// The settings have changed: peers may have come and gone.
  void on_settings();
  /// A record of the kind `event`.
  void on_event(const RecordView& record);
  /// A peer that the data plane paused until then, and why; 0: it goes on.
  void on_pause(std::string_view peer, Timestamp until, std::string_view reason);
  /// A record of the kind `certificates`.
  void on_certificates(const RecordView& record);
  void on_resolved(const std::string& peer);
  void on_not_resolved(const std::string& peer, std::string_view reason);

  struct Pause {
    Timestamp until{};
    std::string reason{};
  };
  /// Nothing where it is not paused now.
  [[nodiscard]] const Pause* pause_of(std::string_view peer) const;
  /// How tries with it end; null: there is no such peer.
  [[nodiscard]] const status::Health* tries_of(std::string_view peer) const;

  [[nodiscard]] status::Status look() const;
  /// The data plane's, or an error when there are none.
  [[nodiscard]] Result<CountersRead> counters() const;

 private:
  struct Leg {
    status::Health tries{};
    status::Health address{};  // of a name
    Pause pause{};
  };
  [[nodiscard]] Leg* leg_of(std::string_view peer, std::string_view next_hop);
  [[nodiscard]] status::Part data_plane(const Result<CountersRead>& counters) const;
  void add_bearers(std::vector<status::Part>& parts) const;
  [[nodiscard]] status::Part mmsc(const std::string& name, const Leg& leg) const;
  [[nodiscard]] status::Part configuration(const Result<CountersRead>& counters) const;

  Ports ports_;
  Timestamp started_{};
  std::map<std::string, Leg, std::less<>> peers_{};
  Leg smart_host_{};
  status::Health handoff_{}, listener_{};
  std::vector<status::Health> bearers_{};  // in the order of Settings::bearers
  std::vector<status::Health> fetchers_{};
  std::vector<status::CertificateEnd> certificates_{};
};

}  // namespace pushmail

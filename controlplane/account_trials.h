// Tries the mail account of a binding that is about to be made, so that what cannot work is refused while somebody is there to read why.
//
// Came from: the API (Hooks::try_account). Goes to: a fetcher (Kind::probe), which logs in, opens the folder and looks; its word, or the
// lack of one, comes back to the API. Nothing is stored. Invariant: each trial is answered once, within answer_time_max, never from inside
// start(). A host is resolved here, and only an address that the egress policy allows is tried.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "controlplane/api/api.h"
#include "controlplane/ports.h"
#include "controlplane/resolver.h"
#include "controlplane/settings.h"
#include "core/clock.h"

namespace pushmail {

class AccountTrials {
 public:
  struct Ports {
    const Clock& clock;
    const Settings& settings;
    Resolver& resolver;
    FetcherPort& fetchers;
  };
  explicit AccountTrials(Ports ports) : ports_(ports) {}

  /// `binding` as Bindings::check made it.
  void start(const Binding& binding, const std::string& password, std::function<void(api::AccountTrial)> reply);
  void on_probed(const RecordView& record);
  /// Ends what has taken too long.
  void tick();

 private:
  struct Trial {
    std::function<void(api::AccountTrial)> reply;
    Instant until{};
  };
  void probe(const std::string& name, const Binding& binding, const std::string& password, const Result<std::vector<IpAddress>>& addresses);
  void answer(const std::string& name, api::AccountTrial trial);

  Ports ports_;
  std::map<std::string, Trial, std::less<>> trials_;
  std::uint64_t last_ = 0;
};

}  // namespace pushmail

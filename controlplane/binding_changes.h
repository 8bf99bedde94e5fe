// What becomes of items under way when their binding is removed, suspended or resumed (README, D-6).
//
// Came from: the API and the phones (STOP, START), by way of the switchboard. Goes to: the store, Asking, Transfers. Threads: one.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/asking.h"
#include "controlplane/effects.h"
#include "controlplane/store/store.h"
#include "controlplane/transfers.h"
#include "core/clock.h"

namespace pushmail {

class BindingChanges {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    Asking& asking;
    Transfers& transfers;
  };
  explicit BindingChanges(Ports ports) : ports_(std::move(ports)) {}

  /// `binding` as it stands in the store now.
  [[nodiscard]] Effects on_changed(const Binding& binding);

 private:
  [[nodiscard]] Effects on_removed(std::string_view binding);
  [[nodiscard]] Effects on_suspended(std::string_view binding);
  [[nodiscard]] Effects on_resumed(std::string_view binding);
  template <typename Each>
  void for_each(std::string_view binding, std::vector<ItemState> states, Each each);

  Ports ports_;
};

}  // namespace pushmail

// A store that is durable when a test says so.
#pragma once

#include <deque>
#include <utility>

#include "controlplane/store/durability.h"

namespace pushmail {

class HeldDurability final : public Durability {
 public:
  bool held = false;
  void when_durable(std::move_only_function<void()> send) override {
    if (!held && waiting_.empty()) return send();
    waiting_.push_back(std::move(send));
  }
  /// Everything that waits leaves, and what comes later leaves at once.
  void release() {
    held = false;
    while (!waiting_.empty()) {
      auto send = std::move(waiting_.front());
      waiting_.pop_front();
      send();
    }
  }
  [[nodiscard]] bool is_waited_for() const { return !waiting_.empty(); }

 private:
  std::deque<std::move_only_function<void()>> waiting_;
};

}  // namespace pushmail

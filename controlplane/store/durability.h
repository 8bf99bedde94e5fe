// What leaves the process waits until what it rests on is on disk: the one rule that lets the store commit many changes at once.
//
// Came from: the sockets of this program, before they write (handoff_client, fetchers, notify/smpp_session, api/server). Goes to:
// GroupCommit. Seen from outside the store is as if every write had been synced before the next line ran. Threads: one, the event loop's.
#pragma once

#include <functional>

namespace pushmail {

class Durability {
 public:
  virtual ~Durability() = default;
  /// Runs `send` when everything written until now is on disk: at once if it is, else later from the event loop, in the order of the calls.
  /// Never, when the disk refuses it.
  virtual void when_durable(std::move_only_function<void()> send) = 0;
};

/// Of a store whose every write is on disk when it returns.
class AlreadyDurable final : public Durability {
 public:
  void when_durable(std::move_only_function<void()> send) override { send(); }
};

}  // namespace pushmail

// An MMSC that misbehaves as its table says: HTTP server for SubmitReq on a stack of its own.
//
// Came from: the simulated link. Goes to: the ledger, and `on_taken` for the delivery report that may follow. Strict where it reads: what
// is no POST with a Content-Length and a TransactionID is a failure of the simulation.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "dataplane/tcp/sim_link.h"
#include "dataplane/tcp/stack.h"
#include "tests/sim/edge/deeds.h"
#include "tests/sim/edge/ledger.h"
#include "tests/sim/edge/schedule.h"

namespace pushmail::edge {

/// What a report needs to name its message.
struct TakenMessage {
  std::string message_id;
  std::string recipient;  // as SubmitReq wrote them
  std::string sender;
};

class Mmsc final : public Acceptor {
 public:
  using OnTaken = std::function<void(const TakenMessage&)>;
  /// Whether a TransactionID that it has taken before is recognised.
  enum class Repeats : std::uint8_t { taken_again, recognised };
  Mmsc(Schedule& schedule, const Clock& clock, std::uint64_t seed, Repeats repeats, OnTaken on_taken);
  ~Mmsc() override;

  void on_accept(Stream& stream) override;
  /// From now on it behaves.
  void calm_down() { calm_ = true; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// What it could not read, empty when all was well.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::uint64_t connections() const { return last_session_; }

 private:
  class Session;
  Schedule& schedule_;
  const Clock& clock_;
  tcp::SimRandom random_;
  Repeats repeats_;
  OnTaken on_taken_;
  bool calm_ = false;
  Ledger ledger_;
  std::string failure_;
  std::uint64_t last_session_ = 0;
  std::uint64_t last_message_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
};

}  // namespace pushmail::edge

// A mail server that misbehaves as its table says: SMTP on a stack of its own, with PIPELINING.
//
// Came from: the simulated link. Goes to: the ledger, by the mail's subject.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "dataplane/tcp/sim_link.h"
#include "dataplane/tcp/stack.h"
#include "tests/sim/edge/deeds.h"
#include "tests/sim/edge/ledger.h"
#include "tests/sim/edge/schedule.h"

namespace pushmail::edge {

class SmartHost final : public Acceptor {
 public:
  SmartHost(Schedule& schedule, const Clock& clock, std::uint64_t seed);
  ~SmartHost() override;

  void on_accept(Stream& stream) override;
  /// From now on it behaves.
  void calm_down() { calm_ = true; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  class Session;
  Schedule& schedule_;
  const Clock& clock_;
  tcp::SimRandom random_;
  bool calm_ = false;
  Ledger ledger_;
  std::string failure_;
  std::uint64_t last_session_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
};

}  // namespace pushmail::edge

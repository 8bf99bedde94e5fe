// A data plane without threads and sockets: the real relay, clients, TCP, conversion and handoff peer; only the disk and the clock are
// ours.
//
// Made and destroyed at will: what its Disk holds is what the next one finds. A kill is the destructor after `crash()`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "codec/mm7/message.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/contract/handoff/peer.h"
#include "core/endpoint.h"
#include "dataplane/journal/journal.h"
#include "dataplane/tcp/sim_link.h"

namespace pushmail::edge {

/// What a crash leaves behind.
struct Disk {
  struct Record {
    journal::Kind kind;
    ItemId item;
    Bytes bytes;
  };
  std::vector<Record> records;
  std::set<std::pair<journal::Kind, ItemId>> settled;
  Bytes last_known;  // the peers
};

/// One MM7 request of the MMSC, as bytes.
struct InboundRequest {
  std::string content_type;
  std::string body;
};

enum class Answered : std::uint8_t { accepted, refused, later };

class DataSide {
 public:
  /// `answered` gets what a request came to: the number that `deliver` was given.
  struct Setup {
    Disk& disk;
    tcp::SimDevice& device;
    IpAddress address;
    const Clock& clock;
    std::uint64_t seed;
    std::function<void(std::uint32_t request, Answered)> answered;
  };
  [[nodiscard]] static std::unique_ptr<DataSide> start(const Setup& setup);
  virtual ~DataSide() = default;

  /// The process is about to be killed: of what the disk has not confirmed, a part that the seed draws is there all the same.
  virtual void crash() = 0;
  virtual void deliver(std::uint32_t request, const InboundRequest& inbound) = 0;
  virtual void turn(Instant now) = 0;
  /// Not after the next moment at which turn() has something to do; {0}: nothing is planned.
  [[nodiscard]] virtual Instant next_due() const = 0;

  [[nodiscard]] virtual handoff::Peer& peer() = 0;
  virtual void handoff_lost() = 0;

  [[nodiscard]] virtual std::size_t item_count() const = 0;
  [[nodiscard]] virtual std::uint64_t memory_used() const = 0;
};

}  // namespace pushmail::edge

// A life of a journal and a state file on a recorded disk, and what may be expected of every disk that a power cut in it leaves.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "dataplane/journal/journal.h"
#include "tests/sim/power/disk.h"

namespace pushmail::power {

struct HandClock final : Clock {
  Instant at{1};
  [[nodiscard]] Timestamp wall() const override { return {1'700'000'000'000'000}; }
  [[nodiscard]] Instant now() const override { return at; }
};

/// What the world was told of a message, and at which position of the disk's record.
struct Told {
  std::optional<std::size_t> acknowledged, refused, settle_asked, settle_durable;
};

class History {
 public:
  History(const fs::path& root, std::uint64_t seed, std::optional<Sync> left_out);
  /// The whole life: appends, settles, kills, starts, disks that fail, sectors that rot.
  void live();

  [[nodiscard]] std::size_t end() const { return recorder_.position(); }
  [[nodiscard]] Disk cut(std::size_t position, Loss loss, Random& random) const { return recorder_.cut(position, loss, random); }
  /// What is wrong with this disk, which a cut at that position left; empty: nothing. The disk lies below `root`.
  [[nodiscard]] std::string judge(const fs::path& root, const Disk& disk, std::size_t position) const;

 private:
  void start();
  void stop();
  void kill();
  void append();
  void settle();
  void run();
  void turn();
  void write_state();
  void rot();
  [[nodiscard]] bool is_in_quarantine(ByteView bytes) const;

  fs::path root_;
  Random random_;
  HandClock clock_;
  Recorder recorder_;
  RecordingWriter writer_;
  std::unique_ptr<journal::Journal> journal_;
  std::uint32_t last_item_ = 0;
  std::map<ItemId, Told> told_;
  std::vector<ItemId> settling_;  // asked, and not known to be durable
  struct State {
    std::size_t begun, done;
    Bytes content;
  };
  std::vector<State> states_;
  struct Rot {
    std::size_t at;
    Bytes bytes;                      // cannot be taken for anything else
    std::optional<std::size_t> seen;  // a start has found it and has gone on
  };
  std::vector<Rot> rots_;
  std::optional<std::size_t> first_rot_;
  std::map<ItemId, std::size_t> rotten_;  // since when nothing is expected of this message
};

}  // namespace pushmail::power

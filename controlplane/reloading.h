// `pushmailctl reload` and SIGHUP: the service takes its configuration anew, whole or not at all.
//
//   idle ──begin──> our own files are read ──wrong──> refused; nobody was asked
//                        └─good─> the data plane is asked ──it refuses, or says nothing in time──> refused; ours stays as it is
//                                      └─it has taken it, or is not there─> ours is taken ─> fetchers are asked ──all said, or late──> idle
//
// The data plane comes first: its certificates and rules are what only it can read, and the peers that we give it afterwards need the
// certificates it has by then. Each program is whole by itself. Came from: the API, main (SIGHUP), the records of the programs. Goes to:
// Ports, the answer of the API, Observer. Threads: one.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/settings.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/config_changes.h"
#include "core/record.h"
#include "core/words.h"

namespace pushmail {

/// What became of a program.
struct ProgramReload {
  enum class Outcome : std::uint8_t { taken, refused, silent, away };
  std::string program{};  // data_plane, control_plane, fetcher 0
  Outcome outcome = Outcome::taken;
  std::string reason{};
};
template <>
inline constexpr auto words<ProgramReload::Outcome> = std::to_array<std::string_view>({"taken", "refused", "silent", "away"});

struct ReloadReport {
  bool taken = false;  // by whatever runs; false: nothing changed, but where a program says that it was taken
  std::vector<ProgramReload> programs{};
  ConfigChanges changes{};
};
/// JSON object: reloaded, programs, changed, needs_restart.
[[nodiscard]] std::string to_json_text(const ReloadReport& report);

class Reloading {
 public:
  struct Ports {
    const Clock& clock;
    std::filesystem::path root{};
    /// A `reload` record for the data plane; false: it is not there.
    std::function<bool(std::uint64_t query)> ask_data_plane{};
    std::size_t fetchers = 0;
    std::function<bool(std::size_t index, std::uint64_t query)> ask_fetcher{};
    /// Ours; cannot fail.
    std::function<void(const Config&, Settings)> take{};
  };
  using Reply = std::function<void(const ReloadReport&)>;
  /// `started`: what this program was started with.
  Reloading(Ports ports, Config started) : ports_(std::move(ports)), started_(std::move(started)), running_(started_) {}

  /// Replies once, later or at once. While one is under way the next waits and then reads the files anew: together with others that wait.
  void begin(Reply reply);
  /// `reloaded` of the data plane, asked for by whomever.
  void on_data_plane(const RecordView& record);
  void on_data_plane_lost();
  void on_fetcher(const RecordView& record);
  void on_fetcher_lost(std::size_t index);
  /// Deadlines. Once a second.
  void tick();

  /// Why the last reading of a program changed nothing, `PROGRAM: reason`; empty: it did, or there was none.
  [[nodiscard]] std::string refusal() const;
  /// Keys whose new values wait for a restart of some program.
  [[nodiscard]] const std::vector<std::string>& at_restart() const { return at_restart_; }

 private:
  enum class State : std::uint8_t { idle, data_plane, fetchers };
  void start();
  void data_plane_said(ProgramReload::Outcome outcome, std::string reason);
  void take_ours();
  void fetcher_said(std::size_t index, ProgramReload::Outcome outcome, std::string reason);
  void end();

  Ports ports_;
  const Config started_;
  Config running_;
  State state_ = State::idle;
  Instant deadline_{};
  std::vector<Reply> replies_{}, waiting_{};
  std::optional<Config> config_{};      // read, and not taken yet
  std::optional<Settings> settings_{};  // of it
  ReloadReport report_{};
  std::uint64_t query_ = 0;  // the last one that we gave
  std::uint64_t data_plane_query_ = 0;
  std::map<std::uint64_t, std::size_t> fetchers_asked_{};  // which fetcher each query went to
  std::string own_refusal_{}, data_plane_refusal_{};
  std::vector<std::string> at_restart_{};
};

}  // namespace pushmail

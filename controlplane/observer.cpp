#include "controlplane/observer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "core/config.h"
#include "core/contract/handoff/schema.h"
#include "core/program_options.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;
using status::Health;
using status::Part;
using status::Verdict;

constexpr std::uint64_t count_most = 100'000;
// What the data plane or a fetcher works on takes seconds; an item that stands there so long is stuck.
constexpr std::int64_t stuck_after_s = 3600;

bool is_moving(ItemState state) { return state == ItemState::fetching || state == ItemState::converting || state == ItemState::submitting; }

std::string_view detail_of(const RecordView& record, std::string_view name) {
  std::string_view found;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field != tag(Tag::detail)) return;
    const std::string_view pair = text_of(value);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') found = pair.substr(name.size() + 1);
  });
  return found;
}

std::uint64_t size_of_store(const std::filesystem::path& file) {
  std::uint64_t size = 0;
  for (const char* end : {"", "-wal"}) {
    std::error_code absent;
    const auto one = std::filesystem::file_size(file.string() + end, absent);
    if (!absent) size += one;
  }
  return size;
}

}  // namespace

Observer::Observer(Ports ports) : ports_(std::move(ports)), started_(ports_.clock.wall()), bearers_(ports_.settings.bearers.size()) {
  on_settings();
}

void Observer::on_settings() {
  for (const auto& [name, peer] : ports_.settings.peers) peers_.try_emplace(name);
  std::erase_if(peers_, [this](const auto& known) { return ports_.settings.peer(known.first) == nullptr; });
}

void Observer::tick() {
  const Timestamp now = ports_.clock.wall();
  const auto see = [now](Health& health, bool works, std::string_view error) { works ? health.works(now) : health.fails(error, now); };
  const auto bearers = ports_.notifier.bearers();
  for (std::size_t i = 0; i < bearers_.size(); ++i) see(bearers_[i], bearers[i].bearer.is_ready(), bearers[i].bearer.last_error());
  see(handoff_, ports_.data_plane.is_ready(), ports_.data_plane.last_error());
  const std::string listener_error = ports_.listener_error ? ports_.listener_error() : std::string();
  see(listener_, listener_error.empty(), listener_error);
  const auto fetchers = ports_.fetchers.standing();
  fetchers_.resize(fetchers.size());
  for (std::size_t i = 0; i < fetchers.size(); ++i) see(fetchers_[i], fetchers[i].up, fetchers[i].last_error);
}

Observer::Leg* Observer::leg_of(std::string_view peer, std::string_view next_hop) {
  if (!peer.empty()) {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : &found->second;
  }
  return !next_hop.empty() && next_hop == ports_.settings.smart_host ? &smart_host_ : nullptr;
}

void Observer::on_event(const RecordView& record) {
  Leg* leg = leg_of(detail_of(record, "peer"), detail_of(record, "next_hop"));
  if (leg == nullptr) return;
  const Timestamp now = ports_.clock.wall();
  const std::string_view name = record.text(tag(Tag::name)).value_or("");
  if (const std::string_view reason = detail_of(record, "reason"); !reason.empty()) return leg->tries.fails(reason, now);
  // A StatusCode of MM7, or a reply of SMTP. `retry` follows where it asks us to come again, and then counts.
  const bool answered = (name == "submit_rsp" && !detail_of(record, "status").empty()) || name == "mail_sent";
  if (answered) leg->tries.works(now);
}

void Observer::on_pause(std::string_view peer, Timestamp until, std::string_view reason) {
  Leg* leg = leg_of(peer, {});
  if (leg == nullptr) return;
  leg->pause = {.until = until, .reason = std::string(reason)};
  if (!reason.empty()) leg->tries.fails(reason, ports_.clock.wall());
}

const Observer::Pause* Observer::pause_of(std::string_view peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && found->second.pause.until > ports_.clock.wall() ? &found->second.pause : nullptr;
}

const status::Health* Observer::tries_of(std::string_view peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second.tries;
}

void Observer::on_certificates(const RecordView& record) {
  std::vector<status::CertificateEnd> fresh;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::name)) {
      fresh.push_back({.name = std::string(text_of(value))});
    } else if (!fresh.empty() && field == tag(Tag::detail)) {
      fresh.back().detail = text_of(value);
    } else if (!fresh.empty() && field == tag(Tag::ends_at)) {
      fresh.back().ends = {static_cast<std::int64_t>(load<std::uint64_t>(value.data(), std::endian::little))};
    }
  });
  certificates_ = std::move(fresh);
}

void Observer::on_resolved(const std::string& peer) {
  if (Leg* leg = leg_of(peer, {})) leg->address.works(ports_.clock.wall());
}
void Observer::on_not_resolved(const std::string& peer, std::string_view reason) {
  if (Leg* leg = leg_of(peer, {})) leg->address.fails(reason, ports_.clock.wall());
}

Result<CountersRead> Observer::counters() const { return read_counters(ports_.settings.run_folder / "counters"); }

// The process as its counters show it; where that is well, our connection to it.
Part Observer::data_plane(const Result<CountersRead>& counters) const {
  Part part = status::data_plane_part(ports_.settings.run_folder / "counters", counters, ports_.clock.now());
  if (part.means != Verdict::serving || handoff_.state() == Health::State::untried) return part;
  return status::part_of("data_plane", {}, handoff_, {.works = "connected", .fails = "runs, not connected to us", .untried = ""});
}

Part Observer::mmsc(const std::string& name, const Leg& leg) const {
  if (leg.address.state() == Health::State::fails) {
    return status::part_of("mmsc", name, leg.address, {.works = "", .fails = "its name is not resolved", .untried = ""});
  }
  Part part = status::part_of("mmsc", name, leg.tries, {.works = "answers", .fails = "fails", .untried = "not tried yet"});
  if (const Pause* pause = pause_of(name)) part.state = "paused until " + format_rfc3339(pause->until);
  return part;
}

// One that has its own table of the configuration is named by it, too.
void Observer::add_bearers(std::vector<Part>& parts) const {
  const auto bearers = ports_.notifier.bearers();
  for (std::size_t i = 0; i < bearers_.size(); ++i) {
    const notify::BearerProfile& profile = ports_.settings.bearers[i];
    const std::string address = bearers[i].bearer.address();
    const std::string name = profile.name == notify::only_bearer ? address : fmt::format("{} {}", profile.name, address);
    const notify::BearerKind& kind = notify::kind_of(profile.kind);
    parts.push_back(
        status::part_of(std::string(kind.peer), name, bearers_[i], {.works = kind.works, .fails = kind.fails, .untried = "not tried yet"}));
  }
}

// What runs, what the data plane runs with, and what a reload or a restart would read.
Part Observer::configuration(const Result<CountersRead>& counters) const {
  Part part{
      .kind = "configuration", .name = fmt::format("{:016x}", ports_.settings.configuration), .state = "as on disk", .since = started_};
  if (const std::string refusal = ports_.reload_refusal ? ports_.reload_refusal() : std::string(); !refusal.empty()) {
    part.means = Verdict::degraded;
    part.state = "was refused when it was read again, the one before is in force";
    part.error = refusal;
    return part;
  }
  if (counters && counters->owner.configuration != 0 && counters->owner.configuration != ports_.settings.configuration) {
    part.means = Verdict::degraded;
    part.state = "differs between the planes";
    part.error = fmt::format("the data plane runs {:016x}; pushmailctl reload", counters->owner.configuration);
    return part;
  }
  const auto on_disk = Config::load(ports_.settings.root);
  if (!on_disk) {
    part.means = Verdict::degraded;
    part.state = "on disk wrong, no program would start with it";
    part.error = on_disk.error().message();
  } else if (on_disk->generation() != ports_.settings.configuration) {
    part.state = fmt::format("changed on disk to {:016x}, read at pushmailctl reload", on_disk->generation());
  } else if (const auto keys = ports_.at_restart ? ports_.at_restart() : std::vector<std::string>(); !keys.empty()) {
    part.state = fmt::format("as on disk, but a restart takes {}", fmt::join(keys, ", "));
  }
  return part;
}

status::Status Observer::look() const {
  const Settings& settings = ports_.settings;
  const Result<CountersRead> counters = this->counters();
  status::Status found{.now = ports_.clock.wall(),
                       .version = std::string(program_version()),
                       .started = started_,
                       .store_size = size_of_store(settings.store_file),
                       .journal_segments = counters ? counters->value(Counter::journal_segments) : 0,
                       .configuration = settings.configuration,
                       .transfers = ports_.transfers ? ports_.transfers() : 0,
                       .totals = {.sms_in_doubt = ports_.notifier.counts().in_doubt,
                                  .sms_set_aside = ports_.notifier.counts().set_aside,
                                  .sms_withheld = ports_.notifier.counts().withheld,
                                  .sms_receipts = ports_.notifier.receipts().matched,
                                  .sms_receipts_unmatched = ports_.notifier.receipts().unmatched}};
  std::vector<Part>& parts = found.parts;

  Part self{.kind = "control_plane", .state = "runs", .since = started_};
  if (auto backlog = ports_.store.backlog(count_most)) {
    found.items = std::move(*backlog);
  } else {
    self.means = Verdict::down;
    self.state = "cannot read its store";
    self.error = backlog.error().info->text;
  }
  parts.push_back(std::move(self));
  parts.push_back(data_plane(counters));
  for (std::size_t i = 0; i < fetchers_.size(); ++i)
    parts.push_back(status::part_of("fetcher", fmt::to_string(i), fetchers_[i],
                                    {.works = "runs", .fails = "does not run", .untried = "not started yet"}));
  for (const auto& [name, leg] : peers_) parts.push_back(mmsc(name, leg));
  if (!settings.smart_host.empty()) {
    parts.push_back(status::part_of("smart_host", settings.smart_host, smart_host_.tries,
                                    {.works = "answers", .fails = "fails", .untried = "not tried yet"}));
  }
  add_bearers(parts);
  parts.push_back(status::part_of("listener", to_string(settings.metrics_listen), listener_,
                                  {.works = "listens", .fails = "does not listen", .untried = "not tried yet"}));

  for (const Backlog& backlog : found.items) {
    const std::int64_t still_s = (found.now.us - backlog.still_since.us) / 1'000'000;
    if (!is_moving(backlog.state) || still_s < stuck_after_s) continue;
    parts.push_back({.kind = "items",
                     .name = std::string(to_string(backlog.state)),
                     .state = "one stands still",
                     .means = Verdict::degraded,
                     .since = backlog.still_since});
  }
  for (const auto& folder : {settings.store_file.parent_path(), settings.store_file.parent_path().parent_path() / "journal"}) {
    status::Disk disk = status::look_at_disk(folder);
    parts.push_back(status::part_of(disk));
    found.disks.push_back(std::move(disk));
  }
  for (const status::CertificateEnd& certificate : certificates_) parts.push_back(status::part_of(certificate, found.now));
  found.certificates = certificates_;
  parts.push_back(configuration(counters));
  return found;
}

}  // namespace pushmail

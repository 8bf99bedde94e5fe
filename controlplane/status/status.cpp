#include "controlplane/status/status.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>

#include "core/timers.h"

namespace pushmail::status {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> verdict_names{"serving", "degraded", "down"};
// The worker takes stock every second; one that did not for so long is stuck.
constexpr std::int64_t worker_silence_max_s = 5;
constexpr std::uint64_t least_room = 16 << 20;
constexpr std::uint64_t little_room = 20;  // one in so many

void put(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}
void put(Json& json, const char* key, Timestamp value) {
  if (value.us != 0) json[key] = format_rfc3339(value);
}

// EPERM: another user's process, which is what the data plane is to most who ask.
bool is_alive(std::int64_t pid) { return pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM); }

}  // namespace

std::string_view to_string(Verdict verdict) { return verdict_names[static_cast<std::size_t>(verdict)]; }

Verdict verdict_of(const Status& status) {
  Verdict worst = Verdict::serving;
  for (const Part& part : status.parts) worst = std::max(worst, part.means);
  return worst;
}

std::vector<std::string> reasons_of(const Status& status) {
  std::vector<std::string> reasons;
  for (const Verdict wanted : {Verdict::down, Verdict::degraded}) {
    for (const Part& part : status.parts) {
      if (part.means != wanted) continue;
      std::string reason = fmt::format("{}{}{}: {}", part.kind, part.name.empty() ? "" : " ", part.name, part.state);
      if (part.since.us != 0) reason += " since " + format_rfc3339(part.since);
      if (!part.error.empty()) reason += ": " + part.error;
      reasons.push_back(std::move(reason));
    }
  }
  return reasons;
}

Json to_json(const Status& status) {
  Json json;
  json["verdict"] = to_string(verdict_of(status));
  json["reasons"] = reasons_of(status);
  put(json, "version", status.version);
  put(json, "started", status.started);
  json["configuration"] = fmt::format("{:016x}", status.configuration);
  Json& parts = json["parts"] = Json::array();
  for (const Part& part : status.parts) {
    Json one;
    one["part"] = part.kind;
    put(one, "name", part.name);
    one["state"] = part.state;
    one["means"] = to_string(part.means);
    put(one, "since", part.since);
    put(one, "error", part.error);
    put(one, "error_at", part.error_at);
    if (part.failures != 0) one["failures"] = part.failures;
    parts.push_back(std::move(one));
  }
  Json& items = json["items"] = Json::array();
  for (const Backlog& backlog : status.items) {
    Json one;
    one["state"] = pushmail::to_string(backlog.state);
    one["count"] = backlog.count;
    put(one, "oldest", backlog.oldest);
    one["oldest_age_s"] = std::max<std::int64_t>((status.now.us - backlog.oldest.us) / 1'000'000, 0);
    items.push_back(std::move(one));
  }
  Json& disks = json["disks"] = Json::array();
  for (const Disk& disk : status.disks) {
    Json one;
    one["folder"] = disk.folder;
    one["size"] = disk.size;
    one["free"] = disk.free;
    put(one, "error", disk.error);
    disks.push_back(std::move(one));
  }
  Json& certificates = json["certificates"] = Json::array();
  for (const CertificateEnd& one : status.certificates)
    certificates.push_back({{"name", one.name}, {"of", one.detail}, {"ends", format_rfc3339(one.ends)}});
  json["store_size"] = status.store_size;
  json["journal_segments"] = status.journal_segments;
  json["transfers"] = status.transfers;
  json["sms_in_doubt"] = status.totals.sms_in_doubt;
  json["sms_set_aside"] = status.totals.sms_set_aside;
  json["sms_withheld"] = status.totals.sms_withheld;
  json["sms_receipts"] = status.totals.sms_receipts;
  json["sms_receipts_unmatched"] = status.totals.sms_receipts_unmatched;
  return json;
}

Part part_of(const CertificateEnd& certificate, Timestamp now) {
  Part part{.kind = "certificate", .name = certificate.name, .state = end_in_words(certificate.ends, now)};
  if (certificate.ends.us - now.us >= timers::certificate_ends.us()) return part;
  part.means = Verdict::degraded;
  part.error = fmt::format("{}: {}", certificate.detail, format_rfc3339(certificate.ends));
  return part;
}

Part part_of(std::string kind, std::string name, const Health& health, const Words& words, Verdict when_failing) {
  Part part{.kind = std::move(kind),
            .name = std::move(name),
            .since = health.since(),
            .error = health.error(),
            .error_at = health.error_at(),
            .failures = health.failures()};
  switch (health.state()) {
    case Health::State::works:
      part.state = words.works;
      break;
    case Health::State::fails:
      part.state = words.fails;
      part.means = when_failing;
      break;
    case Health::State::untried:
      part.state = words.untried;
      break;
  }
  return part;
}

Part data_plane_part(const std::filesystem::path& counters_file, const Result<CountersRead>& counters, Instant now) {
  Part part{.kind = "data_plane", .means = Verdict::down};
  if (!counters) {
    part.state = counters.error().os == ENOENT ? "not started" : "not to be seen";
    part.error = counters_file.string() + ": " + std::string(counters.error().info->text);
    if (counters.error().os != 0) part.error += std::string(": ") + std::strerror(counters.error().os);
    return part;
  }
  const CountersOwner& owner = counters->owner;
  part.since = owner.started;
  if (!is_alive(owner.pid)) {
    part.state = "ended";
    part.error = fmt::format("process {}, which wrote {}, is gone", owner.pid, counters_file.string());
    return part;
  }
  const std::uint64_t seen = counters->value(Counter::worker_seen);
  if (seen == 0) {
    part.state = "starting";
    return part;
  }
  if (const std::int64_t silence = now.ns / seconds(1).ns - static_cast<std::int64_t>(seen); silence > worker_silence_max_s) {
    part.state = "stuck";
    part.error = fmt::format("the worker of process {} has not turned for {} s", owner.pid, silence);
    return part;
  }
  if (counters->value(Counter::journal_refuses) != 0) {
    part.state = "takes no messages";
    part.error = "the journal is full, or its disk fails; the data plane's log says which";
    return part;
  }
  part.state = "runs";
  part.means = Verdict::serving;
  return part;
}

Disk look_at_disk(const std::filesystem::path& folder) {
  Disk disk{.folder = folder.string()};
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (error) {
    disk.error = error.message();
    return disk;
  }
  disk.size = space.capacity;
  disk.free = space.available;
  return disk;
}

Part part_of(const Disk& disk) {
  Part part{.kind = "disk", .name = disk.folder};
  if (!disk.error.empty()) {
    part.state = "cannot be asked";
    part.error = disk.error;
    return part;
  }
  const std::uint64_t percent = disk.size == 0 ? 0 : disk.free / (disk.size / 100 + 1);
  part.state = fmt::format("{} % free", percent);
  part.means = disk.free < least_room ? Verdict::down : disk.free < disk.size / little_room ? Verdict::degraded : Verdict::serving;
  return part;
}

}  // namespace pushmail::status

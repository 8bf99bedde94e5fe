// The verdict and what it hangs on, and the data plane as its counters show it.
#include "controlplane/status/status.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "core/contract/counters/counters.h"
#include "core/errors.h"

namespace pushmail::status {
namespace {

constexpr Timestamp noon{1'795'000'000'000'000};
constexpr Timestamp later(std::int64_t s) { return {noon.us + s * 1'000'000}; }

TEST(Health, KeepsSinceWhenAndTheLastError) {
  Health health;
  EXPECT_EQ(health.state(), Health::State::untried);
  EXPECT_EQ(health.since().us, 0);
  health.works(noon);
  health.works(later(5));
  EXPECT_EQ(health.since(), noon);
  health.fails("refused", later(10));
  health.fails("timed out", later(20));
  EXPECT_EQ(health.state(), Health::State::fails);
  EXPECT_EQ(health.since(), later(10)) << "the first failure in a row";
  EXPECT_EQ(health.error(), "timed out");
  EXPECT_EQ(health.error_at(), later(20));
  EXPECT_EQ(health.failures(), 1U);
  health.works(later(30));
  EXPECT_EQ(health.since(), later(30));
  EXPECT_EQ(health.error(), "timed out") << "what works again still says what it was";
  health.fails(std::string(10'000, 'x'), later(40));
  EXPECT_EQ(health.error().size(), 300U);
  EXPECT_EQ(health.failures(), 2U);
}

TEST(Verdict, IsTheWorstOfTheParts) {
  Status status{.now = noon, .parts = {{.kind = "control_plane", .state = "runs"}}};
  EXPECT_EQ(verdict_of(status), Verdict::serving);
  EXPECT_TRUE(reasons_of(status).empty());
  Health smsc;
  smsc.fails("Connection refused", noon);
  status.parts.push_back(part_of("smsc", "192.0.2.1:2775", smsc, {.works = "bound", .fails = "not bound", .untried = "not tried"}));
  EXPECT_EQ(verdict_of(status), Verdict::degraded);
  status.parts.push_back({.kind = "disk", .name = "/var", .state = "0 % free", .means = Verdict::down});
  EXPECT_EQ(verdict_of(status), Verdict::down);
  EXPECT_EQ(reasons_of(status), (std::vector<std::string>{"disk /var: 0 % free", "smsc 192.0.2.1:2775: not bound since " +
                                                                                     format_rfc3339(noon) + ": Connection refused"}));
  const auto json = to_json(status);
  EXPECT_EQ(json["verdict"], "down");
  EXPECT_EQ(json["parts"][1]["error"], "Connection refused");
  EXPECT_EQ(json["parts"][1]["means"], "degraded");
}

TEST(Verdict, WhatNobodyTriedWeighsNothing) {
  const Part part = part_of("mmsc", "m", Health(), {.works = "answers", .fails = "fails", .untried = "not tried yet"});
  EXPECT_EQ(part.state, "not tried yet");
  EXPECT_EQ(part.means, Verdict::serving);
}

CountersRead counters_of(std::int64_t pid, std::uint64_t seen, std::uint64_t refuses) {
  CountersRead read{.owner = {.pid = pid, .started = noon, .configuration = 1}};
  for (const CounterRow& row : counter_rows) {
    const std::uint64_t value = row.counter == Counter::worker_seen ? seen : row.counter == Counter::journal_refuses ? refuses : 0;
    read.entries.emplace_back(row.name, value);
  }
  return read;
}

TEST(DataPlane, IsSeenByItsCounters) {
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
  const Instant now{seconds(1'000).ns};
  struct Row {
    const char* name;
    Result<CountersRead> counters;
    std::string state;
    Verdict means;
  };
  const Row rows[] = {
      {"no file", fail_os(counters_file, ENOENT), "not started", Verdict::down},
      {"not for us", fail_os(counters_file, EACCES), "not to be seen", Verdict::down},
      {"another process has its number no more", counters_of(gone, 1'000, 0), "ended", Verdict::down},
      {"an older version", counters_of(0, 1'000, 0), "ended", Verdict::down},
      {"before its first turn", counters_of(::getpid(), 0, 0), "starting", Verdict::down},
      {"turns", counters_of(::getpid(), 997, 0), "runs", Verdict::serving},
      {"stuck", counters_of(::getpid(), 990, 0), "stuck", Verdict::down},
      {"a full journal", counters_of(::getpid(), 1'000, 1), "takes no messages", Verdict::down},
  };
  for (const Row& row : rows) {
    const Part part = data_plane_part("/run/pushmail/counters", row.counters, now);
    EXPECT_EQ(part.state, row.state) << row.name;
    EXPECT_EQ(part.means, row.means) << row.name;
  }
  EXPECT_NE(data_plane_part("/run/pushmail/counters", fail_os(counters_file, EACCES), now).error.find("Permission denied"),
            std::string::npos);
}

TEST(Disks, LittleRoomIsDegradedAndNoneIsDown) {
  constexpr std::uint64_t gib = 1 << 30;
  EXPECT_EQ(part_of(Disk{.folder = "/a", .size = 100 * gib, .free = 50 * gib}).means, Verdict::serving);
  EXPECT_EQ(part_of(Disk{.folder = "/a", .size = 100 * gib, .free = 50 * gib}).state, "49 % free");
  EXPECT_EQ(part_of(Disk{.folder = "/a", .size = 100 * gib, .free = 4 * gib}).means, Verdict::degraded);
  EXPECT_EQ(part_of(Disk{.folder = "/a", .size = 100 * gib, .free = 1 << 20}).means, Verdict::down);
  const Disk nowhere = look_at_disk("/nowhere/at/all");
  EXPECT_EQ(part_of(nowhere).state, "cannot be asked");
  EXPECT_FALSE(nowhere.error.empty());
  EXPECT_GT(look_at_disk("/").size, 0U);
}

TEST(Certificates, ThirtyDaysBeforeTheirEndTheyAreNamedWithTheirFile) {
  constexpr std::int64_t day_s = 86'400;
  const auto part = [](Timestamp ends) {
    return part_of(CertificateEnd{.name = "tls.certificate", .detail = "/etc/pushmail/cert.pem", .ends = ends}, noon);
  };
  EXPECT_EQ(part(later(30 * day_s)).means, Verdict::serving);
  EXPECT_EQ(part(later(30 * day_s)).state, "ends in 30 days");
  EXPECT_TRUE(part(later(30 * day_s)).error.empty());
  EXPECT_EQ(part(later(30 * day_s - 1)).means, Verdict::degraded);
  EXPECT_EQ(part(later(2 * day_s + 5)).state, "ends in 2 days");
  EXPECT_EQ(part(later(2 * day_s + 5)).error, "/etc/pushmail/cert.pem: " + format_rfc3339(later(2 * day_s + 5)));
  EXPECT_EQ(part(later(-3 * day_s - 5)).state, "ended 3 days ago");
  EXPECT_EQ(part(later(-1)).means, Verdict::degraded);
  const auto json = to_json(Status{.now = noon, .certificates = {{.name = "peer a", .detail = "CN=a", .ends = later(5)}}});
  EXPECT_EQ(json["certificates"][0]["name"], "peer a");
  EXPECT_EQ(json["certificates"][0]["ends"], format_rfc3339(later(5)));
}

}  // namespace
}  // namespace pushmail::status

// What `pushmailctl status`, /readyz and /metrics say of the whole service, and the verdict that follows from it.
//
// Came from: Observer (controlplane/observer.h), which asks every part. Goes to: the API, the listener, and pushmailctl, which makes one
// by itself where no control plane answers. Values only: no part is asked here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/status/health.h"
#include "controlplane/store/rows.h"
#include "core/clock.h"
#include "core/contract/counters/counters.h"

namespace pushmail::status {

/// serving: everything is as it should be. degraded: messages are lost nowhere, and some wait. down: nothing is taken over or answered.
enum class Verdict : std::uint8_t { serving, degraded, down };
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// A program, a peer or a disk.
struct Part {
  // control_plane, data_plane, fetcher, mmsc, smart_host, smsc, listener, disk, items, certificate, configuration
  std::string kind{};
  std::string name{};                // which one of its kind
  std::string state{};               // a word or two for people
  Verdict means = Verdict::serving;  // what the service is at best because of it
  Timestamp since{};
  std::string error{};  // the last one, also of what works again
  Timestamp error_at{};
  std::uint64_t failures = 0;
};

struct Disk {
  std::string folder{};
  std::uint64_t size = 0, free = 0;  // bytes; both 0: cannot be asked, and `error` says why
  std::string error{};
};

/// One of ours, or one that a peer showed last.
struct CertificateEnd {
  std::string name{};    // the key of its file, `peer NAME` or `smart_host`
  std::string detail{};  // the file, or the certificate's subject
  Timestamp ends{};
};

/// Counts of the control plane since its start.
struct Totals {
  std::uint64_t sms_in_doubt = 0, sms_set_aside = 0, sms_withheld = 0, sms_receipts = 0, sms_receipts_unmatched = 0;
};

struct Status {
  Timestamp now{};
  std::string version{};
  Timestamp started{};
  std::vector<Part> parts{};
  std::vector<Backlog> items{};
  std::vector<Disk> disks{};
  std::vector<CertificateEnd> certificates{};
  std::uint64_t store_size = 0;        // bytes of its files
  std::uint64_t journal_segments = 0;  // files
  std::uint64_t configuration = 0;     // Config::generation() of the control plane
  std::size_t transfers = 0;           // mails on their way to the data plane
  Totals totals{};
};

/// The worst of its parts.
[[nodiscard]] Verdict verdict_of(const Status& status);
/// One line for each part that the verdict hangs on: `smsc 192.0.2.1:2775: not bound since TIME: REASON`.
[[nodiscard]] std::vector<std::string> reasons_of(const Status& status);
[[nodiscard]] nlohmann::ordered_json to_json(const Status& status);

/// A part of a Health, whose words for works, fails and untried are given.
struct Words {
  std::string_view works, fails, untried;
};
[[nodiscard]] Part part_of(std::string kind, std::string name, const Health& health, const Words& words,
                           Verdict when_failing = Verdict::degraded);

/// The data plane as its counters file says, which needs no control plane: does the process live, and does its worker turn?
[[nodiscard]] Part data_plane_part(const std::filesystem::path& counters_file, const Result<CountersRead>& counters, Instant now);
/// Room below one twentieth is degraded, none to speak of (16 MiB) is down.
[[nodiscard]] Disk look_at_disk(const std::filesystem::path& folder);
[[nodiscard]] Part part_of(const Disk& disk);
/// From timers::certificate_ends before its end on it is degraded: who is shown it goes on until then.
[[nodiscard]] Part part_of(const CertificateEnd& certificate, Timestamp now);

}  // namespace pushmail::status

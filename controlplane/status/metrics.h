// GET /metrics: everything a monitoring system asks for, as text of Prometheus.
//
// Came from: Status and the data plane's counters. Goes to: the listener. The names are rows of `metric_rows` and of `counter_rows`
// (core/contract/counters); docs/metrics.md is made of both. No label names a subscriber; at most `series_max` series are written, and one
// of them counts what was left out. Format: version 0.0.4 of https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/status/status.h"
#include "core/contract/counters/counters.h"

namespace pushmail::status {

inline constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::size_t series_max = 5'000;

enum class Metric : std::uint8_t {
  build_info,
  start_time,
  status,
  part_status,
  part_failures,
  part_changed,
  part_error,
  items,
  oldest_item_age,
  still_item_age,
  transfers,
  sms_in_doubt,
  sms_set_aside,
  sms_withheld,
  sms_receipts,
  sms_receipts_unmatched,
  store_size,
  disk_size,
  disk_free,
  certificate_end,
  series_left_out,
};

struct MetricRow {
  Metric metric;
  std::string_view name;
  std::string_view labels;  // divided by blanks
  std::string_view help;
};

inline constexpr auto metric_rows = std::to_array<MetricRow>({
    {Metric::build_info, "pushmail_build_info", "version configuration",
     "always 1: version of the control plane and generation of its configuration"},
    {Metric::start_time, "pushmail_start_time_seconds", "", "when the control plane started, seconds since 1970"},
    {Metric::status, "pushmail_status", "", "the verdict of pushmailctl status: 0 serving, 1 degraded, 2 down"},
    {Metric::part_status, "pushmail_part_status", "part name",
     "what the service is at best because of this program, peer or disk: 0 serving, 1 degraded, 2 down"},
    {Metric::part_failures, "pushmail_part_failures_total", "part name", "how often it came to fail since the control plane started"},
    {Metric::part_changed, "pushmail_part_changed_time_seconds", "part name",
     "when it began to do as it does, seconds since 1970; 0: nobody has tried it"},
    {Metric::part_error, "pushmail_part_error_time_seconds", "part name", "when its last error was seen, seconds since 1970; 0: never"},
    {Metric::items, "pushmail_items", "state", "items that are not settled, at most 100,000 of a state are counted"},
    {Metric::oldest_item_age, "pushmail_oldest_item_age_seconds", "state", "age of the oldest of them"},
    {Metric::still_item_age, "pushmail_still_item_age_seconds", "state",
     "time since the one of the 1,000 oldest that has stood still longest was changed"},
    {Metric::transfers, "pushmail_transfers", "", "mails that are being fetched for the data plane now"},
    {Metric::sms_in_doubt, "pushmail_sms_in_doubt_total", "", "SMS that ended without an answer of the SMSC"},
    {Metric::sms_set_aside, "pushmail_sms_set_aside_total", "", "SMS given up after a second time without an answer"},
    {Metric::sms_withheld, "pushmail_sms_withheld_total", "", "SMS kept back by a ceiling, each time"},
    {Metric::sms_receipts, "pushmail_sms_receipts_total", "", "receipts of the SMSC that name an SMS of ours"},
    {Metric::sms_receipts_unmatched, "pushmail_sms_receipts_unmatched_total", "", "receipts of the SMSC that name none"},
    {Metric::store_size, "pushmail_store_size_bytes", "", "size of the store's files"},
    {Metric::disk_size, "pushmail_disk_size_bytes", "folder", "size of the file system of a folder of state"},
    {Metric::disk_free, "pushmail_disk_free_bytes", "folder", "room that is left there for us"},
    {Metric::certificate_end, "pushmail_certificate_end_time_seconds", "certificate",
     "when it ends, seconds since 1970: ours by the key of its file, a peer's as it was shown at its last handshake"},
    {Metric::series_left_out, "pushmail_metrics_series_left_out", "", "series that did not fit into this page"},
});

/// The whole page. Counters of the data plane that cannot be read are absent, which the part data_plane explains.
[[nodiscard]] std::string metrics_text(const Status& status, const Result<CountersRead>& counters);

/// docs/metrics.md: every metric with its type and meaning.
[[nodiscard]] std::string metrics_document();

}  // namespace pushmail::status

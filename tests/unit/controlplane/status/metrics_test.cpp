// The page of /metrics, read as Prometheus reads it, and the document of its tables.
#include "controlplane/status/metrics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace pushmail::status {
namespace {

constexpr Timestamp noon{1'795'000'000'000'000};

Status one_of_everything() {
  Status status{.now = noon, .version = "0.1.0", .started = {noon.us - 5'000'000}};
  status.parts = {
      {.kind = "mmsc", .name = "a\"b\\c\nd", .state = "fails", .means = Verdict::degraded, .since = noon, .error = "x", .error_at = noon}};
  status.items = {{.state = ItemState::notified, .count = 3, .oldest = {noon.us - 90'500'000}, .still_since = {noon.us - 1'000'000}}};
  status.disks = {{.folder = "/var/lib/pushmail", .size = 100, .free = 50}};
  status.certificates = {{.name = "tls.certificate", .detail = "/c.pem", .ends = noon}};
  status.store_size = 4096;
  return status;
}

CountersRead all_counters() {
  CountersRead read;
  for (const CounterRow& row : counter_rows) read.entries.emplace_back(row.name, 7);
  read.entries.emplace_back("pushmail_data_of_a_later_version_total", 1);
  return read;
}

struct Page {
  std::map<std::string, std::string> types{};
  std::map<std::string, std::string> series{};  // name and labels -> value
};

// The grammar of https://prometheus.io/docs/instrumenting/exposition_formats/ , and what `promtool check metrics` asks beyond it.
Page read_page(const std::string& text) {
  static const std::regex head(R"(# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+))");
  static const std::regex series(
      R"re(([a-z_:][a-z0-9_:]*)(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (-?[0-9]+(?:\.[0-9]+)?))re");
  Page page;
  std::set<std::string> helped;
  std::string current;
  std::istringstream lines(text);
  EXPECT_TRUE(text.ends_with('\n'));
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, head)) {
      if (match[1] == "HELP") {
        EXPECT_TRUE(helped.insert(match[2]).second) << line;
      } else {
        EXPECT_TRUE(helped.contains(match[2])) << line;
        EXPECT_TRUE(page.types.emplace(match[2], match[3]).second) << line;
        EXPECT_EQ(match[3] == "counter", std::string(match[2]).ends_with("_total")) << line;
        current = match[2];
      }
      continue;
    }
    const bool is_series = std::regex_match(line, match, series);
    EXPECT_TRUE(is_series) << line;
    if (!is_series) continue;
    EXPECT_EQ(match[1], current) << "series of a metric stand together";
    EXPECT_TRUE(page.series.emplace(std::string(match[1]) + std::string(match[2]), match[3]).second) << line;
  }
  return page;
}

TEST(Metrics, ThePageIsWhatPrometheusReads) {
  const Page page = read_page(metrics_text(one_of_everything(), all_counters()));
  EXPECT_EQ(page.types.size(), metric_rows.size() + counter_rows.size());
  EXPECT_EQ(page.series.at("pushmail_status"), "1");
  EXPECT_EQ(page.series.at(R"(pushmail_part_status{part="mmsc",name="a\"b\\c\nd"})"), "1");
  EXPECT_EQ(page.series.at(R"(pushmail_items{state="notified"})"), "3");
  EXPECT_EQ(page.series.at(R"(pushmail_oldest_item_age_seconds{state="notified"})"), "90.500");
  EXPECT_EQ(page.series.at(R"(pushmail_still_item_age_seconds{state="notified"})"), "1.000");
  EXPECT_EQ(page.series.at(R"(pushmail_disk_free_bytes{folder="/var/lib/pushmail"})"), "50");
  EXPECT_EQ(page.series.at(R"(pushmail_certificate_end_time_seconds{certificate="tls.certificate"})"), "1795000000.000");
  EXPECT_EQ(page.series.at("pushmail_start_time_seconds"), "1794999995.000");
  EXPECT_EQ(page.series.at("pushmail_data_mails_sent_total"), "7");
  EXPECT_FALSE(page.series.contains("pushmail_data_of_a_later_version_total")) << "a metric without a meaning";
}

TEST(Metrics, ADataPlaneThatIsAwayHasNoCounters) {
  const Page page = read_page(metrics_text(one_of_everything(), fail_os(counters_file, ENOENT)));
  EXPECT_EQ(page.types.size(), metric_rows.size());
}

TEST(Metrics, AreAtMostFiveThousandSeriesAndSayWhatIsMissing) {
  Status status = one_of_everything();
  for (int i = 0; i < 3'000; ++i) status.parts.push_back({.kind = "mmsc", .name = fmt::to_string(i), .state = "answers"});
  const Page page = read_page(metrics_text(status, all_counters()));
  EXPECT_EQ(page.series.size(), series_max);
  // Each part is in four metrics, the state of items in three, the disk in two, the certificate in one; eleven have no label that varies.
  const std::size_t all = 4 * status.parts.size() + 3 + 2 + 1 + 11 + counter_rows.size();
  EXPECT_EQ(page.series.at("pushmail_metrics_series_left_out"), std::to_string(all - series_max));
}

TEST(Metrics, NoLabelNamesASubscriber) {
  for (const MetricRow& row : metric_rows) {
    for (const char* person : {"msisdn", "binding", "address", "user", "item", "phone", "number"})
      EXPECT_EQ(std::string(row.labels).find(person), std::string::npos) << row.name;
  }
}

// `pushmailctl metrics describe > docs/metrics.md` after a change of the tables.
TEST(Metrics, TheDocumentIsTheTables) {
  std::ifstream stream(std::string(PUSHMAIL_SOURCE_DIR) + "/docs/metrics.md");
  std::stringstream text;
  text << stream.rdbuf();
  EXPECT_EQ(text.str(), metrics_document());
}

}  // namespace
}  // namespace pushmail::status

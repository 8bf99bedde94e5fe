#include "controlplane/status/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>

namespace pushmail::status {

namespace {

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < metric_rows.size(); ++i) {
    if (metric_rows[i].metric != static_cast<Metric>(i)) return false;
  }
  return true;
}
static_assert(rows_are_in_order(), "one row per metric, in the order of the enum");

std::string_view type_of(std::string_view name) { return name.ends_with("_total") ? "counter" : "gauge"; }

// Of a label's value: \, " and line ends are escaped; what else is no text becomes a question mark, as the page is UTF-8.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
    }
  }
  return out;
}

std::string seconds_text(std::int64_t us) { return fmt::format("{}.{:03}", us / 1'000'000, us / 1'000 % 1'000); }

// Series of one metric stand together behind its HELP and TYPE.
class Exposition {
 public:
  void head(std::string_view name, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type_of(name));
  }
  void series(const MetricRow& row, std::initializer_list<std::string_view> labels, std::string_view value) {
    // The last place is for the count of what was left out.
    if (count_ + 1 >= series_max && row.metric != Metric::series_left_out) {
      ++left_out_;
      return;
    }
    ++count_;
    text_ += row.name;
    std::string_view names = row.labels;
    bool first = true;
    for (const std::string_view label : labels) {
      const std::size_t end = std::min(names.find(' '), names.size());
      fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", first ? '{' : ',', names.substr(0, end), escaped(label));
      names.remove_prefix(std::min(end + 1, names.size()));
      first = false;
    }
    fmt::format_to(std::back_inserter(text_), "{} {}\n", first ? "" : "}", value);
  }
  void counter(const CounterRow& row, std::uint64_t value) {
    head(row.name, row.help);
    fmt::format_to(std::back_inserter(text_), "{} {}\n", row.name, value);
    ++count_;
  }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t count_ = 0, left_out_ = 0;
};

void write(Exposition& page, const MetricRow& row, const Status& status) {
  const auto one = [&](std::uint64_t value) { page.series(row, {}, fmt::to_string(value)); };
  const auto of_parts = [&](auto value) {
    for (const Part& part : status.parts) page.series(row, {part.kind, part.name}, value(part));
  };
  const auto of_items = [&](auto value) {
    for (const Backlog& backlog : status.items) page.series(row, {pushmail::to_string(backlog.state)}, value(backlog));
  };
  const auto of_disks = [&](auto value) {
    for (const Disk& disk : status.disks) page.series(row, {disk.folder}, fmt::to_string(value(disk)));
  };
  const auto age = [&](Timestamp at) { return seconds_text(std::max<std::int64_t>(status.now.us - at.us, 0)); };
  switch (row.metric) {
    case Metric::build_info:
      return page.series(row, {status.version, fmt::format("{:016x}", status.configuration)}, "1");
    case Metric::start_time:
      return page.series(row, {}, seconds_text(status.started.us));
    case Metric::status:
      return one(static_cast<std::uint64_t>(verdict_of(status)));
    case Metric::part_status:
      return of_parts([](const Part& part) { return fmt::to_string(static_cast<int>(part.means)); });
    case Metric::part_failures:
      return of_parts([](const Part& part) { return fmt::to_string(part.failures); });
    case Metric::part_changed:
      return of_parts([](const Part& part) { return seconds_text(part.since.us); });
    case Metric::part_error:
      return of_parts([](const Part& part) { return seconds_text(part.error_at.us); });
    case Metric::items:
      return of_items([](const Backlog& backlog) { return fmt::to_string(backlog.count); });
    case Metric::oldest_item_age:
      return of_items([&](const Backlog& backlog) { return age(backlog.oldest); });
    case Metric::still_item_age:
      return of_items([&](const Backlog& backlog) { return age(backlog.still_since); });
    case Metric::transfers:
      return one(status.transfers);
    case Metric::sms_in_doubt:
      return one(status.totals.sms_in_doubt);
    case Metric::sms_set_aside:
      return one(status.totals.sms_set_aside);
    case Metric::sms_withheld:
      return one(status.totals.sms_withheld);
    case Metric::sms_receipts:
      return one(status.totals.sms_receipts);
    case Metric::sms_receipts_unmatched:
      return one(status.totals.sms_receipts_unmatched);
    case Metric::store_size:
      return one(status.store_size);
    case Metric::disk_size:
      return of_disks([](const Disk& disk) { return disk.size; });
    case Metric::disk_free:
      return of_disks([](const Disk& disk) { return disk.free; });
    case Metric::certificate_end:
      for (const CertificateEnd& certificate : status.certificates) page.series(row, {certificate.name}, seconds_text(certificate.ends.us));
      return;
    case Metric::series_left_out:
      return one(page.left_out());
  }
}

}  // namespace

std::string metrics_text(const Status& status, const Result<CountersRead>& counters) {
  Exposition page;
  if (counters) {
    // Those that this version knows the meaning of.
    for (const CounterRow& row : counter_rows) {
      const auto found = std::ranges::find(counters->entries, row.name, [](const auto& entry) { return std::string_view(entry.first); });
      if (found != counters->entries.end()) page.counter(row, found->second);
    }
  }
  for (const MetricRow& row : metric_rows) {
    page.head(row.name, row.help);
    write(page, row, status);
  }
  return page.take();
}

std::string metrics_document() {
  std::string text =
      "# Metrics\n\nGET /metrics of the control plane (key `metrics.listen`), in the text format of Prometheus. Made from the tables in\n"
      "`controlplane/status/metrics.h` and `core/contract/counters/counters.h`; a test compares. No label names a subscriber, and a page "
      "has "
      "at most\n"
      "5,000 series.\n\n## Control plane\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const MetricRow& row : metric_rows) {
    fmt::format_to(std::back_inserter(text), "| `{}` | {} | {} | {} |\n", row.name, type_of(row.name), row.labels, row.help);
  }
  text +=
      "\n## Data plane\n\n`pushmailctl worker show` prints the same ones from shared memory, also where no control plane runs. They begin "
      "at zero when the\n"
      "data plane starts.\n\n| metric | type | meaning |\n|---|---|---|\n";
  for (const CounterRow& row : counter_rows)
    fmt::format_to(std::back_inserter(text), "| `{}` | {} | {} |\n", row.name, type_of(row.name), row.help);
  return text;
}

}  // namespace pushmail::status

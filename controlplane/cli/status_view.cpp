#include "controlplane/cli/status_view.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "controlplane/cli/table.h"

namespace pushmail::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::uint64_t number_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}
const Json& list_at(const Json& json, const char* key) {
  static const Json none = Json::array();
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : none;
}

// 3d 4h, 5min, 12s: the two largest units at most.
std::string age_text(std::uint64_t seconds) {
  if (seconds >= 86'400) return fmt::format("{}d {}h", seconds / 86'400, seconds % 86'400 / 3'600);
  if (seconds >= 3'600) return fmt::format("{}h {}min", seconds / 3'600, seconds % 3'600 / 60);
  return seconds >= 60 ? fmt::format("{}min", seconds / 60) : fmt::format("{}s", seconds);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes >= std::uint64_t{1} << 30) return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1 << 30));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

void print_status(const Json& status, std::ostream& out) {
  out << text_at(status, "verdict") << '\n';
  for (const Json& reason : list_at(status, "reasons")) {
    if (reason.is_string()) out << "  " << printable(reason.get<std::string>()) << '\n';
  }
  out << '\n';
  Table parts({"PART", "NAME", "STATE", "SINCE", "LAST ERROR"});
  for (const Json& part : list_at(status, "parts")) {
    const std::string at = text_at(part, "error_at"), error = text_at(part, "error");
    parts.add({text_at(part, "part"), text_at(part, "name"), text_at(part, "state"), text_at(part, "since"),
               error.empty() || at.empty() ? error : at + " " + error});
  }
  parts.print(out);
  if (const Json& items = list_at(status, "items"); !items.empty()) {
    out << '\n';
    Table table({"ITEMS", "COUNT", "OLDEST", "AGE"});
    for (const Json& one : items)
      table.add({text_at(one, "state"), fmt::to_string(number_at(one, "count")), text_at(one, "oldest"),
                 age_text(number_at(one, "oldest_age_s"))});
    table.print(out);
  }
  if (!status.contains("store_size")) return;
  out << fmt::format(
      "\nstore {}, journal {} segments, {} transfers; SMS: {} in doubt, {} set aside, {} withheld, receipts {} and {} of no SMS\n",
      size_text(number_at(status, "store_size")), number_at(status, "journal_segments"), number_at(status, "transfers"),
      number_at(status, "sms_in_doubt"), number_at(status, "sms_set_aside"), number_at(status, "sms_withheld"),
      number_at(status, "sms_receipts"), number_at(status, "sms_receipts_unmatched"));
}

int exit_code_of_status(const Json& status) {
  const std::string verdict = text_at(status, "verdict");
  return verdict == "serving" ? 0 : verdict == "degraded" ? 1 : 2;
}

}  // namespace pushmail::cli

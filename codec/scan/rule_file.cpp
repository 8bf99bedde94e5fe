#include "codec/scan/rule_file.h"

#include <cerrno>
#include <utility>

#include "core/bytes.h"
#include "core/start_error.h"
#include "core/storage.h"

namespace pushmail::scan {

std::expected<RuleSet, std::vector<RuleFileFault>> load_rules(const std::filesystem::path& file) {
  if (file.empty()) return RuleSet();
  // One byte over its limit and the parser says so, with the limit.
  auto text = read_file(system_storage(), file, {.link_followed = true, .size_max = rule_file_size_max + 1});
  if (!text && text.error().os == EFBIG) text = Bytes(rule_file_size_max + 1, ' ');
  if (!text) {
    const StartError why = cannot_be_read(file.string() + ":0", text.error().os);
    return std::unexpected(std::vector<RuleFileFault>{{.line = 0, .message = why.text, .os = why.os}});
  }
  RuleFile parsed = parse_rules(text_of(*text));
  if (parsed.faults.empty()) {
    auto set = RuleSet::compile(std::move(parsed.rules));
    if (set) return std::move(*set);
    parsed.faults.push_back(std::move(set.error()));
  }
  std::vector<RuleFileFault> faults;
  for (const RuleFault& fault : parsed.faults) faults.push_back({.line = fault.line, .message = fault.message(file.string())});
  return std::unexpected(std::move(faults));
}

}  // namespace pushmail::scan

// A rule file of hostile bytes: parsed; what is left of words and phrases compiled, stored, loaded again. The same bytes as stored rules,
// as they are and behind a right header, without a database: that part of the format is ours, Hyperscan's own is guarded by the checksum.
#include "codec/scan/expression.h"
#include "codec/scan/rule_set.h"
#include "core/record.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file = text_of({data, size});
  scan::RuleFile parsed = scan::parse_rules(file);
  PM_CHECK(parsed.faults.size() <= scan::rule_fault_count_max);
  for (const scan::RuleFault& fault : parsed.faults) PM_CHECK(!fault.message("f").empty());
  std::erase_if(parsed.rules, [](const scan::Rule& rule) {
    if (rule.kind != scan::Kind::regex) return false;
    static_cast<void>(scan::is_wide_expression(rule.pattern));
    if (const auto weight = scan::expression_weight(rule.pattern)) PM_CHECK(*weight <= scan::expression_weight_max * 2);
    return true;  // compiling expressions takes milliseconds and is Hyperscan's to fuzz
  });
  if (const auto set = scan::RuleSet::compile(std::move(parsed.rules), scan::PlainBy::hash)) {
    const auto stored = set->serialise();
    PM_CHECK(stored.has_value());
    const auto loaded = scan::RuleSet::load(*stored);
    PM_CHECK(loaded.has_value() && loaded->identity() == set->identity());
  }

  static_cast<void>(scan::RuleSet::load({data, size}));
  // An empty set's bytes up to its rules, then the input, sealed again. A database is refused: rules with expressions need one.
  Bytes stored = scan::RuleSet().serialise().value();
  stored.resize(stored.size() / 8 * 8 - 8);
  stored[16] = size == 0 ? 0 : data[0];
  append(stored, ByteView{data, size});
  stored.resize((stored.size() + 7) / 8 * 8 + 8);
  store<std::uint32_t>(stored.data() + 12, crc32c(ByteView(stored).subspan(16)), std::endian::little);
  static_cast<void>(scan::RuleSet::load(stored));
  return 0;
}

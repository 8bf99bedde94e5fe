// A rule file of hostile bytes: parsed, compiled, stored, loaded again; words and phrases by both ways, and one small expression. The same
// bytes as stored rules, as they are and behind a right header; and a database of Hyperscan's that says it is of another processor: what
// is inside a database is guarded by the checksum.
#include "codec/scan/errors.h"
#include "codec/scan/expression.h"
#include "codec/scan/plain.h"
#include "codec/scan/rule_set.h"
#include "core/record.h"

using namespace pushmail;

namespace {

/// Compiling takes milliseconds, which is Hyperscan's to fuzz; small ones do for our side of it.
bool is_small_expression(const scan::Rule& rule) {
  constexpr std::size_t weight_max = 64;
  const auto weight = scan::expression_weight(rule.pattern);
  return weight && *weight <= weight_max && rule.pattern.size() <= weight_max;
}

void seal(Bytes& stored) { store<std::uint32_t>(stored.data() + 12, crc32c(ByteView(stored).subspan(16)), std::endian::little); }

void check_stored(const scan::RuleSet& set, bool has_database) {
  auto stored = set.serialise();
  PM_CHECK(stored.has_value());
  const auto loaded = scan::RuleSet::load(*stored);
  PM_CHECK(loaded.has_value() && loaded->identity() == set.identity());
  if (!has_database) return;
  // The database is the last thing, and its size stands before it, 8 bytes from a multiple of 8; its platform is its third word.
  for (std::size_t at = 24; at + 32 < stored->size(); at += 8) {
    if (load<std::uint64_t>(stored->data() + at, std::endian::little) != stored->size() - at - 8) continue;
    (*stored)[at + 8 + 12] ^= 0x7F;
    seal(*stored);
    const auto foreign = scan::RuleSet::load(*stored);
    PM_CHECK(!foreign && foreign.error().is(scan::scan_stored_platform));
    return;
  }
  PM_CHECK(false);
}

/// One rule many times: more than may hang on a word, and expressions that are too large together.
void check_crowd(const scan::Rule& rule) {
  std::size_t count = scan::rules_per_key_max + 1;
  if (rule.kind == scan::Kind::regex) {
    const auto weight = scan::expression_weight(rule.pattern);
    if (!weight || *weight < 500) return;
    count = scan::set_weight_max / *weight + 1;
  }
  const auto set = scan::RuleSet::compile(std::vector<scan::Rule>(count, rule), scan::PlainBy::hash);
  // A phrase has several places to hang.
  if (rule.kind == scan::Kind::regex)
    PM_CHECK(!set && set.error().info == &scan::scan_set_too_large);
  else
    PM_CHECK(set || set.error().info == &scan::scan_crowded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file = text_of({data, size});
  if (file == "\x01") {
    const scan::RuleFile large = scan::parse_rules(std::string(scan::rule_file_size_max + 1, 'x'));
    PM_CHECK(large.faults.size() == 1 && large.faults[0].info == &scan::scan_file_too_large);
  }
  if (file == "\x02") {
    // Right as it is written, and too large when it is compiled.
    const scan::RuleFile large = scan::parse_rules("a reject any regex ([\\x{100}-\\x{10000}].){200}");
    const auto set = scan::RuleSet::compile(large.rules, scan::PlainBy::hash);
    PM_CHECK(!set && set.error().info == &scan::scan_regex_syntax);
  }
  scan::RuleFile parsed = scan::parse_rules(file);
  PM_CHECK(parsed.faults.size() <= scan::rule_fault_count_max);
  for (const scan::RuleFault& fault : parsed.faults) PM_CHECK(!fault.message("f").empty());
  if (parsed.rules.size() == 1) check_crowd(parsed.rules[0]);
  bool has_expression = false;
  std::erase_if(parsed.rules, [&](const scan::Rule& rule) {
    if (rule.kind != scan::Kind::regex) return false;
    static_cast<void>(scan::is_wide_expression(rule.pattern));
    if (const auto weight = scan::expression_weight(rule.pattern)) PM_CHECK(*weight <= scan::expression_weight_max * 2);
    return has_expression || !(has_expression = is_small_expression(rule));
  });
  if (const auto set = scan::RuleSet::compile(parsed.rules, scan::PlainBy::hash)) check_stored(*set, has_expression);
  if (parsed.rules.size() <= 4) {
    const auto anchored = scan::RuleSet::compile(std::move(parsed.rules), scan::PlainBy::hyperscan, {});
    if (anchored) {
      scan::Scratch scratch;
      PM_CHECK(scratch.prepare(*anchored).has_value());
      const scan::Piece piece{.where = scan::place::text, .text = file};
      PM_CHECK(anchored->scan({&piece, 1}, scratch).count <= anchored->rules().size());
    }
  }

  static_cast<void>(scan::RuleSet::load({data, size}));
  // An empty set's bytes up to its rules, then the input, sealed again. A database is refused: rules with expressions need one.
  Bytes stored = scan::RuleSet().serialise().value();
  stored.resize(stored.size() / 8 * 8 - 8);
  stored[16] = size == 0 ? 0 : data[0];
  append(stored, ByteView{data, size});
  stored.resize((stored.size() + 7) / 8 * 8 + 8);
  seal(stored);
  static_cast<void>(scan::RuleSet::load(stored));
  return 0;
}

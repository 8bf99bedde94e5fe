// The hash of words against the naive matcher: the first lines of the input, up to an empty one, are phrases, the rest is text.
#include "codec/scan/masks.h"
#include "codec/scan/rule_set.h"
#include "tests/unit/codec/scan/naive.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2000) return 0;
  if (size >= 64) {
    const char* bytes = text_of({data, size}).data();
    const scan::Masks fast = scan::best_mask_kernel()(bytes);
    const scan::Masks scalar = scan::masks_scalar(bytes);
    PM_CHECK(fast.word == scalar.word && fast.high == scalar.high);
  }
  std::string_view rest = text_of({data, size});
  std::string file;
  for (int number = 0; number < 8 && !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) break;
    file += "r" + std::to_string(number) + (number % 2 == 0 ? " hold text phrase " : " hold text phrase/case ") + std::string(line) + "\n";
  }
  const scan::RuleFile parsed = scan::parse_rules(file);
  const auto set = scan::RuleSet::compile(parsed.rules, scan::PlainBy::hash);
  PM_CHECK(set.has_value());
  scan::Scratch scratch;
  PM_CHECK(scratch.prepare(*set).has_value());
  const scan::Piece piece{.where = scan::place::text, .text = rest};
  const scan::Outcome outcome = set->scan({&piece, 1}, scratch);
  std::vector<bool> found(parsed.rules.size());
  for (const scan::Match& match : outcome.matches) found[match.rule] = true;
  for (std::size_t i = 0; i < parsed.rules.size(); ++i) {
    const bool expected = scan::naive::matches(parsed.rules[i], rest);
    PM_CHECK(found[i] == expected);
  }
  return 0;
}

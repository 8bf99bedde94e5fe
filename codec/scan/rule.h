// One content rule, and the rule file that operators write.
//
// Came from: a file of rules, one a line. Goes to: RuleSet::compile.
//
//   # id        action       where         kind         pattern (the rest of the line)
//   spam-12     hold         subject,text  phrase       free money now
//   virus-1     reject       text          regex        invoice_[0-9]{4}\.exe
//   tax-3       tag=finance  any           word         Rechnung
//   unit-7      notify-only  text          word/case    USD
//
// Columns are separated by blanks or tabs; an empty line and a line that starts with # are no rules. Lines end with LF or CRLF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/scan/errors.h"

namespace pushmail::scan {

inline constexpr std::size_t rule_file_size_max = 8U << 20U;
inline constexpr std::size_t rule_count_max = 50'000;
inline constexpr std::size_t rule_name_size_max = 64;  // ids and tags
inline constexpr std::size_t pattern_size_max = 512;
inline constexpr std::size_t rule_fault_count_max = 100;  // then reading stops

/// What happens to a mail, strongest first: the smaller value wins.
enum class Action : std::uint8_t { reject, hold, never_push, notify_only, tag };
enum class Kind : std::uint8_t { word, phrase, regex };
enum class Case : std::uint8_t { ignored, matters };

/// Places of a mail, as bits. `header` is every field but the first three; `header` in a rule file means all fields.
using Places = std::uint8_t;
namespace place {
inline constexpr Places subject = 1;
inline constexpr Places from = 2;
inline constexpr Places to = 4;  // To and Cc
inline constexpr Places header = 8;
inline constexpr Places text = 16;
inline constexpr Places all = 31;
}  // namespace place

struct Rule {
  std::string id;
  Action action = Action::tag;
  std::string tag;  // of Action::tag only
  Places where = place::all;
  Kind kind = Kind::word;
  Case letter_case = Case::ignored;
  std::string pattern;     // UTF-8, as written
  std::uint32_t line = 0;  // of the rule file, from 1; 0 when it came from elsewhere
};

/// A mistake: what, in which line, and of which rule (empty when the id itself could not be read).
struct RuleFault {
  const ErrorInfo* info = nullptr;
  std::uint32_t line = 0;
  std::string id;
  std::string detail;  // what Hyperscan says; may be empty
  /// `FILE:LINE: rule ID: text: detail`
  [[nodiscard]] std::string message(std::string_view file) const;
};

/// Rules are usable only when there is no fault.
struct RuleFile {
  std::vector<Rule> rules;
  std::vector<RuleFault> faults;
};
/// Never fails as a whole: every mistake up to rule_fault_count_max is in `faults`. Linear in the file.
[[nodiscard]] RuleFile parse_rules(std::string_view file);

/// `reject`, `never-push` ...
[[nodiscard]] std::string_view name_of(Action action);

}  // namespace pushmail::scan

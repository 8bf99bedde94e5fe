// What can be wrong with a rule file, a rule, or stored rules.
#pragma once

#include "core/result.h"

namespace pushmail::scan {

// The rule file. The fault is the operator's; the line stands in RuleFault.
inline constexpr ErrorInfo scan_file_too_large{"scan.file_too_large", "the rule file is larger than the limit", ""};
inline constexpr ErrorInfo scan_too_many_rules{"scan.too_many_rules", "more rules than the limit", ""};
inline constexpr ErrorInfo scan_line_short{"scan.line_short", "a rule is: id action where kind pattern", ""};
inline constexpr ErrorInfo scan_not_utf8{"scan.not_utf8", "the line is not UTF-8 or has control characters", "RFC 3629 §3"};
inline constexpr ErrorInfo scan_bad_id{"scan.bad_id", "an id is 1 to 64 letters, digits, '.', '-', '_'", ""};
inline constexpr ErrorInfo scan_id_twice{"scan.id_twice", "another rule has the same id", ""};
inline constexpr ErrorInfo scan_bad_action{"scan.bad_action", "an action is reject, hold, never-push, notify-only or tag=NAME", ""};
inline constexpr ErrorInfo scan_bad_tag{"scan.bad_tag", "a tag's name is 1 to 64 letters, digits, '.', '-', '_'", ""};
inline constexpr ErrorInfo scan_bad_where{"scan.bad_where", "where is a list, by commas, of subject, from, to, header, text, any", ""};
inline constexpr ErrorInfo scan_bad_kind{"scan.bad_kind", "a kind is word, phrase or regex, and /case behind it when case matters", ""};
inline constexpr ErrorInfo scan_pattern_too_long{"scan.pattern_too_long", "the pattern is longer than the limit", ""};
inline constexpr ErrorInfo scan_not_a_word{"scan.not_a_word", "a word is letters and digits only; phrase takes the rest", ""};
inline constexpr ErrorInfo scan_no_word{"scan.no_word", "a phrase needs a letter or digit", ""};

// Compiling.
inline constexpr ErrorInfo scan_crowded{"scan.crowded", "too many rules with the same words in them", ""};
inline constexpr ErrorInfo scan_regex_syntax{"scan.regex_syntax", "Hyperscan does not take this expression", ""};
inline constexpr ErrorInfo scan_regex_empty{"scan.regex_empty", "the expression matches the empty text, and so everything", ""};
inline constexpr ErrorInfo scan_regex_too_large{"scan.regex_too_large", "the expression's repeats make it too large", ""};
inline constexpr ErrorInfo scan_regex_too_deep{"scan.regex_too_deep", "the expression's groups are nested too deep", ""};
inline constexpr ErrorInfo scan_set_too_large{"scan.set_too_large", "all expressions together are too large", ""};
inline constexpr ErrorInfo scan_compile_failed{"scan.compile_failed", "Hyperscan could not compile the rules", "", Fault::world};

// Stored rules.
inline constexpr ErrorInfo scan_stored_short{"scan.stored_short", "the stored rules end too early", "", Fault::world};
inline constexpr ErrorInfo scan_stored_magic{"scan.stored_magic", "these are no stored rules", "", Fault::world};
inline constexpr ErrorInfo scan_stored_version{"scan.stored_version", "stored by another version of pushmail or Hyperscan", "",
                                               Fault::world};
inline constexpr ErrorInfo scan_stored_crc{"scan.stored_crc", "the stored rules' checksum does not match", "", Fault::world};
inline constexpr ErrorInfo scan_stored_field{"scan.stored_field", "a field of the stored rules cannot be", "", Fault::world};
inline constexpr ErrorInfo scan_stored_platform{"scan.stored_platform", "stored for another processor, or not by Hyperscan", "",
                                                Fault::world};

inline constexpr ErrorInfo scan_no_memory{"scan.no_memory", "Hyperscan got no memory, or the processor lacks SSSE3", "", Fault::world,
                                          Lasting::temporary};

}  // namespace pushmail::scan

#include "codec/scan/rule.h"

#include <gtest/gtest.h>

namespace pushmail::scan {
namespace {

TEST(RuleFile, ReadsEveryColumn) {
  const RuleFile file = parse_rules(
      "# id action where kind pattern\r\n"
      "\n"
      "spam-12  hold  subject,text  phrase  free  money now \r\n"
      "virus.1\treject\ttext\tregex\tinvoice_[0-9]{4}\\.exe\n"
      "  tax_3 tag=finance any word Rechnung\n"
      "u never-push header word/case USD\n"
      "n notify-only from,to regex/case ^A b");
  ASSERT_TRUE(file.faults.empty()) << file.faults[0].message("rules");
  ASSERT_EQ(5U, file.rules.size());
  EXPECT_EQ("spam-12", file.rules[0].id);
  EXPECT_EQ(Action::hold, file.rules[0].action);
  EXPECT_EQ(place::subject | place::text, file.rules[0].where);
  EXPECT_EQ(Kind::phrase, file.rules[0].kind);
  EXPECT_EQ("free  money now", file.rules[0].pattern);
  EXPECT_EQ(3U, file.rules[0].line);
  EXPECT_EQ(Kind::regex, file.rules[1].kind);
  EXPECT_EQ("invoice_[0-9]{4}\\.exe", file.rules[1].pattern);
  EXPECT_EQ(Case::ignored, file.rules[1].letter_case);
  EXPECT_EQ("finance", file.rules[2].tag);
  EXPECT_EQ(place::all, file.rules[2].where);
  EXPECT_EQ(Action::never_push, file.rules[3].action);
  EXPECT_EQ(Case::matters, file.rules[3].letter_case);
  EXPECT_EQ(place::subject | place::from | place::to | place::header, file.rules[3].where);
  EXPECT_EQ(Action::notify_only, file.rules[4].action);
  EXPECT_EQ("^A b", file.rules[4].pattern);
}

struct Mistake {
  std::string line;
  const ErrorInfo* info;
};

TEST(RuleFile, NamesEveryMistake) {
  const std::vector<Mistake> mistakes{{"a hold text word", &scan_line_short},
                                      {"a hold text phrase two \xFF words", &scan_not_utf8},
                                      {"a hold text word b\x01", &scan_not_utf8},
                                      {"a/b hold text word x", &scan_bad_id},
                                      {std::string(65, 'a') + " hold text word x", &scan_bad_id},
                                      {"a delete text word x", &scan_bad_action},
                                      {"a hold=x text word x", &scan_bad_action},
                                      {"a tag text word x", &scan_bad_action},
                                      {"a tag= text word x", &scan_bad_tag},
                                      {"a tag=x/y text word x", &scan_bad_tag},
                                      {"a hold body word x", &scan_bad_where},
                                      {"a hold text, word x", &scan_bad_where},
                                      {"a hold text glob x", &scan_bad_kind},
                                      {"a hold text word/Case x", &scan_bad_kind},
                                      {"a hold text regex " + std::string(513, 'x'), &scan_pattern_too_long},
                                      {"a hold text word two words", &scan_not_a_word},
                                      {"a hold text word one!", &scan_not_a_word},
                                      {"a hold text word !", &scan_not_a_word},
                                      {"a hold text phrase !!! ...", &scan_no_word}};
  for (const Mistake& mistake : mistakes) {
    const RuleFile file = parse_rules("# first\n" + mistake.line + "\nok hold text word x\n");
    ASSERT_EQ(1U, file.faults.size()) << mistake.line;
    EXPECT_EQ(mistake.info, file.faults[0].info) << mistake.line << " -> " << file.faults[0].info->name;
    EXPECT_EQ(2U, file.faults[0].line);
    EXPECT_EQ(1U, file.rules.size()) << "the other line is a rule";
  }
}

TEST(RuleFile, SaysFileLineAndRule) {
  const RuleFile file = parse_rules("a hold text word x\nb hold text phrase y z\na hold text word w\nc burn text word x\n");
  ASSERT_EQ(2U, file.faults.size()) << "all mistakes, not the first only";
  EXPECT_EQ("/etc/rules:3: rule a: another rule has the same id", file.faults[0].message("/etc/rules"));
  EXPECT_EQ("/etc/rules:4: rule c: an action is reject, hold, never-push, notify-only or tag=NAME", file.faults[1].message("/etc/rules"));
}

TEST(RuleFile, HasLimits) {
  EXPECT_EQ(&scan_file_too_large, parse_rules(std::string(rule_file_size_max + 1, '\n')).faults.at(0).info);
  std::string many;
  for (std::size_t i = 0; i <= rule_count_max; ++i) many += "r" + std::to_string(i) + " hold text word x\n";
  const RuleFile file = parse_rules(many);
  EXPECT_EQ(rule_count_max, file.rules.size());
  ASSERT_EQ(1U, file.faults.size());
  EXPECT_EQ(&scan_too_many_rules, file.faults[0].info);
  std::string wrong;
  for (std::size_t i = 0; i < 3 * rule_fault_count_max; ++i) wrong += "?\n";
  EXPECT_EQ(rule_fault_count_max, parse_rules(wrong).faults.size());
}

}  // namespace
}  // namespace pushmail::scan

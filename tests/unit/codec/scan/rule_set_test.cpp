#include "codec/scan/rule_set.h"

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "codec/mime/message.h"
#include "codec/scan/expression.h"
#include "codec/scan/mail.h"
#include "core/record.h"
#include "tests/unit/codec/scan/naive.h"

namespace pushmail::scan {
namespace {

using Ids = std::vector<std::string>;

RuleSet compiled(std::string_view file, PlainBy by = PlainBy::automatic) {
  RuleFile parsed = parse_rules(file);
  for (const RuleFault& fault : parsed.faults) ADD_FAILURE() << fault.message("rules");
  auto set = RuleSet::compile(std::move(parsed.rules), by);
  if (!set) {
    ADD_FAILURE() << set.error().message("rules");
    return {};
  }
  return std::move(*set);
}

Ids ids_of(const RuleSet& set, std::span<const Piece> pieces) {
  Scratch scratch;
  EXPECT_TRUE(scratch.prepare(set));
  Ids ids;
  for (const Match& match : set.scan(pieces, scratch).matches) ids.push_back(set.rules()[match.rule].id);
  return ids;
}
Ids ids_of(const RuleSet& set, std::string_view text) {
  const Piece piece{.where = place::text, .text = text};
  return ids_of(set, {&piece, 1});
}

class BothWays : public testing::TestWithParam<PlainBy> {};
INSTANTIATE_TEST_SUITE_P(RuleSet, BothWays, testing::Values(PlainBy::hash, PlainBy::hyperscan),
                         [](const auto& parameter) { return parameter.param == PlainBy::hash ? "hash" : "hyperscan"; });

struct Row {
  std::string kind, pattern, text;
  bool matches;
};

TEST_P(BothWays, WordsAndPhrases) {
  const std::string blanks64(64, ' ');
  const std::vector<Row> rows{{"word", "money", "Free MONEY, now", true},
                              {"word", "money", "moneybag", false},
                              {"word", "money", "his_money_", true},
                              {"word", "money", "money", true},
                              {"word", "money", "moneymoney money2 \xC3\xA9money money\xC3\xA9", false},
                              {"word", "money", "moneys money", true},
                              {"word", "größe", "Die GRÖßE zählt", true},
                              {"word", "größe", "Größen", false},
                              {"word", "привет", "ПРИВЕТ!", true},
                              {"word/case", "USD", "5 USD", true},
                              {"word/case", "USD", "5 usd", false},
                              {"word", "internationalization", "Internationalization", true},
                              {"word", "internationalization", "internationalizetion", false},
                              {"word", "internXtionalization", "internationalization", false},
                              {"phrase", "free money", "get your free\r\n   money today", true},
                              {"phrase", "free money", "free, money", false},
                              {"phrase", "free money", "carefree money", false},
                              {"phrase", "free money", "free moneybag", false},
                              {"phrase", "free money", "free free money", true},
                              {"phrase", "free money", "free\xC2\xA0money", true},
                              {"phrase", "free money", "free" + blanks64 + "money", true},
                              {"phrase", "free money", "free " + blanks64 + "money", false},
                              {"phrase", "free   money now", "FREE money NOW", true},
                              {"phrase", "free money now", "free money no", false},
                              {"phrase", "a b a b c", "a b a b a b c", true},
                              {"phrase", "joe@example.com", "<Joe@Example.COM>", true},
                              {"phrase", "joe@example.com", "joe@example.community", false},
                              {"phrase", "joe@example.com", "joe@ example.com", false},
                              {"phrase", "$$$ cash", "win $$$ cash", true},
                              {"phrase", "$$$ cash", "win $$ cash", false},
                              {"phrase", "cash!", "cash", false},
                              {"phrase", "cash!", "CASH!x", true},
                              {"phrase", "免费领取", "点击免费领取红包", true},
                              {"phrase", "免费领取", "免费 领取", false},
                              {"phrase/case", "Free Money", "Free  Money", true},
                              {"phrase/case", "Free Money", "free money", false},
                              {"phrase", "naïve idea", "a NAÏVE idea", true},
                              {"word", "x", "", false}};
  for (const Row& row : rows) {
    const RuleSet set = compiled("r hold text " + row.kind + " " + row.pattern, GetParam());
    EXPECT_EQ(row.matches, !ids_of(set, row.text).empty()) << row.kind << " '" << row.pattern << "' in '" << row.text << "'";
    const RuleFile parsed = parse_rules("r hold text " + row.kind + " " + row.pattern);
    EXPECT_EQ(row.matches, naive::matches(parsed.rules.at(0), row.text)) << "the oracle of the tests: " << row.pattern;
  }
}

TEST_P(BothWays, RulesLookWhereTheySay) {
  const RuleSet set = compiled(
      "s hold subject word alpha\nf hold from word alpha\nt hold to word alpha\nh hold header word alpha\nb hold text word alpha\n"
      "a hold any word alpha\nx hold subject,text regex alp.a\n",
      GetParam());
  const auto at = [&](Places where) {
    const Piece piece{.where = where, .text = "say alpha"};
    return ids_of(set, {&piece, 1});
  };
  EXPECT_EQ((Ids{"s", "h", "a", "x"}), at(place::subject));
  EXPECT_EQ((Ids{"f", "h", "a"}), at(place::from));
  EXPECT_EQ((Ids{"t", "h", "a"}), at(place::to));
  EXPECT_EQ((Ids{"h", "a"}), at(place::header));
  EXPECT_EQ((Ids{"b", "a", "x"}), at(place::text));
}

// Random rules and texts of few words, so that overlaps, repeats and near misses are common.
TEST_P(BothWays, IsTheNaiveMatcher) {
  std::mt19937 dice(7);
  const std::vector<std::string> atoms{"a",
                                       "b",
                                       "ab",
                                       "money",
                                       "MONEY",
                                       "Straße",
                                       "привет",
                                       "免",
                                       "费",
                                       "é",
                                       "longerthaneight",
                                       "longerthanEIGHU",
                                       "\xC2\xA0",
                                       " ",
                                       "  ",
                                       "\n",
                                       "_",
                                       "-",
                                       "@",
                                       ".",
                                       "\xFF",
                                       "\xC3",
                                       "7",
                                       "😀",
                                       "aaaaaaaabbbbbbbb",
                                       "x"};
  const auto some = [&](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      out += atoms[dice() % atoms.size()];
      if (dice() % 2 == 0) out += ' ';
    }
    return out;
  };
  std::size_t hits = 0;
  for (int round = 0; round < 60; ++round) {
    std::string file;
    for (int i = 0; i < 60; ++i) {
      const std::string pattern = some(1 + dice() % 4);
      const std::string line = "r" + std::to_string(i) + " tag=x text " + (dice() % 3 == 0 ? "phrase/case " : "phrase ") + pattern + "\n";
      if (pattern.find('\n') == std::string::npos && parse_rules(line).faults.empty()) file += line;
    }
    RuleFile parsed = parse_rules(file);
    const auto set = RuleSet::compile(parsed.rules, GetParam());
    ASSERT_TRUE(set) << set.error().message("rules");
    for (int i = 0; i < 20; ++i) {
      const std::string text = some(dice() % 40);
      std::set<std::string> expected;
      for (const Rule& rule : parsed.rules) {
        if (naive::matches(rule, text)) expected.insert(rule.id);
      }
      const Ids found = ids_of(*set, text);
      ASSERT_EQ(expected, std::set<std::string>(found.begin(), found.end())) << text << "\n" << file;
      hits += expected.size();
    }
  }
  EXPECT_GT(hits, 1000U) << "the test must hit something";
}

// Where both are defined: ASCII words without underscore, against Hyperscan's own \b and \s.
TEST(RuleSet, HashIsHyperscansExpression) {
  std::mt19937 dice(11);
  const std::vector<std::string> words{"the", "Meeting", "invoice", "on", "FRIDAY", "money", "2024", "moneybag", "in", "voice"};
  const std::vector<std::string> gaps{" ", " ", " ", "\n", "  ", ", ", "-", "", "'"};
  for (int round = 0; round < 40; ++round) {
    std::string plain, regex;
    for (int i = 0; i < 40; ++i) {
      std::string phrase, expression = "\\b";
      for (std::size_t n = 1 + dice() % 3; n > 0; --n) {
        const std::string& word = words[dice() % words.size()];
        phrase += word + (n > 1 ? " " : "");
        expression += word + (n > 1 ? "\\s+" : "\\b");
      }
      plain += "r" + std::to_string(i) + " hold text phrase " + phrase + "\n";
      regex += "r" + std::to_string(i) + " hold text regex " + expression + "\n";
    }
    const RuleSet by_hash = compiled(plain, PlainBy::hash);
    const RuleSet by_regex = compiled(regex);
    std::string text;
    for (int i = 0; i < 60; ++i) text += words[dice() % words.size()] + gaps[dice() % gaps.size()];
    ASSERT_EQ(ids_of(by_regex, text), ids_of(by_hash, text)) << text;
  }
}

TEST(RuleSet, WordsAtEveryPlaceOfABlock) {
  const RuleSet set = compiled(
      "w hold text word needle\nl hold text word needlesareverylong\nu hold text word nädel\np hold text phrase hay needle", PlainBy::hash);
  for (std::size_t before = 0; before < 200; ++before) {
    for (const std::string& word : {std::string("needle"), std::string("needlesareverylong"), std::string("nädel")}) {
      const std::string hay = std::string(before, before % 3 == 0 ? ' ' : 'h');
      const std::string separated = hay + " " + word;
      EXPECT_EQ(1U, ids_of(set, separated).size()) << before << word;
      EXPECT_EQ(1U, ids_of(set, separated + " " + std::string(before, 'x')).size()) << before << word;
      if (before > 0 && before % 3 != 0) {
        EXPECT_TRUE(ids_of(set, hay + word).empty()) << before << word;
      }
      EXPECT_TRUE(ids_of(set, separated + std::string(before + 1, 'x')).empty()) << before << word;
    }
    EXPECT_EQ((Ids{"w", "p"}), ids_of(set, std::string(before, '.') + "hay\tneedle"));
  }
}

TEST(RuleSet, StrongestFirstAndBounded) {
  std::string file;
  for (int i = 0; i < 100; ++i) file += "t" + std::to_string(i) + " tag=x text word w" + std::to_string(i) + "\n";
  file += "n notify-only text word last\np never-push text regex la.t\nh hold text word last\nr reject text phrase the last\n";
  const RuleSet set = compiled(file, PlainBy::hash);
  std::string text;
  for (int i = 0; i < 100; ++i) text += "w" + std::to_string(i) + " ";
  text += "the last";
  const Piece piece{.where = place::text, .text = text};
  Scratch scratch;
  ASSERT_TRUE(scratch.prepare(set));
  const Outcome outcome = set.scan({&piece, 1}, scratch);
  EXPECT_EQ(104U, outcome.count);
  ASSERT_EQ(match_count_max, outcome.matches.size());
  EXPECT_EQ(Action::reject, outcome.matches[0].action);
  EXPECT_EQ(Action::hold, outcome.matches[1].action);
  EXPECT_EQ(Action::never_push, outcome.matches[2].action);
  EXPECT_EQ(Action::notify_only, outcome.matches[3].action);
  EXPECT_EQ("t0", set.rules()[outcome.matches[4].rule].id);
  EXPECT_EQ("t59", set.rules()[outcome.matches[63].rule].id);
  // The next mail starts from nothing, and a mail matches a rule once.
  const std::vector<Piece> again{{.where = place::text, .text = "w7 w7"}, {.where = place::text, .text = "w7"}};
  EXPECT_EQ(1U, set.scan(again, scratch).count);
}

TEST(RuleSet, ExpressionsWithCaseLinesAndUnicode) {
  const RuleSet set = compiled(
      "a hold text regex invoice_[0-9]{4}\\.exe\nb hold text regex/case ^Total:\nc hold text regex gr\xC3\xB6\xC3\x9F"
      "er\nd hold text regex \\p{Greek}{3}\n");
  EXPECT_EQ(Ids{"a"}, ids_of(set, "see INVOICE_2024.EXE"));
  EXPECT_EQ(Ids{"b"}, ids_of(set, "x\nTotal: 5"));
  EXPECT_EQ(Ids{}, ids_of(set, "x Total: 5\ntotal:"));
  EXPECT_EQ(Ids{"c"}, ids_of(set,
                             "GR\xC3\x96\xC3\x9F"
                             "ER"));
  EXPECT_EQ(Ids{"d"}, ids_of(set, "αβγ"));
}

TEST_P(BothWays, BrokenBytesHideNothing) {
  // `d` makes the set wide: Hyperscan then wants UTF-8.
  const RuleSet set = compiled(
      "a hold text regex invoice_[0-9]{4}\\.exe\nb hold text regex/case ^Total\nc hold text phrase xqzvorl glop\nd hold text regex "
      "\\p{Greek}{3}\n",
      GetParam());
  EXPECT_EQ(Ids{"d"}, ids_of(set, "\xFF\xFE αβγ"));
  EXPECT_EQ(Ids{"d"}, ids_of(set, "αβ\xCE αβγ\xCE"));
  EXPECT_EQ(Ids{}, ids_of(set, "αβ\xCE γ")) << "a broken byte is no letter";
  EXPECT_EQ(Ids{"a"}, ids_of(set, "\x80 invoice_2024.exe"));
  EXPECT_EQ(Ids{}, ids_of(set, "\x80Total")) << "and no line end";
  EXPECT_EQ(Ids{"b"}, ids_of(set, "\xE2\x82\nTotal"));
  EXPECT_EQ(Ids{"c"}, ids_of(set, "caf\xE9 xqzvorl glop")) << "an anchor's place is that in the text";
  EXPECT_EQ((Ids{"a", "b", "c", "d"}), ids_of(set,
                                              "\xED\xA0\x80 xqzvorl glop\nTotal invoice_2024.exe\xC0\xAF"
                                              "αβγ\xF5"));
  EXPECT_EQ(Ids{"a"}, ids_of(set, std::string(100'000, '\xFF') + "invoice_2024.exe"));
}

TEST(RuleSet, ChoosesByTheWords) {
  EXPECT_EQ(PlainBy::hyperscan, compiled("a hold text word xqzvorl\nb hold text phrase vlarp zonk").plain_by());
  EXPECT_EQ(PlainBy::hash, compiled("a hold text word meeting\nb hold text phrase free money").plain_by());
  EXPECT_EQ(PlainBy::hash, compiled("a hold text word привет").plain_by()) << "no ASCII word to look for";
  const auto sampled = RuleSet::compile(parse_rules("a hold text word xqzvorl").rules, PlainBy::automatic, "our XQZVORL works");
  ASSERT_TRUE(sampled);
  EXPECT_EQ(PlainBy::hash, sampled->plain_by()) << "an everyday word of this operator";
}

const ErrorInfo* fault_of(std::vector<Rule> rules) {
  const auto set = RuleSet::compile(std::move(rules));
  return set ? nullptr : set.error().info;
}
Rule regex(std::string pattern) {
  return {.id = "r",
          .action = Action::hold,
          .tag = {},
          .where = place::text,
          .kind = Kind::regex,
          .letter_case = Case::ignored,
          .pattern = std::move(pattern),
          .line = 7};
}

TEST(RuleSet, RefusesWhatCostsTooMuch) {
  EXPECT_EQ(&scan_regex_syntax, fault_of({regex("(a")}));
  EXPECT_EQ(&scan_regex_syntax, fault_of({regex("(a)\\1")})) << "a back reference needs backtracking";
  EXPECT_EQ(&scan_regex_syntax, fault_of({regex("(?<=a)b")}));
  EXPECT_EQ(&scan_regex_empty, fault_of({regex("a*")}));
  EXPECT_EQ(&scan_regex_empty, fault_of({regex("(x|)")}));
  EXPECT_EQ(&scan_regex_too_large, fault_of({regex("a{5000}")}));
  EXPECT_EQ(&scan_regex_too_large, fault_of({regex("((a{1,100}){1,100}){1,100}")}));
  EXPECT_EQ(&scan_regex_too_large, fault_of({regex("[ab]{99999999999999999999}")}));
  EXPECT_EQ(&scan_regex_too_large, fault_of({regex("a{60}{70}")}));
  EXPECT_EQ(&scan_regex_too_deep, fault_of({regex(std::string(17, '(') + "a" + std::string(17, ')'))}));
  EXPECT_EQ(&scan_pattern_too_long, fault_of({regex(std::string(513, 'a'))}));
  EXPECT_EQ(&scan_not_utf8, fault_of({regex("\xFF")}));
  EXPECT_EQ(&scan_not_utf8, fault_of({regex(std::string("a\0b", 3))}));
  EXPECT_EQ(&scan_set_too_large, fault_of(std::vector<Rule>(300, regex("x[a-z]{3990}y"))));
  Rule word = regex("two words");
  word.kind = Kind::word;
  EXPECT_EQ(&scan_not_a_word, fault_of({word}));
  Rule phrase = regex("free money");
  phrase.kind = Kind::phrase;
  EXPECT_EQ(nullptr, fault_of(std::vector<Rule>(rules_per_key_max, phrase)));
  EXPECT_EQ(&scan_crowded, fault_of(std::vector<Rule>(rules_per_key_max + 1, phrase)));
  EXPECT_EQ(&scan_too_many_rules, fault_of(std::vector<Rule>(rule_count_max + 1, phrase)));
  const auto set = RuleSet::compile({regex("ok"), regex("b[")});
  ASSERT_FALSE(set);
  EXPECT_TRUE(set.error().message("f").starts_with("f:7: rule r: Hyperscan does not take this expression: ")) << set.error().message("f");
}

TEST(RuleSet, ExpressionsOfBacktrackersAreLinear) {
  // What takes a backtracking engine years: here one answer, and the test ends.
  const RuleSet set = compiled("a hold text regex (a+)+b\nc hold text regex (x|xx|xxx)+y$\n");
  EXPECT_EQ(Ids{}, ids_of(set, std::string(100'000, 'a') + "\n" + std::string(100'000, 'x')));
}

TEST(Expression, Weight) {
  EXPECT_EQ(3U, expression_weight("abc").value());
  EXPECT_EQ(4U, expression_weight("[a-z]{4}").value());
  EXPECT_EQ(12U, expression_weight("(ab){2,6}").value());
  EXPECT_EQ(6U, expression_weight("(a(b){2}){2}").value());
  EXPECT_EQ(2U, expression_weight("[]a]\\{").value());
  EXPECT_EQ(3U, expression_weight("a{x").value());
  EXPECT_EQ(2U, expression_weight("))ab").value());
}

TEST(Stored, ComesBackTheSame) {
  const std::string file =
      "a hold text,subject word meeting\nb tag=finance any regex inv[0-9]+\nc reject text phrase/case Free Money\nd hold from phrase "
      "xqzvorl glop\n";
  const std::string text = "meeting about Free Money inv77 xqzvorl glop";
  for (const PlainBy by : {PlainBy::hash, PlainBy::hyperscan}) {
    const RuleSet set = compiled(file, by);
    const auto stored = set.serialise();
    ASSERT_TRUE(stored);
    const auto loaded = RuleSet::load(*stored);
    ASSERT_TRUE(loaded) << loaded.error().info->name;
    EXPECT_EQ(set.plain_by(), loaded->plain_by());
    EXPECT_EQ(set.identity(), loaded->identity());
    EXPECT_EQ("finance", loaded->rules()[1].tag);
    EXPECT_EQ(3U, loaded->rules()[2].line);
    EXPECT_EQ((Ids{"c", "a", "b"}), ids_of(*loaded, text));
    EXPECT_EQ(ids_of(set, text), ids_of(*loaded, text));
  }
  const RuleSet none;
  const auto stored = none.serialise();
  ASSERT_TRUE(stored);
  const auto loaded = RuleSet::load(*stored);
  ASSERT_TRUE(loaded) << loaded.error().info->name;
  EXPECT_TRUE(loaded->rules().empty());
}

// The same bytes with a checksum that is right again.
Bytes sealed(Bytes bytes) {
  store<std::uint32_t>(bytes.data() + 12, crc32c(ByteView(bytes).subspan(16)), std::endian::little);
  return bytes;
}
const ErrorInfo* load_error(const Bytes& bytes) {
  const auto loaded = RuleSet::load(bytes);
  return loaded ? nullptr : loaded.error().info;
}

TEST(Stored, EveryBentByteIsFound) {
  const Bytes good = compiled("a hold text word meeting\nb hold any regex inv[0-9]+\n").serialise().value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bent = good;
    bent[i] = static_cast<std::uint8_t>(bent[i] ^ 0x10U);
    const ErrorInfo* error = load_error(bent);
    ASSERT_NE(nullptr, error) << i;
    if (i >= 12) {
      ASSERT_EQ(&scan_stored_crc, error) << i;
    }
  }
  for (std::size_t size = 0; size < good.size(); size += 1 + size / 16) {
    ASSERT_NE(nullptr, load_error(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
}

TEST(Stored, NamesWhatIsWrong) {
  const Bytes good = compiled("a hold text word meeting\nb hold any regex inv[0-9]+\n").serialise().value();
  EXPECT_EQ(&scan_stored_magic, load_error({}));
  EXPECT_EQ(&scan_stored_short, load_error(Bytes(good.begin(), good.begin() + 14)));
  Bytes version = good;
  version[8] = 9;
  EXPECT_EQ(&scan_stored_version, load_error(version));
  Bytes hyperscan = good;
  hyperscan[22] = '9';
  EXPECT_EQ(&scan_stored_version, load_error(sealed(hyperscan)));
  Bytes short_one(good.begin(), good.end() - 8);
  EXPECT_EQ(&scan_stored_short, load_error(sealed(short_one)));
  Bytes longer = good;
  longer.resize(longer.size() + 8);
  EXPECT_EQ(&scan_stored_field, load_error(sealed(longer)));
  Bytes count = good;
  count[18] = 0xFF;
  EXPECT_EQ(&scan_stored_field, load_error(sealed(count)));
  // The first rule's bytes stand behind Hyperscan's version and the mode.
  const std::size_t rule_at = 22U + good[20] + 1;
  Bytes mode = good;
  mode[rule_at - 1] = 0;
  EXPECT_EQ(&scan_stored_field, load_error(sealed(mode)));
  for (std::size_t i = 0; i < 4; ++i) {
    Bytes field = good;
    field[rule_at + i] = 0x77;
    EXPECT_EQ(&scan_stored_field, load_error(sealed(field))) << i;
  }
  // Hyperscan's own header: magic, version, ... its checks stay the last word.
  Bytes database = good;
  constexpr std::array<std::uint8_t, 4> hyperscan_magic{0xDB, 0xDB, 0xDB, 0xDB};
  const auto at = std::search(database.begin(), database.end(), hyperscan_magic.begin(), hyperscan_magic.end());
  ASSERT_NE(database.end(), at) << "Hyperscan's magic number";
  *at = 0;
  EXPECT_EQ(&scan_stored_platform, load_error(sealed(database)));
}

TEST(Scratch, ServesOneSetAfterTheOther) {
  const RuleSet first = compiled("a hold text regex one[0-9]\n");
  const RuleSet second = compiled("b hold text regex two[0-9]\nc hold text word meeting\n");
  Scratch scratch;
  for (int i = 0; i < 3; ++i) {
    for (const RuleSet* set : {&first, &second}) {
      ASSERT_TRUE(scratch.prepare(*set));
      const Piece piece{.where = place::text, .text = "one1 two2 meeting"};
      EXPECT_EQ(set == &first ? 1U : 2U, set->scan({&piece, 1}, scratch).count);
    }
  }
  Scratch moved = std::move(scratch);
  const Piece piece{.where = place::text, .text = "two2"};
  EXPECT_EQ(1U, second.scan({&piece, 1}, moved).count);
}

TEST(Mail, PiecesAreHeadersAndTexts) {
  const std::string mail =
      "From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>\r\nTo: a@example.com\r\nCc: b@example.com\r\nSubject: "
      "=?utf-8?B?R3LDvMOfZQ==?=\r\nX-Kind: invoice\r\n"
      "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
      "--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\nR3L832U=\r\n"
      "--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\naW52b2ljZQ==\r\n--x--\r\n";
  const auto message = mime::parse(bytes_of(mail));
  ASSERT_TRUE(message);
  const MailPieces pieces = pieces_of(*message);
  std::vector<std::pair<Places, std::string>> found;
  for (const Piece& piece : pieces.pieces) found.emplace_back(piece.where, piece.text);
  EXPECT_EQ((std::vector<std::pair<Places, std::string>>{{place::from, "Jörg <joerg@example.com>"},
                                                         {place::to, "a@example.com"},
                                                         {place::to, "b@example.com"},
                                                         {place::subject, "Grüße"},
                                                         {place::header, "invoice"},
                                                         {place::header, "multipart/mixed; boundary=x"},
                                                         {place::text, "Grüße"}}),
            found);
  const RuleSet set = compiled("s hold subject word grüße\nt hold text word grüße\nh hold header word invoice\nn hold text word invoice\n");
  EXPECT_EQ((Ids{"s", "t", "h"}), ids_of(set, pieces.pieces)) << "the picture is not looked at";
}

}  // namespace
}  // namespace pushmail::scan

#include "core/program_options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/nearest_word.h"

namespace pushmail {
namespace {

std::expected<ProgramOptions, OptionsEnd> read(std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  constexpr OptionRow fetcher{"fetcher", "PROGRAM"};
  return read_program_options("pushmail-x", arguments, {&fetcher, 1});
}

TEST(ProgramOptions, AreReadInBothForms) {
  EXPECT_EQ(read({})->root, "");
  EXPECT_EQ(read({"--root", "/r"})->root, "/r");
  const auto both = read({"--root=/r", "--fetcher", "/bin/cat"});
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->root, "/r");
  EXPECT_EQ(both->others.at("fetcher"), "/bin/cat");
}

TEST(ProgramOptions, AWrongOneIsNamed) {
  struct Row {
    std::vector<std::string> words;
    std::string first_line;
  };
  for (const Row& row :
       {Row{{"--rot", "/r"}, "pushmail-x: unknown option --rot; did you mean --root?"},
        Row{{"--verbose"}, "pushmail-x: unknown option --verbose"}, Row{{"--root"}, "pushmail-x: --root needs a value"},
        Row{{"--root="}, "pushmail-x: --root needs a value"}, Row{{"--root=/a", "--root=/b"}, "pushmail-x: --root is given twice"},
        Row{{"/r"}, "pushmail-x: \"/r\" is no option"}}) {
    const auto refused = read(row.words);
    ASSERT_FALSE(refused.has_value()) << row.first_line;
    EXPECT_EQ(refused.error().exit_code, 64);
    EXPECT_EQ(refused.error().text, row.first_line + "\nusage: pushmail-x [--root DIR] [--fetcher PROGRAM] [--version]\n");
  }
}

TEST(ProgramOptions, VersionIsAnAnswer) {
  const auto version = read({"--version"});
  ASSERT_FALSE(version.has_value());
  EXPECT_EQ(version.error().exit_code, 0);
  EXPECT_EQ(version.error().text, "pushmail-x " + std::string(program_version()) + "\n");
  EXPECT_EQ(program_version().find_first_not_of("0123456789."), std::string_view::npos);
  EXPECT_EQ(read({"--help"}).error().exit_code, 0);
}

TEST(NearestWord, SuggestsWhatIsNearEnough) {
  NearestWord nearest("statsu");
  for (const char* word : {"binding", "status", "peer"}) nearest.offer(word);
  EXPECT_EQ(nearest.suggestion(), "; did you mean status?");
  NearestWord nothing("dance");
  for (const char* word : {"binding", "status"}) nothing.offer(word);
  EXPECT_EQ(nothing.suggestion(), "");
  NearestWord begun("journ");
  for (const char* word : {"worker", "journal"}) begun.offer(word);
  EXPECT_EQ(begun.suggestion(), "; did you mean journal?");
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

}  // namespace
}  // namespace pushmail

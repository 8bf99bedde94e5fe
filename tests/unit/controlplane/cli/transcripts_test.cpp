// The transcripts of tests/dialogues/cli, as an operator sees them, held against pushmailctl and a control plane's API socket.
//
//   # why                       $ words of pushmailctl ("in quotes": one word)       < a line of its standard input
//   > a line of its output      ! a line of its error output      > ...   whatever it prints before the next line of the transcript
//   exit 64                     its exit code, where that is not 0
//   file PATH                   and | its lines: a file that its owner alone reads, from here on
//   waiting mail                comes for the binding ID1
//
// What differs from run to run reads alike: ROOT is the folder, ID1, ID2 ... are ids in the order in which they are shown, filled up with
// dots to their length; in words they stand without dots.
#include <algorithm>
#include <boost/regex.hpp>
#include <fstream>
#include <map>

#include "core/ascii.h"
#include "tests/unit/controlplane/cli/fixture.h"

namespace pushmail::cli {
namespace {

const std::filesystem::path folder = std::filesystem::path(PUSHMAIL_SOURCE_DIR) / "tests/dialogues/cli";

std::vector<std::string> transcripts() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) found.push_back(entry.path().filename().string());
  std::ranges::sort(found);
  return found;
}

struct Transcript : CliTest, testing::WithParamInterface<std::string> {
  std::map<std::string, std::string> names;  // an id -> ID1
  Ran ran{};
  bool is_loose = false;
  std::string pending{}, input{};

  /// Runs the command whose lines of input are complete.
  void run_pending() {
    if (pending.empty()) return;
    ran = at_root(words_of(std::exchange(pending, "")), std::exchange(input, ""));
    ran.out = as_written(ran.out);
    ran.error = as_written(ran.error);
  }
  /// The command before is over: all that it printed was expected, and its exit code is 0 if nobody said another.
  void finish() {
    run_pending();
    if (std::exchange(is_loose, false)) ran.out.clear();
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.error, "");
    EXPECT_EQ(ran.code, 0);
    ran = {};
  }
  std::vector<std::string> words_of(const std::string& line) const {
    std::vector<std::string> words(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == ' ' && !quoted) {
        words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    for (std::string& word : words) {
      for (const auto& [id, name] : names) word = boost::regex_replace(word, boost::regex("\\b" + name + "\\b"), id);
      word = boost::regex_replace(word, boost::regex("\\bROOT\\b"), root.string());
    }
    return words;
  }
  std::string as_written(const std::string& printed) {
    static const boost::regex id("b?[0-7][0-9A-HJKMNP-TV-Z]{25}|[0-9a-f]{32}");
    std::string text;
    const std::string without_root = boost::regex_replace(printed, boost::regex(root.string()), "ROOT");
    auto rest = without_root.cbegin();
    for (boost::smatch found; boost::regex_search(rest, without_root.cend(), found, id); rest = found.suffix().first) {
      std::string name = names.try_emplace(found.str(), "ID" + std::to_string(names.size() + 1)).first->second;
      name.resize(static_cast<std::size_t>(found.length()), '.');
      text.append(found.prefix()).append(name);
    }
    return text.append(rest, without_root.cend());
  }
  static std::string take_line(std::string& printed) {
    const std::size_t end = printed.find('\n');
    if (printed.empty()) return "nothing";
    std::string line = printed.substr(0, end);
    printed.erase(0, std::max(end, end + 1));  // a question has no line end
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  }
  void expect_output(std::string_view line) {
    if (line == "...") {
      is_loose = true;
      return;
    }
    std::string printed = take_line(ran.out);
    while (is_loose && printed != line && !ran.out.empty()) printed = take_line(ran.out);
    is_loose = false;
    EXPECT_EQ(printed, line);
  }
  void mail_comes() {
    const auto binding = std::ranges::find(names, "ID1", &std::pair<const std::string, std::string>::second);
    ASSERT_NE(binding, names.end());
    waiting_mail(binding->first, "Lunch");
  }
};

TEST_P(Transcript, IsWhatAnOperatorSees) {
  std::ifstream transcript(folder / GetParam());
  std::ofstream file;
  std::string line;
  for (int number = 1; std::getline(transcript, line); ++number) {
    SCOPED_TRACE(GetParam() + ":" + std::to_string(number) + ": " + line);
    const std::string_view text = line;
    const std::string content(text.substr(std::min<std::size_t>(2, text.size())));
    if (text.starts_with("<")) {
      input += content + "\n";
      continue;
    }
    if (text.starts_with("|")) {
      file << boost::regex_replace(content, boost::regex("\\bROOT\\b"), root.string()) << std::endl;
      continue;
    }
    run_pending();
    if (text.starts_with("$ pushmailctl ")) {
      finish();
      pending = text.substr(14);
    } else if (text.starts_with(">")) {
      expect_output(content);
    } else if (text.starts_with("!")) {
      EXPECT_EQ(take_line(ran.error), content);
    } else if (text.starts_with("exit ")) {
      EXPECT_EQ(std::exchange(ran.code, 0), parse_number<int>(text.substr(5)).value());
    } else if (text.starts_with("file ")) {
      finish();
      const std::filesystem::path path = root / text.substr(5);
      std::filesystem::create_directories(path.parent_path());
      file = std::ofstream(path);
      EXPECT_TRUE(file.is_open());
      std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    } else if (text == "waiting mail") {
      finish();
      mail_comes();
    } else {
      EXPECT_TRUE(text.empty() || text.starts_with('#')) << "no line of a transcript";
    }
    if (HasFailure()) return;
  }
  finish();
}
INSTANTIATE_TEST_SUITE_P(Files, Transcript, testing::ValuesIn(transcripts()),
                         [](const auto& file) { return file.param.substr(0, file.param.find('.')); });

}  // namespace
}  // namespace pushmail::cli

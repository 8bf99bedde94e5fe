// Content rules: our rule set against plain Hyperscan, which has every word and phrase as an expression of the same meaning, and
// against Hyperscan with bare literals (no word ends asked, so it reports more; the fastest it can be).
//
// Rules and text are made by perf/codec/make_rules into the build folder. A block is 10 KB. Compile seconds are in the notes.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <hs.h>

#include "codec/scan/rule_set.h"

namespace {

using namespace pushmail;
using namespace pushmail::scan;

constexpr std::size_t block_size = 10'000;
constexpr std::size_t sample_size = 100'000;  // the text's beginning tells our compiler what everyday words are; the rest is scanned

std::string content_of(const std::string& name) {
  std::ifstream file(std::string(PUSHMAIL_RULES_FOLDER) + "/" + name, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (content.empty()) std::fprintf(stderr, "%s/%s is missing: perf/codec/make_rules makes it\n", PUSHMAIL_RULES_FOLDER, name.c_str());
  return content;
}

std::vector<std::string_view> blocks_of(std::string_view text) {
  std::vector<std::string_view> blocks;
  text.remove_prefix(std::min(sample_size, text.size()));
  for (; text.size() >= block_size; text.remove_prefix(block_size)) blocks.push_back(text.substr(0, block_size));
  return blocks;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string escaped(std::string_view literal, bool blanks_as_class) {
  std::string out;
  for (const char c : literal) {
    if (c == ' ' && blanks_as_class) {
      out += "\\s+";
      continue;
    }
    if (std::string_view("\\^$.|?*+()[]{}/-").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

void run_ours(benchmark::State& state, const std::string& rules, PlainBy by) {
  const std::string text = content_of("text.txt");
  const auto start = std::chrono::steady_clock::now();
  const auto set = RuleSet::compile(parse_rules(content_of(rules)).rules, by, std::string_view(text).substr(0, sample_size));
  if (!set) return state.SkipWithError(set.error().message(rules).c_str());
  const double compile_seconds = seconds_since(start);
  Scratch scratch;
  if (!scratch.prepare(*set)) return state.SkipWithError("no scratch");
  const std::vector<std::string_view> blocks = blocks_of(text);
  std::size_t hits = 0;
  for (auto _ : state) {
    hits = 0;
    for (const std::string_view block : blocks) {
      const Piece piece{.where = place::text, .text = block};
      hits += set->scan({&piece, 1}, scratch).count;
    }
    benchmark::DoNotOptimize(hits);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * blocks.size() * block_size));
  state.SetLabel(fmt::format("words by {}, compiled in {:.3f} s, {} hits", set->plain_by() == PlainBy::hash ? "hash" : "Hyperscan",
                             compile_seconds, hits));
}

int count_match(unsigned, unsigned long long, unsigned long long, unsigned, void* context) {
  ++*static_cast<std::size_t*>(context);
  return 0;
}

enum class Literals { whole_words, bare };

void run_hyperscan(benchmark::State& state, const std::string& rules, Literals literals) {
  const RuleFile file = parse_rules(content_of(rules));
  std::vector<std::string> texts;
  std::vector<unsigned> flags, ids;
  for (const Rule& rule : file.rules) {
    if (rule.kind == Kind::regex) {
      texts.push_back(rule.pattern);
    } else {
      texts.push_back(literals == Literals::bare ? escaped(rule.pattern, false) : "\\b" + escaped(rule.pattern, true) + "\\b");
    }
    flags.push_back(HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE);
    ids.push_back(static_cast<unsigned>(ids.size()));
  }
  std::vector<const char*> expressions;
  for (const std::string& text : texts) expressions.push_back(text.c_str());
  const auto start = std::chrono::steady_clock::now();
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(ids.size()), HS_MODE_BLOCK, nullptr, &database,
                       &error) != HS_SUCCESS) {
    state.SkipWithError(error->message);
    hs_free_compile_error(error);
    return;
  }
  const double compile_seconds = seconds_since(start);
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) state.SkipWithError("no scratch");
  const std::string text = content_of("text.txt");
  const std::vector<std::string_view> blocks = blocks_of(text);
  std::size_t hits = 0;
  for (auto _ : state) {
    hits = 0;
    for (const std::string_view block : blocks) {
      if (hs_scan(database, block.data(), static_cast<unsigned>(block.size()), 0, scratch, count_match, &hits) != HS_SUCCESS)
        state.SkipWithError("scan");
    }
    benchmark::DoNotOptimize(hits);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * blocks.size() * block_size));
  state.SetLabel(fmt::format("compiled in {:.3f} s, {} hits", compile_seconds, hits));
  hs_free_scratch(scratch);
  hs_free_database(database);
}

const int registered = [] {
  struct Figure {
    const char* name;
    const char* rules;
  };
  for (const Figure& figure : {Figure{"rules.rare.1k", "rare.1000"}, Figure{"rules.rare.10k", "rare.10000"},
                               Figure{"rules.everyday.1k", "everyday.1000"}, Figure{"rules.everyday.10k", "everyday.10000"}}) {
    const std::string name = figure.name;
    const std::string rules = figure.rules;
    benchmark::RegisterBenchmark((name + "/pushmail").c_str(),
                                 [=](benchmark::State& state) { run_ours(state, rules, PlainBy::automatic); });
    benchmark::RegisterBenchmark((name + ".hash/pushmail").c_str(),
                                 [=](benchmark::State& state) { run_ours(state, rules, PlainBy::hash); });
    benchmark::RegisterBenchmark((name + ".anchors/pushmail").c_str(),
                                 [=](benchmark::State& state) { run_ours(state, rules, PlainBy::hyperscan); });
    benchmark::RegisterBenchmark((name + "/hyperscan").c_str(),
                                 [=](benchmark::State& state) { run_hyperscan(state, rules, Literals::whole_words); });
    benchmark::RegisterBenchmark((name + ".bare/pushmail").c_str(),
                                 [=](benchmark::State& state) { run_ours(state, rules, PlainBy::automatic); });
    benchmark::RegisterBenchmark((name + ".bare/hyperscan").c_str(),
                                 [=](benchmark::State& state) { run_hyperscan(state, rules, Literals::bare); });
  }
  return 0;
}();

}  // namespace

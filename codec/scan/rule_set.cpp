#include "codec/scan/rule_set.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <hs.h>

#include "codec/scan/everyday.h"
#include "codec/scan/expression.h"
#include "codec/scan/words.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"

namespace pushmail::scan {

namespace {

constexpr std::uint32_t not_anchored = UINT32_MAX;
// Above this many, words and phrases cost Hyperscan more than their hash, however rare they are (README D-3).
constexpr std::size_t hyperscan_plain_max = 4000;
// And when one in so many is an everyday word.
constexpr std::size_t everyday_share = 50;

// The longest word of ASCII letters and digits: what a search for literals is best at.
Word anchor_of(std::string_view pattern) {
  Word best;
  for (const Word& word : words_of(pattern)) {
    const std::string_view text = pattern.substr(word.from, word.size);
    if (is_ascii(text) && word.size > best.size) best = word;
  }
  return best;
}

// Whether Hyperscan is the better one for the words and phrases among `rules`: it is while hardly any of the words it would look for
// stands in mail.
PlainBy choose(std::span<const Rule> rules, std::string_view sample) {
  const std::string text = folded(sample);
  std::unordered_set<std::string_view> seen;
  for (const Word& word : words_of(text)) seen.insert(std::string_view(text).substr(word.from, word.size));
  std::size_t plain = 0;
  std::size_t everyday = 0;
  for (const Rule& rule : rules) {
    if (rule.kind == Kind::regex) continue;
    ++plain;
    const std::string pattern = folded(rule.pattern);
    const Word anchor = anchor_of(pattern);
    const std::string_view word = std::string_view(pattern).substr(anchor.from, anchor.size);
    everyday += anchor.size < 4 || seen.contains(word) || is_everyday(word) ? 1 : 0;
  }
  return plain <= hyperscan_plain_max && everyday * everyday_share <= plain ? PlainBy::hyperscan : PlainBy::hash;
}

RuleFault fault_of(const ErrorInfo& info, const Rule& rule, std::string detail = {}) {
  return {.info = &info, .line = rule.line, .id = rule.id, .detail = std::move(detail)};
}

unsigned flags_of(const Rule& rule) {
  unsigned flags = HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE;
  if (rule.letter_case == Case::ignored) flags |= HS_FLAG_CASELESS;
  if (is_wide_expression(rule.pattern)) flags |= HS_FLAG_UTF8 | HS_FLAG_UCP;
  return flags;
}

// FNV-1a over all rules; never 0, which is no set. Rules come from operators, so nobody tries to make two sets with the same one.
std::uint64_t identity_of(std::string_view all) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : all) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash | 1U;
}

std::expected<void, RuleFault> check_weights(std::span<const Rule> rules) {
  std::size_t weight = 0;
  for (const Rule& rule : rules) {
    if (rule.kind != Kind::regex) continue;
    const auto own = expression_weight(rule.pattern);
    if (!own) return std::unexpected(fault_of(*own.error().info, rule));
    weight += *own;
    if (weight > set_weight_max) return std::unexpected(fault_of(scan_set_too_large, rule));
  }
  return {};
}

// Hyperscan's own opinion of one expression; empty when it is fine.
std::expected<void, RuleFault> check_expression(const Rule& rule) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_expression_info(rule.pattern.c_str(), flags_of(rule), &info, &error) != HS_SUCCESS) {
    RuleFault fault = fault_of(scan_regex_syntax, rule, error != nullptr && error->message != nullptr ? error->message : "");
    if (error != nullptr) hs_free_compile_error(error);
    return std::unexpected(std::move(fault));
  }
  const bool matches_empty = info->min_width == 0;
  // Allocated by Hyperscan's default, malloc: nobody sets another one.
  std::free(info);  // NOLINT(cppcoreguidelines-no-malloc)
  if (matches_empty) return std::unexpected(fault_of(scan_regex_empty, rule));
  return {};
}

}  // namespace

RuleSet::RuleSet() = default;
RuleSet::~RuleSet() {
  if (database_ != nullptr) hs_free_database(database_);
}
RuleSet::RuleSet(RuleSet&& other) noexcept
    : rules_(std::move(other.rules_)),
      plain_by_(other.plain_by_),
      identity_(std::exchange(other.identity_, 0)),
      plain_where_(std::exchange(other.plain_where_, Places{0})),
      database_where_(std::exchange(other.database_where_, Places{0})),
      is_wide_(other.is_wide_),
      plain_(std::move(other.plain_)),
      anchored_(std::move(other.anchored_)),
      anchored_of_(std::move(other.anchored_of_)),
      database_(std::exchange(other.database_, nullptr)) {}
RuleSet& RuleSet::operator=(RuleSet&& other) noexcept {
  if (this == &other) return *this;
  this->~RuleSet();
  return *new (this) RuleSet(std::move(other));
}

Scratch::Scratch() = default;
Scratch::~Scratch() {
  if (scratch_ != nullptr) hs_free_scratch(scratch_);
}
Scratch::Scratch(Scratch&& other) noexcept
    : scratch_(std::exchange(other.scratch_, nullptr)),
      prepared_for_(std::exchange(other.prepared_for_, 0)),
      hits_(std::move(other.hits_)),
      repaired_(std::move(other.repaired_)) {}
Scratch& Scratch::operator=(Scratch&& other) noexcept {
  std::swap(scratch_, other.scratch_);
  std::swap(prepared_for_, other.prepared_for_);
  std::swap(hits_, other.hits_);
  std::swap(repaired_, other.repaired_);
  return *this;
}

Result<void> Scratch::prepare(const RuleSet& set) {
  if (set.identity_ == prepared_for_) return {};
  prepared_for_ = 0;
  if (set.database_ != nullptr && hs_alloc_scratch(set.database_, &scratch_) != HS_SUCCESS) return fail(scan_no_memory);
  hits_.resize(set.rules_.size());
  prepared_for_ = set.identity_;
  return {};
}

std::expected<RuleSet, RuleFault> RuleSet::compile(std::vector<Rule> rules, PlainBy plain_by, std::string_view sample) {
  RuleSet set;
  if (rules.size() > rule_count_max) return std::unexpected(RuleFault{.info = &scan_too_many_rules, .line = 0, .id = {}, .detail = {}});
  for (const Rule& rule : rules) {
    // Rules need not come from a file, so what the other steps rely on is asked again.
    if (rule.pattern.size() > pattern_size_max) return std::unexpected(fault_of(scan_pattern_too_long, rule));
    if (rule.pattern.find('\0') != std::string::npos || simd::active().utf8_valid_prefix(bytes_of(rule.pattern)) != rule.pattern.size()) {
      return std::unexpected(fault_of(scan_not_utf8, rule));
    }
    if (const ErrorInfo* fault = check_plain(rule.kind, rule.pattern)) return std::unexpected(fault_of(*fault, rule));
  }
  set.plain_by_ = plain_by == PlainBy::automatic ? choose(rules, sample) : plain_by;
  set.rules_ = std::move(rules);
  if (auto sorted = set.sort_plain(); !sorted) return std::unexpected(std::move(sorted.error()));
  if (auto compiled = set.compile_database(); !compiled) return std::unexpected(std::move(compiled.error()));
  return set;
}

// Who looks for which word or phrase, and where anything is looked for at all.
std::expected<void, RuleFault> RuleSet::sort_plain() {
  std::vector<PlainPattern> patterns;
  std::string all = plain_by_ == PlainBy::hyperscan ? "hyperscan\n" : "hash\n";
  anchored_of_.assign(rules_.size(), not_anchored);
  for (std::uint32_t index = 0; index < rules_.size(); ++index) {
    const Rule& rule = rules_[index];
    all += fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", rule.id, static_cast<int>(rule.action), rule.where, static_cast<int>(rule.kind),
                       static_cast<int>(rule.letter_case), rule.pattern);
    if (rule.kind == Kind::regex) {
      database_where_ = static_cast<Places>(database_where_ | rule.where);
      is_wide_ |= is_wide_expression(rule.pattern);
      continue;
    }
    PlainPattern pattern = plain_pattern(rule, index);
    const Word anchor = plain_by_ == PlainBy::hyperscan ? anchor_of(pattern.text) : Word{};
    if (anchor.size == 0) {
      plain_where_ = static_cast<Places>(plain_where_ | rule.where);
      patterns.push_back(std::move(pattern));
      continue;
    }
    database_where_ = static_cast<Places>(database_where_ | rule.where);
    anchored_of_[index] = static_cast<std::uint32_t>(anchored_.size());
    anchored_.push_back({.pattern = std::move(pattern),
                         .offset = static_cast<std::uint32_t>(anchor.from),
                         .size = static_cast<std::uint32_t>(anchor.size)});
  }
  identity_ = identity_of(all);
  auto table = PlainTable::build(std::move(patterns), rules_);
  if (!table) return std::unexpected(std::move(table.error()));
  plain_ = std::move(*table);
  return {};
}

std::expected<void, RuleFault> RuleSet::compile_database() {
  // Before Hyperscan spends time on any of them.
  if (auto weighed = check_weights(rules_); !weighed) return weighed;
  std::vector<std::string> texts;
  std::vector<unsigned> flags, ids;
  for (std::uint32_t index = 0; index < rules_.size(); ++index) {
    const Rule& rule = rules_[index];
    if (anchored_of_[index] != not_anchored) {
      // Letters and digits, so nothing of it means anything to Hyperscan. Not SINGLEMATCH: the first place may not be the one.
      const Anchored& anchored = anchored_[anchored_of_[index]];
      texts.push_back(anchored.pattern.text.substr(anchored.offset, anchored.size));
      flags.push_back(HS_FLAG_CASELESS);
    } else if (rule.kind == Kind::regex) {
      if (auto checked = check_expression(rule); !checked) return checked;
      texts.push_back(rule.pattern);
      flags.push_back(flags_of(rule));
    } else {
      continue;
    }
    ids.push_back(index);
  }
  if (texts.empty()) return {};
  std::vector<const char*> expressions;
  expressions.reserve(texts.size());
  for (const std::string& text : texts) expressions.push_back(text.c_str());
  hs_compile_error_t* error = nullptr;
  const hs_error_t compiled = hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(expressions.size()),
                                               HS_MODE_BLOCK, nullptr, &database_, &error);
  if (compiled == HS_SUCCESS) return {};
  database_ = nullptr;
  RuleFault fault{.info = &scan_compile_failed, .line = 0, .id = {}, .detail = {}};
  if (error != nullptr) {
    if (error->expression >= 0) fault = fault_of(scan_regex_syntax, rules_[ids[static_cast<std::size_t>(error->expression)]]);
    if (error->message != nullptr) fault.detail = error->message;
    hs_free_compile_error(error);
  }
  return std::unexpected(std::move(fault));
}

namespace {

/// A byte that is part of no UTF-8 character stands as U+001A for the search: no letter, no blank, no line end, and one byte, so that
/// every offset stays. The text itself when it is UTF-8.
std::string_view repaired(std::string_view text, std::string& room) {
  std::size_t good = simd::active().utf8_valid_prefix(bytes_of(text));
  if (good == text.size()) return text;
  room.assign(text);
  while (good < room.size()) {
    room[good] = '\x1A';
    good += 1 + simd::active().utf8_valid_prefix(bytes_of(text.substr(good + 1)));
  }
  return room;
}

}  // namespace

// What Hyperscan's callback works on.
struct RuleSet::Search {
  const RuleSet& set;
  std::string_view text;
  Hits& hits;
};

int RuleSet::on_match(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/, void* context) {
  const Search& search = *static_cast<const Search*>(context);
  const Rule& rule = search.set.rules_[id];
  if (!search.hits.wants(id, rule.where)) return 0;
  if (const std::uint32_t index = search.set.anchored_of_[id]; index != not_anchored) {
    const Anchored& anchored = search.set.anchored_[index];
    if (!matches_at(anchored.pattern, anchored.offset, search.text, static_cast<std::size_t>(to) - anchored.size)) return 0;
  }
  search.hits.add({.rule = id, .action = rule.action});
  return 0;
}

void RuleSet::scan_database(std::string_view text, Places where, Scratch& scratch) const {
  if (database_ == nullptr || (database_where_ & where) == 0 || text.empty()) return;
  // Hyperscan promises nothing for a text that is not UTF-8 when an expression was compiled for it.
  if (is_wide_) text = repaired(text, scratch.repaired_);
  Search search{.set = *this, .text = text, .hits = scratch.hits_};
  const hs_error_t done = hs_scan(database_, text.data(), static_cast<unsigned>(text.size()), 0, scratch.scratch_, on_match, &search);
  PM_CHECK(done == HS_SUCCESS);
}

Outcome RuleSet::scan(std::span<const Piece> pieces, Scratch& scratch) const {
  PM_CHECK(scratch.prepared_for_ == identity_);
  scratch.hits_.clear();
  for (const Piece& piece : pieces) {
    PM_CHECK(piece.text.size() <= UINT32_MAX);
    scratch.hits_.enter(piece.where);
    if ((plain_where_ & piece.where) != 0) plain_.scan(piece.text, scratch.hits_);
    scan_database(piece.text, piece.where, scratch);
  }
  const std::size_t count = scratch.hits_.count();
  return {.matches = scratch.hits_.sorted(), .count = count};
}

}  // namespace pushmail::scan

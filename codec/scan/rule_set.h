// Content rules compiled for scanning, immutable: words and phrases by hash (plain.h), expressions by Hyperscan in block mode.
//
// Came from: parse_rules (compile, seconds, off the data path) or serialise() of another process (load, milliseconds). Goes to: the
// codec thread that converts a mail, through RuleSetSlot. Scanned are header values and decoded text parts, nothing else.
//
//   rules --compile--> RuleSet --serialise--> bytes --load--> RuleSet in another process
//                        scan(pieces of a mail, Scratch of this thread) --> matches, strongest action first
//
// Matching never blocks, is linear in the text, and allocates only for text that is not UTF-8. Compiling takes up to 20 s for 10,000 rules.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/scan/hits.h"
#include "codec/scan/plain.h"
#include "codec/scan/rule.h"
#include "core/bytes.h"

struct hs_database;
struct hs_scratch;

namespace pushmail::scan {

/// A part of a mail: exactly one place and its text, UTF-8. Beside an expression that works on characters (README), a byte that is no UTF-8
/// is U+001A for all expressions.
struct Piece {
  Places where = place::text;
  std::string_view text;
};

/// What a mail matched. `matches` points into the Scratch until its next use; `count` also has those that did not fit.
struct Outcome {
  std::span<const Match> matches;
  std::size_t count = 0;
};

/// Who looks for words and phrases. The answers are the same; only the speed differs.
enum class PlainBy : std::uint8_t { automatic, hash, hyperscan };

class RuleSet;

/// What a thread needs to scan; one for each thread, used by one scan at a time.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(Scratch&&) noexcept;
  Scratch& operator=(Scratch&&) noexcept;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Makes it fit for `set`; does nothing when it is already. May allocate, so call it when a new set arrives. scan_no_memory.
  [[nodiscard]] Result<void> prepare(const RuleSet& set);

 private:
  friend class RuleSet;
  hs_scratch* scratch_ = nullptr;
  std::uint64_t prepared_for_ = 0;
  Hits hits_;
  std::string repaired_;  // of the last text that was not UTF-8
};

class RuleSet {
 public:
  /// No rules.
  RuleSet();
  ~RuleSet();
  RuleSet(RuleSet&&) noexcept;
  RuleSet& operator=(RuleSet&&) noexcept;
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  /// Fails with the first rule that cannot be compiled. `sample` is text like that to be scanned, for automatic: what words are
  /// everyday words there. Without it a short list of English ones decides.
  [[nodiscard]] static std::expected<RuleSet, RuleFault> compile(std::vector<Rule> rules, PlainBy plain_by = PlainBy::automatic,
                                                                 std::string_view sample = {});

  /// For load() on the same kind of processor, by the same version.
  [[nodiscard]] Result<Bytes> serialise() const;
  /// What does not pass the checks of its header, checksum included, is not shown to Hyperscan. The bytes must come from serialise() of a
  /// process that is trusted like this one: the checksum finds accidents, and no check can find a database made to do harm.
  [[nodiscard]] static Result<RuleSet> load(ByteView stored);

  [[nodiscard]] std::span<const Rule> rules() const { return rules_; }
  /// How words and phrases are looked for: never automatic.
  [[nodiscard]] PlainBy plain_by() const { return plain_by_; }
  /// Differs for every set of the process, by content and rules; 0 is none.
  [[nodiscard]] std::uint64_t identity() const { return identity_; }

  /// All rules that match anywhere in `pieces`. `scratch` was prepared for this set.
  [[nodiscard]] Outcome scan(std::span<const Piece> pieces, Scratch& scratch) const;

 private:
  friend class Scratch;
  // A word or phrase that Hyperscan looks for by its longest ASCII word; the rest is compared by matches_at().
  struct Anchored {
    PlainPattern pattern;
    std::uint32_t offset = 0;  // of the word in the pattern
    std::uint32_t size = 0;
  };
  struct Search;

  static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void* context);
  [[nodiscard]] std::expected<void, RuleFault> sort_plain();
  [[nodiscard]] std::expected<void, RuleFault> compile_database();
  void scan_database(std::string_view text, Places where, Scratch& scratch) const;

  std::vector<Rule> rules_;
  PlainBy plain_by_ = PlainBy::hash;
  std::uint64_t identity_ = 0;
  Places plain_where_ = 0;     // places that any rule of the table looks at
  Places database_where_ = 0;  // and of the database
  bool is_wide_ = false;       // the database has expressions for UTF-8
  PlainTable plain_;
  std::vector<Anchored> anchored_;
  std::vector<std::uint32_t> anchored_of_;  // by rule; none
  hs_database* database_ = nullptr;
};

}  // namespace pushmail::scan

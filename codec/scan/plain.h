// Words and phrases without an expression engine: a hash of each word of the text, and of each two neighbours, asks a bit table;
// what passes is compared exactly.
//
//   text     ... get your [free money] now ...
//   masks    111 0 1111 0 1111 0 11111 0 111        64 bytes at a time (masks.h)
//   key      h(free) -> word rules    h(free, money) -> phrase rules      filter_ -> slots_ -> entries_ -> matches_at()
//
// A phrase hangs on one pair of its neighbouring words, the least crowded one; a phrase of one word on that word. Everyday words cost
// nothing but their hash that way: only the pair has to be rare.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/scan/hits.h"
#include "codec/scan/masks.h"
#include "codec/scan/rule.h"

namespace pushmail::scan {

/// Rules on one word or pair; more are refused, so that a text of nothing but that pair stays linear.
inline constexpr std::size_t rules_per_key_max = 64;
/// A blank in a phrase stands for this many white-space characters at most.
inline constexpr std::size_t blank_run_max = 64;

/// A word or phrase as it is compared: white space runs are one blank, folded unless case matters.
struct PlainPattern {
  std::string text;
  std::uint32_t rule = 0;
  Places where = 0;
  Action action = Action::tag;
  Case letter_case = Case::ignored;
};
/// `rule.kind` is word or phrase and passes check_plain.
[[nodiscard]] PlainPattern plain_pattern(const Rule& rule, std::uint32_t index);

/// Whether `pattern` stands in `text` so that the byte `offset` of the pattern, a word's start, is at `at`.
[[nodiscard]] bool matches_at(const PlainPattern& pattern, std::size_t offset, std::string_view text, std::size_t at);

class PlainTable {
 public:
  PlainTable() = default;
  /// On failure `fault` says which rule; the error is scan_crowded.
  [[nodiscard]] static std::expected<PlainTable, RuleFault> build(std::vector<PlainPattern> patterns, std::span<const Rule> rules);

  [[nodiscard]] bool empty() const { return patterns_.empty(); }
  /// Adds each rule that matches in `text` to `hits`. Linear in the text.
  void scan(std::string_view text, Hits& hits) const;

 private:
  struct Entry {
    std::uint32_t pattern = 0;
    std::uint32_t offset = 0;  // of the key's last word, in the pattern
  };
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t first = 0;  // in entries_
    std::uint32_t count = 0;  // 0: free
  };

  void probe(std::uint64_t key, std::string_view text, std::size_t at, Hits& hits) const;
  // 1 when the key may have rules, 0 when it has none.
  [[nodiscard]] std::uint64_t bit_of(std::uint64_t key) const {
    const std::uint64_t bit = key >> filter_shift_;
    return filter_[bit >> 6U] >> (bit & 63U) & 1U;
  }
  void insert(std::uint64_t key, std::uint32_t first, std::uint32_t count);
  [[nodiscard]] std::uint64_t scan_run(std::string_view text, std::size_t from, std::size_t end, std::uint64_t before, Hits& hits) const;

  std::vector<PlainPattern> patterns_;
  std::vector<Entry> entries_;         // those of a key together
  std::vector<Slot> slots_;            // open addressing, a power of two, half full at most
  std::vector<std::uint64_t> filter_;  // bits, a power of two, 32 or more for each key
  unsigned filter_shift_ = 63;
  MaskKernel masks_ = masks_scalar;
};

}  // namespace pushmail::scan

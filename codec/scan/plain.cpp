#include "codec/scan/plain.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "codec/scan/words.h"
#include "core/bytes.h"
#include "core/utf8.h"

namespace pushmail::scan {

namespace {

// Odd numbers without a pattern in their bits (digits of the square roots of 2, 3 and 5).
constexpr std::uint64_t multiplier_head = 0x6A09E667F3BCC909ULL;
constexpr std::uint64_t multiplier_tail = 0xBB67AE8584CAA73BULL;
constexpr std::uint64_t multiplier_last = 0x3C6EF372FE94F82BULL;

// A word's key is made from its folded first 8 bytes, its last 8 bytes when it is longer than 8, and its size. The top bits are the
// best mixed ones.
inline std::uint64_t key_of(std::uint64_t head, std::uint64_t tail, std::size_t size) {
  std::uint64_t key = head * multiplier_head + std::rotl(tail, 23) * multiplier_tail + size;
  key ^= key >> 29U;
  return key * multiplier_last;
}

inline std::uint64_t pair_key(std::uint64_t before, std::uint64_t key) { return (std::rotl(before, 21) ^ key) * multiplier_tail; }

// The key of a word that comes byte by byte, already folded.
class KeyBuilder {
 public:
  void add(std::uint8_t byte) {
    if (size_ < 8) head_ |= static_cast<std::uint64_t>(byte) << (8 * size_);
    tail_ = tail_ >> 8U | static_cast<std::uint64_t>(byte) << 56U;
    ++size_;
  }
  void add(const Character& character) {
    if (character.size == 1) return add(static_cast<std::uint8_t>(fold(character.value)));
    // A folded character has the size of the one that it came from.
    const auto folded = utf8_of(fold(character.value));
    for (const char byte : folded.view()) add(static_cast<std::uint8_t>(byte));
  }
  [[nodiscard]] std::uint64_t key() const { return key_of(head_, size_ > 8 ? tail_ : 0, size_); }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  std::uint64_t head_ = 0, tail_ = 0;
  std::size_t size_ = 0;
};

std::uint64_t key_of_word(std::string_view word) {
  KeyBuilder builder;
  for (std::size_t at = 0; at < word.size();) {
    const Character character = character_at(word, at);
    builder.add(character);
    at += character.size;
  }
  return builder.key();
}

inline std::uint64_t load8(const char* from) {
  std::uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return swap_to(std::endian::little, value);
}

// The same for a word of ASCII letters and digits inside `text`: 0x20 folds letters and is set in digits.
inline std::uint64_t key_of_ascii(std::string_view text, std::size_t from, std::size_t size) {
  constexpr std::uint64_t fold_bits = 0x2020202020202020ULL;
  if (from + 8 <= text.size()) [[likely]] {
    // No branch on the size, which no processor foresees: both loads are made, and what is too much is masked out.
    const std::size_t end = from + size;
    const std::uint64_t head = (load8(text.data() + from) | fold_bits) & (~std::uint64_t{0} >> (64 - 8 * std::min<std::size_t>(size, 8)));
    const std::uint64_t tail =
        (load8(text.data() + (end < 8 ? 0 : end - 8)) | fold_bits) & (std::uint64_t{0} - static_cast<std::uint64_t>(size > 8));
    return key_of(head, tail, size);
  }
  // The text's last bytes. A word of more than 8 cannot start here.
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < size; ++i) head |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(text[from + i]) | 0x20U) << (8 * i);
  return key_of(head, 0, size);
}

bool is_same(const PlainPattern& pattern, const Character& of_text, const Character& of_pattern) {
  if (of_text.size != of_pattern.size) return false;
  return (pattern.letter_case == Case::matters ? of_text.value : fold(of_text.value)) == of_pattern.value;
}

constexpr std::size_t no_match = static_cast<std::size_t>(-1);

// Where the white space that starts at (ends before) `at` ends (starts); no_match when there is none or too much.
std::size_t blanks_after(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  for (; at < text.size(); ++count) {
    const Character character = character_at(text, at);
    if (class_of(character.value) != CharClass::space) break;
    if (count == blank_run_max) return no_match;
    at += character.size;
  }
  return count == 0 ? no_match : at;
}
std::size_t blanks_before(std::string_view text, std::size_t end) {
  std::size_t count = 0;
  for (; end > 0; ++count) {
    const Character character = character_before(text, end);
    if (class_of(character.value) != CharClass::space) break;
    if (count == blank_run_max) return no_match;
    end -= character.size;
  }
  return count == 0 ? no_match : end;
}

// The end of pattern[offset..] in the text from `at`; the start of pattern[..offset] in the text before `at`.
std::size_t match_forward(const PlainPattern& pattern, std::size_t offset, std::string_view text, std::size_t at) {
  while (offset < pattern.text.size()) {
    if (pattern.text[offset] == ' ') {
      at = blanks_after(text, at);
      if (at == no_match) return no_match;
      ++offset;
      continue;
    }
    if (at == text.size()) return no_match;
    const Character of_text = character_at(text, at);
    const Character of_pattern = character_at(pattern.text, offset);
    if (!is_same(pattern, of_text, of_pattern)) return no_match;
    at += of_text.size;
    offset += of_pattern.size;
  }
  return at;
}
std::size_t match_backward(const PlainPattern& pattern, std::size_t offset, std::string_view text, std::size_t at) {
  while (offset > 0) {
    if (pattern.text[offset - 1] == ' ') {
      at = blanks_before(text, at);
      if (at == no_match) return no_match;
      --offset;
      continue;
    }
    if (at == 0) return no_match;
    const Character of_text = character_before(text, at);
    const Character of_pattern = character_before(pattern.text, offset);
    if (!is_same(pattern, of_text, of_pattern)) return no_match;
    at -= of_text.size;
    offset -= of_pattern.size;
  }
  return at;
}

bool is_letter(const Character& character) { return class_of(character.value) == CharClass::letter; }

}  // namespace

PlainPattern plain_pattern(const Rule& rule, std::uint32_t index) {
  PlainPattern pattern{.text = {}, .rule = index, .where = rule.where, .action = rule.action, .letter_case = rule.letter_case};
  for (std::size_t at = 0; at < rule.pattern.size();) {
    const Character character = character_at(rule.pattern, at);
    if (class_of(character.value) != CharClass::space) {
      pattern.text += rule.pattern.substr(at, character.size);
    } else if (!pattern.text.empty() && pattern.text.back() != ' ') {
      pattern.text += ' ';
    }
    at += character.size;
  }
  if (pattern.text.ends_with(' ')) pattern.text.pop_back();
  if (rule.letter_case == Case::ignored) pattern.text = folded(pattern.text);
  return pattern;
}

bool matches_at(const PlainPattern& pattern, std::size_t offset, std::string_view text, std::size_t at) {
  const std::size_t end = match_forward(pattern, offset, text, at);
  if (end == no_match) return false;
  const std::size_t from = match_backward(pattern, offset, text, at);
  if (from == no_match) return false;
  // A letter at either end of the pattern must not go on in the text.
  const bool goes_on_before = from > 0 && is_letter(character_before(text, from)) && is_letter(character_at(text, from));
  const bool goes_on_after = end < text.size() && is_letter(character_at(text, end)) && is_letter(character_before(text, end));
  return !goes_on_before && !goes_on_after;
}

std::expected<PlainTable, RuleFault> PlainTable::build(std::vector<PlainPattern> patterns, std::span<const Rule> rules) {
  struct Keyed {
    std::uint64_t key;
    Entry entry;
  };
  PlainTable table;
  table.masks_ = best_mask_kernel();
  table.patterns_ = std::move(patterns);
  std::vector<Keyed> keyed;
  keyed.reserve(table.patterns_.size());
  std::unordered_map<std::uint64_t, std::uint32_t> rules_per_key;

  for (std::uint32_t index = 0; index < table.patterns_.size(); ++index) {
    const std::string& text = table.patterns_[index].text;
    const std::vector<Word> words = words_of(text);
    const auto word_key = [&](const Word& word) { return key_of_word(std::string_view(text).substr(word.from, word.size)); };
    // The least crowded key of the pattern, and the longest of those.
    Keyed best{};
    std::uint32_t best_count = UINT32_MAX;
    std::size_t best_size = 0;
    const auto offer = [&](std::uint64_t key, std::size_t offset, std::size_t size) {
      const auto known = rules_per_key.find(key);
      const std::uint32_t count = known == rules_per_key.end() ? 0 : known->second;
      if (count > best_count || (count == best_count && size <= best_size)) return;
      best = {.key = key, .entry = {.pattern = index, .offset = static_cast<std::uint32_t>(offset)}};
      best_count = count;
      best_size = size;
    };
    if (words.size() == 1) offer(word_key(words[0]), words[0].from, words[0].size);
    for (std::size_t i = 1; i < words.size(); ++i) {
      offer(pair_key(word_key(words[i - 1]), word_key(words[i])), words[i].from, words[i - 1].size + words[i].size);
    }
    if (best_count >= rules_per_key_max) {
      const Rule& rule = rules[table.patterns_[index].rule];
      return std::unexpected(RuleFault{.info = &scan_crowded, .line = rule.line, .id = rule.id, .detail = {}});
    }
    ++rules_per_key[best.key];
    keyed.push_back(best);
  }

  std::stable_sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
  const std::size_t filter_bits = std::bit_ceil(std::max<std::size_t>(rules_per_key.size() * 32, 4096));
  table.filter_.assign(filter_bits / 64, 0);
  table.filter_shift_ = 64U - static_cast<unsigned>(std::countr_zero(filter_bits));
  table.slots_.assign(std::bit_ceil(std::max<std::size_t>(rules_per_key.size() * 2, 16)), {});
  table.entries_.reserve(keyed.size());
  for (std::size_t i = 0; i < keyed.size();) {
    const auto first = static_cast<std::uint32_t>(i);
    const std::uint64_t key = keyed[i].key;
    for (; i < keyed.size() && keyed[i].key == key; ++i) table.entries_.push_back(keyed[i].entry);
    table.insert(key, first, static_cast<std::uint32_t>(i) - first);
  }
  return table;
}

void PlainTable::insert(std::uint64_t key, std::uint32_t first, std::uint32_t count) {
  const std::uint64_t bit = key >> filter_shift_;
  filter_[bit >> 6U] |= std::uint64_t{1} << (bit & 63U);
  std::size_t slot = static_cast<std::size_t>(key) & (slots_.size() - 1);
  while (slots_[slot].count != 0) slot = (slot + 1) & (slots_.size() - 1);
  slots_[slot] = {.key = key, .first = first, .count = count};
}

void PlainTable::scan(std::string_view text, Hits& hits) const {
  if (patterns_.empty()) return;
  std::array<char, 64> tail{};
  std::size_t run_from = 0;
  bool is_open = false;      // a run of letters started before this block
  bool is_wide = false;      // and has a byte beyond ASCII
  std::uint64_t before = 0;  // key of the word before; 0 at the start, which no pair has
  const auto close = [&](std::size_t end) {
    if (is_wide) [[unlikely]] {
      before = scan_run(text, run_from, end, before, hits);
      is_wide = false;
      return;
    }
    const std::uint64_t key = key_of_ascii(text, run_from, end - run_from);
    const std::uint64_t pair = pair_key(before, key);
    if ((bit_of(key) | bit_of(pair)) != 0) [[unlikely]] {  // one branch for both
      probe(key, text, run_from, hits);
      probe(pair, text, run_from, hits);
    }
    before = key;
  };
  for (std::size_t base = 0; base < text.size(); base += 64) {
    const char* block = text.data() + base;
    if (text.size() - base < 64) {
      std::copy(text.begin() + static_cast<std::ptrdiff_t>(base), text.end(), tail.begin());
      block = tail.data();
    }
    const Masks masks = masks_(block);
    const std::uint64_t runs = masks.word | masks.high;
    // A bit where a run starts, and one behind its end.
    std::uint64_t edges = runs ^ (runs << 1U | static_cast<std::uint64_t>(is_open));
    while (edges != 0) {
      const auto bit = static_cast<unsigned>(std::countr_zero(edges));
      edges &= edges - 1;
      if (is_open) {
        // Bytes beyond ASCII of this block that stand before the end and not before the run.
        if (masks.high != 0) {
          const std::uint64_t until = (std::uint64_t{1} << bit) - 1;
          const std::uint64_t since = run_from <= base ? ~std::uint64_t{0} : ~std::uint64_t{0} << (run_from - base);
          is_wide |= (masks.high & until & since) != 0;
        }
        close(base + bit);
      } else {
        run_from = base + bit;
      }
      is_open = !is_open;
    }
    if (is_open && masks.high != 0) {
      const std::uint64_t since = run_from <= base ? ~std::uint64_t{0} : ~std::uint64_t{0} << (run_from - base);
      is_wide |= (masks.high & since) != 0;
    }
  }
  if (is_open) close(text.size());
}

// A run with characters beyond ASCII: its words one character at a time. The key of its last word, or `before` when it has none.
std::uint64_t PlainTable::scan_run(std::string_view text, std::size_t from, std::size_t end, std::uint64_t before, Hits& hits) const {
  KeyBuilder word;
  std::size_t word_from = from;
  const auto close = [&] {
    if (word.empty()) return;
    const std::uint64_t key = word.key();
    const std::uint64_t pair = pair_key(before, key);
    if (bit_of(key) != 0) probe(key, text, word_from, hits);
    if (bit_of(pair) != 0) probe(pair, text, word_from, hits);
    before = key;
    word = {};
  };
  for (std::size_t at = from; at < end;) {
    const Character character = character_at(text, at);
    const CharClass kind = class_of(character.value);
    if (kind != CharClass::letter) close();
    if (kind == CharClass::letter || kind == CharClass::solo) {
      if (word.empty()) word_from = at;
      word.add(character);
    }
    if (kind == CharClass::solo) close();
    at += character.size;
  }
  close();
  return before;
}

void PlainTable::probe(std::uint64_t key, std::string_view text, std::size_t at, Hits& hits) const {
  for (std::size_t slot = static_cast<std::size_t>(key) & (slots_.size() - 1); slots_[slot].count != 0;
       slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot].key != key) continue;
    for (std::uint32_t i = 0; i < slots_[slot].count; ++i) {
      const Entry& entry = entries_[slots_[slot].first + i];
      const PlainPattern& pattern = patterns_[entry.pattern];
      if (hits.wants(pattern.rule, pattern.where) && matches_at(pattern, entry.offset, text, at)) {
        hits.add({.rule = pattern.rule, .action = pattern.action});
      }
    }
    return;
  }
}

}  // namespace pushmail::scan

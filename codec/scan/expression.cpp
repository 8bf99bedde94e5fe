#include "codec/scan/expression.h"

#include <algorithm>
#include <array>

#include "codec/scan/errors.h"
#include "core/ascii.h"

namespace pushmail::scan {

namespace {

// Numbers above this are as bad as this, and do not overflow when multiplied.
constexpr std::size_t number_max = 100'000;

struct Repeat {
  std::size_t times = 1;
  std::size_t size = 0;  // of `{n,m}`; 0 when it is none
};

// `{n}`, `{n,}` or `{n,m}` at `at`.
Repeat repeat_at(std::string_view expression, std::size_t at) {
  std::array<std::size_t, 2> numbers{};
  std::size_t which = 0;
  bool has_digit = false;
  for (std::size_t i = at + 1; i < expression.size(); ++i) {
    const char c = expression[i];
    if (is_digit(c)) {
      numbers[which] = std::min(numbers[which] * 10 + static_cast<std::size_t>(c - '0'), number_max);
      has_digit = true;
    } else if (c == ',' && which == 0 && has_digit) {
      which = 1;
    } else if (c == '}' && has_digit) {
      return {.times = std::max<std::size_t>({numbers[0], numbers[1], 1}), .size = i - at + 1};
    } else {
      break;
    }
  }
  return {};
}

// The size of a class `[...]` at `at`: a `]` that comes first, or behind `^`, is a character of it.
std::size_t class_size(std::string_view expression, std::size_t at) {
  std::size_t i = at + 1;
  if (i < expression.size() && expression[i] == '^') ++i;
  if (i < expression.size() && expression[i] == ']') ++i;
  for (; i < expression.size() && expression[i] != ']'; ++i) {
    if (expression[i] == '\\') ++i;
  }
  return std::min(i + 1, expression.size()) - at;
}

}  // namespace

Result<std::size_t> expression_weight(std::string_view expression) {
  std::array<std::size_t, expression_depth_max + 1> sums{};  // of each open group
  std::size_t depth = 0;
  std::size_t last = 0;  // weight of what a repeat would repeat
  for (std::size_t at = 0; at < expression.size();) {
    std::size_t size = 1;
    switch (expression[at]) {
      case '(':
        if (depth == expression_depth_max) return fail(scan_regex_too_deep, at);
        sums[++depth] = 0;
        last = 0;
        break;
      case ')':
        last = sums[depth];
        if (depth > 0) {
          --depth;
          sums[depth] += last;
        }
        break;
      case '{': {
        const Repeat repeat = repeat_at(expression, at);
        if (repeat.size == 0) {
          last = 1;
          ++sums[depth];
          break;
        }
        size = repeat.size;
        sums[depth] += last * (repeat.times - 1);
        last *= repeat.times;
        break;
      }
      case '*':
      case '+':
      case '?':
      case '|':
        break;
      case '[':
        size = class_size(expression, at);
        last = 1;
        ++sums[depth];
        break;
      case '\\':
        size = std::min<std::size_t>(2, expression.size() - at);
        [[fallthrough]];
      default:
        last = 1;
        ++sums[depth];
        break;
    }
    if (sums[depth] > expression_weight_max) return fail(scan_regex_too_large, at);
    at += size;
  }
  std::size_t sum = 0;
  for (std::size_t i = 0; i <= depth; ++i) sum += sums[i];
  if (sum > expression_weight_max) return fail(scan_regex_too_large, expression.size());
  return sum;
}

bool is_wide_expression(std::string_view expression) {
  for (std::size_t at = 0; at < expression.size(); ++at) {
    if (static_cast<unsigned char>(expression[at]) >= 0x80) return true;
    if (expression[at] != '\\') continue;
    ++at;
    // Properties, \x{...} and the verbs that could switch UTF-8 on only make sense with characters.
    if (at < expression.size() && (expression[at] == 'p' || expression[at] == 'P' || expression[at] == 'X')) return true;
    if (expression.substr(at).starts_with("x{")) return true;
  }
  return expression.starts_with("(*");
}

}  // namespace pushmail::scan

#include "core/nearest_word.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace pushmail {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::size_t slips(std::string_view written, std::string_view known) {
  constexpr std::size_t beginning_least = 3;
  const bool is_beginning = written.size() >= beginning_least && written.size() < known.size() && known.starts_with(written);
  return is_beginning ? 1 : edit_distance(written, known);
}

void NearestWord::offer(std::string_view name, std::size_t distance) {
  if (distance >= least_) return;
  least_ = distance;
  nearest_ = name;
}

std::string NearestWord::suggestion() const { return nearest_.empty() ? std::string() : "; did you mean " + nearest_ + "?"; }

}  // namespace pushmail

// Style sheets: rules are read once, when their element ends, and asked for each element that has a class, an id or a rule for its name.
#include "codec/convert/html_sheet.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr std::string_view spaces = " \t\r\n\f";

bool is_name(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || is_above_ascii(c); }

std::size_t name_size(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && is_name(text[size])) ++size;
  return size;
}

bool says_anything(const StyleFacts& facts) {
  return facts.visibility != Visibility::unsaid || facts.sets_font_size || facts.is_struck || facts.colour.state != Colour::State::unsaid ||
         facts.background.state != Colour::State::unsaid;
}

/// A sheet for every screen; one for paper, or for small screens, is a condition.
bool is_for_all(std::string_view media) {
  media = ascii_trim(media);
  return media.empty() || ascii_equal_nocase(media, "all") || ascii_equal_nocase(media, "screen");
}

/// The sheet without the comment or mark of a comment that it starts with; false when it starts with neither.
bool skip_comment(std::string_view& sheet) {
  if (sheet.starts_with("/*")) {
    const std::size_t end = sheet.find("*/", 2);
    sheet.remove_prefix(end == std::string_view::npos ? sheet.size() : end + 2);
    return true;
  }
  for (const std::string_view mark : {"<!--", "-->"}) {
    if (!sheet.starts_with(mark)) continue;
    sheet.remove_prefix(mark.size());
    return true;
  }
  return false;
}

}  // namespace

void HtmlSheet::add(std::string_view sheet, std::string_view media) {
  if (!is_for_all(media)) return;
  std::size_t depth = 0;  // inside conditions
  while (!sheet.empty()) {
    sheet.remove_prefix(std::min(sheet.find_first_not_of(spaces), sheet.size()));
    if (skip_comment(sheet)) continue;
    const std::size_t end = sheet.find_first_of("{};/");
    if (end == std::string_view::npos) break;
    const std::string_view selectors = ascii_trim(sheet.substr(0, end));
    const char sign = sheet[end];
    if (sign == '/') {
      // The start of a comment stays for the next round; of a selector that has one, only the rest is read.
      sheet.remove_prefix(end == 0 ? 1 : end);
      continue;
    }
    sheet.remove_prefix(end + 1);
    if (sign == '}') depth -= depth > 0 ? 1 : 0;
    if (sign != '{') continue;
    if (selectors.starts_with('@')) {
      // `@media all` and `@media screen` alone are no conditions; they end with a brace that closes nothing.
      const bool is_open = ascii_starts_with_nocase(selectors, "@media") && is_for_all(selectors.substr(6)) && depth == 0;
      depth += is_open ? 0 : 1;
      continue;
    }
    const std::size_t body = std::min(sheet.find('}'), sheet.size());
    if (depth == 0) {
      const StyleFacts facts = read_style(sheet.substr(0, body));
      if (says_anything(facts)) add_rule(selectors, facts);
    }
    sheet.remove_prefix(std::min(body + 1, sheet.size()));
  }
}

void HtmlSheet::add_rule(std::string_view selectors, const StyleFacts& facts) {
  while (!selectors.empty()) {
    const std::size_t comma = std::min(selectors.find(','), selectors.size());
    const std::string_view one = ascii_trim(selectors.substr(0, comma));
    selectors.remove_prefix(std::min(comma + 1, selectors.size()));
    Rule rule;
    rule.facts = facts;
    if (!read_selector(one, rule)) continue;
    if (rules_.size() == rule_count_max) {
      is_partial_ = true;
      return;
    }
    hides_ = hides_ || facts.visibility == Visibility::hidden || facts.is_tiny || facts.colour.state != Colour::State::unsaid;
    rules_.push_back(rule);
  }
}

/// `.box > td.phone`; false for what depends on more than the elements around it.
bool HtmlSheet::read_selector(std::string_view selector, Rule& rule) {
  bool is_child = false;
  while (!selector.empty()) {
    const std::size_t end = std::min(selector.find_first_of(" \t\r\n\f>"), selector.size());
    const std::string_view one = selector.substr(0, end);
    if (!one.empty()) {
      if (rule.compound_count == compound_count_max) return false;
      Compound& compound = rule.compounds[rule.compound_count++];
      if (!read_compound(one, rule, compound)) return false;
      compound.is_child = std::exchange(is_child, false);
    }
    if (end == selector.size()) break;
    is_child = is_child || selector[end] == '>';
    selector.remove_prefix(end + 1);
  }
  return rule.compound_count > 0;
}

bool HtmlSheet::read_compound(std::string_view text, Rule& rule, Compound& compound) {
  const std::size_t element = text.starts_with('*') ? 1 : name_size(text);
  if (element > 0 && !text.starts_with('*')) {
    compound.element = text.substr(0, element);
    rule.specificity += 1;
  }
  text.remove_prefix(element);
  while (!text.empty()) {
    const bool is_id = text.front() == '#';
    const std::size_t size = 1 + name_size(text.substr(1));
    if ((text.front() != '.' && !is_id) || size == 1 || compound.word_count == word_count_max) return false;
    compound.words[compound.word_count++] = text.substr(0, size);
    rule.specificity += is_id ? 10'000 : 100;
    text.remove_prefix(size);
  }
  return true;
}

bool HtmlSheet::matches(const Compound& compound, const StyledElement& element) {
  ++steps_;
  if (!compound.element.empty() && !ascii_equal_nocase(compound.element, element.name)) return false;
  for (std::size_t i = 0; i < compound.word_count; ++i) {
    const std::string_view word = compound.words[i];
    if (word.front() == '#' ? element.id != word.substr(1) : element.classes.empty() || !has_word(element.classes, word.substr(1)))
      return false;
  }
  return true;
}

bool HtmlSheet::matches(const Rule& rule, const StyledElement& element, std::span<const StyledElement> around) {
  std::size_t compound = rule.compound_count - 1;
  if (!matches(rule.compounds[compound], element)) return false;
  // From the inside out, without a way back: `a > b c` may be missed when more than one b is around.
  std::size_t at = around.size();
  while (compound > 0) {
    const bool is_child = rule.compounds[compound].is_child;
    --compound;
    bool found = false;
    while (at > 0 && !found) {
      found = matches(rule.compounds[compound], around[--at]);
      if (is_child) break;
    }
    if (!found) return false;
  }
  return true;
}

StyleFacts HtmlSheet::facts_of(const StyledElement& element, std::span<const StyledElement> around, const StyleFacts& own) {
  StyleFacts facts = own;
  if (rules_.empty() || steps_ > step_count_max) return facts;
  constexpr unsigned important = 1'000'000'000;
  constexpr unsigned of_its_own = 100'000'000;
  unsigned visibility_weight = own.visibility == Visibility::unsaid ? 0 : of_its_own + (own.is_important ? important : 0);
  unsigned size_weight = own.sets_font_size ? of_its_own : 0;
  unsigned colour_weight = own.colour.state == Colour::State::unsaid ? 0 : of_its_own;
  unsigned background_weight = own.background.state == Colour::State::unsaid ? 0 : of_its_own;
  for (const Rule& rule : rules_) {
    if (!matches(rule, element, around)) continue;
    const StyleFacts& said = rule.facts;
    // Later rules win over equal ones before them.
    const auto wins = [&](bool is_said, unsigned weight, unsigned& weight_so_far) {
      if (!is_said || weight < weight_so_far) return false;
      weight_so_far = weight;
      return true;
    };
    const unsigned weight = rule.specificity + 1;
    if (wins(said.visibility != Visibility::unsaid, weight + (said.is_important ? important : 0), visibility_weight))
      facts.visibility = said.visibility;
    if (wins(said.sets_font_size, weight, size_weight)) {
      facts.sets_font_size = true;
      facts.is_tiny = said.is_tiny;
    }
    if (wins(said.colour.state != Colour::State::unsaid, weight, colour_weight)) facts.colour = said.colour;
    if (wins(said.background.state != Colour::State::unsaid, weight, background_weight)) facts.background = said.background;
    facts.is_struck = facts.is_struck || said.is_struck;
  }
  return facts;
}

bool has_word(std::string_view words, std::string_view wanted) {
  for (std::string_view rest = words; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(spaces), rest.size());
    if (rest.substr(0, end) == wanted) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool has_word_like(std::string_view words, std::span<const std::string_view> pieces) {
  for (std::string_view rest = words; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(spaces), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    for (const std::string_view piece : pieces) {
      for (std::size_t at = 0; at + piece.size() <= word.size(); ++at) {
        if (ascii_starts_with_nocase(word.substr(at), piece)) return true;
      }
    }
  }
  return false;
}

}  // namespace pushmail::convert

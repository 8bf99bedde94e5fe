// The tokenizer. The standard's eighty states are few questions in a row, since its end is known: a page is whole in memory.
#include "codec/convert/html_tokens.h"

#include <algorithm>

#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

/// Whether `<` or `</` and `name` stand there and the name ends there.
bool is_tag_at(std::string_view page, std::size_t at, std::string_view start, std::string_view name) {
  if (!page.substr(at).starts_with(start) || !ascii_starts_with_nocase(page.substr(at + start.size()), name)) return false;
  const std::size_t end = at + start.size() + name.size();
  return end < page.size() && (is_space(page[end]) || page[end] == '/' || page[end] == '>');
}

/// Where a comment is over whose text starts at `at`; nowhere when it never is. `<!-->` and `<!--->` are whole comments, and `--!>` ends
/// one.
std::size_t comment_end(std::string_view page, std::size_t at) {
  if (page.substr(at).starts_with(">")) return at + 1;
  if (page.substr(at).starts_with("->")) return at + 2;
  for (std::size_t dashes = page.find("--", at); dashes != std::string_view::npos; dashes = page.find("--", dashes + 1)) {
    if (page.substr(dashes + 2).starts_with(">")) return dashes + 3;
    if (page.substr(dashes + 2).starts_with("!>")) return dashes + 4;
  }
  return HtmlTokens::nowhere;
}

/// Where the end tag of a raw element stands, from `at` on; the page's size when there is none.
std::size_t end_tag_of(std::string_view page, std::size_t at, std::string_view name) {
  for (std::size_t open = page.find("</", at); open != std::string_view::npos; open = page.find("</", open + 1)) {
    if (is_tag_at(page, open, "</", name)) return open;
  }
  return page.size();
}

/// The same of a script, in whose comments whole scripts may stand (§13.2.5.20 to 31).
std::size_t script_end(std::string_view page, std::size_t at) {
  bool is_comment = false;
  bool is_inner_script = false;
  for (; at < page.size(); ++at) {
    const char c = page[at];
    if (c == '-' && is_comment && page.substr(at).starts_with("-->")) {
      is_comment = is_inner_script = false;
    } else if (c == '<' && !is_comment && page.substr(at).starts_with("<!--")) {
      is_comment = true;
      at += 1;  // both dashes may belong to the end as well
    } else if (c == '<' && is_comment && !is_inner_script && is_tag_at(page, at, "<", "script")) {
      is_inner_script = true;
    } else if (c == '<' && is_tag_at(page, at, "</", "script")) {
      if (!is_inner_script) return at;
      is_inner_script = false;
    }
  }
  return page.size();
}

}  // namespace

void HtmlTokens::end_here(std::size_t unfinished) {
  if (unfinished_ == nowhere) unfinished_ = unfinished;
  at_ = page_.size();
}

HtmlToken HtmlTokens::next() {
  while (at_ < page_.size()) {
    const std::size_t start = at_;
    if (page_[start] != '<') return read_text(start);
    const std::string_view rest = page_.substr(start + 1);
    HtmlToken token;
    if (!rest.empty() && is_letter(rest.front())) {
      token.kind = HtmlToken::Kind::start_tag;
      if (read_tag(start + 1, token)) return token;
    } else if (rest.size() >= 2 && rest.front() == '/' && is_letter(rest[1])) {
      token.kind = HtmlToken::Kind::end_tag;
      if (read_tag(start + 2, token)) return token;
    } else if (!skip_declaration()) {
      return read_text(start);
    }
  }
  return {};
}

/// What starts with `<!`, `<?` or `</` and is no tag; false when it is text.
bool HtmlTokens::skip_declaration() {
  const std::string_view rest = page_.substr(at_);
  if (rest.starts_with("<!--")) {
    const std::size_t end = comment_end(page_, at_ + 4);
    end == nowhere ? end_here(at_ + 4) : static_cast<void>(at_ = end);
    return true;
  }
  const bool is_bogus = rest.starts_with("<!") || rest.starts_with("<?") || (rest.starts_with("</") && rest.size() > 2);
  if (!is_bogus) return false;
  const std::size_t end = page_.find('>', at_ + 2);
  end == std::string_view::npos ? end_here(at_ + 2) : static_cast<void>(at_ = end + 1);
  return true;
}

/// Text from `from` up to the next `<` that opens something.
HtmlToken HtmlTokens::read_text(std::size_t from) {
  std::size_t at = from;
  while (true) {
    at = std::min(page_.find('<', at + (at == from && page_[at] == '<' ? 1 : 0)), page_.size());
    if (at + 1 >= page_.size()) {
      at = page_.size();
      break;
    }
    const char next = page_[at + 1];
    if (is_letter(next) || next == '!' || next == '?' || (next == '/' && at + 2 < page_.size())) break;
    ++at;
  }
  at_ = at;
  HtmlToken token;
  token.kind = HtmlToken::Kind::text;
  token.text = page_.substr(from, at - from);
  return token;
}

/// A tag whose name starts there; false when the page ends in it.
bool HtmlTokens::read_tag(std::size_t name_start, HtmlToken& token) {
  at_ = name_start;
  while (at_ < page_.size() && !is_space(page_[at_]) && page_[at_] != '/' && page_[at_] != '>') ++at_;
  token.name = page_.substr(name_start, at_ - name_start);
  const std::size_t name_end = at_;
  attribute_count_ = 0;
  while (at_ < page_.size()) {
    const char c = page_[at_];
    if (c == '>') {
      ++at_;
      token.attributes = std::span(attributes_).first(attribute_count_);
      return true;
    }
    if (c == '/') {
      token.is_self_closing = page_.substr(at_ + 1).starts_with(">");
      ++at_;
    } else if (is_space(c)) {
      ++at_;
    } else {
      read_attribute();
    }
  }
  end_here(name_end);
  return false;
}

/// §13.2.5.33 to 39.
void HtmlTokens::read_attribute() {
  HtmlAttribute attribute;
  const std::size_t name_start = at_++;  // an equals sign at its start is part of the name
  while (at_ < page_.size() && !is_space(page_[at_]) && page_[at_] != '/' && page_[at_] != '>' && page_[at_] != '=') ++at_;
  attribute.name = page_.substr(name_start, at_ - name_start);
  std::size_t equals = at_;
  while (equals < page_.size() && is_space(page_[equals])) ++equals;
  if (equals < page_.size() && page_[equals] == '=') {
    at_ = equals + 1;
    while (at_ < page_.size() && is_space(page_[at_])) ++at_;
    if (at_ < page_.size() && (page_[at_] == '"' || page_[at_] == '\'')) {
      const std::size_t end = page_.find(page_[at_], at_ + 1);
      attribute.value = page_.substr(at_ + 1, std::min(end, page_.size()) - at_ - 1);
      at_ = end == std::string_view::npos ? page_.size() : end + 1;
    } else {
      const std::size_t start = at_;
      while (at_ < page_.size() && !is_space(page_[at_]) && page_[at_] != '>') ++at_;
      attribute.value = page_.substr(start, at_ - start);
    }
  }
  if (attribute_count_ < attribute_count_max) attributes_[attribute_count_++] = attribute;
}

std::string_view HtmlTokens::raw_text(std::string_view name, RawText kind) {
  const std::size_t start = at_;
  switch (kind) {
    case RawText::none:
      return {};
    case RawText::all_that_follows:
      at_ = page_.size();
      break;
    case RawText::script:
      at_ = script_end(page_, at_);
      break;
    case RawText::text:
    case RawText::text_with_references:
      at_ = end_tag_of(page_, at_, name);
      // A style sheet that never ends is none of the page's text.
      if (at_ == page_.size() && unfinished_ == nowhere && !ascii_equal_nocase(name, "style")) unfinished_ = start;
      break;
  }
  return page_.substr(start, at_ - start);
}

}  // namespace pushmail::convert

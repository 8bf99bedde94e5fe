// The nesting of elements. The standard's rules for a tree, as far as they change what a reader sees.
#include "codec/convert/html_tree.h"

#include <algorithm>

namespace pushmail::convert {
namespace {

/// What nothing inside can reach over (HTML standard §13.2.4.2, "has an element in scope").
constexpr auto scope = {Nesting::page, Nesting::table, Nesting::table_part, Nesting::cell, Nesting::boundary, Nesting::foreign};
constexpr auto list_scope = {Nesting::page, Nesting::table, Nesting::table_part, Nesting::cell, Nesting::boundary, Nesting::foreign};
/// What keeps parts of tables apart.
constexpr auto table_scope = {Nesting::page};

bool contains(std::initializer_list<Nesting> kinds, Nesting kind) { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }

/// Kinds that an end tag of something else does not reach over (§13.2.6.4.7, "special").
bool is_special(const Element& element) { return element.nesting != Nesting::ordinary && element.nesting != Nesting::formatting; }

/// Blocks that stand in a list item without ending the search for it.
bool is_transparent_for_items(const Element& element) {
  return element.nesting == Nesting::paragraph || element.name == "div" || element.name == "address";
}

}  // namespace

std::size_t HtmlTree::find(std::initializer_list<Nesting> wanted, std::initializer_list<Nesting> borders) {
  for (std::size_t i = open().size(); i-- > 0 && steps_ < step_count_max; ++steps_) {
    if (contains(wanted, nesting(i))) return i;
    if (contains(borders, nesting(i))) return none;
  }
  return none;
}

std::size_t HtmlTree::find(const Element& wanted, std::initializer_list<Nesting> borders) {
  for (std::size_t i = open().size(); i-- > 0 && steps_ < step_count_max; ++steps_) {
    if (open()[i].element == &wanted) return i;
    if (contains(borders, nesting(i))) return none;
  }
  return none;
}

void HtmlTree::push(const Element& element, const HtmlToken& tag) {
  const std::size_t before = open().size();
  writer_.open(element, tag);
  if (open().size() == before) return;
  if (element.nesting == Nesting::foreign) ++foreign_count_;
  if (element.nesting == Nesting::paragraph) ++paragraph_count_;
}

void HtmlTree::remove(std::size_t index) {
  if (nesting(index) == Nesting::foreign) --foreign_count_;
  if (nesting(index) == Nesting::paragraph) --paragraph_count_;
  writer_.close(index);
}

void HtmlTree::close_from(std::size_t index, Keep keep) {
  for (std::size_t i = open().size(); i-- > index;) {
    if (i > index && keep == Keep::formatting && nesting(i) == Nesting::formatting) continue;
    remove(i);
  }
}

void HtmlTree::close_paragraph() {
  if (paragraph_count_ == 0) return;
  if (const std::size_t paragraph = find({Nesting::paragraph}, scope); paragraph != none) close_from(paragraph, Keep::formatting);
}

bool HtmlTree::close_to(std::initializer_list<Nesting> kinds) {
  const std::size_t found = find(kinds, table_scope);
  if (found == none) return false;
  if (found + 1 < open().size()) close_from(found + 1, Keep::nothing);
  return true;
}

/// `li`, `dt` and `dd` close the one before them.
void HtmlTree::start_list_item(Nesting kind) {
  for (std::size_t i = open().size(); i-- > 0 && steps_ < step_count_max; ++steps_) {
    if (nesting(i) == kind) {
      close_from(i, Keep::formatting);
      break;
    }
    if (is_special(*open()[i].element) && !is_transparent_for_items(*open()[i].element)) break;
  }
  close_paragraph();
}

/// Rows, cells and the like close those before them; false where there is no table, and their tags mean nothing.
bool HtmlTree::start_in_table(const Element& element) {
  if (find({Nesting::table}, table_scope) == none) return false;
  switch (element.nesting) {
    case Nesting::table_part:
      return close_to({Nesting::table});
    case Nesting::row:
      return close_to({Nesting::table, Nesting::table_part});
    default:
      break;
  }
  close_to({Nesting::table, Nesting::table_part, Nesting::row});
  if (nesting(open().size() - 1) != Nesting::row)
    push(*element_of("tr"),
         HtmlToken{.kind = HtmlToken::Kind::start_tag, .text = {}, .name = "tr", .attributes = {}, .is_self_closing = false});
  return true;
}

/// An element of pages ends the drawing or formula that it stands in (§13.2.6.5).
bool HtmlTree::leave_foreign(const Element& element) {
  const bool breaks_out = element.breaks_out || (is_special(element) && element.nesting != Nesting::boundary &&
                                                 element.nesting != Nesting::foreign && element.nesting != Nesting::nothing_inside);
  if (!breaks_out) return false;
  while (foreign_count_ > 0) remove(open().size() - 1);
  return true;
}

void HtmlTree::start(const Element& element, const HtmlToken& tag) {
  if (is_foreign() && !leave_foreign(element)) {
    if (!tag.is_self_closing)
      push(element.nesting == Nesting::ordinary || element.nesting == Nesting::foreign ? element : *element_of({}), tag);
    return;
  }
  switch (element.nesting) {
    case Nesting::ignored:
      return;
    case Nesting::page:
      // A page inside another one, as mails that were forwarded have it, opens nothing.
      if (open().empty() || (nesting(open().size() - 1) == Nesting::page && find(element, {}) == none)) push(element, tag);
      return;
    case Nesting::nothing_inside:
      if (element.layout == Layout::ruler) close_paragraph();
      return writer_.single(element, tag);
    case Nesting::heading:
      close_paragraph();
      if (!open().empty() && nesting(open().size() - 1) == Nesting::heading) remove(open().size() - 1);
      break;
    case Nesting::block:
    case Nesting::paragraph:
      close_paragraph();
      break;
    case Nesting::list_item:
    case Nesting::definition:
      start_list_item(element.nesting);
      break;
    case Nesting::table:
      // One inside another stands in a cell; anywhere else it ends the other.
      if (!open().empty() && contains({Nesting::table, Nesting::table_part, Nesting::row}, nesting(open().size() - 1)) &&
          open().back().element->layout != Layout::line) {
        close_from(find({Nesting::table}, table_scope), Keep::nothing);
      }
      close_paragraph();
      break;
    case Nesting::table_part:
    case Nesting::row:
    case Nesting::cell:
      if (!start_in_table(element)) return;
      break;
    case Nesting::formatting:
      if (element.layout == Layout::link) {
        if (const std::size_t outer = find(element, {Nesting::cell, Nesting::boundary}); outer != none) remove(outer);
      }
      break;
    case Nesting::boundary:
    case Nesting::foreign:
    case Nesting::ordinary:
      break;
  }
  // Only foreign elements can be closed by their own start tag.
  if (element.nesting == Nesting::foreign && tag.is_self_closing) return;
  push(element, tag);
}

void HtmlTree::end(const HtmlToken& tag) {
  const Element& element = *element_of(tag.name);
  std::size_t found = none;
  switch (element.nesting) {
    case Nesting::page:
    case Nesting::ignored:
      return;
    case Nesting::nothing_inside:
      if (element.layout == Layout::line_break) writer_.break_line();
      return;
    case Nesting::paragraph:
      found = find({Nesting::paragraph}, scope);
      if (found == none) return writer_.lines(2);
      break;
    case Nesting::heading:
      found = find({Nesting::heading}, scope);
      break;
    case Nesting::block:
    case Nesting::list_item:
    case Nesting::definition:
      found = find(element, list_scope);
      break;
    case Nesting::formatting:
      // Alone: what stands inside goes on.
      found = find(element, {Nesting::cell, Nesting::boundary, Nesting::table});
      if (found != none) remove(found);
      return;
    case Nesting::table:
    case Nesting::row:
    case Nesting::cell:
    case Nesting::table_part:
      for (found = open().size(); found-- > 0 && open()[found].element != &element;) {
        // An inner table's parts are not those of the outer one.
        if (nesting(found) == Nesting::table || ++steps_ > step_count_max) return;
      }
      if (found != none) close_from(found, Keep::nothing);
      return;
    case Nesting::boundary:
    case Nesting::foreign:
      found = find(element, {Nesting::table, Nesting::cell});
      if (found != none) close_from(found, Keep::nothing);
      return;
    case Nesting::ordinary:
      return end_other(element, tag.name);
  }
  if (found != none) close_from(found, Keep::formatting);
}

/// §13.2.6.4.7, "any other end tag".
void HtmlTree::end_other(const Element& element, std::string_view name) {
  const std::uint32_t hash = element.name.empty() ? element_hash(name) : 0;
  for (std::size_t i = open().size(); i-- > 0 && steps_ < step_count_max; ++steps_) {
    if (open()[i].element == &element && open()[i].name_hash == hash) return close_from(i, Keep::formatting);
    if (is_special(*open()[i].element)) return;
  }
}

void HtmlTree::finish() {
  while (!open().empty()) remove(open().size() - 1);
}

}  // namespace pushmail::convert

// The elements of HTML: what each means to a reader, and how it opens and closes others. Not for use outside this folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/convert/html_tokens.h"

namespace pushmail::convert {

/// What an element does to the text.
enum class Layout : std::uint8_t {
  inline_text,
  line,
  paragraph,
  bullets,
  numbers,
  item,
  quote,
  preformatted,
  table,
  row,
  cell,
  link,
  image,
  image_area,
  field,
  line_break,
  ruler,
  struck,
  raised,
  citation,
  skip,
};

/// How an element takes part in building the tree (HTML standard §13.2.6).
enum class Nesting : std::uint8_t {
  ordinary,    // closed by its end tag, or with what it stands in; unknown elements are such
  formatting,  // goes on behind the block that it was opened in (§13.2.4.3)
  block,       // closes an open paragraph, and stops the search for what an end tag closes
  heading,     // the same; one heading closes another
  list_item,   // the same; `li` closes `li`
  definition,  // the same; `dt` and `dd` close each other
  paragraph,
  table,
  table_part,  // tbody, thead, tfoot, caption
  row,
  cell,
  boundary,        // nothing inside closes what is outside, and its end tag closes all of it: object, template, button, video
  nothing_inside,  // has no end tag
  page,            // html, body: opened once, never closed
  ignored,         // head, frameset: their tags mean nothing here
  foreign,         // svg, math: with a grammar of their own
};

struct Element {
  std::string_view name;  // lower case; empty: not known
  Layout layout = Layout::inline_text;
  Nesting nesting = Nesting::ordinary;
  RawText raw = RawText::none;
  bool breaks_out = false;  // not a block, and yet ends svg and math that it stands in
};
/// The row of an element, by its name in any case; of one that is not known the row of `span`, without a name. Never null.
[[nodiscard]] const Element* element_of(std::string_view name);
/// Tells elements apart that are not in the table, by their name in any case.
[[nodiscard]] std::uint32_t element_hash(std::string_view name);

}  // namespace pushmail::convert

// One table for all that is known of elements. What is not in it is read as `span` is.
#include "codec/convert/html_elements.h"

#include <algorithm>
#include <array>

#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr auto elements = std::to_array<Element>({
    {"a", Layout::link, Nesting::formatting},
    {"address", Layout::line, Nesting::block},
    {"annotation", Layout::skip},
    {"annotation-xml", Layout::skip},
    {"applet", Layout::inline_text, Nesting::boundary},
    {"area", Layout::image_area, Nesting::nothing_inside},
    {"article", Layout::line, Nesting::block},
    {"aside", Layout::line, Nesting::block},
    {"audio", Layout::skip, Nesting::boundary},
    {"b", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"base", Layout::inline_text, Nesting::nothing_inside},
    {"basefont", Layout::inline_text, Nesting::nothing_inside},
    {"bgsound", Layout::inline_text, Nesting::nothing_inside},
    {"big", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"blockquote", Layout::quote, Nesting::block},
    {"body", Layout::inline_text, Nesting::page},
    {"br", Layout::line_break, Nesting::nothing_inside, RawText::none, true},
    {"button", Layout::inline_text, Nesting::boundary},
    {"canvas", Layout::skip, Nesting::boundary},
    {"caption", Layout::line, Nesting::table_part},
    {"center", Layout::line, Nesting::block},
    {"code", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"col", Layout::inline_text, Nesting::nothing_inside},
    {"colgroup", Layout::inline_text, Nesting::nothing_inside},
    {"datalist", Layout::skip, Nesting::boundary},
    {"dd", Layout::line, Nesting::definition},
    {"del", Layout::struck},
    {"details", Layout::line, Nesting::block},
    {"dialog", Layout::line, Nesting::block},
    {"dir", Layout::bullets, Nesting::block},
    {"div", Layout::line, Nesting::block},
    {"dl", Layout::paragraph, Nesting::block},
    {"dt", Layout::line, Nesting::definition},
    {"em", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"embed", Layout::inline_text, Nesting::nothing_inside},
    {"fieldset", Layout::line, Nesting::block},
    {"figcaption", Layout::line, Nesting::block},
    {"figure", Layout::line, Nesting::block},
    {"font", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"footer", Layout::line, Nesting::block},
    {"form", Layout::line, Nesting::block},
    {"frame", Layout::inline_text, Nesting::nothing_inside},
    {"frameset", Layout::inline_text, Nesting::ignored},
    {"h1", Layout::paragraph, Nesting::heading},
    {"h2", Layout::paragraph, Nesting::heading},
    {"h3", Layout::paragraph, Nesting::heading},
    {"h4", Layout::paragraph, Nesting::heading},
    {"h5", Layout::paragraph, Nesting::heading},
    {"h6", Layout::paragraph, Nesting::heading},
    {"head", Layout::inline_text, Nesting::ignored},
    {"header", Layout::line, Nesting::block},
    {"hgroup", Layout::line, Nesting::block},
    {"hr", Layout::ruler, Nesting::nothing_inside, RawText::none, true},
    {"html", Layout::inline_text, Nesting::page},
    {"i", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"iframe", Layout::skip, Nesting::ordinary, RawText::text},
    {"image", Layout::image, Nesting::nothing_inside, RawText::none, true},
    {"img", Layout::image, Nesting::nothing_inside, RawText::none, true},
    {"input", Layout::field, Nesting::nothing_inside},
    {"keygen", Layout::inline_text, Nesting::nothing_inside},
    {"legend", Layout::line, Nesting::block},
    {"li", Layout::item, Nesting::list_item},
    {"link", Layout::inline_text, Nesting::nothing_inside},
    {"listing", Layout::preformatted, Nesting::block, RawText::none, true},
    {"main", Layout::line, Nesting::block},
    {"marquee", Layout::inline_text, Nesting::boundary},
    {"math", Layout::inline_text, Nesting::foreign},
    {"menu", Layout::bullets, Nesting::block},
    {"meta", Layout::inline_text, Nesting::nothing_inside, RawText::none, true},
    {"nav", Layout::line, Nesting::block},
    {"nobr", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"noembed", Layout::skip, Nesting::ordinary, RawText::text},
    {"noframes", Layout::line, Nesting::block},  // nothing loads the frames of a mail
    {"object", Layout::inline_text, Nesting::boundary},
    {"ol", Layout::numbers, Nesting::block},
    {"p", Layout::paragraph, Nesting::paragraph},
    {"param", Layout::inline_text, Nesting::nothing_inside},
    {"plaintext", Layout::preformatted, Nesting::block, RawText::all_that_follows},
    {"pre", Layout::preformatted, Nesting::block, RawText::none, true},
    {"q", Layout::citation},
    {"ruby", Layout::inline_text, Nesting::ordinary, RawText::none, true},
    {"s", Layout::struck, Nesting::formatting, RawText::none, true},
    {"script", Layout::skip, Nesting::ordinary, RawText::script},
    {"search", Layout::line, Nesting::block},
    {"section", Layout::line, Nesting::block},
    {"select", Layout::skip, Nesting::boundary},
    {"small", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"source", Layout::inline_text, Nesting::nothing_inside},
    {"span", Layout::inline_text, Nesting::ordinary, RawText::none, true},
    {"strike", Layout::struck, Nesting::formatting, RawText::none, true},
    {"strong", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"style", Layout::skip, Nesting::ordinary, RawText::text},
    {"sub", Layout::inline_text, Nesting::ordinary, RawText::none, true},
    {"summary", Layout::line, Nesting::block},
    {"sup", Layout::raised, Nesting::ordinary, RawText::none, true},
    {"svg", Layout::skip, Nesting::foreign},
    {"table", Layout::table, Nesting::table},
    {"tbody", Layout::inline_text, Nesting::table_part},
    {"td", Layout::cell, Nesting::cell},
    {"template", Layout::skip, Nesting::boundary},
    {"textarea", Layout::line, Nesting::ordinary, RawText::text_with_references},
    {"tfoot", Layout::inline_text, Nesting::table_part},
    {"th", Layout::cell, Nesting::cell},
    {"thead", Layout::inline_text, Nesting::table_part},
    {"title", Layout::skip, Nesting::ordinary, RawText::text_with_references},
    {"tr", Layout::row, Nesting::row},
    {"track", Layout::inline_text, Nesting::nothing_inside},
    {"tt", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"u", Layout::inline_text, Nesting::formatting, RawText::none, true},
    {"ul", Layout::bullets, Nesting::block},
    {"var", Layout::inline_text, Nesting::ordinary, RawText::none, true},
    {"video", Layout::skip, Nesting::boundary},
    {"wbr", Layout::inline_text, Nesting::nothing_inside},
    {"xmp", Layout::preformatted, Nesting::block, RawText::text},
});
static_assert(std::is_sorted(elements.begin(), elements.end(), [](const Element& a, const Element& b) { return a.name < b.name; }));

constexpr Element unknown_element{};
constexpr std::size_t name_size_max = std::max_element(elements.begin(), elements.end(), [](const Element& a, const Element& b) {
                                        return a.name.size() < b.name.size();
                                      })->name.size();

}  // namespace

const Element* element_of(std::string_view name) {
  if (name.size() > name_size_max) return &unknown_element;
  std::array<char, name_size_max> lower{};
  std::transform(name.begin(), name.end(), lower.begin(), ascii_lower);
  const std::string_view wanted(lower.data(), name.size());
  const auto* const found = std::lower_bound(elements.begin(), elements.end(), wanted,
                                             [](const Element& row, std::string_view sought) { return row.name < sought; });
  return found == elements.end() || found->name != wanted ? &unknown_element : found;
}

std::uint32_t element_hash(std::string_view name) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(ascii_lower(c))) * 16777619U;
  return hash;
}

}  // namespace pushmail::convert

// Elements and text become lines, links, marks of lists and quotes, and descriptions of pictures.
#include "codec/convert/html_writer.h"

#include <algorithm>
#include <array>

#include "codec/convert/html_entities.h"
#include "codec/convert/html_words.h"
#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr Colour link_blue{Colour::State::known, 0, 0, 238};
constexpr std::string_view struck_mark = "[struck out: ";
constexpr std::size_t words_size_min = 20;  // bytes; a page of less words and of pictures says nothing
constexpr std::size_t link_size_max = 80;   // of an address in a row of a table: longer ones are shortened afterwards

/// Boxes of mail programs that write no quote element, and marks of those that do.
constexpr auto quote_boxes = std::to_array<std::string_view>({"yahoo_quoted"});
constexpr auto quote_classes =
    std::to_array<std::string_view>({"gmail_quote", "protonmail_quote", "tutanota_quote", "zmail_extra", "yahoo_quoted", "mcnt_quote"});

bool is_empty_or_space(std::string_view html) { return html.find_first_not_of(" \t\r\n\f") == std::string_view::npos; }

}  // namespace

/// What an element has from what is around it, and what it adds.
void HtmlWriter::inherit(std::size_t index) {
  OpenElement& open = open_[index];
  const OpenElement* around = index == 0 ? nullptr : &open_[index - 1];
  const StyleFacts& style = open.style;
  const bool is_styled_away = style.visibility == Visibility::hidden && (styled_ == Styled::obeyed || style.is_display_none);
  open.is_hidden = open.element->layout == Layout::skip || is_styled_away || (around != nullptr && around->is_hidden);
  open.is_tiny = style.sets_font_size ? style.is_tiny : around != nullptr && around->is_tiny;
  open.font = style.font != SignFont::unsaid ? style.font : around != nullptr ? around->font : SignFont::none;
  const auto is_said = [](Colour colour) { return colour.state != Colour::State::unsaid; };
  open.colour = is_said(style.colour) ? style.colour : around != nullptr ? around->colour : black;
  const bool is_painted = is_said(style.background) && style.background.state != Colour::State::transparent;
  open.ground = is_painted ? style.background : around != nullptr ? around->ground : white;
}

void HtmlWriter::open(const Element& element, const HtmlToken& tag) {
  if (open_.size() >= depth_max) {
    is_too_deep_ = true;
    const Layout layout = element.layout;
    if (layout == Layout::paragraph || layout == Layout::quote)
      lines(2);
    else if (layout != Layout::inline_text && layout != Layout::link && layout != Layout::skip)
      lines(1);
    return;
  }
  OpenElement open;
  open.element = &element;
  if (element.name.empty()) open.name_hash = element_hash(tag.name);
  StyledElement styled{.name = tag.name, .classes = {}, .id = {}};
  if (!tag.attributes.empty()) {
    open.style = read_style(decode_references(tag.value("style"), memory_, ReferencePlace::attribute));
    styled.classes = tag.value("class");
    styled.id = ascii_trim(tag.value("id"));
    if (open.style.visibility == Visibility::unsaid && tag.has("hidden")) {
      open.style.visibility = Visibility::hidden;
      open.style.is_display_none = true;
    }
  }
  if (!sheet_.empty()) open.style = sheet_.facts_of(styled, styled_elements_, open.style);
  if (open.style.background.state == Colour::State::unsaid) {
    if (tag.has("background"))
      open.style.background = unknown_colour;
    else if (tag.has("bgcolor"))
      open.style.background = read_colour(tag.value("bgcolor"));
  }
  // What a browser's own sheet says, and attributes of old pages.
  if (open.style.font == SignFont::unsaid && tag.has("face")) open.style.font = sign_font(tag.value("face"));
  if (open.style.colour.state == Colour::State::unsaid) {
    if (element.layout == Layout::link && tag.has("href"))
      open.style.colour = link_blue;
    else if (tag.has(element.nesting == Nesting::page ? "text" : "color"))
      open.style.colour = read_colour(tag.value(element.nesting == Nesting::page ? "text" : "color"));
  }
  open_.push_back(std::move(open));
  styled_elements_.push_back(styled);
  inherit(open_.size() - 1);
  if (!open_.back().is_hidden) open_layout(open_.back(), tag);
}

void HtmlWriter::single(const Element& element, const HtmlToken& tag) {
  if (is_hidden() || element.layout == Layout::inline_text) return;
  StyleFacts style = read_style(decode_references(tag.value("style"), memory_, ReferencePlace::attribute));
  if (!sheet_.empty())
    style = sheet_.facts_of({.name = tag.name, .classes = tag.value("class"), .id = ascii_trim(tag.value("id"))}, styled_elements_, style);
  if ((style.visibility == Visibility::hidden && styled_ == Styled::obeyed) || tag.has("hidden")) return;
  switch (element.layout) {
    case Layout::image:
      return image(tag, style);
    case Layout::image_area:
      return image_area(tag);
    case Layout::field:
      return field(tag);
    case Layout::line_break:
      return out_.break_line();
    case Layout::ruler:
      return out_.rule();
    default:
      return;
  }
}

void HtmlWriter::close(std::size_t index) {
  const OpenElement open = std::move(open_[index]);
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
  styled_elements_.erase(styled_elements_.begin() + static_cast<std::ptrdiff_t>(index));
  for (std::size_t i = index; i < open_.size(); ++i) inherit(i);
  if (!open.is_hidden) close_layout(open);
}

void HtmlWriter::text(std::string_view html, bool has_references) {
  if (is_hidden()) {
    // What every browser hides is no text.
    const auto is_sure = [](const OpenElement& open) { return open.element->layout == Layout::skip || open.style.is_display_none; };
    has_dropped_text_ =
        has_dropped_text_ || (styled_ == Styled::obeyed && !is_empty_or_space(html) && std::none_of(open_.begin(), open_.end(), is_sure));
    return;
  }
  if (!open_.empty() && styled_ == Styled::obeyed &&
      (open_.back().is_tiny || (!sheet_.is_partial() && looks_alike(open_.back().colour, open_.back().ground)))) {
    has_dropped_text_ = has_dropped_text_ || !is_empty_or_space(html);
    return;
  }
  const std::size_t before = out_.position();
  std::size_t from = 0;
  for (std::size_t at = has_references ? html.find('&') : html.npos; at != html.npos; at = html.find('&', at)) {
    const CharacterReference reference = read_character_reference(html.substr(at), ReferencePlace::text);
    if (reference.size == 0) {
      ++at;
      continue;
    }
    if (at > from) write(html.substr(from, at - from));
    write(reference.utf8());
    at += reference.size;
    from = at;
  }
  if (from < html.size()) write(html.substr(from));
  if (links_open_ == 0) words_size_ += out_.position() - before;
}

/// Letters of a font of signs as what they look like: Word writes bullets, arrows and smileys so.
void HtmlWriter::write(std::string_view utf8) {
  const SignFont font = open_.empty() ? SignFont::none : open_.back().font;
  if (font == SignFont::none) return out_.write(utf8);
  for (std::size_t at = 0; at < utf8.size();) {
    const Sign sign = sign_at(utf8.substr(at), font);
    out_.write(sign.utf8);
    at += sign.size;
  }
}

HtmlText HtmlWriter::take() {
  HtmlText made;
  const bool is_wordless = words_size_ < words_size_min && pictures_.empty();
  if (is_wordless && remote_pictures_ > 0)
    made.only_pictures = OnlyPictures::on_a_site;
  else if (is_wordless && inner_pictures_ > 0)
    made.only_pictures = OnlyPictures::inside_the_page;
  made.has_remote_pictures = remote_pictures_ > 0;
  made.pictures = std::move(pictures_);
  made.text = readable(out_.take());
  return made;
}

void HtmlWriter::open_layout(OpenElement& open, const HtmlToken& tag) {
  const Layout layout = open.element->layout;
  const bool is_in_line = layout == Layout::inline_text || layout == Layout::link;
  if (is_in_line && open.style.is_block)
    out_.lines(1);
  else if (is_in_line && open.style.is_boxed)
    out_.write(" ");
  switch (layout) {
    case Layout::line:
      out_.lines(1);
      open_quote(open, tag);
      break;
    case Layout::paragraph:
      out_.lines(2);
      break;
    case Layout::bullets:
    case Layout::numbers: {
      open.next_number = number_of(tag.value("start")).value_or(1);
      const std::string_view type = ascii_trim(tag.value("type"));
      if (layout == Layout::numbers && type.size() == 1 && std::string_view("aAiI").find(type.front()) != std::string_view::npos)
        open.numbering = type.front();
      out_.lines(list_depth_++ == 0 ? 2 : 1);
      out_.enter_list();
      break;
    }
    case Layout::item:
      out_.item(item_marker(tag));
      break;
    case Layout::quote:
      out_.lines(2);
      open_quote(open, tag);
      break;
    case Layout::preformatted:
      out_.lines(2);
      open.keeps_lines = true;
      break;
    case Layout::table: {
      const std::string_view role = tag.value("role");
      open.is_for_looks = ascii_equal_nocase(role, "presentation") || ascii_equal_nocase(role, "none");
      out_.lines(1);
      break;
    }
    case Layout::row: {
      const OpenElement* table = innermost({Layout::table});
      out_.enter_row(table != nullptr && table->is_for_looks ? CellJoin::blank : CellJoin::bar);
      break;
    }
    case Layout::cell:
      out_.cell();
      break;
    case Layout::link:
      if (!tag.has("href")) break;
      open.link = written_address(ascii_trim(decode_references(tag.value("href"), memory_, ReferencePlace::attribute)));
      open.text_start = out_.position();
      ++links_open_;
      break;
    case Layout::citation:
      out_.write("\"");
      break;
    case Layout::raised:
      out_.raise_next();
      break;
    default:
      break;
  }
  if (tag.has("background") && !ascii_trim(tag.value("background")).empty()) ++remote_pictures_;
  if (open.style.is_raised) out_.raise_next();
  open.keeps_lines = open.keeps_lines || open.style.keeps_lines;
  if (open.keeps_lines) out_.enter_preformatted();
  if (layout == Layout::struck || open.style.is_struck) {
    open.is_struck = true;
    if (struck_depth_++ == 0) out_.mark_next(struck_mark);
  }
}

void HtmlWriter::close_layout(const OpenElement& open) {
  if (open.is_struck && --struck_depth_ == 0 && !out_.drop_mark()) out_.append_to_last("]");
  if (open.keeps_lines) out_.leave_preformatted();
  switch (open.element->layout) {
    case Layout::line:
    case Layout::item:
    case Layout::table:
      out_.lines(1);
      break;
    case Layout::paragraph:
    case Layout::quote:
    case Layout::preformatted:
      out_.lines(2);
      break;
    case Layout::bullets:
    case Layout::numbers:
      out_.leave_list();
      out_.lines(--list_depth_ == 0 ? 2 : 1);
      break;
    case Layout::row:
      out_.leave_row();
      break;
    case Layout::link:
      if (open.link.empty()) break;
      --links_open_;
      link(open.link, open.text_start);
      break;
    case Layout::citation:
      out_.append_to_last("\"");
      break;
    case Layout::raised:
      out_.lower();
      break;
    default:
      break;
  }
  if (open.style.is_raised) out_.lower();
  if (open.is_quote) out_.leave_quote();
  const bool is_in_line = open.element->layout == Layout::inline_text || open.element->layout == Layout::link;
  if (is_in_line && open.style.is_block)
    out_.lines(1);
  else if (is_in_line && open.style.is_boxed)
    out_.write(" ");
}

/// A blockquote cites when it says whom, or when mail programs write it so; else many programs indent with it, and in a mail that answers
/// nothing it cites nobody.
void HtmlWriter::open_quote(OpenElement& open, const HtmlToken& tag) {
  const std::string_view classes = tag.value("class");
  if (open.element->layout == Layout::line) {
    open.is_quote = has_word_like(classes, quote_boxes);
  } else if (tag.has("cite") || tag.has("type")) {
    open.is_quote = true;
  } else {
    const bool looks_cited = open.style.has_border || has_word_like(classes, quote_classes) || reading_.bare_quotes == BareQuotes::cite;
    open.is_quote = looks_cited && !open.style.has_no_border;
  }
  if (open.is_quote) out_.enter_quote();
}

/// The innermost open element of these layouts; null when there is none. At most depth_max steps.
OpenElement* HtmlWriter::innermost(std::initializer_list<Layout> layouts) {
  const auto found = std::find_if(open_.rbegin(), open_.rend(), [&](const OpenElement& open) {
    return std::find(layouts.begin(), layouts.end(), open.element->layout) != layouts.end();
  });
  return found == open_.rend() ? nullptr : &*found;
}

std::string HtmlWriter::item_marker(const HtmlToken& tag) {
  OpenElement* list = innermost({Layout::bullets, Layout::numbers});
  if (list == nullptr || list->element->layout == Layout::bullets) return "- ";
  list->next_number = number_of(tag.value("value")).value_or(list->next_number);
  return number_words(list->next_number++, list->numbering) + ". ";
}

void HtmlWriter::described(std::string_view description) {
  const std::size_t before = out_.position();
  out_.write("[");
  out_.write(description);
  out_.write("]");
  words_size_ += out_.position() - before;
}

/// A picture that the message carries stands behind the text; of one that stays on a server the description is read.
void HtmlWriter::image(const HtmlToken& tag, const StyleFacts& style) {
  const std::string_view address = ascii_trim(decode_references(tag.value("src"), memory_, ReferencePlace::attribute));
  std::string source =
      ascii_starts_with_nocase(address, "cid:") ? percent_decoded(address.substr(4)) : std::string(address.substr(0, 2048));
  if (std::binary_search(reading_.carried.begin(), reading_.carried.end(), source)) {
    pictures_.push_back(std::move(source));
    return;
  }
  const auto is_small = [&](std::string_view name) { return number_of(tag.value(name)).value_or(2) <= 1; };
  if (style.has_pixel_size || is_small("width") || is_small("height")) return;  // it only counts readers
  if (ascii_starts_with_nocase(address, "http") || address.starts_with("//"))
    ++remote_pictures_;
  else if (ascii_starts_with_nocase(address, "data:"))
    ++inner_pictures_;
  const std::string_view description = ascii_trim(decode_references(tag.value("alt"), memory_, ReferencePlace::attribute));
  if (!description.empty() && !is_file_name(description) && !ascii_equal_nocase(tag.value("aria-hidden"), "true")) described(description);
}

/// What a button says.
void HtmlWriter::field(const HtmlToken& tag) {
  const std::string_view type = ascii_trim(tag.value("type"));
  const bool is_button = ascii_equal_nocase(type, "submit") || ascii_equal_nocase(type, "button") || ascii_equal_nocase(type, "reset");
  if (!is_button && !ascii_equal_nocase(type, "image")) return;
  const std::string_view words = ascii_trim(decode_references(tag.value(is_button ? "value" : "alt"), memory_, ReferencePlace::attribute));
  if (!words.empty()) described(words);
}

/// A part of a picture that is a link.
void HtmlWriter::image_area(const HtmlToken& tag) {
  const std::string address = written_address(ascii_trim(decode_references(tag.value("href"), memory_, ReferencePlace::attribute)));
  const std::size_t start = out_.position();
  const std::string_view description = ascii_trim(decode_references(tag.value("alt"), memory_, ReferencePlace::attribute));
  if (!description.empty()) {
    out_.lines(1);
    described(description);
  }
  if (!address.empty()) link(address, start);
}

/// `text (address)`, each address once. One that leads from a picture alone is written only when no text leads there.
void HtmlWriter::link(const std::string& href, std::size_t text_start) {
  std::string_view address = href;
  const bool is_mail = ascii_starts_with_nocase(address, "mailto:");
  const bool is_kept = is_mail || ascii_starts_with_nocase(address, "http:") || ascii_starts_with_nocase(address, "https:") ||
                       ascii_starts_with_nocase(address, "tel:");
  if (!is_kept) return;
  if (is_mail) address = address.substr(7, address.find('?') == std::string_view::npos ? address.npos : address.find('?') - 7);
  if (address.empty()) return;
  const std::string_view shown = ascii_trim(out_.since(text_start));
  const auto [known, is_new] = addresses_.try_emplace(std::string(address), Shown{});
  if (shown.empty()) {
    if (is_new) known->second = Shown{.is_deferred = true, .number = out_.defer(std::string(address))};
    return;
  }
  if (known->second.is_deferred)
    out_.forget(known->second.number);
  else if (!is_new)
    return;
  known->second = Shown{};
  // The text often is the address, with or without its scheme.
  if (address.find(shown) != std::string_view::npos && shown.size() + 9 >= address.size()) return;
  out_.append_to_last(" (");
  out_.append_to_last(address, std::min(address.size(), link_size_max));
  out_.append_to_last(")");
}

}  // namespace pushmail::convert

// HTML to readable text.
//
// Came from: mail_to_mm.cpp, when a mail has no plain text. Goes to: the text part of an MM. Two steps: a linear pass takes out what
// can only cost time (comments, style, script, giant tags), then libxml2's HTML parser calls a writer that knows what elements mean
// to a reader; how their text becomes lines is text_layout.cpp's. No tree is built, nothing is loaded. A page nested deeper than
// depth_max is read with its tags removed.
#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "codec/convert/errors.h"
#include "codec/convert/html_style.h"
#include "codec/convert/text.h"
#include "codec/convert/text_layout.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t html_size_max = 1024 * 1024;  // of what is left after preparing
constexpr std::size_t tag_size_max = 4096;          // libxml2 compares each attribute of a tag with all others
constexpr std::size_t depth_max = 200;

bool tag_here(std::string_view html, std::size_t at, std::string_view name) {
  if (!ascii_starts_with_nocase(html.substr(at), name)) return false;
  const std::size_t end = at + name.size();
  return end >= html.size() || std::string_view(" \t\r\n>/").find(html[end]) != std::string_view::npos;
}

/// Searches forward only; a closing tag that is missing is looked for once.
std::size_t find_nocase(std::string_view html, std::string_view tag, std::size_t from) {
  for (std::size_t at = html.find('<', from); at != std::string_view::npos; at = html.find('<', at + 1)) {
    if (ascii_starts_with_nocase(html.substr(at), tag)) return at;
  }
  return std::string_view::npos;
}

/// `element`: a style element up to its closing tag.
void add_hidden_classes(std::vector<std::string>& classes, std::string_view element) {
  constexpr std::size_t classes_max = 64;
  const std::size_t tag = std::min(element.find('>'), element.size());
  // A sheet for paper or small screens is a condition.
  if (tag == element.size() || classes.size() >= classes_max || element.substr(0, tag).find("media") != std::string_view::npos) return;
  std::vector<std::string> more = hidden_classes(element.substr(tag + 1));
  classes.insert(classes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// The page without what can only cost time.
struct Prepared {
  std::string page;
  std::vector<std::string> hidden_classes;
  bool is_cut = false;
  std::size_t used = 0;              // bytes of the input
};
Prepared prepare(std::string_view html) {
  std::string out;
  out.reserve(std::min(html.size(), html_size_max));
  std::vector<std::string> hidden;
  std::size_t at = 0;
  bool no_more_tags = false;
  while (at < html.size() && out.size() < html_size_max) {
    const std::size_t open = std::min(html.find('<', at), html.size());
    out += html.substr(at, open - at);
    at = open;
    if (at == html.size()) break;
    if (html.substr(at).starts_with("<!--")) {
      const std::size_t end = html.find("-->", at + 4);
      if (end == std::string_view::npos) break;
      at = end + 3;
      continue;
    }
    // Document types, processing instructions, and comments that are none.
    if (html.substr(at).starts_with("<!") || html.substr(at).starts_with("<?")) {
      const std::size_t end = html.find('>', at);
      if (end == std::string_view::npos) break;
      at = end + 1;
      continue;
    }
    // What browsers do: without its closing tag, style and script run to the end.
    bool skipped = false;
    for (const auto& [start, close] : {std::pair<std::string_view, std::string_view>{"<style", "</style"}, {"<script", "</script"}}) {
      if (!tag_here(html, at, start)) continue;
      const std::size_t from = at;
      at = std::min(find_nocase(html, close, at + start.size()), html.size());
      if (start == "<style") add_hidden_classes(hidden, html.substr(from, at - from));
      at = std::min(html.find('>', at), html.size() - 1) + 1;
      skipped = true;
      break;
    }
    if (skipped) continue;
    const std::size_t close = no_more_tags ? std::string_view::npos : html.substr(at, tag_size_max).find('>');
    if (no_more_tags) {
      ++at;
    } else if (close != std::string_view::npos) {
      out += html.substr(at, close + 1);
      at += close + 1;
    } else if (const std::size_t far = html.find('>', at); far != std::string_view::npos) {
      at = far + 1;  // an image inside its own tag, mostly
    } else {
      no_more_tags = true;  // each `<` from here on opens nothing
    }
  }
  const bool is_cut = out.size() > html_size_max || (at < html.size() && out.size() == html_size_max);
  out.resize(cut(out, html_size_max).size());
  return {.page = std::move(out), .hidden_classes = std::move(hidden), .is_cut = is_cut, .used = at};
}

enum class Layout : std::uint8_t { inline_text, line, paragraph, bullets, numbers, item, quote, preformatted, table, row, cell, link, image, line_break, ruler, skip };
struct Element {
  std::string_view name;
  Layout layout;
};
constexpr auto elements = std::to_array<Element>({
    {"p", Layout::paragraph},      {"h1", Layout::paragraph},    {"h2", Layout::paragraph},      {"h3", Layout::paragraph},   {"h4", Layout::paragraph},
    {"h5", Layout::paragraph},     {"h6", Layout::paragraph},    {"ul", Layout::bullets},           {"ol", Layout::numbers},        {"dl", Layout::paragraph},
    {"pre", Layout::preformatted}, {"table", Layout::table},      {"blockquote", Layout::quote},  {"div", Layout::line},       {"section", Layout::line},
    {"article", Layout::line},     {"header", Layout::line},     {"footer", Layout::line},       {"main", Layout::line},      {"nav", Layout::line},
    {"aside", Layout::line},       {"figure", Layout::line},     {"figcaption", Layout::line},   {"caption", Layout::line},   {"center", Layout::line},
    {"form", Layout::line},        {"fieldset", Layout::line},   {"dt", Layout::line},           {"dd", Layout::line},        {"address", Layout::line},
    {"li", Layout::item},          {"tr", Layout::row},          {"td", Layout::cell},           {"th", Layout::cell},        {"a", Layout::link},
    {"img", Layout::image},        {"br", Layout::line_break},   {"hr", Layout::ruler},          {"head", Layout::skip},      {"title", Layout::skip},
    {"style", Layout::skip},       {"script", Layout::skip},     {"template", Layout::skip},     {"object", Layout::skip},    {"svg", Layout::skip},
    {"select", Layout::skip},      {"textarea", Layout::skip},   {"video", Layout::skip},        {"audio", Layout::skip},     {"iframe", Layout::skip},
    {"canvas", Layout::skip},
});
Layout layout_of(std::string_view name) {
  const auto found = std::find_if(elements.begin(), elements.end(), [&](const Element& element) { return element.name == name; });
  return found == elements.end() ? Layout::inline_text : found->layout;
}

/// The attributes of one element, as libxml2 gives them.
class Attributes {
 public:
  explicit Attributes(const xmlChar** raw) : raw_(raw) {}

  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Empty when absent or without a value.
  [[nodiscard]] std::string_view value(std::string_view name) const {
    const xmlChar** found = find(name);
    return found == nullptr || found[1] == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(found[1]));
  }

 private:
  [[nodiscard]] const xmlChar** find(std::string_view name) const {
    for (const xmlChar** at = raw_; at != nullptr && at[0] != nullptr; at += 2) {
      if (ascii_equal_nocase(reinterpret_cast<const char*>(at[0]), name)) return at;
    }
    return nullptr;
  }
  const xmlChar** raw_;
};

constexpr auto preview = std::to_array<std::string_view>({"preheader", "preview-text", "previewtext", "preview_text"});
constexpr auto quote_boxes = std::to_array<std::string_view>({"yahoo_quoted"});

bool is_shown_only_to_machines(const Attributes& attributes) {
  return attributes.has("hidden") || ascii_equal_nocase(attributes.value("aria-hidden"), "true") || has_word_like(attributes.value("class"), preview) ||
         has_word_like(attributes.value("id"), preview);
}

/// What a number attribute says: `start="3"`, `width="1"`.
std::optional<unsigned> number_of(std::string_view text) {
  text = ascii_trim(text);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional<unsigned>(number) : std::nullopt;
}

/// A `cid:` address as Content-ID (RFC 2392 §2): %40 and the like decoded.
std::string content_id_of(std::string_view address) {
  std::string out;
  out.reserve(address.size());
  for (std::size_t at = 0; at < address.size(); ++at) {
    unsigned char byte = 0;
    const char* const digits = address.data() + at + 1;
    if (address[at] == '%' && address.size() - at >= 3 && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      at += 2;
    } else {
      out += address[at];
    }
  }
  return out;
}

/// `image001.png`: what programs write when nobody described the picture.
bool is_file_name(std::string_view text) {
  if (text.find(' ') != std::string_view::npos) return false;
  for (const std::string_view ending : {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp"}) {
    if (text.size() > ending.size() && ascii_equal_nocase(text.substr(text.size() - ending.size()), ending)) return true;
  }
  return false;
}

/// Whether letters of no size and what a style sheet hides count as text: a page that shows them by means that are not read here would
/// be empty without them.
enum class Styled : std::uint8_t { obeyed, ignored };

/// Turns elements into text.
class Writer {
 public:
  Writer(Styled styled, std::span<const std::string> hidden_classes, std::span<const std::string_view> carried)
      : styled_(styled), hidden_classes_(hidden_classes), carried_(carried) {}

  void start(std::string_view name, const Attributes& attributes) {
    if (open_.size() >= depth_max) {
      too_deep = true;
      return;
    }
    Open open;
    open.layout = layout_of(name);
    const StyleFacts style = read_style(attributes.value("style"));
    open.is_tiny = style.sets_font_size ? style.is_tiny : !open_.empty() && open_.back().is_tiny;
    open.is_hidden = (!open_.empty() && open_.back().is_hidden) || open.layout == Layout::skip || style.is_hidden || is_shown_only_to_machines(attributes);
    if (styled_ == Styled::obeyed && !open.is_hidden && has_word(attributes.value("class"), hidden_classes_)) open.is_hidden = has_dropped_text = true;
    if (!open.is_hidden) open_element(open, attributes, style);
    open_.push_back(std::move(open));
  }

  void end() {
    if (open_.empty()) return;
    const Open open = std::move(open_.back());
    open_.pop_back();
    if (!open.is_hidden) close_element(open);
  }

  void text(std::string_view piece) {
    if (!open_.empty() && open_.back().is_hidden) return;
    if (!open_.empty() && open_.back().is_tiny && styled_ == Styled::obeyed) {
      has_dropped_text = has_dropped_text || !ascii_trim(piece).empty();
      return;
    }
    out_.write(piece);
  }

  [[nodiscard]] std::string take() { return out_.take(); }

  bool too_deep = false;
  bool has_dropped_text = false;
  std::vector<std::string> pictures;

 private:
  struct Open {
    Layout layout = Layout::inline_text;
    bool is_hidden = false;
    bool is_tiny = false;
    bool is_quote = false;           // it entered one
    bool is_for_looks = false;       // a table without data
    unsigned next_number = 1;        // of the next item of a list
    std::string link;
    std::size_t text_start = 0;
  };

  void open_element(Open& open, const Attributes& attributes, const StyleFacts& style) {
    switch (open.layout) {
      case Layout::inline_text:
      case Layout::skip:
        return;
      case Layout::line:
        out_.lines(1);
        // A mail program that has no element for quotes.
        open.is_quote = has_word_like(attributes.value("class"), quote_boxes);
        if (open.is_quote) out_.enter_quote();
        return;
      case Layout::paragraph:
        return out_.lines(2);
      case Layout::bullets:
      case Layout::numbers:
        open.next_number = number_of(attributes.value("start")).value_or(1);
        out_.lines(list_depth_++ == 0 ? 2 : 1);
        return out_.enter_list();
      case Layout::item:
        return out_.item(item_marker(attributes));
      case Layout::quote:
        out_.lines(2);
        // An indent button writes a quote that has no border and cites nobody.
        open.is_quote = !style.has_no_border || attributes.has("cite") || attributes.has("type");
        if (open.is_quote) out_.enter_quote();
        return;
      case Layout::preformatted:
        out_.lines(2);
        return out_.enter_preformatted();
      case Layout::table: {
        const std::string_view role = attributes.value("role");
        open.is_for_looks = ascii_equal_nocase(role, "presentation") || ascii_equal_nocase(role, "none");
        return out_.lines(1);
      }
      case Layout::row: {
        const Open* table = innermost({Layout::table});
        return out_.enter_row(table != nullptr && table->is_for_looks ? CellJoin::blank : CellJoin::bar);
      }
      case Layout::cell:
        return out_.cell();
      case Layout::link:
        open.link = ascii_trim(attributes.value("href"));
        open.text_start = out_.position();
        return;
      case Layout::image:
        return image(attributes, style);
      case Layout::line_break:
        return out_.break_line();
      case Layout::ruler:
        return out_.rule();
    }
  }

  void close_element(const Open& open) {
    switch (open.layout) {
      case Layout::inline_text:
      case Layout::skip:
      case Layout::cell:
      case Layout::image:
      case Layout::line_break:
      case Layout::ruler:
        return;
      case Layout::line:
      case Layout::item:
      case Layout::table:
        out_.lines(1);
        break;
      case Layout::paragraph:
      case Layout::quote:
        out_.lines(2);
        break;
      case Layout::bullets:
      case Layout::numbers:
        out_.leave_list();
        return out_.lines(--list_depth_ == 0 ? 2 : 1);
      case Layout::preformatted:
        out_.leave_preformatted();
        return out_.lines(2);
      case Layout::row:
        return out_.leave_row();
      case Layout::link:
        return link(open);
    }
    if (open.is_quote) out_.leave_quote();
  }

  /// The innermost open element of these layouts; null when there is none. At most depth_max steps.
  Open* innermost(std::initializer_list<Layout> layouts) {
    const auto found = std::find_if(open_.rbegin(), open_.rend(), [&](const Open& open) { return std::find(layouts.begin(), layouts.end(), open.layout) != layouts.end(); });
    return found == open_.rend() ? nullptr : &*found;
  }

  std::string item_marker(const Attributes& attributes) {
    Open* list = innermost({Layout::bullets, Layout::numbers});
    if (list == nullptr || list->layout == Layout::bullets) return "- ";
    list->next_number = number_of(attributes.value("value")).value_or(list->next_number);
    return std::to_string(list->next_number++) + ". ";
  }

  /// A picture that the message carries stands behind the text; of one that stays on a server the description is read.
  void image(const Attributes& attributes, const StyleFacts& style) {
    const std::string_view address = ascii_trim(attributes.value("src"));
    std::string source = ascii_starts_with_nocase(address, "cid:") ? content_id_of(address.substr(4)) : std::string(address);
    if (std::binary_search(carried_.begin(), carried_.end(), source)) {
      pictures.push_back(std::move(source));
      return;
    }
    const std::string_view description = ascii_trim(attributes.value("alt"));
    const bool counts_readers = style.has_pixel_size || number_of(attributes.value("width")).value_or(2) <= 1 || number_of(attributes.value("height")).value_or(2) <= 1;
    if (description.empty() || counts_readers || is_file_name(description)) return;
    out_.write("[");
    out_.write(description);
    out_.write("]");
  }

  /// `text (address)`, each address once. One that leads from a picture alone is written only when no text leads there.
  void link(const Open& open) {
    std::string_view address = open.link;
    const bool is_mail = ascii_starts_with_nocase(address, "mailto:");
    const bool is_kept = is_mail || ascii_starts_with_nocase(address, "http:") || ascii_starts_with_nocase(address, "https:") || ascii_starts_with_nocase(address, "tel:");
    if (!is_kept) return;
    if (is_mail) address = address.substr(7, address.find('?') == std::string_view::npos ? address.npos : address.find('?') - 7);
    if (address.empty()) return;
    const std::string_view shown = ascii_trim(out_.since(open.text_start));
    const auto [known, is_new] = addresses_.try_emplace(std::string(address), Shown{});
    if (shown.empty()) {
      if (is_new) known->second = Shown{.is_deferred = true, .number = out_.defer(std::string(address))};
      return;
    }
    if (known->second.is_deferred) out_.forget(known->second.number);
    else if (!is_new) return;
    known->second = Shown{};
    // The text often is the address, with or without its scheme.
    if (address.find(shown) != std::string_view::npos && shown.size() + 9 >= address.size()) return;
    out_.append_to_last(" (");
    out_.append_to_last(address);
    out_.append_to_last(")");
  }

  struct Shown {
    bool is_deferred = false;
    std::size_t number = 0;
  };

  Styled styled_;
  std::span<const std::string> hidden_classes_;
  std::span<const std::string_view> carried_;
  TextLayout out_;
  std::vector<Open> open_;
  std::size_t list_depth_ = 0;
  std::unordered_map<std::string, Shown> addresses_;
};

/// What libxml2 calls back with.
struct Run {
  Writer writer;
  htmlParserCtxtPtr parser = nullptr;
};

void on_start(void* data, const xmlChar* name, const xmlChar** attributes) {
  Run& run = *static_cast<Run*>(data);
  run.writer.start(reinterpret_cast<const char*>(name), Attributes(attributes));
  if (run.writer.too_deep) xmlStopParser(run.parser);
}
void on_end(void* data, const xmlChar*) { static_cast<Run*>(data)->writer.end(); }
void on_text(void* data, const xmlChar* text, int size) {
  static_cast<Run*>(data)->writer.text({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
}

/// For a page that is nested too deep: tags out, a blank for each, entities as they are.
std::string without_tags(std::string_view html) {
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t open = std::min(html.find('<', at), html.size());
    out += html.substr(at, open - at);
    const std::size_t close = html.find('>', open);
    if (close == std::string_view::npos) break;
    if (!out.empty() && out.back() != ' ' && out.back() != '\n') out += ' ';
    at = close + 1;
  }
  return out;
}

struct FreeParser {
  void operator()(htmlParserCtxtPtr parser) const { htmlFreeParserCtxt(parser); }
};

/// Whether libxml2 took the page at all.
bool parse(const std::string& page, Run& run) {
  const std::unique_ptr<htmlParserCtxt, FreeParser> parser(htmlCreateMemoryParserCtxt(page.data(), static_cast<int>(page.size())));
  if (!parser) return false;
  htmlSAXHandler handler{};
  handler.startElement = on_start;
  handler.endElement = on_end;
  handler.characters = on_text;
  handler.cdataBlock = on_text;
  handler.ignorableWhitespace = on_text;
  *parser->sax = handler;
  parser->userData = &run;
  run.parser = parser.get();
  htmlCtxtUseOptions(parser.get(), HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
  xmlSwitchEncoding(parser.get(), XML_CHAR_ENCODING_UTF8);
  htmlParseDocument(parser.get());
  return true;
}

}  // namespace

HtmlText read_html(std::string_view html, std::span<const std::string_view> carried) {
  HtmlText result;
  const Prepared prepared = prepare(html);
  const std::string& page = prepared.page;
  if (prepared.is_cut) result.fault = Error{&convert_html_too_large, static_cast<std::uint32_t>(prepared.used)};
  if (ascii_trim(page).empty()) return result;
  for (const Styled styled : {Styled::obeyed, Styled::ignored}) {
    Run run{.writer = Writer(styled, prepared.hidden_classes, carried), .parser = nullptr};
    const bool is_read = parse(page, run);
    // A stopped parser has lost its place, so the page is read again, plainly.
    if (!is_read || run.writer.too_deep) {
      result.text = readable(without_tags(page));
      result.fault = Error{&convert_html_too_deep};
      return result;
    }
    result.text = readable(run.writer.take());
    result.pictures = std::move(run.writer.pictures);
    if (!result.text.empty() || !run.writer.has_dropped_text) break;
  }
  return result;
}

std::string html_to_text(std::string_view html) { return read_html(html, {}).text; }

}  // namespace pushmail::convert

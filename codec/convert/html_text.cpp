// HTML to readable text.
//
// Came from: mail_to_mm.cpp, when a mail has no plain text. Goes to: the text part of an MM. Two steps: a linear pass takes out what
// can only cost time (comments, style, script, giant tags), then libxml2's HTML parser calls a writer that knows a few elements.
// No tree is built, nothing is loaded. A page nested deeper than depth_max is read with its
// tags removed.
#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "codec/convert/text.h"

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

std::string prepared(std::string_view html) {
  std::string out;
  out.reserve(std::min(html.size(), html_size_max));
  std::size_t at = 0;
  bool no_more_tags = false;
  while (at < html.size() && out.size() < html_size_max) {
    const std::size_t open = std::min(html.find('<', at), html.size());
    out += html.substr(at, open - at);
    if (open == html.size()) break;
    at = open;
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
      at = std::min(find_nocase(html, close, at + start.size()), html.size());
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
  out.resize(cut(out, html_size_max).size());
  return out;
}

enum class Layout : std::uint8_t { inline_text, line, paragraph, item, row, cell, skip };
struct Element {
  std::string_view name;
  Layout layout;
};
constexpr auto elements = std::to_array<Element>({
    {"p", Layout::paragraph},     {"h1", Layout::paragraph},       {"h2", Layout::paragraph},   {"h3", Layout::paragraph}, {"h4", Layout::paragraph},
    {"h5", Layout::paragraph},    {"h6", Layout::paragraph},       {"ul", Layout::paragraph},   {"ol", Layout::paragraph}, {"dl", Layout::paragraph},
    {"pre", Layout::paragraph},   {"blockquote", Layout::paragraph}, {"table", Layout::line},   {"div", Layout::line},     {"section", Layout::line},
    {"article", Layout::line},    {"header", Layout::line},        {"footer", Layout::line},    {"center", Layout::line},  {"form", Layout::line},
    {"dt", Layout::line},         {"dd", Layout::line},            {"address", Layout::line},   {"li", Layout::item},      {"tr", Layout::row},
    {"td", Layout::cell},         {"th", Layout::cell},            {"head", Layout::skip},      {"title", Layout::skip},   {"style", Layout::skip},
    {"script", Layout::skip},     {"template", Layout::skip},      {"object", Layout::skip},    {"svg", Layout::skip},     {"select", Layout::skip},
    {"textarea", Layout::skip},   {"noscript", Layout::inline_text},
});
Layout layout_of(std::string_view name) {
  const auto found = std::find_if(elements.begin(), elements.end(), [&](const Element& element) { return element.name == name; });
  return found == elements.end() ? Layout::inline_text : found->layout;
}

/// Writes text with white space as a reader sees it: runs become one blank, blocks start lines.
class Writer {
 public:
  void start(std::string_view name, const xmlChar** attributes) {
    if (open_.size() >= depth_max) {
      too_deep = true;
      return;
    }
    Open open;
    open.layout = layout_of(name);
    open.name = name.substr(0, 16);
    open.hidden = (!open_.empty() && open_.back().hidden) || open.layout == Layout::skip || is_hidden(attributes);
    if (!open.hidden) {
      begin_block(open.layout);
      if (name == "br") break_line();
      if (name == "hr") {
        lines(1);
        raw("---");
        lines(1);
      }
      if (name == "blockquote") ++quote_depth_;
      if (name == "pre") ++pre_depth_;
      if (name == "img") image(attributes);
      if (name == "a") {
        open.link = attribute(attributes, "href");
        open.text_start = out_.size();
      }
      if (open.layout == Layout::item) raw("- ");
      if (open.layout == Layout::cell && !at_line_start()) cell_pending_ = true;
    }
    open_.push_back(std::move(open));
  }

  void end() {
    if (open_.empty()) return;
    const Open open = std::move(open_.back());
    open_.pop_back();
    if (open.hidden) return;
    if (!open.link.empty()) link(open);
    if (open.name == "blockquote") {
      lines(2);
      --quote_depth_;
    }
    if (open.name == "pre") --pre_depth_;
    begin_block(open.layout);
  }

  void text(std::string_view piece) {
    if (!open_.empty() && open_.back().hidden) return;
    for (std::size_t at = 0; at < piece.size(); ++at) {
      const char c = piece[at];
      const std::string_view rest = piece.substr(at);
      if (pre_depth_ > 0 && c == '\n') {
        break_line();
      } else if (pre_depth_ > 0 && (c == ' ' || c == '\t')) {
        raw(" ");
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        space_pending_ = true;
      } else if (rest.starts_with("\xC2\xA0")) {
        space_pending_ = true;  // no-break spaces are padding in mail
        ++at;
      } else if (rest.starts_with("\xC2\xAD") || rest.starts_with("\xCD\x8F")) {
        ++at;                   // soft hyphen, grapheme joiner
      } else if (rest.starts_with("\xE2\x80\x8B") || rest.starts_with("\xEF\xBB\xBF")) {
        at += 2;                // zero width space: fills preview lines
      } else {
        raw(piece.substr(at, 1));
      }
    }
  }

  [[nodiscard]] std::string take() {
    while (!out_.empty() && (out_.back() == '\n' || out_.back() == ' ')) out_.pop_back();
    return std::move(out_);
  }

  bool too_deep = false;

 private:
  struct Open {
    Layout layout = Layout::inline_text;
    std::string name;
    bool hidden = false;
    std::string link;
    std::size_t text_start = 0;
  };

  static std::string_view attribute(const xmlChar** attributes, std::string_view name) {
    for (; attributes != nullptr && attributes[0] != nullptr; attributes += 2) {
      if (ascii_equal_nocase(reinterpret_cast<const char*>(attributes[0]), name)) {
        return attributes[1] == nullptr ? name : std::string_view(reinterpret_cast<const char*>(attributes[1]));
      }
    }
    return {};
  }

  static bool is_hidden(const xmlChar** attributes) {
    if (!attribute(attributes, "hidden").empty()) return true;
    std::string style;
    for (const char c : attribute(attributes, "style")) {
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') style += ascii_lower(c);
    }
    for (const std::string_view hiding : {"display:none", "visibility:hidden", "mso-hide:all", "font-size:0;", "font-size:0px"}) {
      if (style.find(hiding) != std::string::npos) return true;
    }
    return style.ends_with("font-size:0");
  }

  void image(const xmlChar** attributes) {
    const std::string_view alt = ascii_trim(attribute(attributes, "alt"));
    const std::string_view width = attribute(attributes, "width");
    if (alt.empty() || width == "1" || width == "0") return;
    text("[");
    text(alt);
    text("]");
  }

  void link(const Open& open) {
    std::string_view address = ascii_trim(open.link);
    const bool mail = ascii_starts_with_nocase(address, "mailto:");
    if (!mail && !ascii_starts_with_nocase(address, "http:") && !ascii_starts_with_nocase(address, "https:") && !ascii_starts_with_nocase(address, "tel:")) return;
    if (mail) address = address.substr(7, address.find('?') == std::string_view::npos ? address.npos : address.find('?') - 7);
    const std::string_view shown = ascii_trim(std::string_view(out_).substr(std::min(open.text_start, out_.size())));
    // The text often is the address, with or without its scheme.
    if (!shown.empty() && address.find(shown) != std::string_view::npos && shown.size() + 9 >= address.size()) return;
    if (shown.empty()) {
      text(address);
      return;
    }
    // A line end inside the link comes behind its address.
    const unsigned lines_after = std::exchange(lines_pending_, 0U);
    space_pending_ = cell_pending_ = false;
    raw(" (");
    text(address);
    raw(")");
    lines_pending_ = lines_after;
  }

  [[nodiscard]] bool at_line_start() const { return out_.empty() || out_.back() == '\n'; }

  void begin_block(Layout layout) {
    switch (layout) {
      case Layout::paragraph:
        return lines(2);
      case Layout::line:
      case Layout::item:
      case Layout::row:
        return lines(1);
      case Layout::inline_text:
      case Layout::cell:
      case Layout::skip:
        return;
    }
  }

  /// The next text starts behind at least this many line ends, unless nothing was written yet.
  void lines(unsigned count) {
    lines_pending_ = std::max(lines_pending_, count);
    space_pending_ = cell_pending_ = false;
  }
  /// One line end more; more than one empty line in a row are not written.
  void break_line() {
    lines_pending_ = pre_depth_ > 0 || lines_pending_ < 2 ? lines_pending_ + 1 : lines_pending_;
    space_pending_ = cell_pending_ = false;
  }

  void raw(std::string_view piece) {
    if (lines_pending_ > 0 && !out_.empty()) {
      while (!out_.empty() && out_.back() == ' ') out_.pop_back();
      std::size_t ends = 0;
      while (ends < out_.size() && out_[out_.size() - 1 - ends] == '\n') ++ends;
      for (; ends < lines_pending_; ++ends) out_ += '\n';
    }
    lines_pending_ = 0;
    if (at_line_start() && quote_depth_ > 0) out_ += std::string(std::min<std::size_t>(quote_depth_, 8), '>') + " ";
    if (cell_pending_ && !at_line_start()) out_ += " | ";
    else if (space_pending_ && !at_line_start() && out_.back() != ' ') out_ += ' ';
    cell_pending_ = space_pending_ = false;
    out_ += piece;
  }

  std::string out_;
  std::vector<Open> open_;
  std::size_t quote_depth_ = 0;
  std::size_t pre_depth_ = 0;
  unsigned lines_pending_ = 0;
  bool space_pending_ = false;
  bool cell_pending_ = false;
};

/// What libxml2 calls back with.
struct Run {
  Writer writer;
  htmlParserCtxtPtr parser = nullptr;
};

void on_start(void* data, const xmlChar* name, const xmlChar** attributes) {
  Run& run = *static_cast<Run*>(data);
  run.writer.start(reinterpret_cast<const char*>(name), attributes);
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

}  // namespace

std::string html_to_text(std::string_view html) {
  const std::string page = prepared(html);
  if (ascii_trim(page).empty()) return {};
  const std::unique_ptr<htmlParserCtxt, FreeParser> parser(htmlCreateMemoryParserCtxt(page.data(), static_cast<int>(page.size())));
  if (!parser) return readable(without_tags(page));

  htmlSAXHandler handler{};
  handler.startElement = on_start;
  handler.endElement = on_end;
  handler.characters = on_text;
  handler.cdataBlock = on_text;
  handler.ignorableWhitespace = on_text;
  Run run{.writer = {}, .parser = parser.get()};
  *parser->sax = handler;
  parser->userData = &run;
  htmlCtxtUseOptions(parser.get(), HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
  xmlSwitchEncoding(parser.get(), XML_CHAR_ENCODING_UTF8);
  htmlParseDocument(parser.get());
  // A stopped parser has lost its place, so the page is read again, plainly.
  if (run.writer.too_deep) return readable(without_tags(page));
  return readable(run.writer.take());
}

}  // namespace pushmail::convert

// HTML to readable text.
//
// Came from: body_text.cpp, for a text part that is a page. Goes to: the text part of an MM. A page is cut into tags and text
// (html_tokens.cpp), nested (html_tree.cpp) and written (html_writer.cpp) in one pass; nothing is loaded. A second pass is made when a
// style sheet stands behind text that it speaks of, or when the first leaves nothing of a page that has words.
#include <utility>

#include "codec/convert/errors.h"
#include "codec/convert/html_elements.h"
#include "codec/convert/html_sheet.h"
#include "codec/convert/html_tokens.h"
#include "codec/convert/html_tree.h"
#include "codec/convert/html_writer.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t text_size_max = 1024 * 1024;
constexpr int rescues_max = 8;

/// A sheet that would have to be loaded; those of fonts say nothing else.
bool is_sheet_elsewhere(const HtmlToken& tag) {
  return ascii_equal_nocase(ascii_trim(tag.value("rel")), "stylesheet") && tag.value("href").find("font") == std::string_view::npos;
}

/// One way through a page.
class Pass {
 public:
  /// Sheets are added unless `sheet` is complete. All must outlive it.
  Pass(std::string_view page, std::size_t from, Styled styled, HtmlSheet& sheet, bool has_all_sheets, const HtmlReading& reading)
      : tokens_(page, from), sheet_(sheet), has_all_sheets_(has_all_sheets), writer_(styled, sheet, reading), tree_(writer_) {}

  HtmlText run() {
    while (writer_.position() <= text_size_max) {
      const HtmlToken token = tokens_.next();
      if (token.kind == HtmlToken::Kind::end) break;
      read(token);
    }
    tree_.finish();
    HtmlText made = writer_.take();
    if (made.text.size() > text_size_max) {
      made.text.resize(cut(made.text, text_size_max).size());
      made.fault = Error{&convert_html_too_large, static_cast<std::uint32_t>(tokens_.position())};
    } else if (writer_.is_too_deep()) {
      made.fault = Error{&convert_html_too_deep};
    }
    return made;
  }

  /// A sheet came behind text that it may hide.
  [[nodiscard]] bool has_late_sheet() const { return has_late_sheet_; }
  [[nodiscard]] bool has_dropped_text() const { return writer_.has_dropped_text(); }
  [[nodiscard]] std::size_t unfinished() const { return tokens_.unfinished(); }

 private:
  void read(const HtmlToken& token) {
    if (token.kind == HtmlToken::Kind::text) return writer_.text(token.text, true);
    if (token.kind == HtmlToken::Kind::end_tag) return tree_.end(token);
    const Element& element = *element_of(token.name);
    if (element.name == "link" && is_sheet_elsewhere(token)) sheet_.add_unknown();
    if (element.raw == RawText::none || tree_.is_foreign()) return tree_.start(element, token);
    const bool is_shown = element.layout != Layout::skip;
    if (is_shown) tree_.start(element, token);
    const std::string_view text = tokens_.raw_text(token.name, element.raw);
    if (is_shown)
      writer_.text(text, element.raw == RawText::text_with_references);
    else if (element.name == "style" && !has_all_sheets_)
      add_sheet(text, token.value("media"));
  }

  void add_sheet(std::string_view text, std::string_view media) {
    sheet_.add(text, media);
    has_late_sheet_ = has_late_sheet_ || (writer_.position() > 0 && sheet_.hides_anything());
  }

  HtmlTokens tokens_;
  HtmlSheet& sheet_;
  bool has_all_sheets_;
  HtmlWriter writer_;
  HtmlTree tree_;
  bool has_late_sheet_ = false;
};

}  // namespace

HtmlText read_html(std::string_view html, const HtmlReading& reading) {
  HtmlSheet sheet;
  Pass first(html, 0, Styled::obeyed, sheet, false, reading);
  HtmlText made = first.run();
  bool has_dropped_text = first.has_dropped_text();
  if (first.has_late_sheet()) {
    Pass again(html, 0, Styled::obeyed, sheet, true, reading);
    made = again.run();
    has_dropped_text = again.has_dropped_text();
  }
  if (!made.text.empty()) return made;
  if (has_dropped_text) {
    HtmlText all = Pass(html, 0, Styled::ignored, sheet, true, reading).run();
    if (!all.text.empty()) {
      all.fault = Error{&convert_html_hidden};
      return all;
    }
  }
  std::size_t from = first.unfinished();
  for (int i = 0; i < rescues_max && from < html.size(); ++i) {
    Pass rescue(html, from, Styled::obeyed, sheet, true, reading);
    HtmlText rest = rescue.run();
    if (!rest.text.empty()) {
      rest.fault = Error{&convert_html_unfinished, static_cast<std::uint32_t>(from)};
      return rest;
    }
    from = rescue.unfinished();
  }
  return made;
}

std::string html_to_text(std::string_view html) { return read_html(html, {}).text; }

}  // namespace pushmail::convert

// Any page, and any text, becomes lines for people: valid UTF-8 without control characters, never longer than its input allows, no
// empty lines in heaps; what was folded of a text stays folded.
#include "codec/convert/alternative_choice.h"
#include "codec/convert/errors.h"
#include "codec/convert/fillers.h"
#include "codec/convert/html_tokens.h"
#include "codec/convert/link_list.h"
#include "codec/convert/reply_text.h"
#include "codec/convert/text.h"
#include "codec/mime/message.h"
#include "codec/simd/simd.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto check_text = [](std::string_view text) {
    PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size());
    for (const char c : text) PM_CHECK(c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20);
  };
  const std::string html = mime::to_utf8(ByteView(data, size), "utf-8");
  constexpr std::string_view carried[] = {"a", "b@c", "x.png"};
  const convert::HtmlText page = convert::read_html(
      html, {.carried = carried, .bare_quotes = size % 2 == 0 ? convert::BareQuotes::cite : convert::BareQuotes::indent});
  check_text(page.text);
  for (const std::string& picture : page.pictures) PM_CHECK(picture == "a" || picture == "b@c" || picture == "x.png");
  PM_CHECK(!page.fault || page.fault->is(convert::convert_html_too_large) || page.fault->is(convert::convert_html_too_deep) ||
           page.fault->is(convert::convert_html_hidden) || page.fault->is(convert::convert_html_unfinished));
  // Tokens cover the page from its start to its end, in order.
  convert::HtmlTokens tokens(html);
  for (std::size_t position = 0;; position = tokens.position()) {
    const convert::HtmlToken token = tokens.next();
    if (token.kind == convert::HtmlToken::Kind::end) break;
    PM_CHECK(tokens.position() > position && tokens.position() <= html.size());
    PM_CHECK(token.kind != convert::HtmlToken::Kind::text || token.text.data() == html.data() + tokens.position() - token.text.size());
  }

  Arena arena;
  for (const std::string_view text : {std::string_view(page.text), std::string_view(html)}) {
    const convert::ReplyText reply = convert::fold_reply(text, convert::OlderMessages::fold, arena);
    PM_CHECK(reply.text.find("\n\n\n") == std::string::npos);
    PM_CHECK(reply.text.empty() || (reply.text.front() != '\n' && reply.text.back() != '\n'));
    PM_CHECK(reply.quoted_lines + reply.signature_lines <= text.size());
    const convert::ReplyText kept = convert::fold_reply(text, convert::OlderMessages::keep, arena);
    PM_CHECK(kept.quoted_lines == 0);
    PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(reply.text)) == reply.text.size());
    for (const std::string_view made : {convert::shorten_links(reply.text, arena).text, convert::without_fillers(reply.text, arena)}) {
      PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(made)) == made.size());
    }
  }
  convert::Said page_says;
  page_says.words.add(page.text);
  PM_CHECK(page_says.words.size_in_words() <= page_says.words.count() &&
           page_says.words.shared_with(page_says.words) == page_says.words.count());
  static_cast<void>(convert::page_says_more(convert::said_by_plain(html), page_says));
  return 0;
}

// Text as a phone or a mail shows it: small pieces that both directions use. Not for use outside this folder.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/mms/multimedia.h"
#include "core/arena.h"
#include "core/result.h"

namespace pushmail::convert {

/// Without control characters other than LF and tab, and without the controls that turn the reading direction of what follows.
[[nodiscard]] std::string readable(std::string_view utf8);
/// The same; the text itself when there is nothing to take out, else in the arena.
[[nodiscard]] std::string_view readable(std::string_view utf8, Arena& arena);
/// At most `size_max` bytes, never inside what is seen as one character.
[[nodiscard]] std::string_view cut(std::string_view utf8, std::size_t size_max);

/// fmt::format into the arena; short texts, longer ones take a heap buffer on the way.
template <class... Args>
[[nodiscard]] std::string_view format_in(Arena& arena, fmt::format_string<Args...> format, Args&&... args) {
  fmt::memory_buffer buffer;
  fmt::format_to(std::back_inserter(buffer), format, std::forward<Args>(args)...);
  return arena.copy({buffer.data(), buffer.size()});
}
void append_number(ArenaText& out, std::size_t number);
/// `1.4 MB`, `12 KB`, `7 bytes`.
[[nodiscard]] std::string_view size_words(std::size_t bytes, Arena& arena);

/// A text part of an MM as UTF-8, without byte order mark; line ends as they are.
[[nodiscard]] std::string part_text(const MultimediaPart& part);
/// Index of the first text/plain part, or parts.size().
[[nodiscard]] std::size_t first_text_part(const MultimediaMessage& mm);
/// Where the second line starts; the whole size when there is one line.
[[nodiscard]] std::size_t second_line(std::string_view text);
/// Where the first line begins in which a person sees anything; the size of `text` when there is none, 0 when it is far behind.
[[nodiscard]] std::size_t first_line_with_text(std::string_view text);
/// The text with its first word (behind a `To:`) as a person sees it: without what stands unseen in front of it and in it, and an ASCII
/// blank or line end behind it, whichever the script's is (a wide comma or colon counts as a blank). The rest is as it was.
[[nodiscard]] std::string with_plain_first_word(std::string_view text);
/// Where the first word and the blanks behind it end.
[[nodiscard]] std::size_t second_word(std::string_view text);

/// A page of pictures and of hardly a word, none of which the message carries.
enum class OnlyPictures : std::uint8_t { no, on_a_site, inside_the_page };

/// A page as a reader of plain text sees it.
struct HtmlText {
  std::string text;                   // UTF-8, LF; quotes are lines with `>`, list items have bullets or numbers, table rows are lines
  std::vector<std::string> pictures;  // those of `carried` that the page shows, in reading order, each as often as shown
  OnlyPictures only_pictures = OnlyPictures::no;
  bool has_remote_pictures = false;  // of some size
  std::optional<Error> fault;        // it was read as far as this allows: a convert_html_* row
};
/// What a quote element means that neither says whom it cites nor looks as mail programs write it.
enum class BareQuotes : std::uint8_t { cite, indent };
struct HtmlReading {
  std::span<const std::string_view> carried = {};  // Content-IDs and Content-Locations of the message's parts, sorted
  BareQuotes bare_quotes = BareQuotes::cite;
};
/// Readable text of an HTML page (UTF-8), tokenised and nested as browsers do. Links are kept as `text (address)`, each address once;
/// style, script and what a browser would not show is dropped; struck text and superscripts are marked; a picture that the message does not
/// carry is read as its description. Where that leaves nothing of a page that has words, they are shown all the same, and the fault says
/// so. Linear.
[[nodiscard]] HtmlText read_html(std::string_view html, const HtmlReading& reading);
/// Its text alone, of a page that carries nothing.
[[nodiscard]] std::string html_to_text(std::string_view html);

}  // namespace pushmail::convert

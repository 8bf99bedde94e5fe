// One pass. The two forms differ in what a line end means, and in how `<` is written: `<<` in enriched, `<lt>` in richtext.
#include "codec/convert/enriched.h"

#include <algorithm>

#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t command_size_max = 60;  // RFC 1896 §2

}  // namespace

bool is_enriched(const mime::Part& part) { return part.media_type == "text/enriched" || part.media_type == "text/richtext"; }

std::string_view read_enriched(const mime::Part& part, std::string_view text, Arena& arena) {
  const bool is_richtext = part.media_type == "text/richtext";
  ArenaText out(arena);
  out.reserve(text.size());
  std::size_t hidden = 0;    // inside <param> or <comment>
  bool keeps_lines = false;  // <nofill>
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\n') {
      const std::size_t run = std::min(text.find_first_not_of('\n', at), text.size()) - at;
      at += run;
      if (hidden > 0) continue;
      // RFC 1896 §3: one line end is a blank, and of several the first means nothing.
      const std::size_t lines = is_richtext ? 0 : keeps_lines ? run : run - 1;
      if (lines > 0)
        out += std::string_view("\n\n").substr(0, std::min<std::size_t>(lines, 2));
      else if (!out.empty() && out.back() != '\n' && out.back() != ' ')
        out += ' ';
      continue;
    }
    if (text[at] != '<') {
      if (hidden == 0) out += text[at];
      // RFC 1896 doubles `<` alone; who doubles `>` too means one.
      at += !is_richtext && text.substr(at).starts_with(">>") ? 2 : 1;
      continue;
    }
    if (!is_richtext && text.substr(at).starts_with("<<")) {
      if (hidden == 0) out += '<';
      at += 2;
      continue;
    }
    const std::size_t end = text.substr(0, std::min(text.size(), at + command_size_max + 3)).find('>', at);
    if (end == std::string_view::npos) {
      if (hidden == 0) out += text[at];
      ++at;
      continue;
    }
    std::string_view command = text.substr(at + 1, end - at - 1);
    at = end + 1;
    const bool closes = command.starts_with('/');
    if (closes) command.remove_prefix(1);
    const auto is = [&](std::string_view name) { return ascii_equal_nocase(command, name); };
    if (is("param") || is("comment")) {
      if (!closes)
        ++hidden;
      else if (hidden > 0)
        --hidden;
    } else if (is("nofill")) {
      keeps_lines = !closes;
    } else if (is_richtext && hidden == 0) {
      if (is("lt"))
        out += '<';
      else if (is("nl") || (closes && is("paragraph")))
        out += '\n';
    }
  }
  return out.take_view();
}

}  // namespace pushmail::convert

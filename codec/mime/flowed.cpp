// Came from: decode_text of a part with format=flowed. Goes to: codec/convert. One pass; what is written is never longer than the text
// and one blank for each line.
#include "codec/mime/flowed.h"

#include <algorithm>

namespace pushmail::mime {
namespace {

constexpr std::string_view signature_line = "-- ";

}  // namespace

bool is_flowed(const Part& part) { return part.media_type == "text/plain" && ascii_equal_nocase(part.type_parameter("format"), "flowed"); }

std::string_view unflow(std::string_view text, const Part& part, Arena& arena) {
  const bool delete_space = ascii_equal_nocase(part.type_parameter("delsp"), "yes");
  ArenaText out(arena);
  out.reserve(text.size() + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  bool is_open = false;  // the line before goes on
  std::size_t open_depth = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    const bool has_end = end < text.size();
    text.remove_prefix(std::min(end + 1, text.size()));

    // RFC 3676 §4.5, §4.4: quote marks, then one stuffed blank.
    const std::size_t depth = std::min(line.find_first_not_of('>'), line.size());
    line.remove_prefix(depth);
    if (line.starts_with(' ')) line.remove_prefix(1);
    const bool is_signature = line == signature_line;
    // RFC 3676 §4.5: a soft line before another quote depth is a mistake, and its paragraph ends; §4.3: a signature line is never joined.
    if (is_open && (depth != open_depth || is_signature)) {
      out += '\n';
      is_open = false;
    }
    if (!is_open) {
      for (std::size_t i = 0; i < depth; ++i) out += '>';
      if (depth > 0 && !line.empty()) out += ' ';
    }
    is_open = line.ends_with(' ') && !is_signature && has_end;
    open_depth = depth;
    if (is_open && delete_space) line.remove_suffix(1);
    out += line;
    if (!is_open && has_end) out += '\n';
  }
  return out.take_view();
}

}  // namespace pushmail::mime

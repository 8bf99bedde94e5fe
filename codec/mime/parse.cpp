// Structure: which bytes are which part (RFC 2046 §5.1).
//
// Came from: a whole mail or an HTTP body. Goes to: Message, in document order, as views. One pass over the lines that start with
// `--`; open parts stand on a chain of at most mime_depth_max, so nothing recurses and the work is linear in the input:
//
//   open:  [0] multipart/mixed "a" > [2] multipart/alternative "b" > [3] text/plain      a line `--b` closes [3] and opens [4],
//                                                                                        a line `--a` closes [3] and [2]
#include <algorithm>
#include <array>
#include <initializer_list>

#include "codec/mime/errors.h"
#include "codec/mime/fields.h"
#include "codec/mime/message.h"
#include "codec/mime/tolerances.h"
#include "codec/simd/simd.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t boundary_guess_window = 8 * limits::KiB;

/// Nothing when the coding is not known.
std::optional<TransferCoding> coding_of(std::string_view value) {
  std::string_view word = ascii_trim(value);
  word = word.substr(0, word.find_first_of("; (\t\r\n"));
  while (!word.empty() && (word.front() == '"' || word.front() == '\'')) word.remove_prefix(1);
  while (!word.empty() && (word.back() == '"' || word.back() == '\'')) word.remove_suffix(1);
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return ascii_equal_nocase(word, name); });
  };
  if (word.empty() || is_one_of({"7bit", "8bit", "binary", "7-bit", "8-bit"})) return TransferCoding::identity;
  if (is_one_of({"base64"})) return TransferCoding::base64;
  if (ascii_starts_with_nocase(word, "quoted")) return TransferCoding::quoted_printable;
  if (is_one_of({"x-uuencode", "uuencode", "x-uue"})) return TransferCoding::uuencode;
  return std::nullopt;
}

std::string_view without_brackets(std::string_view value, Arena& arena) {
  value = ascii_trim(value);
  const std::size_t open = value.find('<');
  if (open != std::string_view::npos) {
    const std::size_t close = value.find('>', open);
    value = value.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
  }
  return decode_header(value, arena);
}

/// `multipart/related` of `application/vnd.wap.multipart.related` with a boundary: MMSCs that convert the phone's content keep its type.
std::string_view converted_type(const StructuredValue& value, Arena& arena) {
  constexpr std::string_view of_wsp = "application/vnd.wap.multipart.";
  if (!value.token.starts_with(of_wsp) || value.token.size() == of_wsp.size() || value.parameter("boundary").empty()) return value.token;
  ArenaText type(arena);
  type += "multipart/";
  type += value.token.substr(of_wsp.size());
  return type.take_view();
}

/// Fills what the header fields of a part say. `default_type` counts where Content-Type is absent or unreadable. Of a field that stands
/// there twice the first counts, as with most readers: its neighbours were written with it.
void describe(Part& part, std::string_view default_type, std::size_t at, Arena& arena, std::vector<Tolerance>& tolerated,
              std::string_view raw_charset = {}) {
  part.media_type = default_type;
  std::string_view type_name;
  bool has_coding = false;
  for (const Field& field : part.fields) {
    if (!ascii_starts_with_nocase(field.name, "content-")) continue;
    const std::string_view which = field.name.substr(8);
    if (ascii_equal_nocase(which, "type") && part.type_parameters.empty() && part.media_type == default_type) {
      const StructuredValue value = parse_structured(field.value, arena, raw_charset);
      if (is_media_type(value.token)) {
        part.media_type = converted_type(value, arena);
      } else if (value.token == "text" || value.token == "text/") {
        part.media_type = "text/plain";
      } else {
        // RFC 2045 §5.2: what cannot be read is text/plain.
        tolerated.push_back({tolerance::bad_content_type, static_cast<std::uint32_t>(at)});
        if (!value.parameter("name").empty()) part.media_type = "application/octet-stream";
      }
      part.charset = lower_case(value.parameter("charset"), arena);
      type_name = value.parameter("name");
      part.type_parameters = value.parameters;
    } else if (ascii_equal_nocase(which, "disposition")) {
      const StructuredValue value = parse_structured(field.value, arena, raw_charset);
      // RFC 2183 §2.8: an unknown disposition is an attachment.
      part.is_attachment = !value.token.empty() && value.token != "inline";
      if (const std::string_view name = value.parameter("filename"); !name.empty())
        part.name = name;
      else if (part.name.empty())
        part.name = value.parameter("name");
      const std::string_view handling = value.parameter("handling");
      part.handling = ascii_equal_nocase(handling, "required")   ? Handling::required
                      : ascii_equal_nocase(handling, "optional") ? Handling::optional
                                                                 : Handling::unsaid;
    } else if (ascii_equal_nocase(which, "transfer-encoding") && !has_coding) {
      has_coding = true;
      const auto coding = coding_of(field.value);
      part.coding = coding.value_or(TransferCoding::identity);
      if (!coding) tolerated.push_back({tolerance::unknown_coding, static_cast<std::uint32_t>(at)});
    } else if (ascii_equal_nocase(which, "id")) {
      part.content_id = without_brackets(field.value, arena);
    } else if (ascii_equal_nocase(which, "location")) {
      part.content_location = decode_header(field.value, arena);
    }
  }
  if (part.name.empty()) part.name = type_name;
  part.declared_type = part.media_type;
}

class Parser {
 public:
  /// The memory of `reused` is used again; what it held is gone.
  Parser(ByteView bytes, Message reused) : bytes_(bytes), message_(std::move(reused)) {
    constexpr std::size_t usual_part_count = 8;
    message_.parts.clear();
    message_.parts.reserve(usual_part_count);
    message_.tolerated.clear();
    message_.raw_charset = {};
    message_.arena.reset();
  }

  /// No LF anywhere: lines that end in CR alone are read from a copy with LF.
  void read_bare_cr() {
    const std::size_t first = simd::active().find_byte(bytes_, 0, '\r');
    if (first == simd::none) return;
    note(tolerance::bare_cr, first);
    const MutableBytes copy = message_.arena.bytes(bytes_.size());
    std::replace_copy(bytes_.begin(), bytes_.end(), copy.begin(), std::uint8_t{'\r'}, std::uint8_t{'\n'});
    bytes_ = copy;
  }

  void start_message() {
    std::size_t from = 0;
    // Blank lines before the first field are a mistake of the sender when a field follows.
    const std::size_t first = text_of(bytes_).find_first_not_of("\r\n");
    if (first != std::string_view::npos && first > 0 && first < 16) {
      std::vector<Tolerance> unused;
      const FieldBlock probe =
          read_fields(bytes_, first, std::min(bytes_.size(), first + 2 * limits::KiB), HeaderOf::message, message_.arena, unused);
      if (!probe.fields.empty()) from = first;
    }
    open(Part::none, 0, from, HeaderOf::message, "text/plain");
  }

  void start_entity(std::string_view content_type) {
    ArenaList<Field> fields(message_.arena);
    fields.push_back({"Content-Type", message_.arena.copy(content_type)});
    Part part;
    part.fields = fields.take();
    describe(part, "text/plain", 0, message_.arena, message_.tolerated);
    enter(part, 0);
  }

  Message run() {
    std::size_t at = scan_from_;
    while (!stopped_ && any_boundary()) {
      const std::size_t line = simd::active().find_dash_line(bytes_, at);
      if (line == simd::none) break;
      const std::size_t found = simd::active().find_byte(bytes_, line, '\n');
      const std::size_t next = found == simd::none ? bytes_.size() : found + 1;
      scan_from_ = next;
      boundary_line(line, next);
      at = scan_from_;
    }
    close_above(0, bytes_.size());
    if (open_count_ > 0) close(open_.front(), bytes_.size());
    read_raw_names();
    return std::move(message_);
  }

 private:
  /// A part that has begun and not ended. `boundary` is empty for a leaf, and after the closing delimiter.
  struct Open {
    std::size_t part = 0;
    std::string_view boundary;
    std::size_t body = 0;  // offset
    std::size_t children = 0;
    bool is_closed = false;  // its closing delimiter was seen
    bool is_bare = false;    // a part that began with neither a field nor an empty line
  };

  void note(std::string_view rule, std::size_t at) { message_.tolerated.push_back({rule, static_cast<std::uint32_t>(at)}); }

  /// Names as raw bytes are in the charset of the text beside them, which may stand behind them.
  void read_raw_names() {
    const auto text = std::find_if(message_.parts.begin(), message_.parts.end(),
                                   [](const Part& part) { return !part.charset.empty() && part.media_type.starts_with("text/"); });
    if (text == message_.parts.end() || !is_telling_charset(text->charset)) return;
    message_.raw_charset = text->charset;
    const auto is_raw = [](const Field& field) {
      return ascii_starts_with_nocase(field.name, "content-") &&
             simd::active().utf8_valid_prefix(bytes_of(field.value)) < field.value.size();
    };
    for (Part& part : message_.parts) {
      if (std::none_of(part.fields.begin(), part.fields.end(), is_raw)) continue;
      Part again;
      again.fields = part.fields;
      std::vector<Tolerance> noted_before;
      describe(again, part.declared_type, 0, message_.arena, noted_before, message_.raw_charset);
      part.name = again.name;
      part.type_parameters = again.type_parameters;
    }
  }

  [[nodiscard]] bool any_boundary() const {
    const std::span<const Open> open = std::span(open_).first(open_count_);
    return std::any_of(open.begin(), open.end(), [](const Open& entry) { return !entry.boundary.empty(); });
  }

  /// Opens the part whose header starts at `from`, and the message inside it when it is a message/rfc822.
  void open(std::size_t parent, std::uint32_t depth, std::size_t from, HeaderOf of, std::string_view default_type) {
    while (true) {
      if (message_.parts.size() + 1 == limits::mime_part_count_max) {
        // The last one that fits holds all the rest.
        note(tolerance::too_many_parts, from);
        Part rest;
        rest.parent = parent;
        rest.depth = depth;
        rest.media_type = rest.declared_type = "application/octet-stream";
        enter(rest, from);
        stopped_ = true;
        return;
      }
      Part part;
      part.parent = parent;
      part.depth = depth;
      const FieldBlock block = read_fields(bytes_, from, header_end(from), of, message_.arena, message_.tolerated);
      part.fields = block.fields;
      describe(part, default_type, from, message_.arena, message_.tolerated);
      const bool holds_message =
          (part.media_type == "message/rfc822" || part.media_type == "message/global") && part.coding == TransferCoding::identity;
      const std::size_t index = message_.parts.size();
      if (holds_message && depth >= limits::mime_depth_max) {
        note(tolerance::too_deep, from);
        part.media_type = "application/octet-stream";
      }
      const bool go_in = holds_message && depth < limits::mime_depth_max;
      enter(part, block.body);
      open_[open_count_ - 1].is_bare = of == HeaderOf::part && block.fields.empty() && !block.has_blank_line;
      if (!go_in) return;
      parent = index;
      ++depth;
      from = block.body;
      default_type = "text/plain";
      of = HeaderOf::message;
    }
  }

  /// A header never runs over a delimiter of a part around it: the blank line may be missing.
  [[nodiscard]] std::size_t header_end(std::size_t from) const {
    if (!any_boundary()) return bytes_.size();
    std::size_t at = from;
    while (at < bytes_.size()) {
      // Only what starts a field can be a delimiter or the empty line: a folded line starts with a blank.
      if (bytes_[at] <= '-') {
        const std::size_t found = simd::active().find_byte(bytes_, at, '\n');
        const std::string_view line = line_text(at, found == simd::none ? bytes_.size() : found + 1);
        if (line.empty()) return bytes_.size();
        if (line.starts_with("--") && match(line)) return at;
      }
      const std::size_t end = simd::active().find_field_end(bytes_, at);
      if (end == simd::none) break;
      at = end + 1;
    }
    return bytes_.size();
  }

  /// Puts a part on the chain; its body starts at `body`.
  void enter(Part part, std::size_t body) {
    Open entry{.part = message_.parts.size(), .boundary = {}, .body = body};
    if (part.is_multipart()) {
      if (part.coding != TransferCoding::identity) {
        // RFC 2045 §6.4 allows no coding here; the delimiters stand in the clear all the same.
        note(tolerance::encoded_multipart, body);
        part.coding = TransferCoding::identity;
      }
      if (part.depth >= limits::mime_depth_max) {
        note(tolerance::too_deep, body);
        part.media_type = "application/octet-stream";
      } else {
        entry.boundary = boundary_of(part, body);
      }
    }
    message_.parts.push_back(part);
    open_[open_count_++] = entry;
    scan_from_ = body;
  }

  /// The declared boundary, or the one that the body really uses: the first delimiter-like line, if a part's header follows it.
  std::string_view boundary_of(const Part& part, std::size_t body) {
    const std::string_view declared = text_without_trailing_blanks(part.type_parameter("boundary"));
    if (declared.empty()) note(tolerance::boundary_missing, body);
    const ByteView window = bytes_.first(std::min(bytes_.size(), body + boundary_guess_window));
    std::string_view guess;
    for (std::size_t at = body; (at = simd::active().find_dash_line(window, at)) != simd::none;) {
      const std::size_t found = simd::active().find_byte(window, at, '\n');
      const std::size_t next = found == simd::none ? window.size() : found + 1;
      const std::string_view line = line_text(at, next);
      if (!declared.empty() && line.substr(2).starts_with(declared)) return declared;
      if (match(line)) break;
      if (guess.empty() && line.size() > 2 && line.size() <= 200 && ascii_starts_with_nocase(text_of(window.subspan(next)), "content-")) {
        note(tolerance::boundary_guessed, at);
        guess = line.substr(2);
      }
      at = next;
    }
    return guess.empty() ? declared : guess;
  }

  struct Match {
    std::size_t level;
    bool closes;
  };
  /// Innermost first: an inner boundary may equal an outer one, or start with it.
  [[nodiscard]] std::optional<Match> match(std::string_view line) const {
    const std::string_view text = line.substr(2);
    for (std::size_t level = open_count_; level-- > 0;) {
      const std::string_view boundary = open_[level].boundary;
      if (boundary.empty() || !text.starts_with(boundary)) continue;
      if (text.size() == boundary.size()) return Match{level, false};
      if (text.substr(boundary.size()) == "--") return Match{level, true};
    }
    return std::nullopt;
  }

  void boundary_line(std::size_t at, std::size_t next) {
    const auto found = match(line_text(at, next));
    if (!found) return;
    // The line end before a delimiter belongs to it (RFC 2046 §5.1.1).
    std::size_t end = at;
    if (end > 0 && bytes_[end - 1] == '\n') --end;
    if (end > 0 && end < at && bytes_[end - 1] == '\r') --end;
    drop_bare_part(at);
    close_above(found->level, end);
    Open& level = open_[found->level];
    if (found->closes) {
      level.boundary = {};
      level.is_closed = true;
      return;
    }
    ++level.children;
    const Part& multipart = message_.parts[level.part];
    open(level.part, multipart.depth + 1, next, HeaderOf::part,
         multipart.media_type == "multipart/digest" ? "message/rfc822" : "text/plain");
  }

  /// Two delimiters with nothing between them, or one line that is no field: no body part (RFC 2046 §5.1.1 wants a header or an empty
  /// line).
  void drop_bare_part(std::size_t at) {
    const Open& innermost = open_[open_count_ - 1];
    if (!innermost.is_bare) return;
    const std::size_t line_end = simd::active().find_byte(bytes_.first(at), innermost.body, '\n');
    if (line_end != simd::none && line_end + 1 != at) return;
    // What is no part counts in no limit of parts, but its notes do.
    note(tolerance::bare_part, innermost.body);
    if (message_.tolerated.size() > limits::mime_part_count_max) message_.tolerated.resize(limits::mime_part_count_max);
    message_.parts.pop_back();
    --open_count_;
    --open_[open_count_ - 1].children;
  }

  /// Ends the parts that stand inside `level`.
  void close_above(std::size_t level, std::size_t end) {
    while (open_count_ > level + 1) close(open_[--open_count_], end);
  }

  void close(const Open& entry, std::size_t end) {
    Part& part = message_.parts[entry.part];
    part.body = bytes_.subspan(entry.body, std::max(end, entry.body) - entry.body);
    if (!part.is_multipart()) return;
    if (entry.children == 0) {
      // Nobody can see parts here, so the text is shown as it is; when it was closed at once there is none.
      note(tolerance::no_parts, entry.body);
      part.media_type = "text/plain";
      if (entry.is_closed) part.body = part.body.first(0);
    } else if (!entry.boundary.empty()) {
      note(tolerance::not_closed, end);
    }
  }

  [[nodiscard]] std::string_view line_text(std::size_t at, std::size_t next) const {
    return text_without_trailing_blanks(text_of(bytes_.subspan(at, next - at)));
  }
  [[nodiscard]] static std::string_view text_without_trailing_blanks(std::string_view text) {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
  }

  ByteView bytes_;
  Message message_;
  std::array<Open, limits::mime_depth_max + 1> open_;  // from the message itself to the innermost open part
  std::size_t open_count_ = 0;
  std::size_t scan_from_ = 0;  // the next line that may be a delimiter
  bool stopped_ = false;
};

}  // namespace

std::string_view Part::field(std::string_view field_name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return ascii_equal_nocase(field.name, field_name); });
  return found == fields.end() ? std::string_view{} : found->value;
}

std::string_view Part::type_parameter(std::string_view parameter_name) const {
  const auto found = std::find_if(type_parameters.begin(), type_parameters.end(),
                                  [&](const Parameter& parameter) { return parameter.name == parameter_name; });
  return found == type_parameters.end() ? std::string_view{} : found->value;
}

Result<Message> parse(ByteView bytes, Message reused) {
  if (bytes.size() > limits::record_size_max) return fail(mime_too_long, limits::record_size_max);
  if (ascii_trim(text_of(bytes)).empty()) return fail(mime_empty);
  Parser parser(bytes, std::move(reused));
  if (simd::active().find_byte(bytes, 0, '\n') == simd::none) parser.read_bare_cr();
  parser.start_message();
  return parser.run();
}

Result<Message> parse_entity(std::string_view content_type, ByteView body, Message reused) {
  if (body.size() > limits::record_size_max) return fail(mime_too_long, limits::record_size_max);
  Parser parser(body, std::move(reused));
  parser.start_entity(content_type);
  return parser.run();
}

}  // namespace pushmail::mime

// Addresses are found by their `://`; what stands before one on its line is its name.
#include "codec/convert/link_list.h"

#include <algorithm>

#include "codec/convert/text.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t shown_size_max = 80;
constexpr std::size_t gathered_size_max = 2000;
constexpr std::size_t gathered_count_max = 30;
constexpr std::size_t label_size_max = 40;

struct Address {
  std::size_t start = 0;
  std::size_t size = 0;
  [[nodiscard]] bool is_found() const { return size > 0; }
};

bool is_address_end(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '<' || c == '>' || c == '"' || c == 0x7F; }

/// The next address from `from` on; none when there is none.
Address next_address(std::string_view text, std::size_t from) {
  for (std::size_t mark = text.find("://", from); mark != std::string_view::npos; mark = text.find("://", mark + 3)) {
    const std::size_t scheme = mark >= from + 5 && ascii_equal_nocase(text.substr(mark - 5, 5), "https")  ? 5
                               : mark >= from + 4 && ascii_equal_nocase(text.substr(mark - 4, 4), "http") ? 4
                                                                                                          : 0;
    if (scheme == 0) continue;
    std::size_t end = mark + 3;
    while (end < text.size() && !is_address_end(text[end])) ++end;
    // What closes a bracket before it, or ends a sentence, is not part of it.
    const std::size_t start = mark - scheme;
    std::string_view address = text.substr(start, end - start);
    const bool is_in_brackets = start > 0 && (text[start - 1] == '(' || text[start - 1] == '[');
    if (is_in_brackets) address = address.substr(0, address.find_last_of(")]"));
    const auto ends_outside = [&] {
      if (address.size() <= scheme + 3) return false;
      return std::string_view(".,;:!?'").find(address.back()) != std::string_view::npos ||
             (address.ends_with(')') && address.find('(') == std::string_view::npos);
    };
    while (ends_outside()) address.remove_suffix(1);
    return {start, address.size()};
  }
  return {};
}

/// `click.example` of `https://click.example:8443/x`.
std::string_view site_of(std::string_view address) {
  std::string_view site = address.substr(address.find("://") + 3);
  site = site.substr(0, site.find_first_of("/?#"));
  if (const std::size_t at = site.rfind('@'); at != std::string_view::npos) site.remove_prefix(at + 1);
  site = site.substr(0, site.find(':'));
  if (ascii_starts_with_nocase(site, "www.")) site.remove_prefix(4);
  return cut(site, shown_size_max);
}

/// The last words before the address on its line: a sentence's, a cell's, or what stands behind another address.
std::string_view label_before(std::string_view text, std::size_t start) {
  // Longer lines have their words too far away to look for.
  constexpr std::size_t looked_at_max = 400;
  std::string_view label = text.substr(start - std::min(start, looked_at_max), std::min(start, looked_at_max));
  if (const std::size_t line = label.rfind('\n'); line != std::string_view::npos) label.remove_prefix(line + 1);
  while (!label.empty() && std::string_view(" ([<:-").find(label.back()) != std::string_view::npos) label.remove_suffix(1);
  for (const std::string_view border : {" | ", ") ", "] ", ". ", "! ", "? ", "> ", ", "}) {
    if (const std::size_t at = label.rfind(border); at != std::string_view::npos) label.remove_prefix(at + border.size());
  }
  while (label.starts_with("- ") || label.starts_with("> ")) label.remove_prefix(2);
  // The name is a link itself, or a picture's in brackets.
  if (label.starts_with('[') && label.ends_with(']')) label = label.substr(1, label.size() - 2);
  if (label.find("://") != std::string_view::npos) return {};
  if (label.size() > label_size_max) {
    const std::size_t blank = label.find(' ', label.size() - label_size_max);
    label = blank == std::string_view::npos ? std::string_view() : label.substr(blank + 1);
  }
  return ascii_trim(label);
}

struct Gathered {
  std::string_view address;
  std::string_view label;
};

}  // namespace

ShortLinks shorten_links(std::string_view utf8, Arena& arena) {
  Address address = next_address(utf8, 0);
  while (address.is_found() && address.size <= shown_size_max) address = next_address(utf8, address.start + address.size);
  if (!address.is_found()) return {.text = utf8, .shortened = 0};

  ShortLinks made;
  ArenaText out(arena);
  out.reserve(utf8.size());
  ArenaList<Gathered> gathered(arena);
  gathered.reserve(gathered_count_max);
  std::size_t not_gathered = 0;
  std::size_t from = 0;
  for (; address.is_found(); address = next_address(utf8, address.start + address.size)) {
    if (address.size <= shown_size_max) continue;
    const std::string_view whole = utf8.substr(address.start, address.size);
    out += utf8.substr(from, address.start - from);
    out += site_of(whole);
    from = address.start + address.size;
    ++made.shortened;
    const auto is_same = [&](const Gathered& each) { return each.address == whole; };
    if (std::any_of(gathered.items().begin(), gathered.items().end(), is_same)) continue;
    if (gathered.size() == gathered_count_max || whole.size() > gathered_size_max)
      ++not_gathered;
    else
      gathered.push_back({.address = whole, .label = label_before(utf8, address.start)});
  }
  out += utf8.substr(from);
  if (!gathered.empty()) out += "\n\nLinks:";
  for (const Gathered& link : gathered.items()) {
    out += '\n';
    if (!link.label.empty()) {
      out += link.label;
      out += ": ";
    }
    out += link.address;
  }
  if (not_gathered > 0) out += format_in(arena, "\n[{} more {} in your mailbox]", not_gathered, not_gathered == 1 ? "link" : "links");
  made.text = out.take_view();
  return made;
}

}  // namespace pushmail::convert

// Names of parts, made safe and unique.
#include "codec/convert/names.h"

#include <algorithm>
#include <functional>

#include "codec/convert/media_types.h"
#include "codec/convert/text.h"
#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t display_size_max = 255;
constexpr std::size_t stem_size_max = 40;
constexpr std::size_t extension_size_max = 8;

bool is_safe(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; }

/// The safe characters of `text`, at most `size_max`; a run of others is one `_`. None at the start.
std::string_view safe(std::string_view text, std::size_t size_max, Arena& arena) {
  ArenaText out(arena);
  out.reserve(std::min(text.size(), size_max));
  for (const char c : text) {
    if (is_safe(c))
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
    if (out.size() == size_max) break;
  }
  const std::string_view made = out.take_view();
  const std::size_t start = made.find_first_not_of("._-");
  return start == std::string_view::npos ? std::string_view{} : made.substr(start);
}

}  // namespace

std::string_view display_name(std::string_view name, Arena& arena) {
  // Folders of the sender's machine are nobody's business, and `..` is worse.
  if (const std::size_t slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string_view shown = readable(name, arena);
  if (shown.find_first_of("\n\t") != std::string_view::npos) {
    const MutableBytes copy = arena.bytes(shown.size());
    std::transform(shown.begin(), shown.end(), copy.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c == '\n' || c == '\t' ? ' ' : c); });
    shown = text_of(copy);
  }
  const std::string_view trimmed = ascii_trim(shown);
  if (trimmed == "." || trimmed == "..") return {};
  if (trimmed.size() <= display_size_max) return trimmed;
  const std::string_view extension = extension_of(trimmed);
  ArenaText out(arena);
  out += cut(trimmed, display_size_max - extension.size() - (extension.empty() ? 0 : 1));
  if (!extension.empty()) {
    out += '.';
    out += extension;
  }
  return out.take_view();
}

std::string_view with_extension(std::string_view name, std::string_view media_type, Arena& arena) {
  if (name.empty() || !extension_of(name).empty()) return name;
  const MediaType* row = media_type_row(media_type);
  if (row == nullptr || row->extension.empty() || media_type.starts_with("message/")) return name;
  ArenaText out(arena);
  out += cut(name, display_size_max - row->extension.size() - 1);
  if (!name.ends_with('.')) out += '.';
  out += row->extension;
  return out.take_view();
}

std::string_view SafeNames::make(std::string_view name, std::string_view stem, std::string_view media_type) {
  const std::string_view own_extension = extension_of(name);
  std::string_view extension = safe(own_extension, extension_size_max, arena_);
  std::string_view base = safe(own_extension.empty() ? name : name.substr(0, name.rfind('.')), stem_size_max, arena_);
  if (base.empty()) base = stem;
  if (extension.empty()) {
    const MediaType* row = media_type_row(media_type);
    extension = row == nullptr || row->extension.empty() ? std::string_view("bin") : row->extension;
  }
  const std::size_t first = count_ + 1;
  for (std::size_t n = 0;; ++n) {
    ArenaText made(arena_);
    made.reserve(base.size() + extension.size() + 24);
    made += base;
    if (n > 0) {
      made += '-';
      append_number(made, first + n - 1);
    }
    made += '.';
    made += extension;
    const std::string_view done = made.take_view();
    if (take(done)) return done;
  }
}

bool SafeNames::take(std::string_view name) {
  if (2 * (count_ + 1) > taken_.size()) grow();
  std::size_t at = std::hash<std::string_view>{}(name) % taken_.size();
  while (!taken_[at].empty()) {
    if (taken_[at] == name) return false;
    at = (at + 1) % taken_.size();
  }
  taken_[at] = name;
  ++count_;
  return true;
}

void SafeNames::grow() {
  const std::span<std::string_view> old = taken_;
  const std::size_t size = old.empty() ? 16 : old.size() * 2;
  taken_ = {static_cast<std::string_view*>(arena_.allocate(size * sizeof(std::string_view), alignof(std::string_view))), size};
  std::fill(taken_.begin(), taken_.end(), std::string_view{});
  count_ = 0;
  for (const std::string_view name : old) {
    if (!name.empty()) static_cast<void>(take(name));
  }
}

}  // namespace pushmail::convert

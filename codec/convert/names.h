// Names of parts: what people see, and what SMIL and Content-Location can carry. Not for use outside this folder.
#pragma once

#include <span>
#include <string_view>

#include "core/arena.h"

namespace pushmail::convert {

/// A file name for people: UTF-8, without folders and controls, at most 255 bytes. Empty when nothing is left. In `name` or the arena.
[[nodiscard]] std::string_view display_name(std::string_view name, Arena& arena);

/// The name with the media type's usual extension, where it has none of its own: phones and desktops open by it.
[[nodiscard]] std::string_view with_extension(std::string_view name, std::string_view media_type, Arena& arena);

/// Gives each part a name of [A-Za-z0-9._-] that no other part of the message has. The names are in the arena.
class SafeNames {
 public:
  explicit SafeNames(Arena& arena) : arena_(arena) {}

  /// From the part's own name; `stem` and the media type's usual extension when that is empty.
  [[nodiscard]] std::string_view make(std::string_view name, std::string_view stem, std::string_view media_type);

 private:
  [[nodiscard]] bool take(std::string_view name);
  void grow();

  Arena& arena_;
  // Open addressing; an empty name is a free place. Never more than half full.
  std::span<std::string_view> taken_;
  std::size_t count_ = 0;
};

}  // namespace pushmail::convert

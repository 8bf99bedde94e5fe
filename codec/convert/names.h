// Names of parts: what people see, and what SMIL and Content-Location can carry. Not for use outside this folder.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace pushmail::convert {

/// A file name for people: UTF-8, without folders and controls, at most 255 bytes. Empty when nothing is left.
[[nodiscard]] std::string display_name(std::string_view name);

/// Gives each part a name of [A-Za-z0-9._-] that no other part of the message has.
class SafeNames {
 public:
  /// From the part's own name; `stem` and the media type's usual extension when that is empty.
  [[nodiscard]] std::string make(std::string_view name, std::string_view stem, std::string_view media_type);

 private:
  std::set<std::string, std::less<>> taken_;
};

/// image/jpg and the like as registered; application/octet-stream by the name's extension (spec: TS 26.140 types).
[[nodiscard]] std::string usual_media_type(std::string_view media_type, std::string_view name);

}  // namespace pushmail::convert

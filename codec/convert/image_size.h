// Width and height of a picture, from the first bytes of its file; nothing is decoded. Not for use outside this folder.
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.h"

namespace pushmail::convert {

struct ImageSize {
  std::uint32_t width = 0;  // pixels
  std::uint32_t height = 0;
  bool operator==(const ImageSize&) const = default;
};

/// JPEG, PNG, GIF and WebP by their signatures, whatever the media type says. Nothing when it is none of them or its header is cut off.
/// Steps over at most 1,000 segments of a JPEG.
[[nodiscard]] std::optional<ImageSize> read_image_size(ByteView image);

}  // namespace pushmail::convert

// Headers of picture files: ITU-T T.81 (JPEG), W3C PNG, GIF89a, RFC 9649 (WebP).
#include "codec/convert/image_size.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t jpeg_segment_count_max = 1000;

std::uint32_t little_24(const std::uint8_t* from) {
  return from[0] | static_cast<std::uint32_t>(from[1]) << 8U | static_cast<std::uint32_t>(from[2]) << 16U;
}

/// T.81 §B.1.1.3: SOF0 to SOF15, without DHT, JPG and DAC, which lie among them.
bool is_start_of_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

std::optional<ImageSize> jpeg_size(ByteView image) {
  std::size_t at = 2;
  for (std::size_t count = 0; count < jpeg_segment_count_max && at + 4 <= image.size(); ++count) {
    if (image[at] != 0xFF) return std::nullopt;
    const std::uint8_t marker = image[at + 1];
    // T.81 §B.1.1.2: a marker may have fill bytes before it.
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    // T.81 §B.1.1.4: the length counts itself and not the marker.
    const std::size_t length = load<std::uint16_t>(image.data() + at + 2, std::endian::big);
    if (length < 2) return std::nullopt;
    if (is_start_of_frame(marker)) {
      if (at + 9 > image.size()) return std::nullopt;
      return ImageSize{.width = load<std::uint16_t>(image.data() + at + 7, std::endian::big),
                       .height = load<std::uint16_t>(image.data() + at + 5, std::endian::big)};
    }
    at += 2 + length;
  }
  return std::nullopt;
}

/// RFC 9649 §2.5 to §2.7: lossy, lossless and extended form.
std::optional<ImageSize> webp_size(ByteView image) {
  if (image.size() < 30) return std::nullopt;
  const std::string_view kind = text_of(image.subspan(12, 4));
  const std::uint8_t* data = image.data() + 20;
  if (kind == "VP8X") return ImageSize{.width = little_24(data + 4) + 1, .height = little_24(data + 7) + 1};
  if (kind == "VP8 " && data[3] == 0x9D && data[4] == 0x01 && data[5] == 0x2A) {
    return ImageSize{.width = load<std::uint16_t>(data + 6, std::endian::little) & 0x3FFFU,
                     .height = load<std::uint16_t>(data + 8, std::endian::little) & 0x3FFFU};
  }
  if (kind == "VP8L" && data[0] == 0x2F) {
    const auto bits = load<std::uint32_t>(data + 1, std::endian::little);
    return ImageSize{.width = (bits & 0x3FFFU) + 1, .height = (bits >> 14U & 0x3FFFU) + 1};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ImageSize> read_image_size(ByteView image) {
  const std::string_view text = text_of(image);
  if (text.starts_with("\xFF\xD8\xFF")) return jpeg_size(image);
  if (text.starts_with("\x89PNG\r\n\x1A\n") && image.size() >= 24) {
    return ImageSize{.width = load<std::uint32_t>(image.data() + 16, std::endian::big),
                     .height = load<std::uint32_t>(image.data() + 20, std::endian::big)};
  }
  if ((text.starts_with("GIF87a") || text.starts_with("GIF89a")) && image.size() >= 10) {
    return ImageSize{.width = load<std::uint16_t>(image.data() + 6, std::endian::little),
                     .height = load<std::uint16_t>(image.data() + 8, std::endian::little)};
  }
  if (text.starts_with("RIFF") && text.substr(0, 12).ends_with("WEBP")) return webp_size(image);
  return std::nullopt;
}

}  // namespace pushmail::convert

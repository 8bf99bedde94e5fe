// The presentation of an MM: the SMIL subset that phones agree on (OMA MMS-CONF 1.2 §8). Not for use outside this folder.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/arena.h"

namespace pushmail::convert {

enum class SlideMedia : std::uint8_t { none, image, video, audio };
/// One `par`: a text, and one picture, film or sound. Sources are Content-Locations; an empty one is left out.
struct Slide {
  std::string_view text;
  std::string_view media;
  SlideMedia kind = SlideMedia::none;
  unsigned seconds = 10;  // how long it stays when nobody turns it
};

/// Long enough to read a text of so many bytes aloud: 10 to 600 seconds.
[[nodiscard]] unsigned reading_seconds(std::size_t text_size);

/// Region ids are `Image` and `Text`, exactly; positions in percent of a portrait screen. The text is in the arena.
[[nodiscard]] std::string_view write_smil(std::span<const Slide> slides, Arena& arena);

}  // namespace pushmail::convert

// A multimedia message as every codec sees it: MM7 content, MM1 PDU body and the converted mail are this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/bytes.h"

namespace pushmail {

/// One part, decoded: views, into the bytes it was parsed from, into `arena` or `owned` of the message that holds it, or into anything else
/// that lives as long. A text that is made on the way goes into the arena first (`arena.copy`); nothing is allocated for a part.
struct MultimediaPart {
  std::string_view media_type;  // lower case, no parameters: image/jpeg
  std::string_view charset;     // lower case, text parts only; empty otherwise
  std::string_view name;        // file name as UTF-8
  std::string_view content_id;  // without <>
  std::string_view content_location;
  ByteView data;
};

/// Parts in order. When `presentation` is set it is the index of the SMIL part and the message is multipart/related,
/// else multipart/mixed (OMA MMS-CONF 1.2 §6).
struct MultimediaMessage {
  static constexpr std::size_t no_presentation = static_cast<std::size_t>(-1);

  std::string subject;  // UTF-8
  std::vector<MultimediaPart> parts;
  std::size_t presentation = no_presentation;

  /// Storage for what the parts show and the input does not have. It keeps its address while the message is moved.
  Arena arena;
  /// The same for octets that somebody made as a whole, and that need not be copied for it.
  std::vector<Bytes> owned;
};

}  // namespace pushmail

// A multimedia message as every codec sees it: MM7 content, MM1 PDU body and the converted mail are this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace pushmail {

/// One part, decoded. `data` is a view: into the bytes it was parsed from, or into `owned` of the message that holds it.
struct MultimediaPart {
  std::string media_type;        // lower case, no parameters: image/jpeg
  std::string charset;           // lower case, text parts only; empty otherwise
  std::string name;              // file name as UTF-8
  std::string content_id;        // without <>
  std::string content_location;
  ByteView data;
};

/// Parts in order. When `presentation` is set it is the index of the SMIL part and the message is multipart/related,
/// else multipart/mixed (OMA MMS-CONF 1.2 §6).
struct MultimediaMessage {
  static constexpr std::size_t no_presentation = static_cast<std::size_t>(-1);

  std::string subject;           // UTF-8
  std::vector<MultimediaPart> parts;
  std::size_t presentation = no_presentation;

  /// Storage for parts that were decoded or made: each element keeps its address while the message is moved.
  std::vector<Bytes> owned;
};

}  // namespace pushmail

// The HTTP body of an MM7 message: where its envelope is, and the multimedia message beside it.
//
// Came from: an HTTP entity. Goes to: codec/mm7/read.cpp. Invariant: a part's data is a view into the body where it travelled as
// plain octets, else into the arena of the message. Specs: RFC 2387 (related), RFC 2392 (cid), TS 23.140 §8.7.2.
#pragma once

#include <string_view>

#include "codec/mime/message.h"
#include "codec/mms/multimedia.h"
#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mm7 {

struct HttpParts {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  mime::Message mime;            // empty when the body is the envelope alone
  std::size_t soap_part = none;  // index into mime.parts
  Bytes decoded;                 // the envelope, when its part was transfer-coded
  Bytes repaired;                // the body, when blank lines stood among its parts' headers: then `mime` views this one
  ByteView envelope;
};
/// Finds the envelope: the part named by `start`, else the first XML part, else the first part; a body that is not multipart is it.
[[nodiscard]] Result<HttpParts> split_body(std::string_view content_type, ByteView body);

/// The message that `href` names. When it names nothing, the first other part is taken (a tolerance many MMSCs need).
[[nodiscard]] Result<MultimediaMessage> read_content(const HttpParts& parts, std::string_view href);
/// Whether there is any part beside the envelope.
[[nodiscard]] bool has_content(const HttpParts& parts);

}  // namespace pushmail::mm7

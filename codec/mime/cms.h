// The signed content of an S/MIME message that is wrapped in its signature (RFC 8551 §3.5.2): a bounded reader of as much BER as leads
// there.
//
// Came from: a part of type application/pkcs7-mime, decoded. Goes to: unpack.cpp, which reads the content as a MIME entity. No certificate
// is looked at and no signature is checked.
#pragma once

#include <string_view>

#include "core/arena.h"
#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mime {

inline constexpr ErrorInfo cms_not_signed{"cms.not_signed", "the content is no SignedData", "RFC 5652 §5.1"};
inline constexpr ErrorInfo cms_bad_element{"cms.bad_element", "another element is expected here", "RFC 5652 §5.1"};
inline constexpr ErrorInfo cms_bad_length{"cms.bad_length", "a length is not one of BER, or longer than what is there", "X.690 §8.1.3"};
inline constexpr ErrorInfo cms_too_deep{"cms.too_deep", "the pieces of the content are nested too deep", "X.690 §8.7.3"};
inline constexpr ErrorInfo cms_detached{"cms.detached", "the signed content stands elsewhere", "RFC 5652 §5.2"};

/// The bytes that were signed: a view into the input, or in the arena when they stand there in pieces. Linear.
[[nodiscard]] Result<ByteView> signed_content(ByteView cms, Arena& arena);

/// The number behind 1.2.840.113549.1.7 that says what a CMS structure is (RFC 5652 §3); its first bytes are enough. 0 when it is none.
inline constexpr unsigned cms_signed_data = 2;
[[nodiscard]] unsigned cms_content_type(ByteView cms);

}  // namespace pushmail::mime

// Mail and multipart out: writes headers and parts strictly by the standards, whatever is put in.
//
// Came from: codec/convert (MM -> mail), codec/mm7 (HTTP bodies). Goes to: the SMTP client or the HTTP client.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "codec/mime/message.h"
#include "core/bytes.h"

namespace pushmail::mime {

/// `name: value CRLF` with value as RFC 2047 words where it is not ASCII, folded at 78 columns. CR and LF in `value` become spaces.
void write_text_field(Bytes& out, std::string_view name, std::string_view utf8_value);
/// The same for addresses: display names encoded or quoted as needed.
void write_mailboxes_field(Bytes& out, std::string_view name, std::span<const Mailbox> mailboxes);
/// `; name="value"`, or RFC 2231 form when the value is not ASCII. Folds (`;CRLF name=`) when the line in `out` would pass column 78;
/// a value of more than 1 KiB is cut.
void write_parameter(Bytes& out, std::string_view name, std::string_view utf8_value);

enum class BodyForm : std::uint8_t { base64, quoted_printable, binary };
/// Content-Transfer-Encoding line, blank line and the body in that form (base64: 76 columns, CRLF).
void write_body(Bytes& out, ByteView body, BodyForm form);

/// Whether bodies are written as they are, or encoded, which can put what stands inside a line to its start.
enum class Written : std::uint8_t { as_is, encoded };
/// A boundary of which `bodies` have no delimiter (RFC 2046 §5.1.1), made from `seed` (an item id): the same input, the same output.
[[nodiscard]] std::string make_boundary(std::string_view seed, std::span<const ByteView> bodies, Written written);

}  // namespace pushmail::mime

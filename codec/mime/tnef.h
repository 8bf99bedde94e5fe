// winmail.dat: the form in which Outlook sends text and attachments to those it takes for Outlook (MS-OXTNEF).
//
// Came from: a part of type application/ms-tnef or with the name winmail.dat, decoded. Goes to: codec/convert, as if its attachments were
// parts of the mail.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"
#include "core/result.h"

namespace pushmail::mime {

inline constexpr ErrorInfo tnef_bad_signature{"tnef.bad_signature", "the bytes do not start with the signature 0x223E9F78",
                                              "MS-OXTNEF §2.1.3.1"};
inline constexpr ErrorInfo tnef_truncated{"tnef.truncated", "the bytes end inside the first attribute", "MS-OXTNEF §2.1.3"};
inline constexpr ErrorInfo tnef_bad_level{"tnef.bad_level", "an attribute belongs neither to the message nor to an attachment",
                                          "MS-OXTNEF §2.1.3.1"};
inline constexpr ErrorInfo tnef_bad_properties{"tnef.bad_properties", "the length of a property passes the end of its list",
                                               "MS-OXTNEF §2.1.3.4"};

struct TnefAttachment {
  std::string_view name;        // UTF-8, may be empty
  std::string_view media_type;  // lower case, empty when not given
  std::string_view content_id;
  ByteView data;  // a view into the input
};
struct Tnef {
  std::string_view subject;  // UTF-8
  std::string_view body;     // UTF-8 with LF; empty when there is only RTF
  std::string_view html;     // UTF-8 as far as the page is
  std::span<const TnefAttachment> attachments;
  ByteView rtf;  // compressed, as it lies; see rtf.h
};
/// Whether a part is one, by its media type or its name.
[[nodiscard]] bool is_tnef(const Part& part);
/// What is broken behind the first attribute ends the reading and is noted; what was complete until there is returned. At most
/// mime_part_count_max attachments. An attribute with a wrong checksum is read and noted.
[[nodiscard]] Result<Tnef> read_tnef(ByteView bytes, Arena& arena, std::vector<Tolerance>* tolerated = nullptr);

}  // namespace pushmail::mime

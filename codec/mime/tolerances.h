// The written list of what is broken in real mail and read all the same; README.md says how each is read. One test for each.
#pragma once

#include <string_view>

namespace pushmail::mime::tolerance {

// Header block.
inline constexpr std::string_view mbox_line = "header.mbox_line";
inline constexpr std::string_view bare_lf = "header.bare_lf";
inline constexpr std::string_view bare_cr = "header.bare_cr";
inline constexpr std::string_view no_colon = "header.no_colon";
inline constexpr std::string_view no_blank_line = "header.no_blank_line";
inline constexpr std::string_view lost_folding = "header.lost_folding";
inline constexpr std::string_view space_before_colon = "header.space_before_colon";
inline constexpr std::string_view too_long = "header.too_long";
inline constexpr std::string_view too_many_fields = "header.too_many_fields";

// Structure.
inline constexpr std::string_view bad_content_type = "type.malformed";
inline constexpr std::string_view boundary_missing = "multipart.boundary_missing";
inline constexpr std::string_view boundary_guessed = "multipart.boundary_guessed";
inline constexpr std::string_view not_closed = "multipart.not_closed";
inline constexpr std::string_view bare_part = "multipart.bare_part";
inline constexpr std::string_view no_parts = "multipart.no_parts";
inline constexpr std::string_view encoded_multipart = "multipart.encoded";
inline constexpr std::string_view too_deep = "structure.too_deep";
inline constexpr std::string_view too_many_parts = "structure.too_many_parts";

// Bodies.
inline constexpr std::string_view unknown_coding = "coding.unknown";
inline constexpr std::string_view base64_foreign = "coding.base64_foreign";
inline constexpr std::string_view base64_after_padding = "coding.base64_after_padding";
inline constexpr std::string_view quoted_printable_fault = "coding.quoted_printable_fault";
inline constexpr std::string_view tnef_checksum = "tnef.checksum";
inline constexpr std::string_view tnef_broken = "tnef.broken";
inline constexpr std::string_view unknown_charset = "charset.unknown";
inline constexpr std::string_view wrong_charset = "charset.wrong_bytes";

}  // namespace pushmail::mime::tolerance

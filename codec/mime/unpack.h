// Parts that stand inside the content of another: the text and the files of a winmail.dat (MS-OXTNEF), files in a text as uuencode, the
// message inside an opaque S/MIME signature (RFC 8551 §3.5.2), and mails that came as files or in base64.
//
// Came from: parse, for those who want to see all that a person would. Goes to: codec/convert, and the rules of codec/scan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"

namespace pushmail::mime {

enum class Package : std::uint8_t { winmail, winmail_rtf, uuencode, signature, message };  // winmail_rtf: its text was RTF

struct Unpacked {
  std::size_t part = 0;  // index after unpacking
  Package package = Package::winmail;
  std::string_view name;  // the part's, as it was
};

/// Puts what such parts hold behind them, as their children; they become multipart/mixed (multipart/signed for a signature, message/rfc822
/// for a mail) and keep their declared_type. What is unpacked is unpacked again. What cannot be read, or would go beyond the limits of
/// parts and depth, stays as it is, and so does the rest once twice mail_size_max was opened. Parts move, so that indexes change. Returns
/// what was opened, in order; nothing is copied or allocated when there is nothing.
std::vector<Unpacked> unpack(Message& message);

}  // namespace pushmail::mime

// The messages of perf/run dataplane: a short text and a picture of random bytes, since that is what phones and mails carry.
#pragma once

#include <string>
#include <string_view>

#include "core/ids.h"

namespace pushmail::perf {

/// About `size` bytes of base64 in lines of 76.
inline std::string picture(std::size_t size) {
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t line = 76;
  Bytes random(size / line * line);
  fill_random(random);
  std::string text;
  for (std::size_t i = 0; i < random.size(); ++i) {
    text.push_back(letters[random[i] & 63]);
    if (i % line == line - 1) text += "\r\n";
  }
  return text;
}

/// A whole mail whose picture has about `size` bytes of base64.
inline std::string mail(std::size_t size) {
  return "From: Joe <joe@load.example>\r\nTo: ann@mms.example.net\r\nSubject: a picture\r\nMessage-ID: <1@load.example>\r\n"
         "Date: Mon, 23 Nov 2026 21:54:12 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         picture(size) + "--b--\r\n";
}

}  // namespace pushmail::perf

// What several files measure with: a mail of a wanted size, and the peer that reads it.
#pragma once

#include <cstddef>
#include <string>

namespace pushmail::perf {

/// A letter with a text and a picture of random bytes, about `size` bytes in all. The same size, the same letter.
[[nodiscard]] std::string letter_with_picture(std::size_t size);

/// GMime: structure, and every body decoded, texts as UTF-8. g_mime_init() has been called.
void gmime_parse_and_decode(const std::string& mail);

}  // namespace pushmail::perf

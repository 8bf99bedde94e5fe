// In which order a person sees the parts of an MM: that of its slides, which need not be that of the parts (OMA-MMS-CONF 1.2 §8). Not for
// use outside this folder.
//
// Came from: mm_to_mail.cpp. Goes to: the text and the attachments of the mail.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mms/multimedia.h"

namespace pushmail::convert {

/// Indices into the parts of an MM; its presentation is in neither.
struct SlideOrder {
  std::vector<std::size_t> texts;  // that together are the message's text; text/plain, or one text/html where there is no other
  std::vector<std::size_t> attachments;
};
/// Texts that the slides show, in their order. Without slides that show a text it is the first that is not blank, and further ones without
/// a name. Blank texts are in neither list, unless there is no other text.
[[nodiscard]] SlideOrder slide_order(const MultimediaMessage& mm);

[[nodiscard]] bool is_smil(const MultimediaPart& part);
/// What the slides name, in order: values of `src`, without `cid:`, entities and %XX decoded. At most as many as an MM may have parts.
/// Linear.
[[nodiscard]] std::vector<std::string> smil_sources(std::string_view smil);

}  // namespace pushmail::convert

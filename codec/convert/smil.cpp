// SMIL out. Kept short: it counts against the size of the MM.
#include "codec/convert/smil.h"

#include <algorithm>

#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

/// Content-Locations of ours need none, but nothing else may depend on that.
void write_attribute(ArenaText& out, std::string_view name, std::string_view text) {
  out += name;
  out += "=\"";
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  out += '"';
}

std::string_view element_of(SlideMedia kind) {
  switch (kind) {
    case SlideMedia::video:
      return "video";
    case SlideMedia::audio:
      return "audio";
    case SlideMedia::image:
    case SlideMedia::none:
      break;
  }
  return "img";
}

}  // namespace

unsigned reading_seconds(std::size_t text_size) {
  constexpr std::size_t bytes_per_second = 15;  // three words of a European language, five characters of an East Asian one
  return static_cast<unsigned>(std::clamp<std::size_t>(text_size / bytes_per_second, 10, 600));
}

std::string_view write_smil(std::span<const Slide> slides, Arena& arena) {
  const bool has_picture =
      std::any_of(slides.begin(), slides.end(), [](const Slide& s) { return s.kind == SlideMedia::image || s.kind == SlideMedia::video; });
  const bool has_text = std::any_of(slides.begin(), slides.end(), [](const Slide& s) { return !s.text.empty(); });
  ArenaText out(arena);
  out.reserve(512 + slides.size() * 160);
  out += "<smil><head><layout><root-layout width=\"240\" height=\"320\"/>";
  if (has_picture) {
    out += has_text ? "<region id=\"Image\" left=\"0\" top=\"0\" width=\"100%\" height=\"70%\" fit=\"meet\"/>"
                    : "<region id=\"Image\" left=\"0\" top=\"0\" width=\"100%\" height=\"100%\" fit=\"meet\"/>";
  }
  if (has_text) {
    out += has_picture ? "<region id=\"Text\" left=\"0\" top=\"70%\" width=\"100%\" height=\"30%\" fit=\"scroll\"/>"
                       : "<region id=\"Text\" left=\"0\" top=\"0\" width=\"100%\" height=\"100%\" fit=\"scroll\"/>";
  }
  out += "</layout></head><body>";
  for (const Slide& slide : slides) {
    out += "<par dur=\"";
    append_number(out, slide.seconds);
    out += "s\">";
    if (slide.kind != SlideMedia::none) {
      out += '<';
      out += element_of(slide.kind);
      write_attribute(out, " src", slide.media);
      out += slide.kind == SlideMedia::audio ? "/>" : " region=\"Image\"/>";
    }
    if (!slide.text.empty()) {
      write_attribute(out, "<text src", slide.text);
      out += " region=\"Text\"/>";
    }
    out += "</par>";
  }
  out += "</body></smil>";
  return out.take_view();
}

}  // namespace pushmail::convert

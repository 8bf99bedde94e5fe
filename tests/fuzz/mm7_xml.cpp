// Our XML reader against libxml2: what ours reads, libxml2 reads too and to the same tree; no document is read differently by parse_xml().
#include <algorithm>

#include "codec/mm7/xml.h"
#include "codec/mm7/xml_readers.h"
#include "core/limits.h"

namespace {

using namespace pushmail;

void check_same(const mm7::XmlTree& ours, const mm7::XmlTree& theirs) {
  PM_CHECK(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const mm7::XmlElement& a = ours.at(i);
    const mm7::XmlElement& b = theirs.at(i);
    PM_CHECK(a.name == b.name);
    PM_CHECK(a.namespace_uri == b.namespace_uri);
    PM_CHECK(a.text == b.text);
    PM_CHECK(a.parent == b.parent);
    PM_CHECK(a.end == b.end);
    PM_CHECK(a.attribute_count == b.attribute_count);
    for (std::size_t k = 0; k < a.attribute_count; ++k) {
      PM_CHECK(ours.attribute_at(i, k).name == theirs.attribute_at(i, k).name);
      PM_CHECK(ours.attribute_at(i, k).value == theirs.attribute_at(i, k).value);
    }
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view document = text_of({data, size});
  if (size == 0 || size > limits::xml_size_max) return 0;
  const auto ours = mm7::scan_xml(document);
  const auto theirs = mm7::read_with_libxml2(document);
  if (ours) {
    PM_CHECK(theirs.has_value());
    check_same(*ours, *theirs);
  }
  const auto either = mm7::parse_xml({data, size});
  if (either && theirs) check_same(*either, *theirs);
  if (either) {
    // Text that was read can be written, and reads as itself.
    std::string written = "<x a=\"";
    mm7::append_escaped(written, either->at(0).text);
    written += "\">";
    mm7::append_escaped(written, either->at(0).text);
    written += "</x>";
    const auto again = mm7::parse_xml(bytes_of(written));
    // The guard before libxml2 counts every sign of assignment up to the next `<`, in values and in texts too.
    const std::string_view text = either->at(0).text;
    const bool is_within = written.size() <= limits::xml_size_max &&
                           2 * std::ranges::count(text, '=') < static_cast<std::ptrdiff_t>(limits::xml_attribute_count_max);
    if (is_within) PM_CHECK(again && again->at(0).text == either->at(0).text);
  }
  return 0;
}

// Short message text: any octets decode to UTF-8 that splits, travels and comes together again as the same text.
#include "codec/sms/gsm.h"

namespace {

/// What a text is read as when it comes back: itself, but for one with an @ in front of each letter. Its octets are taken for ASCII as
/// UTF-16 that was sent under the wrong data_coding, on purpose.
std::string read_back(const std::string& text) {
  const auto octets = pushmail::sms::encode_gsm(text);
  if (!octets || octets->size() < 4 || octets->size() % 2 != 0) return text;
  for (std::size_t i = 0; i < octets->size(); i += 2) {
    if ((*octets)[i] != 0 || (*octets)[i + 1] < 0x20 || (*octets)[i + 1] > 0x7E) return text;
  }
  return pushmail::sms::decode_ucs2(*octets);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  if (size == 0) return 0;
  const std::string decoded = sms::decode_text(data[0], ByteView(data, size).subspan(1));
  const std::string raw(text_of(ByteView(data, size)));
  for (const std::string* text : {&decoded, &raw}) {
    sms::Reassembly reassembly;
    std::optional<sms::Incoming> whole;
    const auto segments = sms::split_text(*text, data[0]);
    for (const sms::Segment& segment : segments) {
      PM_CHECK(segment.short_message.size() <= 160);
      smpp::Pdu pdu;
      pdu.esm_class = segment.esm_class;
      pdu.data_coding = segment.data_coding;
      pdu.short_message = segment.short_message;
      whole = reassembly.add(sms::read_deliver(pdu), {});
    }
    PM_CHECK(whole.has_value());
    // Text that is valid UTF-8 comes back letter by letter; what is not was replaced, and stays as it is then.
    const std::string once = whole->text();
    if (segments.size() < 255) PM_CHECK(sms::decode_ucs2(sms::encode_ucs2(once)) == once);
    if (segments.size() < 255 && text == &decoded) PM_CHECK(once == read_back(decoded));
  }
  return 0;
}

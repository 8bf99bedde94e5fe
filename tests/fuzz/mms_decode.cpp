// MMS PDUs: what decodes must encode and decode again to the same headers and the same parts.
#include "codec/mms/errors.h"
#include "codec/mms/pdu.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  const auto pdu = mms::decode(ByteView(data, size));
  if (!pdu) return 0;
  PM_CHECK(!mms::dump(*pdu).empty());
  const auto octets = mms::encode(*pdu);
  // What peers forget is read, and not written; nor is a PDU of a version that does not have it.
  if (!octets) {
    PM_CHECK(octets.error().is(mms::mms_not_encodable) || octets.error().is(mms::mms_newer_pdu));
    return 0;
  }
  PM_CHECK(mms::encode_gather(*pdu)->size() == octets->size());
  const auto again = mms::decode(*octets);
  // A text of many undecodable octets may be longer as UTF-8, never too long to read; an address that decoded to nothing may be missing.
  if (!again) {
    PM_CHECK(again.error().is(mms::mms_missing_field));
    return 0;
  }
  PM_CHECK(again->type == pdu->type);
  // A header that does not belong to its PDU is read and not written.
  if (!again->has_content) return 0;
  PM_CHECK(again->content.parts.size() == pdu->content.parts.size());
  for (std::size_t i = 0; i < pdu->content.parts.size(); ++i) {
    const ByteView before = pdu->content.parts[i].data;
    const ByteView after = again->content.parts[i].data;
    PM_CHECK(text_of(before) == text_of(after));
  }
  return 0;
}

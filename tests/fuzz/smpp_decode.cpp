// SMPP: any octets as a stream. What decodes must encode again and decode to the same PDU.
#include "codec/sms/gsm.h"
#include "codec/sms/receipt.h"
#include "codec/sms/smpp.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  ByteView rest(data, size);
  while (true) {
    const auto frame = smpp::parse_frame(rest);
    if (!frame.is_done()) return 0;
    PM_CHECK(frame.used() >= 16 && frame.used() <= rest.size());
    rest = rest.subspan(frame.used());
    const auto pdu = smpp::decode(frame.value());
    if (!pdu) {
      PM_CHECK(smpp::encode(smpp::nack_for(frame.value(), pdu.error())).has_value());
      continue;
    }
    PM_CHECK(!smpp::dump(*pdu).empty());
    PM_CHECK(sms::read_deliver(*pdu).text().size() <= 3 * pdu->user_data().size());
    if (const auto receipt = sms::read_receipt(*pdu)) PM_CHECK(!receipt->message_id.empty());
    const auto octets = smpp::encode(*pdu);
    // Only a short message of 255 bytes, one more than the standard allows, and a longer id of a response are read and not written.
    if (!octets) {
      PM_CHECK(pdu->short_message.size() == 255 || pdu->message_id.size() >= 65);
      continue;
    }
    const auto again = smpp::parse_frame(*octets);
    PM_CHECK(again.is_done());
    PM_CHECK(smpp::decode(again.value()).value() == *pdu);
  }
}

// Came from: mail_to_mm.cpp, which asks after each picture that it leaves out. tests/unit/codec/convert/encoded_size_test.cpp compares with
// what is written.
#include "codec/convert/encoded_size.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t pdu_header_size = 256;        // without the subject
constexpr std::size_t pdu_entry_size = 40;          // lengths, codes and ends of a part's header
constexpr std::size_t submit_envelope_size = 3072;  // SOAP, one recipient and every element that is written, and the multiparts around it
constexpr std::size_t submit_part_size = 320;       // names of a part's fields, their line ends, and its delimiter
constexpr std::size_t display_only_size = 160;      // elements around an address that is only shown

/// 76 columns and a line end (RFC 2045 §6.8).
std::size_t base64_size(std::size_t size) { return (size + 56) / 57 * 78; }

}  // namespace

EncodedSizes encoded_sizes(const MailToMm& made, const MmProfile& profile, bool display_only_recipients) {
  EncodedSizes sizes;
  const std::size_t subject_size = made.mm.subject.size();
  sizes.pdu = pdu_header_size + subject_size;
  sizes.submit = submit_envelope_size + 6 * subject_size;  // `&quot;`
  if (display_only_recipients) {
    for (const auto& list : {made.to, made.cc}) {
      for (const mime::MailboxView& mailbox : list)
        sizes.submit += display_only_size + 6 * (mailbox.local_part.size() + mailbox.domain.size());
    }
  }
  for (const MultimediaPart& part : made.mm.parts) {
    const std::size_t names = part.media_type.size() + part.charset.size() + part.content_id.size() + part.content_location.size();
    sizes.parts += part.data.size();
    sizes.pdu += pdu_entry_size + names + part.name.size() + part.data.size();
    // A name that is not ASCII is written as `%XX`, in numbered pieces (RFC 2231).
    sizes.submit +=
        submit_part_size + names + 4 * part.name.size() + (profile.base64_parts ? base64_size(part.data.size()) : part.data.size());
  }
  return sizes;
}

}  // namespace pushmail::convert

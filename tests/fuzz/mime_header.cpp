// One field value through every reader of values: header text, mailboxes, strict address, parameters, and a charset label.
#include "codec/mime/message.h"
#include "codec/simd/simd.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value = text_of({data, size});
  const auto check_text = [](std::string_view text) {
    PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size());
    for (const char c : text) PM_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  };
  check_text(mime::decode_header(value));
  for (const mime::Mailbox& mailbox : mime::parse_mailboxes(value)) {
    PM_CHECK(!mailbox.local_part.empty());
    check_text(mailbox.display_name);
    check_text(mailbox.address());
  }
  if (const auto address = mime::parse_address(value)) {
    check_text(address->address());
    PM_CHECK(!address->domain.empty());
    // What is accepted once is accepted again, the same.
    const auto again = mime::parse_address(address->address());
    PM_CHECK(again && again->address() == address->address());
  }
  // The value as Content-Type and Content-Disposition of a part, and its first line as a charset.
  const std::string mail = "Content-Disposition: " + std::string(value) + "\r\n\r\nx";
  if (const auto message = mime::parse(bytes_of(mail))) check_text(message->parts[0].name);
  static_cast<void>(mime::parse_entity(value, {data, size}));
  const std::size_t line = std::min(value.find('\n'), value.size());
  const std::string text = mime::to_utf8({data, size}, value.substr(0, line));
  PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size());
  return 0;
}

// WSP values: content types, multiparts, pushes with their notices, and addresses out of any octets; what is read is written and read the
// same.
#include "codec/wap/address.h"
#include "codec/wap/multipart.h"
#include "codec/wap/numbering.h"
#include "codec/wap/push.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  const ByteView all(data, size);
  wap::Reader skipping(all);
  while (skipping.skip_value()) PM_CHECK(skipping.offset() <= size);

  Arena arena;
  wap::Reader for_type(all);
  if (const auto type = wap::read_content_type(for_type, arena)) {
    Bytes out;
    wap::write_content_type(out, *type);
    wap::Reader reader(out);
    const auto again = wap::read_content_type(reader, arena);
    PM_CHECK(again.has_value() && reader.at_end());
    Bytes twice;
    wap::write_content_type(twice, *again);
    PM_CHECK(twice == out);
  }
  wap::Reader for_parts(all);
  if (const auto entries = wap::read_multipart(for_parts, arena)) {
    std::size_t total = 0;
    for (const auto& entry : *entries) {
      total += entry.data.size();
      Bytes head;
      wap::write_entry_head(head, entry);
      PM_CHECK(head.size() >= 3);
    }
    PM_CHECK(total <= size);
  }
  if (const auto push = wap::read_push(all, arena)) {
    PM_CHECK(push->body.size() <= size);
    const Bytes out = wap::write_push(*push);
    const auto again = wap::read_push(out, arena);
    PM_CHECK(again.has_value() && again->application == push->application && again->flags == push->flags);
    PM_CHECK(text_of(again->body) == text_of(push->body));
    if (const auto notice = wap::read_notice(push->body, arena)) {
      const Bytes written = wap::write_notice(*notice);
      const auto read = wap::read_notice(written, arena);
      PM_CHECK(read.has_value() && read->address == notice->address && read->id == notice->id && read->text == notice->text);
      PM_CHECK(wap::write_notice(*read) == written);
    }
  }
  wap::Reader for_text(all);
  if (const auto text = for_text.encoded_string()) PM_CHECK(text->octets.size() <= size);

  const wap::Address address = wap::parse_address(text_of(all));
  PM_CHECK(wap::parse_address(wap::to_string(address)).value.size() <= size + 10);
  for (const wap::Numbering& numbering :
       {wap::Numbering{}, wap::Numbering{.country_code = "49"}, wap::Numbering{.country_code = "1", .trunk_prefix = "1"}}) {
    const auto number = numbering.read(text_of(all));
    if (number) PM_CHECK(numbering.read(wap::to_plmn(*number)).value() == *number);
  }
  return 0;
}

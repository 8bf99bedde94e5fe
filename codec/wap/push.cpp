#include "codec/wap/push.h"

#include "codec/wap/errors.h"
#include "codec/wap/numbers.h"

namespace pushmail::wap {

namespace {

constexpr std::uint8_t push_type = 0x06;

/// A number where there is one; anything else is passed over.
Result<std::optional<std::uint64_t>> read_number(Reader& reader) {
  const std::uint8_t first = reader.peek();
  if (first >= 0x80 || (first > 0 && first < 0x1F)) {
    PM_TRY(const std::uint64_t number, reader.integer());
    return number;
  }
  if (const auto skipped = reader.skip_value(); !skipped) return std::unexpected(skipped.error());
  return std::nullopt;
}

Result<void> read_headers(Reader& reader, Push& push) {
  while (!reader.at_end()) {
    const std::uint8_t first = reader.peek();
    if (first >= 0x20 && first < 0x80) {
      if (const auto name = reader.text(); !name) return std::unexpected(name.error());
      if (const auto value = reader.skip_value(); !value) return std::unexpected(value.error());
      continue;
    }
    [[maybe_unused]] const auto code = reader.octet();
    if (first < 0x20) continue;  // a shift to another header page; only the default page is in use
    if (first == (0x80 | header::wap_application_id)) {
      const auto number = read_number(reader);
      if (!number) return std::unexpected(number.error());
      push.application = *number;
    } else if (first == (0x80 | header::push_flag)) {
      const auto number = read_number(reader);
      if (!number) return std::unexpected(number.error());
      if (*number) push.flags = static_cast<std::uint8_t>(**number & 0x7F);
    } else if (const auto skipped = reader.skip_value(); !skipped) {
      return std::unexpected(skipped.error());
    }
  }
  return {};
}

}  // namespace

Result<Push> read_push(ByteView bytes, Arena& arena) {
  Reader reader(bytes);
  Push push;
  PM_TRY(push.transaction_id, reader.octet());
  PM_TRY(const std::uint8_t type, reader.octet());
  if (type != push_type) return fail(push_bad_type, 1);
  PM_TRY(const std::uint32_t header_size, reader.uintvar());
  const std::size_t offset = reader.offset();
  PM_TRY(const ByteView head, reader.take(header_size));
  Reader headers(head, offset);
  PM_TRY(push.type, read_content_type(headers, arena));
  if (const auto done = read_headers(headers, push); !done) return std::unexpected(done.error());
  push.body = reader.rest();
  return push;
}

Bytes write_push(const Push& push) {
  Bytes out{push.transaction_id, push_type};
  const std::size_t begin = out.size();
  write_content_type(out, push.type);
  if (push.application) {
    write_short_integer(out, header::wap_application_id);
    write_integer(out, *push.application);
  }
  if (push.flags) {
    write_short_integer(out, header::push_flag);
    write_short_integer(out, *push.flags);
  }
  insert_uintvar(out, begin, static_cast<std::uint32_t>(out.size() - begin));
  append(out, push.body);
  return out;
}

}  // namespace pushmail::wap

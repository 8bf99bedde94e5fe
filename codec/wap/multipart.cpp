#include "codec/wap/multipart.h"

#include <algorithm>

#include "codec/wap/errors.h"
#include "codec/wap/numbers.h"
#include "core/limits.h"

namespace pushmail::wap {

namespace {

std::string_view without_brackets(std::string_view id) {
  id = ascii_trim(id);
  if (id.starts_with('<')) id.remove_prefix(1);
  if (id.ends_with('>')) id.remove_suffix(1);
  return id;
}

/// By the number of its name.
void set_header(Entry& entry, int code, std::string_view value, Arena& arena) {
  if (code == header::content_id) entry.content_id = without_brackets(value);
  if (code == header::content_location) entry.content_location = value;
  if (code == header::content_transfer_encoding) entry.transfer_encoding = lower(ascii_trim(value), arena);
}

int code_of(std::string_view name) {
  if (ascii_equal_nocase(name, "Content-ID")) return header::content_id;
  if (ascii_equal_nocase(name, "Content-Location")) return header::content_location;
  return ascii_equal_nocase(name, "Content-Transfer-Encoding") ? header::content_transfer_encoding : 0;
}

/// Headers behind the content type. One that cannot be read ends them: the part itself is still whole.
void read_headers(Reader reader, Entry& entry, Arena& arena) {
  while (!reader.at_end()) {
    const std::uint8_t first = reader.peek();
    if (first >= 0x80) {
      [[maybe_unused]] const auto code = reader.octet();
      switch (first & 0x7F) {
        case header::content_id:
        case header::content_location:
        case header::content_transfer_encoding: {
          if (reader.peek() < 0x20 || reader.peek() >= 0x80) {
            if (!reader.skip_value()) return;
            break;
          }
          const auto value = reader.text();
          if (!value) return;
          set_header(entry, first & 0x7F, *value, arena);
          break;
        }
        case header::content_disposition:
        case header::content_disposition_old: {
          auto value = reader.peek() < 0x20 ? reader.counted() : Result<Reader>(fail(wsp_bad_length));
          if (!value) {
            if (!reader.skip_value()) return;
            break;
          }
          // The disposition itself (a token or a number) is passed over; only the name of the file matters.
          if (!value->skip_value()) break;
          for (const Parameter& parameter : read_parameters(*value, arena)) {
            if (parameter.name == "filename" || parameter.name == "name") entry.file_name = parameter.value;
          }
          break;
        }
        default:
          if (!reader.skip_value()) return;
      }
    } else if (first >= 0x20) {
      const auto name = reader.text();
      if (!name) return;
      const auto value = reader.text();
      if (!value) return;
      set_header(entry, code_of(*name), *value, arena);
    } else {
      // A shift to another header page; only the default page is in use.
      [[maybe_unused]] const auto page = reader.octet();
    }
  }
}

Result<Entry> read_entry(Reader& reader, Arena& arena) {
  PM_TRY(const std::uint32_t header_size, reader.uintvar());
  PM_TRY(const std::uint32_t data_size, reader.uintvar());
  const std::size_t offset = reader.offset();
  PM_TRY(const ByteView head, reader.take(header_size));
  Entry entry;
  Reader headers(head, offset);
  PM_TRY(entry.type, read_content_type(headers, arena));
  read_headers(headers, entry, arena);
  PM_TRY(entry.data, reader.take(data_size));
  return entry;
}

}  // namespace

Result<std::span<const Entry>> read_multipart(Reader& reader, Arena& arena) {
  PM_TRY(const std::uint32_t announced, reader.uintvar());
  ArenaList<Entry> entries(arena);
  while (!reader.at_end()) {
    if (entries.size() >= limits::mime_part_count_max) return fail(wsp_too_many_parts, reader.offset());
    const auto entry = read_entry(reader, arena);
    if (!entry) {
      if (entries.size() >= announced) break;
      return std::unexpected(entry.error());
    }
    entries.push_back(*entry);
  }
  return std::span<const Entry>(entries.take());
}

void write_entry_head(Bytes& out, const Entry& entry) {
  const std::size_t begin = out.size();
  write_content_type(out, entry.type);
  if (!entry.content_id.empty()) {
    write_short_integer(out, header::content_id);
    write_quoted(out, {"<", entry.content_id, ">"});
  }
  if (!entry.content_location.empty()) {
    write_short_integer(out, header::content_location);
    write_text(out, entry.content_location);
  }
  const std::size_t head_size = out.size() - begin;
  insert_uintvar(out, begin, static_cast<std::uint32_t>(entry.data.size()));
  insert_uintvar(out, begin, static_cast<std::uint32_t>(head_size));
}

}  // namespace pushmail::wap

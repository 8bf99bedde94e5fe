#include "core/contract/handoff/secrets.h"

#include <optional>

#include "core/contract/handoff/peer.h"

namespace pushmail::handoff {

namespace {

bool is_secret(std::uint16_t field) {
  const TagRow* row = find_tag(field);
  return row != nullptr && row->type == FieldType::secret;
}

// Only `peers` has records nested in it: nothing goes deeper, whatever somebody writes.
std::optional<RecordView> nested_peer(const RecordView& record, ByteView bytes) {
  if (record.header().kind != static_cast<std::uint16_t>(Kind::peers)) return std::nullopt;
  const Parsed<RecordView> nested = parse_record(bytes);
  if (!nested.is_done() || nested.value().header().kind != static_cast<std::uint16_t>(Kind::peer)) return std::nullopt;
  return nested.value();
}

}  // namespace

bool holds_secrets(const RecordView& record) {
  bool found = false;
  record.for_each([&](std::uint16_t field, ByteView value) {
    found = found || is_secret(field);
    if (field != tag(Tag::peer_record)) return;
    const auto nested = nested_peer(record, value);
    found = found || !nested || holds_secrets(*nested);
  });
  return found;
}

Bytes without_secrets(const RecordView& record) {
  const RecordHeader& header = record.header();
  RecordWriter copy(header.kind, header.version, header.item);
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (is_secret(field)) return;
    if (field != tag(Tag::peer_record)) {
      copy.bytes(field, value);
    } else if (const auto nested = nested_peer(record, value)) {
      copy.bytes(field, without_secrets(*nested));
    }
  });
  return copy.finish(header.sequence);
}

}  // namespace pushmail::handoff

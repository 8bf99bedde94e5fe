// Bytes of a handoff socket into one end of the protocol, whole and byte by byte, and the `peers` record into the table of peers.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/contract/handoff/peer.h"
#include "dataplane/relay/peer_table.h"

using namespace pushmail;

namespace {

struct Count final : handoff::Events {
  std::uint64_t records = 0, ready = 0, acknowledged = 0;
  void on_ready(handoff::Other) override { ++ready; }
  void on_record(handoff::Kind kind, const RecordView& record, handoff::Receipt) override {
    ++records;
    (void)handoff::describe(record);
    if (kind == handoff::Kind::peers) {
      relay::PeerTable table;
      (void)table.read(record);
    }
  }
  void on_acknowledged(handoff::Kind, const ItemId&) override { ++acknowledged; }
};

void put_right(std::uint8_t* record, std::uint32_t length) {
  const ByteView whole(record, length);
  store(record + 32, crc32c(whole.subspan(record_header_size), crc32c(whole.first(32))), std::endian::little);
}

// Gives every record that announces a possible length its right checksum, and first those nested in `peers`.
Bytes with_checksums(ByteView bytes) {
  Bytes made(bytes.begin(), bytes.end());
  const auto length_at = [&](std::size_t at) { return load<std::uint32_t>(made.data() + at, std::endian::little); };
  std::size_t at = 0;
  while (made.size() - at >= record_header_size) {
    const std::uint32_t length = length_at(at);
    if (length < record_header_size || length > made.size() - at) break;
    for (std::size_t field = at + record_header_size; field + 6 <= at + length;) {
      const std::uint32_t size = length_at(field + 2);
      if (size > at + length - field - 6) break;
      const auto tag = load<std::uint16_t>(made.data() + field, std::endian::little);
      if (tag == handoff::tag(handoff::Tag::peer_record) && size >= record_header_size && length_at(field + 6) == size)
        put_right(made.data() + field + 6, size);
      field += 6 + size;
    }
    put_right(made.data() + at, length);
    at += length;
  }
  return made;
}

Count feed(ByteView bytes, std::size_t piece, handoff::Direction ours) {
  Count heard;
  handoff::Peer peer(ours, 1, heard);
  peer.connected();
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (!peer.receive(bytes.subspan(at, std::min(piece, bytes.size() - at)))) break;
  }
  return heard;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = with_checksums(ByteView(data, size));
  for (const auto ours : {handoff::Direction::to_control, handoff::Direction::to_data}) {
    const Count whole = feed(bytes, bytes.size() + 1, ours);
    const Count pieces = feed(bytes, 7, ours);
    if (whole.records != pieces.records || whole.ready != pieces.ready) std::abort();
  }
  return 0;
}

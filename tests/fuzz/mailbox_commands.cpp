// What a fetcher reads from descriptor 3: the raw stream, and records with a right checksum and any fields.
#include "controlplane/fetcher/commands.h"
#include "core/record_inbox.h"

using namespace pushmail;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  RecordInbox inbox;
  ByteView in(data + 1, size - 1);
  if (data[0] != 0) {
    // Kind, then fields as {tag, length, bytes} with one byte each.
    RecordWriter writer(in[0], 1, ItemId{{in[1]}});
    in = in.subspan(2);
    while (in.size() >= 2) {
      const std::size_t length = std::min<std::size_t>(in[1], in.size() - 2);
      writer.bytes(in[0], in.subspan(2, length));
      in = in.subspan(2 + length);
    }
    const Bytes record = writer.finish(1);
    inbox.feed(record);
    const auto first = inbox.next();
    PM_CHECK(first.is_done());
    const auto command = mailbox::decode_command(first.value());
    if (command && *command) {
      if (const auto* watch = std::get_if<mailbox::WatchCommand>(&**command)) {
        // Letters outside ASCII go in literals or encoded; what ends a line or a string goes nowhere.
        for (const std::string* each : {&watch->account.user, &watch->account.password, &watch->account.folder})
          PM_CHECK(each->find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
        PM_CHECK(!watch->binding.empty());
      }
    }
    PM_CHECK(inbox.next().needs_more());
    return 0;
  }
  while (!in.empty()) {
    const std::size_t piece = std::min<std::size_t>(in.size(), 13);
    inbox.feed(in.first(piece));
    in = in.subspan(piece);
    while (true) {
      const auto record = inbox.next();
      if (record.is_bad()) return 0;
      if (!record.is_done()) break;
      (void)mailbox::decode_command(record.value());
    }
  }
  return 0;
}

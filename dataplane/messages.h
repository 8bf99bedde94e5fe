// What crosses the rings between the threads of the data plane:
//
//   worker ── ToIo ──> I/O thread (journal, handoff socket)  ── ToWorker ──> worker
//   worker ── relay::Conversion ──> codec lane               ── relay::Converted ──> worker
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "core/bytes.h"
#include "core/contract/handoff/peer.h"
#include "core/ids.h"
#include "core/record.h"
#include "core/result.h"
#include "dataplane/journal/journal.h"

namespace pushmail {

struct AppendRecord {
  journal::Kind kind;
  ItemId item;
  RecordWriter record;
  std::uint64_t token;
};
struct SettleRecord {
  journal::Kind kind;
  ItemId item;
};
struct SendRecord {
  handoff::Kind kind;
  ItemId item;
  RecordWriter record;
};
using ToIo = std::variant<AppendRecord, SettleRecord, SendRecord>;

struct Committed {
  std::uint64_t token;
  std::optional<Error> error;
};
/// Why the journal takes no messages now; empty: it does. The text is a constant.
struct JournalState {
  std::string_view refusal;
};
struct HandoffReady {
  handoff::Other other;
};
struct HandoffLost {};
struct HandoffRecord {
  Bytes record;
};
struct HandoffAcknowledged {
  handoff::Kind kind;
  ItemId item;
};
using ToWorker = std::variant<Committed, JournalState, HandoffReady, HandoffLost, HandoffRecord, HandoffAcknowledged>;

}  // namespace pushmail

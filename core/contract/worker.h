// A data plane's worker by its index, and all that is named after one.
//
// A worker has a lane of the journal and a handoff socket of its own. Whose an item is stands in its id (docs/design.md, Several workers).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "core/bytes.h"
#include "core/ids.h"

namespace pushmail {

struct WorkerIndex {
  std::uint16_t value = 0;
  auto operator<=>(const WorkerIndex&) const = default;
};

/// An id has four bits for the worker, behind the twelve of the node.
inline constexpr std::uint16_t workers_max = 16;

/// Under the run folder.
[[nodiscard]] inline std::string handoff_socket_of(WorkerIndex worker) { return "handoff-" + std::to_string(worker.value); }
/// Under the journal's folder.
[[nodiscard]] inline std::string lane_folder_of(WorkerIndex worker) { return "lane-" + std::to_string(worker.value); }

/// For new_item_id: whose lane and memory the item is in.
[[nodiscard]] constexpr std::uint16_t node_and_worker(std::uint16_t node, WorkerIndex worker) {
  return static_cast<std::uint16_t>(node * workers_max + worker.value);
}
/// The worker that an item belongs to, among `count` of them.
[[nodiscard]] inline WorkerIndex owner_of(const ItemId& item, std::uint16_t count) {
  return {static_cast<std::uint16_t>(item.bytes[7] % workers_max % count)};
}
/// The worker that remembers whether a request was here before. `key`: a keyed hash of what makes it that request, alike in all workers.
[[nodiscard]] inline WorkerIndex owner_of_request(ByteView key, std::uint16_t count) {
  return {static_cast<std::uint16_t>(load<std::uint64_t>(key.data(), std::endian::little) % count)};
}

}  // namespace pushmail

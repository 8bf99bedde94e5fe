// What can go wrong between us and the disk. All of it is the world's fault.
#pragma once

#include "core/result.h"

namespace pushmail::journal {

inline constexpr ErrorInfo journal_open{"journal.open", "the journal folder cannot be made, read or locked", "", Fault::world};
inline constexpr ErrorInfo journal_ring{"journal.ring", "the kernel gives no io_uring", "", Fault::world};
inline constexpr ErrorInfo journal_read{"journal.read", "a segment file cannot be read", "", Fault::world};
inline constexpr ErrorInfo journal_no_room{"journal.no_room", "the disk is full", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo journal_lane_full{"journal.lane_full", "the lane has reached journal.lane_size_max", "", Fault::world,
                                             Lasting::temporary};
inline constexpr ErrorInfo journal_write{"journal.write", "a write to the journal failed", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo journal_sync{"journal.sync", "a sync of the journal failed", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo journal_cut{"journal.cut", "what could not be made durable could not be cut off either", "", Fault::world,
                                       Lasting::temporary};
inline constexpr ErrorInfo journal_behind{"journal.behind", "too much is waiting for the disk", "", Fault::world, Lasting::temporary};

}  // namespace pushmail::journal

// Stops the process at a named step, for the kill tests: PUSHMAIL_KILL_AT=name[:count] raises SIGKILL at the count-th time the step is
// reached (1 without a count), after a line about it was written to the file named by PUSHMAIL_KILL_LOG. Not in Release builds.
//
// Steps: append_before_sync, sync_before_answer, answer_before_relay, attempt_before_sync, attempt_before_send, submit_req_half, data_half,
// submit_rsp_before_settle.
#pragma once

#include "dataplane/session/fault_points.h"

namespace pushmail {

/// What the environment asks for; unarmed when it asks for nothing, or in a Release build.
[[nodiscard]] FaultPoints fault_points_of_environment();

}  // namespace pushmail

// The codec lane: one thread per worker that converts, so that a large message never holds up the turn.
//
// Came from: the worker's relay (Conversion, with the message's bytes). Goes to: back to the relay (Converted). The content is a
// stranger's; the code that reads it is pure and bounded (codec/*).
#pragma once

#include <atomic>

#include "codec/scan/slot.h"
#include "dataplane/relay/conversion.h"
#include "dataplane/ring.h"

namespace pushmail {

/// Runs until `stop`; ring `bell` afterwards so that it is seen. The rules are taken before each conversion, as reader `lane` of the slot.
void run_codec_lane(Ring<relay::Conversion>& in, Ring<relay::Converted>& out, Wake& bell, scan::RuleSetSlot& rules, std::size_t lane,
                    const std::atomic<bool>& stop);

}  // namespace pushmail

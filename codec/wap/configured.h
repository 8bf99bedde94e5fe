// How numbers are read, as the configuration has it: [numbering], and the short codes that other keys name.
//
// Came from: a Config that was read. Goes to: both planes, each of which reads the numbers that its peers write.
#pragma once

#include "codec/wap/numbering.h"
#include "core/config.h"

namespace pushmail::wap {

/// core/config_rules.cpp has checked what is said. Every peer's service_number is a short code, and so is a notify.source of digits.
[[nodiscard]] Numbering configured_numbering(const Config& config);

}  // namespace pushmail::wap

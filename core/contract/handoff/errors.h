// What can be wrong with a record on a handoff socket. All of it is a mistake of one of our own programs or a broken socket.
#pragma once

#include "core/result.h"

namespace pushmail::handoff {

inline constexpr ErrorInfo handoff_unknown_kind{"handoff.unknown_kind", "the kind of this record is not in the table", "", Fault::us};
inline constexpr ErrorInfo handoff_wrong_way{"handoff.wrong_way", "this kind of record is never sent in this direction", "", Fault::us};
inline constexpr ErrorInfo handoff_field_missing{"handoff.field_missing", "a field that this kind must have is missing", "", Fault::us};
inline constexpr ErrorInfo handoff_field_type{"handoff.field_type", "a field has the wrong size for its type", "", Fault::us};
inline constexpr ErrorInfo handoff_no_hello{"handoff.no_hello", "the first record of a connection must be hello", "", Fault::us};
inline constexpr ErrorInfo handoff_schema{"handoff.schema", "the other side's schema version is more than one away from ours", "",
                                          Fault::us};
inline constexpr ErrorInfo handoff_too_long{"handoff.too_long", "the record is longer than a handoff record may be", "", Fault::us};

}  // namespace pushmail::handoff

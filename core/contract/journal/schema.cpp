#include "core/contract/journal/schema.h"

#include "core/versions.h"

namespace pushmail::journal {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::accepted_mm7:
      return "accepted_mm7";
    case Kind::accepted_mail:
      return "accepted_mail";
    case Kind::outcome:
      return "outcome";
    case Kind::report:
      return "report";
    case Kind::settled:
      return "settled";
    case Kind::segment:
      return "segment";
    case Kind::attempt:
      return "attempt";
    case Kind::batch:
      return "batch";
  }
  return "unknown";
}

RecordWriter make(Kind kind, const ItemId& item) { return {static_cast<std::uint16_t>(kind), versions::journal_schema, item}; }

}  // namespace pushmail::journal

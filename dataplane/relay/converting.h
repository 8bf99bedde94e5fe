// An item's visits to the codec lane: first for what stands in it, and when its target is known for what is sent.
//
// The bytes of its body go along and come back; they stay counted meanwhile. Goes to: the codec lane (conversion.h).
#pragma once

#include "dataplane/relay/conversion.h"
#include "dataplane/relay/history.h"
#include "dataplane/relay/life.h"

namespace pushmail::relay {

class Converting {
 public:
  Converting(const Context& context, Items& items, History& history, Life& life)
      : context_(context), items_(items), history_(history), life_(life) {}

  void peek(Item& item);
  void convert(Item& item);
  [[nodiscard]] Next take(Item& item, Converted converted);

 private:
  [[nodiscard]] Conversion conversion_of(Item& item, Work work) const;
  /// There was no memory for it: later, and each time later.
  void put_off(Item& item, const Error& error);
  [[nodiscard]] Next take_peeked(Item& item, Converted converted);
  [[nodiscard]] Next take_output(Item& item, Converted converted);

  const Context& context_;
  Items& items_;
  History& history_;
  Life& life_;
};

}  // namespace pushmail::relay

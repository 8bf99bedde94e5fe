// Events of items for their history in the control plane; those that nobody can take yet are kept, the oldest go first. They show what was
// done and decide nothing.
#pragma once

#include <deque>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/record.h"
#include "dataplane/relay/context.h"
#include "dataplane/relay/item.h"

namespace pushmail::relay {

class History {
 public:
  /// Names and values; an empty value is left out.
  using Details = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit History(const Context& context) : context_(context) {}

  /// Into the log too.
  void event(const ItemId& id, const TraceId& trace, std::string_view name, Details details);
  void event(const Item& item, std::string_view name, Details details) { event(item.id, item.trace, name, details); }
  /// The control plane is there: what was kept goes to it.
  void flush();

 private:
  const Context& context_;
  std::deque<std::pair<ItemId, RecordWriter>> kept_;
};

}  // namespace pushmail::relay

// Where an accepted message goes: asked of the control plane, and asked again until it has said so (step 506, and forwarded mail).
//
// Came from: converting (what was seen of it), a timer, a new connection. Goes to: route_query; the answer to ToPhone or ToMail.
#pragma once

#include "core/record.h"
#include "dataplane/relay/life.h"
#include "dataplane/relay/to_mail.h"
#include "dataplane/relay/to_phone.h"

namespace pushmail::relay {

class Routes {
 public:
  Routes(const Context& context, Items& items, Life& life, const InDoubt& in_doubt, ToPhone& to_phone, ToMail& to_mail)
      : context_(context), items_(items), life_(life), in_doubt_(in_doubt), to_phone_(to_phone), to_mail_(to_mail) {}

  /// Asks, or tells the control plane again of one that waits for its phone.
  void ask(Item& item);
  [[nodiscard]] Next take(Item& item, const RecordView& answer);
  /// Whether the control plane has the next word about it.
  [[nodiscard]] static bool is_asked(const Item& item) { return item.stage == Stage::routing || item.stage == Stage::waiting; }

 private:
  /// Our own mistake somewhere, or a table of peers that is still on its way: the message stays, the question is asked again.
  [[nodiscard]] Next ask_later(Item& item, const RecordView& answer);

  const Context& context_;
  Items& items_;
  Life& life_;
  const InDoubt& in_doubt_;
  ToPhone& to_phone_;
  ToMail& to_mail_;
};

}  // namespace pushmail::relay

// Ids that a peer gave out, in the one form in which they are compared: the same peer writes the id of its answer and that of its report
// in different ways (`<0A1B>`, `a1b`). Pure.
//
// Used by: controlplane/notify (SMPP message ids), controlplane/outcomes and the data plane's relay (MM7 MessageIDs), the store's indexes.
#pragma once

#include <string>
#include <string_view>

namespace pushmail {

/// Without blanks, <> and quotes around it, without zeros in front, in lower case. Empty for an id of nothing else; whoever looks one up
/// must not take an id that is empty as written for one.
[[nodiscard]] std::string peer_id_key(std::string_view id);

}  // namespace pushmail

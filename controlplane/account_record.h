// The fields of a record that tell a fetcher where a mailbox is and how to get in: of a watch, and of a probe.
//
// Came from: WatchedMailboxes and AccountTrials. Goes to: fetcher/commands.cpp. The password is written here and nowhere else.
#pragma once

#include <string_view>

#include "controlplane/binding/providers.h"
#include "controlplane/store/rows.h"
#include "core/endpoint.h"
#include "core/record.h"

namespace pushmail {

/// `address` has passed the egress policy; `provider` is what is known about the binding's host.
void write_account(RecordWriter& record, const Binding& binding, const IpAddress& address, std::string_view password,
                   const Provider& provider);

}  // namespace pushmail

// The peers as the control plane gave them (handoff `peers`), or as the last-known file remembers them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mm7/message.h"
#include "core/endpoint.h"
#include "core/record.h"

namespace pushmail::relay {

struct PeerProfile {
  std::string name;
  std::string url;  // http://address:port/path
  std::string host_header;
  std::string user, password;  // what we send
  std::string inbound_user, inbound_password;
  std::vector<IpNetwork> allow;                     // none: any source
  std::vector<std::string> sender_forms{"number"};  // what counts as a phone in Sender (sender.h)
  mm7::Mm7Dialect dialect;
  int sender_refused = 4007;  // 0: accept and drop
  bool deduplicates = false;
  bool check_transaction_id = true;  // an answer that names another TransactionID says nothing of our request
  std::uint32_t connections_max = 32;
  std::uint32_t requests_per_connection = 0;  // 0: as many as it takes
};

class PeerTable {
 public:
  /// Replaces the table by that of a `peers` record; nested records that are broken are left out and counted, and so are knobs that we do
  /// not know or that do not take their value. Left out with a logged error: a peer that nothing authenticates, unless its record says
  /// that it is open; one whose list of networks cannot be read, which must not become "any source".
  std::size_t read(const RecordView& peers);
  [[nodiscard]] const PeerProfile* find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, PeerProfile, std::less<>>& all() const { return peers_; }

 private:
  std::map<std::string, PeerProfile, std::less<>> peers_;
};

}  // namespace pushmail::relay

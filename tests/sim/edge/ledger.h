// What a peer really got, kept apart from everything pushmail believes.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pushmail::edge {

struct Entry {
  std::uint32_t seen = 0;   // came in whole, at the peer or at a balancer that kept it
  std::uint32_t taken = 0;  // of these: the peer has it, and a person gets it
  bool refused = false;     // for good, with a word that says so
};

/// By what names the message on the wire: TransactionID, or the mail's subject.
using Ledger = std::map<std::string, Entry>;

}  // namespace pushmail::edge

// Which certificates are in use, and when each of them ends: for the control plane's status, which warns in time.
//
// Came from: the files (TlsFiles), handshakes with peers. Goes to: a record of handoff::Kind::certificates.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "core/record.h"
#include "core/tls_files.h"

namespace pushmail {

class Certificates {
 public:
  /// In place of those of before.
  void set_own(const TlsFiles& files);
  /// What a peer has shown at its last handshake. `label`: smart_host, `peer NAME` as our server, `client NAME` as our client.
  void see(std::string_view label, const tls::Certificate& shown);
  /// Whose peer is gone goes: `has_peer` is asked for each name.
  template <class HasPeer>
  void keep_peers(HasPeer has_peer) {
    const auto is_gone = [&](const auto& one) {
      const std::string_view label = one.first;
      return label != smart_host_label && !has_peer(label.substr(label.find(' ') + 1));
    };
    if (std::erase_if(seen_, is_gone) > 0) has_news_ = true;
  }
  /// Whether the record says something else than when it was taken last.
  [[nodiscard]] bool has_news() const { return has_news_; }
  [[nodiscard]] RecordWriter take_record();

  static constexpr std::string_view smart_host_label = "smart_host";

 private:
  struct One {
    std::string detail{};
    Timestamp ends{};
    bool operator==(const One&) const = default;
  };
  std::map<std::string, One, std::less<>> own_;   // by the key of the file
  std::map<std::string, One, std::less<>> seen_;  // by label
  bool has_news_ = false;
};

}  // namespace pushmail

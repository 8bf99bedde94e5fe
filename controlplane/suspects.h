// Mails at which the fetcher may have died: what it asked for when it ended, and how often.
//
// Came from: the fetchers' `trying` records, by way of WatchedMailboxes. Goes to: the next `watch` record (Tag::suspect), after which the
// fetcher asks for a suspect alone, and after three deaths no more. Kept in memory: after a restart of the control plane a mail may end the
// fetcher three times again.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pushmail {

class Suspects {
 public:
  /// The fetcher asks for these mails now; none: it has its answer.
  void on_trying(std::string_view binding, std::vector<std::string> uids);
  /// The fetcher died. A mail that was asked for with others is one of many suspects, which counts once. The result names those that were
  /// under way, with their deaths.
  std::map<std::string, std::uint32_t> on_fetcher_lost(std::string_view binding);
  /// The mail was announced. One that is known as deadly stays so: its body is not asked for either.
  void on_announced(std::string_view binding, const std::string& uid);
  void forget(std::string_view binding);
  /// Deaths by UID.
  [[nodiscard]] const std::map<std::string, std::uint32_t>& of(std::string_view binding) const;

 private:
  struct Mailbox {
    std::vector<std::string> trying{};
    std::map<std::string, std::uint32_t> deaths{};
  };
  std::map<std::string, Mailbox, std::less<>> mailboxes_;
};

}  // namespace pushmail

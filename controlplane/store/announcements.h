// What the store knows of a phone's mails that are, or are not yet, announced to it: who holds which reply code, who waits for one.
//
// The types of those questions to the store (store.h), each of which is answered from an index, whatever number of mails a phone ever had.
// Used by: controlplane/store/ledger (codes), controlplane/asking, controlplane/strangers, retrieve.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/store/rows.h"
#include "core/result.h"

namespace pushmail {

/// Who brought a mail for a phone: its own mailbox, which goes first, or whoever reaches our SMTP port.
enum class Origin : std::uint8_t { own, stranger };
[[nodiscard]] inline Origin origin_of(const Item& item) { return item.source == Source::smtp ? Origin::stranger : Origin::own; }

/// A code and the one mail that has it, or had it last.
struct CodeHolder {
  std::string code{};
  ItemId item{};
  Origin origin = Origin::own;
  ItemState state = ItemState::accepted;
  Timestamp announced{};
  Timestamp updated{};
};

/// Mails that wait without a code. `never_announced` ones are owed an SMS; the others lost their code to a later mail.
enum class Waiting : std::uint8_t { never_announced, announced_before };

/// Announcements that the phone has not answered.
struct Unanswered {
  std::uint64_t count = 0;
  Timestamp last{};  // when the last of them was announced
};

/// Who forwards a mail to a phone.
struct Stranger {
  std::string source_address{};  // of the host that hands it in
  std::string sender_domain{};   // of the envelope sender; empty for <>
};
/// Mails that were forwarded to a phone, and how many of them came like this one.
struct HandedIn {
  std::uint64_t mails = 0;
  std::uint64_t of_source = 0;
  std::uint64_t of_sender = 0;
};

}  // namespace pushmail

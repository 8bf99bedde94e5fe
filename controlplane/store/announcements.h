// What the store knows of a phone's mails that are, or are not yet, announced to it: who holds which reply code, who waits for one.
//
// Part of Store (store.h); every question is answered from an index, whatever number of mails a phone ever had. Used by:
// controlplane/store/ledger (codes), controlplane/asking, controlplane/strangers, retrieve.
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

class AnnouncementStore {
 public:
  virtual ~AnnouncementStore() = default;

  /// At most one for each code, so at most 90.
  virtual Result<std::vector<CodeHolder>> code_holders(const Msisdn& phone) = 0;
  /// The mail that has this code, or had it last.
  virtual Result<std::optional<Item>> item_of_code(const Msisdn& phone, std::string_view code) = 0;
  /// The newest mail of a binding that is active.
  virtual Result<std::optional<Item>> newest_waiting(const Msisdn& phone, Origin origin, Waiting waiting) = 0;
  /// Counted to 1,000 and no further.
  virtual Result<std::uint64_t> count_waiting(const Msisdn& phone, Origin origin) = 0;
  /// Phones to which an announcement is owed, in the order of their numbers, from the first one after `after` on.
  virtual Result<std::vector<Msisdn>> phones_waiting(const Msisdn& after, std::size_t count_max) = 0;
  virtual Result<Unanswered> unanswered(const Msisdn& phone, Origin origin, Timestamp since) = 0;
  /// Forwarded since then; the newest `count_max` are looked at.
  virtual Result<HandedIn> handed_in(const Msisdn& phone, const Stranger& stranger, Timestamp since, std::size_t count_max) = 0;
  /// Strangers' mails that the MMSC has not got yet, and that have not ended. Counted to 100,000 and no further.
  virtual Result<std::uint64_t> count_open_of_strangers(const Msisdn& phone) = 0;
};

}  // namespace pushmail

// Phone to mail: who may send, who can be reached (503), and where an accepted message goes (506). Also the route of forwarded mail.
//
// Came from: the data plane's admission_query and route_query. Goes to: admission_answer and route_answer; the store; the SMS queue.
// Rules of design 2a: a recipient is the service number plus suffix (a thread), the bare service number (a new mail whose address stands
// in the first line or the subject), a bound phone, number@our-domain, or any mail address. The answer to a question that was asked
// before is the same, since the store knows the item.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"
#include "controlplane/announcer.h"
#include "controlplane/ports.h"
#include "controlplane/settings.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

class ToPhone;

/// What a recipient of a message is to us.
struct Destination {
  enum class Kind : std::uint8_t { unreachable, service, thread, bound, internet };
  Kind kind = Kind::unreachable;
  std::string_view verdict = handoff::verdict::not_bound;
  mime::Mailbox mailbox{};             // thread, bound, internet
  std::optional<Suffix> suffix{};      // thread
};

class ToMail {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    DataPlanePort& data_plane;
    ToPhone& to_phone;
    Announcer& announcer;
    std::function<void()> sms_queued;
  };
  explicit ToMail(Ports ports) : ports_(std::move(ports)) {}

  void on_admission_query(const RecordView& record);
  void on_route_query(const RecordView& record);

  /// `form`: number:, short:, mail:; `sender` empty for forwarded mail; `peer` empty: any.
  [[nodiscard]] Result<Destination> find_destination(std::string_view form, const std::optional<Msisdn>& sender, std::string_view peer) const;

 private:
  struct Refusal {
    std::string reason{};
    std::string sms{};                 // empty: nothing is said to the phone
  };
  [[nodiscard]] Result<std::string_view> admit_sender(std::string_view form, bool& queued);
  [[nodiscard]] Result<RecordWriter> route_message(const RecordView& record, bool& queued);
  [[nodiscard]] Result<RecordWriter> route_forwarded(const RecordView& record, bool& queued);
  [[nodiscard]] Result<RecordWriter> refuse(Item& item, Refusal refusal, bool& queued);
  [[nodiscard]] Result<RecordWriter> answer_forwarded(Item& item);

  Ports ports_;
};

/// The number in `number:+1555…`, `short:…` or `mail:1555…@…`; nothing when it is none.
[[nodiscard]] std::optional<Msisdn> msisdn_of_form(std::string_view form);
/// The phone that sends: a number alone. What else counts as one is for the peer's profile to say, in the data plane.
[[nodiscard]] std::optional<Msisdn> sender_of_form(std::string_view form);

}  // namespace pushmail

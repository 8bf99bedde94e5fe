// Phone to mail: who may send, who can be reached (503), and where an accepted message goes (506).
//
// Came from: the data plane's admission_query (of strangers too, strangers.h) and route_query. Goes to: admission_answer and route_answer;
// the store; the SMS queue. What a recipient is to us says destination.h; the address of a new mail stands in the first line or the
// subject. The answer to a question that was asked before is the same, since the store knows the item.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/mime/message.h"
#include "controlplane/effects.h"
#include "controlplane/ports.h"
#include "controlplane/route_answer.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

class ToMail {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    DataPlanePort& data_plane;
  };
  explicit ToMail(Ports ports) : ports_(std::move(ports)) {}

  [[nodiscard]] Effects on_admission_query(const RecordView& record);
  [[nodiscard]] Effects on_route_query(const RecordView& record);

 private:
  struct Admission {
    std::vector<std::string_view> verdicts{};  // of the sender, if he is named, and each recipient
    std::vector<std::uint64_t> grants{};       // of each recipient: for how many mails the verdict may be kept
    bool sms_queued = false;
  };
  struct Addressees {
    std::vector<mime::Mailbox> to{};
    std::vector<std::string> unreachable{};
    std::optional<Suffix> thread{};
    std::string new_subject{};
    std::uint64_t dropped = 0;  // Tag::drop_first_line
  };
  struct Refusal {
    std::string reason{};
    std::string sms{};  // empty: nothing is said to the phone
  };
  [[nodiscard]] Result<Admission> admit(const RecordView& record);
  [[nodiscard]] Result<Admission> admit_sender(std::string_view form);
  /// True: an SMS was queued. One a day, in which a phone learns why it may not send.
  [[nodiscard]] Result<bool> explain_inactive(const Msisdn& phone, const std::vector<Binding>& bound);
  [[nodiscard]] Result<std::vector<std::string>> recipients_of(const RecordView& record, const Msisdn& phone,
                                                               std::string_view peer_name) const;
  [[nodiscard]] Result<Addressees> addressees_of(const RecordView& record, const Msisdn& phone) const;
  [[nodiscard]] Result<Routed> route(const RecordView& record);
  /// There is somebody to send it to; `own_subject` is the message's.
  [[nodiscard]] Result<RecordWriter> send_mail(Item& item, const std::vector<Binding>& bindings, std::string_view own_subject,
                                               Addressees addressees);
  [[nodiscard]] Result<Routed> refuse(Item& item, Refusal refusal);

  Ports ports_;
};

}  // namespace pushmail

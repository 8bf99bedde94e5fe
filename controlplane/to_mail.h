// Phone to mail: who may send, who can be reached (503), and where an accepted message goes (506). Also the route of forwarded mail.
//
// Came from: the data plane's admission_query and route_query. Goes to: admission_answer and route_answer; the store; the SMS queue.
// What a recipient is to us says destination.h; the address of a new mail stands in the first line or the subject. The answer
// to a question that was asked before is the same, since the store knows the item.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/announcer.h"
#include "controlplane/ports.h"
#include "controlplane/settings.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

class ToPhone;

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

 private:
  struct Refusal {
    std::string reason{};
    std::string sms{};  // empty: nothing is said to the phone
  };
  [[nodiscard]] Result<std::string_view> admit_sender(std::string_view form, bool& queued);
  [[nodiscard]] Result<std::vector<std::string>> recipients_of(const RecordView& record, const Msisdn& phone,
                                                               std::string_view peer_name) const;
  [[nodiscard]] Result<RecordWriter> route_message(const RecordView& record, bool& queued);
  [[nodiscard]] Result<RecordWriter> route_forwarded(const RecordView& record, bool& queued);
  [[nodiscard]] Result<RecordWriter> refuse(Item& item, Refusal refusal, bool& queued);
  [[nodiscard]] Result<RecordWriter> answer_forwarded(Item& item);

  Ports ports_;
};

}  // namespace pushmail

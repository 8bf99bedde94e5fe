// To the phone: a mail of a mailbox, or a forwarded one whose phone asked, as SubmitReq to its MMSC (steps 405, 406). Which answer means
// what, waits and pauses; README.md has the table.
//
// Came from: what the control plane says of the mail (from_mailbox, routes), converting. Goes to: submit_out.h, and to Life when it has
// ended or is in doubt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/relay/history.h"
#include "dataplane/relay/life.h"
#include "dataplane/relay/paused_peers.h"
#include "dataplane/session/http_client.h"

namespace pushmail::relay {

class ToPhone {
 public:
  ToPhone(const Context& context, Items& items, History& history, Life& life, InDoubt& in_doubt, PausedPeers& paused)
      : context_(context), items_(items), history_(history), life_(life), in_doubt_(in_doubt), paused_(paused) {}

  /// Target and expiry by a record that names peer and phone; false, and nothing is changed, when it does not.
  [[nodiscard]] bool take_route(Item& item, const RecordView& record);
  void attempt(Item& item);
  void send(Item& item);
  void on_result(Item& item, const HttpResult& result);
  /// The control plane takes it back.
  void withdraw(const RecordView& record);

 private:
  enum class Loss : std::uint8_t { no_answer, gateways_answer, meaningless_answer };

  void take_http_answer(Item& item, const HttpAnswer& answer);
  [[nodiscard]] bool is_about_another(Item& item, const std::string& transaction_id, int status);
  void take_submit_rsp(Item& item, const mm7::SubmitRsp& response);
  void answered(Item& item, int code, std::string_view text, std::string_view message_id);
  void taken(Item& item, int code, std::string_view text, std::string_view message_id);
  void lost(Item& item, std::string_view trouble, Loss loss);
  /// After `wait`, or after the back-off where that is longer.
  void retry(Item& item, std::string_view trouble, std::optional<Duration> wait);
  void pause(Item& item, std::string_view trouble);

  const Context& context_;
  Items& items_;
  History& history_;
  Life& life_;
  InDoubt& in_doubt_;
  PausedPeers& paused_;
};

}  // namespace pushmail::relay

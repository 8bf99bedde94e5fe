// To mail: what a phone wrote, or a mail for the postmaster, as a mail to the next hop (step 506). Each recipient has its own final reply.
//
// Came from: routes, converting. Goes to: mail_out.h, and to Life when every recipient has its final reply, or time is over.
#pragma once

#include <string_view>

#include "dataplane/relay/history.h"
#include "dataplane/relay/life.h"

namespace pushmail::relay {

class ToMail {
 public:
  ToMail(const Context& context, History& history, Life& life) : context_(context), history_(history), life_(life) {}

  /// Target and expiry by a route answer; false, and nothing is changed, when it names no next hop or no recipient.
  [[nodiscard]] bool take_route(Item& item, const RecordView& record);
  /// What follows from the target: nothing is converted when all recipients had their final reply before a restart.
  [[nodiscard]] Next after_route(Item& item);
  /// Mail to postmaster needs no route: it goes to the address that the configuration gives, as it came.
  [[nodiscard]] Next take_postmaster(Item& item);
  void attempt(Item& item);
  void send(Item& item);
  void on_result(Item& item, const MailResult& result);

 private:
  /// Every recipient has its final reply; `last` is the one that decided, nothing after a restart.
  void finish(Item& item, const MailReply* last);
  void lost(Item& item);
  void retry(Item& item);
  void wait_in_doubt(Item& item, std::string_view trouble);

  const Context& context_;
  History& history_;
  Life& life_;
};

}  // namespace pushmail::relay

#include "controlplane/fetcher/probe.h"

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/session_kinds.h"

namespace pushmail::mailbox {

void Probe::start() {
  loop_.spawn([self = shared_from_this()](Task& task) { self->run(task); });
}

void Probe::stop() {
  stopped_ = true;
  if (stream_ != nullptr) stream_->cut();
  gate_.open();
}

void Probe::run(Task& task) {
  auto outcome = try_once(task);
  // A bare NO may be a server in trouble. Said twice of an account that never worked it is the password.
  if (!outcome && outcome.error().error.is(mailbox_login) && !stopped_) {
    gate_.wait(task, loop_.now() + settings_.timing.retry_first);
    if (!stopped_) outcome = try_once(task);
    if (!outcome && outcome.error().error.is(mailbox_login)) outcome.error().error = Error{&mailbox_auth};
  }
  if (outcome)
    reporter_.probed(command_.binding, "ready", {});
  else
    reporter_.probed(command_.binding, state_word(outcome.error().error), outcome.error().text, outcome.error().wait);
}

Outcome<void> Probe::try_once(Task& task) {
  const SessionKind& kind = kind_of(command_.account.protocol);
  MailStream stream(loop_, kind.grammar);
  const auto session = kind.make(stream, command_.account, settings_);
  stream_ = &stream;
  auto outcome = session->open(task);
  if (outcome) {
    // First sight of a mailbox: a baseline, without a word about its mails.
    Cursor cursor;
    if (const auto looked = session->look(task, cursor.mark(), [](const Arrival&) {}); !looked) outcome = std::unexpected(looked.error());
  }
  if (outcome) session->close(task);
  stream_ = nullptr;
  return outcome;
}

}  // namespace pushmail::mailbox

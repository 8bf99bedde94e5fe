#include "controlplane/retrieve/retriever.h"

#include <algorithm>

#include "controlplane/notify/texts.h"
#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::retrieve {

using notify::Taken;

Taken Retriever::take(const notify::IncomingSms& message) {
  const auto phone = numbering_.read(message.source, message.source_type);
  if (!phone) {
    // A short code or a name: nobody that could be answered. A number that may be two: none of both is.
    log_warning("sms_from_nobody").person("source", message.source).error(phone.error());
    return Taken::yes;
  }
  Outcome outcome;
  const auto done = store_.write([&] {
    outcome = {.automatic_sign = message.automatic_sign, .extent = message.extent};
    return take(*phone, message.text, outcome);
  });
  if (!done) {
    log_error("sms_not_stored").error(done.error());
    return Taken::later;
  }
  if (outcome.sms_queued && hooks_.on_sms_queued) hooks_.on_sms_queued();
  for (const Binding& binding : outcome.changed) {
    log_info("binding_state").binding(binding.id).text("state", to_string(binding.state)).text("agent", "phone");
    if (hooks_.binding_changed) hooks_.binding_changed(binding);
  }
  if (outcome.requested && hooks_.on_requested) hooks_.on_requested(*outcome.requested);
  return message.extent == notify::Extent::beginning && !outcome.obeyed ? Taken::rest : Taken::yes;
}

Result<void> Retriever::take(const Msisdn& phone, std::string_view text, Outcome& outcome) {
  std::string around;
  if (outcome.automatic_sign.empty()) {
    PM_TRY(const auto ours, store_.our_text_in(phone, text, {clock_.wall().us - day_us}));
    if (ours && *ours == text) {
      // Whatever the network or the phone did: our own words that come back are no words of a person.
      outcome.automatic_sign = "our_own_text";
    } else if (ours) {
      // Around them a person may answer; a reaction (`Liked “...”`) asks for nothing and wants no answer.
      around = std::string(text).replace(text.find(*ours), ours->size(), " ");
      text = around;
      PM_TRY(const Instruction meant, understand(phone, text, outcome));
      if (meant.kind == Instruction::Kind::unknown) outcome.automatic_sign = "repeats_our_text";
    }
  }
  PM_TRY(const auto bound, store_.bindings_of(phone));
  PM_TRY(const Instruction instruction, understand(phone, text, outcome));
  // Of a beginning only what is clear is obeyed; the whole comes, or is given up.
  if (outcome.extent == notify::Extent::beginning && instruction.kind != Instruction::Kind::get) return {};
  if (instruction.kind != Instruction::Kind::get && instruction.kind != Instruction::Kind::unknown)
    return command(phone, instruction.kind, bound, outcome);
  if (std::ranges::none_of(bound, &Binding::is_active)) return say(phone, notify::inactive_text(bound), SmsKind::subscribe, outcome);

  // A code is obeyed whoever sends it; only answers are kept back.
  if (instruction.kind == Instruction::Kind::get) {
    outcome.obeyed = true;
    return get(phone, instruction.code, outcome);
  }
  PM_TRY(const std::string example, example_code(phone));
  return say(phone, notify::not_understood_text(example), SmsKind::help, outcome);
}

// Among other words the code of a mail that waits is meant before that of one which is through. A machine has no other words to say.
Result<Instruction> Retriever::understand(const Msisdn& phone, std::string_view text, const Outcome& outcome) {
  PM_TRY(const auto holders, store_.code_holders(phone));
  std::vector<std::string> waiting, known;
  for (const CodeHolder& holder : holders) {
    known.push_back(holder.code);
    if (holder.state == ItemState::notified || holder.state == ItemState::accepted) waiting.push_back(holder.code);
  }
  const bool machine = !outcome.automatic_sign.empty();
  Instruction instruction = parse_instruction(text, machine ? std::span<const std::string>() : waiting);
  if (machine && instruction.kind != Instruction::Kind::get) return Instruction{};
  if (outcome.extent == notify::Extent::beginning && instruction.is_bare && std::ranges::find(waiting, instruction.code) == waiting.end())
    return Instruction{};
  if (machine || outcome.extent == notify::Extent::beginning || instruction.kind != Instruction::Kind::unknown) return instruction;
  return parse_instruction(text, known);
}

// STOP, START and HELP work for every number, as often as it likes; five of an hour are answered.
Result<void> Retriever::command(const Msisdn& phone, Instruction::Kind kind, std::span<const Binding> bound, Outcome& outcome) {
  if (kind == Instruction::Kind::help) {
    PM_TRY(const std::string example, example_code(phone));
    const bool active = std::ranges::any_of(bound, &Binding::is_active);
    return say(phone, active ? notify::help_text(example) : notify::inactive_text(bound), SmsKind::command, outcome);
  }
  const bool stops = kind == Instruction::Kind::stop;
  for (Binding binding : bound) {
    // What the operator suspended is his to resume.
    if (binding.state != (stops ? BindingState::active : BindingState::stopped)) continue;
    binding.state = stops ? BindingState::stopped : BindingState::active;
    if (const auto written = store_.update_binding(binding); !written) return written;
    outcome.changed.push_back(std::move(binding));
  }
  if (stops) return say(phone, notify::stopped_text(), SmsKind::command, outcome);
  const bool active = !outcome.changed.empty() || std::ranges::any_of(bound, &Binding::is_active);
  return say(phone, active ? notify::started_text() : notify::inactive_text(bound), SmsKind::command, outcome);
}

Result<void> Retriever::get(const Msisdn& phone, const std::string& code, Outcome& outcome) {
  const Timestamp now = clock_.wall();
  PM_TRY(auto item, store_.item_of_code(phone, code));
  if (!item) {
    PM_TRY(const std::string example, example_code(phone));
    return say(phone, notify::unknown_code_text(code, example), SmsKind::help, outcome);
  }
  if (item->is_unknown()) {
    if (item->asked_in_doubt) return note(store_, *item, "retrieve_repeated", now, Program::control, {{"reply_code", code}});
    item->asked_in_doubt = true;
    if (const auto written = store_.update_item(*item); !written) return written;
    if (const auto noted = note(store_, *item, "retrieve_in_doubt", now, Program::control, {{"reply_code", code}}); !noted) return noted;
    constexpr std::int64_t minute_us = 60'000'000;
    const std::int64_t minutes = std::max<std::int64_t>((item->unknown_until.us - now.us + minute_us - 1) / minute_us, 1);
    // A mail of a binding that rests is sent when it is resumed, if ever; the phone may have another one.
    PM_TRY(const auto binding, store_.binding(item->binding));
    const bool planned = binding && binding->is_active();
    return say(phone, notify::in_doubt_text(code, planned ? std::optional(minutes) : std::nullopt), SmsKind::help, outcome);
  }
  // A repeat while the first one is on its way has no second effect; once the mail is there, he is told so.
  if (item->state > ItemState::notified && item->state < ItemState::submitted) {
    return note(store_, *item, "retrieve_repeated", now, Program::control, {{"reply_code", code}});
  }
  if (item->state == ItemState::unconfirmed) return say(phone, notify::unconfirmed_code_text(code), SmsKind::help, outcome);
  if (item->state == ItemState::submitted || item->state == ItemState::reported || item->state == ItemState::delivered) {
    return say(phone, notify::fetched_already_text(code), SmsKind::help, outcome);
  }
  if (is_final(item->state) || item->code_expires <= now) return say(phone, notify::expired_code_text(code), SmsKind::help, outcome);

  if (const auto withdrawn = store_.withdraw_sms(item->id); !withdrawn) return withdrawn;
  item->retry_at = {};
  item->attempts = 0;
  PM_TRY(const bool moved, move_item(store_, *item,
                                     {.event = ItemEvent::retrieve_requested,
                                      .reason = "the phone asked for the mail; it is about to be fetched",
                                      .time = now,
                                      .details = {{"msisdn", phone.digits()}, {"reply_code", code}}}));
  if (moved) {
    log_info("retrieve_requested").trace(item->trace).item(item->id).binding(item->binding);
    outcome.requested = *item;
    if (!hooks_.announce_next) return {};
    PM_TRY(const bool queued, hooks_.announce_next(phone));
    outcome.sms_queued = outcome.sms_queued || queued;
  }
  return {};
}

Result<std::string> Retriever::example_code(const Msisdn& phone) {
  PM_TRY(const auto holders, store_.code_holders(phone));
  const CodeHolder* newest = nullptr;
  for (const CodeHolder& holder : holders) {
    const bool waits = holder.state == ItemState::notified || holder.state == ItemState::accepted;
    if (waits && (newest == nullptr || newest->announced < holder.announced)) newest = &holder;
  }
  return newest == nullptr ? std::string() : newest->code;
}

Result<void> Retriever::say(const Msisdn& phone, std::string text, SmsKind kind, Outcome& outcome) {
  const Timestamp now = clock_.wall();
  if (outcome.extent == notify::Extent::beginning) return {};
  if (!outcome.automatic_sign.empty()) {
    log_info("automatic_not_answered").text("sign", outcome.automatic_sign).text("kind", to_string(kind));
    return {};
  }
  const bool once_a_day = kind == SmsKind::subscribe;
  const Timestamp since{now.us - (once_a_day ? day_us : timers::help_window.us())};
  const std::uint64_t most = once_a_day ? 1 : kind == SmsKind::command ? command_count_max : help_count_max;
  PM_TRY(const bool queued,
         queue_limited_sms(store_, {.msisdn = phone, .text = std::move(text), .kind = kind, .created = now}, most, since));
  outcome.sms_queued = outcome.sms_queued || queued;
  return {};
}

}  // namespace pushmail::retrieve

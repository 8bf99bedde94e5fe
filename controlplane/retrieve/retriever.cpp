#include "controlplane/retrieve/retriever.h"

#include <algorithm>

#include "controlplane/notify/texts.h"
#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::retrieve {

using notify::Taken;

TakenSms Retriever::take(const notify::IncomingSms& message) {
  const auto phone = numbering_.read(message.source, message.source_type);
  if (!phone) {
    // A short code or a name: nobody that could be answered. A number that may be two: none of both is.
    log_warning("sms_from_nobody").person("source", message.source).error(phone.error());
    return {};
  }
  auto outcome = in_one_write(store_, [&] {
    return take({.phone = *phone, .text = message.text, .automatic_sign = message.automatic_sign, .extent = message.extent});
  });
  if (!outcome) {
    log_error("sms_not_stored").error(outcome.error());
    return {.taken = Taken::later};
  }
  for (const Binding& binding : outcome->effects.changed)
    log_info("binding_state").binding(binding.id).text("state", to_string(binding.state)).text("agent", "phone");
  const bool is_rest_needed = message.extent == notify::Extent::beginning && !outcome->obeyed;
  return {.taken = is_rest_needed ? Taken::rest : Taken::yes, .effects = std::move(outcome->effects)};
}

Result<Retriever::Outcome> Retriever::take(Words words) {
  std::string around;
  if (words.automatic_sign.empty()) {
    PM_TRY(const auto ours, store_.our_text_in(words.phone, words.text, {clock_.wall().us - day_us}));
    if (ours && *ours == words.text) {
      // Whatever the network or the phone did: our own words that come back are no words of a person.
      words.automatic_sign = "our_own_text";
    } else if (ours) {
      // Around them a person may answer; a reaction (`Liked “...”`) asks for nothing and wants no answer.
      around = std::string(words.text).replace(words.text.find(*ours), ours->size(), " ");
      words.text = around;
      PM_TRY(const Instruction meant, understand(words));
      if (meant.kind == Instruction::Kind::unknown) words.automatic_sign = "repeats_our_text";
    }
  }
  PM_TRY(const auto bound, store_.bindings_of(words.phone));
  PM_TRY(const Instruction instruction, understand(words));
  // Of a beginning only what is clear is obeyed; the whole comes, or is given up.
  if (words.extent == notify::Extent::beginning && instruction.kind != Instruction::Kind::get) return {};
  Outcome outcome;
  if (instruction.kind != Instruction::Kind::get && instruction.kind != Instruction::Kind::unknown) {
    PM_TRY(outcome.effects, command(words, instruction.kind, bound));
  } else if (std::ranges::none_of(bound, &Binding::is_active)) {
    PM_TRY(outcome.effects, say(words, notify::inactive_text(bound), SmsKind::subscribe));
  } else if (instruction.kind == Instruction::Kind::get) {
    // A code is obeyed whoever sends it; only answers are kept back.
    outcome.obeyed = true;
    PM_TRY(outcome.effects, get(words, instruction.code));
  } else {
    PM_TRY(const std::string example, example_code(words.phone));
    PM_TRY(outcome.effects, say(words, notify::not_understood_text(example), SmsKind::help));
  }
  return outcome;
}

// Among other words the code of a mail that waits is meant before that of one which is through. A machine has no other words to say.
Result<Instruction> Retriever::understand(const Words& words) {
  PM_TRY(const auto holders, store_.code_holders(words.phone));
  std::vector<std::string> waiting, known;
  for (const CodeHolder& holder : holders) {
    known.push_back(holder.code);
    if (holder.state == ItemState::notified || holder.state == ItemState::accepted) waiting.push_back(holder.code);
  }
  const bool machine = !words.automatic_sign.empty();
  Instruction instruction = parse_instruction(words.text, machine ? std::span<const std::string>() : waiting);
  if (machine && instruction.kind != Instruction::Kind::get) return Instruction{};
  if (words.extent == notify::Extent::beginning && instruction.is_bare && std::ranges::find(waiting, instruction.code) == waiting.end())
    return Instruction{};
  if (machine || words.extent == notify::Extent::beginning || instruction.kind != Instruction::Kind::unknown) return instruction;
  return parse_instruction(words.text, known);
}

// STOP, START and HELP work for every number, as often as it likes; five of an hour are answered.
Result<Effects> Retriever::command(const Words& words, Instruction::Kind kind, std::span<const Binding> bound) {
  if (kind == Instruction::Kind::help) {
    PM_TRY(const std::string example, example_code(words.phone));
    const bool active = std::ranges::any_of(bound, &Binding::is_active);
    return say(words, active ? notify::help_text(example) : notify::inactive_text(bound), SmsKind::command);
  }
  const bool stops = kind == Instruction::Kind::stop;
  std::vector<Binding> changed;
  for (Binding binding : bound) {
    // What the operator suspended is his to resume.
    if (binding.state != (stops ? BindingState::active : BindingState::stopped)) continue;
    binding.state = stops ? BindingState::stopped : BindingState::active;
    PM_TRY_VOID(store_.update_binding(binding));
    changed.push_back(std::move(binding));
  }
  const bool active = !changed.empty() || std::ranges::any_of(bound, &Binding::is_active);
  PM_TRY(Effects effects, say(words,
                              stops    ? notify::stopped_text()
                              : active ? notify::started_text()
                                       : notify::inactive_text(bound),
                              SmsKind::command));
  effects.changed = std::move(changed);
  return effects;
}

Result<Effects> Retriever::get(const Words& words, const std::string& code) {
  const Msisdn& phone = words.phone;
  const Timestamp now = clock_.wall();
  PM_TRY(auto item, store_.item_of_code(phone, code));
  if (!item) {
    PM_TRY(const std::string example, example_code(words.phone));
    return say(words, notify::unknown_code_text(code, example), SmsKind::help);
  }
  if (item->is_unknown()) {
    if (item->asked_in_doubt) {
      PM_TRY_VOID(note(store_, *item, "retrieve_repeated", now, Program::control, {{"reply_code", code}}));
      return {};
    }
    item->asked_in_doubt = true;
    PM_TRY_VOID(store_.update_item(*item));
    PM_TRY_VOID(note(store_, *item, "retrieve_in_doubt", now, Program::control, {{"reply_code", code}}));
    constexpr std::int64_t minute_us = 60'000'000;
    const std::int64_t minutes = std::max<std::int64_t>((item->unknown_until.us - now.us + minute_us - 1) / minute_us, 1);
    // A mail of a binding that rests is sent when it is resumed, if ever; the phone may have another one.
    PM_TRY(const auto binding, store_.binding(item->binding));
    const bool planned = binding && binding->is_active();
    return say(words, notify::in_doubt_text(code, planned ? std::optional(minutes) : std::nullopt), SmsKind::help);
  }
  // A repeat while the first one is on its way has no second effect; once the mail is there, he is told so.
  if (item->state > ItemState::notified && item->state < ItemState::submitted) {
    PM_TRY_VOID(note(store_, *item, "retrieve_repeated", now, Program::control, {{"reply_code", code}}));
    return {};
  }
  if (item->state == ItemState::unconfirmed) return say(words, notify::unconfirmed_code_text(code), SmsKind::help);
  if (item->state == ItemState::submitted || item->state == ItemState::reported || item->state == ItemState::delivered) {
    return say(words, notify::fetched_already_text(code), SmsKind::help);
  }
  if (is_final(item->state) || item->code_expires <= now) return say(words, notify::expired_code_text(code), SmsKind::help);

  PM_TRY_VOID(store_.withdraw_sms(item->id));
  item->retry_at = {};
  item->attempts = 0;
  PM_TRY(const bool moved, move_item(store_, *item,
                                     {.event = ItemEvent::retrieve_requested,
                                      .reason = "the phone asked for the mail; it is about to be fetched",
                                      .time = now,
                                      .details = {{"msisdn", phone.digits()}, {"reply_code", code}}}));
  if (!moved) return {};
  log_info("retrieve_requested").trace(item->trace).item(item->id).binding(item->binding);
  Effects effects{.requested = {std::move(*item)}};
  PM_TRY(effects.sms_queued, next_mail_.answered(phone));
  return effects;
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

Result<Effects> Retriever::say(const Words& to, std::string text, SmsKind kind) {
  const Timestamp now = clock_.wall();
  if (to.extent == notify::Extent::beginning) return {};
  if (!to.automatic_sign.empty()) {
    log_info("automatic_not_answered").text("sign", to.automatic_sign).text("kind", to_string(kind));
    return {};
  }
  const bool once_a_day = kind == SmsKind::subscribe;
  const Timestamp since{now.us - (once_a_day ? day_us : timers::help_window.us())};
  const std::uint64_t most = once_a_day ? 1 : kind == SmsKind::command ? command_count_max : help_count_max;
  Effects effects;
  PM_TRY(effects.sms_queued,
         queue_limited_sms(store_, {.msisdn = to.phone, .text = std::move(text), .kind = kind, .created = now}, most, since));
  return effects;
}

}  // namespace pushmail::retrieve

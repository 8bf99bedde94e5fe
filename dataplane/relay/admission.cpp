#include "dataplane/relay/admission.h"

#include <algorithm>
#include <utility>

#include "dataplane/handoff/peer.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

std::string sender_key(const Question& question) { return "s\n" + question.source + "\n" + question.peer + "\n" + question.sender; }

// Whether a recipient can be reached depends on who sends: a suffix belongs to one binding.
std::string recipient_key(const Question& question, std::string_view recipient) {
  return "r\n" + question.source + "\n" + question.sender + "\n" + std::string(recipient);
}

}  // namespace

Verdict parse_verdict(std::string_view word) {
  if (word == handoff::verdict::accepted) return Verdict::accepted;
  if (word == handoff::verdict::not_bound) return Verdict::not_bound;
  if (word == handoff::verdict::suspended) return Verdict::suspended;
  if (word == handoff::verdict::bad_address) return Verdict::bad_address;
  return Verdict::unavailable;
}

Verdict Admission::cached(const std::string& key, Instant now) const {
  const auto found = cache_.find(key);
  return found != cache_.end() && now < found->second.until ? found->second.verdict : Verdict::unavailable;
}

void Admission::remember(const std::string& key, Verdict verdict, std::uint64_t lifetime_s, Instant now) {
  if (lifetime_s == 0 || verdict == Verdict::unavailable) {
    cache_.erase(key);
    return;
  }
  if (cache_.size() >= cache_max_) {
    std::erase_if(cache_, [&](const auto& entry) { return entry.second.until <= now; });
    if (cache_.size() >= cache_max_) cache_.erase(cache_.begin());
  }
  cache_[key] = {.verdict = verdict, .until = now + seconds(static_cast<std::int64_t>(std::min<std::uint64_t>(lifetime_s, 86'400)))};
}

bool Admission::knows_sender(const Question& question, Instant now) const { return cached(sender_key(question), now) != Verdict::unavailable; }

void Admission::ask(const Question& question, Instant now, Answer answer) {
  Verdicts known;
  if (!question.sender.empty()) known.sender = cached(sender_key(question), now);
  bool whole = known.sender != Verdict::unavailable;
  for (const std::string& recipient : question.recipients) {
    known.recipients.push_back(cached(recipient_key(question, recipient), now));
    whole = whole && known.recipients.back() != Verdict::unavailable;
  }
  // A refused sender needs no look at the recipients.
  if (whole || known.sender == Verdict::not_bound || known.sender == Verdict::suspended) {
    counters_.add(Counter::admission_cached);
    return answer(known);
  }
  if (!handoff_.is_ready()) {
    counters_.add(Counter::admission_unanswered);
    return answer(known);
  }
  const std::uint64_t query = ++last_query_;
  RecordWriter record = handoff::make(handoff::Kind::admission_query, question.item);
  record.u64(tag(Tag::query), query).text(tag(Tag::source), question.source).trace(tag(Tag::trace), question.trace);
  if (!question.peer.empty()) record.text(tag(Tag::peer), question.peer);
  if (!question.sender.empty()) record.text(tag(Tag::sender), question.sender);
  for (const std::string& recipient : question.recipients) record.text(tag(Tag::recipient), recipient);
  counters_.add(Counter::admission_asked);
  asked_.emplace(query, Asked{.question = question, .known = std::move(known), .deadline = now + limit_, .answer = std::move(answer)});
  handoff_.send(handoff::Kind::admission_query, question.item, std::move(record));
}

void Admission::on_answer(const RecordView& record, Instant now) {
  const auto found = asked_.find(record.u64(tag(Tag::query)).value_or(0));
  if (found == asked_.end()) return;
  const Asked asked = std::move(found->second);
  asked_.erase(found);
  std::vector<Verdict> words;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::verdict)) words.push_back(parse_verdict(text_of(value)));
  });
  const std::uint64_t lifetime_s = record.u64(tag(Tag::lifetime_s)).value_or(0);

  Verdicts verdicts = asked.known;
  std::size_t next = 0;
  const auto take = [&](const std::string& key, Verdict& verdict) {
    if (next >= words.size()) return;
    verdict = words[next++];
    remember(key, verdict, lifetime_s, now);
  };
  if (!asked.question.sender.empty()) take(sender_key(asked.question), verdicts.sender);
  for (std::size_t i = 0; i < asked.question.recipients.size(); ++i) take(recipient_key(asked.question, asked.question.recipients[i]), verdicts.recipients[i]);
  asked.answer(verdicts);
}

void Admission::on_lost() {
  const auto asked = std::exchange(asked_, {});
  for (const auto& [query, waiting] : asked) {
    counters_.add(Counter::admission_unanswered);
    waiting.answer(waiting.known);
  }
}

void Admission::tick(Instant now) {
  while (!asked_.empty() && asked_.begin()->second.deadline <= now) {
    const Asked late = std::move(asked_.begin()->second);
    asked_.erase(asked_.begin());
    counters_.add(Counter::admission_unanswered);
    late.answer(late.known);
  }
}

}  // namespace pushmail::relay

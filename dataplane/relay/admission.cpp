#include "dataplane/relay/admission.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/contract/handoff/peer.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

std::string sender_key(const Question& question) { return "s\n" + question.source + "\n" + question.peer + "\n" + question.sender; }

// Whether a recipient can be reached depends on who sends, since a suffix belongs to one binding, and on the peer, whose service number it
// may be: what one MMSC is refused says nothing to another.
std::string recipient_key(const Question& question, std::string_view recipient) {
  // So is a budget of those who hand mail in; of a sender only his domain counts.
  const std::string_view domain =
      std::string_view(question.mail_from).substr(std::min(question.mail_from.rfind('@'), question.mail_from.size()));
  return "r\n" + question.source + "\n" + question.peer + "\n" + question.sender + "\n" + question.source_address + "\n" +
         std::string(domain) + "\n" + std::string(recipient);
}

}  // namespace

Verdict parse_verdict(std::string_view word) {
  if (word == handoff::verdict::accepted) return Verdict::accepted;
  if (word == handoff::verdict::not_bound) return Verdict::not_bound;
  if (word == handoff::verdict::suspended) return Verdict::suspended;
  if (word == handoff::verdict::bad_address) return Verdict::bad_address;
  if (word == handoff::verdict::recipient_busy) return Verdict::recipient_busy;
  if (word == handoff::verdict::sender_busy) return Verdict::sender_busy;
  return Verdict::unavailable;
}

Verdict Admission::cached(const std::string& key, Instant now) {
  const auto found = cache_.find(key);
  if (found == cache_.end() || now >= found->second.until || found->second.uses == 0) return Verdict::unavailable;
  --found->second.uses;
  return found->second.verdict;
}

void Admission::remember(const std::string& key, Verdict verdict, Keep keep, Instant now) {
  if (keep.lifetime_s == 0 || keep.uses == 0 || verdict == Verdict::unavailable) {
    cache_.erase(key);
    return;
  }
  if (cache_.size() >= cache_max_) {
    std::erase_if(cache_, [&](const auto& entry) { return entry.second.until <= now; });
    if (cache_.size() >= cache_max_) cache_.erase(cache_.begin());
  }
  cache_[key] = {.verdict = verdict,
                 .until = now + seconds(static_cast<std::int64_t>(std::min<std::uint64_t>(keep.lifetime_s, 86'400))),
                 .uses = keep.uses};
}

// A look that spends nothing.
bool Admission::knows_sender(const Question& question, Instant now) const {
  const auto found = cache_.find(sender_key(question));
  return found != cache_.end() && now < found->second.until && found->second.uses != 0 && found->second.verdict != Verdict::unavailable;
}

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
  if (!question.source_address.empty())
    record.text(tag(Tag::mail_from), question.mail_from).text(tag(Tag::source_address), question.source_address);
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
  std::vector<std::uint64_t> grants;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::verdict)) words.push_back(parse_verdict(text_of(value)));
    if (field == tag(Tag::mails_max) && value.size() == 8) grants.push_back(load<std::uint64_t>(value.data(), std::endian::little));
  });
  const std::uint64_t lifetime_s = record.u64(tag(Tag::lifetime_s)).value_or(0);

  Verdicts verdicts = asked.known;
  std::size_t next = 0;
  const auto take = [&](const std::string& key, Verdict& verdict) {
    if (next >= words.size()) return;
    // The one that is asked about now is spent.
    const std::uint64_t uses =
        next < grants.size() ? grants[next] - std::min<std::uint64_t>(grants[next], 1) : std::numeric_limits<std::uint64_t>::max();
    verdict = words[next++];
    remember(key, verdict,
             {.lifetime_s = lifetime_s, .uses = verdict == Verdict::accepted ? uses : std::numeric_limits<std::uint64_t>::max()}, now);
  };
  if (!asked.question.sender.empty()) take(sender_key(asked.question), verdicts.sender);
  for (std::size_t i = 0; i < asked.question.recipients.size(); ++i)
    take(recipient_key(asked.question, asked.question.recipients[i]), verdicts.recipients[i]);
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

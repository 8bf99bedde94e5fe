// What must hold between the parts of the relay.
#include <unordered_map>

#include "core/match.h"
#include "dataplane/relay/relay.h"

namespace pushmail::relay {

namespace {

std::size_t count_of(const std::unordered_map<ItemId, std::size_t>& counts, const ItemId& id) {
  const auto found = counts.find(id);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

void Relay::check() const {
  items_.check(from_phone_.held());
  remembered_.check();
  answering_.check([this](const DigestKey& key) { return from_phone_.has(key) || reports_.has(key); });

  // Where a message is before it is relayed, and what of each item the disk has to answer.
  std::unordered_map<ItemId, std::size_t> accepting, beginning, ending;
  std::unordered_map<std::uint64_t, std::size_t> of_mail;
  commits_.for_each([&](const Commit& waiting) {
    std::visit(Match{
                   [&](const DeliverCommit& commit) {
                     PM_CHECK(from_phone_.has(commit.item));
                     ++accepting[commit.item];
                   },
                   [&](const ReportCommit& commit) { PM_CHECK(reports_.has(commit.report)); },
                   [&](const ForwardedCommit& commit) { ++of_mail[commit.mail]; },
                   [&](const AttemptCommit& commit) {
                     const Item* item = items_.find(commit.item);
                     if (item != nullptr && item->serial == commit.serial) ++beginning[commit.item];
                   },
                   [&](const AttemptEndCommit&) {},
                   [&](const OutcomeCommit& commit) { ++ending[commit.item]; },
               },
               waiting);
  });
  for (const auto& [mail, waiting] : from_forwarded_.waiting()) {
    PM_CHECK(waiting.missing > 0 && waiting.missing <= waiting.items.size() && waiting.missing == of_mail[mail]);
    for (const ItemId& id : waiting.items) ++accepting[id];
  }
  PM_CHECK(of_mail.size() == from_forwarded_.waiting().size());
  for (const std::deque<ItemId>* queue : {&answered_, &starting_}) {
    for (const ItemId& id : *queue) ++accepting[id];
  }

  items_.for_each([&](const Item& item) {
    // Before it is relayed it stands in one place, and afterwards in none of them.
    PM_CHECK(count_of(accepting, item.id) == (item.stage == Stage::committing ? 1 : 0));
    check_stage(item, item.stage == Stage::finishing ? count_of(ending, item.id) : count_of(beginning, item.id));
    check_attempt(item);
  });
}

// By whom each stage is left: by the disk (`commits`: records that it has to answer), a timer, or whoever has the item's bytes.
void Relay::check_stage(const Item& item, std::size_t commits) const {
  const bool is_due = item.due != Instant{};
  const auto* mailbox = std::get_if<MailboxOrigin>(&item.origin);
  const bool has_target = !std::holds_alternative<std::monostate>(item.target);
  switch (item.stage) {
    case Stage::committing:
      PM_CHECK(mailbox == nullptr && !has_target && !is_due);
      break;
    case Stage::peeking:
      // In the codec lane, or put off with its bytes.
      PM_CHECK(mailbox == nullptr && !has_target && (is_due || item.body.empty()));
      break;
    case Stage::routing:
      // A lost question is asked again; nothing is asked while nobody is there, or while a doubt of it is not acknowledged.
      PM_CHECK(mailbox == nullptr && (is_due || !context_.ports.handoff.is_ready() || in_doubt_.contains(item.id)));
      break;
    case Stage::waiting:
      PM_CHECK(mailbox == nullptr && !is_due);
      break;
    case Stage::receiving:
      PM_CHECK(mailbox != nullptr && item.is_to_phone() && (is_due || mailbox->has_credit));
      PM_CHECK(item.body.size() < mailbox->mail_size);
      break;
    case Stage::converting:
      PM_CHECK(has_target && !item.converted && !is_due && item.body.empty());
      break;
    case Stage::attempting:
      PM_CHECK(has_target && item.converted && !is_due && commits > 0);
      break;
    case Stage::sending:
      PM_CHECK(has_target && item.converted && !is_due);
      break;
    case Stage::backing_off:
      PM_CHECK(has_target && is_due);
      break;
    case Stage::finishing:
      PM_CHECK(!item.outcome.empty() && item.memory == 0 && commits == (is_due ? 0 : 1));
      break;
  }
  PM_CHECK(item.outcome.empty() == (item.stage != Stage::finishing));
}

void Relay::check_attempt(const Item& item) const {
  const Attempt& attempt = item.attempt;
  const bool is_under_way = item.stage == Stage::attempting || item.stage == Stage::sending;
  if (is_under_way) PM_CHECK(attempt.phase == AttemptPhase::begun);
  if (attempt.phase == AttemptPhase::begun) PM_CHECK(is_under_way || item.stage == Stage::finishing);
  PM_CHECK((attempt.phase == AttemptPhase::none) == (attempt.number == 0));
  PM_CHECK(attempt.doubts <= attempt.number && attempt.rejected.size() <= attempt.done.size());
}

}  // namespace pushmail::relay

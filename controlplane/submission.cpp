#include "controlplane/submission.h"

#include <fmt/format.h>

#include <utility>

#include "controlplane/store/errors.h"
#include "controlplane/store/ledger.h"
#include "core/contract/handoff/peer.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

}  // namespace

Result<void> describe_submission(Store& store, const Settings& settings, Timestamp now, Item& item, RecordWriter& record) {
  const PeerProfile* peer = settings.peer(item.peer);
  if (peer == nullptr) return fail(store_not_found);
  std::string thread = item.mail_references.empty() ? item.mail_message_id : item.mail_references.front();
  if (thread.empty()) thread = to_string(item.id);
  std::vector<std::string> references = item.mail_references;
  if (!item.mail_message_id.empty()) references.push_back(item.mail_message_id);
  PM_TRY(const Suffix suffix, take_suffix(store,
                                          {.msisdn = item.msisdn,
                                           .binding = item.binding,
                                           .correspondent = item.correspondent,
                                           .correspondent_name = item.correspondent_name,
                                           .thread = std::move(thread),
                                           .subject = item.subject,
                                           .message_id = item.mail_message_id,
                                           .references = std::move(references)},
                                          static_cast<std::uint32_t>(peer->number("suffix_digits")), now));
  item.suffix = suffix.digits;
  if (const auto written = store.update_item(item); !written) return written;

  std::string sender = fmt::format("short:{}{}", peer->text("service_number"), suffix.digits);
  if (peer->is({"sender", "alias"})) sender = fmt::format("mail:r-{}@reply.{}", suffix.digits, settings.domain);
  if (peer->is({"sender", "original"})) sender = "mail:" + item.correspondent;
  record.trace(tag(Tag::trace), item.trace).text(tag(Tag::peer), peer->name()).text(tag(Tag::msisdn), item.msisdn.digits());
  record.text(tag(Tag::sender_address), sender).u64(tag(Tag::mm_size_max), peer->size("mm_size_max"));
  record.u64(tag(Tag::expiry_s), static_cast<std::uint64_t>(peer->duration("expiry").ms() / 1000));
  PM_TRY(const auto binding, store.binding(item.binding));
  if (binding && !binding->mail_address.empty()) record.text(tag(Tag::own_address), binding->mail_address);
  if (item.doubts > 0) record.u64(tag(Tag::duplicate_possible), 1);
  return {};
}

std::string explain_submission(const Error& error, const Item& item) {
  if (error.is(store_not_found)) return fmt::format("[peer.{}] is not in the configuration; tried again", item.peer);
  return std::string(error.info->text);
}

}  // namespace pushmail

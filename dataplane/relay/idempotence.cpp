#include "dataplane/relay/idempotence.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/result.h"

namespace pushmail::relay {

Digest& Digest::add(ByteView piece) {
  std::array<std::uint8_t, 8> size;
  store(size.data(), std::uint64_t{piece.size()}, std::endian::little);
  hash_.add(size);
  hash_.add(piece);
  return *this;
}

DigestKey key_of(const HashKey& secret, std::string_view peer, const mm7::DeliverReq& request) {
  Digest digest(secret);
  digest.add("deliver").add(peer).add(ascii_trim(request.transaction_id)).add(request.sender.value).add(request.subject);
  for (const mm7::Recipient& recipient : request.recipients) digest.add(recipient.address.value);
  for (const MultimediaPart& part : request.content.parts) digest.add(part.media_type).add(part.name).add(part.data);
  return digest.key();
}

DigestKey key_of(const HashKey& secret, std::string_view peer, const mm7::DeliveryReportReq& request) {
  // Peers swap Recipient and Sender: both in order of value, so that a swapped repeat is the same report.
  const auto [low, high] = std::minmax(request.recipient.value, request.sender.value);
  Digest digest(secret);
  digest.add("report").add(peer).add(request.message_id).add(low).add(high).add(request.mm_status);
  digest.add(request.date ? fmt::to_string(request.date->us) : std::string());
  return digest.key();
}

std::optional<DigestKey> key_from(ByteView bytes) {
  DigestKey key;
  if (bytes.size() != key.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

const Repeats::Entry* Repeats::find(const DigestKey& key, Timestamp now) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  if (found->second.durable && now.us - found->second.at.us > keep.us()) return nullptr;
  return &found->second;
}

void Repeats::put(const DigestKey& key, Entry entry) {
  const auto [place, is_new] = entries_.insert_or_assign(key, std::move(entry));
  if (is_new) order_.push_back(key);
  while (order_.size() > most_) {
    // A key that was forgotten and put again stands here twice; then its first place takes it a little early.
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

void Repeats::make_durable(const DigestKey& key, const mm7::Status& status) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  found->second.durable = true;
  found->second.status = status;
}

void Repeats::check() const { PM_CHECK(entries_.size() <= order_.size() && order_.size() <= most_); }

}  // namespace pushmail::relay

#include "dataplane/certificates.h"

#include <utility>

#include "core/contract/handoff/peer.h"

namespace pushmail {

void Certificates::set_own(const TlsFiles& files) {
  std::map<std::string, One, std::less<>> fresh;
  for (const OwnCertificate& one : files.own) fresh.emplace(one.key, One{.detail = one.file, .ends = one.ends});
  if (fresh == own_) return;
  own_ = std::move(fresh);
  has_news_ = true;
}

void Certificates::see(std::string_view label, const tls::Certificate& shown) {
  One now{.detail = shown.subject, .ends = shown.ends};
  const auto known = seen_.find(label);
  if (known != seen_.end() && known->second == now) return;
  seen_.insert_or_assign(std::string(label), std::move(now));
  has_news_ = true;
}

RecordWriter Certificates::take_record() {
  using handoff::Tag;
  has_news_ = false;
  RecordWriter record = handoff::make(handoff::Kind::certificates, {});
  for (const auto* table : {&own_, &seen_}) {
    for (const auto& [name, one] : *table) {
      record.text(handoff::tag(Tag::name), name).text(handoff::tag(Tag::detail), one.detail).i64(handoff::tag(Tag::ends_at), one.ends.us);
    }
  }
  return record;
}

}  // namespace pushmail

#include "dataplane/relay/peer_table.h"

#include <algorithm>
#include <utility>

#include "dataplane/handoff/peer.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

mm7::NumberForm number_form_of(std::string_view word) {
  if (word == "digits") return mm7::NumberForm::digits;
  if (word == "plus_plmn") return mm7::NumberForm::plus_plmn;
  return mm7::NumberForm::plus;
}

PeerProfile profile_of(const RecordView& record, std::size_t& unknown_knobs) {
  const auto text = [&](Tag field) { return std::string(record.text(tag(field)).value_or("")); };
  PeerProfile profile;
  profile.name = text(Tag::name);
  profile.url = text(Tag::url);
  profile.host_header = text(Tag::host_header);
  profile.user = text(Tag::user);
  profile.password = text(Tag::password);
  profile.inbound_user = text(Tag::inbound_user);
  profile.inbound_password = text(Tag::inbound_password);
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::allow)) profile.allow.emplace_back(text_of(value));
  });
  profile.dialect.vaspid = text(Tag::vaspid);
  profile.dialect.vasid = text(Tag::vasid);
  profile.dialect.service_code = text(Tag::service_code);
  if (const auto uri = record.text(tag(Tag::namespace_uri)); uri && !uri->empty()) profile.dialect.namespace_uri = *uri;
  if (const auto version = record.text(tag(Tag::mm7_version)); version && !version->empty()) profile.dialect.version = *version;
  profile.dialect.number_form = number_form_of(text(Tag::number_form));
  profile.dialect.parts_base64 = record.u64(tag(Tag::parts_base64)).value_or(1) != 0;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field != tag(Tag::knob)) return;
    const std::string_view setting = text_of(value);
    const std::size_t sign = std::min(setting.find('='), setting.size());
    // A newer control plane may know a knob that we do not.
    if (!mm7::set_knob(profile.dialect, setting.substr(0, sign), setting.substr(std::min(sign + 1, setting.size())))) ++unknown_knobs;
  });
  profile.sender_refused = static_cast<int>(record.u64(tag(Tag::sender_refused)).value_or(4007));
  profile.deduplicates = record.u64(tag(Tag::deduplicates)).value_or(0) != 0;
  profile.connections_max = static_cast<std::uint32_t>(record.u64(tag(Tag::connections_max)).value_or(4));
  return profile;
}

}  // namespace

std::size_t PeerTable::read(const RecordView& peers) {
  std::size_t broken = 0;
  std::map<std::string, PeerProfile, std::less<>> table;
  peers.for_each([&](std::uint16_t field, ByteView value) {
    if (field != tag(Tag::peer_record)) return;
    const Parsed<RecordView> nested = parse_record(value);
    if (!nested.is_done() || !handoff::validate(nested.value(), handoff::Direction::to_data)) {
      ++broken;
      return;
    }
    PeerProfile profile = profile_of(nested.value(), broken);
    std::string name = profile.name;
    table.insert_or_assign(std::move(name), std::move(profile));
  });
  peers_ = std::move(table);
  return broken;
}

const PeerProfile* PeerTable::find(std::string_view name) const {
  const auto found = peers_.find(name);
  return found == peers_.end() ? nullptr : &found->second;
}

}  // namespace pushmail::relay

#include "dataplane/relay/peer_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/contract/handoff/peer.h"
#include "core/log.h"

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
  std::vector<std::string> forms;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == tag(Tag::sender_form)) forms.emplace_back(text_of(value));
  });
  if (!forms.empty()) profile.sender_forms = std::move(forms);
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
  profile.check_transaction_id = record.u64(tag(Tag::check_transaction_id)).value_or(1) != 0;
  profile.connections_max = static_cast<std::uint32_t>(record.u64(tag(Tag::connections_max)).value_or(32));
  profile.requests_per_connection = static_cast<std::uint32_t>(record.u64(tag(Tag::requests_per_connection)).value_or(0));
  return profile;
}

// The networks a peer may come from; nothing when one of them cannot be read.
std::optional<std::vector<IpNetwork>> networks_of(const RecordView& record) {
  std::vector<IpNetwork> networks;
  bool good = true;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field != tag(Tag::allow)) return;
    const auto network = parse_network(text_of(value));
    good = good && network.has_value();
    if (network) networks.push_back(*network);
  });
  return good ? std::optional(std::move(networks)) : std::nullopt;
}

// Why nobody may speak as this peer; null when the record says who may.
const char* refusal_of(const RecordView& record, const PeerProfile& profile) {
  const bool has_password = !profile.inbound_user.empty() && !profile.inbound_password.empty();
  const bool has_networks = !profile.allow.empty() && std::ranges::none_of(profile.allow, &IpNetwork::is_everybody);
  if (has_password || has_networks || record.u64(tag(Tag::inbound_open)).value_or(0) != 0) return nullptr;
  return "nothing authenticates this peer, and its record does not say that it is open";
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
    auto networks = networks_of(nested.value());
    if (networks) profile.allow = std::move(*networks);
    if (const char* refusal = networks ? refusal_of(nested.value(), profile) : "a network in its allow list cannot be read";
        refusal != nullptr) {
      log_error("peer_refused").peer(profile.name).text("reason", refusal);
      ++broken;
      return;
    }
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

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

// The fields of the dialect that are older than the knobs, then the knobs. A newer control plane may know a knob that we do not.
mm7::Mm7Dialect dialect_of(const PeerProfile& profile, std::size_t& unknown_knobs) {
  mm7::Mm7Dialect dialect;
  dialect.vaspid = profile.text("vaspid");
  dialect.vasid = profile.text("vasid");
  dialect.service_code = profile.text("service_code");
  if (!profile.text("namespace").empty()) dialect.namespace_uri = profile.text("namespace");
  if (!profile.text("mm7_version").empty()) dialect.version = profile.text("mm7_version");
  // Of a word that we do not know the default stays.
  static_cast<void>(mm7::set_knob(dialect, "number_form", profile.text("number_form")));
  dialect.parts_base64 = profile.is({"parts", "base64"});
  for (const std::string& knob : profile.texts("knob")) {
    const std::string_view setting = knob;
    const std::size_t sign = std::min(setting.find('='), setting.size());
    if (!mm7::set_knob(dialect, setting.substr(0, sign), setting.substr(std::min(sign + 1, setting.size())))) ++unknown_knobs;
  }
  return dialect;
}

// The networks a peer may come from; nothing when one of them cannot be read.
std::optional<std::vector<IpNetwork>> networks_of(const PeerProfile& profile) {
  std::vector<IpNetwork> networks;
  for (const std::string& text : profile.texts("allow")) {
    const auto network = parse_network(text);
    if (!network) return std::nullopt;
    networks.push_back(*network);
  }
  return networks;
}

// Why nobody may speak as this peer; null when its record says who may.
const char* refusal_of(const PeerEntry& peer) {
  const bool has_user = !peer.text("inbound_user").empty();
  if (has_user && peer.text("inbound_password").empty()) return "its user has no password, with which anybody would be it";
  const bool has_networks = !peer.networks.empty() && std::ranges::none_of(peer.networks, &IpNetwork::is_everybody);
  const bool has_certificate = !peer.text("inbound_certificate").empty();
  if (has_user || has_networks || has_certificate || peer.is({"inbound", "open"})) return nullptr;
  return "nothing authenticates this peer, and its record does not say that it is open";
}

}  // namespace

std::size_t PeerTable::read(const RecordView& peers) {
  std::size_t broken = 0;
  std::map<std::string, PeerEntry, std::less<>> table;
  peers.for_each([&](std::uint16_t field, ByteView value) {
    if (field != tag(Tag::peer_record)) return;
    const Parsed<RecordView> nested = parse_record(value);
    if (!nested.is_done() || !handoff::validate(nested.value(), handoff::Direction::to_data)) {
      ++broken;
      return;
    }
    PeerEntry peer(PeerProfile::of(nested.value()));
    peer.dialect = dialect_of(peer, broken);
    auto networks = networks_of(peer);
    if (networks) peer.networks = std::move(*networks);
    if (const char* refusal = networks ? refusal_of(peer) : "a network in its allow list cannot be read"; refusal != nullptr) {
      log_error("peer_refused").peer(peer.name()).text("reason", refusal);
      ++broken;
      return;
    }
    std::string name = peer.name();
    table.insert_or_assign(std::move(name), std::move(peer));
  });
  peers_ = std::move(table);
  return broken;
}

const PeerEntry* PeerTable::find(std::string_view name) const {
  const auto found = peers_.find(name);
  return found == peers_.end() ? nullptr : &found->second;
}

}  // namespace pushmail::relay

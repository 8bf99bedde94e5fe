#include "dataplane/last_known.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "core/contract/handoff/peer.h"
#include "core/contract/handoff/secrets.h"
#include "core/peer_fields.h"
#include "core/secret_file.h"
#include "core/storage.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

// All fields of a record as they are.
RecordWriter copy_of(const RecordView& record) {
  const RecordHeader& header = record.header();
  RecordWriter copy(header.kind, header.version, header.item);
  record.for_each([&](std::uint16_t field, ByteView value) { copy.bytes(field, value); });
  return copy;
}

std::expected<Bytes, StartError> peer_with_passwords(const RecordView& peer, const Config& config) {
  RecordWriter whole = copy_of(peer);
  const std::string_view name = peer.text(tag(Tag::name)).value_or("");
  for (const PeerField& field : peer_fields) {
    if (field.reader != PeerReader::secret_file) continue;
    const std::string key = fmt::format("peer.{}.{}", name, field.key.path.substr(field.key.path.rfind('.') + 1));
    const auto password = read_secret(config, key);
    if (!password) return std::unexpected(password.error());
    if (!password->empty()) whole.text(field.tag, *password);
  }
  return whole.finish(peer.header().sequence);
}

}  // namespace

Result<void> write_last_known(const std::filesystem::path& file, const RecordView& peers) {
  return replace_file(system_storage(), file, handoff::without_secrets(peers), 0600);
}

Result<std::optional<Bytes>> read_last_known(const std::filesystem::path& file) {
  auto bytes = read_file(system_storage(), file);
  if (!bytes && bytes.error().os == ENOENT) return std::nullopt;
  if (!bytes) return std::unexpected(bytes.error());
  const Parsed<RecordView> peers = parse_record(*bytes);
  if (!peers.is_done() || !handoff::validate(peers.value(), handoff::Direction::to_data)) return fail(last_known_broken);
  if (!handoff::holds_secrets(peers.value())) return std::move(*bytes);
  // An earlier release's.
  PM_TRY_VOID(write_last_known(file, peers.value()));
  return handoff::without_secrets(peers.value());
}

std::expected<Bytes, StartError> with_passwords(const RecordView& peers, const Config& config) {
  const std::vector<std::string> configured = config.peers();
  const RecordHeader& header = peers.header();
  RecordWriter whole(header.kind, header.version, header.item);
  std::optional<StartError> problem;
  const auto is_configured = [&](const RecordView& peer) {
    return std::ranges::find(configured, peer.text(tag(Tag::name)).value_or("")) != configured.end();
  };
  peers.for_each([&](std::uint16_t field, ByteView value) {
    const Parsed<RecordView> peer = parse_record(value);
    if (field != tag(Tag::peer_record)) {
      whole.bytes(field, value);
    } else if (!peer.is_done() || !is_configured(peer.value())) {
      // What the configuration has no more is nobody's: without its password its user alone would let anybody in.
    } else if (const auto complete = peer_with_passwords(peer.value(), config)) {
      whole.bytes(field, *complete);
    } else if (!problem) {
      problem = complete.error();
    }
  });
  if (problem) return std::unexpected(std::move(*problem));
  return whole.finish(header.sequence);
}

}  // namespace pushmail

#include "core/contract/peer/profile.h"

#include <fmt/format.h>

#include "core/contract/handoff/peer.h"
#include "core/secret_file.h"

namespace pushmail {

namespace {

// What 0 stands for where the word `one` travels as 1.
std::string_view word_of_zero(const PeerField& field) {
  std::string_view words = field.key.words;
  if (words.starts_with(field.one)) words.remove_prefix(field.one.size() + 1);
  return words.substr(0, words.find('|'));
}

void write(RecordWriter& record, const PeerField& field, const ConfigValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (field.one.empty()) {
      record.text(field.tag, *text);
    } else {
      record.u64(field.tag, *text == field.one ? 1 : 0);
    }
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& entry : *texts) record.text(field.tag, entry);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    record.u64(field.tag, *flag ? 1 : 0);
  } else {
    record.i64(field.tag, std::get<std::int64_t>(value));
  }
}

// Leaves the value as it is where the record does not give it.
void read(const RecordView& record, const PeerField& field, ConfigValue& value) {
  if (std::holds_alternative<std::vector<std::string>>(value)) {
    std::vector<std::string> given;
    record.for_each([&](std::uint16_t tag, ByteView entry) {
      if (tag == field.tag) given.emplace_back(text_of(entry));
    });
    if (!given.empty()) value = std::move(given);
  } else if (std::holds_alternative<std::string>(value) && field.one.empty()) {
    if (const auto text = record.text(field.tag)) value = std::string(*text);
  } else if (const auto number = record.i64(field.tag)) {
    if (std::holds_alternative<std::string>(value)) {
      value = std::string(*number != 0 ? field.one : word_of_zero(field));
    } else if (std::holds_alternative<bool>(value)) {
      value = *number != 0;
    } else {
      value = *number;
    }
  }
}

}  // namespace

PeerProfile::PeerProfile(std::string name) : name_(std::move(name)) {
  for (std::size_t row = 0; row < peer_fields.size(); ++row) values_[row] = default_of(peer_fields[row].key);
}

std::expected<PeerProfile, StartError> PeerProfile::from(const Config& config, std::string name) {
  PeerProfile profile(std::move(name));
  for (std::size_t row = 0; row < peer_fields.size(); ++row) {
    const PeerField& field = peer_fields[row];
    if (field.reader == PeerReader::derived) continue;
    const std::string path = fmt::format("peer.{}.{}", profile.name_, field.key.path.substr(field.key.path.rfind('.') + 1));
    if (field.reader == PeerReader::secret_file) {
      auto secret = read_secret(config, path);
      if (!secret) return std::unexpected(secret.error());
      profile.values_[row] = std::move(*secret);
    } else {
      profile.values_[row] = config.value(path);
    }
  }
  return profile;
}

PeerProfile PeerProfile::of(const RecordView& record) {
  PeerProfile profile(std::string(record.text(handoff::tag(handoff::Tag::name)).value_or("")));
  for (std::size_t row = 0; row < peer_fields.size(); ++row) {
    if (peer_fields[row].tag != 0) read(record, peer_fields[row], profile.values_[row]);
  }
  return profile;
}

RecordWriter PeerProfile::record() const {
  RecordWriter record = handoff::make(handoff::Kind::peer, {});
  record.text(handoff::tag(handoff::Tag::name), name_);
  for (std::size_t row = 0; row < peer_fields.size(); ++row) {
    if (peer_fields[row].tag != 0) write(record, peer_fields[row], values_[row]);
  }
  return record;
}

}  // namespace pushmail

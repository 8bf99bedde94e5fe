#include "controlplane/cli/journal_cat.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controlplane/cli/table.h"
#include "core/clock.h"
#include "core/contract/handoff/peer.h"
#include "core/contract/journal/schema.h"

namespace pushmail::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string shown(journal::Tag tag, ByteView value) {
  switch (tag) {
    case journal::Tag::trace:
    case journal::Tag::digest:
      return to_hex(value);
    case journal::Tag::body:
      return fmt::format("[{} bytes]", value.size());
    case journal::Tag::record: {
      const auto record = parse_record(value);
      return record.is_done() ? handoff::describe(record.value()) : fmt::format("[{} bytes]", value.size());
    }
    case journal::Tag::time:
    case journal::Tag::settles:
    case journal::Tag::segment_number:
    case journal::Tag::admission:
    case journal::Tag::attempt:
    case journal::Tag::doubts: {
      if (value.size() != 8) return fmt::format("[{} bytes]", value.size());
      const auto number = load<std::uint64_t>(value.data(), std::endian::little);
      if (tag == journal::Tag::time) return format_rfc3339({static_cast<std::int64_t>(number)});
      if (tag == journal::Tag::settles && number <= static_cast<std::uint64_t>(journal::kind_last)) {
        return std::string(to_string(static_cast<journal::Kind>(number)));
      }
      return fmt::to_string(number);
    }
    default:
      return std::string(text_of(value));
  }
}

}  // namespace

Result<journal::ReplaySummary> print_segment(const std::filesystem::path& segment, Form form, std::ostream& out) {
  return journal::read_segment(segment, [&](const RecordView& record) {
    const auto kind = record.header().kind;
    const bool known = kind >= 1 && kind <= static_cast<std::uint16_t>(journal::kind_last);
    Json json;
    json["kind"] = known ? std::string(to_string(static_cast<journal::Kind>(kind))) : fmt::format("kind-{}", kind);
    json["item"] = to_string(record.header().item);
    json["sequence"] = record.header().sequence;
    json["size"] = record.header().length;
    record.for_each([&](std::uint16_t tag, ByteView value) {
      const journal::TagRow* row = journal::find_tag(tag);
      const std::string name = row != nullptr ? std::string(row->name) : fmt::format("tag-{}", tag);
      const std::string text = row != nullptr ? shown(row->tag, value) : fmt::format("[{} bytes]", value.size());
      if (!json.contains(name)) {
        json[name] = text;
      } else {
        if (!json[name].is_array()) json[name] = Json::array({json[name]});
        json[name].push_back(text);
      }
    });
    if (form == Form::json) {
      out << json.dump(-1, ' ', true, Json::error_handler_t::replace) << '\n';
      return;
    }
    for (const auto& [key, value] : json.items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
      out << (key == "kind" ? "" : "  " + key + "=") << printable(text);
    }
    out << '\n';
  });
}

}  // namespace pushmail::cli

#include "codec/wap/configured.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/ascii.h"

namespace pushmail::wap {

namespace {

// `10` or `7-11`, which config_rules.cpp has checked; 0 for what is not given.
std::pair<std::size_t, std::size_t> range_of(std::string_view text) {
  const std::size_t hyphen = std::min(text.find('-'), text.size());
  const std::size_t least = parse_number<std::size_t>(text.substr(0, hyphen)).value_or(0);
  return {least, hyphen < text.size() ? parse_number<std::size_t>(text.substr(hyphen + 1)).value_or(0) : least};
}

}  // namespace

Numbering configured_numbering(const Config& config) {
  Numbering numbering;
  numbering.country_code = config.text("numbering.country_code");
  numbering.trunk_prefix = config.text("numbering.trunk_prefix");
  numbering.international_prefixes = config.texts("numbering.international_prefixes");
  std::tie(numbering.national_length_min, numbering.national_length_max) = range_of(config.text("numbering.national_length"));
  const std::string bare = config.text("numbering.bare");
  numbering.bare = bare == "international" ? Bare::international : bare == "national" ? Bare::national : Bare::checked;
  numbering.short_codes = config.texts("numbering.short_codes");
  for (const std::string& peer : config.peers()) numbering.short_codes.push_back(config.text(fmt::format("peer.{}.service_number", peer)));
  // A name as sender has no digits.
  if (std::string source = digits_of(config.text("notify.source")); !source.empty()) numbering.short_codes.push_back(std::move(source));
  return numbering;
}

}  // namespace pushmail::wap

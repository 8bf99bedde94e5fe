#include "core/peer_id.h"

#include <algorithm>

#include "core/bytes.h"

namespace pushmail {

std::string peer_id_key(std::string_view id) {
  constexpr std::string_view around = " \t\r\n<>\"";
  const std::size_t first = id.find_first_not_of(around);
  if (first == std::string_view::npos) return {};
  id = id.substr(first, id.find_last_not_of(around) - first + 1);
  id.remove_prefix(std::min(id.find_first_not_of('0'), id.size()));
  std::string key(id);
  for (char& c : key) c = ascii_lower(c);
  return key;
}

}  // namespace pushmail

#include "controlplane/fetcher/imap_values.h"

#include <chrono>

#include "core/ascii.h"

namespace pushmail::mailbox::imap {

namespace {

// ImapLines has written it anew, in UTC.
Timestamp timestamp_of(const mailimap_date_time& date) {
  const std::chrono::year_month_day day(std::chrono::year(date.dt_year), std::chrono::month(static_cast<unsigned>(date.dt_month)),
                                        std::chrono::day(static_cast<unsigned>(date.dt_day)));
  if (!day.ok()) return {};
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return {(((days * 24 + date.dt_hour) * 60 + date.dt_min) * 60 + date.dt_sec) * 1'000'000};
}

}  // namespace

Set set_of(std::span<const std::uint32_t> uids) {
  Set set(made(mailimap_set_new_empty()));
  for (const std::uint32_t uid : uids) PM_CHECK(mailimap_set_add_single(set.get(), uid) == MAILIMAP_NO_ERROR);
  return set;
}

FetchType new_fetch_type() { return FetchType(made(mailimap_fetch_type_new_fetch_att_list_empty())); }

void add(const FetchType& type, mailimap_fetch_att* attribute) {
  PM_CHECK(mailimap_fetch_type_new_fetch_att_list_add(type.get(), made(attribute)) == MAILIMAP_NO_ERROR);
}

std::optional<std::uint32_t> parse_uid(std::string_view text) {
  const auto uid = parse_number<std::uint32_t>(text);
  return uid && *uid != 0 ? uid : std::nullopt;
}

Fetched read_attributes(const mailimap_msg_att* answer) {
  Fetched found;
  for (clistiter* at = clist_begin(answer->att_list); at != nullptr; at = clist_next(at)) {
    const auto* item = static_cast<const mailimap_msg_att_item*>(clist_content(at));
    if (item->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC) continue;
    const mailimap_msg_att_static* value = item->att_data.att_static;
    switch (value->att_type) {
      case MAILIMAP_MSG_ATT_UID:
        found.uid = value->att_data.att_uid;
        break;
      case MAILIMAP_MSG_ATT_RFC822_SIZE:
        found.size = value->att_data.att_rfc822_size;
        break;
      case MAILIMAP_MSG_ATT_INTERNALDATE:
        found.received = timestamp_of(*value->att_data.att_internal_date);
        break;
      case MAILIMAP_MSG_ATT_BODY_SECTION: {
        const mailimap_msg_att_body_section* section = value->att_data.att_body_section;
        found.section =
            section->sec_body_part == nullptr ? std::string_view() : std::string_view(section->sec_body_part, section->sec_length);
        break;
      }
      default:
        break;
    }
  }
  return found;
}

}  // namespace pushmail::mailbox::imap

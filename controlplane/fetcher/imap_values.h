// libetpan's values with an owner, and what one of its FETCH answers says.
#pragma once

#include <libetpan/mailimap.h>

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"

namespace pushmail::mailbox::imap {

struct SetFree {
  void operator()(mailimap_set* set) const { mailimap_set_free(set); }
};
using Set = std::unique_ptr<mailimap_set, SetFree>;
struct FetchTypeFree {
  void operator()(mailimap_fetch_type* type) const { mailimap_fetch_type_free(type); }
};
using FetchType = std::unique_ptr<mailimap_fetch_type, FetchTypeFree>;
struct FetchListFree {
  void operator()(clist* list) const { mailimap_fetch_list_free(list); }
};
using FetchList = std::unique_ptr<clist, FetchListFree>;
struct SessionFree {
  void operator()(mailimap* session) const { mailimap_free(session); }
};

/// libetpan answers nullptr only when memory is out.
template <class T>
T* made(T* object) {
  PM_CHECK(object != nullptr);
  return object;
}

[[nodiscard]] Set set_of(std::span<const std::uint32_t> uids);
[[nodiscard]] FetchType new_fetch_type();
/// `type` owns `attribute` from here on.
void add(const FetchType& type, mailimap_fetch_att* attribute);

/// A UID of RFC 3501 §9: a number that is not 0.
[[nodiscard]] std::optional<std::uint32_t> parse_uid(std::string_view text);

/// What one FETCH answer says about one mail.
struct Fetched {
  std::optional<std::uint32_t> uid;
  std::optional<std::uint64_t> size;
  std::optional<std::string_view> section;  // views into libetpan's list
  Timestamp received{};                     // INTERNALDATE; 0: not said
};
[[nodiscard]] Fetched read_attributes(const mailimap_msg_att* answer);

}  // namespace pushmail::mailbox::imap

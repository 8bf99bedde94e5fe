// What can go wrong with the store. A full or failing disk is the world's fault and worth another try; nothing is acknowledged meanwhile.
#pragma once

#include "core/result.h"

namespace pushmail {

inline constexpr ErrorInfo store_open{"store.open", "the store's file cannot be opened", "", Fault::world, Lasting::permanent};
inline constexpr ErrorInfo store_newer{"store.newer", "the store was written by a newer version of pushmail", "", Fault::world,
                                       Lasting::permanent};
inline constexpr ErrorInfo store_no_backup{"store.no_backup", "this is no backup of pushmail, or a broken one", "", Fault::world,
                                           Lasting::permanent};
inline constexpr ErrorInfo store_in_use{"store.in_use", "another program has the store", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo store_io{"store.io", "the store cannot be read or written (disk full?)", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo store_conflict{"store.conflict", "this is in the store already", "", Fault::peer, Lasting::permanent};
inline constexpr ErrorInfo store_not_found{"store.not_found", "there is nothing of this name in the store", "", Fault::peer,
                                           Lasting::permanent};
inline constexpr ErrorInfo store_no_suffix{"store.no_suffix", "every suffix of this phone was used in the last 30 days", "", Fault::world,
                                           Lasting::temporary};

}  // namespace pushmail

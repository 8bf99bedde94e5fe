#include "core/keep_secrets.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

#include "core/errors.h"

namespace pushmail {

Result<void> keep_secrets() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return fail_os(core_os, errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_os(core_os, errno);
  return {};
}

}  // namespace pushmail

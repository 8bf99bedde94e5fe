#include "core/start_error.h"

#include <cerrno>
#include <cstring>

namespace pushmail {

int start_exit_code(int os) {
  switch (os) {
    case 0:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EINVAL:  // no plain file
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
      return exit_configuration;
    default:
      return exit_system;
  }
}

StartError cannot_be_read(const std::string& what, int os) {
  const char* words = ::strerrordesc_np(os);
  return {what + ": cannot be read: " + (words != nullptr ? words : "?"), os};
}

}  // namespace pushmail

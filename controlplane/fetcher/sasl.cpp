#include "controlplane/fetcher/sasl.h"

#include "core/base64.h"

namespace pushmail::mailbox {

std::string sasl_plain(std::string_view user, std::string_view password) {
  std::string message(1, '\0');
  message.append(user).push_back('\0');
  message.append(password);
  return base64_encoded(message);
}

}  // namespace pushmail::mailbox

#include "controlplane/mailbox/sasl.h"

#include <openssl/evp.h>

namespace pushmail::mailbox {

std::string sasl_plain(std::string_view user, std::string_view password) {
  std::string message(1, '\0');
  message.append(user).push_back('\0');
  message.append(password);
  // With the NUL that OpenSSL writes behind it.
  std::string encoded((message.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()), reinterpret_cast<const unsigned char*>(message.data()),
                                   static_cast<int>(message.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

}  // namespace pushmail::mailbox

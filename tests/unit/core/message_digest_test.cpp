// Hashes as their standards print them (RFC 1321 §A.5, FIPS 180-4).
#include "core/message_digest.h"

#include <gtest/gtest.h>

namespace pushmail {
namespace {

TEST(MessageDigest, AsPrinted) {
  EXPECT_EQ(hex_digest(MessageDigest::md5, ""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex_digest(MessageDigest::md5, "message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(hex_digest(MessageDigest::sha256, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_digest(MessageDigest::sha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace pushmail

// A certification authority for one run of the tests, and certificates signed by it, or not.
#pragma once

#include <filesystem>
#include <string>

namespace pushmail::test {

struct CertificateFiles {
  std::string certificate;
  std::string key;
};

enum class Validity { now, past };
enum class Signer { authority, itself };

/// Owns a folder with the files; gone with it.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Authority of this test run");
  ~TestAuthority();
  [[nodiscard]] std::string authority_file() const;
  [[nodiscard]] CertificateFiles make(const std::string& alternative_name, Validity validity = Validity::now,
                                      Signer signer = Signer::authority);

 private:
  struct State;
  std::filesystem::path folder_;
  State* state_;
  int made_ = 0;
};

}  // namespace pushmail::test

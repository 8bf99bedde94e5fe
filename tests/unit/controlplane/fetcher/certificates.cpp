#include "certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

#include "core/result.h"

namespace pushmail::test {

namespace {

constexpr long day = 86'400;

X509* make_certificate(EVP_PKEY* key, const char* name, Validity validity, int serial) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), validity == Validity::now ? -day : -3 * day);
  X509_gmtime_adj(X509_getm_notAfter(certificate), validity == Validity::now ? day : -day);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1,
                             0);
  return certificate;
}

void add_extension(X509* certificate, X509* issuer, int number, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, number, value.c_str());
  PM_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void write_certificate(const std::string& path, X509* certificate) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  PM_CHECK(file != nullptr && PEM_write_X509(file, certificate) == 1);
  std::fclose(file);
}

}  // namespace

struct TestAuthority::State {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
};

TestAuthority::TestAuthority(const std::string& name) : state_(new State) {
  std::string folder = (std::filesystem::temp_directory_path() / "pushmail-tls-XXXXXX").string();
  PM_CHECK(mkdtemp(folder.data()) != nullptr);
  folder_ = folder;
  // A program that root starts reads them as another user.
  std::filesystem::permissions(folder_, std::filesystem::perms(0711));
  state_->key = EVP_EC_gen("P-256");
  state_->certificate = make_certificate(state_->key, name.c_str(), Validity::now, 1);
  X509_set_issuer_name(state_->certificate, X509_get_subject_name(state_->certificate));
  add_extension(state_->certificate, state_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  PM_CHECK(X509_sign(state_->certificate, state_->key, EVP_sha256()) > 0);
  write_certificate(authority_file(), state_->certificate);
}

TestAuthority::~TestAuthority() {
  X509_free(state_->certificate);
  EVP_PKEY_free(state_->key);
  delete state_;
  std::filesystem::remove_all(folder_);
}

std::string TestAuthority::authority_file() const { return folder_ / "authority.pem"; }

CertificateFiles TestAuthority::make(const std::string& alternative_name, Validity validity, Signer signer) {
  const int number = ++made_ + 1;
  const std::filesystem::path base = folder_ / std::to_string(number);
  CertificateFiles files{.certificate = base.string() + ".pem", .key = base.string() + ".key"};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = make_certificate(key, "mail server of this test", validity, number);
  X509* issuer = signer == Signer::authority ? state_->certificate : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  add_extension(certificate, issuer, NID_subject_alt_name, alternative_name);
  PM_CHECK(X509_sign(certificate, signer == Signer::authority ? state_->key : key, EVP_sha256()) > 0);
  write_certificate(files.certificate, certificate);
  std::FILE* file = std::fopen(files.key.c_str(), "w");
  PM_CHECK(file != nullptr && PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  std::fclose(file);
  std::filesystem::permissions(files.key, std::filesystem::perms(0644));
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace pushmail::test

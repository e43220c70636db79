#include "testing/test_certificate.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>

#include "base/check.h"

namespace weir::testing {
namespace {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

void add_extension(X509* certificate, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension made(X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str()));
  WEIR_CHECK(made && X509_add_ext(certificate, made.get(), -1) == 1);
}

Certificate certificate_of(EVP_PKEY* key, const std::string& subject) {
  Certificate made(X509_new());
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial);
  X509_set_version(made.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_NAME* name = X509_get_subject_name(made.get());
  const std::string text = "test " + std::to_string(serial);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  X509_set_pubkey(made.get(), key);
  add_extension(made.get(), NID_subject_alt_name, subject);
  add_extension(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  WEIR_CHECK(X509_sign(made.get(), key, EVP_sha256()) > 0);
  return made;
}

File create(const std::string& path) {
  ::unlink(path.c_str());
  File file(::fdopen(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "w"));
  WEIR_CHECK(file != nullptr);
  return file;
}

}  // namespace

CertificateFiles make_certificate(const std::string& folder, const std::string& name,
                                  const std::string& subject) {
  const CertificateFiles files{folder + "/" + name + ".pem", folder + "/" + name + ".key"};
  const Key key(EVP_EC_gen("P-256"));
  WEIR_CHECK(key != nullptr);
  const Certificate made = certificate_of(key.get(), subject);
  WEIR_CHECK(PEM_write_X509(create(files.certificate).get(), made.get()) == 1);
  WEIR_CHECK(PEM_write_PrivateKey(create(files.key).get(), key.get(), nullptr, nullptr, 0, nullptr,
                                  nullptr) == 1);
  return files;
}

}  // namespace weir::testing

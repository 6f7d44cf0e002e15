#include "tests/support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace farthing::test {

namespace {

constexpr long day_seconds = 24 * 3600;

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <class T>
using Owned = std::unique_ptr<T, Closer>;

void check(bool is_good) {
  if (!is_good) throw std::runtime_error("cannot make a certificate");
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  check(extension != nullptr);
  check(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// Without its issuer's name and signature.
Owned<X509> unsigned_certificate(const std::string& name, EVP_PKEY* key, long end_seconds) {
  static long serial = 1;
  Owned<X509> certificate(X509_new());
  check(certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -30 * day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), end_seconds);
  check(X509_set_pubkey(certificate.get(), key) == 1);
  check(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                   0) == 1);
  return certificate;
}

void write(const std::string& path, X509* certificate) {
  const Owned<std::FILE> file(std::fopen(path.c_str(), "w"));
  check(file != nullptr && PEM_write_X509(file.get(), certificate) == 1);
}

}  // namespace

struct Certificates::Authority {
  Owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  Owned<X509> certificate;
};

Certificates::Certificates(std::string folder)
    : folder_(std::move(folder)), authority_(new Authority) {
  X509* const own = (authority_->certificate =
                         unsigned_certificate("Test Authority", authority_->key.get(), day_seconds))
                        .get();
  check(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  check(X509_sign(own, authority_->key.get(), EVP_sha256()) > 0);
  write(authority(), own);
}

Certificates::~Certificates() { delete authority_; }

void Certificates::make(const std::string& name, bool is_expired) {
  const Owned<EVP_PKEY> own_key(EVP_EC_gen("P-256"));
  const Owned<X509> own =
      unsigned_certificate(name, own_key.get(), is_expired ? -day_seconds : day_seconds);
  X509* const issuer = authority_->certificate.get();
  check(X509_set_issuer_name(own.get(), X509_get_subject_name(issuer)) == 1);
  add_extension(own.get(), issuer, NID_subject_alt_name, "DNS:" + name);
  check(X509_sign(own.get(), authority_->key.get(), EVP_sha256()) > 0);
  write(certificate(name), own.get());
  const Owned<std::FILE> file(std::fopen(key(name).c_str(), "w"));
  check(file != nullptr && PEM_write_PrivateKey(file.get(), own_key.get(), nullptr, nullptr, 0,
                                                nullptr, nullptr) == 1);
}

}  // namespace farthing::test

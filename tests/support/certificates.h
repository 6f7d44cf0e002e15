// Certificates for tests, made when they are needed: an authority, and what it signs, as PEM files
// in a folder.
#pragma once

#include <string>

namespace farthing::test {

class Certificates {
 public:
  // Makes the authority's own. `folder` exists.
  explicit Certificates(std::string folder);
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  std::string authority() const { return folder_ + "/ca.pem"; }
  std::string certificate(const std::string& name) const { return folder_ + "/" + name + ".pem"; }
  std::string key(const std::string& name) const { return folder_ + "/" + name + ".key"; }
  // A certificate for this DNS name, signed by the authority, and its key. An expired one was good
  // until yesterday.
  void make(const std::string& name, bool is_expired = false);

 private:
  struct Authority;

  std::string folder_;
  Authority* authority_;
};

}  // namespace farthing::test

// Certificates of tests: made when asked for, signed by themselves, valid for an hour.
// Thread: any.
#pragma once

#include <string>

namespace weir::testing {

struct CertificateFiles {
  std::string certificate;
  std::string key;
};

/// Writes FOLDER/<name>.pem and FOLDER/<name>.key (mode 0600). `subject`: "DNS:localhost",
/// "IP:127.0.0.1", several separated by commas.
CertificateFiles make_certificate(const std::string& folder, const std::string& name,
                                  const std::string& subject = "DNS:localhost,IP:127.0.0.1");

}  // namespace weir::testing

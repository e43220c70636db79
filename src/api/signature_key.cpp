#include "api/signature_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <span>

namespace weir::api {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string_view text_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// A failure must not leave a key that can be guessed, so it is an error, never an empty digest.
Result<Digest> hmac(std::string_view key, std::string_view text) {
  Digest digest{};
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text),
                          text.size(), digest.data(), &size);
  if (made == nullptr || size != digest.size()) {
    return Error{ErrorCode::kInternal, "the cryptographic library failed", ""};
  }
  return digest;
}

}  // namespace

Digest sha256(std::string_view text) {
  Digest digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return digest;
}

std::string hex_of(const Digest& digest) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<KeyChain> key_chain(const SignatureHeader& header, std::string_view secret) {
  const SignatureWords& words = words_of(header.version);
  const std::string root = std::string(words.key_prefix) + std::string(secret);
  const std::array<std::string_view, 4> steps = {header.day, header.region, header.service,
                                                 words.terminator};
  KeyChain chain{};
  std::string_view key = root;
  for (std::size_t at = 0; at < steps.size(); ++at) {
    WEIR_ASSIGN_OR_RETURN(chain.keys[at], hmac(key, steps[at]));
    key = text_of(chain.keys[at]);
  }
  return chain;
}

Result<std::string> sign_text(const KeyChain& chain, std::string_view string_to_sign) {
  WEIR_ASSIGN_OR_RETURN(const Digest signature, hmac(text_of(chain.signing_key()), string_to_sign));
  return hex_of(signature);
}

}  // namespace weir::api

#include "api/secrets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <vector>

#include "base/random.h"

namespace weir::api {
namespace {

using Bytes = std::vector<unsigned char>;

// Units: bytes. Source: NIST SP 800-38D (nonce and tag), FIPS 197 (key).
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kKeySize = 32;

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

std::string hex_of(const Bytes& bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Empty when it is not hex.
Bytes bytes_of(std::string_view hex) {
  Bytes bytes;
  if (hex.size() % 2 != 0) return {};
  for (std::size_t at = 0; at < hex.size(); at += 2) {
    const int high = digit_of(hex[at]);
    const int low = digit_of(hex[at + 1]);
    if (high < 0 || low < 0) return {};
    bytes.push_back(static_cast<unsigned char>(high * 16 + low));
  }
  return bytes;
}

const unsigned char* data_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Error failed() { return {ErrorCode::kInternal, "the cryptographic library failed", ""}; }

/// Starts a cipher with key, nonce and context. Null when that fails.
Cipher start(bool encrypts, const Bytes& key, const unsigned char* nonce,
             std::string_view context) {
  Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool is_good = cipher && key.size() == kKeySize &&
                       EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                                         nonce, encrypts ? 1 : 0) == 1 &&
                       EVP_CipherUpdate(cipher.get(), nullptr, &size, data_of(context),
                                        static_cast<int>(context.size())) == 1;
  return is_good ? std::move(cipher) : nullptr;
}

}  // namespace

bool equals_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

Result<std::string> seal(std::string_view key, std::string_view context, std::string_view plain) {
  Bytes sealed = bytes_of(secret_hex(kNonceSize));
  const Cipher cipher = start(true, bytes_of(key), sealed.data(), context);
  if (!cipher) return failed();
  sealed.resize(kNonceSize + plain.size() + kTagSize);
  unsigned char* text = sealed.data() + kNonceSize;
  int size = 0;
  int rest = 0;
  if (EVP_CipherUpdate(cipher.get(), text, &size, data_of(plain), static_cast<int>(plain.size())) !=
          1 ||
      EVP_CipherFinal_ex(cipher.get(), text + size, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, text + plain.size()) != 1) {
    return failed();
  }
  return hex_of(sealed);
}

Result<std::string> unseal(std::string_view key, std::string_view context,
                           std::string_view sealed) {
  Bytes bytes = bytes_of(sealed);
  const Error refused{ErrorCode::kInvalidArgument, "it was not sealed with this key", ""};
  if (bytes.size() < kNonceSize + kTagSize) return refused;
  const Cipher cipher = start(false, bytes_of(key), bytes.data(), context);
  if (!cipher) return failed();
  const std::size_t length = bytes.size() - kNonceSize - kTagSize;
  unsigned char* text = bytes.data() + kNonceSize;
  std::string plain(length, '\0');
  auto* out = reinterpret_cast<unsigned char*>(plain.data());
  int size = 0;
  int rest = 0;
  if (EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, text + length) != 1 ||
      EVP_CipherUpdate(cipher.get(), out, &size, text, static_cast<int>(length)) != 1 ||
      EVP_CipherFinal_ex(cipher.get(), out + size, &rest) != 1) {
    return refused;
  }
  return plain;
}

}  // namespace weir::api

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/address.h"

/// Whatever is read as an address, endpoint or prefix is written back letter for letter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto address = weir::net::IpAddress::parse(text);
  WEIR_CHECK(!address.ok() || address->text() == text);
  const auto endpoint = weir::net::Endpoint::parse(text);
  WEIR_CHECK(!endpoint.ok() || endpoint->text() == text);
  const auto prefix = weir::net::Prefix::parse(text);
  WEIR_CHECK(!prefix.ok() || (prefix->text() == text && prefix->contains(prefix->base)));
  return 0;
}

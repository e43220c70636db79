// CRC-32 of a byte range (zlib's), the check of frames and replicas.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

std::uint32_t crc32(std::string_view bytes);

}  // namespace weir

#include "model/instance_batch.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "net/address.h"

namespace weir::model {
namespace {

// Units: digits of the first number in a name. Source: the public product's 0 to 9999. Reached: the
// brackets stay, and 400 names the name.
constexpr std::size_t kNumberDigitsMax = 4;

/// A name with a number that is counted up.
struct NumberedName {
  std::string before;
  std::size_t digits = 0;
  std::size_t first = 0;
  std::string after;

  std::string at(std::size_t place) const {
    std::string number = std::to_string(first + place);
    if (number.size() < digits) number.insert(0, digits - number.size(), '0');
    return before + number + after;
  }
};

std::optional<NumberedName> numbered(std::string_view name) {
  const std::size_t open = name.find('[');
  const std::size_t close = name.find(']');
  if (open == 0 || open == name.npos || close == name.npos || close < open + 2) return std::nullopt;
  const std::string_view number = name.substr(open + 1, close - open - 1);
  if (number.size() > kNumberDigitsMax) return std::nullopt;
  NumberedName found{.before = std::string(name.substr(0, open)),
                     .digits = number.size(),
                     .after = std::string(name.substr(close + 1))};
  const char* const end = number.data() + number.size();
  const auto [rest, error] = std::from_chars(number.data(), end, found.first);
  if (error != std::errc() || rest != end) return std::nullopt;
  return found;
}

void take_name(const Json& body, std::size_t place, Json& into) {
  const Json* name = body.find("name");
  const auto number =
      name != nullptr && name->is_string() ? numbered(name->as_string()) : std::nullopt;
  if (number) into["name"] = number->at(place);
}

void take_address(const Json& body, std::size_t place, Json& into) {
  const Json* spec = body.find("spec");
  const Json* text = spec == nullptr || !spec->is_object() ? nullptr : spec->find("ipAddress");
  if (text == nullptr || !text->is_string()) return;
  const auto first = net::IpAddress::parse(text->as_string());
  if (!first || !first->is_v4()) return;
  const auto number = first->v4_value() + static_cast<std::uint32_t>(place);
  into["spec"]["ipAddress"] = net::IpAddress::v4(number).text();
}

}  // namespace

Json instance_body(const Json& body, std::size_t place) {
  Json made = body;
  if (!body.is_object()) return made;
  take_name(body, place, made);
  take_address(body, place, made);
  return made;
}

}  // namespace weir::model

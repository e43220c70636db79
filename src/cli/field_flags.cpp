#include "cli/field_flags.h"

#include <cctype>
#include <charconv>

#include "model/people.h"

namespace weir::cli {
namespace {

/// "loadBalancerId" -> "load-balancer-id".
std::string kebab(std::string_view camel) {
  std::string text;
  for (const char c : camel) {
    const bool is_upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (is_upper && !text.empty()) text += '-';
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

class Collector {
 public:
  Collector(FlagUse use, std::string part, std::vector<FieldFlag>& out)
      : use_(use), part_(std::move(part)), out_(out) {}

  void add(const std::vector<model::FieldDescription>& fields,
           const std::vector<std::string>& above) {
    for (const model::FieldDescription& field : fields) {
      if (!is_offered(field)) continue;
      std::vector<std::string> path = above;
      path.push_back(field.name);
      if (field.type == "object" && !field.is_list) {
        if (use_ != FlagUse::kFilter) add(field.fields, path);
      } else if (field.type != "object") {
        out_.push_back(flag(field, std::move(path)));
      }
    }
  }

 private:
  bool is_offered(const model::FieldDescription& field) const {
    const model::FieldOptions& options = field.options;
    if (options.is_output || options.is_not_yet) return false;
    if (part_ == "admin" && !options.is_settable) return false;
    if (use_ == FlagUse::kFilter) return true;
    return use_ == FlagUse::kCreate ? !options.is_update_only : !options.is_immutable;
  }

  FieldFlag flag(const model::FieldDescription& field, std::vector<std::string> path) const {
    FieldFlag made;
    for (const std::string& step : path) made.name += (made.name.empty() ? "" : "-") + kebab(step);
    if (field.options.reference && path.size() == 1)
      made.alias = model::description_of(*field.options.reference).word;
    made.part = part_;
    made.path = std::move(path);
    made.type = field.type;
    made.is_list = field.is_list;
    made.reference = field.options.reference;
    made.choices = field.choices;
    made.sentence = field.sentence;
    return made;
  }

  FlagUse use_;
  std::string part_;
  std::vector<FieldFlag>& out_;
};

Json scalar(const FieldFlag& flag, const std::string& text) {
  if (flag.type == "integer") {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return Json(number);
  }
  if (flag.type == "boolean" && (text == "true" || text == "false")) return Json(text == "true");
  return Json(text);
}

}  // namespace

std::span<const std::reference_wrapper<const model::KindDescription>> described_kinds() {
  static const auto kAll = [] {
    std::vector<std::reference_wrapper<const model::KindDescription>> all;
    for (const auto& kind : model::kind_descriptions()) all.emplace_back(kind);
    for (const auto& kind : model::people_descriptions()) all.emplace_back(kind);
    return all;
  }();
  return kAll;
}

std::vector<FieldFlag> field_flags(const model::KindDescription& kind, FlagUse use) {
  std::vector<FieldFlag> flags;
  Collector(use, "spec", flags).add(kind.spec, {});
  Collector(use, "admin", flags).add(kind.admin, {});
  return flags;
}

Json flag_value(const FieldFlag& flag, const std::string& text) {
  if (!flag.is_list) return scalar(flag, text);
  Json list = Json::array();
  for (std::size_t at = 0; !text.empty() && at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    list.push_back(scalar(flag, text.substr(at, comma - at)));
    at = comma + 1;
  }
  return list;
}

void set_at(Json& body, const FieldFlag& flag, Json value) {
  Json* place = &body[flag.part];
  for (const std::string& step : flag.path) place = &(*place)[step];
  *place = std::move(value);
}

}  // namespace weir::cli

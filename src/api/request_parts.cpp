// Reading what the native API takes from a request beside its path.
#include <algorithm>
#include <charconv>

#include "api/native_face.h"
#include "model/instance_batch.h"

namespace weir::api {

bool is_plausible_id(std::string_view id) {
  return !id.empty() && id.size() <= kIdCharactersMax && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

Result<std::optional<Revision>> if_match_of(const http::Request& request) {
  const std::string* header = request.header("If-Match");
  if (header == nullptr || *header == "*") return std::optional<Revision>();
  std::string_view text = *header;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return Error{ErrorCode::kInvalidArgument, "must be one ETag of a resource", "If-Match"};
  }
  return std::optional(Revision(number));
}

std::span<const std::string_view> native_methods(const model::KindDescription& kind, bool is_one) {
  static constexpr std::string_view kMade[] = {"GET", "POST"};
  static constexpr std::string_view kChanged[] = {"GET", "PUT", "PATCH", "DELETE"};
  static constexpr std::string_view kEnded[] = {"GET", "DELETE"};
  static constexpr std::string_view kRead[] = {"GET"};
  if (kind.is_user_made && is_one) return kChanged;
  if (kind.is_user_made) return kMade;
  if (is_one && kind.kind == model::Kind::kNode) return kEnded;
  return kRead;
}

std::optional<NativeCall> native_call(const model::KindDescription& kind, std::string_view method,
                                      bool is_one, std::string_view part) {
  if (!part.empty()) {
    const bool is_health =
        part == "health" && kind.kind == model::Kind::kBackend && method == "GET";
    return is_health ? std::optional(NativeCall::kHealth) : std::nullopt;
  }
  const auto methods = native_methods(kind, is_one);
  if (std::ranges::find(methods, method) == methods.end()) return std::nullopt;
  if (method == "GET") return is_one ? NativeCall::kShow : NativeCall::kList;
  if (method == "POST") return NativeCall::kCreate;
  if (method == "PUT") return NativeCall::kReplace;
  if (method == "PATCH") return NativeCall::kUpdate;
  return kind.kind ? NativeCall::kDelete : NativeCall::kDeleteTarget;
}

std::string allow_text(std::span<const std::string_view> methods) {
  std::string text;
  for (const std::string_view method : methods) {
    text += (text.empty() ? "" : ", ") + std::string(method);
  }
  return text;
}

Result<void> check_write_query(const http::Request& request, const model::KindDescription& kind) {
  const bool may_cascade = request.method == "DELETE" && kind.kind == model::Kind::kLoadBalancer;
  const bool may_count = request.method == "POST" && kind.kind == model::Kind::kInstance;
  for (const auto& [name, value] : request.query) {
    if (name == "count" && may_count) continue;  // count_of()
    if (name == "plan") return Error{ErrorCode::kInvalidArgument, "not supported yet", name};
    if (name != "cascade" || !may_cascade) {
      return Error{ErrorCode::kInvalidArgument, "is no parameter of this call",
                   is_plausible_id(name) ? name : std::string("query")};
    }
    if (value != "true" && value != "false") {
      return Error{ErrorCode::kInvalidArgument, "must be true or false", name};
    }
  }
  return {};
}

Result<std::optional<std::size_t>> count_of(const http::Request& request) {
  const std::string* text = request.parameter("count");
  if (text == nullptr) return std::optional<std::size_t>();
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  const bool is_number = error == std::errc() && end == text->data() + text->size();
  if (is_number && count >= 1 && count <= model::kInstancesPerCallMax) return std::optional(count);
  return Error{ErrorCode::kInvalidArgument,
               "must be an integer between 1 and " + std::to_string(model::kInstancesPerCallMax),
               "count"};
}

Result<Json> body_of(const http::Request& request) {
  WEIR_ASSIGN_OR_RETURN(Json body, parse_json(request.body));
  if (!body.is_object()) {
    return Error{ErrorCode::kInvalidArgument, "the body must be a JSON object", ""};
  }
  return body;
}

bool has_json_type(const http::Request& request) {
  const std::string* type = request.header("Content-Type");
  if (type == nullptr) return false;
  std::string_view media = std::string_view(*type).substr(0, type->find(';'));
  while (media.ends_with(' ')) media.remove_suffix(1);
  std::string lower(media);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower == "application/json" ||
         (lower == "application/merge-patch+json" && request.method == "PATCH");
}

}  // namespace weir::api

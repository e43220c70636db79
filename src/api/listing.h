// Lists of the native API: filters, order, pages of one moment, and the same filters for watches.
// Thread: any (pure).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/catalog.h"
#include "api/observed.h"
#include "base/json.h"
#include "base/result.h"
#include "http/server.h"
#include "model/parts.h"
#include "model/registry.h"

namespace weir::api {

/// Items of one page. Chosen because 1 000 documents of a target group with its targets stay under
/// the client's limit of one answer. Reached: 400 naming pageSize; weir_api_requests_total counts
/// it.
inline constexpr std::size_t kPageSizeMax = 1000;
inline constexpr std::size_t kPageSizeDefault = 500;

/// What a list or watch asks for.
struct ListQuery {
  const model::KindDescription* kind = nullptr;
  std::string account;  // whose objects are looked at
  /// Value wanted of a path such as "name", "labels.team", "spec.loadBalancerId"; all must match. A
  /// list matches when one of its items does.
  std::vector<std::pair<std::string, std::string>> filters;
  std::size_t page_size = kPageSizeDefault;
  std::optional<Revision> at;  // of a later page
  std::string after;           // id that the page begins after
  bool is_watch = false;
  std::optional<Revision> watch_after;
};

/// Reads the query of GET /weir/v1/<kind>: name, id, labels.<key>, any field of the spec, pageSize,
/// pageToken, watch, revision. Errors: kInvalidArgument, all of them
Errors read_list_query(const http::Request& request, const model::KindDescription& kind,
                       ListQuery& into);

/// Whether the account owns it: what others have is not there.
bool is_of(const model::Object& object, std::string_view account);
/// The object when it belongs to the account, else null.
const model::Object* find_of(const model::ObjectIndex& index, model::Kind kind, std::string_view id,
                             std::string_view account);

/// One resource as a list shows it, but for its status.
struct ListItem {
  std::string id;
  Json body;                              // whole resource without status
  const model::Object* object = nullptr;  // null for a part
};

/// What the filters leave to look at, by the ids that they name; ascending by id.
std::vector<const model::Object*> list_candidates(const model::ObjectIndex& index,
                                                  const ListQuery& query);
/// What the filters let through behind `query.after`, ascending by id. Of a stored kind at most
/// `count_max`, so that a page costs what it shows.
std::vector<ListItem> list_items(const model::ObjectIndex& index, const ListQuery& query,
                                 std::size_t count_max = SIZE_MAX);
bool matches(const Json& resource, const ListQuery& query);

/// The resources that one stored object shows as: itself, or its parts.
std::vector<Json> resources_of(const model::Object& object, const model::KindDescription& kind,
                               const model::ObjectIndex& index);
/// The status of a part. Of a target: {ipAddress}, where traffic goes to, also when it names an
/// instance.
Json part_status(const model::PartKind& kind, const Json& part, const model::ObjectIndex& index);

/// {items, revision, nextPageToken?}. Errors: kStale when the moment of a later page is no longer
/// known
Result<Json> list_page(const Catalog& catalog, const ObservedView& observed,
                       const ListQuery& query);

}  // namespace weir::api

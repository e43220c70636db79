// Lists of the JD Cloud face: filters, tags and pages over answers, whatever they are answers
// about. Source: product.md B.3. Thread: any (pure).
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/query_list.h"
#include "api/v1_kinds.h"
#include "base/json.h"
#include "base/result.h"

namespace weir::api {

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

/// Reads the query of a list. A list that can be filtered by loadBalancerType shows alb alone when
/// neither that filter nor one by id is given. Errors:  kInvalidArgument, all of them
Errors read_v1_query(const QueryPairs& pairs, std::span<const V1Filter> filters, QueryList& into);

bool matches_v1(const Json& document, std::span<const V1Filter> filters, const QueryList& query);

/// The part of `total` that the query asks for: [begin, end).
struct V1Page {
  std::size_t begin = 0;
  std::size_t end = 0;
};
V1Page v1_page_of(std::size_t total, const QueryList& query);

/// {<plural>: the documents of the page, totalCount}.
Json v1_page(std::string_view plural, Json::Array shown, std::size_t total);
/// The same of all documents.
Json v1_page(std::string_view plural, Json::Array documents, const QueryList& query);

}  // namespace weir::api

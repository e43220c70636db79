// GET /weir/v1/explain: which target clients of a listener reach, and why. The nodes answer, with
// the code and the state that forward (docs/formats/frames.md, `explain?`); control only checks the
// question, asks every node that is meant, and puts the answers together. Thread: any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/catalog.h"
#include "api/node_questions.h"
#include "api/outcome.h"
#include "http/server.h"

namespace weir::api {

/// Clients of one call. Chosen because their addresses fit a URL of 4 KiB, and a node answers so
/// many within a few milliseconds. Reached: 400 with the field; weir_api_requests_total counts it
/// by operation and code.
inline constexpr std::size_t kExplainClientsMax = 100;

struct ExplainQuestion {
  std::string listener_id;
  std::vector<std::string> clients;  // "10.0.0.1" or "10.0.0.1:40000"; at least one
  std::vector<std::string> nodes;    // who is asked; at least one
};

/// Reads and checks listener=, client= (once or more) and node= (absent: every node that serves).
/// Errors:  kInvalidArgument, kNotFound, kFailedPrecondition, kUnavailable; all of them
Outcome<ExplainQuestion> read_explain(const http::Request& request, const Catalog& catalog,
                                      const std::string& account);

/// Asks the nodes and replies when the last has answered or failed, as docs/reference/native-api.md
/// has it. An error only when no node answered. Returns at once.
void explain(const ExplainQuestion& question, const std::string& request_id,
             NodeQuestions& questions, std::unique_ptr<http::Reply> reply);

}  // namespace weir::api

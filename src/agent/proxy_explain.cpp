#include "agent/proxy_explain.h"

#include <string>
#include <utility>
#include <vector>

#include "agent/protocol.h"
#include "base/json.h"
#include "model/group_view.h"
#include "model/words.h"

namespace weir::agent {
namespace {

using dataplane::ExplainedTarget;
using dataplane::Explanation;

/// How often an answer begins again because another Snapshot came into force amid its clients.
/// Chosen because one comes a few times a second at most, and the clients take milliseconds.
/// Reached: the question is answered with 503.
constexpr int kTriesMax = 8;

std::string_view algorithm_word(snapshot::Algorithm algorithm) {
  switch (algorithm) {
    case snapshot::Algorithm::kRoundRobin:
      return model::word_of(model::Algorithm::kRoundRobin);
    case snapshot::Algorithm::kLeastConnections:
      return model::word_of(model::Algorithm::kLeastConn);
    case snapshot::Algorithm::kSourceHash:
      return model::word_of(model::Algorithm::kIpHash);
    case snapshot::Algorithm::kFiveTupleHash:
      return model::word_of(model::Algorithm::kQuintupleHash);
  }
  return "";
}

/// "10.0.0.1:40000", or "10.0.0.1" with port 0.
Result<net::Endpoint> client_of(const Json& text) {
  const std::string& client = text.is_string() ? text.as_string() : std::string();
  const auto address = net::IpAddress::parse(client);
  if (address) return net::Endpoint{*address, 0};
  return net::Endpoint::parse(client);
}

bool is_picked(const Explanation& explanation, const ExplainedTarget& target) {
  return explanation.is_certain && target.share > 0;
}

/// Whether both can stand in one answer. A Snapshot may come again in the same version.
bool is_of_one_snapshot(const Explanation& first, const Explanation& next) {
  return first.version == next.version && first.service_id == next.service_id &&
         first.group_id == next.group_id && first.algorithm == next.algorithm;
}

Json kind_word(const Explanation& explanation) {
  return explanation.is_certain ? "certain" : "share";
}

Json targets_json(const Explanation& explanation) {
  Json targets = Json::array();
  for (const ExplainedTarget& target : explanation.targets) {
    targets.push_back(Json::object({{"targetId", target.target_id},
                                    {"slot", target.slot.value},
                                    {"address", target.endpoint.address.text()},
                                    {"port", target.endpoint.port},
                                    {"share", target.share},
                                    {"picked", is_picked(explanation, target)},
                                    {"excluded", target.excluded}}));
  }
  return targets;
}

/// Which target the client reaches, without the others.
Json client_json(const Json& client, const Explanation& explanation) {
  Json item =
      Json::object({{"client", client}, {"kind", kind_word(explanation)}, {"picked", Json()}});
  for (const ExplainedTarget& target : explanation.targets) {
    if (is_picked(explanation, target)) item["picked"] = Json(target.target_id);
  }
  item["reason"] = Json(explanation.reason);
  return item;
}

Json deciders_json(const Explanation& explanation) {
  return Json::object({{"backendId", explanation.service_id},
                       {std::string(model::group_key(explanation.group_id)), explanation.group_id},
                       {"algorithm", algorithm_word(explanation.algorithm)}});
}

/// One explanation for each client, at least one; nothing when they are not all of one Snapshot.
/// Errors: kInvalidArgument, kNotFound
Result<std::vector<Explanation>> explain_all(const dataplane::Engine& engine,
                                             const std::string& listener_id,
                                             const Json::Array& clients) {
  std::vector<Explanation> all;
  for (const Json& client : clients) {
    WEIR_ASSIGN_OR_RETURN(const net::Endpoint from, client_of(client));
    WEIR_ASSIGN_OR_RETURN(Explanation one, engine.explain({listener_id, from}));
    if (!all.empty() && !is_of_one_snapshot(all.front(), one)) return std::vector<Explanation>();
    all.push_back(std::move(one));
  }
  return all;
}

/// The whole answer. Errors: kInvalidArgument, kNotFound, kUnavailable
Result<Json> answer_body(const dataplane::Engine& engine, const Json& question, Version& version) {
  const Json* clients = question.find("clients");
  if (clients == nullptr || !clients->is_array() || clients->as_array().empty()) {
    return Error{ErrorCode::kInvalidArgument, "wanted a list of clients", "clients"};
  }
  const Json::Array& asked = clients->as_array();
  std::vector<Explanation> all;
  for (int i = 0; i < kTriesMax && all.empty(); ++i) {
    WEIR_ASSIGN_OR_RETURN(all, explain_all(engine, question.string_or("listenerId", ""), asked));
  }
  if (all.empty()) {
    return Error{ErrorCode::kUnavailable, "the configuration changes too fast: ask again", ""};
  }
  version = all.front().version;
  Json answer = deciders_json(all.front());
  if (asked.size() == 1) {
    answer["kind"] = kind_word(all.front());
    answer["reason"] = Json(all.front().reason);
    answer["targets"] = targets_json(all.front());
    return answer;
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    answer["clients"].push_back(client_json(asked[i], all[i]));
  }
  return answer;
}

}  // namespace

model::Frame explain_answer(const dataplane::Engine& engine, const model::Frame& question) {
  const Result<Json> body = parse_json(question.body, body_limits());
  Version version;
  const Result<Json> answer =
      body ? answer_body(engine, *body, version) : Result<Json>(body.error());
  if (answer) return message_frame(message::kExplain, question.id, *answer, version);
  const Error& error = answer.error();
  const Json problem =
      Json::object({{"code", error_code_name(error.code)}, {"message", to_string(error)}});
  return message_frame(message::kExplain, question.id, Json::object({{"error", problem}}));
}

}  // namespace weir::agent

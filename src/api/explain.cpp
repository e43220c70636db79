#include "api/explain.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/listing.h"
#include "api/node_hello.h"
#include "api/placement.h"
#include "api/problem.h"
#include "api/responses.h"
#include "base/mutex.h"
#include "base/printable.h"
#include "model/node_question.h"
#include "model/object.h"
#include "net/address.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

/// Bytes of a caller's word that a message repeats. Chosen because every address is shorter.
constexpr std::size_t kShownBytes = 48;

Error wrong(ErrorCode code, std::string_view field, std::string message) {
  return {code, std::move(message), std::string(field)};
}

/// "client", or "client[2]" when there are several.
std::string client_field(std::size_t number, std::size_t count) {
  return count == 1 ? "client" : "client[" + std::to_string(number) + "]";
}

bool is_client(const std::string& text) {
  const auto address = net::IpAddress::parse(text);
  if (address) return address->is_v4() && !address->is_unspecified();
  const auto endpoint = net::Endpoint::parse(text);
  return endpoint && endpoint->port != 0 && endpoint->address.is_v4() &&
         !endpoint->address.is_unspecified();
}

void check_clients(const std::vector<std::string>& clients, Errors& errors) {
  if (clients.empty()) {
    errors.push_back(wrong(ErrorCode::kInvalidArgument, "client",
                           "wanted client=IP or client=IP:PORT, found none"));
  }
  if (clients.size() > kExplainClientsMax) {
    errors.push_back(wrong(ErrorCode::kInvalidArgument, "client",
                           "wanted at most " + std::to_string(kExplainClientsMax) +
                               " clients in one call, found " + std::to_string(clients.size())));
    return;
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (is_client(clients[i])) continue;
    errors.push_back(
        wrong(ErrorCode::kInvalidArgument, client_field(i, clients.size()),
              "wanted an IPv4 address, with a port from 1 to 65535 or without, found '" +
                  printable(clients[i], kShownBytes) + "'"));
  }
}

/// The parameters as they stand; `node` has room for one.
ExplainQuestion read_parameters(const http::Request& request, Errors& errors) {
  ExplainQuestion question;
  bool has_listener = false;
  for (const auto& [name, value] : request.query) {
    if (name == "client") {
      question.clients.push_back(value);
    } else if (name == "listener" && !has_listener) {
      has_listener = true;
      question.listener_id = value;
    } else if (name == "node" && question.nodes.empty()) {
      question.nodes.push_back(value);
    } else {
      const bool is_known = name == "listener" || name == "node";
      errors.push_back(wrong(ErrorCode::kInvalidArgument, printable(name, kShownBytes),
                             is_known ? "wanted once, found twice"
                                      : "wanted listener, client or node, found another"));
    }
  }
  if (question.listener_id.empty()) {
    errors.push_back(
        wrong(ErrorCode::kInvalidArgument, "listener", "wanted the id of a listener, found none"));
  }
  check_clients(question.clients, errors);
  return question;
}

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// Who is asked: the nodes that serve, or the one of them that is named.
void choose_nodes(const model::ObjectIndex& index, const Object& lb, ExplainQuestion& question,
                  Errors& errors) {
  std::vector<std::string> serving = nodes_of(index, lb.id);
  std::ranges::sort(serving);
  if (question.nodes.empty()) {
    question.nodes = std::move(serving);
    if (!question.nodes.empty()) return;
    errors.push_back(wrong(ErrorCode::kUnavailable, "listener",
                           "no node serves load balancer " + lb.id + " yet"));
    return;
  }
  const std::string& node = question.nodes.front();
  const bool is_serving = std::ranges::find(serving, node) != serving.end();
  // Nodes are the service's own: another account learns of those alone that serve it.
  if (!is_serving && find_of(index, Kind::kNode, node, lb.owner) == nullptr) {
    errors.push_back(wrong(ErrorCode::kNotFound, "node", "node not found"));
  } else if (!is_serving) {
    errors.push_back(wrong(ErrorCode::kFailedPrecondition, "node",
                           "wanted a node that serves load balancer " + lb.id + " (" +
                               (serving.empty() ? "none does" : list_text(serving)) + "), found " +
                               node));
  }
}

void check_listener(const model::ObjectIndex& index, const std::string& account,
                    ExplainQuestion& question, Errors& errors) {
  const Object* listener = find_of(index, Kind::kListener, question.listener_id, account);
  const Object* lb =
      listener == nullptr
          ? nullptr
          : index.find(Kind::kLoadBalancer, listener->spec.string_or("loadBalancerId", ""));
  if (lb == nullptr) {
    errors.push_back(wrong(ErrorCode::kNotFound, "listener", "listener not found"));
    return;
  }
  if (lb->admin.string_or("state", "") == "stopped") {
    errors.push_back(wrong(ErrorCode::kFailedPrecondition, "listener",
                           "load balancer " + lb->id + " is stopped: it takes no traffic"));
  }
  if (listener->admin.string_or("status", "") == "Off") {
    errors.push_back(wrong(ErrorCode::kFailedPrecondition, "listener",
                           "listener " + listener->id + " is Off: it accepts nothing new"));
  }
  choose_nodes(index, *lb, question, errors);
}

/// What a node said, as an item of `nodes`. Errors: kUnavailable when it cannot say
Result<Json> node_answer(const std::string& node, const model::Frame& frame) {
  const auto unusable = [&](const std::string& why) {
    return wrong(ErrorCode::kUnavailable, "node", "node " + node + ": " + why);
  };
  const auto body = parse_json(frame.body, kNodeJsonLimits);
  if (!body || !body->is_object()) return unusable("its answer cannot be read");
  if (const Json* error = body->find("error")) {
    return unusable(error->string_or("message", "it has no answer"));
  }
  const Version& version = frame.version;
  Json answer = Json::object({{"nodeId", node},
                              {"version", Json::object({{"epoch", version.epoch.value},
                                                        {"revision", version.revision.value}})}});
  for (const auto& [name, value] : body->as_object()) answer[name] = value;
  return answer;
}

Json error_item(const std::string& node, const Error& error) {
  const StatusWord status = status_word(error.code);
  return Json::object({{"nodeId", node},
                       {"error", Json::object({{"code", status.status},
                                               {"status", status.word},
                                               {"message", error.message}})}});
}

/// Waits for the answers of all nodes of one call. Shared by its questions; its members change only
/// under its own lock, which is what makes a shared const handle to it sound. Thread: any.
class Gathering {
 public:
  Gathering(ExplainQuestion question, std::string request_id, std::unique_ptr<http::Reply> reply)
      : question_(std::move(question)),
        request_id_(std::move(request_id)),
        answers_(question_.nodes.size()),
        missing_(question_.nodes.size()),
        reply_(std::move(reply)) {}

  void take(std::size_t number, Result<model::Frame> frame) const WEIR_EXCLUDES(mutex_) {
    Result<Json> answer = frame ? node_answer(question_.nodes[number], *frame) : frame.error();
    std::optional<http::Response> last;
    {
      const MutexLock lock(mutex_);
      answers_[number] = std::move(answer);
      if (--missing_ == 0) last = response();
    }
    if (last) reply_->send(*std::move(last));
  }

 private:
  http::Response response() const WEIR_REQUIRES(mutex_) {
    Json nodes = Json::array();
    Errors errors;
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      const Result<Json>& answer = *answers_[i];
      nodes.push_back(answer ? *answer : error_item(question_.nodes[i], answer.error()));
      if (!answer) errors.push_back(answer.error());
    }
    if (errors.size() == answers_.size()) return problem_response(errors, request_id_);
    Json body = Json::object({{"listenerId", question_.listener_id}});
    if (question_.clients.size() == 1) body["client"] = Json(question_.clients.front());
    body["nodes"] = std::move(nodes);
    return json_response(200, body);
  }

  const ExplainQuestion question_;
  const std::string request_id_;
  mutable Mutex mutex_;
  mutable std::vector<std::optional<Result<Json>>> answers_ WEIR_GUARDED_BY(mutex_);  // by node
  mutable std::size_t missing_ WEIR_GUARDED_BY(mutex_);
  const std::unique_ptr<http::Reply> reply_;
};

}  // namespace

Outcome<ExplainQuestion> read_explain(const http::Request& request, const Catalog& catalog,
                                      const std::string& account) {
  Errors errors;
  ExplainQuestion question = read_parameters(request, errors);
  if (!question.listener_id.empty()) {
    catalog.read([&](const model::ObjectIndex& index, Revision) {
      check_listener(index, account, question, errors);
    });
  }
  if (!errors.empty()) return errors;
  return question;
}

void explain(const ExplainQuestion& question, const std::string& request_id,
             NodeQuestions& questions, std::unique_ptr<http::Reply> reply) {
  Json clients = Json::array();
  for (const std::string& client : question.clients) clients.push_back(Json(client));
  const Json body =
      Json::object({{"listenerId", question.listener_id}, {"clients", std::move(clients)}});
  const auto gathering = std::make_shared<const Gathering>(question, request_id, std::move(reply));
  for (std::size_t i = 0; i < question.nodes.size(); ++i) {
    questions.ask(
        question.nodes[i], model::kExplain.question, body,
        [gathering, i](Result<model::Frame> frame) { gathering->take(i, std::move(frame)); });
  }
}

}  // namespace weir::api

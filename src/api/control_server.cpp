#include "api/control_server.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "api/audit_trail.h"
#include "api/bootstrap.h"
#include "api/catalog.h"
#include "api/event_log.h"
#include "api/files.h"
#include "api/keeper.h"
#include "api/logins.h"
#include "api/native_face.h"
#include "api/observed.h"
#include "api/observed_events.h"
#include "api/people.h"
#include "api/problem.h"
#include "api/resource_writer.h"
#include "api/security_groups.h"
#include "api/sessions.h"
#include "api/stream_server.h"
#include "api/v1_access.h"
#include "api/v1_face.h"
#include "api/watch.h"
#include "base/log.h"
#include "base/random.h"
#include "net/address.h"
#include "store/sqlite_store.h"

namespace weir::api {
namespace {

http::Response refusal(int status, std::string_view message) {
  return problem_response(status_word(status), message, secret_hex(16));
}

/// Names and literal addresses this API answers for. A literal address cannot be rebound by DNS.
bool is_own_host(std::string_view host, const std::vector<std::string>& names) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost" || net::IpAddress::parse(host).ok()) return true;
  return std::ranges::find(names, host) != names.end();
}

Result<std::unique_ptr<store::Store>> open_store(ControlOptions& options, const Clock& clock,
                                                 Metrics& metrics) {
  if (options.store) return std::move(options.store);
  WEIR_ASSIGN_OR_RETURN(
      auto opened, store::SqliteStore::open({store_path(options.data_dir), ""}, clock, metrics));
  return std::unique_ptr<store::Store>(std::move(opened));
}

/// What listens on every address is met at each address that this machine has now, and on all of
/// loopback (which the rule for targets knows from the unspecified address itself).
void add_own(const net::Endpoint& endpoint, std::vector<net::Endpoint>& own) {
  own.push_back(endpoint);
  if (!endpoint.address.is_unspecified()) return;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, one->ifa_addr,
                family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    own.push_back({net::endpoint_of(storage).address, endpoint.port});
  }
  ::freeifaddrs(all);
}

class StartedControl final : public ControlServer {
 public:
  StartedControl(ControlOptions options, Metrics& metrics, const Clock& clock)
      : options_(std::move(options)), metrics_(metrics), clock_(clock) {}
  ~StartedControl() override { stop(std::chrono::steady_clock::now()); }

  Result<void> start() {
    const Errors problems = check_transport(options_.api);
    if (!problems.empty()) return problems.front();
    WEIR_TRY(make_folder(options_.data_dir));
    WEIR_ASSIGN_OR_RETURN(store_, open_store(options_, clock_, metrics_));
    WEIR_ASSIGN_OR_RETURN(std::string key, open_control_key(*store_, options_.data_dir));
    people_ = std::make_unique<People>(*store_, clock_, key);
    audit_ = std::make_unique<AuditTrail>(
        AuditTrail::Parts{*store_, clock_, metrics_, options_.data_dir, std::move(key)});
    sessions_ = std::make_unique<Sessions>(*store_, clock_, metrics_);
    logins_ = std::make_unique<Logins>(
        Logins::Parts{*store_, clock_, metrics_, *people_, *sessions_, *audit_, options_.logins});
    WEIR_TRY(make_default_network(*store_, clock_));
    WEIR_TRY(make_default_groups(*store_, clock_));
    WEIR_ASSIGN_OR_RETURN(catalog_, Catalog::open(*store_));
    writer_ = std::make_unique<ResourceWriter>(
        ResourceWriter::Parts{*store_, *catalog_, observed_, clock_},
        WriterSettings{options_.region.azs, options_.quotas, options_.pools});
    observed_events_ = std::make_unique<ObservedEvents>(
        ObservedEvents::Parts{*catalog_, observed_, clock_, metrics_});
    WEIR_ASSIGN_OR_RETURN(
        events_,
        EventLog::open({.store = *store_, .clock = clock_, .metrics = metrics_, .observe = [this] {
                          return observed_events_->take();
                        }}));
    watches_ = std::make_unique<WatchHub>(*catalog_, metrics_, [this] { events_->advance(); });
    questions_ =
        std::make_unique<NodeQuestions>(metrics_, [this] { catalog_->wake(); }, options_.questions);
    WEIR_TRY(start_stream());
    keeper_ = std::make_unique<Keeper>(
        Keeper::Parts{*store_, *catalog_, observed_, clock_, options_.quotas});
    keeper_->start();
    WEIR_TRY(start_server());
    WEIR_TRY(make_administrator(*store_, options_.data_dir, api_endpoint()));
    WEIR_TRY(note_endpoint(options_.data_dir, api_endpoint()));
    return {};
  }

  std::string api_endpoint() const override {
    return endpoint_text(options_.api, server_->addresses().front(),
                         options_.hosts.empty() ? "" : options_.hosts.front());
  }
  void reload_certificate() override { server_->reload_certificate(); }
  std::vector<std::string> stream_addresses() const override { return stream_->addresses(); }
  std::string credentials_path() const override { return credentials_file(options_.data_dir); }
  void stop(Instant deadline) override;

 private:
  Result<void> start_stream();
  Result<void> start_server();
  Result<void> name_own_endpoints();
  std::vector<std::pair<std::string, bool>> readiness() const;

  ControlOptions options_;
  Metrics& metrics_;
  const Clock& clock_;
  Observed observed_;
  // In the order in which they are made, but for the face; each uses those above it.
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<AuditTrail> audit_;
  std::unique_ptr<People> people_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<ResourceWriter> writer_;
  std::unique_ptr<ObservedEvents> observed_events_;
  std::unique_ptr<EventLog> events_;
  std::unique_ptr<WatchHub> watches_;
  std::unique_ptr<NativeFace> face_;  // outlives the questions: their replies end in it
  std::unique_ptr<Logins> logins_;    // the same
  std::unique_ptr<NodeQuestions> questions_;
  std::unique_ptr<StreamServer> stream_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<V1Access> v1_access_;
  std::unique_ptr<V1Face> v1_face_;
  std::unique_ptr<http::Server> server_;
};

Result<void> StartedControl::start_stream() {
  WEIR_ASSIGN_OR_RETURN(const std::string key, node_key(options_.data_dir));
  std::vector<net::ChannelAddress> addresses = {{"unix:" + options_.data_dir + "/stream.sock", ""}};
  for (const std::string& address : options_.stream_listen) addresses.push_back({address, key});
  WEIR_ASSIGN_OR_RETURN(
      stream_, StreamServer::start({*store_, *catalog_, observed_, *writer_, *questions_, metrics_,
                                    clock_, options_.build},
                                   addresses));
  return {};
}

Result<void> StartedControl::start_server() {
  face_ = std::make_unique<NativeFace>(NativeFace::Parts{
      *store_, *catalog_, observed_, *writer_, *watches_, *events_, *questions_, *audit_, *people_,
      *sessions_, *logins_, metrics_, clock_, options_.build, [this] { return readiness(); }});
  WEIR_ASSIGN_OR_RETURN(std::string key, control_key(options_.data_dir));
  v1_access_ = std::make_unique<V1Access>(*store_, clock_, metrics_, std::move(key));
  v1_face_ = std::make_unique<V1Face>(V1Face::Parts{*catalog_,
                                                    observed_,
                                                    *writer_,
                                                    *v1_access_,
                                                    *audit_,
                                                    metrics_,
                                                    options_.region.id,
                                                    {*store_, *catalog_, options_.quotas}});
  http::ServerOptions server;
  server.listen = {options_.api.listen};
  server.tls = tls_files(options_.api);
  if (options_.api.allows_plain_http && !is_local(options_.api.listen)) {
    log::warning("other machines reach the API unencrypted", {{"address", options_.api.listen}});
  }
  server.metrics = &metrics_;
  server.refusal = refusal;
  server.host_allowed = [names = options_.hosts](std::string_view host) {
    return is_own_host(host, names);
  };
  const auto handle = [this](const http::Request& request) {
    const bool is_v1 = !request.path.empty() && request.path.front() == "v1";
    return is_v1 ? v1_face_->handle(request) : face_->handle(request);
  };
  WEIR_ASSIGN_OR_RETURN(server_, http::Server::start(std::move(server), handle));
  return name_own_endpoints();
}

/// Traffic and checks must not reach the service itself through a target.
Result<void> StartedControl::name_own_endpoints() {
  std::vector<net::Endpoint> own;
  for (const std::string& address : server_->addresses()) {
    WEIR_ASSIGN_OR_RETURN(const net::Endpoint endpoint, net::Endpoint::parse(address));
    add_own(endpoint, own);
  }
  for (const std::string& address : stream_->addresses()) {
    const auto endpoint = net::Endpoint::parse(address);
    if (endpoint) add_own(*endpoint, own);  // the Unix socket has none
  }
  const auto ops = net::Endpoint::parse(options_.ops_listen);
  if (ops) add_own(*ops, own);
  writer_->set_own_endpoints(std::move(own));
  return {};
}

std::vector<std::pair<std::string, bool>> StartedControl::readiness() const {
  const bool can_read = store_->get("meta/default-network").ok();
  return {{"store", can_read}, {"catalog", catalog_->revision() != Revision()}};
}

void StartedControl::stop(Instant deadline) {
  // First, so that the server does not wait for calls that wait for a node.
  if (questions_) questions_->stop();
  if (server_) server_->stop(deadline);
  if (keeper_) keeper_->stop();
  if (stream_) stream_->stop();
  watches_.reset();
  if (catalog_) catalog_->stop();
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(ControlOptions options,
                                                            Metrics& metrics, const Clock& clock) {
  auto control = std::make_unique<StartedControl>(std::move(options), metrics, clock);
  WEIR_TRY(control->start());
  return std::unique_ptr<ControlServer>(std::move(control));
}

}  // namespace weir::api

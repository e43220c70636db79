#include "agent/listen_sockets.h"

#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/mutant.h"
#include "net/socket.h"

namespace weir::agent {
namespace {

/// The kernel's own number of a socket: equal for every descriptor of it, in every process.
std::uint64_t cookie_of(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  // Stays 0 for what is no socket, which then counts as held already.
  static_cast<void>(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size));
  return cookie;
}

bool is_listening_on(int fd, const net::Endpoint& endpoint) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return false;
  const Result<net::Endpoint> local = net::local_endpoint(fd);
  return local.ok() && *local == endpoint;
}

}  // namespace

void ListenSockets::ensure(const std::vector<WantedEndpoint>& wanted) {
  std::vector<net::Endpoint> names;
  names.reserve(wanted.size());
  for (const WantedEndpoint& one : wanted) names.push_back(one.endpoint);
  std::ranges::sort(names);
  const auto is_wanted = [&names](const auto& entry) {
    return std::ranges::binary_search(names, entry.first);
  };
  if (mutant("listener-rebound")) entries_.clear();
  std::erase_if(entries_, [&is_wanted](const auto& entry) {
    if (is_wanted(entry)) return false;
    log::info("stopped listening", {{"endpoint", entry.first.text()}});
    return true;
  });
  std::erase_if(failures_, [&is_wanted](const auto& entry) { return !is_wanted(entry); });
  for (const WantedEndpoint& one : wanted) {
    const Result<void> opened = open(one);
    if (opened) {
      failures_.erase(one.endpoint);
      continue;
    }
    const auto [at, is_new] = failures_.try_emplace(one.endpoint);
    if (is_new || at->second != opened.error().message) {
      log::error("cannot listen",
                 {{"endpoint", one.endpoint.text()}, {"detail", opened.error().message}});
    }
    at->second = opened.error().message;
  }
}

Result<void> ListenSockets::open(const WantedEndpoint& wanted) {
  const auto held = entries_.find(wanted.endpoint);
  const std::size_t have = held == entries_.end() ? 0 : held->second.sockets.size();
  // Those of an earlier node may be fewer than this one has workers.
  const auto needed = static_cast<std::size_t>(workers_);
  if (have >= needed) return {};
  const net::ListenOptions options{.reuse_port = true, .free_bind = wanted.free_bind};
  std::vector<UniqueFd> fresh;
  for (std::size_t count = have; count < needed; ++count) {
    WEIR_ASSIGN_OR_RETURN(UniqueFd fd, net::tcp_listen(wanted.endpoint, options));
    fresh.push_back(std::move(fd));
  }
  Entry& entry = entries_[wanted.endpoint];
  std::ranges::move(fresh, std::back_inserter(entry.sockets));
  entry.generation = next_generation_++;
  log::info("listening", {{"endpoint", wanted.endpoint.text()}, {"sockets", workers_}});
  return {};
}

std::size_t ListenSockets::adopt(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) {
  Entry& entry = entries_[endpoint];
  std::set<std::uint64_t> known = {0};
  for (const UniqueFd& fd : entry.sockets) known.insert(cookie_of(fd.get()));
  std::size_t count = 0;
  std::size_t refused = 0;
  for (UniqueFd& fd : sockets) {
    if (!is_listening_on(fd.get(), endpoint) || !known.insert(cookie_of(fd.get())).second) continue;
    if (entry.sockets.size() >= kSocketsPerEndpointMax) {
      ++refused;
      continue;
    }
    entry.sockets.push_back(std::move(fd));
    ++count;
  }
  if (refused > 0) {
    log::error("refused sockets over the limit, connections that wait in them are lost",
               {{"endpoint", endpoint.text()}, {"refused", refused}});
  }
  // Another number, or a child that serves this endpoint would never accept from the new ones.
  if (count > 0) entry.generation = next_generation_++;
  if (entry.sockets.empty()) entries_.erase(endpoint);
  return count;
}

}  // namespace weir::agent

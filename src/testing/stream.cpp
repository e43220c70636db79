#include "testing/stream.h"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "net/socket.h"

namespace weir::testing {
namespace {

/// How long a test waits for bytes. Chosen because a loaded machine with a sanitizer needs seconds
/// at worst.
constexpr int kPatienceMs = 20'000;

bool wait_for(int fd, short events) {
  pollfd wanted{fd, events, 0};
  int result = 0;
  do {
    result = ::poll(&wanted, 1, kPatienceMs);
  } while (result < 0 && errno == EINTR);
  return result > 0;
}

std::vector<std::string> values(const std::string& head, std::string_view name) {
  std::vector<std::string> found;
  for (std::size_t at = head.find("\r\n"); at != std::string::npos;
       at = head.find("\r\n", at + 2)) {
    const std::size_t start = at + 2;
    const std::size_t colon = head.find(':', start);
    if (colon == std::string::npos || colon - start != name.size()) continue;
    if (::strncasecmp(head.data() + start, name.data(), name.size()) != 0) continue;
    const std::size_t end = head.find("\r\n", colon);
    std::size_t value = colon + 1;
    while (value < end && head[value] == ' ') ++value;
    found.push_back(head.substr(value, end - value));
  }
  return found;
}

std::string first_value(const std::string& head, std::string_view name) {
  const auto all = values(head, name);
  return all.empty() ? std::string() : all.front();
}

}  // namespace

std::string Reply::field(std::string_view name) const { return first_value(head, name); }
std::string Received::field(std::string_view name) const { return first_value(head, name); }
int Received::count(std::string_view name) const {
  return static_cast<int>(values(head, name).size());
}

std::string Received::target() const {
  const std::size_t start = head.find(' ') + 1;
  return head.substr(start, head.find(' ', start) - start);
}

Stream Stream::connect(const net::Endpoint& target) {
  auto fd = net::tcp_connect(target, std::nullopt);
  if (!fd.ok() || !wait_for(fd->get(), POLLOUT)) return Stream(UniqueFd());
  const int error = net::socket_error(fd->get());
  if (error != 0 && error != ECONNRESET) return Stream(UniqueFd());
  Stream stream(*std::move(fd));
  // Accepted, and reset before we looked.
  if (error == ECONNRESET) stream.end_ = End::kReset;
  return stream;
}

bool Stream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent < 0 && !wait_for(fd_.get(), POLLOUT)) return false;
  }
  return true;
}

bool Stream::fill() {
  if (end_ != End::kOpen || !fd_.valid()) return false;
  char bytes[65536];
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (size > 0) {
      buffer_.append(bytes, static_cast<std::size_t>(size));
      return true;
    }
    if (size == 0) end_ = End::kFinished;
    if (size < 0 && errno == ECONNRESET) end_ = End::kReset;
    if (end_ != End::kOpen) return false;
    if (errno != EAGAIN && errno != EINTR) return false;
    if (!wait_for(fd_.get(), POLLIN)) return false;
  }
}

std::string Stream::take(std::size_t size) {
  std::string taken = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return taken;
}

std::string Stream::read_some() {
  if (buffer_.empty()) fill();
  return take(buffer_.size());
}

std::string Stream::read(std::size_t size) {
  while (buffer_.size() < size && fill()) {
  }
  return take(size);
}

std::string Stream::read_to_end() {
  while (fill()) {
  }
  return take(buffer_.size());
}

Stream::End Stream::wait_end() {
  read_to_end();
  return end_;
}

std::string Stream::head() {
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  return take(end + 4);
}

std::string Stream::chunks(bool& complete) {
  std::string body;
  for (;;) {
    std::size_t line = std::string::npos;
    while ((line = buffer_.find("\r\n")) == std::string::npos) {
      if (!fill()) return body;
    }
    const std::size_t size = std::strtoul(take(line + 2).c_str(), nullptr, 16);
    const std::string chunk = read(size + 2);
    if (chunk.size() < size + 2) return body + chunk;
    body += chunk.substr(0, size);
    if (size == 0) {
      complete = chunk == "\r\n";
      return body;
    }
  }
}

std::string Stream::body_of(const std::string& head, bool until_close, bool& complete) {
  if (!first_value(head, "Transfer-Encoding").empty()) return chunks(complete);
  const std::string length = first_value(head, "Content-Length");
  if (!length.empty()) {
    const std::size_t size = std::strtoull(length.c_str(), nullptr, 10);
    std::string body = read(size);
    complete = body.size() == size;
    return body;
  }
  complete = true;
  if (!until_close) return {};
  std::string body = read_to_end();
  complete = end_ == End::kFinished;
  return body;
}

Reply Stream::reply(bool answers_head) {
  Reply reply;
  reply.head = head();
  if (reply.head.size() < 12) return reply;
  reply.status = std::atoi(reply.head.c_str() + 9);
  const bool has_none =
      answers_head || reply.status < 200 || reply.status == 204 || reply.status == 304;
  if (has_none) {
    reply.complete = true;
  } else {
    reply.body = body_of(reply.head, true, reply.complete);
  }
  return reply;
}

Received Stream::request() {
  Received request;
  request.head = head();
  bool complete = false;
  if (!request.head.empty()) request.body = body_of(request.head, false, complete);
  return request;
}

void Stream::finish() { ::shutdown(fd_.get(), SHUT_WR); }

void Stream::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

net::Endpoint Stream::peer() const { return net::peer_endpoint(fd_.get()).value_or({}); }
net::Endpoint Stream::local() const { return net::local_endpoint(fd_.get()).value_or({}); }

}  // namespace weir::testing

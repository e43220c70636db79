// Signed requests as clients make them: the headers that each official client sends and signs, both
// versions. Canonical forms are given, not computed, so that a mistake of the verifier cannot hide
// here. Only tests include it. Thread: values.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/signature.h"
#include "api/signature_key.h"

namespace weir::api {

/// A call before it is signed. `signed_path` and `signed_query` are what the client puts under its
/// signature; empty means the same as on the wire.
struct ClientCall {
  SignatureVersion version = SignatureVersion::kJdcloud2;
  std::string method = "GET";
  std::string path = "/v1/regions/cn-north-1/loadBalancers/";
  std::string query;
  std::vector<http::HeaderLine> headers;
  std::vector<std::string> signed_headers;
  std::string body;
  std::string signed_path;
  std::string signed_query;
  std::string access_key = "TESTAK";
  std::string secret = "TESTSK";
  std::string region = "cn-north-1";
  std::string service = "lb";
  std::string date = "20260101T010000Z";  // VirtualClock's first moment
};

inline const std::string* find_header(const std::vector<http::HeaderLine>& headers,
                                      std::string_view lower_name) {
  for (const http::HeaderLine& line : headers) {
    std::string name = line.name;
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    if (name == lower_name) return &line.value;
  }
  return nullptr;
}

/// The signed lines "name:value", for values that are trimmed already.
inline std::string signed_lines(const ClientCall& call) {
  std::string lines;
  for (const std::string& name : call.signed_headers) {
    const std::string* value = find_header(call.headers, name);
    lines += name + ":" + (value == nullptr ? "" : *value) + "\n";
  }
  return lines;
}

/// The Authorization header of the call.
inline std::string authorization_of(const ClientCall& call) {
  const SignatureWords& words = words_of(call.version);
  SignatureHeader header{call.version,
                         call.access_key,
                         call.date.substr(0, 8),
                         call.region,
                         call.service,
                         call.signed_headers,
                         ""};
  std::string names;
  for (const std::string& name : call.signed_headers) names += (names.empty() ? "" : ";") + name;
  const std::string canonical =
      call.method + "\n" + (call.signed_path.empty() ? call.path : call.signed_path) + "\n" +
      (call.signed_query.empty() ? call.query : call.signed_query) + "\n" + signed_lines(call) +
      "\n" + names + "\n" + hex_of(sha256(call.body));
  const std::string text = std::string(words.algorithm) + "\n" + call.date + "\n" + header.scope() +
                           "\n" + hex_of(sha256(canonical));
  const auto chain = key_chain(header, call.secret);
  return std::string(words.algorithm) + " Credential=" + call.access_key + "/" + header.scope() +
         ", SignedHeaders=" + names + ", Signature=" + sign_text(*chain, text).value();
}

/// The request on the wire, as the server hands it on.
inline http::Request signed_by(const ClientCall& call) {
  http::Request request;
  request.method = call.method;
  request.target = call.path + (call.query.empty() ? "" : "?" + call.query);
  request.headers = call.headers;
  request.headers.push_back({"Authorization", authorization_of(call)});
  request.body = call.body;
  return request;
}

inline constexpr std::string_view kTestNonce = "9b2e61a4-95b0-4a1c-8a86-2f1f4ad8a7a1";

/// Node SDK: Accept, content type, host, date and nonce are signed; "%3A" on the wire.
inline ClientCall node_call(ClientCall call = {}) {
  call.headers = {{"accept", "application/json"},
                  {"User-Agent", "JdcloudSdkNode/1.0.0  lb/0.5.7"},
                  {"content-type", "application/json"},
                  {"x-jdcloud-date", call.date},
                  {"x-jdcloud-nonce", std::string(kTestNonce)},
                  {"host", "127.0.0.1:8420"},
                  {"Accept-Encoding", "gzip,deflate"},
                  {"Connection", "close"}};
  call.signed_headers = {"accept", "content-type", "host", "x-jdcloud-date", "x-jdcloud-nonce"};
  return call;
}

/// Go SDK: everything but Authorization, User-Agent and X-Jdcloud-Request-Id.
inline ClientCall go_call(ClientCall call = {}) {
  call.headers = {{"Host", "127.0.0.1:8420"},
                  {"User-Agent", "JdcloudSdkGo/1.64.0 lb/0.6.6"},
                  {"Content-Type", "application/json"},
                  {"X-Jdcloud-Date", call.date},
                  {"X-Jdcloud-Nonce", std::string(kTestNonce)},
                  {"X-Jdcloud-Extra", "go"},
                  {"Accept-Encoding", "gzip"}};
  call.signed_headers = {"content-type", "host", "x-jdcloud-date", "x-jdcloud-extra",
                         "x-jdcloud-nonce"};
  return call;
}

/// Java SDK: everything but Connection and the trace id; the path as it stands on the wire.
inline ClientCall java_call(ClientCall call = {}) {
  call.headers = {{"Accept-Encoding", "gzip"},   {"Content-Type", "application/json"},
                  {"Host", "127.0.0.1:8420"},    {"User-Agent", "JdcloudSdkJava/1.2.9 lb/0.6.6"},
                  {"x-jdcloud-date", call.date}, {"x-jdcloud-nonce", std::string(kTestNonce)},
                  {"x-jdcloud-trace-id", "1"},   {"Connection", "Keep-Alive"}};
  call.signed_headers = {"accept-encoding", "content-type",   "host",
                         "user-agent",      "x-jdcloud-date", "x-jdcloud-nonce"};
  return call;
}

/// Python SDK: version 3, which signs content type and host only.
inline ClientCall python_call(ClientCall call = {}) {
  call.version = SignatureVersion::kJdcloud3;
  call.headers = {{"Host", "127.0.0.1:8420"},
                  {"User-Agent", "JdcloudSdkPython/1.2.9 lb/0.6.6"},
                  {"Accept-Encoding", "gzip, deflate"},
                  {"Accept", "*/*"},
                  {"Connection", "keep-alive"},
                  {"Content-Type", "application/json"},
                  {"x-jdcloud-date", call.date},
                  {"x-jdcloud-content-sha256", hex_of(sha256(call.body))},
                  {"JDCLOUD3-HMAC-SHA256", "JDCLOUD3-HMAC-SHA256"},
                  {"x-jdcloud-nonce", std::string(kTestNonce)}};
  call.signed_headers = {"content-type", "host"};
  return call;
}

}  // namespace weir::api

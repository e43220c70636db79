// Cost of the HTTP/1 codec per message. Budgets (performance guide, 2.2 and 4.1): a request of 400
// bytes is parsed in at most 120 ns and built anew in at most 120 ns.
#include <benchmark/benchmark.h>

#include <array>
#include <string_view>

#include "http/h1_parser.h"
#include "http/h1_writer.h"

namespace weir::http {
namespace {

constexpr std::string_view kRequest =
    "GET /catalogue/items/4711?colour=blue&size=42 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=6f1c2b7a9015d3e8c4a2f6b0\r\n"
    "Cache-Control: max-age=0\r\n"
    "\r\n";
static_assert(kRequest.size() > 390 && kRequest.size() < 410);

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Fri, 20 Nov 2026 05:00:00 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 1024\r\n"
    "Last-Modified: Thu, 19 Nov 2026 18:00:00 GMT\r\n"
    "ETag: \"673cd1a0-400\"\r\n"
    "Accept-Ranges: bytes\r\n"
    "\r\n";

void parse_request(benchmark::State& state) {
  RequestHead head;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_request_head(kRequest, 0, head));
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(parse_request);

void parse_response(benchmark::State& state) {
  ResponseHead head;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_response_head(kResponse, 0, false, head));
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(parse_response);

void write_request(benchmark::State& state) {
  RequestHead head;
  (void)parse_request_head(kRequest, 0, head);
  std::array<char, 4096> out;
  const RequestOptions options{
      .forwarding = {.peer = "192.0.2.44"}, .vip = "198.51.100.7", .listener_port = "80"};
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_request_head(head, kRequest.data(), options, out));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(write_request);

void write_response(benchmark::State& state) {
  ResponseHead head;
  (void)parse_response_head(kResponse, 0, false, head);
  std::array<char, 4096> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_response_head(head, kResponse.data(), {}, out));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(write_response);

}  // namespace
}  // namespace weir::http

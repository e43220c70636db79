#include "http/h1_writer.h"

#include <algorithm>
#include <utility>

#include "http/h1_append.h"
#include "http/h1_fields.h"
#include "http/h1_parser.h"

namespace weir::http {
namespace {

using std::string_view_literals::operator""sv;

/// Set of field ids.
class IdSet {
 public:
  template <class... Ids>
  explicit constexpr IdSet(Ids... ids) {
    (add(ids), ...);
  }
  constexpr void add(FieldId id) { bits_ |= 1U << static_cast<unsigned>(id); }
  constexpr void remove(FieldId id) { bits_ &= ~(1U << static_cast<unsigned>(id)); }
  constexpr bool has(FieldId id) const { return (bits_ >> static_cast<unsigned>(id) & 1U) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

// RFC 9110, 7.6.1: fields of one connection; and the framing fields, which are written from the
// parsed framing.
constexpr IdSet kNeverCopied{FieldId::kContentLength,   FieldId::kTransferEncoding,
                             FieldId::kConnection,      FieldId::kKeepAlive,
                             FieldId::kProxyConnection, FieldId::kTe,
                             FieldId::kUpgrade,         FieldId::kHttp2Settings,
                             FieldId::kNominated,       FieldId::kUnderscoreAlias};

/// Copies all lines but those of `dropped` ids, as few runs of whole lines where they stand in
/// plain form.
void copy_fields(const FieldTable& fields, const char* bytes, std::uint32_t size,
                 const IdSet& dropped, Appender& out) {
  const std::span<const Field> list = fields.list();
  const char* run = nullptr;
  const char* run_end = nullptr;
  const auto end_run = [&] {
    if (run != nullptr) out.add({run, static_cast<std::size_t>(run_end - run)});
    run = nullptr;
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Field& field = list[i];
    if (field.is_plain && !dropped.has(field.id)) {
      if (run == nullptr) run = bytes + field.name.offset;
      run_end = bytes + (i + 1 < list.size() ? list[i + 1].name.offset : size - 2);
      continue;
    }
    end_run();
    if (!dropped.has(field.id)) out.add_line(field.name.in(bytes), field.value.in(bytes));
  }
  end_run();
}

/// RFC 9112, 6.1 and 6.2.
void add_framing(Framing framing, std::uint64_t length, Appender& out) {
  if (framing == Framing::kChunked) out.add("Transfer-Encoding: chunked\r\n");
  if (framing == Framing::kLength) {
    out.add("Content-Length: ");
    out.add_number(length);
    out.add("\r\n");
  }
}

void add_upgrade(std::string_view protocol, Appender& out) {
  out.add_all("Connection: Upgrade\r\nUpgrade: "sv, protocol, "\r\n"sv);
}

/// RFC 9112, 3.2: what a server is asked for is never in absolute form.
void add_target(const RequestHead& head, const char* bytes, Appender& out) {
  if (head.form != TargetForm::kAbsolute) return out.add(head.target.in(bytes));
  if (head.path.empty()) {
    // 3.2.4: OPTIONS without a path means the server as a whole.
    const bool is_server = head.method == Method::kOptions && head.query.empty();
    out.add(is_server ? "*" : "/");
  }
  out.add_all(head.path.in(bytes), head.query.in(bytes));
}

/// The Host line where the one of the client is absent, or not to be trusted (RFC 9112, 3.2.2).
void add_host(const RequestHead& head, const char* bytes, const RequestOptions& options,
              Appender& out) {
  if (!head.host.empty()) return out.add_line("Host", head.host.in(bytes));
  out.add_all("Host: "sv, options.vip);
  if (options.listener_port != "80") out.add_all(":"sv, options.listener_port);
  out.add("\r\n");
}

/// product.md, C.3: the peer goes after what is there; several lines become one.
void add_forwarded_for(const RequestHead& head, const char* bytes, std::string_view peer,
                       Appender& out) {
  out.add("X-Forwarded-For: ");
  for (const Field& field : head.fields.list()) {
    if (field.id != FieldId::kXForwardedFor || field.value.empty()) continue;
    out.add_all(field.value.in(bytes), ", "sv);
  }
  out.add_all(peer, "\r\n"sv);
}

/// product.md, C.3: always host:port.
void add_forwarded_host(const RequestHead& head, const char* bytes, const RequestOptions& options,
                        Appender& out) {
  out.add("X-Forwarded-Host: ");
  out.add(head.host.empty() ? options.vip : head.host.in(bytes));
  if (head.host_port == 0) out.add_all(":"sv, options.listener_port);
  out.add("\r\n");
}

struct ForwardedValue {
  FieldId id;
  std::string_view value;
};

std::array<ForwardedValue, 4> forwarded_values(const Forwarding& forwarding) {
  return {{{FieldId::kXForwardedProto, forwarding.proto},
           {FieldId::kXForwardedPort, forwarding.port},
           {FieldId::kXForwardedLbip, forwarding.lbip},
           {FieldId::kXForwardedClientPort, forwarding.client_port}}};
}

IdSet dropped_from_request(const RequestHead& head, const RequestOptions& options) {
  IdSet dropped = kNeverCopied;
  dropped.add(FieldId::kExpect);
  if (head.form == TargetForm::kAbsolute) dropped.add(FieldId::kHost);
  if (!options.pass_trailers) dropped.add(FieldId::kTrailer);
  if (!options.forwarding.peer.empty()) dropped.add(FieldId::kXForwardedFor);
  if (options.forwarding.host) dropped.add(FieldId::kXForwardedHost);
  for (const auto& [id, value] : forwarded_values(options.forwarding)) {
    if (!value.empty()) dropped.add(id);
  }
  return dropped;
}

void add_forwarding(const RequestHead& head, const char* bytes, const RequestOptions& options,
                    Appender& out) {
  const Forwarding& forwarding = options.forwarding;
  if (!forwarding.peer.empty()) add_forwarded_for(head, bytes, forwarding.peer, out);
  if (forwarding.host) add_forwarded_host(head, bytes, options, out);
  for (const auto& [id, value] : forwarded_values(forwarding)) {
    if (!value.empty()) out.add_line(forwarding_name(id), value);
  }
}

/// Bytes that the constant texts of a written head may need. Chosen because all names and fixed
/// lines that the writer adds together have 306.
constexpr std::size_t kAddedText = 512;

}  // namespace

std::size_t write_request_head(const RequestHead& head, const char* bytes,
                               const RequestOptions& options, std::span<char> out) {
  Appender appender(out);
  appender.add_all(head.method_text.in(bytes), " "sv);
  add_target(head, bytes, appender);
  appender.add(" HTTP/1.1\r\n");
  if (head.host.empty() || head.form == TargetForm::kAbsolute) {
    add_host(head, bytes, options, appender);
  }
  copy_fields(head.fields, bytes, head.size, dropped_from_request(head, options), appender);
  add_forwarding(head, bytes, options, appender);
  add_framing(head.framing, head.content_length, appender);
  if (options.pass_expect && head.expects_continue) appender.add("Expect: 100-continue\r\n");
  if (options.pass_upgrade && !head.upgrade.empty()) {
    add_upgrade(head.upgrade.in(bytes), appender);
  } else if (options.close) {
    appender.add("Connection: close\r\n");
  }
  appender.add("\r\n");
  return appender.size();
}

std::size_t request_bound(const RequestHead& head, const RequestOptions& options) {
  std::size_t size = head.size + head.fields.count + kAddedText;
  size += head.host.length + 2 * (options.vip.size() + options.listener_port.size());
  size += options.forwarding.peer.size();
  for (const auto& [id, value] : forwarded_values(options.forwarding)) size += value.size();
  return size;
}

ResponsePlan plan_response(const ResponseHead& head, const ResponseOptions& options) {
  Framing framing = head.framing;
  // RFC 9112, 6.1: no transfer coding for a client that may not know it.
  if (framing == Framing::kChunked && options.client_version == Version::kHttp10) {
    framing = Framing::kUntilClose;
  }
  return {framing, options.close || !options.client_keep_alive || framing == Framing::kUntilClose};
}

std::size_t write_response_head(const ResponseHead& head, const char* bytes,
                                const ResponseOptions& options, std::span<char> out) {
  const ResponsePlan plan = plan_response(head, options);
  Appender appender(out);
  appender.add("HTTP/1.1 ");
  appender.add_number(head.status);
  appender.add_all(" "sv, head.reason.in(bytes), "\r\n"sv);
  IdSet dropped = kNeverCopied;
  if (!options.pass_trailers || plan.framing != Framing::kChunked) dropped.add(FieldId::kTrailer);
  copy_fields(head.fields, bytes, head.size, dropped, appender);
  // The reply to HEAD and 304 may tell the length of the body they leave out (RFC 9110, 8.6).
  add_framing(head.has_content_length ? Framing::kLength : plan.framing, head.content_length,
              appender);
  if (options.pass_upgrade && !head.upgrade.empty()) {
    add_upgrade(head.upgrade.in(bytes), appender);
  } else if (plan.close && head.status >= 200) {
    appender.add("Connection: close\r\n");
  } else if (options.client_version == Version::kHttp10 && head.status >= 200) {
    appender.add("Connection: keep-alive\r\n");  // RFC 9112, 9.3
  }
  appender.add("\r\n");
  return appender.size();
}

std::size_t response_bound(const ResponseHead& head) {
  return head.size + head.fields.count + kAddedText;
}

}  // namespace weir::http

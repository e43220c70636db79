// One request and its response: chooses a target, takes a stream of a connection to it, carries
// both bodies with back-pressure, and tries once more elsewhere while that is safe. It begins with
// a complete request head (connection.h reads it, so that idle connections and slow heads cost no
// exchange). Its only branching function is step(). Thread: one worker.
//
// Decisions: an expectation of 100-continue is passed on, so the target decides; at most
// kInterimMax interim answers are. An answer before the end of the request ends the client
// connection. Trailers are not passed on in either direction.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/proxy/connection.h"
#include "dataplane/proxy/failure.h"
#include "dataplane/proxy/upstream_pool.h"
#include "http/h1_body.h"
#include "http/h1_head.h"
#include "http/h1_writer.h"

namespace weir::dataplane::proxy {

struct Parts;

class Exchange final : public SlabObject, public Timed, public StreamOwner {
 public:
  Exchange(Parts& parts, Connection& client);
  ~Exchange();

  // From the client connection.
  /// `bytes` start with `head`. Returns how many belong to this request. The exchange may have
  /// ended by then.
  std::size_t begin(const http::RequestHead& head, std::span<const char> bytes);
  /// More of the body can be taken.
  bool wants_body() const;
  /// Returns how many of `bytes` belong to this request. The exchange may have ended by then.
  std::size_t request_bytes(std::span<const char> bytes);
  /// The client took bytes, if not all.
  void client_took() { note_progress(); }
  void client_writable();
  /// The connection ends; nothing can be answered.
  void client_gone(FailureKind why);
  void on_timer();

  // From the upstream connection.
  void stream_ready() override;
  void stream_event(const UpstreamEvent& event) override;
  void stream_flush() override;
  void stream_failed(const StreamFailure& failure) override;
  void stream_took() override { note_progress(); }
  void stream_writable() override;
  bool stream_paused() const override { return client_.is_blocked(); }

 private:
  //  kRoute -> kPick -> kConnect -> kForward -> kRespond -> kDone
  //              ^---------'----------'  once, while nothing speaks against it
  enum class Phase : std::uint8_t { kRoute, kPick, kConnect, kForward, kRespond, kDone };

  /// What happened; kEntered when the phase has just been entered.
  struct Signal {
    enum class Kind : std::uint8_t { kEntered, kBegin, kBody, kReady, kEvent, kFailed, kTimer };
    Kind kind = Kind::kEntered;
    std::span<const char> bytes;                            // kBegin: head and more; kBody
    const http::RequestHead* head = nullptr;                // kBegin
    const UpstreamEvent* event = nullptr;                   // kEvent
    ExchangeFailure failure{FailureKind::kUpstreamClosed};  // kFailed
  };

  void step(Signal signal);
  Phase route(const Signal& signal);
  Phase pick();
  Phase connect(const Signal& signal);
  Phase forward(const Signal& signal);
  Phase respond(const Signal& signal);
  void finish();

  Phase fail(ExchangeFailure failure);
  Phase timed_out();
  void note_progress();
  void open_window();
  bool may_retry(const ExchangeFailure& failure) const;
  void answer(const FailureFacts& facts);
  void leave_upstream(bool is_complete);

  void keep_request(const http::RequestHead& head, std::span<const char> bytes);
  bool take_body(std::span<const char> bytes);
  void send_request();
  void send_upstream();
  Phase take_head(const UpstreamEvent& event);
  Phase pass_interim(const UpstreamEvent& event);
  void pass_payload(std::span<const char> payload);
  Phase tunnel(const UpstreamEvent& event);
  bool write_head(const UpstreamEvent& event, const http::ResponseOptions& options);
  http::ResponseOptions response_options() const;
  bool must_close() const;
  bool is_request_complete() const { return body_.is_done(); }
  Instant deadline() const;
  void arm();

  Parts& parts_;
  Connection& client_;
  Ref<ServiceEntry> service_;
  Ref<ListenerEntry> listener_;
  TargetEntry* target_ = nullptr;  // of service_
  Ref<TargetEntry> tried_;         // failed before, perhaps of the service as it was then
  UpstreamConnection* upstream_ = nullptr;
  Buffer* request_ =
      nullptr;  // head and first bytes of the body, until an answer makes a retry impossible
  http::BodyReader body_;
  Instant progress_;      // when anything last moved
  Instant window_start_;  // of the least rate of the body
  std::size_t used_ = 0;  // bytes of the last signal that belong to this request
  std::uint32_t window_bytes_ = 0;
  std::uint32_t head_size_ = 0;  // in request_
  std::uint64_t body_size_ = 0;
  FailureKind first_failure_ = FailureKind::kNoTarget;
  http::ResponsePlan plan_{};
  Phase phase_ = Phase::kRoute;
  After after_ = After::kKeep;
  std::uint8_t interim_count_ = 0;
  http::Version version_ = http::Version::kHttp11;
  bool client_keeps_alive_ = false;
  bool answers_head_ = false;
  bool is_idempotent_ = false;
  bool is_chunked_ = false;
  bool allows_upgrade_ = false;
  bool expects_continue_ = false;
  bool is_window_open_ = false;  // the client has been asked for its body
  bool was_written_ = false;     // bytes of the request may have reached the target
  bool is_replayable_ = true;    // request_ is all that was read
  bool is_broken_ = false;       // the target takes no more of the body
  bool is_retried_ = false;
  bool needs_fresh_ = false;     // the retry takes a new connection
  bool may_retry_same_ = false;  // the failure says nothing about the target
  bool is_answered_ = false;     // a final head, or our own answer, has been given to the client
  bool is_tunnel_ = false;
};

}  // namespace weir::dataplane::proxy

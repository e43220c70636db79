// Every metric of the product, one line each. Names are a promise: they are never renamed.
// X(constant, name, type, labels, help): labels are a braced list of strings; durations are in
// seconds, sizes in bytes.
#pragma once

// clang-format off
#define WEIR_METRICS(X)                                                                                                   \
  X(kBuildInfo, "weir_build_info", kGauge, ({"version", "role"}), "Always 1; the labels say which build runs in which role.") \
  X(kBugs, "weir_bugs_total", kCounter, ({}), "Broken internal assumptions that were survived; anything but 0 deserves a report.") \
  X(kApiRequests, "weir_api_requests_total", kCounter, ({"operation", "code"}), "Calls of the management API by operation and HTTP status.") \
  X(kApiConnections, "weir_api_connections", kGauge, ({}), "Open connections of the management API.") \
  X(kApiLimitReached, "weir_api_limit_reached_total", kCounter, ({"limit"}), "Requests refused because a limit of the API was reached.") \
  X(kApiTlsHandshakes, "weir_api_tls_handshakes_total", kCounter, ({"result"}), "TLS handshakes of the management API by result (done, failed, late).") \
  X(kApiCertificateLoads, "weir_api_certificate_loads_total", kCounter, ({"result"}), "Times the files of the API's certificate were read, by result (loaded, failed); after a failure the certificate before goes on serving.") \
  X(kApiCertificateEnd, "weir_api_certificate_expiry_timestamp_seconds", kGauge, ({}), "When the API's certificate ends.") \
  X(kLogins, "weir_logins_total", kCounter, ({"result"}), "Attempts to log in with a password, by result (done, refused, throttled, busy).") \
  X(kLoginDelays, "weir_login_delays", kGauge, ({}), "Users and addresses with wrong passwords that are remembered, each of which may have to wait before its next attempt.") \
  X(kSessions, "weir_sessions", kGauge, ({}), "Console sessions that have not ended.") \
  X(kApiStreams, "weir_api_streams", kGauge, ({}), "Readers that follow a watch or the event stream now.") \
  X(kStoreCommits, "weir_store_commits_total", kCounter, ({"result"}), "Transactions of the store by result.") \
  X(kStoreRevision, "weir_store_revision", kGauge, ({}), "Newest committed revision.") \
  X(kStoreEpoch, "weir_store_epoch", kGauge, ({}), "Epoch of the store; a restore starts a higher one.") \
  X(kStoreLimitReached, "weir_store_limit_reached_total", kCounter, ({"limit"}), "Transactions refused and reads turned away because a limit of the store was reached.") \
  X(kStoreReopens, "weir_store_reopens_total", kCounter, ({}), "Times the store opened its database again after it could not write.") \
  X(kAuditRefusalsCounted, "weir_audit_refusals_counted_total", kCounter, ({}), "Refused writes that the audit counts in one row a minute, because too many came for a row each.") \
  X(kEvents, "weir_events_total", kCounter, ({"source"}), "Events noted for the event stream by source (objects, observed).") \
  X(kAuditProblems, "weir_audit_problems", kGauge, ({}), "What the last verification of the audit chain has found: rows changed, missing or cut off.") \
  X(kStreamNodes, "weir_stream_nodes", kGauge, ({}), "Nodes that follow the stream now.") \
  X(kStreamFrames, "weir_stream_frames_total", kCounter, ({"direction"}), "Frames of the stream by direction (sent, received).") \
  X(kStreamRefused, "weir_stream_refused_total", kCounter, ({"reason"}), "Nodes that control turned away, by reason; 'ahead' means that control has lost changes.") \
  X(kStreamQuestions, "weir_stream_questions_total", kCounter, ({"result"}), "Questions of control to nodes by result (answered, not_connected, node_gone, timeout, too_many).") \
  X(kNodeConnected, "weir_node_connected", kGauge, ({}), "1 while this node follows control.") \
  X(kNodeRevision, "weir_node_revision", kGauge, ({"stage"}), "Revision this node has reached: seen, compiled, applied.") \
  X(kNodeObjectErrors, "weir_node_object_errors", kGauge, ({"kind"}), "Objects this node cannot apply, by kind.") \
  X(kReplicaBytes, "weir_replica_bytes", kGauge, ({"file"}), "Size of the replica's files.") \
  X(kReplicaDamage, "weir_replica_damage_total", kCounter, ({}), "Damaged frames found in the replica at start.") \
  X(kProxyStarts, "weir_proxy_starts_total", kCounter, ({"reason"}), "Starts of the proxy child by reason (first, crash, replace).") \
  X(kProxyProcesses, "weir_proxy_processes", kGauge, ({"state"}), "Proxy processes by state (serving, draining).") \
  X(kSnapshotsAlive, "weir_snapshots_alive", kGauge, ({}), "Snapshots held in memory by the proxy.") \
  X(kConfigLastApply, "weir_config_last_apply_success_timestamp_seconds", kGauge, ({}), "When the data plane last took a new configuration.") \
  X(kListenerConnections, "weir_listener_connections_total", kCounter, ({"listener"}), "Client connections accepted.") \
  X(kListenerConnectionsActive, "weir_listener_connections_active", kGauge, ({"listener"}), "Client connections open now.") \
  X(kListenerRequests, "weir_listener_requests_total", kCounter, ({"listener", "code_class", "protocol"}), "Requests answered, by class of status code.") \
  X(kListenerBytesIn, "weir_listener_received_bytes_total", kCounter, ({"listener"}), "Bytes received from clients.") \
  X(kListenerBytesOut, "weir_listener_sent_bytes_total", kCounter, ({"listener"}), "Bytes sent to clients.") \
  X(kListenerFailures, "weir_listener_failures_total", kCounter, ({"listener", "reason"}), "Requests and connections that failed, by reason.") \
  X(kListenerFieldsDropped, "weir_listener_fields_dropped_total", kCounter, ({"listener", "reason"}), "Request fields dropped because a server might take them for a forwarding or framing field (underscore), or because they offer h2c.") \
  X(kTargetRequests, "weir_target_requests_total", kCounter, ({"backend", "target"}), "Requests sent to a target (HTTP), or connections (TCP).") \
  X(kTargetConnectionsActive, "weir_target_connections_active", kGauge, ({"backend", "target"}), "Connections to a target in use now.") \
  X(kTargetConnectFailures, "weir_target_connect_failures_total", kCounter, ({"backend", "target"}), "Failed attempts to connect to a target.") \
  X(kTargetUp, "weir_target_up", kGauge, ({"backend", "target"}), "1 when the target takes new traffic.") \
  X(kBackendFailOpen, "weir_backend_fail_open", kGauge, ({"backend"}), "1 while a backend service fails open although a check has called a target unhealthy: none is usable, so all that run get its traffic; else 0; only where failOpen is set.") \
  X(kHealthChecks, "weir_target_health_checks_total", kCounter, ({"backend", "result"}), "Health probes by result (success, failure, not_run).") \
  X(kPersistenceAddresses, "weir_backend_persistence_addresses", kGauge, ({"backend"}), "Client addresses that persistence remembers for a backend service.") \
  X(kPersistenceEvictions, "weir_backend_persistence_evictions_total", kCounter, ({"backend"}), "Client addresses forgotten before their time because persistence remembers as many as it may.") \
  X(kHealthLimitReached, "weir_health_limit_reached_total", kCounter, ({"limit"}), "Health probes that had to wait because a limit was reached.") \
  X(kProxyRetries, "weir_proxy_retries_total", kCounter, ({}), "Requests and connections tried a second time.") \
  X(kProxyLimitReached, "weir_proxy_limit_reached_total", kCounter, ({"limit"}), "Events refused because a limit of the proxy was reached.")
// clang-format on

namespace weir {

enum class Metric {
#define WEIR_METRIC_NAME(constant, ...) constant,
  WEIR_METRICS(WEIR_METRIC_NAME)
#undef WEIR_METRIC_NAME
};

}  // namespace weir

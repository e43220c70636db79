"""One line from an API call to a proxied request, in each topology."""
import collections

from harness import wait_for


def test_an_alb_spreads_requests_over_its_targets_by_weight(cluster):
    service = cluster.service(cluster.make_targets("http"), weights={0: 5, 1: 3, 2: 2}).wait_healthy()
    seen = collections.Counter(cluster.http(service.vip, service.port, f"/{i}")[1]["X-Target"] for i in range(200))
    # Each of two workers keeps exact shares of its own; the error is bounded by one period per worker.
    assert abs(seen["http0"] - 100) <= 10 and abs(seen["http1"] - 60) <= 10 and abs(seen["http2"] - 40) <= 10, seen


def test_an_nlb_forwards_connections(cluster):
    service = cluster.service(cluster.make_targets("tcp"), lb_type="nlb", protocol="Tcp").wait_healthy()
    names = {cluster.tcp(service.vip, service.port) for _ in range(30)}
    assert names == {("tcp0", b"hello\n"), ("tcp1", b"hello\n"), ("tcp2", b"hello\n")}


def test_m43_m44_the_target_sees_the_client_in_x_forwarded_for_and_the_balancer_as_peer(cluster):
    service = cluster.service(cluster.make_targets("http", 1)).wait_healthy()
    status, headers, _ = cluster.http(service.vip, service.port, "/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert status == 200
    first, client = headers["X-Seen-For"].split(", ")
    assert first == "203.0.113.7"
    assert client.startswith(cluster.client_prefix)


def test_m68_a_target_that_dies_gets_no_more_traffic_and_no_request_fails(cluster):
    service = cluster.service(cluster.make_targets("http"), check={"protocol": "Tcp", "unhealthyThresholdCount": 1}).wait_healthy()
    cluster.targets.kill("http1")
    answers = [cluster.http(service.vip, service.port, f"/{i}") for i in range(60)]
    assert {status for status, *_ in answers} == {200}
    wait_for(lambda: list(cluster.health(service.backend).values()).count("unhealthy") == 1, "one unhealthy target")
    answers = [cluster.http(service.vip, service.port, f"/{i}") for i in range(60)]
    assert {headers["X-Target"] for _, headers, _ in answers} == {"http0", "http2"}


def test_m69_a_target_that_recovers_gets_traffic_again_by_itself(cluster):
    check = {"protocol": "Http", "unhealthyThresholdCount": 1, "healthyThresholdCount": 1}
    service = cluster.service(cluster.make_targets("http", 2), check=check).wait_healthy()
    cluster.targets.kill("http1")
    wait_for(lambda: list(cluster.health(service.backend).values()).count("unhealthy") == 1, "one unhealthy target")
    cluster.targets.revive("http1")
    service.wait_healthy()
    wait_for(lambda: cluster.http(service.vip, service.port)[1]["X-Target"] == "http1", "traffic to the recovered target")


def test_without_a_healthy_target_http_answers_503_and_tcp_resets(cluster):
    web = cluster.service([], "alb", "Http")
    raw = cluster.service([], "nlb", "Tcp")
    cluster.wait_serving(web)
    cluster.wait_serving(raw)
    assert cluster.http(web.vip, web.port)[0] == 503
    try:
        answer = cluster.tcp(raw.vip, raw.port)
    except ConnectionError:
        answer = None
    assert answer is None


def test_m3_parts_are_deleted_in_reverse_order_and_traffic_stops(cluster):
    service = cluster.service(cluster.make_targets("http", 1)).wait_healthy()
    assert cluster.http(service.vip, service.port)[0] == 200
    service.delete()

    def refused():
        try:
            cluster.http(service.vip, service.port, timeout=1)
        except (ConnectionError, OSError):
            return True
        return False
    wait_for(refused, "the listener to be gone")


def test_a_stopped_load_balancer_takes_no_connections_until_it_is_started(cluster):
    service = cluster.service(cluster.make_targets("http", 1)).wait_healthy()
    cluster.api.call("PATCH", f"lb/{service.lb}", {"admin": {"state": "stopped"}})
    wait_for(lambda: not service.answers(), "the stop")
    cluster.api.call("PATCH", f"lb/{service.lb}", {"admin": {"state": "started"}})
    wait_for(service.answers, "the start")

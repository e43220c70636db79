"""Targets that fail in the ways that targets do: what clients see, and when a target is out and in again."""
import concurrent.futures
import itertools
import pathlib
import select
import socket
import threading
import time

import pytest

from harness import SLOWNESS, in_namespace, wait_for

# The shortest settings that the public product allows.
CHECK = {"protocol": "Tcp", "intervalSeconds": 5, "checkTimeoutSeconds": 2, "unhealthyThresholdCount": 1, "healthyThresholdCount": 1}


def bound_of(check):
    """Seconds after which a failed target is out at the latest."""
    interval, timeout = check["intervalSeconds"], check["checkTimeoutSeconds"]
    between_starts = interval * -(-timeout // interval)
    return check["unhealthyThresholdCount"] * between_starts + timeout + 0.5


def status_of(cluster, service, number):
    return cluster.health(service.backend)[service.targets[number]]


def wait_status(cluster, service, number, status, seconds):
    wait_for(lambda: status_of(cluster, service, number) == status, f"target {number} to be {status}", seconds)


def resident_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_b1_m68_refused_connections_go_elsewhere_and_the_target_is_out_within_the_bound(up):
    service = up.service(up.make_targets("http", 4), check=CHECK).wait_healthy()
    load = up.load("--http", service.endpoint, "--rate", 1000 / SLOWNESS, "--workers", 8)
    time.sleep(1)
    up.targets.refuse("http0")
    wait_status(up, service, 0, "unhealthy", bound_of(CHECK))
    report = load.finish()
    assert report["failed"] == 0 and report["reopened"] == 0, report
    # The verdict is also in the proxy; then nothing goes there, not even on connections from before.
    wait_for(lambda: "http0" not in up.flows(service, 100)[0], "no traffic to the target that refuses")
    after, _ = up.flows(service, 2000, wave=8, keep=1)
    assert set(after) == {"http1", "http2", "http3"}


def test_m68_a_killed_target_is_out_within_the_bound_without_any_traffic(up):
    service = up.service(up.make_targets("http", 2), check=CHECK).wait_healthy()
    up.targets.kill("http0")
    wait_status(up, service, 0, "unhealthy", bound_of(CHECK))


def test_b5_a_flapping_target_is_let_in_only_after_the_threshold_and_the_others_share_alike(up, is_long):
    check = {**CHECK, "healthyThresholdCount": 2}
    service = up.service(up.make_targets("http", 4), check=check).wait_healthy()
    load = up.load("--http", service.endpoint, "--rate", 1000 / SLOWNESS, "--workers", 8)
    proxy = up.pid("proxy")
    changes, before, early_kb = [], "healthy", None
    # One second down, one up; then up long enough to be let in again, and down once more.
    for seconds, is_up in [(1, False), (1, True)] * (150 if is_long else 8) + [(14, True), (2, False)]:
        (up.targets.accept if is_up else up.targets.refuse)("http0")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = status_of(up, service, 0)
            if now != before:
                changes.append((time.monotonic(), now))
                early_kb = early_kb or resident_kb(proxy)
                before = now
            time.sleep(0.05)
    late_kb = resident_kb(proxy)
    up.targets.accept("http0")
    report = load.finish()
    assert report["failed"] == 0 and report["reopened"] == 0, report
    assert [status for _, status in changes[:2]] == ["unhealthy", "healthy"], changes
    # Two checks in a row, an interval apart, must succeed before it is back.
    for (down, _), (back, status) in zip(changes[::2], changes[1::2]):
        assert status == "healthy" and back - down >= check["intervalSeconds"] - 0.5, changes
    others = [report["by_target"][f"http{i}"] for i in (1, 2, 3)]
    assert max(others) - min(others) <= 0.02 * sum(others), report
    assert late_kb - early_kb < 4096


def test_b7_a_target_that_swallows_syns_costs_a_request_one_connect_timeout_at_most(up):
    service = up.service(up.make_targets("http", 4), check={**CHECK, "unhealthyThresholdCount": 2}).wait_healthy()
    load = up.load("--http", service.endpoint, "--rate", 500 / SLOWNESS, "--workers", 32, "--fresh", 50)
    time.sleep(1)
    up.targets.swallow("http0")
    wait_status(up, service, 0, "unhealthy", bound_of({**CHECK, "unhealthyThresholdCount": 2}))
    time.sleep(6)  # the last connect that began before the verdict is over by then
    report = load.finish()
    assert report["failed"] == 0 and report["reopened"] == 0, report
    assert report["slowest_ms"] <= 5000 * 1.1 * SLOWNESS, report


def refusal(service, namespace=None):
    """How a new connection ends: 'reset', or what else happened."""
    with in_namespace(namespace):
        try:
            with socket.create_connection((service.vip, service.port), 5) as connection:
                connection.settimeout(5)
                return "closed" if connection.recv(1) == b"" else "answered"
        except ConnectionResetError:
            return "reset"


@pytest.mark.parametrize("kind, protocol", [("alb", "Http"), ("alb", "Tcp"), ("nlb", "Tcp")])
def test_b12_m69_with_all_targets_down_clients_are_refused_and_recovery_needs_nobody(up, kind, protocol):
    name = protocol.lower()
    service = up.service(up.make_targets(name, 2), kind, protocol, check=CHECK).wait_healthy()
    for i in range(2):
        up.targets.refuse(f"{name}{i}")
    for i in range(2):
        wait_status(up, service, i, "unhealthy", bound_of(CHECK))
    if protocol == "Http":
        wait_for(lambda: up.http(service.vip, service.port)[0] == 503, "503")
        times = []
        for _ in range(20):
            started = time.monotonic()
            assert up.http(service.vip, service.port)[0] == 503
            times.append(time.monotonic() - started)
        assert sorted(times)[10] <= 0.05 * SLOWNESS
    else:
        wait_for(lambda: refusal(service) == "reset", "a reset")
        assert all(refusal(service) == "reset" for _ in range(20))
    for i in range(2):
        up.targets.accept(f"{name}{i}")
    # One success is enough here, and the next check is at most an interval away.
    for i in range(2):
        wait_status(up, service, i, "healthy", CHECK["intervalSeconds"] + CHECK["checkTimeoutSeconds"] + 1)
    wait_for(service.answers, "an answer")


SIZE = 10_000_000


def begin(connection):
    """Asks for 10 MB and reads the head of the answer."""
    connection.sendall(f"GET /size/{SIZE} HTTP/1.1\r\nHost: transfer\r\n\r\n".encode())
    stream = connection.makefile("rb")
    while stream.readline() not in (b"\r\n", b""):
        pass
    return stream


def download(service, begun, gate):
    """Reads 10 MB in 3 seconds at least, once all have begun; the number of bytes."""
    with socket.create_connection((service.vip, service.port), 10) as connection:
        stream, view, got = begin(connection), memoryview(bytearray(1 << 18)), 0
        begun.release()
        gate.wait(60)
        started = time.monotonic()
        while got < SIZE:
            size = stream.readinto(view[:min(len(view), SIZE - got)])
            if not size:
                break
            got += size
            time.sleep(max(0, 3 * got / SIZE - (time.monotonic() - started)))
        return got


def stall(service, begun, gate):
    """Begins to read 10 MB and stops; the time at which the connection is cut."""
    with socket.create_connection((service.vip, service.port), 10) as connection:
        begin(connection)
        begun.release()
        gate.wait(60)
        end = select.poll()
        end.register(connection, select.POLLRDHUP)  # and what is always reported: errors and the end
        return time.monotonic() if end.poll(60_000) else None


def transfers(service, client, change):
    """100 clients; `change` is called when all are under way. What they return, and the time of the change."""
    begun, gate = threading.Semaphore(0), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        futures = [pool.submit(client, service, begun, gate) for _ in range(100)]
        assert all(begun.acquire(timeout=60) for _ in futures)
        at = time.monotonic()
        change()
        gate.set()
        return [f.result(120) for f in futures], at


def test_b13_weight_0_cuts_no_transfer(up):
    service = up.service(up.make_targets("http", 2)).wait_healthy()
    results, _ = transfers(service, download, lambda: [up.api.patch("target", id, weight=0) for id in service.targets])
    assert results == [SIZE] * 100


def test_b13_removal_lets_transfers_end(up):
    service = up.service(up.make_targets("http", 2)).wait_healthy()
    results, _ = transfers(service, download, lambda: up.api.delete("target", service.targets[0]))
    assert results == [SIZE] * 100


def test_b13_m41_transfers_are_cut_when_draining_ends_and_not_before(up):
    seconds = 4
    service = up.service(up.make_targets("http", 1), "nlb", "Tcp").wait_healthy(answers=False)
    up.api.patch("backend", service.backend, connectionDrainingSeconds=seconds)
    ends, at = transfers(service, stall, lambda: up.api.delete("target", service.targets[0]))
    assert all(ends)
    # The deadline of a drain is rounded up to a second of the wall clock.
    assert min(ends) - at >= seconds and max(ends) - at <= seconds + 1.5 + SLOWNESS, (min(ends) - at, max(ends) - at)


def test_h1_the_verdict_follows_the_check_port_only(up):
    address = "127.0.5.1"
    traffic, check_port = up.targets.add("traffic", "http", address=address), up.targets.add("check", "http", address=address)[1]
    service = up.service([traffic], check={**CHECK, "port": check_port}).wait_healthy()
    up.targets.refuse("check")
    wait_status(up, service, 0, "unhealthy", bound_of(CHECK))
    wait_for(lambda: up.http(service.vip, service.port)[0] == 503, "no traffic to a target that looks ill")
    up.targets.accept("check")
    wait_status(up, service, 0, "healthy", 10)
    wait_for(service.answers, "traffic again")
    up.targets.refuse("traffic")
    end = time.monotonic() + bound_of(CHECK) + 1
    while time.monotonic() < end:
        assert status_of(up, service, 0) == "healthy"
        time.sleep(0.1)


BORDERS = [199, 200, 299, 300, 399, 400, 499, 500]
CLASSES = {"2xx": range(200, 300), "3xx": range(300, 400), "4xx": range(400, 500)}
# The quota of listeners and backend services of a load balancer is 20.
PER_LB = 14
CODE_SETS = [codes for size in (1, 2, 3) for codes in itertools.combinations(CLASSES, size)]


def test_h3_m60_class_borders_are_exact_for_every_choice_of_classes(up):
    place, api = up.targets.add("codes"), up.api
    cases = [(codes, status) for codes in CODE_SETS for status in BORDERS]
    expected = {}
    for first in range(0, len(cases), PER_LB):
        kind, protocol = ("alb", "Http") if first % (2 * PER_LB) == 0 else ("nlb", "Tcp")
        lb = api.create("lb", f"codes{first}", type=kind, subnetId=up.subnet_id(), azs=["local-1a"])["id"]
        tg = api.create("tg", "codes", loadBalancerId=lb)["id"]
        api.create("target", None, targetGroupId=tg, ipAddress=place[0], port=place[1])
        for number, (codes, status) in enumerate(cases[first:first + PER_LB]):
            check = {**CHECK, "protocol": "Http", "httpPath": f"/status/{status}", "httpCode": list(codes)}
            backend = api.create("backend", f"b{number}", loadBalancerId=lb, protocol=protocol, port=80, targetGroupIds=[tg], healthCheck=check)["id"]
            api.create("listener", f"l{number}", loadBalancerId=lb, protocol=protocol, port=9000 + number, backendId=backend)
            expected[backend] = (codes, status, any(status in CLASSES[code] for code in codes))

    def verdict(backend):
        """True: healthy; False: failed, for a reason; None: no verdict yet."""
        target = api.get(f"backend/{backend}/health")["targets"][0]
        return {"healthy": True, "unhealthy": False}.get(target["status"])

    wait_for(lambda: all(verdict(backend) is not None for backend in expected), "all verdicts", 30)
    wrong = {backend: case for backend, case in expected.items() if verdict(backend) != case[2]}
    assert not wrong

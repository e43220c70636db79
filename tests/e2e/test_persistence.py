"""Persistence by client address, draining and weight 0, at the level of connections."""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time

import pytest

from harness import SLOWNESS, in_namespace, wait_for
from test_algorithms import target_of

SOURCES = [f"127.9.0.{i}" for i in range(1, 25)]
# Seconds that a cut may be late on a machine that has much else to do; in virtual time it is exact (src/dataplane/proxy/change_test.cpp).
LATE = 8.0 * SLOWNESS
QUICK = {"protocol": "Tcp", "unhealthyThresholdCount": 1, "healthyThresholdCount": 1}


class Held:
    """A connection that lasts, and talks when it is asked to."""

    def __init__(self, cluster, service):
        with in_namespace(cluster.client_namespace):
            self.socket = socket.create_connection((service.vip, service.port), 10)
        self.stream = self.socket.makefile("rwb")
        self.stream.write(b"hello\n")
        self.stream.flush()
        # A target names itself first and echoes the rest.
        self.target = self.stream.readline().decode().strip()
        assert self.stream.readline() == b"hello\n"

    def works(self):
        self.stream.write(b"again\n")
        self.stream.flush()
        return self.stream.readline() == b"again\n"

    def wait_cut(self, seconds=30):
        """Seconds from now until the connection is reset."""
        begin = time.monotonic()
        self.socket.settimeout(seconds * SLOWNESS)
        with pytest.raises(ConnectionResetError):
            while self.socket.recv(4096):
                pass
        return time.monotonic() - begin

    def close(self):
        self.stream.close()
        self.socket.close()


@pytest.fixture
def held():
    """Opens connections that are closed after the test."""
    with contextlib.ExitStack() as stack:
        def hold(cluster, service):
            connection = Held(cluster, service)
            stack.callback(connection.close)
            return connection
        yield hold


def patch(cluster, service, **spec):
    """Changes the backend service and waits until every node goes by it."""
    cluster.wait_applied(service, cluster.api.patch("backend", service.backend, **spec)["revision"])


def nlb(cluster, count=3, **spec):
    service = cluster.service(cluster.make_targets("tcp", count), lb_type="nlb", protocol="Tcp", check=QUICK).wait_healthy()
    if spec:
        patch(cluster, service, **spec)
    return service


def homes(cluster, service):
    return {source: target_of(cluster, service, source) for source in SOURCES}


def target_named(cluster, service, name):
    """The id of the target that runs as `name`."""
    _, _, address, port, _ = cluster.targets.processes[name]
    found = [t["targetId"] for t in cluster.api.get(f"backend/{service.backend}/health")["targets"]
             if (t["ipAddress"], t["port"]) == (address, port)]
    assert len(found) == 1
    return found[0]


def drains(cluster, service):
    return cluster.api.get(f"backend/{service.backend}/health")["drains"]


def remove_target(cluster, service, name):
    """Removes the target; the moment at which control was asked to."""
    target = target_named(cluster, service, name)
    begin = time.monotonic()
    cluster.api.delete("target", target)
    return begin


@pytest.mark.parametrize("algorithm", ["RoundRobin", "LeastConn", "IpHash"])
def test_m40_an_address_keeps_its_target_with_every_algorithm(up, algorithm):
    service = nlb(up, sessionStickiness=True, algorithm=algorithm)
    first = homes(up, service)
    assert len(set(first.values())) == 3, first
    for _ in range(3):
        assert homes(up, service) == first


def test_m38_persistence_is_off_until_it_is_switched_on_and_can_be_switched_off(up):
    service = nlb(up)
    reached = lambda: {target_of(up, service, SOURCES[0]) for _ in range(12)}
    assert len(reached()) == 3
    patch(up, service, sessionStickiness=True)
    assert len(reached()) == 1
    patch(up, service, sessionStickiness=False)
    assert len(reached()) == 3


def test_m40_only_the_clients_of_a_dead_target_move_and_they_stay_where_they_went(up):
    service = nlb(up, sessionStickiness=True)
    before = homes(up, service)
    dead = before[SOURCES[0]]
    up.targets.kill(dead)
    # The very next connections reach somebody else, whether the checks have noticed or not.
    moved = homes(up, service)
    assert all(moved[s] != dead if before[s] == dead else moved[s] == before[s] for s in SOURCES), (before, moved)
    wait_for(lambda: list(up.health(service.backend).values()).count("unhealthy") == 1, "one unhealthy target")
    assert homes(up, service) == moved
    up.targets.revive(dead)
    service.wait_healthy()
    assert homes(up, service) == moved


def test_m40_changes_of_time_algorithm_weight_and_check_move_nobody(up):
    service = nlb(up, sessionStickiness=True)
    before = homes(up, service)
    for change in ({"sessionStickyTimeout": 3600}, {"algorithm": "LeastConn"}, {"algorithm": "IpHash"},
                   {"healthCheck": {**QUICK, "intervalSeconds": 30}}, {"sessionStickyTimeout": 600}):
        patch(up, service, **change)
        assert homes(up, service) == before, change
    up.cli("update", "target", service.targets[0], "--weight", "100")
    up.wait_applied(service, up.api.get(f"target/{service.targets[0]}")["revision"])
    assert homes(up, service) == before


def test_m40_explain_names_the_kept_target_as_certain(up):
    service = nlb(up, sessionStickiness=True)
    ask = lambda: up.api.get(f"explain?listener={service.listener}&client={SOURCES[0]}")["nodes"][0]
    assert ask()["kind"] == "share"
    home = target_named(up, service, target_of(up, service, SOURCES[0]))
    answer = ask()
    assert answer["kind"] == "certain", answer
    assert [t["targetId"] for t in answer["targets"] if t["picked"]] == [home], answer


def test_m38_m40_what_does_not_fit_is_refused(up):
    service = nlb(up)
    web = up.service(up.targets_again()[:1])
    raw = up.service(up.targets_again()[:1], protocol="Tcp")
    for backend, spec, says in ((web, {"sessionStickiness": True}, "not supported yet"), (raw, {"sessionStickiness": True}, "Http only"),
                                (web, {"sessionStickyTimeout": 600}, "on nlb only"), (service, {"sessionStickyTimeout": 0}, "between"),
                                (service, {"sessionStickyTimeout": 3601}, "between"), (service, {"connectionDrainingSeconds": 3601}, "between")):
        with pytest.raises(Exception) as refused:
            up.api.patch("backend", backend.backend, **spec)
        assert refused.value.status == 400 and says in str(refused.value), (spec, refused.value)
    for spec in ({"sessionStickiness": None}, {"sessionStickiness": False}, {"sessionStickyTimeout": 1440}):
        up.api.patch("backend", web.backend, **spec)


def test_b13_m41_a_drain_ends_then_and_not_earlier_and_its_progress_shows(up, held):
    service = nlb(up, connectionDrainingSeconds=3)
    connections = [held(up, service) for _ in range(9)]
    name = connections[0].target
    leaving = [c for c in connections if c.target == name]
    others = [c for c in connections if c.target != name]
    begin = remove_target(up, service, name)
    left = wait_for(lambda: [d for d in drains(up, service) if d.get("connections") == len(leaving)], "the progress")[0]
    assert 0 <= left["leftSeconds"] <= 4 and left["oldestSeconds"] >= 0, left
    _, _, address, port, _ = up.targets.processes[name]
    assert (left["ipAddress"], left["port"]) == (address, port)
    assert leaving[0].works() and target_of(up, service) != name
    for connection in leaving:
        connection.wait_cut()
        # Deadlines are whole seconds, rounded up.
        assert 3.0 <= time.monotonic() - begin <= 4.0 + LATE
    assert all(c.works() for c in others)
    wait_for(lambda: not drains(up, service), "the end of the record")


def test_m41_progress_shows_in_the_client_and_a_drain_ends_with_its_last_connection(cluster, held):
    service = nlb(cluster, connectionDrainingSeconds=3600)
    connection = held(cluster, service)
    target = target_named(cluster, service, connection.target)
    cluster.api.delete("target", target)
    wait_for(lambda: [d for d in drains(cluster, service) if d.get("connections") == 1], "the progress")
    shown = cluster.cli("health", service.backend).stdout
    titles, row = [line.split() for line in shown.split("\n\n")[1].splitlines()]
    assert titles == ["DRAINING", "SLOT", "ADDRESS", "PORT", "CONNECTIONS", "OLDEST", "LEFT"]
    assert row[0] == target and row[4] == "1" and row[5].endswith("s") and 3500 < int(row[6].rstrip("s")) <= 3601, row
    assert json.loads(cluster.cli("health", service.backend, "-o", "json").stdout)["drains"][0]["connections"] == 1
    assert "drains:" in cluster.cli("health", service.backend, "-o", "yaml").stdout
    wait_for(lambda: drains(cluster, service)[0]["oldestSeconds"] >= 2, "the connection to get older")
    connection.close()
    wait_for(lambda: not drains(cluster, service), "the end of the record")
    assert "DRAINING" not in cluster.cli("health", service.backend).stdout


def test_m41_no_draining_time_cuts_at_once(up, held):
    service = nlb(up, connectionDrainingSeconds=0)
    connection = held(up, service)
    begin = remove_target(up, service, connection.target)
    connection.wait_cut()
    assert time.monotonic() - begin <= LATE


def test_m41_a_replaced_group_drains_the_same_way(up, held):
    service = nlb(up, connectionDrainingSeconds=3)
    connection = held(up, service)
    other = up.api.create("tg", "other", loadBalancerId=service.lb)["id"]
    address, port = up.targets.add("fresh", "tcp")
    up.api.create("target", None, targetGroupId=other, ipAddress=address, port=port)
    begin = time.monotonic()
    patch(up, service, targetGroupIds=[other])
    wait_for(lambda: [d for d in drains(up, service) if d.get("connections") == 1 and d["targetId"] in service.targets], "the progress")
    connection.wait_cut()
    assert 3.0 <= time.monotonic() - begin <= 4.0 + LATE
    wait_for(lambda: target_of(up, service) == "fresh", "the new group")


@pytest.mark.parametrize("lb_type", ["alb", "nlb"])
def test_b13_weight_zero_and_changes_of_settings_cut_no_tcp_connection(up, held, lb_type):
    service = up.service(up.make_targets("tcp"), lb_type=lb_type, protocol="Tcp", check=QUICK).wait_healthy()
    connections = [held(up, service) for _ in range(6)]
    for target in service.targets[:2]:
        up.api.patch("target", target, weight=0)
    changes = [{"algorithm": "LeastConn"}, {"healthCheck": {**QUICK, "intervalSeconds": 7}}, {"algorithm": "IpHash"}]
    changes += [{"sessionStickiness": True}, {"connectionDrainingSeconds": 0}] if lb_type == "nlb" else []
    for change in changes:
        patch(up, service, **change)
        assert all(c.works() for c in connections), change
    kept = target_of(up, service)
    assert {target_of(up, service, source) for source in SOURCES} == {kept}, "weight 0 takes nothing new"
    up.wait_applied(service, up.api.patch("target", target_named(up, service, kept), weight=0)["revision"])
    assert all(c.works() for c in connections)
    assert not drains(up, service)


def test_b13_transfers_finish_while_their_targets_leave_or_get_weight_zero(up):
    service = nlb(up, connectionDrainingSeconds=3600)
    size, begun, may_go_on = 4_000_000, threading.Barrier(31), threading.Event()

    def transfer(_):
        """Sends and gets back `size` bytes, in two parts; how many came."""
        with socket.create_connection((service.vip, service.port), 30) as connection:
            received = len(connection.recv(100))
            writer = threading.Thread(target=lambda: (connection.sendall(b"x" * (size // 2)), begun.wait(), may_go_on.wait(),
                                                      connection.sendall(b"x" * (size // 2)), connection.shutdown(socket.SHUT_WR)))
            writer.start()
            while data := connection.recv(65536):
                received += len(data)
            writer.join()
            return received
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        transfers = [pool.submit(transfer, i) for i in range(30)]
        begun.wait(60)
        up.api.patch("target", service.targets[0], weight=0)
        up.api.delete("target", service.targets[1])
        up.wait_applied(service, up.api.patch("target", service.targets[2], weight=0)["revision"])
        may_go_on.set()
        assert {t.result(120) for t in transfers} == {size + len("tcp0\n")}


def test_b13_weight_zero_keeps_http_connections_and_moves_their_requests(up):
    service = up.service(up.make_targets("http")).wait_healthy()
    client = http.client.HTTPConnection(service.vip, service.port, timeout=20)

    def ask():
        client.request("GET", "/")
        answer = client.getresponse()
        assert answer.status == 200
        return answer.read().decode()
    ask()
    before = client.sock
    for target in service.targets[:2]:
        up.wait_applied(service, up.api.patch("target", target, weight=0)["revision"])
    names = collections.Counter(ask() for _ in range(6))
    assert len(names) == 1, names
    assert client.sock is before, "the same connection"
    client.close()


def test_m41_connections_of_a_proxy_that_was_replaced_drain_too(apart, held):
    service = nlb(apart, connectionDrainingSeconds=3)
    connection = held(apart, service)
    proxy = apart.pid("proxy")
    apart.node.signal(signal.SIGHUP)
    wait_for(lambda: (apart.pid("proxy") or proxy) != proxy, "a successor")
    wait_for(lambda: target_of(apart, service), "the successor to serve")
    assert connection.works() and os.path.exists(f"/proc/{proxy}")
    begin = remove_target(apart, service, connection.target)
    wait_for(lambda: [d for d in drains(apart, service) if d.get("connections") == 1], "the progress")
    connection.wait_cut()
    assert 3.0 <= time.monotonic() - begin <= 4.0 + LATE
    wait_for(lambda: not os.path.exists(f"/proc/{proxy}"), "the old proxy to end")

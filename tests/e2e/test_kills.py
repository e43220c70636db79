"""Every process may die; traffic goes on, and nothing that was acknowledged is lost."""
import http.client
import os
import random
import signal
import socket
import threading
import time

from harness import PROGRAM, ApiError, Process, SLOWNESS, wait_for

import pytest


def running_service(cluster, protocol="http", **more):
    kind = {"http": ("alb", "Http"), "tcp": ("nlb", "Tcp")}[protocol]
    return cluster.service(cluster.make_targets(protocol), *kind, **more).wait_healthy()


def test_traffic_goes_on_while_control_is_dead(apart):
    service = running_service(apart)
    load = apart.load("--http", service.endpoint, "--workers", 4, "--rate", 500, "--seconds", 4)
    time.sleep(1)
    apart.control.kill()
    report = load.finish(wait=True)
    assert report["failed"] == 0 and report["succeeded"] > 1000, report


def test_a_node_starts_from_its_replica_with_no_control_in_reach_and_serves_at_once(apart):
    service = running_service(apart)
    proxy = apart.pid("proxy")
    apart.control.kill()
    apart.node.kill()
    os.kill(proxy, signal.SIGKILL)
    for name in ("weir.db", "weir.db-wal", "weir.db-shm"):
        (apart.data / name).unlink(missing_ok=True)
    started = time.monotonic()
    apart.start_node(wait=False)

    def answered():
        return apart.http(service.vip, service.port, timeout=2)[0] == 200
    wait_for(answered, "an answer from the replica")
    assert time.monotonic() - started < 2 * SLOWNESS
    assert {apart.http(service.vip, service.port)[0] for _ in range(20)} == {200}


def test_50_kills_of_the_proxy_refuse_no_connection_and_leave_no_gap_over_200_ms(apart):
    service = running_service(apart)
    load = apart.load("--http", service.endpoint, "--fresh", 100, "--workers", 8, "--rate", 400)
    dice = random.Random(seed := random.randrange(1 << 30))
    print("seed", seed)
    for _ in range(50):
        old = wait_for(lambda: apart.pid("proxy"), "a proxy")
        time.sleep(0.1 + dice.random() / 10)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: (apart.pid("proxy") or old) != old, "a new proxy")
    report = load.finish()
    assert report["failures"].get("connect", 0) == 0, report
    assert report["longest_gap_ms"] <= 200 * SLOWNESS, report
    assert report["succeeded"] > 1000, report


def test_five_replacements_of_the_program_break_nothing(apart):
    service = running_service(apart, "tcp")
    web = running_service(apart, "http")
    load = apart.load("--tcp", service.endpoint, "--http", web.endpoint, "--long", 200, "--fresh", 50, "--workers", 8, "--rate", 500)
    wait_for(lambda: load.running() and connections(apart, service) >= 200, "200 long connections", 30)
    for _ in range(5):
        old = apart.pid("proxy")
        apart.node.signal(signal.SIGHUP)
        wait_for(lambda: (apart.pid("proxy") or old) != old, "a successor")
        time.sleep(0.3)
    report = load.finish()
    assert report["failed"] == 0, report
    assert report["long"]["alive"] == report["long"]["opened"] == 200, report


def connections(apart, service):
    """Open client connections of a listener, from the node's own metrics."""
    import urllib.request
    text = urllib.request.urlopen(f"http://127.0.0.1:{apart.ops_port}/metrics", timeout=10).read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("weir_listener_connections_active") and service.listener in line)


def test_100_kills_of_control_under_writes_lose_no_acknowledged_write(apart):
    service = running_service(apart)
    api, lb = apart.api, service.lb
    acknowledged, stop = {}, threading.Event()
    gates = [threading.Lock() for _ in range(3)]  # held during a write, and all of them while the stored values are judged

    def write(worker):
        count, id = 0, service.targets[worker]
        while not stop.is_set():
            with gates[worker]:
                count += 1
                acknowledged.pop(id, None)  # in flight: until it is answered, either value is legal
                try:
                    api.patch("target", id, weight=1 + count % 100)
                    acknowledged[id] = 1 + count % 100
                except (OSError, ApiError, http.client.HTTPException):
                    pass
            time.sleep(0.001)
    writers = [threading.Thread(target=write, args=(w,)) for w in range(3)]
    load = apart.load("--http", service.endpoint, "--workers", 2, "--rate", 200)
    dice = random.Random(seed := random.randrange(1 << 30))
    print("seed", seed)
    for writer in writers:
        writer.start()
    judged = 0
    try:
        for _ in range(100):
            time.sleep(0.02 + dice.random() * 0.13)
            apart.control.kill()
            apart.start_control()
            with gates[0], gates[1], gates[2]:
                for id, weight in acknowledged.items():
                    assert api.get(f"target/{id}")["spec"]["weight"] == weight
                    judged += 1
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert judged > 50
    report = load.finish()
    assert report["failed"] == 0, report
    assert api.get(f"lb/{lb}")["status"]["state"] in ("ACTIVE", "CREATING")


def test_ctrl_c_ends_everything_that_up_started(up):
    running_service(up)
    pids = [up.process.pid, up.pid("control"), up.pid("node"), up.pid("proxy")]
    assert all(pids)
    up.process.signal(signal.SIGINT)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") and state(pid) != "Z" for pid in pids[1:]), "every child to end")
    assert up.process.child.wait(10) == 0


def test_ctrl_c_twice_cuts_the_drain_and_leaves_no_proxy(up):
    service = running_service(up)
    proxy = up.pid("proxy")
    with socket.create_connection((service.vip, service.port)) as busy:  # in a request, so that the drain would last
        busy.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        up.process.signal(signal.SIGINT)
        up.process.signal(signal.SIGINT)  # the same wish: `timeout` sends two
        time.sleep(1.2)
        up.process.signal(signal.SIGINT)
        assert up.process.child.wait(20) == 0
    assert state(proxy) == "Z", "no proxy serves on with nobody to stop it"


def state(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


@pytest.mark.parametrize("role", ["control", "node"])
def test_up_restarts_a_part_that_dies(up, role):
    service = running_service(up)
    old = up.pid(role)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: up.pid(role) not in (None, old), f"a new {role}")
    wait_for(lambda: up.api.items("node") and up.http(service.vip, service.port)[0] == 200, "service as before")


def test_a_second_start_on_the_same_data_is_refused_with_a_reason(up):
    second = Process([PROGRAM, "control", "--data-dir", up.data, "--api-listen", "127.0.0.1:0"], up.folder / "second.log")
    assert second.child.wait(20) != 0
    assert "in use" in second.tail(), second.tail()

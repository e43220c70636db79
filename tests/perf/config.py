"""Area `config`: a large configuration: 2 000 listeners and 20 000 targets.

The quotas of one owner allow that with distributed network load balancers only (product.md D.4, model/keys.h): 40 of them, each with 50 TCP
listeners, 50 backend services and 50 target groups of 10 targets. Control and node run apart and speak over TCP on loopback, so that the kernel
counts the bytes between them (ss). Every target is probed, every 300 s, and is healthy. Not pinned: these are times of a whole service.
"""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import intervals
import memory
import subjects
from harness import PROGRAM, Process, descendant, free_port, wait_for

LISTENERS, LISTENERS_PER_LB, TARGETS_PER_GROUP = 2000, 50, 10
CHANGES, STARTS = 100, 5
# Chosen because the node gathers changes for up to 50 ms: each of these is applied by itself.
CHANGES_PER_SECOND = 8
POLL_SECONDS = 0.001
WRITERS = 4
# What is not there by then is not made: the command has 8 minutes.
CREATE_SECONDS = 240
PATIENCE = 120


class Client(threading.local):
    """The native API over one kept connection for each thread."""

    def __init__(self, credentials):
        self.credentials, self.connection = credentials, None

    def call(self, method, path, body=None, is_again=False):
        if self.connection is None:
            told = json.loads(pathlib.Path(self.credentials).read_text())
            self.connection = http.client.HTTPConnection(told["endpoint"].split("//")[1].rstrip("/"), timeout=60)
            self.headers = {"Authorization": "Bearer " + told["token"], "Content-Type": "application/json"}
        try:
            self.connection.request(method, "/weir/v1/" + path, None if body is None else json.dumps(body), self.headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except http.client.RemoteDisconnected:
            # As a rule it was idle for longer than the server keeps it. But the call may have been taken: a POST again could make a second object.
            self.connection = None
            if is_again or method == "POST":
                raise
            return self.call(method, path, body, is_again=True)
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise
        if answer.status >= 400:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def create(self, kind, name, **spec):
        return self.call("POST", kind, {"name": name, "spec": spec})


class Service:
    """Control and one node, apart."""

    def __init__(self, folder):
        self.folder, self.data = folder, folder / "c"
        self.api_port, self.stream_port, self.ops_port = free_port(), free_port(), free_port()
        self.client = Client(self.data / "credentials.json")
        self.control = self.node = None

    def start_control(self):
        self.control = Process([PROGRAM, "control", "--data-dir", self.data, "--api-listen", f"127.0.0.1:{self.api_port}", "--stream-listen",
                                f"127.0.0.1:{self.stream_port}", "--log-level", "error"], self.folder / "control.log")
        wait_for(lambda: self.data.joinpath("credentials.json").exists() and self.client.call("GET", "version"), "control", PATIENCE)

    def start_node(self):
        self.node = Process([PROGRAM, "node", "--data-dir", self.folder / "n", "--control", f"127.0.0.1:{self.stream_port}", "--node-key",
                             self.data / "node.key", "--node-name", "n1", "--workers", "1", "--ops-listen", f"127.0.0.1:{self.ops_port}",
                             "--log-level", "error"], self.folder / "node.log")

    def stop(self):
        for process in (self.node, self.control):
            if process is not None and process.alive():
                process.kill() if process is self.node else process.stop()

    def end_node(self):
        """As a crash would, and with it its proxy."""
        proxy = descendant(self.node.pid, "proxy")
        self.node.kill()
        if proxy:
            subprocess.run(["kill", "-9", str(proxy)], check=False)

    def applied(self):
        items = self.client.call("GET", "node")["items"]
        return items[0]["status"].get("appliedRevision", 0) if items else 0

    def wait_applied(self, revision):
        deadline = time.monotonic() + PATIENCE
        while self.applied() < revision:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE} s for revision {revision}")
            time.sleep(POLL_SECONDS)

    def pids(self):
        return {"control": self.control.pid, "node": self.node.pid, "proxy": descendant(self.node.pid, "proxy")}


def fill(client, serial, port, deadline):
    """One listener with all below it; (listener, group) or None when the time is up. Every group has targets of its own addresses."""
    if time.monotonic() > deadline:
        return None
    lb, number = serial
    name = f"s{number}"
    group = client.create("tg", name, loadBalancerId=lb, targets=[{"ipAddress": address(number * TARGETS_PER_GROUP + i), "port": port, "weight": 10}
                                                                  for i in range(TARGETS_PER_GROUP)])
    backend = client.create("backend", name, loadBalancerId=lb, protocol="Tcp", port=80, targetGroupIds=[group["id"]],
                            healthCheck={"protocol": "Tcp", "intervalSeconds": 300, "healthyThresholdCount": 1})
    return client.create("listener", name, loadBalancerId=lb, protocol="Tcp", port=10000 + number % LISTENERS_PER_LB, backendId=backend["id"]), group


def address(number):
    """127.100.0.0 and on: away from the default subnet, whose addresses load balancers take."""
    return f"127.{100 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def create(service, listeners, port):
    """([(listener, group)], seconds)."""
    began = time.monotonic()
    client = service.client
    balancers = [client.create("lb", f"b{i}", type="dnlb", subnetId="subnet-default", azs=["local-1a"])
                 for i in range((listeners + LISTENERS_PER_LB - 1) // LISTENERS_PER_LB)]
    serials = [(balancers[i // LISTENERS_PER_LB]["id"], i) for i in range(listeners)]
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        made = [m for m in pool.map(lambda s: fill(client, s, port, began + CREATE_SECONDS), serials) if m]
    return balancers, made, time.monotonic() - began


def stream_bytes(port):
    """Bytes that the node has received from control."""
    shown = subprocess.run(["ss", "-tinH", "state", "established", f"dport = :{port}"], capture_output=True, text=True, check=True).stdout
    return sum(int(n) for n in re.findall(r"bytes_received:(\d+)", shown))


def run_seconds(pids):
    return sum(int(task.read_text().split()[0]) for pid in pids for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def reweigh(service, made, number):
    """Changes the weight of one target; the revision."""
    group = made[number * 7919 % len(made)][1]
    target = service.client.call("GET", f"target?targetGroupId={group['id']}&pageSize=1")["items"][0]
    return service.client.call("PATCH", f"target/{target['id']}", {"spec": {"weight": target["spec"]["weight"] % 100 + 1}})["revision"]


def change_times(service, made, count):
    """Seconds from the answer to a change until control knows that the node goes by it, asked every millisecond."""
    times = []
    for number in range(count):
        revision = reweigh(service, made, number)
        answered = time.monotonic()
        service.wait_applied(revision)
        times.append(time.monotonic() - answered)
    return times


def change_costs(service, made, count):
    """Bytes on the stream and processor time of all processes by change, with nobody asking; and those of an idle time as long."""
    pids, found = [p for p in service.pids().values() if p], {}
    for name, work in (("", lambda number: reweigh(service, made, number)), ("_idle", lambda number: None)):
        bytes_before, cpu_before, began, revision = stream_bytes(service.stream_port), run_seconds(pids), time.monotonic(), 0
        for number in range(count):
            time.sleep(max(0.0, began + number / CHANGES_PER_SECOND - time.monotonic()))
            revision = work(number) or 0
        service.wait_applied(revision)
        found["stream_bytes" + name] = (stream_bytes(service.stream_port) - bytes_before) / count
        found["cpu_ms" + name] = (run_seconds(pids) - cpu_before) * 1000 / count
    return found


def starts(service, revision, served, limits):
    """Seconds of each kind of start: control; a node with nothing; a node from its replica, with control away. As often as `limits` allow."""
    (count, until), longest = limits, 0.0
    found = {"control": [], "node_empty": [], "node_replica": []}
    for number in range(count):
        round_began = time.monotonic()
        if number and round_began + longest > until:
            break
        service.end_node()
        service.control.stop()
        began = time.monotonic()
        service.start_control()
        found["control"].append(time.monotonic() - began)
        subprocess.run(["rm", "-rf", str(service.folder / "n")], check=True)
        found["node_empty"].append(node_start(service, served))
        service.wait_applied(revision)
        service.end_node()
        service.control.child.send_signal(signal.SIGSTOP)
        found["node_replica"].append(node_start(service, served))
        service.control.child.send_signal(signal.SIGCONT)
        service.wait_applied(revision)
        longest = max(longest, time.monotonic() - round_began)
    return found


def node_start(service, served):
    """Seconds until a client of every tenth listener is served."""
    began = time.monotonic()
    service.start_node()
    for vip, port in served[::10]:
        wait_for(lambda v=vip, p=port: subjects.http_get(v, p, "/100", timeout=5)[0] == 200, f"an answer at {vip}:{port}", PATIENCE)
    return time.monotonic() - began


def run(folder, options):
    listeners = max(LISTENERS_PER_LB, int(LISTENERS * options.scale))
    target, service, began = subjects.Target(folder), Service(folder), time.monotonic()
    cores = os.sched_getaffinity(0)
    try:
        # The other areas hold their generator, and what it starts, to one core.
        os.sched_setaffinity(0, range(os.cpu_count()))
        service.start_control()
        service.start_node()
        wait_for(lambda: service.applied() > 0, "the node", PATIENCE)
        empty = {role: memory.private_dirty([pid]) for role, pid in service.pids().items() if pid}
        balancers, made, seconds = create(service, listeners, target.port)
        result = {"listeners": len(made), "targets": len(made) * TARGETS_PER_GROUP, "wanted": listeners, "create_seconds": seconds}
        revision = service.client.call("GET", "listener?pageSize=1")["revision"]
        service.wait_applied(revision)
        vips = {b["id"]: b["admin"]["vip"] for b in balancers}
        served = [(vips[listener["spec"]["loadBalancerId"]], listener["spec"]["port"]) for listener, _ in made]
        result["memory"] = {"empty": empty, "created": {r: memory.private_dirty([p]) for r, p in service.pids().items()}}
        result["change"] = {"seconds": change_times(service, made, CHANGES), **change_costs(service, made, CHANGES)}
        revision = service.client.call("GET", "listener?pageSize=1")["revision"]
        result["starts"] = starts(service, revision, served, (options.rounds or STARTS, began + options.minutes * 60))
        result["memory"]["started"] = {r: memory.private_dirty([p]) for r, p in service.pids().items()}
        result["replica_bytes"] = sum(f.stat().st_size for f in (folder / "n").rglob("*") if f.is_file())
        result["store_bytes"] = sum(f.stat().st_size for f in service.data.glob("weir.db*"))
    finally:
        service.stop()
        target.stop()
        os.sched_setaffinity(0, cores)
    result["intervals"] = {"change": intervals.median(result["change"]["seconds"]), **{k: intervals.median(v) for k, v in result["starts"].items()}}
    print_result(result)
    return result


def print_result(result):
    made = f"{result['listeners']} listeners, {result['targets']} targets"
    print(f"\n{made}" + ("" if result["listeners"] == result["wanted"] else f" of {result['wanted']} listeners wanted: the time was up"))
    print(f"  created in {result['create_seconds']:.1f} s by {WRITERS} writers, {3 * result['listeners'] / result['create_seconds']:.0f} objects a second")
    for name, what in (("control", "control starts until the API answers"), ("node_empty", "a node with nothing serves a tenth of the listeners"),
                       ("node_replica", "the same from its replica, control stopped")):
        print(f"  {what}: {intervals.text(result['intervals'][name], ' s')}   raw: {' '.join(f'{x:.2f}' for x in result['starts'][name])}")
    one = result["change"]
    print(f"  change to applied: {intervals.text(result['intervals']['change'], ' s', 3)}, slowest of {len(one['seconds'])} {max(one['seconds']):.3f} s")
    print(f"  a change costs {one['stream_bytes']:.0f} bytes on the stream (idle for as long: {one['stream_bytes_idle']:.0f}) and {one['cpu_ms']:.2f} ms"
          f" of processor time of all processes (idle for as long: {one['cpu_ms_idle']:.2f})")
    for when, by_role in result["memory"].items():
        print(f"  memory, {when}: " + ", ".join(f"{role} {size / 1048576:.1f} MiB" for role, size in by_role.items()))
    print(f"  replica {result['replica_bytes'] / 1048576:.1f} MiB, store {result['store_bytes'] / 1048576:.1f} MiB", flush=True)

"""Area `scale`: 2 000 listeners, 2 000 backend services and 20 000 targets at addresses of their own, every one checked every 30 s.

Quotas are raised by configuration. The targets are one process (fleet.cpp) behind wildcard sockets, and some are not what they should be: a closed
port, a wrong status, no answer, and later a turn from well to sick, so that each verdict can be held against what is true. Half of the services
use a hash. Not pinned: these are times of a whole service. What it makes stands in tree.py, the changes in changes.py.
"""
import concurrent.futures
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import threading
import time

import changes
import intervals
import service as services
import subjects
import tree
from subjects import Process, free_port, wait_for

STARTS = 3
INTERVAL_SECONDS, SHORT_INTERVAL_SECONDS = 30, 5
# A verdict of a target that changes: three failures in a row, each after an interval, one of them a silence of 3 s; and a second for the rest.
SETTLE_INTERVALS, SETTLE_SECONDS = 3, 4
WRITERS = 4
CREATE_SECONDS = 240
TRAFFIC_PER_SECOND, TRAFFIC_LISTENERS = 500, 250
# Pages of 100 by kind and face: with the machine quiet, and of each face every second while changes run.
LIST_ROUNDS, PAGE = 40, 100
SEED = 1


class Fleet:
    """The servers behind everything, and a port on which nobody listens but which nobody else gets."""

    def __init__(self, folder):
        self.reserved = socket.socket()
        self.reserved.bind(("0.0.0.0", 0))
        self.ports = tree.Ports(*(free_port("0.0.0.0") for _ in range(3)), self.reserved.getsockname()[1])
        log = folder / "fleet.log"
        self.process = Process([subjects.TOOLS / "bench_fleet", self.ports.good, self.ports.sick, self.ports.mute], log)
        wait_for(lambda: "ready" in log.read_text(), "the servers")

    def turn(self):
        self.process.signal(signal.SIGUSR1)

    def stop(self):
        self.process.kill()
        self.reserved.close()


def fill(client, made, interval, ports):
    """One listener with all below it."""
    service, first = made
    spec = {"loadBalancerId": service.balancer}
    name = f"s{service.number}"
    group = client.create("tg", name, **spec, targets=service.fresh_targets(first, ports))
    service.group = group["id"]
    words = [service.word(place) for place in range(tree.targets_of(service.number))]
    service.targets = {t["targetId"]: (t["ipAddress"], word) for t, word in zip(group["spec"]["targets"], words, strict=True)}
    service.backend = client.create("backend", name, **spec, protocol=service.protocol, port=80, targetGroupIds=[service.group],
                                    algorithm=service.algorithm(), healthCheck=service.health_check(interval))["id"]
    service.listener = client.create("listener", name, **spec, protocol=service.protocol, port=service.port, backendId=service.backend)["id"]


def create(running, count, interval, ports):
    """([service], [mover], seconds)."""
    began, client, all_of_them = time.monotonic(), running.client, tree.services(count)
    for service, _ in all_of_them:
        if service.number % tree.PER_BALANCER == 0:
            balancer = client.create("lb", f"b{service.number}", type=service.type, subnetId="subnet-default", azs=["local-1a"])
        service.balancer, service.vip = balancer["id"], balancer["admin"]["vip"]
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda one: fill(client, one, interval, ports), all_of_them, timeout=CREATE_SECONDS))
    made = [service for service, _ in all_of_them]
    movers = tree.movers(made)
    for mover in movers:
        service = mover.services[0]
        mover.listener = client.create("listener", f"m{mover.number}", loadBalancerId=service.balancer, protocol=service.protocol, port=mover.port,
                                       backendId=service.backend)["id"]
    return made, movers, time.monotonic() - began


def wrong(running, made, has_turned):
    """Every verdict that control shows and that is not what is true."""
    found = []
    for service in made:
        found += tree.wrong_verdicts(service, running.client.call("GET", f"backend/{service.backend}/health")["targets"], has_turned)
    return found


def judge_verdicts(running, made, has_turned, patience):
    """{"right", "wrong", "examples", "seconds"}: after so long at the latest every verdict must be right. Control is asked for all of them."""
    began, doubtful = time.monotonic(), made
    while True:
        doubtful = [service for service in doubtful if wrong(running, [service], has_turned)]
        if not doubtful or time.monotonic() - began > patience:
            break
        time.sleep(1)
    found, count = wrong(running, made, has_turned), sum(len(s.targets) for s in made)
    sick = sum(s.verdict(target, has_turned) == "unhealthy" for s in made for target in s.targets.values())
    return {"right": count - len(found), "wrong": len(found), "unhealthy": sick, "examples": found[:5], "seconds": time.monotonic() - began}


def checks_cost(running, seconds):
    """What the node spends while nothing but checks goes on, and what the stream carries meanwhile."""
    pids, probes, sent = running.pids(), running.probes(), running.stream_bytes()
    before, began = cpu_of(pids), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    used = {role: (after - before[role]) / took for role, after in cpu_of(pids).items()}
    per_second = (running.probes() - probes) / took
    return {"per_second": per_second, "cores": used, "node_us": used["node"] / max(per_second, 1e-9) * 1e6,
            "stream_bytes_per_second": (running.stream_bytes() - sent) / took}


class Lists:
    """Calls for pages of 100 items, of every kind that has them, on both faces."""

    def __init__(self, running, made):
        self.running, self.dice = running, random.Random(SEED)
        big = [s.group for s in made if tree.targets_of(s.number) == PAGE]
        pages = max(1, len(made) // PAGE)
        filters = sorted({s.balancer for s in made})
        self.kinds = {"native": [lambda k=k: f"{k}?loadBalancerId={self.dice.choice(filters)}&pageSize={PAGE}" for k in ("listener", "backend", "tg")]
                      + [lambda k=k: self.next_page(k) for k in ("listener", "backend", "tg")]
                      + [lambda: f"target?targetGroupId={self.dice.choice(big)}&pageSize={PAGE}"],
                      "jdcloud": [lambda k=k: f"{k}/?pageNumber={self.dice.randint(1, pages)}&pageSize={PAGE}"
                                  for k in ("listeners", "backends", "targetGroups")]
                      + [lambda: f"targetGroups/{self.dice.choice(big)}:describeTargets?pageSize={PAGE}"]}
        self.tokens, self.seconds = {}, {face: [] for face in self.kinds}

    def next_page(self, kind):
        token = self.tokens.get(kind)
        return f"{kind}?pageSize={PAGE}" + (f"&pageToken={token}" if token else "")

    def call(self, face, path):
        answer, seconds = self.running.client.timed(path, is_signed=face == "jdcloud")
        result = answer.get("result", answer)
        count = max(len(value) for value in result.values() if isinstance(value, list))
        if "loadBalancerId" not in path and "targetGroupId" not in path and face == "native":
            self.tokens[path.split("?")[0]] = result.get("nextPageToken") if count == PAGE else None
        if count == PAGE:
            self.seconds[face].append(seconds)

    def round(self):
        for face, kinds in self.kinds.items():
            for path in kinds:
                self.call(face, path())

    def take(self):
        """The times so far, which then start anew."""
        found, self.seconds = self.seconds, {face: [] for face in self.kinds}
        return found


class Asker:
    """A thread that asks for one round of lists every few seconds while changes run."""

    def __init__(self, lists, pause):
        self.lists, self.pause, self.is_over = lists, pause, threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.is_over.wait(self.pause):
                self.lists.round()
        except Exception as error:  # noqa: BLE001: said where the result is taken.
            self.failure = error

    def end(self):
        self.is_over.set()
        self.thread.join()
        if self.failure:
            raise self.failure
        return self.lists.take()


def traffic(made, seconds):
    """Requests on kept connections through listeners of every sort, none of which may fail."""
    calm = [s for s in made if s.is_calm]
    chosen = calm[::max(1, len(calm) // TRAFFIC_LISTENERS)]
    command = [subjects.TOOLS / "bench_load", *(f"{s.vip}:{s.port}" for s in chosen), "--connections", len(chosen), "--bytes", 100, "--rate",
               TRAFFIC_PER_SECOND, "--warmup", 1, "--seconds", seconds]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)


def measure_changes(running, writer, fleet, seconds):
    made = writer.services
    load = traffic(made, seconds)
    lists, pids = Asker(Lists(running, made), 2.0), running.pids()
    sent, cpu = running.stream_bytes(), cpu_of(pids)
    meanwhile = {0: fleet.turn}
    done = changes.run(running, writer, seconds, lambda second: meanwhile.get(second, lambda: None)())
    result = {"count": len(done), "seconds": seconds, "stream_bytes": (running.stream_bytes() - sent) / len(done),
              "cpu_ms": {role: (after - cpu[role]) * 1000 / len(done) for role, after in cpu_of(pids).items()}, "lists": lists.end(), "changes": done}
    result["traffic"] = json.loads(load.communicate()[0])
    return result


def start(running, revision, served):
    """Seconds from the launch of both until: the API answers, the node goes by the newest revision, a client of every tenth listener is served."""
    began, found = time.monotonic(), {}
    running.launch_control()
    running.launch_node()
    running.wait_control()
    found["api"] = time.monotonic() - began
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answered = pool.submit(serve_all, served, began)
        running.wait_applied(revision)
        found["applied"] = time.monotonic() - began
        found["served"] = answered.result()
    return {**found, "all": max(found.values()), "cpu": cpu_of(running.pids())}


def cpu_of(pids):
    """{role: seconds of processor time since it was started}."""
    return {role: services.run_seconds([pid]) for role, pid in pids.items()}


def serve_all(served, began):
    for vip, port in served:
        wait_for(lambda v=vip, p=port: subjects.http_get(v, p, "/32", timeout=5)[0] == 200, f"an answer at {vip}:{port}", services.PATIENCE)
    return time.monotonic() - began


def starts(running, served, count):
    """Of each kind so many: both at once from a full store and replica, and a node that has nothing."""
    found, revision = {"cold": [], "node_empty": []}, running.revision()
    for _ in range(count):
        running.end_node()
        subprocess.run(["rm", "-rf", str(running.folder / "n")], check=True)
        began = time.monotonic()
        running.launch_node()
        running.wait_applied(revision)
        serve_all(served, began)
        found["node_empty"].append(time.monotonic() - began)
        running.end_node()
        running.control.stop()
        found["cold"].append(start(running, revision, served))
    return found


def run(folder, options):
    count = max(tree.PER_BALANCER, int(tree.SERVICES * options.scale) // tree.PER_BALANCER * tree.PER_BALANCER)
    interval = INTERVAL_SECONDS if options.scale >= 1 else SHORT_INTERVAL_SECONDS
    patience = interval * SETTLE_INTERVALS + SETTLE_SECONDS
    fleet, running, cores = Fleet(folder), services.Service(folder), os.sched_getaffinity(0)
    try:
        # The other areas hold their generator, and what it starts, to one core.
        os.sched_setaffinity(0, range(os.cpu_count()))
        result = whole(running, fleet, count, (interval, patience), options)
    finally:
        running.stop()
        fleet.stop()
        os.sched_setaffinity(0, cores)
    summary(result)
    print_result(result)
    return result


def whole(running, fleet, count, times, options):
    interval, patience = times
    running.launch_control()
    running.wait_control()
    running.launch_node()
    wait_for(lambda: running.applied() > 0, "the node", services.PATIENCE)
    result = {"interval_seconds": interval, "memory": {"empty": running.memory()}, "verdicts": {}}
    made, movers, result["create_seconds"] = create(running, count, interval, fleet.ports)
    running.wait_applied(running.revision())
    told(f"made {count} services in {result['create_seconds']:.1f} s")
    result |= {"listeners": count + len(movers), "services": count, "hashed": sum(s.is_hashed() for s in made), "targets": sum(len(s.targets) for s in made),
               "addresses": len({text for s in made for text, _ in s.targets.values()})}
    result["verdicts"]["created"] = judge_verdicts(running, made, False, patience)
    result["memory"]["created"] = running.memory()
    told(f"verdicts after creation: {result['verdicts']['created']}")
    result["checks"] = checks_cost(running, interval)
    lists = Lists(running, made)
    for _ in range(LIST_ROUNDS):
        lists.round()
    result["lists"] = {"quiet": lists.take()}
    told("lists measured")
    writer = changes.Writer(running.client, made, movers, fleet.ports)
    change = measure_changes(running, writer, fleet, options.change_seconds)
    result["change"], result["lists"]["changing"] = change, change.pop("lists")
    told(f"{change['count']} changes made")
    result["verdicts"]["changed"] = judge_verdicts(running, made, True, patience)
    result["memory"]["changed"], result["descriptors"] = running.memory(), running.descriptors()
    told(f"verdicts after the changes: {result['verdicts']['changed']}")
    served = [(s.vip, s.port) for s in made if s.number not in writer.off][::10]
    result["starts"] = starts(running, served, options.rounds or STARTS)
    result["verdicts"]["started"] = judge_verdicts(running, made, True, patience)
    result["memory"]["started"] = running.memory()
    return result


def told(text):
    print(f"  .. {text}", flush=True)


def summary(result):
    """Adds the intervals that are printed and judged."""
    done = result["change"]["changes"]
    packets = [c["packets"] for c in done if c["packets"] is not None]
    both = {face: result["lists"]["quiet"][face] + result["lists"]["changing"][face] for face in ("native", "jdcloud")}
    cold = [one["all"] for one in result["starts"]["cold"]]
    wrong_ones = max(one["wrong"] for one in result["verdicts"].values())
    most = max(one["control"]["most"] for one in result["memory"].values()) / 1e6
    result["intervals"] = {
        "cold": (statistics.median(cold), min(cold), max(cold)), "node_empty": spread(result["starts"]["node_empty"]),
        "applied": intervals.quantile([c["applied"] * 1000 for c in done], 0.99), "packets": intervals.quantile([p * 1000 for p in packets], 0.99),
        "native": intervals.quantile([s * 1000 for s in both["native"]], 0.99), "jdcloud": intervals.quantile([s * 1000 for s in both["jdcloud"]], 0.99),
        "control_mb": (most, most, most), "wrong": (wrong_ones,) * 3, "failed": (result["change"]["traffic"]["failed"],) * 3}
    result["change"]["late_ms"] = intervals.quantile([c["late"] * 1000 for c in done], 0.99)
    result["change"]["answered_ms"] = intervals.quantile([(c["answered"] - c["called"]) * 1000 for c in done], 0.99)
    result["change"]["by_kind_ms"] = {kind: statistics.median(c["applied"] * 1000 for c in done if c["kind"] == kind)
                                      for kind in dict.fromkeys(c["kind"] for c in done)}


def spread(values):
    return statistics.median(values), min(values), max(values)


def told_by_role(figures, digits=2):
    return ", ".join(f"{role} {figure:.{digits}f}" for role, figure in figures.items())


def rows(result):
    """[(what, how it is told)], for the terminal and for the page."""
    spans, change, checks = result["intervals"], result["change"], result["checks"]
    traffic_seen = change["traffic"]
    cold = result["starts"]["cold"]
    found = [
        ("start of control and node with a full store and replica, s (least to most)", intervals.text(spans["cold"]) + ": " + "; ".join(
            f"API {one['api']:.2f}, applied {one['applied']:.2f}, every tenth listener serves {one['served']:.2f}"
            f" (processor time: {told_by_role(one['cpu'])})" for one in cold)),
        ("a node with nothing, control running, s (least to most)", intervals.text(spans["node_empty"])),
        (f"{change['count']} changes, {change['count'] / change['seconds']:.0f} a second, call to applied at the node, p99 ms",
         f"{intervals.text(spans['applied'], '', 0)}, slowest {max(c['applied'] for c in change['changes']) * 1000:.0f}; median by kind: "
         + ", ".join(f"{kind} {ms:.0f}" for kind, ms in change["by_kind_ms"].items())),
        ("moves among them, call to the first answer that a client gets from the new service, p99 ms",
         f"{intervals.text(spans['packets'], '', 0)} of {sum(c['packets'] is not None for c in change['changes'])}"),
        ("the call itself, p99 ms; later than planned, p99 ms", f"{intervals.text(change['answered_ms'], '', 1)}; {intervals.text(change['late_ms'], '', 1)}"),
        ("traffic meanwhile", f"{traffic_seen['done'] / traffic_seen['seconds']:.0f} requests/s, p99 {traffic_seen['p99_us'] / 1000:.1f} ms,"
         f" {traffic_seen['failed']} of {traffic_seen['done']} failed {traffic_seen['first_failure']}".rstrip()),
        ("bytes on the stream by change (idle, by second)", f"{change['stream_bytes']:.0f} ({checks['stream_bytes_per_second']:.0f})"),
        ("processor time by change, checks, lists and traffic included, ms", told_by_role(change["cpu_ms"])),
        ("checks by second; the node's processor time by check, us; cores used while nothing else goes on",
         f"{checks['per_second']:.0f}; {checks['node_us']:.0f}; {told_by_role(checks['cores'], 3)}")]
    for face in ("native", "jdcloud"):
        by_time = {when: intervals.quantile([s * 1000 for s in result["lists"][when][face]], 0.99) for when in ("quiet", "changing")}
        found.append((f"a page of {PAGE} on the {face} face, p99 ms", f"{intervals.text(spans[face], '', 1)}; with nothing else {intervals.text(by_time['quiet'], '', 1)},"
                      f" while changes run {intervals.text(by_time['changing'], '', 1)}"))
    for when, one in result["verdicts"].items():
        found.append((f"verdicts, {when}", f"{one['right']} right, {one['wrong']} wrong, {one['unhealthy']} unhealthy as they must be; waited {one['seconds']:.0f} s"))
    for when, by_role in result["memory"].items():
        found.append((f"memory, {when}: resident (highest), MB", ", ".join(f"{role} {one['resident'] / 1e6:.0f} ({one['most'] / 1e6:.0f})" for role, one in by_role.items())))
    found.append(("open descriptors", ", ".join(f"{role} {count}" for role, count in result["descriptors"].items())))
    return found


def made_text(result):
    return (f"{result['listeners']} listeners, {result['services']} backend services ({result['hashed']} of them hash), {result['targets']} targets at {result['addresses']} addresses,"
            f" checked every {result['interval_seconds']} s, created in {result['create_seconds']:.0f} s by {WRITERS} writers.")


def print_result(result):
    print("\n" + made_text(result))
    for what, told_as in rows(result):
        print(f"  {what}: {told_as}")
    for one in result["verdicts"].values():
        for example in one["examples"]:
            print(f"  wrong: {example}")

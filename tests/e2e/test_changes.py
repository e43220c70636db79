"""Nothing a user changes breaks a connection, and every change is in force quickly."""
import concurrent.futures
import dataclasses
import random
import threading
import time

from harness import SLOWNESS, wait_for

CHANGES = 500
REQUESTS = 200_000
LONG_TCP, LONG_HTTP = 140, 60
APPLIED_P99_SECONDS = 0.5


@dataclasses.dataclass
class Size:
    """What a run is made of; `rate` is requests a second."""
    changes: int = CHANGES
    requests: int = REQUESTS
    long_tcp: int = LONG_TCP
    long_http: int = LONG_HTTP
    rate: float = 2500


class Changer:
    """Makes one change of a kind and measures the time until the data plane has it."""

    def __init__(self, cluster, service, spare, dice, times):
        self.cluster, self.api, self.service, self.dice = cluster, cluster.api, service, dice
        self.spare = spare  # (address, port) not yet in the group
        self.extra_listeners = []
        self.port = 20000
        self.times = times
        self.group = service.tg
        self.added = []
        self.own_requests = 0  # those beside the load, each answered by a target

    def applied(self, revision, started=None):
        """`started`: counts the time. Not where the change waited for the health of its targets before."""
        node = self.api.items("node")[0]["id"]
        wait_for(lambda: self.api.get(f"node/{node}")["status"]["appliedRevision"] >= revision, f"revision {revision}")
        if started is not None:
            self.times.append(time.monotonic() - started)

    def healthy_since(self, id):
        wait_for(lambda: self.cluster.health(self.service.backend).get(id) == "healthy", f"{id} to be healthy")

    def weight(self):
        id = self.dice.choice(self.service.targets)
        started = time.monotonic()
        self.applied(self.api.patch("target", id, weight=self.dice.randint(1, 100))["revision"], started)

    def algorithm(self):
        words = ["IpHash", "QuintupleHash"] if self.service.kind == "dnlb" else ["RoundRobin", "LeastConn", "IpHash"]
        started = time.monotonic()
        self.applied(self.api.patch("backend", self.service.backend, algorithm=self.dice.choice(words))["revision"], started)

    def check_settings(self):
        settings = {"intervalSeconds": self.dice.randint(5, 60), "checkTimeoutSeconds": self.dice.randint(2, 10),
                    "healthyThresholdCount": self.dice.randint(1, 5), "unhealthyThresholdCount": self.dice.randint(2, 5)}
        started = time.monotonic()
        self.applied(self.api.patch("backend", self.service.backend, healthCheck=settings)["revision"], started)

    def add_target(self):
        if not self.spare:
            return self.remove_target()
        address, port = self.spare.pop()
        made = self.api.create("target", None, targetGroupId=self.group, ipAddress=address, port=port, weight=10)
        self.healthy_since(made["id"])
        self.added.append((made["id"], address, port))
        self.applied(made["revision"])
        return None

    def remove_target(self):
        if not self.added:
            return self.add_target()
        id, address, port = self.added.pop()
        started = time.monotonic()
        self.applied(self.api.delete("target", id)["revision"], started)
        self.spare.append((address, port))
        return None

    def swap_group(self):
        members = self.api.items("target", f"?targetGroupId={self.group}")
        old = self.group
        new = self.api.create("tg", f"g{self.dice.randrange(1 << 30)}", loadBalancerId=self.service.lb)["id"]
        ids = [self.api.create("target", None, targetGroupId=new, ipAddress=m["spec"]["ipAddress"], port=m["spec"]["port"],
                               weight=m["spec"]["weight"])["id"] for m in members]
        made = self.api.patch("backend", self.service.backend, targetGroupIds=[new])
        for id in ids:
            self.healthy_since(id)
        self.applied(made["revision"])
        self.api.delete("tg", old)
        fresh = {(m["spec"]["ipAddress"], m["spec"]["port"]): id for m, id in zip(members, ids)}
        self.added = [(fresh[address, port], address, port) for _, address, port in self.added]
        self.service.targets = [id for id in ids if id not in {a[0] for a in self.added}]
        self.group = new

    def add_listener(self):
        self.port += 1
        started = time.monotonic()
        made = self.api.create("listener", f"l{self.port}", loadBalancerId=self.service.lb, protocol=self.service.protocol, port=self.port,
                               backendId=self.service.backend)
        self.applied(made["revision"], started)
        self.extra_listeners.append((made["id"], self.port))
        self.own_requests += 1
        if self.service.protocol == "Http":
            assert self.cluster.http(self.service.vip, self.port)[0] == 200
        else:
            assert self.cluster.tcp(self.service.vip, self.port)[1] == b"hello\n"

    def remove_listener(self):
        if not self.extra_listeners:
            return self.add_listener()
        id, _ = self.extra_listeners.pop()
        started = time.monotonic()
        self.applied(self.api.delete("listener", id)["revision"], started)
        return None


KINDS = [Changer.weight, Changer.algorithm, Changer.add_target, Changer.check_settings, Changer.remove_target, Changer.swap_group,
         Changer.add_listener, Changer.remove_listener]


class Scene:
    """A service of each kind of load balancer with four targets, two more to come and go, and a writer that changes each service."""

    def __init__(self, cluster, seed):
        web, raw = cluster.make_targets("http", 6), cluster.make_targets("tcp", 6)
        self.cluster, self.times = cluster, []
        self.services = [cluster.service(web[:4]), cluster.service(raw[:4], "nlb", "Tcp"), cluster.service(raw[:4], "dnlb", "Tcp")]
        self.changers = [Changer(cluster, service, list(places[4:]), random.Random(seed + i), self.times)
                         for i, (service, places) in enumerate(zip(self.services, (web, raw, raw)))]
        for service in self.services:
            service.wait_healthy()

    def load(self, size, *more):
        alb, nlb, dnlb = (service.endpoint for service in self.services)
        return self.cluster.load("--http", alb, "--http", alb, "--http", alb, "--tcp", nlb, "--tcp", dnlb, "--workers", 8, "--rate", size.rate,
                                 "--long", size.long_tcp, "--long-http", size.long_http, *more)

    def change(self, count, is_enough, told=None):
        """Changes at once by all writers, `count` in all at least and on until `is_enough()`; how many were made. Each is told to `told`."""
        broken = threading.Event()  # nobody goes on once one has failed, or once the waiting has ended

        def work(changer):
            made = 0
            try:
                while not broken.is_set() and (made < count / len(self.changers) or not is_enough()):
                    KINDS[made % len(KINDS)](changer)
                    made += 1
                    if told:
                        told()
            except Exception:
                broken.set()
                raise
            return made
        with concurrent.futures.ThreadPoolExecutor(len(self.changers)) as writers:
            try:
                return sum(writers.map(work, self.changers))
            finally:
                broken.set()

    def applied(self, share):
        """The time within which this share of the changes was in force."""
        return sorted(self.times)[int(len(self.times) * share)]


def test_500_changes_under_200_000_checked_requests_to_all_kinds_fail_none(apart):
    print("seed", seed := random.randrange(1 << 30))
    size = Size(int(CHANGES / SLOWNESS), int(REQUESTS / SLOWNESS), rate=2500 / SLOWNESS)
    scene = Scene(apart, seed)
    load = scene.load(size)
    end = time.monotonic() + size.requests / size.rate + 5
    made = scene.change(size.changes, lambda: time.monotonic() >= end)
    assert load.running()
    report = load.finish()
    print(f"{made} changes, applied p50 {scene.applied(0.5):.3f} s, p99 {scene.applied(0.99):.3f} s; {report}")
    assert report["failed"] == 0 and report["reopened"] == 0, report
    assert report["succeeded"] >= size.requests, report
    assert report["long"]["alive"] == LONG_TCP + LONG_HTTP, report
    assert scene.applied(0.99) <= APPLIED_P99_SECONDS * SLOWNESS

"""Changes of every kind under checked load: none may break an exchange or a long connection.

Three writers change an alb, an nlb and a dnlb at once, by the eight kinds of change of tests/e2e/test_changes.py, while a
load generator checks every answer. Then requests that no proxy may send twice meet targets that take them whole and break off.
"""
import threading
import time

from counters import Meter
from sheet import bound, share
from test_changes import APPLIED_P99_SECONDS, Scene, Size

# Posts to targets that read them and reset; each may reach one target, once.
BROKEN_POSTS = 300
# A target that a change removes keeps its connections for 300 s (its drain); those that live longer than that are cut by right.
LONG_LIFE_SECONDS = 240
BY_PROTOCOL = ("http", "tcp")
# A load that is so much slower than it was asked to be never comes to its end; the start of the run is given besides.
LOAD_TIMES, LOAD_MORE_SECONDS = 3, 60
# Failures by the proxy's own count that a client brings about. Source: docs/reference/metrics.md.
LIES_WITH_CLIENT = {"client_aborted", "client_stalled", "idle_timeout"}


def client_counts(report, size):
    """(HTTP requests, TCP connections) that the load generator had answered; a long TCP connection counts once."""
    http, tcp = (sum(count for name, count in report["by_target"].items() if name.startswith(kind)) for kind in BY_PROTOCOL)
    return http + report["long"]["requests"], tcp + size.long_tcp + report["long"]["renewed"]


class Progress:
    """How far the load and the writers are."""

    def __init__(self, sheet, size, file):
        self.sheet, self.size, self.file = sheet, size, file
        self.changes, self.lock = 0, threading.Lock()

    def requests(self):
        return int(self.file.read_text() or 0) if self.file.exists() else 0

    def count_change(self):
        with self.lock:
            self.changes += 1
        self.sheet.progress(lambda: f"{self.changes} of {self.size.changes} changes, {self.requests()} of {self.size.requests} requests")


def broken_posts(sheet, scene, count):
    """Posts that reach a target and get no answer: the client hears 502, and targets have had each once."""
    alb = scene.services[0]
    meter = Meter(scene.cluster, [alb])
    answers = {}
    for number in range(count):
        status = scene.cluster.http(alb.vip, alb.port, "/cut/0", method="POST", body=f"once-{number}")[0]
        answers[status] = answers.get(status, 0) + 1
    sheet.must("posts broken off by a target: answers", answers, answers == {502: count})
    sheet.equal("posts broken off: requests", client=count, proxy=meter.settled(count, 0)[0], targets=meter.targets()[0])


class Deadline:
    """Ends the changes when the load does not come to its end."""

    def __init__(self, sheet, size):
        self.at = time.monotonic() + (LOAD_TIMES * size.requests / size.rate + LOAD_MORE_SECONDS) * sheet.slowness

    def has_passed(self):
        return time.monotonic() >= self.at


def run(cluster, sheet, options):
    size = Size(options.changes, options.requests, options.long * 7 // 10, options.long - options.long * 7 // 10, options.rate)
    scene = Scene(cluster, sheet.seed)
    sheet.progress("three services serve; the load begins", now=True)
    meter = Meter(cluster, scene.services)
    progress = Progress(sheet, size, cluster.folder / "load.progress")
    load = scene.load(size, "--seed", sheet.seed, "--progress", progress.file, "--long-life", LONG_LIFE_SECONDS)
    deadline = Deadline(sheet, size)
    try:
        scene.change(size.changes, lambda: progress.requests() >= size.requests or not load.running() or deadline.has_passed(),
                     progress.count_change)
    except Exception as error:  # pylint: disable=broad-except
        sheet.fail(f"a change failed: {error!r}")
    running = load.running()
    sheet.must("the load ran to the end", running, running)
    judge(sheet, scene, size, progress.changes, load.finish(), meter)
    broken_posts(sheet, scene, BROKEN_POSTS)


def judge(sheet, scene, size, made, report, meter):
    sheet.at_least("changes", made, size.changes)
    sheet.at_least("requests checked", report["succeeded"], size.requests)
    sheet.must("requests failed", f"{report['failed']} {report['failures']} {report['first_failures']}", report["failed"] == 0)
    sheet.zero("requests sent again on a new connection", report["reopened"])
    long = report["long"]
    sheet.equal("long connections", asked=size.long_tcp + size.long_http, opened=long["opened"], alive=long["alive"])
    sheet.line("answers on them, renewed by their clients", f"{long['exchanges']}, {long['renewed']} (TCP)")
    sheet.line("applied: measured, p50, slowest", f"{len(scene.times)}, {share(scene.times, 0.5) * 1000:.0f} ms, "
               f"{max(scene.times, default=0) * 1000:.0f} ms")
    sheet.within("applied, p99", share(scene.times, 0.99), APPLIED_P99_SECONDS)
    balance(sheet, scene, client_counts(report, size), meter)
    if not sheet.failures:
        sheet.line("failures", bound(report["succeeded"]))


def judge_failures(sheet, counted):
    """{reason: count} by the proxy: nothing that lies with the proxy or a target may stand there."""
    sheet.must("failures by the proxy's own count", counted or "none", set(counted) <= LIES_WITH_CLIENT)


def balance(sheet, scene, client, meter):
    """What clients sent, the proxy passed and targets had. The writers' own requests go by listeners that come and go."""
    proxy = meter.settled(*client)
    own = [sum(c.own_requests for c in scene.changers if c.service.protocol == protocol) for protocol in ("Http", "Tcp")]
    targets = [count - mine for count, mine in zip(meter.targets(), own)]
    for number, what in enumerate(("HTTP requests", "TCP connections")):
        sheet.equal(what, client=client[number], proxy=proxy[number], targets=targets[number])
    judge_failures(sheet, meter.failures())
    sheet.line("beside them, the writers' own", f"{own[0]} requests, {own[1]} connections")

"""kill -9 of control while it is written to, of the node, and of the proxy, each under checked load.

Control may lose nothing that it acknowledged; the node's death may cost no request; the proxy's death only what that process
had in its hands, and no client may be refused meanwhile.
"""
import contextlib
import http.client
import os
import random
import shutil
import signal
import sqlite3
import threading
import time

from counters import Meter, target_counts
from harness import ApiError, http_get, wait_for
from sheet import bound, share

# Source: the reliability guide's figures for kills of control and proxy.
BACK_P99_SECONDS, GAP_SECONDS = 0.3, 0.05
LOAD_WORKERS, NODE_WORKERS, LONG_TCP = 8, 4, 20
ORPHAN_PATIENCE_SECONDS = 60
# What a client of a killed process sees.
KINDS_OF_DEATH = {"reset", "ended"}
UNANSWERED = (OSError, http.client.HTTPException)


class Writer(threading.Thread):
    """Writes one thing over and over. `known` is what was last acknowledged; `doubt` what a call asked for that got no answer."""

    def __init__(self, api, dice):
        super().__init__(daemon=True)
        self.api, self.dice = api, dice
        self.gate = threading.Lock()  # held while it writes, and while it is judged
        self.stopping = threading.Event()
        self.known, self.doubt = None, None
        self.acknowledged = self.unanswered = self.found_stored = self.found_absent = 0
        self.wrong, self.refused = [], []

    def run(self):
        while not self.stopping.wait(0.001):
            with self.gate:
                if self.doubt is None:
                    try:
                        self.write_one()
                    except Exception as error:  # pylint: disable=broad-except
                        self.doubt = self.known  # it writes on only once it was judged
                        self.refused.append(f"{type(self).__name__}: {error!r}")

    def write_one(self):
        wanted = self.next_value()
        try:
            self.known = self.put(wanted)
            self.acknowledged += 1
        except UNANSWERED:
            self.doubt = wanted
            self.unanswered += 1
        except ApiError as error:
            self.refused.append(f"{type(self).__name__}: {error}")

    def judge(self):
        """Holds what is stored against what was acknowledged; the gate is held."""
        found = self.get()
        if self.doubt is None:
            if found != self.known:
                self.wrong.append(f"{type(self).__name__}: acknowledged {self.known}, found {found}")
        elif self.is_as_wanted(found):
            self.found_stored += 1
        elif found == self.known:
            self.found_absent += 1
        else:
            self.wrong.append(f"{type(self).__name__}: before {self.known}, asked for {self.doubt}, found {found}")
        self.known, self.doubt = found, None

    def is_as_wanted(self, found):
        return found == self.doubt


class WeightWriter(Writer):
    """One field of a target."""

    def __init__(self, api, dice, target):
        super().__init__(api, dice)
        self.target, self.known = target, self.value_of(api, target)

    @staticmethod
    def value_of(api, target):
        return api.get(f"target/{target}")["spec"]["weight"]

    def next_value(self):
        return 1 + self.known % 100

    def put(self, value):
        self.api.patch("target", self.target, weight=value)
        return value

    def get(self):
        return self.value_of(self.api, self.target)


class CheckWriter(Writer):
    """Three fields of a backend service that change together."""

    FIELDS = ("intervalSeconds", "checkTimeoutSeconds", "unhealthyThresholdCount")

    def __init__(self, api, dice, backend):
        super().__init__(api, dice)
        self.backend, self.turn = backend, 0
        self.known = self.get()

    def next_value(self):
        self.turn += 1
        return (5 + self.turn % 50, 2 + self.turn % 9, 2 + self.turn % 4)

    def put(self, value):
        self.api.patch("backend", self.backend, healthCheck=dict(zip(self.FIELDS, value)))
        return value

    def get(self):
        check = self.api.get(f"backend/{self.backend}")["spec"]["healthCheck"]
        return tuple(check[field] for field in self.FIELDS)


class TreeWriter(Writer):
    """A load balancer with a group and targets, made call by call and deleted in one: the value is the names of all that stands."""

    TARGETS = 4

    def __init__(self, api, dice, subnet, name):
        super().__init__(api, dice)
        self.subnet, self.name, self.known = subnet, name, frozenset()

    def next_value(self):
        """One more, or nothing once the tree is full."""
        wanted = ["lb", "tg"] + [f"target {9000 + number}" for number in range(self.TARGETS)]
        return frozenset(wanted[:len(self.known) + 1]) if len(self.known) < len(wanted) else frozenset()

    def put(self, value):
        lb, tg = self.find()
        if not value:
            self.api.call("DELETE", f"lb/{lb['id']}?cascade=true")
        elif not lb:
            self.api.create("lb", self.name, type="nlb", subnetId=self.subnet, azs=["local-1a"])
        elif not tg:
            self.api.create("tg", self.name, loadBalancerId=lb["id"])
        else:
            [newest] = value - self.known
            self.api.create("target", None, targetGroupId=tg["id"], ipAddress="127.0.0.200", port=int(newest.split()[1]), weight=10)
        return value

    def find(self):
        [lb] = [one for one in self.api.items("lb") if one["name"] == self.name] or [None]
        [tg] = lb and self.api.items("tg", f"?loadBalancerId={lb['id']}") or [None]
        return lb, tg

    def get(self):
        lb, tg = self.find()
        targets = self.api.items("target", f"?targetGroupId={tg['id']}") if tg else []
        return frozenset((["lb"] if lb else []) + (["tg"] if tg else []) + [f"target {t['spec']['port']}" for t in targets])


class Files:
    """The store's files as a kill has left them: whole, and with an audit row for each revision."""

    def __init__(self, cluster):
        self.data, self.copy = cluster.data, cluster.folder / "copy"
        self.copy.mkdir()
        self.row, self.revision = 0, None
        self.damaged, self.unaudited = [], 0

    def judge(self):
        for name in ("weir.db", "weir.db-wal", "weir.db-shm"):
            (self.copy / name).unlink(missing_ok=True)
        for name in ("weir.db", "weir.db-wal"):
            if (self.data / name).exists():
                shutil.copy(self.data / name, self.copy / name)
        try:
            with contextlib.closing(sqlite3.connect(self.copy / "weir.db")) as database:
                self.judge_whole(database)
        except sqlite3.Error as error:
            self.damaged.append(repr(error))

    def judge_whole(self, database):
        verdicts = [str(verdict) for [verdict] in database.execute("PRAGMA integrity_check")]
        if verdicts != ["ok"]:
            self.damaged.append("; ".join(verdicts)[:300] or "no verdict")
        self.judge_audit(database)

    def judge_audit(self, database):
        found = database.execute("SELECT value FROM meta WHERE name='revision'").fetchall()
        if len(found) != 1:
            self.damaged.append(f"{len(found)} rows for the revision")
            return
        [[revision]] = found
        rows = database.execute("SELECT number, revision FROM audit WHERE number > ?", (self.row,)).fetchall()
        if self.revision is not None:
            wanted = set(range(self.revision + 1, revision + 1))
            self.unaudited += len(wanted ^ {row[1] for row in rows if row[1] > self.revision})
        self.row, self.revision = max([self.row] + [row[0] for row in rows]), revision


def start_control(cluster):
    """Seconds from the start of the program to its first answer."""
    started = time.monotonic()
    cluster.start_control(wait=False)
    while True:
        try:
            cluster.api.items("subnet")
            return time.monotonic() - started
        except UNANSWERED:
            if time.monotonic() - started > 20:
                raise AssertionError(f"control does not answer:\n{cluster.control.tail()}") from None
            time.sleep(0.002)


def kill_control(cluster, sheet, service, count):
    dice = random.Random(sheet.seed)
    api = cluster.api
    writers = [WeightWriter(api, dice, service.targets[0]), WeightWriter(api, dice, service.targets[1]),
               CheckWriter(api, dice, service.backend), TreeWriter(api, dice, cluster.subnet_id(), "tree")]
    for number, writer in enumerate(writers):
        writer.label = f"{type(writer).__name__} {number + 1}"
    files, back = Files(cluster), []
    meter = Meter(cluster, [service])
    load = cluster.load("--http", service.endpoint, "--workers", 2, "--rate", 200, "--seed", sheet.seed)
    for writer in writers:
        writer.start()
    try:
        for number in range(count):
            time.sleep(0.02 + dice.random() * 0.13)
            cluster.control.kill()
            files.judge()
            back.append(start_control(cluster))
            judge_writers(writers)
            sheet.progress(f"control: {number + 1} of {count} kills, {sum(w.acknowledged for w in writers)} writes acknowledged")
    except Exception as error:  # pylint: disable=broad-except
        sheet.fail(f"kills of control: {error!r}")  # what was counted until then is judged all the same
    finally:
        dead = [type(writer).__name__ for writer in writers if not writer.is_alive()]
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join()
        sheet.at_least("kills of control", len(back), count)
        sheet.must("  writers that died", dead or "none", not dead)
        judge_control(sheet, writers, files, back)
    report = load.finish()
    judge_load(sheet, "control", report)
    client = sum(report["by_target"].values())
    sheet.equal("  requests", client=client, proxy=meter.settled(client, 0)[0], targets=meter.targets()[0])


def judge_writers(writers):
    for writer in writers:
        with writer.gate:
            try:
                writer.judge()
            except UNANSWERED as error:
                raise AssertionError(f"control does not answer {type(writer).__name__}: {error!r}") from error
            except Exception as error:  # pylint: disable=broad-except
                writer.wrong.append(f"{type(writer).__name__}: cannot be read: {error!r}")


def judge_control(sheet, writers, files, back):
    acknowledged = sum(w.acknowledged for w in writers)
    for writer in writers:
        sheet.at_least(f"  writes acknowledged to {writer.label}", writer.acknowledged, len(back) // 2)
    sheet.line("  unanswered: found stored, found absent", f"{sum(w.found_stored for w in writers)}, {sum(w.found_absent for w in writers)}")
    wrong = [text for writer in writers for text in writer.wrong]
    refused = [text for writer in writers for text in writer.refused]
    sheet.must("  lost or halved", f"{len(wrong)} {wrong[:3] or ''}".strip(), not wrong)
    sheet.must("  refused", f"{len(refused)} {refused[:3] or ''}".strip(), not refused)
    sheet.must("  files damaged (integrity_check)", f"{len(files.damaged)} {files.damaged[:1] or ''}".strip(), not files.damaged)
    sheet.zero("  revisions without an audit row, or the reverse", files.unaudited)
    sheet.line("  back: p50, slowest", f"{share(back, 0.5) * 1000:.0f} ms, {max(back, default=0) * 1000:.0f} ms")
    sheet.within("  back, p99", share(back, 0.99), BACK_P99_SECONDS)
    if not wrong:
        sheet.line("  lost writes", bound(acknowledged))


def judge_load(sheet, what, report, closed=0):
    """`closed`: idle connections that a retiring proxy may have closed just when its client asked again."""
    sheet.at_least(f"  requests while {what} died", report["succeeded"], 100)
    sheet.must("  of them failed", f"{report['failed']} {report['failures']}", report["failed"] == 0)
    sheet.must("  of them sent again on a new connection", f"{report['reopened']} (at most {closed})", report["reopened"] <= closed)


def serving_proxy(cluster, old):
    """The node's own proxy once it is another than `old` and the node is ready."""
    new = cluster.pid("proxy")
    return new if new and new != old and http_get("127.0.0.1", cluster.ops_port, "/readyz", timeout=2)[0] == 200 else None


def kill_node(cluster, sheet, service, count):
    dice = random.Random(sheet.seed + 1)
    raw = cluster.service(cluster.make_targets("tcp"), "nlb", "Tcp").wait_healthy()
    before = target_counts(cluster)
    load = cluster.load("--http", service.endpoint, "--tcp", raw.endpoint, "--workers", NODE_WORKERS, "--rate", 300, "--fresh", 50, "--long", LONG_TCP,
                        "--seed", sheet.seed)
    ready, done = [], 0
    for number in range(count):
        old = cluster.pid("proxy")
        cluster.node.kill()
        started = time.monotonic()
        cluster.start_node(wait=False)
        done += 1
        if number % 3 == 2 and number + 1 < count:
            time.sleep(dice.random() * 0.3)  # the next one dies at some moment of its start
        else:
            wait_for(lambda old=old: serving_proxy(cluster, old), "a node that is ready")
            ready.append(time.monotonic() - started)
            time.sleep(dice.random() * 0.2)
        sheet.progress(f"node: {number + 1} of {count} kills")
    orphans = len(cluster.proxies()) - 1
    report = load.finish()
    sheet.at_least("kills of the node", done, count)
    sheet.line("  ready: p50, p99, slowest", f"{share(ready, 0.5) * 1000:.0f} ms, {share(ready, 0.99) * 1000:.0f} ms, {max(ready) * 1000:.0f} ms")
    judge_orphans(cluster, sheet, orphans)
    judge_load(sheet, "the node", report, closed=count * NODE_WORKERS)
    sheet.equal("  long TCP connections", asked=LONG_TCP, opened=report["long"]["opened"], alive=report["long"]["alive"])
    balance_without_proxy(sheet, report, sum(target_counts(cluster)) - sum(before) - LONG_TCP, 0)


def judge_orphans(cluster, sheet, count):
    """Proxies of dead nodes end with their last connection; `count` there were while the load still ran."""
    own = cluster.pid("proxy")
    with contextlib.suppress(AssertionError):
        wait_for(lambda: cluster.proxies() == [own], "the proxies of dead nodes to end", ORPHAN_PATIENCE_SECONDS * sheet.slowness)
    left = [proxy for proxy in cluster.proxies() if proxy != own]
    sheet.must("  proxies of dead nodes: under load, after it", f"{count}, {len(left)} {left or ''}".strip(), not left)


def first_answer(service, times, tally):
    """Asks on new connections until one is answered; `times` gets how long that took."""
    started = time.monotonic()
    while time.monotonic() - started < 20:
        tally["asked"] += 1
        try:
            if http_get(service.vip, service.port, "/probe", timeout=5)[0] == 200:
                tally["answered"] += 1
                times.append(time.monotonic() - started)
                return
            tally["wrong status"] += 1
        except ConnectionRefusedError:
            tally["refused"] += 1
        except UNANSWERED:
            tally["broken off"] += 1
    raise AssertionError("no answer within 20 s of a kill of the proxy")


def kill_proxy(cluster, sheet, service, count):
    dice = random.Random(sheet.seed + 2)
    before = target_counts(cluster)[0]
    load = cluster.load("--http", service.endpoint, "--workers", LOAD_WORKERS, "--rate", 400, "--fresh", 50, "--seed", sheet.seed)
    gaps, tally = [], {"asked": 0, "answered": 0, "refused": 0, "wrong status": 0, "broken off": 0}
    for number in range(count):
        old = wait_for(lambda: cluster.pid("proxy"), "a proxy")
        time.sleep(0.1 + dice.random() / 10)
        os.kill(old, signal.SIGKILL)
        first_answer(service, gaps, tally)
        wait_for(lambda old=old: (cluster.pid("proxy") or old) != old, "a new proxy")
        sheet.progress(f"proxy: {number + 1} of {count} kills")
    report = load.finish()
    sheet.at_least("kills of the proxy", len(gaps), count)
    sheet.line("  gap: p50, p99", f"{share(gaps, 0.5) * 1000:.0f} ms, {share(gaps, 0.99) * 1000:.0f} ms")
    sheet.within("  gap, longest", max(gaps, default=0), GAP_SECONDS)
    sheet.line("  longest time without any answer", f"{report['longest_gap_ms']:.0f} ms")
    sheet.at_least("  requests meanwhile", report["succeeded"], 100)
    sheet.zero("  connections refused", report["failures"].get("connect", 0) + tally["refused"])
    sheet.must("  died with the process", f"{report['failed']} {report['failures']}", set(report["failures"]) <= KINDS_OF_DEATH)
    sheet.must("  of them at most what was under way", report["failed"], report["failed"] <= count * LOAD_WORKERS)
    report["succeeded"] += tally["answered"]
    balance_without_proxy(sheet, report, target_counts(cluster)[0] - before, tally["asked"] - tally["answered"])


def balance_without_proxy(sheet, report, targets, unanswered):
    """Counters of a killed process are gone, and what died under way may have reached a target or not."""
    answered = report["succeeded"]
    asked = answered + report["failed"] + report["reopened"] + unanswered
    sheet.must("  requests", f"client {answered} answered, {report['reopened']} sent again, {asked - answered - report['reopened']} lost; targets {targets}",
               answered <= targets <= asked)


KILLS = {"control": (kill_control, 3), "node": (kill_node, 1), "proxy": (kill_proxy, 1)}


def shares(total, victims):
    """How many kills each of them gets, by its part; the first takes what is over."""
    parts = sum(KILLS[victim][1] for victim in victims)
    counts = {victim: total * KILLS[victim][1] // parts for victim in victims}
    counts[victims[0]] += total - sum(counts.values())
    return counts


def run(cluster, sheet, options):
    service = cluster.service(cluster.make_targets("http"))
    service.wait_healthy()
    for victim, count in shares(options.kills, options.of or list(KILLS)).items():
        if count == 0:
            continue
        sheet.progress(f"kills of {victim}: {count}", now=True)
        try:
            KILLS[victim][0](cluster, sheet, service, count)
        except Exception as error:  # pylint: disable=broad-except
            sheet.fail(f"kills of {victim}: {error!r}")
            return

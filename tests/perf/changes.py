"""Changes of mixed kinds at a fixed pace, and how long each takes until it is in force.

Every change counts from the moment its call was sent. Two things tell that it is in force: the revision that the node says it has applied (asked
every 10 ms, so that is when somebody who asks could know), for every change; and the packets of clients, for each listener that moves to another
backend service: connections are made one after the other until one is answered by a target of the new service.
"""
import bisect
import concurrent.futures
import contextlib
import http.client
import threading
import time

import tree

PER_SECOND = 17
WRITERS = 6
APPLIED_POLL_SECONDS = 0.010
CLIENT_PAUSE_SECONDS = 0.003
PATIENCE = 30
# Chosen because a check then finds that many targets closed that were not, and as many open again that were.
CLOSED_AT_ONCE = 50
# One second of work. What is no part of a move is spread over all services, so that no two of one second meet in a node's cache.
KINDS = ("move", "weight", "add", "port", "weight", "remove", "move", "algorithm", "weight", "add", "thresholds", "switch", "remove", "move", "port",
         "weight", "describe")
assert len(KINDS) == PER_SECOND


class Writer:
    """Makes one change of each kind and keeps in mind what the services are like after it. Thread: any; a service is changed by one at a time."""

    def __init__(self, client, services, movers, ports):
        self.client, self.services, self.movers, self.ports = client, services, movers, ports
        self.next_address = sum(len(s.targets) for s in services)
        self.locks = {id(one): threading.Lock() for one in [*services, *movers]}
        self.mutex = threading.Lock()
        self.added = {s.number: [] for s in services}
        self.closed = {s.number: None for s in services}
        self.off, self.turns = set(), {}
        # {address: the backend services that may answer from it}; a move is seen by it.
        self.home = {text: s.backend for s in services for text, _ in s.targets.values()}

    def make(self, kind, serial):
        """(revision, what a client must see: (vip, port, backend service) or None)."""
        one = self.movers[serial % len(self.movers)] if kind == "move" else self.pick(kind, serial)
        with self.locks[id(one)]:
            return getattr(self, kind)(one)

    def pick(self, kind, serial):
        """What was taken away is given back before the same is taken from others for ever."""
        count, start = len(self.services), serial * 7919
        in_turn = (self.services[(start + i) % count] for i in range(count))
        if kind in ("weight", "thresholds", "describe"):
            return next(in_turn)
        if kind == "algorithm":
            return next(s for s in in_turn if s.algorithm() != s.algorithm(1))
        among = {"remove": {n for n, ids in self.added.items() if ids}, "switch": self.off,
                 "port": {n for n, id in self.closed.items() if id}}.get(kind, set())
        is_back = len(among) > {"port": CLOSED_AT_ONCE}.get(kind, 0)
        return next(s for s in in_turn if (s.number in among if is_back else not s.is_calm))

    def patch(self, kind, id, **spec):
        return self.client.call("PATCH", f"{kind}/{id}", {"spec": spec})["revision"]

    def turn(self, service, kind):
        """How often this kind of change was made of the service before."""
        self.turns[service.number, kind] = self.turns.get((service.number, kind), 0) + 1
        return self.turns[service.number, kind]

    def move(self, mover):
        mover.place = 1 - mover.place
        service = mover.services[mover.place]
        return self.patch("listener", mover.listener, backendId=service.backend), (service.vip, mover.port, service.backend)

    def weight(self, service):
        ids = list(service.targets)
        turn = self.turn(service, "weight")
        return self.patch("target", ids[turn % len(ids)], weight=10 + turn % 90), None

    def add(self, service):
        with self.mutex:
            text, self.next_address = tree.address(self.next_address), self.next_address + 1
        word = service.word(len(service.targets))
        made = self.client.create("target", None, targetGroupId=service.group, ipAddress=text, port=self.ports.of(word), weight=10)
        service.targets[made["id"]] = (text, word)
        self.added[service.number].append(made["id"])
        return made["revision"], None

    def remove(self, service):
        if not self.added[service.number]:  # Another writer was here first.
            return self.add(service)
        id = self.added[service.number].pop(0)
        revision = self.client.call("DELETE", f"target/{id}")["revision"]
        del service.targets[id]
        return revision, None

    def port(self, service):
        """A good target to the closed port, and back."""
        id, self.closed[service.number] = self.closed[service.number], None
        word = "good"
        if id is None or id not in service.targets:
            id, word = next(i for i, (_, w) in service.targets.items() if w == "good" and i not in self.added[service.number]), "closed"
            self.closed[service.number] = id
        revision = self.patch("target", id, port=self.ports.of(word))
        service.targets[id] = (service.targets[id][0], word)
        return revision, None

    def algorithm(self, service):
        return self.patch("backend", service.backend, algorithm=service.algorithm(self.turn(service, "algorithm"))), None

    def thresholds(self, service):
        return self.patch("backend", service.backend, healthCheck={"unhealthyThresholdCount": 3 - self.turn(service, "thresholds") % 2}), None

    def switch(self, service):
        """A listener off, and on again."""
        self.off.symmetric_difference_update({service.number})
        status = "Off" if service.number in self.off else "On"
        return self.client.call("PATCH", f"listener/{service.listener}", {"admin": {"status": status}})["revision"], None

    def describe(self, service):
        return self.patch("listener", service.listener, description=f"change {self.turn(service, 'describe')}"), None


def who_answers(vip, port):
    """The address of the target that answers a new connection, or None."""
    connection = http.client.HTTPConnection(vip, port, timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/32")
        answer = connection.getresponse()
        if answer.status == 200:
            return answer.read().decode().split(" ")[0]
    connection.close()
    return None


def see(writer, seen, called):
    """Seconds from the call until a client is answered by a target of the backend service that the listener was given."""
    vip, port, backend = seen
    while time.monotonic() < called + PATIENCE:
        if writer.home.get(who_answers(vip, port)) == backend:
            return time.monotonic() - called
        time.sleep(CLIENT_PAUSE_SECONDS)
    return float(PATIENCE)


class Watcher:
    """Asks for the node's applied revision until it is closed."""

    def __init__(self, service):
        self.revisions, self.times, self.is_closed = [0], [time.monotonic()], False
        self.service = service
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_closed:
            with contextlib.suppress(OSError, http.client.HTTPException):
                revision = self.service.applied()
                if revision > self.revisions[-1]:
                    self.times.append(time.monotonic())
                    self.revisions.append(revision)
            time.sleep(APPLIED_POLL_SECONDS)

    def close(self):
        self.is_closed = True
        self.thread.join()

    def applied_at(self, revision):
        place = bisect.bisect_left(self.revisions, revision)
        return self.times[place] if place < len(self.times) else float("inf")


def one(writer, kind, serial, due):
    began = time.monotonic()
    revision, seen = writer.make(kind, serial)
    answered = time.monotonic()
    return {"kind": kind, "late": began - due, "called": began, "answered": answered, "revision": revision,
            "packets": see(writer, seen, began) if seen else None}


def run(service, writer, seconds, meanwhile):
    """All changes, as dictionaries. `meanwhile(passed seconds)` is called once a second."""
    watcher, began, jobs = Watcher(service), time.monotonic(), []
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        for serial in range(int(seconds * PER_SECOND)):
            due = began + serial / PER_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
            if serial % PER_SECOND == 0:
                meanwhile(serial // PER_SECOND)
                for job in jobs[-PER_SECOND:]:
                    if job.done():
                        job.result()  # A failure ends the run at once.
            jobs.append(pool.submit(one, writer, KINDS[serial % PER_SECOND], serial, due))
        changes = [job.result() for job in jobs]
    service.wait_applied(max(change["revision"] for change in changes))
    time.sleep(5 * APPLIED_POLL_SECONDS)
    watcher.close()
    for change in changes:
        change["applied"] = watcher.applied_at(change["revision"]) - change["called"]
        assert change["applied"] > 0, f"a change of kind {change['kind']} changed nothing"
    return changes

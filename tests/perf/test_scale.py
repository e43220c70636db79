"""What area `scale` makes, what it holds a check's verdicts against, and that its changes keep that in mind; against no service at all."""
import os
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import changes  # noqa: E402
import tree  # noqa: E402

PORTS = tree.Ports(good=1, sick=2, mute=3, closed=4)


class Control:
    """Takes every call, and keeps it."""

    def __init__(self):
        self.calls, self.mutex = [], threading.Lock()

    def call(self, method, path, body=None):
        with self.mutex:
            self.calls.append((method, path, body))
            return {"revision": len(self.calls), "id": f"new{len(self.calls)}"}

    def create(self, kind, name, **spec):
        return self.call("POST", kind, {"spec": spec})


@pytest.fixture
def writer():
    made = []
    for service, first in tree.services(200):
        for kind in ("backend", "listener", "group"):
            setattr(service, kind, f"{kind}{service.number}")
        service.targets = {f"t{first + place}": (tree.address(first + place), service.word(place)) for place in range(tree.targets_of(service.number))}
        made.append(service)
    return changes.Writer(Control(), made, tree.movers(made), PORTS)


def test_two_thousand_services_have_twenty_thousand_targets_of_their_own_addresses_and_half_of_them_hash():
    made = tree.services(2000)
    targets = [tree.address(first + place) for service, first in made for place in range(tree.targets_of(service.number))]
    assert len(targets) == len(set(targets)) == 20000
    assert sum(service.is_hashed() for service, _ in made) == 1000
    assert {service.type for service, _ in made} == {"alb", "nlb", "dnlb"}


def test_services_of_every_sort_have_targets_of_every_sort_and_none_has_only_sick_ones():
    made = tree.services(2000)
    sorts = {(service.type, service.check, service.word(place)) for service, _ in made for place in range(tree.targets_of(service.number))}
    for kind in ("alb", "nlb"):
        assert {(kind, "Tcp", "good"), (kind, "Tcp", "closed")} | {(kind, "Http", word) for word in ("good", "closed", "sick", "mute")} <= sorts
    assert {(kind, check, word) for kind, check, word in sorts if kind == "dnlb"} == {("dnlb", "Tcp", "good"), ("dnlb", "Tcp", "closed")}
    for service, first in made:
        well = [place for place in range(tree.targets_of(service.number))
                if service.verdict((tree.address(first + place), service.word(place)), has_turned=True) == "healthy"]
        assert len(well) >= 3, service.number


def test_a_verdict_that_is_wrong_missing_or_of_nobody_is_found():
    service = tree.Service(0, targets={"a": ("127.100.0.1", "good"), "b": ("127.100.0.2", "closed")})
    def said(**statuses):
        return [{"targetId": id, "status": status, "reason": "r", "detail": ""} for id, status in statuses.items()]
    assert tree.wrong_verdicts(service, said(a="healthy", b="unhealthy"), False) == []
    assert len(tree.wrong_verdicts(service, said(a="healthy", b="healthy"), False)) == 1
    assert len(tree.wrong_verdicts(service, said(a="initial", b="unhealthy"), False)) == 1
    assert len(tree.wrong_verdicts(service, said(a="healthy"), False)) == 1
    assert len(tree.wrong_verdicts(service, said(a="healthy", b="unhealthy", c="healthy"), False)) == 1


def test_after_the_turn_only_an_http_check_finds_some_servers_sick():
    turning = next(tree.address(number) for number in range(1000) if tree.is_turning(tree.address(number)))
    http, tcp = tree.Service(0), tree.Service(2)
    assert (http.check, tcp.check) == ("Http", "Tcp")
    assert http.verdict((turning, "good"), False) == "healthy" and http.verdict((turning, "good"), True) == "unhealthy"
    assert tcp.verdict((turning, "good"), True) == "healthy"


def test_a_mover_goes_between_two_services_of_its_load_balancer_and_protocol(writer):
    assert len(writer.movers) == 2 * tree.MOVERS_PER_BALANCER
    for mover in writer.movers:
        a, b = mover.services
        assert a.number != b.number and a.protocol == b.protocol and a.number // tree.PER_BALANCER == b.number // tree.PER_BALANCER
    assert {mover.services[0].is_http for mover in writer.movers} == {True, False}
    mover = writer.movers[0]
    seen = [writer.move(mover)[1][2] for _ in range(4)]
    assert seen == [mover.services[1].backend, mover.services[0].backend] * 2


def test_a_second_has_as_many_changes_as_it_shall_and_all_kinds_are_made(writer):
    assert len(changes.KINDS) == changes.PER_SECOND
    for serial in range(50 * changes.PER_SECOND):
        writer.make(changes.KINDS[serial % changes.PER_SECOND], serial)
    assert len(writer.client.calls) == 50 * changes.PER_SECOND
    assert {(method, path.split("/")[0]) for method, path, _ in writer.client.calls} == {
        ("PATCH", "listener"), ("PATCH", "backend"), ("PATCH", "target"), ("POST", "target"), ("DELETE", "target")}
    assert len(writer.off) <= 1 and sum(id is not None for id in writer.closed.values()) <= changes.CLOSED_AT_ONCE + 1


def test_what_carries_traffic_loses_no_target_and_no_listener(writer):
    before = {s.number: dict(s.targets) for s in writer.services if s.is_calm}
    for serial in range(100 * changes.PER_SECOND):
        writer.make(changes.KINDS[serial % changes.PER_SECOND], serial)
    assert {s.number: s.targets for s in writer.services if s.is_calm} == before
    assert not any(s.number in writer.off for s in writer.services if s.is_calm)


def test_what_a_change_did_to_a_target_is_known_when_verdicts_are_judged(writer):
    service = next(s for s in writer.services if not s.is_calm)
    count = len(service.targets)
    writer.add(service)
    assert len(service.targets) == count + 1
    writer.remove(service)
    assert len(service.targets) == count
    closed = next(id for id, (_, word) in service.targets.items() if word == "good")
    writer.port(service)
    assert service.verdict(service.targets[closed], False) == "unhealthy"
    writer.port(service)
    assert service.verdict(service.targets[closed], False) == "healthy"


def test_a_revision_counts_as_applied_from_the_first_answer_that_names_it_or_a_later_one():
    class Node:
        answers = [3, 3, 7]

        def applied(self):
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    watcher = changes.Watcher(Node())
    while watcher.revisions[-1] < 7:
        pass
    watcher.close()
    assert watcher.revisions == [0, 3, 7]
    assert watcher.applied_at(2) == watcher.applied_at(3) < watcher.applied_at(4) == watcher.applied_at(7) and watcher.applied_at(8) == float("inf")

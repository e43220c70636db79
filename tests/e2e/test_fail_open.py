"""Backend services that fail open: while no target is usable all that run get their traffic, and an alarm is raised."""
import json
import socket
import urllib.request

import pytest

from harness import SLOWNESS, flows, free_port, wait_for

KINDS = {"alb-http": ("alb", "Http"), "alb-tcp": ("alb", "Tcp"), "nlb": ("nlb", "Tcp"), "dnlb": ("dnlb", "Tcp")}
WEIGHTS = {0: 10, 1: 20, 2: 30, 3: 40}


class CheckedElsewhere:
    """One service of each kind over four targets each; the checks go to servers of their own, which a test turns off while traffic is served."""

    def __init__(self, cluster, is_up=True):
        self.cluster = cluster
        port = free_port()
        for i in WEIGHTS:
            cluster.targets.add(f"check{i}", "tcp", port, f"127.0.0.{11 + i}")
            if not is_up:
                cluster.targets.refuse(f"check{i}")
        check = {"protocol": "Tcp", "port": port, "intervalSeconds": 5, "checkTimeoutSeconds": 2, "unhealthyThresholdCount": 1,
                 "healthyThresholdCount": 1}
        places = {protocol: cluster.make_targets(protocol.lower(), len(WEIGHTS)) for protocol in ("Http", "Tcp")}
        self.services = {name: cluster.service(places[protocol], kind, protocol, weights=WEIGHTS, check=check)
                         for name, (kind, protocol) in KINDS.items()}
        self.wait_judged(WEIGHTS, is_up)

    def check(self, numbers, is_up):
        """Every service gets the new verdicts, in an order of its own."""
        for number in numbers:
            (self.cluster.targets.accept if is_up else self.cluster.targets.refuse)(f"check{number}")
        self.wait_judged(numbers, is_up)

    def wait_judged(self, numbers, is_up):
        wanted = "healthy" if is_up else "unhealthy"
        for service in self.services.values():
            wait_for(lambda service=service: {self.cluster.health(service.backend)[service.targets[number]] for number in numbers} == {wanted},
                     f"the verdicts of targets {numbers}", 20)

    def switch(self, is_on):
        for service in self.services.values():
            self.cluster.change(service, "backend", service.backend, failOpen=is_on)

    def alarm(self, service):
        """The metric of the node; None where there is none."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.cluster.ops_port}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        found = [line for line in lines if line.startswith(f'weir_backend_fail_open{{backend="{service.backend}"}}')]
        return float(found[0].rsplit(" ", 1)[1]) if found else None

    def failing_open_on(self, service):
        return self.cluster.api.get(f"backend/{service.backend}/health")["failingOpenOn"]

    def logged(self, text, service):
        return sum(text in line and service.backend in line for line in self.cluster.node.log.read_text().splitlines())


def landings(service, count=1000):
    """{number of the target: clients}; the clients have 250 addresses."""
    counts, _ = flows(service.endpoint, service.protocol, count, **{"from": "127.30.0.1", "sources": 250})
    return {int(name[-1]): number for name, number in counts.items()}


def refusal(service):
    """How a new client is turned away; None when it is served."""
    if service.protocol == "Http":
        status = service.cluster.http(service.vip, service.port)[0]
        return None if status == 200 else str(status)
    try:
        with socket.create_connection((service.vip, service.port), 5) as connection:
            connection.sendall(b"hello\n")
            connection.settimeout(1)
            return "closed" if connection.recv(1) == b"" else None
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "silence"


REFUSALS = {"alb-http": "503", "alb-tcp": "reset", "nlb": "reset", "dnlb": "silence"}


def expect_refused(checked):
    for name, service in checked.services.items():
        wait_for(lambda name=name, service=service: refusal(service) == REFUSALS[name], f"{name} to refuse with {REFUSALS[name]}", 20)
        wait_for(lambda service=service: checked.failing_open_on(service) == [], "health to say so", 20)


def test_b12_with_fail_open_all_targets_get_traffic_by_weight_and_an_alarm_is_raised_until_one_is_usable(apart):
    cluster, checked = apart, CheckedElsewhere(apart, is_up=False)
    expect_refused(checked)
    checked.switch(True)
    node = cluster.api.items("node")[0]["id"]
    for name, service in checked.services.items():
        wait_for(lambda service=service: refusal(service) is None, f"{name} to serve", 20)
        counts = landings(service)
        # Four standard deviations of 250 addresses by hash; by turns it is closer.
        for i, weight in WEIGHTS.items():
            assert abs(counts[i] - 10 * weight) <= 130, (name, counts)
        wait_for(lambda service=service: checked.failing_open_on(service) == [node], "health to say so", 20)
        assert cluster.api.get(f"backend/{service.backend}")["status"]["failingOpenOn"] == [node]
        assert "FAILS OPEN" in cluster.cli("health", service.backend).stdout
        wait_for(lambda service=service: checked.alarm(service) == 1, "the alarm", 20)
        wait_for(lambda service=service: checked.logged("a backend service fails open:", service), "the log to say so", 20)
        answer = cluster.api.get(f"explain?listener={service.listener}&client=127.30.0.1:4000")["nodes"][0]
        assert answer["reason"].startswith("the service fails open"), answer
        assert sum(target["share"] for target in answer["targets"]) == pytest.approx(1)
    checked.check([2], True)
    for name, service in checked.services.items():
        wait_for(lambda service=service: set(landings(service, 50)) == {2}, f"{name} to use the usable target only", 20)
        wait_for(lambda service=service: checked.failing_open_on(service) == [], "health to say so", 20)
        assert "FAILS OPEN" not in cluster.cli("health", service.backend).stdout
        wait_for(lambda service=service: checked.alarm(service) == 0, "the end of the alarm", 20)
        wait_for(lambda service=service: checked.logged("fails open no longer", service), "the log to say so", 20)
        assert checked.logged("a backend service fails open:", service) == checked.logged("fails open no longer", service) == 1
    checked.check([2], False)
    for name, service in checked.services.items():
        wait_for(lambda service=service: set(landings(service, 200)) == set(WEIGHTS), f"{name} to fail open again", 20)
    checked.switch(False)
    expect_refused(checked)
    wait_for(lambda: [checked.alarm(service) for service in checked.services.values()] == [None] * len(KINDS), "no metric where it is not asked for", 20)


def test_b12_no_request_is_lost_while_services_begin_and_cease_to_fail_open(apart):
    checked = CheckedElsewhere(apart)
    for service in checked.services.values():
        service.wait_healthy()
    checked.switch(True)
    arguments = [part for service in checked.services.values() for part in (f"--{service.protocol.lower()}", service.endpoint)]
    load = checked.cluster.load(*arguments, "--rate", 400 / SLOWNESS, "--workers", 8, "--fresh", 100)
    checked.check(WEIGHTS, False)
    checked.check([1], True)
    # One takes over from the other, in an order that differs from service to service.
    checked.cluster.targets.refuse("check1")
    checked.check([2], True)
    checked.check([1, 2], False)
    report = load.finish()
    assert report["failed"] == 0 and report["succeeded"] > 100, report
    for name, service in checked.services.items():
        wait_for(lambda service=service: checked.failing_open_on(service), f"{name} to fail open", 20)


def test_fail_open_is_set_with_the_client_command_and_shown_in_the_schema(up):
    service = up.service(up.make_targets("http", 1))
    up.cli("update", "backend", service.backend, "--fail-open", "true")
    shown = json.loads(up.cli("get", "backend", service.backend, "-o", "json").stdout)
    assert shown["spec"]["failOpen"] is True
    up.cli("update", "backend", service.backend, "--fail-open", "false")
    assert "failOpen" not in json.loads(up.cli("get", "backend", service.backend, "-o", "json").stdout)["spec"]
    refused = up.cli("update", "backend", service.backend, "--fail-open", "perhaps", check=False)
    assert refused.returncode == 2 and "failOpen" in refused.stderr + refused.stdout, refused

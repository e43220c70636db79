"""Health checks as operators meet them: many targets on a busy machine, and checks that are closed and opened again."""
import collections
import os
import time
import urllib.request

import pytest

from harness import SLOWNESS, wait_for

TARGETS = 2000
QUOTA = 1000
SECONDS = 25


def check_results(apart):
    """{result: probes} over all backend services."""
    with urllib.request.urlopen(f"http://127.0.0.1:{apart.ops_port}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    results = collections.Counter()
    for line in lines:
        if line.startswith("weir_target_health_checks_total{"):
            results[line.split('result="')[1].split('"')[0]] += float(line.rsplit(" ", 1)[1])
    return results


def test_m57_2000_targets_of_a_node_have_no_false_verdict_while_it_is_busy(apart):
    _, port = apart.targets.add("many", "tcp", address="0.0.0.0")
    api = apart.api
    lb = api.create("lb", "many", type="dnlb", subnetId=apart.subnet_id())["id"]
    check = {"protocol": "Tcp", "intervalSeconds": 5, "checkTimeoutSeconds": 2, "unhealthyThresholdCount": 1, "healthyThresholdCount": 1}
    backends = []
    for half in range(TARGETS // QUOTA):
        tg = api.create("tg", f"g{half}", loadBalancerId=lb)["id"]
        targets = [{"ipAddress": f"127.{20 + half}.{i // 200}.{i % 200 + 1}", "port": port, "weight": 10} for i in range(QUOTA)]
        api.patch("tg", tg, targets=targets)
        backends.append(api.create("backend", f"b{half}", loadBalancerId=lb, protocol="Tcp", port=80, targetGroupIds=[tg], healthCheck=check)["id"])
        api.create("listener", f"l{half}", loadBalancerId=lb, protocol="Tcp", port=7000 + half, backendId=backends[-1])

    def statuses():
        return collections.Counter(status for backend in backends for status in apart.health(backend).values())
    wait_for(lambda: statuses() == {"healthy": TARGETS}, "2000 healthy targets", 60)
    busy = apart.service(apart.make_targets("http", 3)).wait_healthy()
    load = apart.load("--http", busy.endpoint, "--workers", 4 * (os.cpu_count() or 1))
    before, end = check_results(apart), time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert statuses() == {"healthy": TARGETS}
        time.sleep(1)
    after = check_results(apart)
    assert load.finish()["failed"] == 0
    assert after["failure"] == before["failure"] and after["not_run"] == before["not_run"], (before, after)
    # Every target was checked once per interval, give or take one round.
    rounds = (after["success"] - before["success"]) / (TARGETS + 3)
    assert abs(rounds - SECONDS / check["intervalSeconds"]) <= 1.5 * SLOWNESS, rounds


@pytest.mark.parametrize("kind, protocol", [("alb", "Http"), ("nlb", "Tcp")])
def test_h7_m70_m71_m72_a_check_is_closed_and_opened_under_load_without_a_failed_request(up, kind, protocol):
    service = up.service(up.make_targets(protocol.lower(), 3), kind, protocol).wait_healthy()
    load = up.load(f"--{protocol.lower()}", service.endpoint, "--rate", 500 / SLOWNESS, "--workers", 8)
    for _ in range(5):
        for closed, word in ((True, "N/A"), (False, "healthy")):
            made = up.api.call("PATCH", f"backend/{service.backend}", {"admin": {"closeHealthCheck": closed}})
            up.wait_applied(service, made["revision"])
            wait_for(lambda word=word: set(up.health(service.backend).values()) == {word}, word)
    report = load.finish()
    assert report["failed"] == 0 and report["reopened"] == 0 and len(report["by_target"]) == 3, report

"""10 000 requests or connections for each kind, algorithm and set of weights, with one worker and with two: the shares are those of the weights,
and what explain calls certain is what happened."""
import math

import pytest

from conftest import running
from harness import Up, UpWithOneWorker

FLOWS = 10_000
WEIGHTS = [(1, 2, 3), (0, 50, 100)]
# A dnlb has no weight 0.
DNLB_WEIGHTS = [(10, 10, 10), (1, 2, 3)]
# Flows that are open together: with least connections they are what is counted.
WAVE = 500


@pytest.fixture(params=[UpWithOneWorker, Up], ids=["one_worker", "two_workers"], scope="module")
def shared(request):
    """One program for all cases of this module: they differ in their load balancers only."""
    generator = running(request.param, request)
    cluster = next(generator)
    yield cluster
    next(generator, None)


class Case:
    """A load balancer whose three targets are called as their order says."""

    def __init__(self, cluster, kind, protocol):
        name = protocol.lower()
        known = [f"{name}{i}" for i in range(3)]
        if known[0] not in cluster.targets.processes:
            cluster.make_targets(name)
        places = [cluster.targets.processes[one][2:4] for one in known]
        self.cluster, self.names = cluster, known
        self.service = cluster.service(places, kind, protocol).wait_healthy()

    def choose(self, algorithm, weights):
        api = self.cluster.api
        made = [api.patch("target", target, weight=weight) for target, weight in zip(self.service.targets, weights)]
        made.append(api.patch("backend", self.service.backend, algorithm=algorithm))
        # What changes nothing has its old revision.
        self.cluster.wait_applied(self.service, max(one["revision"] for one in made))

    def expect_explained(self, flows):
        """Explain names with certainty the target that each flow reached. Clients are asked about in hundreds, as the API allows."""
        server = dict(zip(self.service.targets, self.names))
        for first in range(0, len(flows), 100):
            asked = dict(map(tuple, flows[first:first + 100]))
            query = "".join(f"&client={client}" for client in asked)
            for node in self.cluster.api.get(f"explain?listener={self.service.listener}{query}")["nodes"]:
                assert {one["kind"] for one in node["clients"]} == {"certain"}
                assert {one["client"]: server[one["picked"]] for one in node["clients"]} == asked

    def expect_shares(self, counts):
        """The shares that explain gives agree with what happened within 1 %."""
        server, total = dict(zip(self.service.targets, self.names)), sum(counts.values())
        for node in self.cluster.api.get(f"explain?listener={self.service.listener}&client=127.0.0.1")["nodes"]:
            assert node["kind"] == "share"
            for target in node["targets"]:
                assert abs(counts.get(server[target["targetId"]], 0) / total - target["share"]) <= 0.01, (counts, node)

    def expect(self, counts, weights, slack):
        """Each target has its share of all flows, give or take `slack(share)` flows."""
        total = sum(counts.values())
        for name, weight in zip(self.names, weights):
            share = weight / sum(weights)
            assert abs(counts.get(name, 0) - total * share) <= slack(share), (counts, weights)


def kept(case):
    """HTTP requests follow each other on the same connections; a TCP flow is a connection."""
    return {"keep": 1} if case.service.protocol == "Http" else {}


def drawn(share):
    """Five standard deviations of a draw: which target an address belongs to is chance, with its weight as probability."""
    return 5 * math.sqrt(FLOWS * share * (1 - share)) + 1


@pytest.fixture(scope="module")
def case(shared, request):
    return Case(shared, *request.param.split("_"))


def on(*kinds):
    return pytest.mark.parametrize("case", kinds, indirect=True, scope="module")


@on("alb_Http", "alb_Tcp", "nlb_Tcp")
def test_m29_round_robin_shares_by_weight(case):
    for weights in WEIGHTS:
        case.choose("RoundRobin", weights)
        counts, _ = case.cluster.flows(case.service, FLOWS, wave=8, **kept(case))
        # Each worker is at most one turn ahead of its target's share.
        case.expect(counts, weights, lambda _: 10)
        case.expect_shares(counts)


@on("alb_Http", "alb_Tcp", "nlb_Tcp")
def test_m30_m31_least_connections_settle_at_the_weights(case):
    for weights in WEIGHTS:
        case.choose("LeastConn", weights)
        counts, _ = case.cluster.flows(case.service, FLOWS, wave=WAVE, delay=50, **kept(case))
        case.expect(counts, weights, lambda _: FLOWS * 0.01)
        case.expect_shares(counts)


@on("alb_Http", "alb_Tcp", "nlb_Tcp", "dnlb_Tcp")
def test_m32_m33_addresses_are_shared_by_weight_and_stay_where_they_are(case):
    for weights in DNLB_WEIGHTS if case.service.kind == "dnlb" else WEIGHTS:
        case.choose("IpHash", weights)
        counts, before = case.cluster.flows(case.service, FLOWS, wave=8, **{"from": "127.40.0.1"}, sources=FLOWS, flows=1)
        case.expect(counts, weights, drawn)
        if weights == (1, 2, 3):
            case.expect_explained(before)
        _, after = case.cluster.flows(case.service, 1000, wave=8, **{"from": "127.40.0.1"}, sources=1000, flows=1)
        homes = {client.split(":")[0]: target for client, target in before}
        assert all(homes[client.split(":")[0]] == target for client, target in after)


@on("dnlb_Tcp")
def test_m34_m35_five_tuples_of_one_address_are_shared_by_weight_and_stay_where_they_are(case):
    for weights in DNLB_WEIGHTS:
        case.choose("QuintupleHash", weights)
        counts, made = case.cluster.flows(case.service, FLOWS, wave=8, flows=1)
        case.expect(counts, weights, drawn)
        if weights == (1, 2, 3):
            case.expect_explained(made)
        # The same client ports again, of an address that nobody else uses: the same five values.
        again = {"from": "127.50.0.1", "port": 40000, "flows": 1}
        twice = [dict(map(tuple, case.cluster.flows(case.service, 500, **again)[1])) for _ in range(2)]
        assert twice[0] == twice[1]

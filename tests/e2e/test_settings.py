"""Settings of health checks and weights, as a user gives them: both ends of each range, the first value outside, defaults and what is shown."""
import itertools

import pytest

from conftest import running
from harness import ApiError, Up

TYPES = ["alb", "nlb", "dnlb"]


@pytest.fixture(scope="module")
def service_api(request):
    """A program that serves; its API."""
    generator = running(Up, request)
    yield next(generator).api
    next(generator, None)


@pytest.fixture(params=TYPES, scope="module")
def balancer(service_api, request):
    """A load balancer of each type."""
    return service_api.create("lb", request.param, type=request.param, subnetId="subnet-default", azs=["local-1a"])


def backend_with(api, lb, **check):
    """The check of a backend service made with these settings, as the API shows it."""
    made = api.create("backend", "b", loadBalancerId=lb["id"], protocol="Tcp", port=80, healthCheck=check)
    try:
        return api.get(f"backend/{made['id']}")["spec"]["healthCheck"]
    finally:
        api.delete("backend", made["id"])


def refused(api, lb, field, **check):
    """What the refusal says of the field; nothing is stored."""
    before = len(api.items("backend"))
    with pytest.raises(ApiError) as refusal:
        backend_with(api, lb, **check)
    assert refusal.value.status == 400 and len(api.items("backend")) == before
    told = [d["message"] for d in refusal.value.body["error"]["details"] if d["field"] == f"spec.healthCheck.{field}"]
    assert told, refusal.value.body
    return told[0]


on_checked_paths = pytest.mark.parametrize("balancer", ["alb", "nlb"], indirect=True, scope="module")


def test_m67_a_check_has_the_recommended_values_when_none_are_given(service_api, balancer):
    check = backend_with(service_api, balancer, protocol="Tcp")
    assert (check["intervalSeconds"], check["checkTimeoutSeconds"], check["healthyThresholdCount"], check["unhealthyThresholdCount"]) == (5, 3, 3, 3)


def test_m61_a_path_is_for_http_checks_only(service_api, balancer):
    assert "Http" in refused(service_api, balancer, "httpPath", protocol="Tcp", httpPath="/status")


@on_checked_paths
def test_m61_m62_m63_m64_paths_within_the_limits_are_kept_as_given(service_api, balancer):
    for path in ("/", "/status", "/1/2/3/4/5", "/1/2/3/4/5/", "/a?b=/1/2/3/4/5/6", "/" + "x" * 99, "/" + "健" * 99):
        assert backend_with(service_api, balancer, protocol="Http", httpPath=path)["httpPath"] == path


@on_checked_paths
def test_m62_m63_m64_paths_beyond_the_limits_are_refused_with_the_limit(service_api, balancer):
    for path, word in (("status", "/"), ("", "/"), ("/1/2/3/4/5/6", "5"), ("/" + "x" * 100, "100"), ("/" + "健" * 100, "100")):
        assert word in refused(service_api, balancer, "httpPath", protocol="Http", httpPath=path)


@on_checked_paths
def test_m60_every_choice_of_classes_codes_and_ranges_is_kept_and_others_are_refused(service_api, balancer):
    choices = [list(c) for size in (1, 2, 3) for c in itertools.combinations(["2xx", "3xx", "4xx"], size)]
    for codes in [*choices, ["200"], ["499"], ["200-499"], ["200,202-207,302,4xx"]]:
        assert backend_with(service_api, balancer, protocol="Http", httpCode=codes)["httpCode"] == codes
    for codes in ([], ["1xx"], ["5xx"], ["199"], ["500"], ["199-200"], ["299-200"], ["2XX "]):
        with pytest.raises(ApiError) as refusal:
            backend_with(service_api, balancer, protocol="Http", httpCode=codes)
        assert refusal.value.status == 400 and "httpCode" in refusal.value.body["error"]["message"]


@pytest.mark.parametrize("kind, protocol, algorithm", [("alb", "Http", "RoundRobin"), ("alb", "Tcp", "LeastConn"), ("nlb", "Tcp", "RoundRobin"),
                                                       ("dnlb", "Tcp", "IpHash"), ("dnlb", "Tcp", "QuintupleHash")])
def test_m76_m89_a_greater_weight_gets_more_and_the_members_are_shown_with_their_health(up, kind, protocol, algorithm):
    name = protocol.lower()
    weights = [1, 3, 9]
    service = up.service(up.make_targets(name), kind, protocol, weights=dict(enumerate(weights))).wait_healthy()
    up.wait_applied(service, up.api.patch("backend", service.backend, algorithm=algorithm)["revision"])
    counts, _ = up.flows(service, 2600, wave=130, delay=20, **{"from": "127.60.0.1"}, sources=2600)
    assert counts[f"{name}0"] < counts[f"{name}1"] < counts[f"{name}2"]
    members = up.api.get(f"backend/{service.backend}/health")["targets"]
    assert [(m["targetId"], m["status"], m["weight"]) for m in members] == list(zip(service.targets, ["healthy"] * 3, weights))
    assert all(m["ipAddress"] and m["port"] and m["node"] and m["since"] for m in members)

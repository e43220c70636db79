"""The mission's scenario through the official Node client: servers are registered, all three types of load balancer are made over them
with every algorithm and both kinds of target groups, clients reach the right servers, and everything goes in order and leaves nothing."""
import collections

import pytest

from harness import PATIENCE, free_port, wait_for
from sdk_client import ALGORITHMS, Network

CASES = [("alb", "Http"), ("alb", "Tcp"), ("nlb", "Tcp"), ("dnlb", "Tcp")]
names = [f"{lb_type}-{protocol}" for lb_type, protocol in CASES]


@pytest.fixture
def network(sdk):
    return Network(sdk)


def start_servers(up, network, protocol, count=3):
    """Real servers at the first addresses of the network, all on one port; that port."""
    port = free_port(network.address(0))
    for number in range(count):
        up.targets.add(f"server{number}", protocol.lower(), port, network.address(number))
    return port


def make_group(sdk, lb, instances, name="servers"):
    group = sdk.lb("createTargetGroup", targetGroupName=name, loadBalancerId=lb)["targetGroupId"]
    sdk.lb("registerTargets", targetGroupId=group, targetSpecs=[{"instanceId": i, "weight": 10} for i in instances])
    return group


def make_ip_group(sdk, lb, addresses, name="addresses"):
    group = sdk.lb("createTargetGroup", targetGroupName=name, loadBalancerId=lb, type="ip")["targetGroupId"]
    sdk.lb("registerTargets", targetGroupId=group, targetSpecs=[{"type": "ip", "ipAddress": a, "weight": 10} for a in addresses])
    return group


def make_backend(sdk, lb, protocol, port, group=None, name="servers", **more):
    groups = {"targetGroupIds": [group]} if group else {}
    check = {"protocol": "Tcp", "healthyThresholdCount": 1, "unhealthyThresholdCount": 1}
    return sdk.lb("createBackend", backendName=name, loadBalancerId=lb, protocol=protocol, port=port, healthCheckSpec=check, **groups,
                  **more)["backendId"]


def make_listener(sdk, lb, protocol, port, backend, name="front"):
    return sdk.lb("createListener", listenerName=name, loadBalancerId=lb, protocol=protocol, port=port, backendId=backend)["listenerId"]


def health(sdk, backend):
    return sdk.lb("describeTargetHealth", backendId=backend)["targetHealths"]


def wait_healthy(sdk, backend, count):
    wait_for(lambda: [t["status"] for t in health(sdk, backend)].count("healthy") == count, f"{count} healthy targets", 2 * PATIENCE)


def ask(up, protocol, vip, port):
    """The name of the server that a new client reaches; nothing when none serves it."""
    if protocol == "Http":
        status, headers, _ = up.http(vip, port)
        return headers["X-Target"] if status == 200 else ""
    return up.tcp(vip, port)[0]


def wait_served(up, protocol, vip, port):
    wait_for(lambda: ask(up, protocol, vip, port), "the first answer", 2 * PATIENCE)


def expect_servers(up, protocol, algorithm, vip, port, known):
    """Clients reach these servers and no others, as the algorithm says."""
    seen = collections.Counter(ask(up, protocol, vip, port) for _ in range(60))
    assert set(seen) <= known, seen
    if algorithm == "IpHash":
        assert len(seen) == 1, seen
    elif algorithm == "RoundRobin":
        # Each worker has turns of its own.
        assert set(seen) == known and min(seen.values()) >= 16, seen
    elif algorithm == "QuintupleHash":
        assert len(seen) > 1, seen
    else:
        assert len(seen) >= 1, seen


def expect_in_use(sdk, lb, groups, backends):
    """Nothing goes while something else needs it."""
    assert sdk.refusal("deleteLoadBalancer", loadBalancerId=lb) == (409, "CONFLICT")
    for backend in backends:
        assert sdk.refusal("deleteBackend", backendId=backend) == (409, "CONFLICT")
    for group in groups:
        assert sdk.refusal("deleteTargetGroup", targetGroupId=group) == (409, "CONFLICT")


@pytest.mark.parametrize("lb_type,protocol", CASES, ids=names)
def test_m1_m2_m3_m13_m18_m24_m27_every_algorithm_serves_and_everything_goes_in_order(sdk, up, network, lb_type, protocol):
    server_port = start_servers(up, network, protocol)
    known = {f"server{n}" for n in range(3)}
    instances = [network.instance(number) for number in range(3)]
    lb, vip = network.lb(lb_type)
    groups = [make_group(sdk, lb, instances), make_ip_group(sdk, lb, [network.address(n) for n in range(3)])]
    backends, listeners = [], []
    for number, algorithm in enumerate(ALGORITHMS[lb_type]):
        group = groups[number % 2]
        backend = make_backend(sdk, lb, protocol, server_port, group, algorithm.lower(), algorithm=algorithm)
        port = free_port(vip)
        listeners.append(make_listener(sdk, lb, protocol, port, backend, algorithm.lower()))
        backends.append(backend)
        assert sdk.lb("describeBackend", backendId=backend)["backend"]["algorithm"] == algorithm
        wait_healthy(sdk, backend, 3)
        wait_served(up, protocol, vip, port)
        expect_servers(up, protocol, algorithm, vip, port, known)
    assert {t["instanceId"] for t in health(sdk, backends[0])} == set(instances)
    assert {(t["type"], t["port"]) for t in health(sdk, backends[0])} == {("vm", server_port)}
    assert {t["type"] for t in health(sdk, backends[1])} == {"ip"}
    expect_in_use(sdk, lb, groups, backends)
    assert sdk.refusal("deleteInstance", "vm", instanceId=instances[0]) == (409, "CONFLICT")
    for listener in listeners:
        sdk.lb("deleteListener", listenerId=listener)
    for backend in backends:
        sdk.lb("deleteBackend", backendId=backend)
    for group in groups:
        sdk.lb("deleteTargetGroup", targetGroupId=group)
    sdk.lb("deleteLoadBalancer", loadBalancerId=lb)
    network.remove()
    of_type = [{"name": "loadBalancerType", "values": [lb_type]}]
    for method in ("describeLoadBalancers", "describeListeners", "describeBackends", "describeTargetGroups"):
        assert sdk.lb(method, filters=of_type)["totalCount"] == 0
    assert sdk.vm("describeInstances")["totalCount"] == 0
    assert up.api.items("lb") == up.api.items("listener") == up.api.items("backend") == up.api.items("tg") == up.api.items("table") == []


def test_m2_m4_m5_a_part_needs_what_it_stands_on(sdk, network):
    lb, _ = network.lb("alb")
    nothing = {"protocol": "Http", "port": 80}
    assert sdk.refusal("createLoadBalancer", loadBalancerName="", subnetId=network.subnet, azs=["local-1a"]) == (400, "INVALID_ARGUMENT")
    assert sdk.refusal("createLoadBalancer", loadBalancerName="a", subnetId="subnet-nosuchthin", azs=["local-1a"]) == (404, "NOT_FOUND")
    for lb_type in ("alb", "nlb"):
        for azs in ([], ["local-1a", "local-1b", "local-1c"], ["elsewhere"]):
            assert sdk.refusal("createLoadBalancer", loadBalancerName="a", subnetId=network.subnet, type=lb_type, azs=azs) == (
                400, "INVALID_ARGUMENT"), azs
    both = sdk.lb("createLoadBalancer", loadBalancerName="both", subnetId=network.subnet, azs=["local-1a", "local-1b"])["loadBalancerId"]
    shown = sdk.lb("describeLoadBalancer", loadBalancerId=both)["loadBalancer"]
    assert (shown["vpcId"], shown["subnetId"], shown["azs"]) == (network.vpc, network.subnet, ["local-1a", "local-1b"])
    assert sdk.refusal("createTargetGroup", targetGroupName="a", loadBalancerId="alb-nosuchthin") == (404, "NOT_FOUND")
    assert sdk.refusal("createListener", listenerName="a", loadBalancerId=lb, backendId="backend-nosuchthin", **nothing) == (404, "NOT_FOUND")
    check = {"protocol": "Http"}
    assert sdk.refusal("createBackend", backendName="a", loadBalancerId="alb-nosuchthin", healthCheckSpec=check, **nothing) == (404, "NOT_FOUND")
    assert sdk.refusal("createBackend", backendName="a", loadBalancerId=lb, healthCheckSpec=check, targetGroupIds=["tg-nosuchthin"],
                       **nothing) == (404, "NOT_FOUND")


def test_m12_m14_m15_a_port_is_taken_once_and_protocols_must_match(sdk, network):
    lb, _ = network.lb("alb")
    other, _ = network.lb("alb", "other")
    http, tcp = (make_backend(sdk, lb, protocol, 80, name=protocol) for protocol in ("Http", "Tcp"))
    others = make_backend(sdk, other, "Http", 80)
    make_listener(sdk, lb, "Http", 80, http)
    make_listener(sdk, other, "Http", 80, others)
    make_listener(sdk, lb, "Tcp", 81, tcp, "tcp")
    for protocol, backend in (("Http", http), ("Tcp", tcp)):
        assert sdk.refusal("createListener", listenerName="again", loadBalancerId=lb, protocol=protocol, port=80, backendId=backend) == (
            409, "ALREADY_EXISTS")
    for protocol, backend in (("Http", tcp), ("Tcp", http)):
        assert sdk.refusal("createListener", listenerName="wrong", loadBalancerId=lb, protocol=protocol, port=90, backendId=backend) == (
            400, "INVALID_ARGUMENT")
    for lb_type in ("nlb", "dnlb"):
        four, _ = network.lb(lb_type)
        backend = make_backend(sdk, four, "Tcp", 80)
        make_listener(sdk, four, "Tcp", 80, backend)
        assert sdk.refusal("createListener", listenerName="wrong", loadBalancerId=four, protocol="Http", port=81, backendId=backend) == (
            400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("lb_type,protocol", CASES, ids=names)
def test_m17_m19_m20_m21_m22_m23_settings_are_shown_and_changed_but_protocol_and_port(sdk, network, lb_type, protocol):
    lb, _ = network.lb(lb_type)
    for port in (0, 65536):
        assert sdk.refusal("createBackend", backendName="a", loadBalancerId=lb, protocol=protocol, port=port,
                           healthCheckSpec={"protocol": "Tcp"}) == (400, "INVALID_ARGUMENT")
    first = make_backend(sdk, lb, protocol, 1, name="first")
    backend = make_backend(sdk, lb, protocol, 65535, name="second", description="before")
    again = make_backend(sdk, lb, protocol, 65535, name="third")
    shown = sdk.lb("describeBackend", backendId=backend)["backend"]
    assert (shown["backendName"], shown["protocol"], shown["port"], shown["description"]) == ("second", protocol, 65535, "before")
    assert shown["healthCheck"]["protocol"] == "Tcp" and shown["loadBalancerType"] == lb_type
    check = {"protocol": "Tcp", "healthyThresholdCount": 2, "unhealthyThresholdCount": 4, "checkTimeoutSeconds": 2, "intervalSeconds": 300,
             "port": 8081}
    sdk.lb("updateBackend", backendId=backend, backendName="renamed", description="after", algorithm=ALGORITHMS[lb_type][-1],
           healthCheckSpec=check)
    after = sdk.lb("describeBackend", backendId=backend)["backend"]
    assert (after["backendName"], after["description"], after["algorithm"]) == ("renamed", "after", ALGORITHMS[lb_type][-1])
    assert (after["protocol"], after["port"]) == (protocol, 65535)
    assert check.items() <= after["healthCheck"].items()
    port = free_port(sdk.lb("describeLoadBalancer", loadBalancerId=lb)["loadBalancer"]["privateIp"]["privateIpAddress"])
    for number, one in enumerate((first, backend, backend, again)):
        make_listener(sdk, lb, protocol, port + number if port + number <= 65535 else port - number, one, f"front{number}")


def test_m25_m26_a_group_is_replaced_under_traffic_and_stays_when_its_backend_goes(sdk, up, network):
    port = start_servers(up, network, "Http", 2)
    lb, vip = network.lb("alb")
    groups = [make_group(sdk, lb, [network.instance(number)], f"g{number}") for number in range(2)]
    backend = make_backend(sdk, lb, "Http", port, groups[0])
    front = free_port(vip)
    listener = make_listener(sdk, lb, "Http", front, backend)
    wait_healthy(sdk, backend, 1)
    wait_served(up, "Http", vip, front)
    assert ask(up, "Http", vip, front) == "server0"
    sdk.lb("updateBackend", backendId=backend, targetGroupIds=[groups[1]])
    wait_for(lambda: ask(up, "Http", vip, front) == "server1", "the other group")
    sdk.lb("deleteListener", listenerId=listener)
    sdk.lb("deleteBackend", backendId=backend)
    for group in groups:
        assert len(sdk.lb("describeTargetGroup", targetGroupId=group)["targetGroup"]["targets"]) == 1
        sdk.lb("deleteTargetGroup", targetGroupId=group)


def test_m6_m7_m75_m77_targets_stand_where_their_load_balancer_may_reach_them(sdk, network):
    near, far = network.instance(0), network.instance(1, az="local-1b")
    foreign = sdk.vm("createInstances", instanceSpec={
        "name": "foreign", "az": "local-1a", "primaryNetworkInterface": {"networkInterface": {"subnetId": "subnet-default", "primaryIpAddress": "127.64.0.200"}}})["instanceIds"][0]
    for lb_type in ALGORITHMS:
        lb, _ = network.lb(lb_type)
        group = sdk.lb("createTargetGroup", targetGroupName="members", loadBalancerId=lb)["targetGroupId"]
        shown = sdk.lb("describeTargetGroup", targetGroupId=group)["targetGroup"]
        assert (shown["targetGroupName"], shown["type"]) == ("members", "instance")

        def register(instance, **more):
            sdk.lb("registerTargets", targetGroupId=group, targetSpecs=[{"instanceId": instance, **more}])

        register(near, port=8080, weight=100)
        target = sdk.lb("describeTargets", targetGroupId=group)["targets"][0]
        assert (target["port"], target["weight"], target["privateIpAddress"]) == (8080, 100, network.address(0))
        outside = {"targetGroupId": group, "targetSpecs": [{"instanceId": foreign}]}
        assert sdk.refusal("registerTargets", **outside) == (400, "FAILED_PRECONDITION")
        if lb_type == "alb":
            elsewhere = {"targetGroupId": group, "targetSpecs": [{"instanceId": far}]}
            assert sdk.refusal("registerTargets", **elsewhere) == (400, "FAILED_PRECONDITION")
        else:
            register(far)
        second_port = {"targetGroupId": group, "targetSpecs": [{"instanceId": near, "port": 8081}]}
        if lb_type == "dnlb":
            assert sdk.refusal("registerTargets", **second_port) == (400, "INVALID_ARGUMENT")
        else:
            sdk.lb("registerTargets", **second_port)
        for weight in ([0, 101] if lb_type == "dnlb" else [-1, 101]):
            assert sdk.refusal("updateTargets", targetGroupId=group, targetUpdateSpecs=[{"targetId": target["targetId"], "weight": weight}]) == (
                400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("lb_type,protocol", CASES, ids=names)
def test_m71_m72_only_running_servers_get_traffic_also_while_the_check_is_closed(sdk, up, network, lb_type, protocol):
    port = start_servers(up, network, protocol, 2)
    instances = [network.instance(number) for number in range(2)]
    lb, vip = network.lb(lb_type)
    algorithm = "QuintupleHash" if lb_type == "dnlb" else "RoundRobin"
    backend = make_backend(sdk, lb, protocol, port, make_group(sdk, lb, instances), algorithm=algorithm)
    front = free_port(vip)
    make_listener(sdk, lb, protocol, front, backend)
    wait_healthy(sdk, backend, 2)
    wait_served(up, protocol, vip, front)

    def reached(count=20):
        return {ask(up, protocol, vip, front) for _ in range(count)}

    wait_for(lambda: reached() == {"server0", "server1"}, "both servers")
    sdk.vm("stopInstance", instanceId=instances[0])
    wait_for(lambda: reached() == {"server1"}, "the running server alone")
    assert {t["instanceId"]: t["status"] for t in health(sdk, backend)}[instances[0]] == "unhealthy"
    sdk.lb("updateBackend", backendId=backend, closeHealthCheck=True)
    wait_for(lambda: {t["status"] for t in health(sdk, backend)} == {"N/A"}, "no status")
    assert reached() == {"server1"}
    sdk.vm("startInstance", instanceId=instances[0])
    wait_for(lambda: reached() == {"server0", "server1"}, "both servers again")

"""The official Node client, unmodified, makes, uses and removes whole services on the /v1 face.

The client comes from the npm registry, pinned in tests/sdk/package-lock.json. Without npm or the registry these tests
fail: who skips them does not know whether the public client still works.
"""
import collections

import pytest

from harness import PATIENCE, free_port, wait_for
from sdk_client import Refused


def make_service(sdk, up, lb_type, protocol, targets, **backend):
    """A chain through the client; returns its ids and where it answers."""
    name = f"{lb_type}-{protocol.lower()}"
    lb = sdk.lb("createLoadBalancer", loadBalancerName=name, subnetId="subnet-default", type=lb_type, azs=["local-1a"])["loadBalancerId"]
    tg = sdk.lb("createTargetGroup", targetGroupName=name, loadBalancerId=lb, type="ip")["targetGroupId"]
    sdk.lb("registerTargets", targetGroupId=tg, targetSpecs=[{"type": "ip", "ipAddress": a, "port": p} for a, p in targets])
    backend = sdk.lb("createBackend", backendName=name, loadBalancerId=lb, protocol=protocol, port=80, targetGroupIds=[tg],
                     healthCheckSpec={"protocol": protocol}, **backend)["backendId"]
    vip = sdk.lb("describeLoadBalancer", loadBalancerId=lb)["loadBalancer"]["privateIp"]["privateIpAddress"]
    port = free_port(vip)
    listener = sdk.lb("createListener", listenerName=name, protocol=protocol, port=port, backendId=backend, loadBalancerId=lb)["listenerId"]
    return {"lb": lb, "tg": tg, "backend": backend, "listener": listener, "vip": vip, "port": port}


def wait_healthy(sdk, service, count):
    wait_for(lambda: [t["status"] for t in sdk.lb("describeTargetHealth", backendId=service["backend"])["targetHealths"]].count("healthy")
             == count, f"{count} healthy targets")


def remove_in_order(sdk, service):
    sdk.lb("deleteListener", listenerId=service["listener"])
    sdk.lb("deleteBackend", backendId=service["backend"])
    sdk.lb("deleteTargetGroup", targetGroupId=service["tg"])
    sdk.lb("deleteLoadBalancer", loadBalancerId=service["lb"])


def test_an_alb_made_by_the_client_serves_and_is_removed_in_order(sdk, up):
    service = make_service(sdk, up, "alb", "Http", up.make_targets("http"))
    wait_healthy(sdk, service, 3)
    wait_for(lambda: up.http(service["vip"], service["port"])[0] == 200, "the first answer")
    seen = collections.Counter(up.http(service["vip"], service["port"])[1]["X-Target"] for _ in range(90))
    assert set(seen) == {"http0", "http1", "http2"} and min(seen.values()) >= 26, seen
    state = sdk.lb("describeLoadBalancer", loadBalancerId=service["lb"])["loadBalancer"]["state"]
    assert state["code"] == "ACTIVE", state
    assert sdk.refusal("deleteBackend", backendId=service["backend"]) == (409, "CONFLICT")
    assert sdk.refusal("deleteTargetGroup", targetGroupId=service["tg"]) == (409, "CONFLICT")
    assert sdk.refusal("deleteLoadBalancer", loadBalancerId=service["lb"]) == (409, "CONFLICT")
    remove_in_order(sdk, service)
    assert sdk.refusal("describeLoadBalancer", loadBalancerId=service["lb"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("algorithm", ["RoundRobin", "LeastConn"])
def test_an_nlb_made_by_the_client_forwards_connections(sdk, up, algorithm):
    service = make_service(sdk, up, "nlb", "Tcp", up.make_targets("tcp", 2), connectionDrainingSeconds=10, algorithm=algorithm)
    assert sdk.lb("describeBackend", backendId=service["backend"])["backend"]["algorithm"] == algorithm
    wait_healthy(sdk, service, 2)
    wait_for(lambda: up.tcp(service["vip"], service["port"])[1] == b"hello\n", "the first answer")
    assert {up.tcp(service["vip"], service["port"])[0] for _ in range(20)} == {"tcp0", "tcp1"}
    # Lists show application load balancers unless another type is asked for.
    assert sdk.lb("describeBackends")["totalCount"] == 0
    nlb = [{"name": "loadBalancerType", "values": ["nlb"]}]
    assert [b["backendId"] for b in sdk.lb("describeBackends", filters=nlb)["backends"]] == [service["backend"]]
    remove_in_order(sdk, service)


def test_a_dead_target_is_reported_and_weights_and_members_change_under_traffic(sdk, up):
    service = make_service(sdk, up, "alb", "Http", up.make_targets("http"))
    wait_healthy(sdk, service, 3)
    targets = {t["port"]: t["targetId"] for t in sdk.lb("describeTargets", targetGroupId=service["tg"])["targets"]}
    ports = [port for _, port in up.targets_again()]
    sdk.lb("updateBackend", backendId=service["backend"], healthCheckSpec={"protocol": "Tcp", "unhealthyThresholdCount": 1})
    up.targets.kill("http0")
    wait_for(lambda: {"CONNECT_FAILED"} == {t["unhealthReason"]["reason"] for t in
                                            sdk.lb("describeTargetHealth", backendId=service["backend"])["targetHealths"]
                                            if t["status"] == "unhealthy"}, "the dead target with its reason", 2 * PATIENCE)
    sdk.lb("updateTargets", targetGroupId=service["tg"], targetUpdateSpecs=[{"targetId": targets[ports[1]], "weight": 0}])
    wait_for(lambda: {up.http(service["vip"], service["port"])[1]["X-Target"] for _ in range(10)} == {"http2"}, "one target")
    sdk.lb("deRegisterTargets", targetGroupId=service["tg"], targetIds=[targets[ports[0]]])
    assert sdk.lb("describeTargets", targetGroupId=service["tg"])["totalCount"] == 2
    remove_in_order(sdk, service)


def test_subnets_and_vpcs_are_made_and_removed_by_the_client(sdk):
    vpc = sdk.call("vpc", "createVpc", vpcName="own", addressPrefix="10.9.0.0/16")["vpcId"]
    subnet = sdk.call("vpc", "createSubnet", vpcId=vpc, subnetName="own", addressPrefix="10.9.1.0/24")["subnetId"]
    assert sdk.call("vpc", "describeSubnet", subnetId=subnet)["subnet"]["availableIpCount"] == 252
    sdk.vpc("modifyVpc", vpcId=vpc, vpcName="renamed", description="ours")
    sdk.vpc("modifySubnet", subnetId=subnet, subnetName="slice")
    shown = sdk.vpc("describeVpc", vpcId=vpc)["vpc"]
    assert (shown["vpcName"], shown["description"], shown["addressPrefix"]) == ("renamed", "ours", "10.9.0.0/16")
    assert shown["subnets"] == [{"subnetId": subnet, "subnetName": "slice"}]

    def found(method, key, **filters):
        listed = sdk.vpc(method, filters=[{"name": name, "values": [value]} for name, value in filters.items()])
        return [one[key] for one in listed[key[:-2] + "s"]]

    assert found("describeVpcs", "vpcId", vpcNames="renamed", azType="standard") == [vpc]
    assert found("describeVpcs", "vpcId", vpcIds=vpc, azType="edge") == []
    assert found("describeSubnets", "subnetId", vpcId=vpc, subnetNames="slice") == [subnet]
    assert found("describeSubnets", "subnetId", subnetIds=subnet, subnetType="all") == [subnet]
    with pytest.raises(Refused):
        sdk.call("vpc", "deleteVpc", vpcId=vpc)
    sdk.call("vpc", "deleteSubnet", subnetId=subnet)
    sdk.call("vpc", "deleteVpc", vpcId=vpc)


def test_names_filters_and_pages_come_through_in_any_script(sdk):
    lb = sdk.lb("createLoadBalancer", loadBalancerName="测试", subnetId="subnet-default", azs=["local-1a"])["loadBalancerId"]
    for index in range(11):
        sdk.lb("createTargetGroup", targetGroupName=f"g{index}", loadBalancerId=lb, type="ip")
    like = [{"name": "loadBalancerNames", "operator": "like", "values": ["测"]}]
    assert [b["loadBalancerId"] for b in sdk.lb("describeLoadBalancers", filters=like)["loadBalancers"]] == [lb]
    page = sdk.lb("describeTargetGroups", pageNumber=2, pageSize=10)
    assert (len(page["targetGroups"]), page["totalCount"]) == (1, 11)
    assert sdk.refusal("createTargetGroup", targetGroupName="g0", loadBalancerId=lb, type="ip") == (409, "ALREADY_EXISTS")

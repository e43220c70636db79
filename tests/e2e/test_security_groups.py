"""Security groups by packets: who is let in, which targets are reached, and what a change of rules does to connections."""
import contextlib
import json
import re
import socket
import urllib.request

from harness import in_namespace, ip, wait_for


def clients(cluster, count=2):
    """Addresses that clients of this cluster can have."""
    if cluster.client_namespace is None:
        return [f"127.31.0.{i + 1}" for i in range(count)]
    addresses = [f"10.77.3.{i + 1}" for i in range(count)]
    for address in addresses:
        ip("-n", cluster.client_namespace, "addr", "add", f"{address}/32", "dev", "eth0")
    return addresses


def vpc_of(cluster):
    return cluster.api.get("subnet/" + cluster.subnet_id())["spec"]["vpcId"]


def make_group(cluster, *rules, name="web"):
    """A group with these rules alone: (direction, prefix) or (direction, prefix, more)."""
    made = [{"direction": direction, "protocol": "TCP", "addressPrefix": prefix, **(more[0] if more else {})}
            for direction, prefix, *more in rules]
    return cluster.api.create("securityGroup", name, vpcId=vpc_of(cluster), rules=made)["id"]


def connect(cluster, service, source):
    with in_namespace(cluster.client_namespace):
        return socket.create_connection((service.vip, service.port), 10, source_address=(source, 0))


def is_served(cluster, service, source):
    """True when the client gets an answer, False when it is reset without a byte."""
    try:
        with connect(cluster, service, source) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


def denied(cluster, service):
    """How many clients a node's metrics say were refused."""
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.ops_port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    label = re.compile(rf'^weir_listener_failures_total{{listener="{service.listener}",reason="denied"}} (\S+)$', re.M)
    return sum(float(value) for value in label.findall(text))


def test_m8_who_no_rule_lets_in_is_refused_and_others_are_served(cluster):
    good, bad = clients(cluster)
    group = make_group(cluster, ("in", f"{good}/32"), ("out", "0.0.0.0/0"))
    service = cluster.service(cluster.make_targets(count=1), securityGroupIds=[group])
    service.wait_healthy(answers=False)
    wait_for(lambda: is_served(cluster, service, good), "the client that is let in")
    for _ in range(5):
        assert not is_served(cluster, service, bad)
        assert is_served(cluster, service, good)
    answer = cluster.api.get(f"explain?listener={service.listener}&client={bad}")
    for node in answer["nodes"]:
        assert f"no rule of security group {group} allows TCP from {bad}" in node["reason"]


def test_m8_without_a_group_everybody_is_served(cluster):
    good, bad = clients(cluster)
    service = cluster.service(cluster.make_targets(count=1)).wait_healthy()
    assert is_served(cluster, service, good) and is_served(cluster, service, bad)
    status = cluster.api.get(f"lb/{service.lb}")["status"]
    assert status["securityGroupIds"] == ["sg-" + vpc_of(cluster)[4:]]


def test_m8_a_change_of_rules_holds_for_new_connections_and_breaks_none(cluster):
    good, other = clients(cluster)
    group = make_group(cluster, ("in", f"{good}/32"), ("in", f"{other}/32"), ("out", "0.0.0.0/0"))
    service = cluster.service(cluster.make_targets("tcp", 1), protocol="Tcp", securityGroupIds=[group])
    service.wait_healthy(answers=False)

    def talk(stream, text):
        stream.write(text)
        stream.flush()
        return stream.readline()

    def reaches(source):
        try:
            with connect(cluster, service, source) as connection:
                return connection.recv(100) != b""
        except ConnectionError:
            return False

    wait_for(lambda: reaches(good) and reaches(other), "both clients")
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(connect(cluster, service, other))
        stream = stack.enter_context(held.makefile("rwb"))
        assert talk(stream, b"one\n").startswith(b"tcp")  # the greeting names the server
        assert stream.readline() == b"one\n"
        rule = next(r for r in cluster.api.items("securityGroupRule", f"?securityGroupId={group}")
                    if r["spec"]["addressPrefix"] == f"{other}/32")
        cluster.api.delete("securityGroupRule", rule["id"])
        wait_for(lambda: not reaches(other), "the rule to be gone")
        assert reaches(good)
        assert talk(stream, b"two\n") == b"two\n", "who was let in stays"
        cluster.api.create("securityGroupRule", None, securityGroupId=group, direction="in", protocol="TCP", addressPrefix=f"{other}/32")
        wait_for(lambda: reaches(other), "the rule to be back")


def test_m8_a_target_that_outbound_rules_forbid_is_unhealthy_and_the_detail_names_group_and_rule(cluster):
    targets = cluster.make_targets(count=2)
    group = make_group(cluster, ("in", "0.0.0.0/0"), ("out", "0.0.0.0/0", {"priority": 50}))
    service = cluster.service(targets, securityGroupIds=[group], check={"protocol": "Tcp", "healthyThresholdCount": 1})
    service.wait_healthy(2)
    rule = cluster.api.create("securityGroupRule", None, securityGroupId=group, direction="out", protocol="TCP",
                              addressPrefix=f"{targets[0][0]}/32", ruleAction="DENY")["id"]

    def health():
        return {t["ipAddress"]: t for t in cluster.api.get(f"backend/{service.backend}/health")["targets"]}

    def is_denied():
        found = health()[targets[0][0]]
        return found["status"] == "unhealthy" and found
    found = wait_for(is_denied, "the forbidden target to be unhealthy")
    assert found["reason"] == "CONNECT_FAILED"
    assert group in found["detail"] and rule in found["detail"]

    def reached():
        return {cluster.http(service.vip, service.port)[2].split()[0] for _ in range(10)}
    wait_for(lambda: reached() == {"http1"}, "the allowed target alone")
    for node in cluster.api.get(f"explain?listener={service.listener}&client={clients(cluster, 1)[0]}")["nodes"]:
        excluded = {t["address"]: t["excluded"] for t in node["targets"]}
        assert rule in excluded[targets[0][0]] and "CONNECT_FAILED" in excluded[targets[0][0]]
        assert excluded[targets[1][0]] == ""
    cluster.api.delete("securityGroupRule", rule)
    wait_for(lambda: reached() == {"http0", "http1"}, "both targets again")


def test_m8_the_rules_outlive_a_control_that_is_gone(apart):
    good, bad = clients(apart)
    group = make_group(apart, ("in", f"{good}/32"), ("out", "0.0.0.0/0"))
    service = apart.service(apart.make_targets(count=1), securityGroupIds=[group])
    service.wait_healthy(answers=False)
    wait_for(lambda: is_served(apart, service, good), "the client that is let in")
    apart.control.kill()
    apart.node.kill()
    apart.start_node(wait=False)
    wait_for(lambda: is_served(apart, service, good), "the node to start from its replica")
    assert not is_served(apart, service, bad)
    assert wait_for(lambda: denied(apart, service), "the count of refused clients") == 1


def test_the_command_line_makes_groups_and_changes_rules(up):
    up.cli("create", "securityGroup", "web", "--vpc-id", "vpc-default")
    made = json.loads(up.cli("create", "sgrule", "--security-group-id", "web", "--direction", "in", "--protocol", "TCP", "--address-prefix",
                             "127.31.0.0/24", "--from-port", "80", "--to-port", "90", "-o", "json").stdout)
    table = up.cli("get", "sgrules", "--security-group-id", "web").stdout
    assert made["id"] in table and "127.31.0.0/24" in table
    changed = up.cli("update", "sgrule", made["id"], "--rule-action", "DENY", "--to-port", "95").stdout
    assert "DENY" in changed and "95" in changed
    up.cli("create", "lb", "front", "--subnet", "subnet-default", "--azs", "local-1a", "--security-group-ids", "web")
    refused = up.cli("delete", "sg", "web", check=False)
    assert refused.returncode != 0 and "is in use by load balancer" in refused.stderr
    wrong = up.cli("update", "sgrule", made["id"], "--to-port", "70", check=False)
    assert wrong.returncode != 0 and "spec.toPort" in wrong.stderr
    up.cli("update", "lb", "front", "--security-group-ids", "default")
    up.cli("delete", "sgrule", made["id"])
    up.cli("delete", "sg", "web")
    assert [group["name"] for group in up.api.items("securityGroup")] == ["default"]


def test_m8_the_public_client_makes_groups_and_gives_them_to_load_balancers(sdk, up):
    good, bad = clients(up)
    service = up.service(up.make_targets(count=1)).wait_healthy()
    group = sdk.vpc("createNetworkSecurityGroup", vpcId="vpc-default", networkSecurityGroupName="web")["networkSecurityGroupId"]
    sdk.vpc("addNetworkSecurityGroupRules", networkSecurityGroupId=group, networkSecurityGroupRuleSpecs=[
        {"protocol": 6, "direction": 0, "addressPrefix": f"{good}/32"}, {"protocol": 300, "direction": 1, "addressPrefix": "0.0.0.0/0"}])
    sdk.lb("associateSecurityGroup", loadBalancerId=service.lb, securityGroupIds=[group])
    assert is_served(up, service, bad), "the default group still opens everything"
    sdk.lb("disassociateSecurityGroup", loadBalancerId=service.lb, securityGroupIds=["sg-default"])
    wait_for(lambda: not is_served(up, service, bad), "the group to decide")
    assert is_served(up, service, good)
    rules = sdk.vpc("describeNetworkSecurityGroup", networkSecurityGroupId=group)["networkSecurityGroup"]["securityGroupRules"]
    rule = next(r for r in rules if r["addressPrefix"] == f"{good}/32")
    sdk.vpc("modifyNetworkSecurityGroupRules", networkSecurityGroupId=group,
            modifySecurityGroupRuleSpecs=[{"ruleId": rule["ruleId"], "addressPrefix": "127.31.0.0/24"}])
    wait_for(lambda: is_served(up, service, bad), "the rule that was changed")
    assert sdk.refusal("deleteNetworkSecurityGroup", service="vpc", networkSecurityGroupId=group) == (409, "CONFLICT")
    sdk.vpc("removeNetworkSecurityGroupRules", networkSecurityGroupId=group, ruleIds=[rule["ruleId"]])
    wait_for(lambda: not is_served(up, service, good), "nobody to be let in")
    listed = sdk.vpc("describeNetworkSecurityGroups", filters=[{"name": "networkSecurityGroupIds", "values": [group]}])
    assert [g["networkSecurityGroupId"] for g in listed["networkSecurityGroups"]] == [group]
    service.delete()
    sdk.vpc("modifyNetworkSecurityGroup", networkSecurityGroupId=group, networkSecurityGroupName="other")
    sdk.vpc("deleteNetworkSecurityGroup", networkSecurityGroupId=group)

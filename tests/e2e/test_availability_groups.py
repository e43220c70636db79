"""Availability groups, proved with packets: instances registered into a group join the traffic of every backend service that names it, with equal
shares on the port of the backend service, and leave it when they go."""
import collections
import contextlib
import socket

import pytest

from harness import ApiError, Service, free_port, in_namespace, wait_for
from sdk_client import Network

CHECK = {"protocol": "Tcp", "healthyThresholdCount": 1, "unhealthyThresholdCount": 1}


class Members:
    """Servers that follow one another by address, all on one port, and the subnet they stand in."""

    def __init__(self, cluster, protocol="tcp"):
        self.cluster, self.protocol = cluster, protocol
        if hasattr(cluster, "network"):
            self.addresses = [cluster.network.addresses[f"t{i}"] for i in range(3)]
            self.port = 9000 if protocol == "http" else 9001
            cluster.make_targets(protocol, 3)
            self.subnet = next(s["id"] for s in cluster.api.items("subnet") if s["name"] == "servers")
            return
        self.addresses = [f"127.90.1.{10 + i}" for i in range(6)]
        self.port = free_port(self.addresses[0])
        self.subnet = cluster.api.create("subnet", "servers", vpcId="vpc-default", addressPrefix="127.90.1.0/24")["id"]

    def start(self, *numbers):
        """The servers with these numbers, named tcp0 and so on; where they run already, nothing."""
        if not hasattr(self.cluster, "network"):
            for number in numbers:
                self.cluster.targets.add(f"{self.protocol}{number}", self.protocol, self.port, self.addresses[number])

    def register(self, group, number, count=1, **more):
        """The ids of `count` instances from this number on, by one call."""
        spec = {"subnetId": self.subnet, "az": "local-1a", "agId": group, "ipAddress": self.addresses[number], **more}
        made = self.cluster.api.call("POST", f"instance?count={count}", {"name": f"web-[{number}]", "spec": spec})
        return [one["id"] for one in made["items"]]


def serve(cluster, group, port, lb_type="nlb", azs=("local-1a",), protocol="Tcp", **backend):
    """A load balancer whose backend service names the group."""
    cluster.serial += 1
    api, name = cluster.api, f"g{cluster.serial}"
    lb = api.create("lb", name, type=lb_type, subnetId=cluster.subnet_id(), azs=list(azs))
    made = api.create("backend", name, loadBalancerId=lb["id"], protocol=protocol, port=port, agIds=[group] if group else [],
                      healthCheck=CHECK, **backend)
    listener = api.create("listener", name, loadBalancerId=lb["id"], protocol=protocol, port=cluster.pick_port(lb["admin"]["vip"]),
                          backendId=made["id"])
    cluster.lb_created(lb)
    return Service(cluster, lb, {"id": ""}, [], made, listener)


def reached(service, count=24):
    return {service.cluster.tcp(service.vip, service.port)[0] for _ in range(count)}


def wait_reached(service, names, what):
    wait_for(lambda: reached(service) == set(names), what)


class Held:
    """A long connection to a TCP server, which says its name first."""

    def __init__(self, service, stack):
        with in_namespace(service.cluster.client_namespace):
            connection = stack.enter_context(socket.create_connection((service.vip, service.port), 10))
        self.stream = stack.enter_context(connection.makefile("rwb"))
        self.say()
        self.name = self.stream.readline().decode().strip()
        assert self.stream.readline() == b"hello\n"

    def say(self):
        self.stream.write(b"hello\n")
        self.stream.flush()

    def answers(self):
        self.say()
        return self.stream.readline() == b"hello\n"


def test_m79_m81_members_join_and_leave_the_traffic_of_two_load_balancers_and_no_connection_breaks(cluster):
    members = Members(cluster)
    group = cluster.api.create("ag", "members", azs=["local-1a"])["id"]
    members.start(0, 1)
    first = members.register(group, 0, count=2)
    services = [serve(cluster, group, members.port, "nlb"), serve(cluster, group, members.port, "alb")]
    for service in services:
        service.wait_healthy(2)
        wait_reached(service, ["tcp0", "tcp1"], "both members")
    members.start(2)
    members.register(group, 2)
    for service in services:
        service.wait_healthy(3)
        wait_reached(service, ["tcp0", "tcp1", "tcp2"], "the member that joined")
        shares = collections.Counter(cluster.tcp(service.vip, service.port)[0] for _ in range(90))
        assert max(shares.values()) - min(shares.values()) <= 4, shares
    with contextlib.ExitStack() as stack:
        held = [Held(service, stack) for service in services for _ in range(9)]
        assert {connection.name for connection in held} == {"tcp0", "tcp1", "tcp2"}
        cluster.api.patch("instance", first[0], agId="")
        for service in services:
            wait_reached(service, ["tcp1", "tcp2"], "those that stay")
        cluster.api.delete("instance", first[1])
        for service in services:
            wait_reached(service, ["tcp2"], "the last one")
        assert all(connection.answers() for connection in held), "who left goes on with what it has"
    with pytest.raises(ApiError, match="cannot be set on an instance that exists"):
        cluster.api.patch("instance", first[0], agId=group)


def test_m72_m81_a_stopped_member_takes_nothing_new_until_it_runs_again(up):
    members = Members(up)
    group = up.api.create("ag", "members", azs=["local-1a"])["id"]
    members.start(0, 1)
    first, _ = members.register(group, 0, count=2)
    service = serve(up, group, members.port).wait_healthy(2)
    wait_reached(service, ["tcp0", "tcp1"], "both")
    up.api.call("PATCH", f"instance/{first}", {"admin": {"state": "stopped"}})
    wait_reached(service, ["tcp1"], "the one that runs")
    assert up.api.get(f"ag/{group}")["status"]["running"] == 1
    up.api.call("PATCH", f"instance/{first}", {"admin": {"state": "running"}})
    wait_reached(service, ["tcp0", "tcp1"], "both again")


def test_m78_m82_members_stand_in_two_zones_and_several_racks_and_all_of_them_serve(up):
    members = Members(up)
    group = up.api.create("ag", "members", azs=["local-1a", "local-1b"])["id"]
    members.start(0, 1, 2, 3)
    for number, (az, rack) in enumerate([("local-1a", 1), ("local-1a", 2), ("local-1b", 1), ("local-1b", 5)]):
        members.register(group, number, az=az, faultDomain=rack)
    for lb_type, azs, algorithm in (("nlb", ["local-1a"], "RoundRobin"), ("alb", ["local-1a", "local-1b"], "RoundRobin"),
                                    ("dnlb", [], "QuintupleHash")):
        service = serve(up, group, members.port, lb_type, azs, algorithm=algorithm).wait_healthy(4)
        wait_reached(service, [f"tcp{i}" for i in range(4)], f"all members behind an {lb_type}")
    with pytest.raises(ApiError, match="the load balancer is in AZ local-1a only"):
        serve(up, group, members.port, "alb")


def test_m79_shares_of_members_are_equal_by_turns_and_by_hash(up):
    members = Members(up)
    group = up.api.create("ag", "members", azs=["local-1a"])["id"]
    members.start(0, 1, 2)
    members.register(group, 0, count=3)
    for lb_type, algorithm in (("nlb", "RoundRobin"), ("dnlb", "QuintupleHash")):
        service = serve(up, group, members.port, lb_type, algorithm=algorithm).wait_healthy(3)
        shares, _ = up.flows(service, 3000)
        assert set(shares) == {"tcp0", "tcp1", "tcp2"}
        for name, count in shares.items():
            assert abs(count - 1000) <= (120 if algorithm == "QuintupleHash" else 30), (algorithm, name, shares)


def test_m25_a_target_group_and_an_availability_group_take_each_others_place_and_no_request_fails(up):
    members = Members(up, "http")
    members.start(0, 1, 2)
    service = up.service([(members.addresses[0], members.port)], check=CHECK).wait_healthy(1)
    group = up.api.create("ag", "members", azs=["local-1a"])["id"]
    backend = up.api.create("backend", "members", loadBalancerId=service.lb, protocol="Http", port=members.port, targetGroupIds=[service.tg],
                            healthCheck=CHECK)["id"]
    up.api.patch("listener", service.listener, backendId=backend)
    members.register(group, 1, count=2)
    wait_for(lambda: list(up.health(backend).values()) == ["healthy"], "the first group")
    wait_for(service.answers, "the first answer")
    load = up.load("--http", service.endpoint, "--workers", 4, "--rate", 400, "--seconds", 0)

    def names():
        return {up.http(service.vip, service.port)[1]["X-Target"] for _ in range(8)}

    for _ in range(3):
        up.api.patch("backend", backend, agIds=[group])
        wait_for(lambda: names() == {"http1", "http2"}, "the members of the availability group")
        up.api.patch("backend", backend, targetGroupIds=[service.tg])
        wait_for(lambda: names() == {"http0"}, "the target of the target group")
    report = load.finish()
    assert report["failed"] == 0, report


def test_m32_members_behind_a_hash_keep_their_clients_while_others_come_and_go(up):
    members = Members(up)
    group = up.api.create("ag", "members", azs=["local-1a"])["id"]
    members.start(0, 1, 2, 3)
    members.register(group, 0, count=3)
    service = serve(up, group, members.port, "dnlb", algorithm="IpHash").wait_healthy(3)

    def homes():
        _, flows = up.flows(service, 60, **{"from": "127.1.0.1"}, sources=60, flows=1)
        return {client.split(":")[0]: name for client, name in flows}

    before = homes()
    assert set(before.values()) == {"tcp0", "tcp1", "tcp2"}
    newcomer, = members.register(group, 3)
    service.wait_healthy(4)
    wait_for(lambda: "tcp3" in homes().values(), "the newcomer's share")
    joined = homes()
    assert {home for client, home in joined.items() if home != before[client]} == {"tcp3"}
    up.api.delete("instance", newcomer)
    wait_for(lambda: "tcp3" not in homes().values(), "nobody at who has gone")
    assert all(home == before[client] for client, home in homes().items() if joined[client] != "tcp3"), "nobody else moved"


def test_the_command_line_makes_groups_and_registers_batches(up):
    members = Members(up)
    up.cli("create", "ag", "members", "--azs", "local-1a,local-1b", "--description", "web servers")
    made = up.cli("create", "instance", "web-[08]", "--subnet", "servers", "--az", "local-1a", "--ip-address", members.addresses[0], "--ag",
                  "members", "--count", "3").stdout
    for text in ("web-08", "web-09", "web-10", members.addresses[2]):
        assert text in made
    row = next(line for line in up.cli("get", "ag").stdout.splitlines() if "members" in line).split()
    assert row[3:6] == ["3", "3", "vpc-default"]
    up.cli("create", "lb", "front", "--type", "nlb", "--subnet", "servers", "--azs", "local-1a")
    up.cli("create", "backend", "web", "--lb", "front", "--protocol", "Tcp", "--port", "80", "--ag", "members", "--health-check-protocol", "Tcp")
    assert up.cli("health", "web").stdout.count("127.90.1.") == 3
    up.cli("update", "instance", "web-08", "--ag", "")
    assert members.addresses[0] not in up.cli("get", "instance", "--ag", "members").stdout
    refused = up.cli("delete", "ag", "members", check=False)
    assert refused.returncode == 4 and "is in use by instance" in refused.stderr and "is in use by backend service" in refused.stderr


def test_members_and_their_groups_outlive_a_restart_of_control(apart):
    members = Members(apart)
    group = apart.api.create("ag", "members", azs=["local-1a"])["id"]
    members.start(0, 1)
    members.register(group, 0, count=2)
    service = serve(apart, group, members.port).wait_healthy(2)
    slots = apart.api.get(f"ag/{group}")["admin"]["slots"]
    apart.control.stop()
    wait_reached(service, ["tcp0", "tcp1"], "both while control is away")
    apart.start_control()
    assert apart.api.get(f"ag/{group}")["admin"]["slots"] == slots
    members.start(2)
    members.register(group, 2)
    wait_reached(service, ["tcp0", "tcp1", "tcp2"], "the member that joined after it")


@pytest.fixture
def network(sdk):
    return Network(sdk)


def test_m24_m78_m80_m81_the_official_client_makes_groups_batches_and_backends_over_them(sdk, network):
    ag = sdk.ag("createAg", agName="members", azs=["local-1a"], agType="vm")["agId"]
    interface = {"networkInterface": {"subnetId": network.subnet, "primaryIpAddress": network.address(0)}}
    ids = sdk.vm("createInstances", maxCount=3, instanceSpec={"name": "web-[7]", "az": "local-1a", "agId": ag, "primaryNetworkInterface": interface})
    ids = ids["instanceIds"]
    assert len(ids) == 3
    shown = sdk.ag("describeAg", agId=ag)["ag"]
    assert (shown["id"], shown["name"], shown["count"], shown["agType"], shown["azs"]) == (ag, "members", 3, "vm", ["local-1a"])
    listed = sdk.vm("describeInstances", filters=[{"name": "agId", "values": [ag]}])
    assert [one["instanceName"] for one in sorted(listed["instances"], key=lambda one: one["privateIpAddress"])] == ["web-7", "web-8", "web-9"]
    assert all(one["ag"] == {"id": ag, "name": "members"} and one["faultDomain"] in "12345" for one in listed["instances"])
    assert sdk.ag("describeAgs", filters=[{"name": "agName", "values": ["emb"]}])["totalCount"] == 1
    for lb_type in ("alb", "nlb", "dnlb"):
        lb, _ = network.lb(lb_type)
        backend = sdk.lb("createBackend", backendName="web", loadBalancerId=lb, protocol="Tcp", port=80, healthCheckSpec={"protocol": "Tcp"},
                         agIds=[ag])["backendId"]
        assert sdk.lb("describeBackend", backendId=backend)["backend"]["agIds"] == [ag]
        health = sdk.lb("describeTargetHealth", backendId=backend)["targetHealths"]
        assert sorted(one["instanceId"] for one in health) == sorted(ids)
        assert all((one["agId"], one["weight"], one["port"]) == (ag, 10, 80) for one in health)
    far = sdk.ag("createAg", agName="far", azs=["local-1b"])["agId"]
    alb = sdk.lb("describeLoadBalancers")["loadBalancers"][0]["loadBalancerId"]
    nothing = {"loadBalancerId": alb, "protocol": "Tcp", "port": 80, "healthCheckSpec": {"protocol": "Tcp"}}
    assert sdk.refusal("createBackend", backendName="far", agIds=[far], **nothing) == (400, "FAILED_PRECONDITION")
    free = {"networkInterface": {"subnetId": network.subnet, "primaryIpAddress": network.address(9)}}
    elsewhere = {"name": "far", "az": "local-1b", "agId": ag, "primaryNetworkInterface": free}
    assert sdk.refusal("createInstances", service="vm", instanceSpec=elsewhere) == (400, "FAILED_PRECONDITION")
    assert sdk.refusal("setInstanceTemplate", service="ag", agId=ag, instanceTemplateId="it-1") == (400, "INVALID_ARGUMENT")
    sdk.ag("updateAg", agId=far, name="renamed", description="after")
    assert sdk.ag("describeAg", agId=far)["ag"]["name"] == "renamed"
    sdk.ag("abandonInstances", agId=ag, instanceIds=ids[:1])
    assert sdk.ag("describeAg", agId=ag)["ag"]["count"] == 2
    assert sdk.refusal("deleteAg", service="ag", agId=ag) == (409, "CONFLICT")
    sdk.ag("deleteAg", agId=far)

"""Elastic IPs with packets: a load balancer answers there while it has one, and no connection notices the change."""
import contextlib
import socket

import pytest

from harness import PROGRAM, ApiError, Namespaced, Process, has_address, in_namespace, wait_for

KINDS = [("alb", "Http"), ("alb", "Tcp"), ("nlb", "Tcp"), ("dnlb", "Tcp")]


def allocate(cluster, name="public"):
    """A new elastic IP: (id, address)."""
    made = cluster.api.create("eip", name, bandwidthMbps=5, provider="bgp")
    return made["id"], made["admin"]["address"]


def bind(cluster, service, elastic_ip):
    cluster.wait_applied(service, cluster.api.patch("lb", service.lb, elasticIpId=elastic_ip)["revision"])


def is_refused(cluster, address, port):
    with in_namespace(cluster.client_namespace):
        try:
            socket.create_connection((address, port), 2).close()
        except (ConnectionError, TimeoutError, OSError):
            return True
    return False


class Held:
    """A connection that lasts; `works` says something on it and hears the answer."""

    def __init__(self, cluster, service, address, stack):
        self.service = service
        with in_namespace(cluster.client_namespace):
            self.connection = stack.enter_context(socket.create_connection((address, service.port), 10))
        self.stream = stack.enter_context(self.connection.makefile("rwb"))
        if service.protocol == "Tcp":
            self.stream.write(b"hello\n")
            self.stream.flush()
            self.target = self.stream.readline().decode().strip()
            assert self.stream.readline() == b"hello\n"
        assert self.works()

    def works(self):
        if self.service.protocol == "Tcp":
            self.stream.write(b"again\n")
            self.stream.flush()
            return self.stream.readline() == b"again\n"
        self.stream.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.stream.flush()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.stream.readline()
            assert line, "the connection ended"
            head += line
        length = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")))
        return head.startswith(b"HTTP/1.1 200") and len(self.stream.read(length)) == length


def serve(cluster, kind, protocol):
    word = protocol.lower()
    places = cluster.make_targets(word, 2) if not cluster.targets.processes else cluster.targets_again()
    return cluster.service(places, lb_type=kind, protocol=protocol).wait_healthy()


def answers(cluster, service, address):
    if service.protocol == "Http":
        return cluster.http(address, service.port, timeout=2)[0] == 200
    return cluster.tcp(address, service.port)[1] == b"hello\n"


@pytest.mark.parametrize(("kind", "protocol"), KINDS)
def test_m9_m10_it_answers_on_the_elastic_ip_only_while_it_has_it_and_nothing_breaks(up, kind, protocol):
    service = serve(up, kind, protocol)
    elastic_ip, address = allocate(up)
    assert is_refused(up, address, service.port), "an intranet load balancer"
    with contextlib.ExitStack() as stack:
        inside = Held(up, service, service.vip, stack)
        bind(up, service, elastic_ip)
        wait_for(lambda: answers(up, service, address), "the elastic IP to answer")
        assert inside.works()
        outside = Held(up, service, address, stack)
        shown = up.api.get(f"eip/{elastic_ip}")
        assert shown["status"]["state"] == "ASSOCIATED" and shown["admin"]["loadBalancerId"] == service.lb
        wait_for(lambda: [n["state"] for n in up.api.get(f"eip/{elastic_ip}")["status"]["nodes"]] == ["held"], "the node to hold it")
        assert up.api.get(f"lb/{service.lb}")["admin"]["elasticIpAddress"] == address
        bind(up, service, "")
        wait_for(lambda: is_refused(up, address, service.port), "new connections to be refused")
        assert outside.works() and inside.works(), "established ones run on"
        assert answers(up, service, service.vip)
        bind(up, service, elastic_ip)
        wait_for(lambda: answers(up, service, address), "the elastic IP to answer again")
        assert outside.works() and inside.works()


def test_m10_it_outlives_its_load_balancer_and_serves_another(up):
    elastic_ip, address = allocate(up)
    for kind in ("alb", "nlb"):
        service = serve(up, kind, "Tcp")
        bind(up, service, elastic_ip)
        wait_for(lambda: answers(up, service, address), "the elastic IP to answer")
        with pytest.raises(ApiError) as error:
            up.api.delete("eip", elastic_ip)
        assert error.value.body["error"]["status"] == "FAILED_PRECONDITION"
        up.api.call("DELETE", f"lb/{service.lb}?cascade=true")
        assert up.api.get(f"eip/{elastic_ip}")["status"]["state"] == "NOT_ASSOCIATED"
        wait_for(lambda: is_refused(up, address, service.port), "nobody to answer there")
    up.api.delete("eip", elastic_ip)
    assert up.api.items("eip") == []


def test_m9_no_request_fails_while_the_elastic_ip_comes_and_goes(up):
    service = serve(up, "alb", "Http")
    elastic_ip, address = allocate(up)
    load = up.load("--http", service.endpoint, "--workers", 8, "--rate", 400, "--fresh", 50, "--long-http", 10)
    for _ in range(10):
        bind(up, service, elastic_ip)
        wait_for(lambda: answers(up, service, address), "the elastic IP to answer")
        bind(up, service, "")
        wait_for(lambda: is_refused(up, address, service.port), "new connections to be refused")
    report = load.finish()
    assert report["failed"] == 0 and report["reopened"] == 0 and report["succeeded"] > 100, report
    assert report["long"]["alive"] == 10, report


def test_m9_what_explain_names_is_where_clients_of_the_elastic_ip_land(up):
    service = serve(up, "dnlb", "Tcp")
    elastic_ip, address = allocate(up)
    bind(up, service, elastic_ip)
    wait_for(lambda: answers(up, service, address), "the elastic IP to answer")
    for algorithm in ("IpHash", "QuintupleHash"):
        up.choose(service, algorithm)
        landed = {}
        for _ in range(30):
            with socket.create_connection((address, service.port), 10) as connection, connection.makefile("rb") as stream:
                host, port = connection.getsockname()
                landed[f"{host}:{port}"] = stream.readline().decode().strip()
        query = "".join(f"&client={client}" for client in landed)
        node, = up.api.get(f"explain?listener={service.listener}{query}")["nodes"]
        name = {id: f"tcp{i}" for i, id in enumerate(service.targets)}
        assert {one["client"]: name[one["picked"]] for one in node["clients"]} == landed


def test_m9_the_vip_is_what_targets_are_told(up):
    service = serve(up, "alb", "Http")
    elastic_ip, address = allocate(up)
    up.change(service, "backend", service.backend, httpForwardedVip=True)
    bind(up, service, elastic_ip)
    wait_for(lambda: answers(up, service, address), "the elastic IP to answer")
    text = up.http(address, service.port, "/head")[2]
    assert service.vip in text and address not in text.replace(f"Host: {address}", ""), text


def test_m9_m10_the_command_line_binds_by_name(up):
    service = serve(up, "nlb", "Tcp")
    up.cli("create", "eip", "front-door", "--bandwidth-mbps", "5", "--provider", "bgp")
    address = up.api.items("eip")[0]["admin"]["address"]
    name = up.api.get(f"lb/{service.lb}")["name"]
    assert address in up.cli("update", "lb", name, "--eip", "front-door").stdout
    wait_for(lambda: answers(up, service, address), "the elastic IP to answer")
    table = up.cli("get", "eips").stdout
    assert "ASSOCIATED" in table and service.lb in table
    refused = up.cli("delete", "eip", "front-door", check=False)
    assert refused.returncode != 0 and "disassociate it first" in refused.stderr
    up.cli("update", "lb", name, "--eip", "")
    wait_for(lambda: is_refused(up, address, service.port), "new connections to be refused")
    up.cli("delete", "eip", "front-door")


def test_m9_m10_the_official_client_makes_binds_and_removes_elastic_ips(sdk, up):
    subnet = {"subnetId": "subnet-default", "azs": ["local-1a"]}
    spec = {"bandwidthMbps": 5, "provider": "bgp"}
    first, second = sdk.vpc("createElasticIps", maxCount=2, elasticIpSpec=spec)["elasticIpIds"]
    shown = sdk.vpc("describeElasticIp", elasticIpId=first)["elasticIp"]
    assert (shown["status"], shown["bandwidthMbps"], shown["provider"]) == ("NOT_ASSOCIATED", 5, "bgp")
    sdk.vpc("modifyElasticIp", elasticIpId=first, bandwidthMbps=200)
    assert sdk.vpc("describeElasticIp", elasticIpId=first)["elasticIp"]["bandwidthMbps"] == 200
    for kind in ("alb", "nlb", "dnlb"):
        lb = sdk.lb("createLoadBalancer", loadBalancerName=kind, type=kind, **subnet)["loadBalancerId"]
        sdk.lb("associateElasticIp", loadBalancerId=lb, elasticIpId=first)
        address = sdk.lb("describeLoadBalancer", loadBalancerId=lb)["loadBalancer"]["privateIp"]
        assert (address["elasticIpId"], address["elasticIpAddress"]) == (first, shown["elasticIpAddress"])
        filters = [{"name": "elasticIpAddress", "values": [shown["elasticIpAddress"]]}, {"name": "loadBalancerType", "values": [kind]}]
        assert [one["loadBalancerId"] for one in sdk.lb("describeLoadBalancers", filters=filters)["loadBalancers"]] == [lb]
        bound = [{"name": "status", "values": ["ASSOCIATED"]}]
        assert [one["elasticIpId"] for one in sdk.vpc("describeElasticIps", filters=bound)["elasticIps"]] == [first]
        assert sdk.refusal("associateElasticIp", loadBalancerId=lb, elasticIpId=second) == (409, "CONFLICT")
        assert sdk.refusal("deleteElasticIp", "vpc", elasticIpId=first) == (400, "FAILED_PRECONDITION")
        sdk.lb("disassociateElasticIp", loadBalancerId=lb, elasticIpId=first)
        sdk.lb("deleteLoadBalancer", loadBalancerId=lb)
    together = sdk.lb("createLoadBalancer", loadBalancerName="together", elasticIp=spec, **subnet)["loadBalancerId"]
    third = sdk.lb("describeLoadBalancer", loadBalancerId=together)["loadBalancer"]["privateIp"]["elasticIpId"]
    sdk.lb("deleteLoadBalancer", loadBalancerId=together)
    for elastic_ip in (first, second, third):
        sdk.vpc("deleteElasticIp", elasticIpId=elastic_ip)
    assert sdk.vpc("describeElasticIps")["totalCount"] == 0


class Public(Namespaced):
    """The public pool stands on the same segment, in a prefix of its own."""

    name = "public"

    def start_control(self):
        pools = self.folder / "pools.yaml"
        pools.write_text("pools:\n  - {name: edge, prefixes: [10.77.9.0/28]}\n")
        self.control = Process([PROGRAM, "control", "--config", pools, "--data-dir", self.data, "--api-listen", "127.0.0.1:8420",
                                "--stream-listen", f"{self.network.addresses['control']}:8422"], self.folder / "control.log", self.control_namespace)
        wait_for(lambda: self.credentials.exists() and self.api.items("subnet"), f"control:\n{self.control.tail()}")

    def start_node(self, name):
        address = self.network.addresses[name]
        self.nodes[name] = Process(
            [PROGRAM, "node", "--data-dir", self.folder / name, "--control", f"{self.network.addresses['control']}:8422", "--node-key",
             self.data / "node.key", "--node-name", name, "--workers", "2", "--binding", f"{self.subnet['id']}={self.mode},{address}",
             "--binding", f"pool/edge={self.mode}"], self.folder / f"{name}.log", self.network.space(name))


@pytest.fixture
def public(request):
    from conftest import IS_ROOT, running
    if not IS_ROOT:
        pytest.skip("needs root: makes network namespaces")
    yield from running(Public, request)


def test_m9_m10_the_node_adds_the_address_to_its_interface_and_removes_it_after_the_last_connection(public):
    service = serve(public, "nlb", "Tcp")
    elastic_ip, address = allocate(public)
    space = public.network.space("n1")
    with contextlib.ExitStack() as stack:
        bind(public, service, elastic_ip)
        wait_for(lambda: answers(public, service, address), "the elastic IP to answer")
        assert has_address(space, address)
        held = Held(public, service, address, stack)
        bind(public, service, "")
        wait_for(lambda: is_refused(public, address, service.port), "new connections to be refused")
        assert held.works() and has_address(space, address), "as long as a connection is there"
    wait_for(lambda: not has_address(space, address), "the address to go")
    assert has_address(space, service.vip)

"""`explain` by API and by command line, against where traffic really goes."""
import collections
import json
import socket
import subprocess

import pytest

from harness import ApiError, in_namespace, ip, wait_for

WEIGHTS = {0: 10, 1: 20, 2: 30}


def sources(cluster, count):
    """Addresses that clients of this cluster can have."""
    if cluster.client_namespace is None:
        return [f"127.30.{i // 250}.{i % 250 + 1}" for i in range(count)]
    addresses = [f"10.77.2.{i + 1}" for i in range(count)]
    for address in addresses:
        ip("-n", cluster.client_namespace, "addr", "add", f"{address}/32", "dev", "eth0")
    return addresses


def explain(cluster, service, *clients, node=None):
    query = "".join(f"&client={client}" for client in clients) + (f"&node={node}" if node else "")
    return cluster.api.get(f"explain?listener={service.listener}{query}")


def names(service, prefix):
    """Target id -> the name of the server."""
    return {id: f"{prefix}{i}" for i, id in enumerate(service.targets)}


def landing(cluster, service, source):
    """The server that curl reaches from this address."""
    command = ["ip", "netns", "exec", cluster.client_namespace] if cluster.client_namespace else []
    command += ["curl", "-s", "--max-time", "20", "--interface", source, f"http://{service.endpoint}/"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


def ports_and_landings(cluster, service, count):
    """{client "ip:port": the name of the server that its connection reached}."""
    landed = {}
    for _ in range(count):
        with in_namespace(cluster.client_namespace):
            connection = socket.create_connection((service.vip, service.port), 10)
        with connection, connection.makefile("rb") as stream:
            host, port = connection.getsockname()
            landed[f"{host}:{port}"] = stream.readline().decode().strip()
    return landed


def test_m32_the_certain_answer_is_where_a_hundred_addresses_land(cluster):
    service = cluster.service(cluster.make_targets(), weights=WEIGHTS).wait_healthy()
    cluster.change(service, "backend", service.backend, algorithm="IpHash")
    clients, server = sources(cluster, 100), names(service, "http")
    answer = explain(cluster, service, *clients)
    assert answer["listenerId"] == service.listener
    landed = {client: landing(cluster, service, client) for client in clients}
    assert len(set(landed.values())) == 3
    serving = [node["node"] for node in cluster.api.get(f"listener/{service.listener}")["status"]["nodes"]]
    assert [node["nodeId"] for node in answer["nodes"]] == sorted(serving)
    for node in answer["nodes"]:
        assert (node["backendId"], node["targetGroupId"], node["algorithm"]) == (service.backend, service.tg, "IpHash")
        assert {one["kind"] for one in node["clients"]} == {"certain"}
        assert {one["client"]: server[one["picked"]] for one in node["clients"]} == landed
    # One client at a time, and the command line, say the same.
    for client in clients[:5]:
        for node in explain(cluster, service, client)["nodes"]:
            assert node["kind"] == "certain" and sum(target["share"] for target in node["targets"]) == 1
            assert [server[target["targetId"]] for target in node["targets"] if target["picked"]] == [landed[client]]
            assert all(bool(target["excluded"]) != target["picked"] for target in node["targets"])
        table = cluster.cli("explain", service.listener, "--client", client).stdout.splitlines()
        picked = [line.split()[:2] for line in table if " picked " in line]
        assert [(node, server[target]) for node, target in picked] == [(node, landed[client]) for node in sorted(serving)], table


def test_m34_the_certain_answer_is_where_a_connection_of_that_port_went(cluster):
    service = cluster.service(cluster.make_targets("tcp"), lb_type="dnlb", protocol="Tcp", weights=WEIGHTS).wait_healthy()
    cluster.change(service, "backend", service.backend, algorithm="QuintupleHash")
    landed, server = ports_and_landings(cluster, service, 60), names(service, "tcp")
    for node in explain(cluster, service, *landed)["nodes"]:
        assert {one["client"]: server[one["picked"]] for one in node["clients"]} == landed
    # Without a port it can only be said how the ports are shared.
    client = next(iter(landed)).split(":")[0]
    for node in explain(cluster, service, client)["nodes"]:
        assert node["kind"] == "share" and "port" in node["reason"]
        shares = {server[target["targetId"]]: target["share"] for target in node["targets"]}
        assert all(abs(shares[f"tcp{i}"] - weight / 60) < 0.01 for i, weight in WEIGHTS.items()), shares


def test_shares_follow_the_weights_and_who_gets_nothing_has_a_reason(cluster):
    check = {"protocol": "Tcp", "unhealthyThresholdCount": 1, "healthyThresholdCount": 1}
    service = cluster.service(cluster.make_targets(), check=check).wait_healthy()
    client, server = sources(cluster, 1)[0], names(service, "http")

    def said():
        """{server: (share, reason)}, when all nodes say the same."""
        answers = [{server[target["targetId"]]: (round(target["share"], 4), target["excluded"]) for target in node["targets"]}
                   for node in explain(cluster, service, client)["nodes"]]
        return answers[0] if all(answer == answers[0] for answer in answers) else None
    for algorithm in ("RoundRobin", "LeastConn"):
        cluster.change(service, "backend", service.backend, algorithm=algorithm)
        assert said() == {"http0": (0.3333, ""), "http1": (0.3333, ""), "http2": (0.3333, "")}
        assert {(node["kind"], node["algorithm"]) for node in explain(cluster, service, client)["nodes"]} == {("share", algorithm)}
    cluster.change(service, "target", service.targets[1], weight=0)
    assert said() == {"http0": (0.5, ""), "http1": (0, "weight 0"), "http2": (0.5, "")}
    cluster.targets.kill("http0")
    answer = wait_for(lambda: (found := said()) and found["http0"][0] == 0 and found["http0"][1].startswith("unhealthy ") and found,
                      "the unhealthy target to be excluded")
    assert answer["http1"] == (0, "weight 0") and answer["http2"] == (1, "")
    table = cluster.cli("explain", service.listener, "--client", client).stdout
    assert "weight 0" in table and answer["http0"][1] in table and "100.00%" in table
    assert landing(cluster, service, client) == "http2"
    cluster.targets.kill("http2")
    wait_for(lambda: (found := said()) and sum(share for share, _ in found.values()) == 0 and all(reason for _, reason in found.values()),
             "nobody to be left")


def test_a_change_is_explained_by_its_own_version(up):
    service = up.service(up.make_targets(count=2)).wait_healthy()
    before = explain(up, service, "127.0.0.1")["nodes"][0]["version"]
    up.change(service, "target", service.targets[0], weight=30)
    after = explain(up, service, "127.0.0.1")["nodes"][0]
    assert after["version"]["epoch"] == before["epoch"] and after["version"]["revision"] > before["revision"]
    assert [target["share"] for target in after["targets"]] == [0.75, 0.25]


def test_two_nodes_hold_equal_tables_and_give_equal_answers(two_nodes):
    service = two_nodes.service(two_nodes.make_targets("tcp"), lb_type="dnlb", protocol="Tcp", weights=WEIGHTS).wait_healthy()
    for algorithm in ("IpHash", "QuintupleHash"):
        two_nodes.change(service, "backend", service.backend, algorithm=algorithm)
        clients = [f"10.{i}.{i * 7 % 256}.{i * 31 % 250 + 1}:{1024 + i * 613 % 60000}" for i in range(100)]
        first, second = explain(two_nodes, service, *clients)["nodes"]
        assert (first["nodeId"], second["nodeId"]) == ("n1", "n2")
        assert first["clients"] == second["clients"]
        assert {one["kind"] for one in first["clients"]} == {"certain"}
        assert len(collections.Counter(one["picked"] for one in first["clients"])) == 3
        only, = explain(two_nodes, service, *clients, node="n2")["nodes"]
        assert only["nodeId"] == "n2" and only["clients"] == first["clients"]
    table, = two_nodes.api.items("table", f"?loadBalancerId={service.lb}")
    assert {node["checksum"] for node in table["status"]["nodes"]} == {table["spec"]["checksum"]}
    # The node that has gone is named; the other one answers.
    two_nodes.nodes["n2"].kill()
    wait_for(lambda: "error" in explain(two_nodes, service, "10.1.2.3:4")["nodes"][1], "the second node to be missed")
    answer = explain(two_nodes, service, "10.1.2.3:4")["nodes"]
    assert answer[0]["kind"] == "certain" and "n2" in answer[1]["error"]["message"]
    done = two_nodes.cli("explain", service.listener, "--client", "10.1.2.3:4", check=False)
    assert done.returncode == 6 and " picked " in done.stdout and "n2" in done.stderr, done


def test_questions_that_have_no_answer_say_why(apart):
    service = apart.service(apart.make_targets(count=1)).wait_healthy()

    def refused(query, status):
        with pytest.raises(ApiError) as error:
            apart.api.get("explain?" + query)
        assert error.value.status == status, error.value.body
        return error.value.body["error"]
    assert {detail["field"] for detail in refused("client=1.2.3", 400)["details"]} == {"listener", "client"}
    assert "'1.2.3'" in refused(f"listener={service.listener}&client=1.2.3", 400)["message"]
    refused("listener=listener-0123456789&client=1.2.3.4", 404)
    assert apart.cli("explain", "nobody", "--client", "1.2.3.4", check=False).returncode == 3
    assert apart.cli("explain", service.listener, "--client", "x", check=False).returncode == 2
    apart.api.call("PATCH", f"listener/{service.listener}", {"admin": {"status": "Off"}})
    assert "is Off" in refused(f"listener={service.listener}&client=1.2.3.4", 400)["message"]
    apart.api.call("PATCH", f"listener/{service.listener}", {"admin": {"status": "On"}})
    apart.node.kill()
    wait_for(lambda: apart.api.get("node/n1")["status"]["state"] == "disconnected", "the node to be missed")
    assert "n1" in refused(f"listener={service.listener}&client=1.2.3.4", 503)["message"]
    assert apart.cli("explain", service.listener, "--client", "1.2.3.4", check=False).returncode == 6
    apart.start_node(wait=False)
    answer = wait_for(lambda: json.loads(apart.cli("explain", service.listener, "--client", "1.2.3.4", "-o", "json", check=False).stdout or "null"),
                      "an answer after the node has come back")
    assert answer["nodes"][0]["targets"][0]["targetId"] == service.targets[0]

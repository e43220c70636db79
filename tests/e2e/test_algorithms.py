"""How new traffic is shared among targets, by algorithm."""
import collections
import contextlib
import socket

from harness import in_namespace, wait_for


def hold(cluster, service, stack, text=b"hello\n"):
    """Opens a connection that lasts as long as `stack`; the name of its target."""
    with in_namespace(cluster.client_namespace):
        connection = stack.enter_context(socket.create_connection((service.vip, service.port), 10))
    stream = stack.enter_context(connection.makefile("rwb"))
    stream.write(text)
    stream.flush()
    return stream.readline().decode().strip()


def test_m30_m31_least_conn_settles_connections_at_the_ratio_of_the_weights(cluster):
    weights = {0: 10, 1: 20, 2: 30}
    service = cluster.service(cluster.make_targets("tcp"), lb_type="nlb", protocol="Tcp", weights=weights).wait_healthy()
    cluster.choose(service, "LeastConn")
    with contextlib.ExitStack() as stack:
        held = collections.Counter(hold(cluster, service, stack) for _ in range(60))
    # A connection that ended before may still count when the first of these begins.
    assert all(abs(held[f"tcp{i}"] - weight) <= 2 for i, weight in weights.items()), held


def target_of(cluster, service, source=None):
    """The target that a new connection (from that address) reaches."""
    with in_namespace(cluster.client_namespace):
        origin = (source, 0) if source else None
        with socket.create_connection((service.vip, service.port), 10, origin) as connection, connection.makefile("rwb") as stream:
            stream.write(b"hello\n")
            stream.flush()
            return stream.readline().decode().strip()


def table_of(cluster, service):
    """The one slot table of the service's load balancer."""
    tables = cluster.api.items("table", f"?loadBalancerId={service.lb}")
    assert len(tables) == 1
    return tables[0]


def test_m32_ip_hash_keeps_a_client_on_its_target_and_brings_it_back_after_a_failure(cluster):
    check = {"protocol": "Tcp", "unhealthyThresholdCount": 1, "healthyThresholdCount": 1}
    service = cluster.service(cluster.make_targets("tcp"), lb_type="nlb", protocol="Tcp", check=check).wait_healthy()
    cluster.choose(service, "IpHash")
    homes = {target_of(cluster, service) for _ in range(30)}
    assert len(homes) == 1
    home = homes.pop()
    before = table_of(cluster, service)
    cluster.targets.kill(home)
    # While its target is away a client has one second choice.
    wait_for(lambda: list(cluster.health(service.backend).values()).count("unhealthy") == 1, "one unhealthy target")
    others = {target_of(cluster, service) for _ in range(30)}
    assert len(others) == 1 and home not in others
    cluster.targets.revive(home)
    service.wait_healthy()
    wait_for(lambda: target_of(cluster, service) == home, "the client to come back")
    assert table_of(cluster, service)["spec"] == before["spec"]


def test_every_node_holds_the_stored_table(cluster):
    service = cluster.service(cluster.make_targets("tcp"), lb_type="nlb", protocol="Tcp").wait_healthy()
    cluster.choose(service, "IpHash")
    wait_for(lambda: table_of(cluster, service)["status"]["state"] == "applied", "the table")
    cluster.api.patch("target", service.targets[0], weight=50)
    table = wait_for(lambda: (t := table_of(cluster, service))["status"]["state"] == "applied" and t, "the next table")
    assert table["spec"]["generation"] == 2
    assert {node["checksum"] for node in table["status"]["nodes"]} == {table["spec"]["checksum"]}


def test_m33_ip_hash_shares_client_addresses_by_weight(up):
    weights = {0: 10, 1: 20, 2: 30}
    service = up.service(up.make_targets("tcp"), lb_type="nlb", protocol="Tcp", weights=weights).wait_healthy()
    up.choose(service, "IpHash")
    clients = [f"127.20.{i // 250}.{i % 250 + 1}" for i in range(1200)]
    homes = {client: target_of(up, service, client) for client in clients}
    counts = collections.Counter(homes.values())
    # Five standard deviations: the seed is drawn anew with each store.
    assert all(abs(counts[f"tcp{i}"] - 20 * weight) <= 85 for i, weight in weights.items()), counts
    assert all(target_of(up, service, client) == homes[client] for client in clients[:100])

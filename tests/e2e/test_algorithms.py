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


def choose(cluster, service, algorithm):
    """Sets the algorithm and waits until every node that serves the listener goes by it."""
    wanted = cluster.api.patch("backend", service.backend, algorithm=algorithm)["revision"]

    def is_applied():
        nodes = cluster.api.get(f"listener/{service.listener}")["status"]["nodes"]
        return nodes and all(node["appliedRevision"] >= wanted for node in nodes)
    wait_for(is_applied, f"algorithm {algorithm}")


def test_m30_m31_least_conn_settles_connections_at_the_ratio_of_the_weights(cluster):
    weights = {0: 10, 1: 20, 2: 30}
    service = cluster.service(cluster.make_targets("tcp"), lb_type="nlb", protocol="Tcp", weights=weights).wait_healthy()
    choose(cluster, service, "LeastConn")
    with contextlib.ExitStack() as stack:
        held = collections.Counter(hold(cluster, service, stack) for _ in range(60))
    # A connection that ended before may still count when the first of these begins.
    assert all(abs(held[f"tcp{i}"] - weight) <= 2 for i, weight in weights.items()), held

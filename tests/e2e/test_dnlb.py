"""Distributed network load balancers: hashing, silence when nobody can serve, and where their checks come from."""
import collections
import contextlib
import socket
import struct
import threading

from harness import ApiError, in_namespace, ip, wait_for

QUICK_CHECK = {"protocol": "Tcp", "healthyThresholdCount": 1, "unhealthyThresholdCount": 1}
CHECK_SOURCE = "169.254.169.110"


def dnlb(cluster, targets, **more):
    return cluster.service(targets, lb_type="dnlb", protocol="Tcp", **more)


def target_of(cluster, service, source=None):
    """(the target that a new connection from there reaches, the connection's own end); it ends by a reset, so that its port is free again."""
    with in_namespace(cluster.client_namespace), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.settimeout(10)
        if source:
            connection.bind(source)
        connection.connect((service.vip, service.port))
        connection.sendall(b"hello\n")
        with connection.makefile("rb") as stream:
            return stream.readline().decode().strip(), connection.getsockname()


def test_m28_m32_m33_ip_hash_is_the_default_and_shares_addresses_by_weight(up):
    weights = {0: 10, 1: 20, 2: 30}
    service = dnlb(up, up.make_targets("tcp"), weights=weights).wait_healthy()
    assert up.api.get(f"backend/{service.backend}")["spec"]["algorithm"] == "IpHash"
    clients = [f"127.30.{i // 250}.{i % 250 + 1}" for i in range(600)]
    homes = {client: target_of(up, service, (client, 0))[0] for client in clients}
    counts = collections.Counter(homes.values())
    # Five standard deviations: the seed is drawn anew with each store.
    assert all(abs(counts[f"tcp{i}"] - 10 * weight) <= 62 for i, weight in weights.items()), counts
    for _ in range(3):
        assert all(target_of(up, service, (client, 0))[0] == homes[client] for client in clients[:60])


def test_m34_m35_quintuple_hash_spreads_one_address_and_keeps_each_flow_on_its_target(up):
    service = dnlb(up, up.make_targets("tcp")).wait_healthy()
    up.choose(service, "QuintupleHash")
    flows = [target_of(up, service, ("127.0.0.1", 0)) for _ in range(300)]
    counts = collections.Counter(home for home, _ in flows)
    assert all(abs(counts[f"tcp{i}"] - 100) <= 42 for i in range(3)), counts
    again = 0
    for home, end in flows[:40]:
        with contextlib.suppress(OSError):  # Somebody else has the port now.
            assert target_of(up, service, end)[0] == home
            again += 1
    assert again >= 20


def test_m28_refuses_the_algorithms_of_other_types_and_the_client_command_says_which_it_has(up):
    service = dnlb(up, up.make_targets("tcp", 1))
    for word in ("RoundRobin", "LeastConn"):
        try:
            up.api.patch("backend", service.backend, algorithm=word)
            raise AssertionError(word)
        except ApiError as error:
            assert error.status == 400 and "expected one of [IpHash, QuintupleHash]" in str(error.body)
    done = up.cli("update", "backend", service.backend, "--algorithm", "RoundRobin", check=False)
    assert done.returncode == 2 and "[IpHash, QuintupleHash]" in done.stderr, done


def open_silent(cluster, service, stack):
    """A connection whose bytes nobody has answered for a second."""
    def attempt():
        connection = stack.enter_context(socket.create_connection((service.vip, service.port), 10))
        connection.sendall(b"hello\n")
        connection.settimeout(1)
        try:
            assert connection.recv(1) != b"", "the client was told an end"
        except TimeoutError:
            return connection
        return None
    # A target that died just now refuses, and so does the listener, until the check has found out.
    return wait_for(attempt, "silence")


def test_b12_a_client_hears_nothing_while_all_targets_are_down_and_is_served_when_one_is_back(up):
    service = dnlb(up, up.make_targets("tcp", 2), check=QUICK_CHECK).wait_healthy()
    for name in ("tcp0", "tcp1"):
        up.targets.kill(name)
    wait_for(lambda: set(up.health(service.backend).values()) == {"unhealthy"}, "both targets to be down")
    with contextlib.ExitStack() as stack:
        waiting = [open_silent(up, service, stack) for _ in range(3)]
        for connection in waiting:
            connection.settimeout(20)
        up.targets.revive("tcp1")
        for connection in waiting:
            stream = stack.enter_context(connection.makefile("rb"))
            assert (stream.readline(), stream.readline()) == (b"tcp1\n", b"hello\n")


def test_m71_m72_with_its_check_closed_every_target_gets_traffic(up):
    service = dnlb(up, up.make_targets("tcp", 2), check={**QUICK_CHECK, "port": 1})
    wait_for(lambda: set(up.health(service.backend).values()) == {"unhealthy"}, "checks of a port that nobody has")
    up.api.call("PATCH", f"backend/{service.backend}", {"admin": {"closeHealthCheck": True}})
    assert set(up.health(service.backend).values()) == {"N/A"}
    up.choose(service, "QuintupleHash")
    wait_for(lambda: service.answers(), "traffic")
    homes = {target_of(up, service)[0] for _ in range(60)}
    assert homes == {"tcp0", "tcp1"}


class Listening:
    """A server in a namespace that takes connections and remembers whence they came."""

    def __init__(self, address, port, namespace):
        with in_namespace(namespace):
            self.socket = socket.create_server((address, port))
        self.peers, self.count = collections.Counter(), 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, peer = self.socket.accept()
                connection.close()
                self.peers[peer[0]] += 1
                self.count += 1

    def next_peers(self, count=2):
        """Whence the next connections come."""
        before, seen = self.peers.copy(), self.count
        wait_for(lambda: self.count >= seen + count, "checks", 30)
        return set(self.peers - before)

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def test_m73_checks_come_from_their_own_address_as_soon_as_the_node_has_it(namespaced):
    node, address = namespaced.network.space("n1"), namespaced.network.addresses["t0"]
    ip("-n", namespaced.target_spaces[0], "route", "add", f"{CHECK_SOURCE}/32", "via", namespaced.network.addresses["n1"])
    server = Listening(address, 9100, namespaced.target_spaces[0])
    try:
        service = dnlb(namespaced, [(address, 9100)])

        def note():
            nodes = namespaced.api.get(f"lb/{service.lb}")["status"]["nodes"]
            return nodes[0].get("detail", "")
        wait_for(lambda: list(namespaced.health(service.backend).values()) == ["healthy"], "a healthy target")
        assert set(server.peers) == {namespaced.network.addresses["n1"]}
        wait_for(lambda: CHECK_SOURCE in note(), "the status to say where checks come from")
        ip("-n", node, "addr", "add", f"{CHECK_SOURCE}/32", "dev", "lo")
        wait_for(lambda: note() == "", "the note to go")
        server.next_peers(1)  # One may have been on its way.
        assert server.next_peers() == {CHECK_SOURCE}
        assert list(namespaced.health(service.backend).values()) == ["healthy"]
        ip("-n", node, "addr", "del", f"{CHECK_SOURCE}/32", "dev", "lo")
        wait_for(lambda: CHECK_SOURCE in note(), "the status to say so again")
        server.next_peers(1)
        assert server.next_peers() == {namespaced.network.addresses["n1"]}
    finally:
        server.stop()


def test_m32_every_node_sends_a_client_address_to_the_same_target(two_nodes):
    space = two_nodes.client_namespace
    clients = [f"10.77.0.{100 + i}" for i in range(20)]
    for client in clients:
        ip("-n", space, "addr", "add", f"{client}/24", "dev", "eth0")
    service = dnlb(two_nodes, two_nodes.make_targets("tcp")).wait_healthy()
    wait_for(lambda: {n["node"] for n in two_nodes.api.get(f"listener/{service.listener}")["status"]["nodes"]} == {"n1", "n2"}, "both nodes")
    two_nodes.wait_serving(service)

    def checksums():
        return [node["checksum"] for node in two_nodes.api.items("table", f"?loadBalancerId={service.lb}")[0]["status"]["nodes"]]
    wait_for(lambda: len(checksums()) == 2 and len(set(checksums())) == 1 and checksums()[0] != 0, "equal tables")
    homes = [target_of(two_nodes, service, (client, 0))[0] for client in clients]
    assert len(set(homes)) > 1
    for holder in ("n2", "n1"):
        two_nodes.move_addresses(holder)
        assert [target_of(two_nodes, service, (client, 0))[0] for client in clients] == homes

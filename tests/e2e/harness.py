"""Starts the real program in one of three topologies and speaks to it as a user would.

up         `weir up` on loopback
apart      `weir control` and `weir node` apart, on loopback
two_nodes  control and two `external` nodes in namespaces of their own, joined by a bridge (needs root)

Everything started here is ended here, by its process id; every namespace made here is removed here.
"""
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("WEIR_PROGRAM", ROOT / "build" / "release" / "weir"))
TOOLS = pathlib.Path(os.environ.get("WEIR_TOOLS", ROOT / "build" / "release"))
PATIENCE = 15.0
# Sanitized builds are several times slower; limits on time are multiplied by this.
SLOWNESS = 4.0 if re.search("asan|tsan", str(PROGRAM)) else 1.0


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=PATIENCE):
    """Polls until `condition()` is true and returns its value; fails with `what` and the last value after `seconds`."""
    deadline = time.monotonic() + seconds * SLOWNESS
    last = None
    while time.monotonic() < deadline:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, ApiError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}; last: {last!r}")


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Process:
    """A child in its own session, with its output in a file."""

    def __init__(self, command, log, namespace=None):
        self.log = pathlib.Path(log)
        prefix = ["ip", "netns", "exec", namespace] if namespace else []
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(prefix + [str(c) for c in command], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                          start_new_session=True)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def signal(self, number):
        if self.alive():
            self.child.send_signal(number)

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL; returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"process {self.pid} did not end within {seconds} s of SIGTERM:\n{self.tail()}") from None

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def tail(self, size=3000):
        return self.log.read_text(errors="replace")[-size:]


def children_of(pid):
    """Ids of the direct children of a process."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry.name))
    return sorted(found)


def role_of(pid):
    """The second word of a process's command line: control, node, proxy."""
    with contextlib.suppress(OSError, IndexError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1].decode()
    return ""


def output_of(pid):
    """The file that a process writes its output to."""
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/fd/1")
    return ""


def descendant(pid, role):
    """Id of the newest descendant with this role, or None."""
    queue, found = [pid], []
    while queue:
        for child in children_of(queue.pop()):
            queue.append(child)
            if role_of(child) == role:
                found.append(child)
    return max(found, key=started_at) if found else None


def started_at(pid):
    """Start of a process in clock ticks: process ids start over, so the highest is not always the newest."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    except OSError:
        return 0


class Api:
    """The native API with the administrator's token."""

    def __init__(self, credentials, namespace=None):
        self.credentials, self.namespace = credentials, namespace

    def call(self, method, path, body=None, headers=None):
        credentials = json.loads(pathlib.Path(self.credentials).read_text())
        host = credentials["endpoint"].split("//")[1].rstrip("/")
        with in_namespace(self.namespace):
            connection = http.client.HTTPConnection(host, timeout=30)
            try:
                connection.request(method, "/weir/v1/" + path, None if body is None else json.dumps(body),
                                   {"Authorization": "Bearer " + credentials["token"], "Content-Type": "application/json", **(headers or {})})
                answer = connection.getresponse()
                text = answer.read().decode()
            finally:
                connection.close()
        data = json.loads(text) if text else {}
        if answer.status >= 400:
            raise ApiError(answer.status, data)
        return data

    def get(self, path):
        return self.call("GET", path)

    def create(self, kind, name, **spec):
        return self.call("POST", kind, {"name": name, "spec": spec} if name else {"spec": spec})

    def patch(self, kind, id, **spec):
        return self.call("PATCH", f"{kind}/{id}", {"spec": spec})

    def delete(self, kind, id):
        return self.call("DELETE", f"{kind}/{id}")

    def items(self, kind, query=""):
        return self.get(kind + query)["items"]


_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def in_namespace(name):
    """Sockets that this thread makes inside the block belong to the named network namespace."""
    if name is None:
        yield
        return
    own, other = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if _libc.setns(other, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        _libc.setns(own, 0x40000000)
        os.close(own)
        os.close(other)


def http_get(address, port, path="/", namespace=None, headers=None, method="GET", body=None, timeout=20):
    """(status, headers, body) of one request on a new connection."""
    with in_namespace(namespace):
        connection = http.client.HTTPConnection(address, port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()


def tcp_talk(address, port, text=b"hello\n", namespace=None):
    """What a TCP echo target says: (its name, the echo)."""
    with in_namespace(namespace), socket.create_connection((address, port), 10) as connection:
        stream = connection.makefile("rwb")
        stream.write(text)
        stream.flush()
        return stream.readline().decode().strip(), stream.readline()


class Targets:
    """Test servers; `add` starts one process with one server and returns (address, port, process)."""

    def __init__(self, folder, address="127.0.0.1", namespace=None):
        self.folder, self.address, self.namespace, self.processes = folder, address, namespace, {}

    def add(self, name, protocol="http", port=None, address=None, namespace=None):
        address, namespace = address or self.address, namespace or self.namespace
        if port is None:
            with in_namespace(namespace):
                port = free_port(address)
        log = self.folder / f"target-{name}.log"
        log.unlink(missing_ok=True)
        process = Process([TOOLS / "faultback", protocol, f"{address}:{port}={name}"], log, namespace)
        wait_for(lambda: "ready" in log.read_text(), f"target {name}")
        self.processes[name] = (process, protocol, address, port, namespace)
        return address, port

    def kill(self, name):
        self.processes[name][0].kill()

    def revive(self, name):
        _, protocol, address, port, namespace = self.processes[name]
        self.add(name, protocol, port, address, namespace)

    def refuse(self, name):
        """New connections are refused; those that exist go on."""
        self._listen(name, signal.SIGUSR1)

    def swallow(self, name):
        """New connections get no answer at all; those that exist go on."""
        self._listen(name, signal.SIGHUP)

    def accept(self, name):
        self._listen(name, signal.SIGUSR2)

    def _listen(self, name, number):
        # `ip netns exec` becomes the program it starts: the id is the target's own.
        self.processes[name][0].signal(number)

    def served(self):
        """{name: (requests, connections)} that targets have had; those of a killed one went with it."""
        said = re.compile(r"^served (\d+) (\d+)$", re.M)
        before = {name: len(said.findall(process.log.read_text())) for name, (process, *_) in self.processes.items()}
        for process, *_ in self.processes.values():
            process.signal(signal.SIGRTMIN)

        def answer(process, count):
            lines = said.findall(process.log.read_text())
            return lines[-1] if len(lines) > count else None
        return {name: tuple(map(int, wait_for(lambda: answer(process, before[name]), f"the count of {name}")))
                for name, (process, *_) in self.processes.items()}

    def stop(self):
        for process, *_ in self.processes.values():
            process.kill()


class Load:
    """checkload in the background; `finish` ends it and returns its report."""

    def __init__(self, *arguments, namespace=None):
        prefix = ["ip", "netns", "exec", namespace] if namespace else []
        self.child = subprocess.Popen(prefix + [str(TOOLS / "checkload"), *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                                      start_new_session=True)

    def running(self):
        return self.child.poll() is None

    def finish(self, wait=False, seconds=300):
        if not wait and self.running():
            self.child.send_signal(signal.SIGTERM)
        try:
            text, _ = self.child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise
        return json.loads(text)


def flows(endpoint, protocol, count, namespace=None, **options):
    """Opens `count` flows with flowload (its head lists the options); ({target: flows}, [(client, target)]). Every flow is answered."""
    arguments = [f"--{protocol.lower()}", endpoint, "--count", count]
    for name, value in options.items():
        arguments += [f"--{name}", value]
    prefix = ["ip", "netns", "exec", namespace] if namespace else []
    done = subprocess.run(prefix + [str(TOOLS / "flowload"), *map(str, arguments)], capture_output=True, text=True, timeout=300, check=True)
    result = json.loads(done.stdout)
    assert result["failed"] == 0, f"{result['failed']} of {count} flows failed"
    return result["targets"], result["flows"]


class Cluster:
    """What the topologies have in common. Subclasses start and stop the program."""

    client_prefix = "127."

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.client_namespace = self.target_namespace = self.control_namespace = None
        self.targets = Targets(self.folder)
        self.loads = []
        self.serial = 0

    @property
    def credentials(self):
        return self.data / "credentials.json"

    @property
    def api(self):
        return Api(self.credentials, self.control_namespace)

    def cli(self, *arguments, check=True, text=None):
        command = ["ip", "netns", "exec", self.control_namespace] if self.control_namespace else []
        command += [str(PROGRAM), *map(str, arguments), "--credentials", str(self.credentials)]
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"weir {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def http(self, lb_address, port, path="/", **more):
        return http_get(lb_address, port, path, self.client_namespace, **more)

    def tcp(self, lb_address, port, text=b"hello\n"):
        return tcp_talk(lb_address, port, text, self.client_namespace)

    def flows(self, service, count, **options):
        return flows(service.endpoint, service.protocol, count, self.client_namespace, **options)

    def load(self, *arguments):
        self.loads.append(Load(*arguments, namespace=self.client_namespace))
        return self.loads[-1]

    def stop_loads(self):
        """Ends those that a failed test has left."""
        for load in self.loads:
            if load.running():
                load.child.kill()
                load.child.wait()

    def subnet_id(self):
        return "subnet-default"

    def make_targets(self, protocol="http", count=3):
        """`count` targets named <protocol>0, <protocol>1, ... at addresses of their own, as a dnlb wants; their (address, port)."""
        return [self.targets.add(f"{protocol}{i}", protocol, address=f"127.0.0.{11 + i}") for i in range(count)]

    def targets_again(self):
        """(address, port) of the targets that already run."""
        return [(address, port) for _, _, address, port, _ in self.targets.processes.values()]

    def service(self, targets, lb_type="alb", protocol="Http", port=None, weights=None, check=None, **lb_spec):
        """A whole chain from load balancer to targets; returns a Service. Targets are (address, port)."""
        self.serial += 1
        api, name = self.api, f"s{self.serial}"
        if lb_type == "dnlb":
            self.register_servers(targets)
        lb = api.create("lb", name, type=lb_type, subnetId=self.subnet_id(), azs=["local-1a"], **lb_spec)
        tg = api.create("tg", name, loadBalancerId=lb["id"])
        ids = [api.create("target", None, targetGroupId=tg["id"], ipAddress=a, port=p, weight=(weights or {}).get(i, 10))["id"]
               for i, (a, p) in enumerate(targets)]
        backend = api.create("backend", name, loadBalancerId=lb["id"], protocol=protocol, port=80, targetGroupIds=[tg["id"]],
                             healthCheck=check or {"protocol": "Tcp"})
        port = port or self.pick_port(lb["admin"]["vip"])
        listener = api.create("listener", name, loadBalancerId=lb["id"], protocol=protocol, port=port, backendId=backend["id"])
        self.lb_created(lb)
        return Service(self, lb, tg, ids, backend, listener)

    def register_servers(self, targets):
        """Hook: a dnlb reaches known servers only, but for a VPC on loopback."""

    def pick_port(self, vip):
        return free_port(vip)

    def wait_serving(self, service):
        """Waits until the data plane serves the listener."""
        wait_for(lambda: self.api.get(f"listener/{service.listener}")["status"]["state"] == "serving", "the listener to serve")

    def wait_applied(self, service, revision):
        """Waits until every node that serves the listener goes by this revision."""
        def is_applied():
            nodes = self.api.get(f"listener/{service.listener}")["status"]["nodes"]
            return nodes and all(node["appliedRevision"] >= revision for node in nodes)
        wait_for(is_applied, f"revision {revision}")

    def change(self, service, kind, id, **spec):
        """Patches a part of the service; then every node that serves it goes by the change."""
        self.wait_applied(service, self.api.patch(kind, id, **spec)["revision"])

    def choose(self, service, algorithm):
        self.change(service, "backend", service.backend, algorithm=algorithm)

    def lb_created(self, lb):
        """Hook: a topology in which someone else moves addresses moves this one now."""

    def health(self, backend_id):
        """{target id: status}."""
        return {t["targetId"]: t["status"] for t in self.api.get(f"backend/{backend_id}/health")["targets"]}


class Service:
    """A chain from load balancer to targets."""

    def __init__(self, cluster, lb, tg, targets, backend, listener):
        self.cluster, self.lb, self.tg, self.targets = cluster, lb["id"], tg["id"], targets
        self.backend, self.listener, self.vip = backend["id"], listener["id"], lb["admin"]["vip"]
        self.kind = lb["spec"].get("type", "alb")
        self.protocol, self.port = listener["spec"]["protocol"], listener["spec"]["port"]

    @property
    def endpoint(self):
        return f"{self.vip}:{self.port}"

    def wait_healthy(self, count=None, seconds=PATIENCE, answers=True):
        """`answers`: also wait until a client is served, by a target that speaks the service's protocol."""
        want = len(self.targets) if count is None else count
        wait_for(lambda: list(self.cluster.health(self.backend).values()).count("healthy") == want, f"{want} healthy targets", seconds)
        # A verdict reaches control and the proxy by two ways; the client's own view decides.
        if answers:
            wait_for(self.answers, "the first answer", seconds)
        return self

    def answers(self):
        """True when a new connection is served."""
        try:
            if self.protocol == "Http":
                return self.cluster.http(self.vip, self.port, timeout=2)[0] == 200
            return self.cluster.tcp(self.vip, self.port)[1] == b"hello\n"
        except OSError:
            return False

    def delete(self):
        for kind, id in (("listener", self.listener), ("backend", self.backend), ("tg", self.tg), ("lb", self.lb)):
            self.cluster.api.delete(kind, id)


class Up(Cluster):
    name = "up"
    workers = 2

    def start(self, *arguments):
        self.data.mkdir(parents=True, exist_ok=True)
        self.arguments = arguments
        self.process = Process([PROGRAM, "up", "--data-dir", self.data, "--api-listen", f"127.0.0.1:{free_port()}", "--ops-listen",
                                f"127.0.0.1:{free_port()}", "--workers", str(self.workers), *arguments], self.folder / "up.log")
        wait_for(lambda: self.credentials.exists() and self.api.items("node"), f"the service:\n{self.process.tail()}")
        return self

    def pid(self, role):
        return descendant(self.process.pid, role)

    def stop(self):
        self.targets.stop()
        assert self.process.stop() == 0, self.process.tail()

    def logs(self):
        return self.process.tail(20000)


class UpWithOneWorker(Up):
    workers = 1


class Apart(Cluster):
    name = "apart"

    def start(self):
        self.data.mkdir(parents=True, exist_ok=True)
        self.node_data = self.folder / "node"
        self.api_port, self.ops_port = free_port(), free_port()
        self.start_control()
        self.start_node()
        return self

    def start_control(self, wait=True):
        self.control = Process([PROGRAM, "control", "--data-dir", self.data, "--api-listen", f"127.0.0.1:{self.api_port}"],
                               self.folder / "control.log")
        if wait:
            wait_for(lambda: self.credentials.exists() and self.api.items("subnet"), f"control:\n{self.control.tail()}")

    def start_node(self, wait=True):
        self.node = Process([PROGRAM, "node", "--data-dir", self.node_data, "--control", f"unix:{self.data}/stream.sock", "--node-name", "n1",
                             "--workers", "2", "--ops-listen", f"127.0.0.1:{self.ops_port}"], self.folder / "node.log")
        if wait:
            wait_for(lambda: self.api.items("node"), f"the node:\n{self.node.tail()}")

    def pid(self, role):
        process = self.control if role == "control" else self.node
        return process.pid if role in ("control", "node") else descendant(self.node.pid, role)

    def proxies(self):
        """Ids of all proxies, those of dead nodes too: each writes to the log of the node that made it."""
        return sorted(pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                      if role_of(pid) == "proxy" and output_of(pid) == str(self.node.log.resolve()))

    def stop(self):
        self.targets.stop()
        for process in (self.node, self.control):
            if process.alive():
                assert process.stop() == 0, process.tail()

    def logs(self):
        return self.control.tail(10000) + self.node.tail(10000)


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True, text=True)


class Network:
    """Namespaces on one bridge: name -> address in 10.77.0.0/24, of the /16 that load balancers share. The bridge stands in a namespace of its own."""

    def __init__(self, addresses):
        self.tag = f"w{os.getpid() % 10000}"
        self.addresses = addresses
        self.spaces = []

    def space(self, name):
        return f"{self.tag}-{name}"

    def start(self):
        hub = self._add("hub")
        ip("-n", hub, "link", "add", "br0", "type", "bridge")
        ip("-n", hub, "link", "set", "br0", "up")
        for number, (name, address) in enumerate(self.addresses.items()):
            space = self._add(name)
            ip("link", "add", f"{self.tag}v{number}", "netns", hub, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("-n", hub, "link", "set", f"{self.tag}v{number}", "master", "br0", "up")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "addr", "add", f"{address}/16", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
        return self

    def _add(self, name):
        ip("netns", "add", self.space(name))
        self.spaces.append(self.space(name))
        return self.space(name)

    def stop(self):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def has_address(space, address):
    shown = subprocess.run(["ip", "-n", space, "-o", "addr", "show"], capture_output=True, text=True, check=True).stdout
    return f" {address}/" in shown


class Namespaced(Cluster):
    """Control and nodes in namespaces; `mode` is the binding of every node ('external' or 'interface:eth0')."""

    name = "namespaced"
    client_prefix = "10.77.0.3"

    def __init__(self, folder, nodes=("n1",), mode="interface:eth0"):
        super().__init__(folder)
        self.mode, self.nodes = mode, {}
        names = {"control": "10.77.0.2", "client": "10.77.0.3", "targets": "10.77.0.4"}
        names.update({n: f"10.77.0.{10 + i}" for i, n in enumerate(nodes)})
        names.update({f"t{i}": f"10.77.0.{20 + i}" for i in range(3)})
        self.network = Network(names)
        self.control_namespace = self.network.space("control")
        self.client_namespace = self.network.space("client")
        self.target_spaces = [self.network.space(f"t{i}") for i in range(3)]
        self.node_names = nodes

    def start(self):
        self.network.start()
        self.data.mkdir(parents=True, exist_ok=True)
        self.start_control()
        api = self.api
        self.vpc = api.create("vpc", "lab", addressPrefix="10.77.0.0/16")
        api.create("subnet", "servers", vpcId=self.vpc["id"], addressPrefix="10.77.0.0/24")
        self.subnet = api.create("subnet", "balancers", vpcId=self.vpc["id"], addressPrefix="10.77.1.0/24")
        for name in self.node_names:
            self.start_node(name)
        wait_for(lambda: len(api.items("node")) == len(self.node_names), "every node")
        return self

    def start_control(self):
        self.control = Process([PROGRAM, "control", "--data-dir", self.data, "--api-listen", "127.0.0.1:8420", "--stream-listen",
                                f"{self.network.addresses['control']}:8422"], self.folder / "control.log", self.control_namespace)
        wait_for(lambda: self.credentials.exists() and self.api.items("subnet"), f"control:\n{self.control.tail()}")

    def start_node(self, name):
        address = self.network.addresses[name]
        self.nodes[name] = Process(
            [PROGRAM, "node", "--data-dir", self.folder / name, "--control", f"{self.network.addresses['control']}:8422", "--node-key",
             self.data / "node.key", "--node-name", name, "--workers", "2", "--binding", f"{self.subnet['id']}={self.mode},{address}"],
            self.folder / f"{name}.log", self.network.space(name))

    def subnet_id(self):
        return self.subnet["id"]

    def register_servers(self, targets):
        subnet = next(s["id"] for s in self.api.items("subnet") if s["name"] == "servers")
        known = {i["admin"]["ipAddress"] for i in self.api.items("instance")}
        for address in sorted({a for a, _ in targets} - known):
            self.api.create("instance", "server", subnetId=subnet, ipAddress=address, az="local-1a")

    def pick_port(self, vip):
        self.serial += 1
        return 8000 + self.serial

    def make_targets(self, protocol="http", count=3):
        """One target in each of up to three target namespaces."""
        places = []
        for i in range(count):
            places.append(self.targets.add(f"{protocol}{i}", protocol, port=9000 if protocol == "http" else 9001,
                                           address=self.network.addresses[f"t{i}"], namespace=self.target_spaces[i]))
        return places

    def stop(self):
        try:
            self.targets.stop()
            for process in (*self.nodes.values(), self.control):
                if process.alive():
                    assert process.stop() == 0, process.tail()
        finally:
            self.network.stop()

    def logs(self):
        return self.control.tail(10000) + "".join(n.tail(10000) for n in self.nodes.values())


class TwoNodes(Namespaced):
    """Two external nodes; the addresses of load balancers are put on the first by the 'someone else' that this class is."""

    name = "two_nodes"

    def __init__(self, folder):
        super().__init__(folder, nodes=("n1", "n2"), mode="external")
        self.holder = "n1"
        self.vips = []

    def lb_created(self, lb):
        self.vips.append(lb["admin"]["vip"])
        ip("-n", self.network.space(self.holder), "addr", "add", f"{self.vips[-1]}/32", "dev", "eth0")

    def move_addresses(self, to):
        """What keepalived does: the new holder has the address and announces it, then the old one loses it."""
        other, self.holder = self.holder, to
        for vip in self.vips:
            ip("-n", self.network.space(to), "addr", "add", f"{vip}/32", "dev", "eth0")
            self.announce(to, vip)
            ip("-n", self.network.space(other), "addr", "del", f"{vip}/32", "dev", "eth0")
            self.announce(to, vip)

    def announce(self, node, vip):
        """Gratuitous ARP: broadcast 'vip is at my address'."""
        space = self.network.space(node)
        shown = json.loads(subprocess.run(["ip", "-n", space, "-j", "link", "show", "eth0"], capture_output=True, text=True, check=True).stdout)
        mac = bytes.fromhex(shown[0]["address"].replace(":", ""))
        with in_namespace(space), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("eth0", 0))
            address = socket.inet_aton(vip)
            raw.send(b"\xff" * 6 + mac + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01" + mac + address + b"\xff" * 6 + address)


def scratch(name):
    return pathlib.Path(tempfile.mkdtemp(prefix=f"weir-{name}-"))


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)

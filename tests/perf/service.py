"""Control and one node, apart, with quotas for a large tree; what a client of theirs needs, and what can be read of them from outside.

They speak over TCP on loopback, so that the kernel counts the bytes between them (ss).
"""
import http.client
import json
import os
import pathlib
import re
import subprocess
import threading
import time

import tree
from subjects import Process, free_port, harness, wait_for
from signer import sign  # Found since `subjects` is there.

PATIENCE = 120
POLL_SECONDS = 0.005
# Of one load balancer, and of one account: room for those that changes add.
PER_BALANCER, BALANCERS = 2 * tree.PER_BALANCER, 100


class Client(threading.local):
    """Both faces of the API, over one kept connection for each thread."""

    def __init__(self, credentials):
        self.credentials, self.connection = credentials, None

    def open(self):
        self.told = json.loads(pathlib.Path(self.credentials).read_text())
        self.host = self.told["endpoint"].split("//")[1].rstrip("/")
        self.connection = http.client.HTTPConnection(self.host, timeout=60)
        self.headers = {"Authorization": "Bearer " + self.told["token"], "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        return self.send(method, "/weir/v1/" + path, body)[0]

    def timed(self, path, is_signed=False):
        """(answer, seconds until its last byte)."""
        return self.send("GET", ("/v1/regions/local/" if is_signed else "/weir/v1/") + path, None, is_signed=is_signed)

    def send(self, method, path, body, is_signed=False, is_again=False):
        if self.connection is None:
            self.open()
        headers = sign(method, self.host, path, "", (self.told["accessKey"], self.told["secretKey"])) if is_signed else self.headers
        began = time.monotonic()
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except http.client.RemoteDisconnected:
            # As a rule it was idle for longer than the server keeps it. But the call may have been taken: a POST again could make a second object.
            self.connection = None
            if is_again or method == "POST":
                raise
            return self.send(method, path, body, is_signed, is_again=True)
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise
        seconds = time.monotonic() - began
        if answer.status >= 400:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text), seconds

    def create(self, kind, name, **spec):
        return self.call("POST", kind, {**({"name": name} if name else {}), "spec": spec})


class Service:
    def __init__(self, folder):
        self.folder, self.data = folder, folder / "c"
        self.api_port, self.stream_port, self.ops_port = free_port(), free_port(), free_port()
        self.client = Client(self.data / "credentials.json")
        self.control = self.node = None
        quotas = {**{f"lb/{kind}": BALANCERS for kind in ("alb", "nlb", "dnlb")}, **{kind: PER_BALANCER for kind in ("listener", "backend", "tg")}}
        (folder / "weir.yaml").write_text("quotas:\n" + "".join(f"  {name}: {most}\n" for name, most in quotas.items()))

    def launch_control(self):
        self.control = Process([harness.PROGRAM, "control", "--config", self.folder / "weir.yaml", "--data-dir", self.data, "--api-listen",
                                f"127.0.0.1:{self.api_port}", "--stream-listen", f"127.0.0.1:{self.stream_port}", "--log-level", "error"],
                               self.folder / "control.log")

    def wait_control(self):
        wait_for(lambda: self.data.joinpath("credentials.json").exists() and self.client.call("GET", "version"), "control", PATIENCE)

    def launch_node(self):
        self.node = Process([harness.PROGRAM, "node", "--data-dir", self.folder / "n", "--control", f"127.0.0.1:{self.stream_port}", "--node-key",
                             self.data / "node.key", "--node-name", "n1", "--workers", "1", "--ops-listen", f"127.0.0.1:{self.ops_port}",
                             "--log-level", "error"], self.folder / "node.log")

    def stop(self):
        for process in (self.node, self.control):
            if process is not None and process.alive():
                process.kill() if process is self.node else process.stop()

    def end_node(self):
        """As a crash would, and with it its proxy."""
        proxy = harness.descendant(self.node.pid, "proxy")
        self.node.kill()
        if proxy:
            subprocess.run(["kill", "-9", str(proxy)], check=False)

    def revision(self):
        return self.client.call("GET", "listener?pageSize=1")["revision"]

    def applied(self):
        items = self.client.call("GET", "node")["items"]
        return items[0]["status"].get("appliedRevision", 0) if items else 0

    def wait_applied(self, revision):
        deadline = time.monotonic() + PATIENCE
        while self.applied() < revision:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE} s for revision {revision}")
            time.sleep(POLL_SECONDS)

    def pids(self):
        found = {"control": self.control.pid, "node": self.node.pid, "proxy": harness.descendant(self.node.pid, "proxy")}
        return {role: pid for role, pid in found.items() if pid}

    def stream_bytes(self):
        """Bytes that the node has received from control on the connection that stands."""
        shown = subprocess.run(["ss", "-tinH", "state", "established", f"dport = :{self.stream_port}"], capture_output=True, text=True, check=True).stdout
        return sum(int(n) for n in re.findall(r"bytes_received:(\d+)", shown))

    def probes(self):
        """How many the node has made."""
        connection = http.client.HTTPConnection(f"127.0.0.1:{self.ops_port}", timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("weir_target_health_checks_total{"))

    def memory(self):
        """{role: {"resident": bytes now, "most": bytes at its highest}}."""
        found = {}
        for role, pid in self.pids().items():
            lines = pathlib.Path(f"/proc/{pid}/status").read_text()
            found[role] = {name: int(re.search(rf"{key}:\s+(\d+) kB", lines)[1]) * 1024 for name, key in (("resident", "VmRSS"), ("most", "VmHWM"))}
        return found

    def descriptors(self):
        return {role: len(os.listdir(f"/proc/{pid}/fd")) for role, pid in self.pids().items()}


def run_seconds(pids):
    """Processor time that they have had."""
    return sum(int(task.read_text().split()[0]) for pid in pids for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9

"""The programs under measurement, each with one worker, equal settings and a configuration written into its own folder.

Every start is a fresh process, pinned to core 1; what sends and what answers runs on core 0. A health check every 5 s is on where the program
has one. Nothing writes an access log.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402
from harness import Api, Process, children_of, free_port, http_get, wait_for  # noqa: E402

TOOLS = pathlib.Path(os.environ.get("WEIR_BENCH_TOOLS", ROOT / "build" / "release"))
LOAD_CORE, PROXY_CORE = 0, 1
# Addresses of the one target process: several, so that a proxy has something to balance.
TARGETS = [f"127.0.0.{n}" for n in (11, 12, 13, 14)]
IDLE = "1h"
NGINX_STREAM = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


def tree(pid):
    """The process and all below it."""
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue += children_of(found[-1])
    return sorted(found)


def stripped(program, folder):
    """A copy of the program without debug information, which Debian's valgrind cannot read when clang-19 wrote it."""
    program = pathlib.Path(shutil.which(str(program)))
    copy = folder / program.name
    subprocess.run(["llvm-strip-19", "--strip-debug", "-o", str(copy), str(program)], check=True)
    return copy


class Target:
    """The one server behind every proxy."""

    def __init__(self, folder):
        self.port = free_port()
        log = folder / "target.log"
        self.process = Process(pinned(LOAD_CORE, [TOOLS / "bench_target", f"0.0.0.0:{self.port}"]), log)
        wait_for(lambda: "ready" in log.read_text(), "the target")

    def stop(self):
        self.process.kill()


class Subject:
    """One program as one case needs it. `start` returns when a client is served through `address`:`port`."""

    def __init__(self, name, folder, target, protocol, fresh):
        self.name, self.folder, self.target, self.protocol, self.fresh = name, folder / name, target, protocol, fresh
        self.folder.mkdir()
        self.address, self.port, self.process = "127.0.0.1", free_port(), None

    def command(self):
        raise NotImplementedError

    def start(self, prefix=(), patience=harness.PATIENCE):
        """`prefix`: a program to run it under, valgrind for example."""
        command = self.under(prefix, self.command()) if prefix else self.command()
        self.process = Process(pinned(PROXY_CORE, command), self.folder / "log")
        try:
            wait_for(self.answers, self.name, patience)
        except AssertionError:
            print(self.process.tail(), file=sys.stderr)
            self.stop()
            raise

    def under(self, prefix, command):
        return [*prefix, stripped(command[0], self.folder), *command[1:]]

    def answers(self):
        return http_get(self.address, self.port, "/100", timeout=5)[0] == 200

    def processes(self):
        return tree(self.process.pid)

    def stop(self):
        self.process.stop()


class Relay(Subject):
    def command(self):
        command = [TOOLS / "bench_relay", f"{self.address}:{self.port}", *(f"{address}:{self.target.port}" for address in TARGETS)]
        return command + (["--one-answer"] if self.fresh and self.protocol == "http" else [])

    def stop(self):
        self.process.kill()


class HAProxy(Subject):
    def command(self):
        http = self.protocol == "http"
        lines = ["global", "  nbthread 1", "  maxconn 6000", "defaults", f"  mode {self.protocol}", "  timeout connect 5s", f"  timeout client {IDLE}",
                 f"  timeout server {IDLE}", "  maxconn 6000", "  backlog 4096"]
        lines += [f"  timeout http-keep-alive {IDLE}", "  option forwardfor", "  http-reuse always"] if http else []
        lines += ["  option splice-auto"] if self.name == "haproxy-splice" else []
        lines += ["frontend f", f"  bind {self.address}:{self.port}", "  default_backend b", "backend b", "  balance roundrobin"]
        lines += [f"  server t{i} {address}:{self.target.port} check inter 5s" for i, address in enumerate(TARGETS)]
        (self.folder / "haproxy.cfg").write_text("\n".join(lines) + "\n")
        return ["haproxy", "-db", "-q", "-f", self.folder / "haproxy.cfg"]

    def stop(self):
        self.process.kill()


class Nginx(Subject):
    def command(self):
        servers = " ".join(f"server {address}:{self.target.port};" for address in TARGETS)
        part = self.http_part(servers) if self.protocol == "http" else self.stream_part(servers)
        module = f"load_module {NGINX_STREAM};" if self.protocol == "tcp" and NGINX_STREAM.exists() else ""
        (self.folder / "nginx.conf").write_text(
            f"{module}\ndaemon off; user root; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log crit;\n"
            f"worker_rlimit_nofile 20000; events {{ worker_connections 12000; }}\n{part}\n")
        return ["nginx", "-e", self.folder / "error.log", "-p", self.folder, "-c", self.folder / "nginx.conf"]

    def http_part(self, servers):
        return f"""http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout {IDLE}; keepalive_time 24h; proxy_max_temp_file_size 0;
  upstream targets {{ {servers} keepalive 256; keepalive_requests 1000000000; keepalive_time 24h; }}
  server {{
    listen {self.address}:{self.port} backlog=4096;
    location / {{ proxy_pass http://targets; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
                 proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }}
  }}
}}"""

    def stream_part(self, servers):
        return f"stream {{ upstream targets {{ {servers} }}\n server {{ listen {self.address}:{self.port} backlog=4096; proxy_pass targets; proxy_timeout {IDLE}; }} }}"


class Weir(Subject):
    """Started on a copy of a data directory that already holds the load balancer, so that a start creates nothing."""

    prepared = {}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.api_port, self.ops_port = free_port(), free_port()

    def command(self):
        key = (self.protocol, self.target.port)
        if key not in self.prepared:
            self.prepared[key] = self.prepare()
        template, self.address, self.port = self.prepared[key]
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(template, data, ignore=shutil.ignore_patterns("*.sock"))
        return self.up(data)

    def up(self, data):
        return [harness.PROGRAM, "up", "--data-dir", data, "--api-listen", f"127.0.0.1:{self.api_port}", "--ops-listen", f"127.0.0.1:{self.ops_port}",
                "--workers", "1", "--log-level", "error"]

    def under(self, prefix, command):
        """Only the proxy, which alone serves: the node finds a script in its place."""
        script = self.folder / "proxy"
        script.write_text(f'#!/bin/sh\nunset LD_PRELOAD\nexec {shlex.join(map(str, prefix))} {stripped(command[0], self.folder)} "$@"\n')
        script.chmod(0o755)
        return ["env", f"LD_PRELOAD={TOOLS}/bench_preload.so", f"WEIR_BENCH_PROXY={script}", *command]

    def prepare(self):
        """(data directory, address, port) of a load balancer in front of the targets."""
        data = self.folder.parent / f"weir-{self.protocol}"
        process = Process(self.up(data), self.folder / "prepare.log")
        try:
            api = Api(data / "credentials.json")
            wait_for(lambda: (data / "credentials.json").exists() and api.items("node"), "the service")
            kind, protocol = ("alb", "Http") if self.protocol == "http" else ("nlb", "Tcp")
            lb = api.create("lb", "bench", type=kind, subnetId="subnet-default", azs=["local-1a"])
            tg = api.create("tg", "bench", loadBalancerId=lb["id"])
            for address in TARGETS:
                api.create("target", None, targetGroupId=tg["id"], ipAddress=address, port=self.target.port)
            backend = api.create("backend", "bench", loadBalancerId=lb["id"], protocol=protocol, port=80, targetGroupIds=[tg["id"]],
                                 healthCheck={"protocol": "Tcp", "intervalSeconds": 5, "healthyThresholdCount": 1})
            listener = api.create("listener", "bench", loadBalancerId=lb["id"], protocol=protocol, port=self.port, backendId=backend["id"])
            wait_for(lambda: api.get(f"listener/{listener['id']}")["status"]["state"] == "serving", "the listener")
            return data, lb["admin"]["vip"], self.port
        finally:
            process.stop()


def make(name, *arguments):
    kinds = {"relay": Relay, "weir": Weir, "weir-again": Weir, "haproxy": HAProxy, "haproxy-splice": HAProxy, "nginx": Nginx}
    return kinds[name](name, *arguments)


def available(protocol, is_bulk=False):
    """The programs that this machine has; a missing one is named, never left out in silence. HAProxy splices only when told to: in bulk, both ways."""
    names = ["relay", "weir", "haproxy", *(["haproxy-splice"] if is_bulk else []), "nginx", "weir-again"]
    missing = [n for n in names[2:-1] if not shutil.which(n.split("-")[0])]
    if protocol == "tcp" and "nginx" not in missing and not NGINX_STREAM.exists():
        missing.append("nginx")
    for name in missing:
        print(f"not measured: {name} ({protocol}) is not installed")
    return [n for n in names if n not in missing]


def versions():
    """{program: version}."""
    found, commands = {}, {"weir": [harness.PROGRAM, "version"], "haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"]}
    for name, command in commands.items():
        try:
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.\d+[\w.+~-]*", done.stdout + done.stderr)
            found[name] = number.group(0) if number else "?"
        except OSError:
            found[name] = "not installed"
    return found


def build():
    """Which Weir this is: the commit of the tree, whether its sources differ from it, and whether it is the release build."""
    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()
    is_release = harness.PROGRAM == ROOT / "build" / "release" / "weir"
    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if git("status", "--porcelain", "--", "src") else "") + \
        ("" if is_release else ", NOT the release build")

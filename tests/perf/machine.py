"""The machine a measurement ran on, and a network of its own for it.

As root everything runs in a fresh network namespace with nothing but loopback, so that no firewall, no connection tracking and no old TIME_WAIT
of the host takes part, and the congestion control can be chosen without touching the host's.
"""
import os
import pathlib
import platform
import subprocess
import sys
import time

CONGESTION_CONTROL = "cubic"
# Chosen because an idle machine of two cores with its usual services has 99 %.
QUIET_IDLE = 0.95
# Looks at the machine, of two seconds each: what was measured before may still be ending.
QUIET_LOOKS = 8
INSIDE = "WEIR_BENCH_NAMESPACE"


def enter_namespace():
    """Starts this program again inside; returns when there already, or when the machine does not let it."""
    if os.environ.get(INSIDE):
        configure()
        return
    if os.geteuid() != 0:
        print("not root: measured on the host's own loopback, with its congestion control")
        return
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])


def configure():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # So that no program pays for the search after a free port while old connections are in TIME_WAIT.
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("16384 65535")
    try:
        pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").write_text(CONGESTION_CONTROL)
    except OSError:  # A namespace may choose only what the host allows everybody (tcp_allowed_congestion_control).
        print(f"{CONGESTION_CONTROL} is not to be had in a namespace here: all programs run with {setting('ipv4/tcp_congestion_control')}")


def processor():
    names = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def setting(name):
    try:
        return pathlib.Path(f"/proc/sys/net/{name}").read_text().strip()
    except OSError:
        return "?"


def describe():
    """What stands above every table."""
    memory = pathlib.Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0]
    hypervisor = " hypervisor " in pathlib.Path("/proc/cpuinfo").read_text().replace("\n", " ") + " "
    return {"processor": processor(), "cores": os.cpu_count(), "virtual": hypervisor, "memory_mib": int(memory) // 1024, "kernel": platform.release(),
            "congestion_control": setting("ipv4/tcp_congestion_control"), "somaxconn": setting("core/somaxconn"),
            "own_namespace": bool(os.environ.get(INSIDE)), "load_1m": round(os.getloadavg()[0], 2)}


def idle_share(seconds=2.0):
    """Of all cores, over so long."""
    def read():
        figures = [int(n) for n in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return figures[3] + figures[4], sum(figures[:8])
    idle, total = read()
    time.sleep(seconds)
    idle_later, total_later = read()
    return (idle_later - idle) / max(1, total_later - total)


def is_quiet():
    """False, with a word about it, when somebody else is at work here."""
    for _ in range(QUIET_LOOKS):
        share = idle_share()
        if share >= QUIET_IDLE:
            break
    if share < QUIET_IDLE:
        print(f"the machine is not quiet ({100 * share:.0f} % idle before the start): these numbers are not to be quoted")
    return share >= QUIET_IDLE

"""The program under a running node is replaced: a good one takes over, a bad one changes nothing."""
import os
import shutil
import signal
import socket
import stat
import time

from harness import PROGRAM, Apart, Process, remove, scratch, wait_for

import pytest


class Copied(Apart):
    """Its node runs from a copy of the program that a test may replace."""

    name = "copied"

    def start_node(self, wait=True):
        self.copy = self.folder / "weir"
        if not self.copy.exists():
            shutil.copy(PROGRAM, self.copy)
        self.node = Process([self.copy, "node", "--data-dir", self.node_data, "--control", f"unix:{self.data}/stream.sock", "--node-name",
                             "n1", "--workers", "2", "--ops-listen", f"127.0.0.1:{self.ops_port}", "--drain-seconds", "20"],
                            self.folder / "node.log")
        wait_for(lambda: self.api.items("node"), f"the node:\n{self.node.tail()}")

    def replace_program(self, text=None):
        """By a rename, as a package manager does it: the good one again, or a script."""
        fresh = self.folder / "weir.new"
        if text is None:
            shutil.copy(PROGRAM, fresh)
        else:
            fresh.write_text(text)
            fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR)
        os.rename(fresh, self.copy)


@pytest.fixture
def copied(request):
    cluster = Copied(scratch("copied"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        remove(cluster.folder)


def running_service(cluster):
    return cluster.service(cluster.make_targets("http")).wait_healthy()


def image_of(pid):
    return os.readlink(f"/proc/{pid}/exe")


def test_a_new_program_takes_over_in_the_same_process(copied):
    service = running_service(copied)
    node, proxy = copied.pid("node"), copied.pid("proxy")
    copied.replace_program()
    assert image_of(node).endswith("(deleted)")
    load = copied.load("--http", service.endpoint, "--fresh", 50, "--workers", 4, "--rate", 300)
    copied.node.signal(signal.SIGHUP)
    wait_for(lambda: image_of(node) == str(copied.copy), "the new program")
    wait_for(lambda: copied.pid("proxy") not in (None, proxy), "a new proxy")
    assert image_of(copied.pid("proxy")) == str(copied.copy)
    wait_for(lambda: not os.path.exists(f"/proc/{proxy}"), "the old proxy to end")
    report = load.finish()
    assert report["failed"] == 0, report


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\nsleep 1000\n", "no program at all"], ids=["fails", "hangs", "garbage"])
def test_a_program_that_does_not_start_is_refused_within_ten_seconds_and_nothing_changes(copied, text):
    service = running_service(copied)
    node, proxy = copied.pid("node"), copied.pid("proxy")
    copied.replace_program(text)
    load = copied.load("--http", service.endpoint, "--fresh", 50, "--workers", 4, "--rate", 200)
    copied.node.signal(signal.SIGHUP)
    wait_for(lambda: "upgrade refused" in copied.node.tail(100000), "the refusal", 12)
    assert (copied.pid("node"), copied.pid("proxy")) == (node, proxy)
    # A proxy that dies now is replaced by the program that runs, not by the bad file.
    os.kill(proxy, signal.SIGKILL)
    wait_for(lambda: copied.pid("proxy") not in (None, proxy), "a new proxy")
    wait_for(lambda: copied.http(service.vip, service.port)[0] == 200, "an answer")
    report = load.finish()
    assert report["failures"].get("connect", 0) == 0, report


def test_a_stop_that_comes_while_the_new_program_is_checked_is_not_forgotten(copied):
    service = running_service(copied)
    copied.replace_program(f'#!/bin/sh\nsleep 1\nexec {PROGRAM} "$@"\n')
    # A request that is under way keeps the old proxy, and so the node, until after the check.
    with socket.create_connection((service.vip, service.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        time.sleep(0.5)
        copied.node.signal(signal.SIGHUP)
        wait_for(lambda: "checks the new program" in copied.node.tail(100000), "the check")
        copied.node.signal(signal.SIGTERM)
        wait_for(lambda: not copied.node.alive(), "the node to end", 15)
    assert "becomes the new program" not in copied.node.tail(100000)


def test_a_proxy_serves_on_without_its_node_and_hands_its_sockets_to_the_next(copied):
    service = running_service(copied)
    load = copied.load("--http", service.endpoint, "--fresh", 100, "--workers", 4, "--rate", 300)
    for _ in range(3):
        proxy = copied.pid("proxy")
        copied.node.kill()
        time.sleep(0.3)
        assert copied.http(service.vip, service.port)[0] == 200
        copied.start_node()
        wait_for(lambda: not os.path.exists(f"/proc/{proxy}") or zombie(proxy), "the orphan to retire")
    report = load.finish()
    assert report["failed"] == 0, report


def zombie(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_sigterm_lets_running_requests_end_and_exits_with_0(copied):
    service = running_service(copied)
    load = copied.load("--http", service.endpoint, "--fresh", 0, "--workers", 4, "--rate", 200)
    time.sleep(0.5)
    started = time.monotonic()
    assert copied.node.stop() == 0
    assert time.monotonic() - started < 8
    report = load.finish()
    assert set(report["failures"]) <= {"connect"}, report

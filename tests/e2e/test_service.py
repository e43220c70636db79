"""What a service manager and a package see: readiness and reloads by notification, and addresses that a killed node left."""
import signal
import socket
import subprocess

from harness import PROGRAM, Process, has_address, remove, scratch, wait_for
from test_upgrade import Copied

import pytest


class Manager:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(path))
        self.heard = []

    def hear(self):
        while True:
            try:
                self.heard.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.heard

    def count(self, word):
        return sum(word in message.split("\n") for message in self.hear())

    def wait(self, word, count):
        wait_for(lambda: self.count(word) == count, f"{word} number {count}; heard {self.heard}")


@pytest.fixture
def managed(monkeypatch):
    """Control and node of one manager, the node from a copy of the program."""
    cluster = Copied(scratch("managed"))
    cluster.manager = Manager(cluster.folder / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(cluster.folder / "notify"))
    try:
        cluster.start()
        yield cluster
        cluster.stop()
    finally:
        for process in (cluster.node, cluster.control):
            process.kill()
        cluster.manager.socket.close()
        remove(cluster.folder)


def test_control_and_node_say_when_they_are_ready_and_that_they_stop(managed):
    managed.manager.wait("READY=1", 2)
    managed.node.stop()
    managed.manager.wait("STOPPING=1", 1)
    managed.control.stop()
    managed.manager.wait("STOPPING=1", 2)


def test_a_node_is_not_ready_before_it_has_heard_of_control(managed):
    managed.manager.wait("READY=1", 2)
    managed.node.stop()
    managed.control.stop()
    remove(managed.node_data)
    managed.node = Process(managed.node.child.args, managed.folder / "first.log")
    managed.manager.wait(f"STATUS=waits for what control has at unix:{managed.data}/stream.sock", 2)
    wait_for(lambda: "a proxy serves" in managed.node.tail(), "the proxy of a node that knows nothing yet")
    assert managed.manager.count("READY=1") == 2
    managed.start_control()
    managed.manager.wait("READY=1", 4)


def test_a_reload_is_over_when_the_new_program_serves_or_is_refused(managed):
    manager = managed.manager
    manager.wait("READY=1", 2)
    managed.replace_program()
    managed.node.signal(signal.SIGHUP)
    manager.wait("RELOADING=1", 1)
    manager.wait("READY=1", 3)
    managed.replace_program("#!/bin/sh\nexit 1\n")
    managed.node.signal(signal.SIGHUP)
    manager.wait("RELOADING=1", 2)
    manager.wait("READY=1", 4)
    managed.replace_program()


def test_what_a_killed_node_left_on_the_interface_can_be_taken_away(namespaced):
    web = namespaced.service(namespaced.make_targets("http")).wait_healthy()
    space = namespaced.network.space("n1")
    release = ["ip", "netns", "exec", space, str(PROGRAM), "release", "--data-dir", str(namespaced.folder / "n1")]
    refused = subprocess.run(release, capture_output=True, text=True)
    assert refused.returncode == 1 and "in use by another weir node" in refused.stderr, "it may not take them from a node that runs"
    assert has_address(space, web.vip)
    namespaced.nodes["n1"].kill()
    assert has_address(space, web.vip)
    subprocess.run(release, check=True)
    assert not has_address(space, web.vip)
    subprocess.run(release, check=True)
    namespaced.start_node("n1")
    wait_for(lambda: has_address(space, web.vip), "the next node to add it again")

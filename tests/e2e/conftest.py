"""Fixtures: one cluster per test, in each topology that the test asks for."""
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import ROOT, Apart, Namespaced, TwoNodes, Up, remove, scratch  # noqa: E402
from sdk_client import SOURCES, Sdk  # noqa: E402

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root: makes network namespaces")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="faults that last (a flapping target) last for minutes, not seconds")


@pytest.fixture
def is_long(request):
    return request.config.getoption("--long")


def running(kind, request):
    cluster = kind(scratch(kind.name))  # short: a Unix socket's path has at most 107 bytes
    try:
        cluster.start()
        yield cluster
    finally:
        failed = getattr(request.node, "has_failed", False)
        cluster.stop_loads()
        try:
            cluster.stop()
        finally:
            if failed:
                print(cluster.logs())
                print(f"left for a look: {cluster.folder}")
            else:
                remove(cluster.folder)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        # Also for what holds a program that several tests share.
        for node in item.listchain():
            node.has_failed = True


@pytest.fixture(params=[Up, Apart, pytest.param(TwoNodes, marks=needs_root)], ids=["up", "apart", "two_nodes"])
def cluster(request):
    """The program in each of the three topologies."""
    yield from running(request.param, request)


@pytest.fixture
def up(request):
    yield from running(Up, request)


@pytest.fixture
def apart(request):
    yield from running(Apart, request)


@pytest.fixture
def namespaced(request):
    if not IS_ROOT:
        pytest.skip("needs root: makes network namespaces")
    yield from running(Namespaced, request)


@pytest.fixture
def two_nodes(request):
    if not IS_ROOT:
        pytest.skip("needs root: makes network namespaces")
    yield from running(TwoNodes, request)


@pytest.fixture(scope="session")
def sdk_modules():
    """The folder with the official client's packages, as locked."""
    place = ROOT / "build" / "npm"
    lock = (SOURCES / "package-lock.json").read_text()
    done = place / "installed"
    if not done.exists() or done.read_text() != lock:
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, place / name)
        install = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"],
                                 cwd=place, capture_output=True, text=True, timeout=300)
        assert install.returncode == 0, f"npm ci failed (behind a proxy set NODE_EXTRA_CA_CERTS):\n{install.stdout}{install.stderr}"
        done.write_text(lock)
    return place / "node_modules"


@pytest.fixture
def sdk(up, sdk_modules):
    """The official client of a program started with `weir up`."""
    client = Sdk(up, sdk_modules)
    yield client
    client.close()

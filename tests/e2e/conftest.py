"""Fixtures: one cluster per test, in each topology that the test asks for."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import Apart, Namespaced, TwoNodes, Up, remove, scratch  # noqa: E402

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root: makes network namespaces")


def running(kind, request):
    cluster = kind(scratch(kind.name))  # short: a Unix socket's path has at most 107 bytes
    try:
        cluster.start()
        yield cluster
    finally:
        failed = getattr(request.node, "report_call", None)
        try:
            cluster.stop()
        finally:
            if failed is not None and failed.failed:
                print(cluster.logs())
                print(f"left for a look: {cluster.folder}")
            else:
                remove(cluster.folder)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.report_call = outcome.get_result()


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

"""What every test shares: a clean environment, and the real engine for those that ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from lab import cluster as lab_cluster
from lab import images
from lab.cluster import Cluster
from lab.engine import Engine, LabError, new_engine, unavailable

# The machine may be busy: how long an example takes says nothing.
# The same examples on every run: a run tells of the change at hand. STACKC_TEST_RANDOM=1 searches for new ones.
known = not os.environ.get("STACKC_TEST_RANDOM")
settings.register_profile("stackc", deadline=None, print_blob=True, derandomize=known)
settings.load_profile("stackc")


def pytest_configure() -> None:
    """The user's engine, contexts and settings are not to be seen by any test."""
    for name in list(os.environ):
        if name.startswith(("DOCKER_", "COMPOSE_", "STACKC_", "RECONCILER_")) and not name.startswith("STACKC_TEST_"):
            del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the agent name their tasks themselves, and a task's address follows from its name: not side by side.
    Tests of the cluster share one."""
    for item in items:
        if "scenario/agent/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("agent"))
        if "cluster" in getattr(item, "fixturenames", ()):  # five engines: once in a run
            item.add_marker(pytest.mark.xdist_group("cluster"))


def missing(what: str, reason: str) -> None:
    """Ends a test whose surroundings are not there: skipped, or failed where STACKC_TEST_REQUIRE names ``what``."""
    if what in os.environ.get("STACKC_TEST_REQUIRE", "").split(","):
        pytest.fail(f"STACKC_TEST_REQUIRE asks for {what}: {reason}", pytrace=False)
    pytest.skip(f"{what}: {reason}")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A private Docker engine, a swarm of one node, with the image ``process/box:v1`` (busybox). Shared by all tests:
    name what you make after your test and remove it."""
    reason = unavailable()
    if reason is None:
        try:
            started = new_engine()
        except LabError as error:
            reason = str(error)
    if reason is not None:
        missing("engine", reason)
    try:
        images.provide(started, "box", "process/box:v1")
        yield started
    finally:
        started.remove()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A swarm of 3 managers and 2 workers with a registry (``cluster.registry``) and the image ``process/box:v1`` on
    every node. Shared by all tests: name what you make after your test, remove it, and end with ``settle()``."""
    if (reason := lab_cluster.unavailable()) is not None:
        missing("engine", reason)
    if (reason := lab_cluster.impossible()) is not None:
        pytest.skip(reason)
    try:
        started = lab_cluster.new_cluster()
    except LabError as error:
        missing("engine", str(error))
        raise
    try:
        pushed = started.registry.push(images.provided(started.nodes[0], "box"), "box:v1", started.nodes[0])
        for node in started.nodes:
            node.docker("pull", "--quiet", pushed)
            node.docker("tag", pushed, "process/box:v1")
        yield started
    finally:
        started.remove()

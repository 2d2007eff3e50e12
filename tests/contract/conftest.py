"""The managers, one after the other: every contract test runs on Swarm, the oracle, and on the built-in manager."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from differences import BY_DESIGN
from lab.engine import Engine
from lab.managers import BuiltIn, Manager, Scenario

AT_ONCE = 6  # scenarios side by side on one manager: nearly all of their time is waiting


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Scenarios of one manager run side by side in one process, so they have to be handed to one."""
    for item in items:
        manager = getattr(getattr(item, "callspec", None), "params", {}).get("manager")
        if manager is not None:
            item.add_marker(pytest.mark.xdist_group(f"contract-{manager}"))


@pytest.fixture(scope="session", params=[pytest.param("swarm", marks=pytest.mark.engine), "builtin"])
def manager(request: pytest.FixtureRequest) -> Manager:
    found: Manager = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def swarm(engine: Engine) -> Iterator[Manager]:
    made = Manager("swarm", engine.host)
    yield made
    made.transport.close()


@pytest.fixture(scope="session")
def builtin() -> Iterator[Manager]:
    folder = Path(tempfile.mkdtemp(prefix="ct-", dir="/tmp"))  # short: it holds a unix socket
    process = BuiltIn(folder)
    try:
        process.start()
        made = Manager("builtin", process.host)
        yield made
        made.transport.close()
    finally:
        process.stop()
        shutil.rmtree(folder)


@pytest.fixture
def name(request: pytest.FixtureRequest, manager: Manager) -> Iterator[str]:
    """A prefix for the names of this test; what bears it is removed afterwards."""
    made = re.sub(r"\W+", "-", request.node.originalname.removeprefix("test_").lower().replace("_", "-"))[:40].strip(
        "-"
    )
    with manager.tidy(made):
        yield made


@pytest.fixture(autouse=True)
def _known_difference(request: pytest.FixtureRequest) -> None:
    """What the built-in manager does differently by design is named in one place, and is expected to differ."""
    if "builtin" in request.node.name:
        for pattern, reason in BY_DESIGN.items():
            if re.fullmatch(pattern, request.node.name):
                request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture(scope="session")
def outcome(request: pytest.FixtureRequest) -> Iterator[Callable[[Manager, Scenario], Future[None]]]:
    """Runs the scenarios that this test run has selected for a manager side by side; each test asks for its own."""
    pools: dict[str, ThreadPoolExecutor] = {}
    started: dict[tuple[str, Scenario], Future[None]] = {}

    def run(manager: Manager, scenario: Scenario) -> None:
        name = scenario.__name__.replace("_", "-")[:40].strip("-")
        with manager.tidy(name):
            scenario(manager, name)

    def ask(manager: Manager, scenario: Scenario) -> Future[None]:
        if manager.name not in pools:
            pools[manager.name] = ThreadPoolExecutor(AT_ONCE)
            for item in request.session.items:
                parameters = getattr(getattr(item, "callspec", None), "params", {})
                if parameters.get("manager") == manager.name and "scenario" in parameters:
                    other: Scenario = parameters["scenario"]
                    started[manager.name, other] = pools[manager.name].submit(run, manager, other)
        return started[manager.name, scenario]

    yield ask
    for pool in pools.values():
        pool.shutdown(cancel_futures=True)

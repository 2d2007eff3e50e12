"""A bench on each manager: Swarm in the lab, and the built-in one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_bench import Bench, on_manager
from lab.engine import Engine
from lab.managers import BuiltIn


@pytest.fixture(scope="session")
def builtin() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="am-", dir="/tmp"))
    process = BuiltIn(folder)
    try:
        process.start()
        yield process.host
    finally:
        process.stop()
        shutil.rmtree(folder)


@pytest.fixture(params=[pytest.param("swarm", marks=pytest.mark.engine), "builtin"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """On both managers."""
    host = request.getfixturevalue("engine").host if request.param == "swarm" else request.getfixturevalue("builtin")
    with on_manager(host, _name(request)) as made:
        yield made


@pytest.fixture
def swarm(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Bench]:
    """On Swarm only."""
    with on_manager(engine.host, _name(request)) as made:
        yield made


@pytest.fixture
def local(request: pytest.FixtureRequest, builtin: str) -> Iterator[Bench]:
    """On the built-in manager only: for what does not depend on the manager."""
    with on_manager(builtin, _name(request)) as made:
        yield made


def _name(request: pytest.FixtureRequest) -> str:
    return str(request.node.originalname).removeprefix("test_").replace("_", "-")[:24].strip("-")
